//! Danish or English: as the browser asks, or as the person chose.

use crate::broker::NEZ;
use crate::browser::Browser;
use crate::harness::Installation;
use crate::key::{Key, Touch};
use crate::origin::Origin;

const PASSWORD: &str = "en lang og god sætning";

#[tokio::test]
async fn the_guide_in_english() {
    let origin = Origin::echo().await;
    let (installation, _broker) = Installation::with_broker(&origin).await;
    installation.enrol(&NEZ, PASSWORD);
    let _gateway = installation.serve().await;
    let browser = Browser::preferring("en").await;
    browser.open(&installation.cura("/ward?bed=4")).await;
    browser.heading("Log in").await;
    speaks(&browser, "en").await;
    for label in ["User account", "MitID", "Forgotten password or locked out?", "Cancel login"] {
        browser.link(label).await;
    }
    browser.field("Remember username").await;
    browser.field("Username").await.write(NEZ.user).await;
    browser.field("Password").await.write(PASSWORD).await;
    browser.button("Log in").await.click().await;
    browser.heading("No two-factor devices registered").await;
    browser.button("Log in with MitID").await.click().await;
    browser.button_with("(nez)").await.click().await;
    browser.heading("My identity").await;
    browser.link("Add security key").await.click().await;
    browser.field("Name of client").await.write("Blue key").await;
    browser.button("Register client").await.click().await;
    browser.button("Start registration").await;
    let _key = Key::plug_in(&browser, Touch::Present).await;
    browser.button("Start registration").await.click().await;
    browser.heading("Registration complete").await;
    speaks(&browser, "en").await;
    browser.at(&installation.cura("/ward?bed=4")).await;
}

#[tokio::test]
async fn a_chosen_language_sticks_and_loses_nothing() {
    let origin = Origin::echo().await;
    let (installation, broker) = Installation::with_broker(&origin).await;
    installation.enrol(&NEZ, PASSWORD);
    let _gateway = installation.serve().await;
    let browser = Browser::preferring("en").await;
    browser.open(&installation.cura("/ward?bed=4&lang=nb")).await;
    browser.heading("Log in").await;
    browser.link("MitID").await.click().await;
    browser.button("Log in with MitID").await;

    browser.link("Dansk").await.click().await;
    let mitid = browser.button("Log ind med MitID").await;
    speaks(&browser, "da").await;
    assert!(!browser.url().await.contains("lang=da"), "the choice stands in the address");
    mitid.click().await;
    browser.button_with("(nez)").await.click().await;
    browser.link("Fortsæt til Cura").await.click().await;
    browser.field("Brugernavn").await.write(NEZ.user).await;
    browser.field("Kodeord").await.write(PASSWORD).await;
    browser.button("Login").await.click().await;
    browser.at(&installation.cura("/ward?bed=4&lang=nb")).await;
    origin.request("/ward?bed=4&lang=nb").await;

    let told: Vec<_> = broker.requests().await.iter().map(|asked| asked["ui_locales"].clone()).collect();
    assert_eq!(told, ["da"], "the broker was asked to speak another language");

    browser.open(&installation.login("/me")).await;
    browser.heading("Min identitet").await;
    browser.link("English").await.click().await;
    browser.heading("My identity").await;
    browser.at(&installation.login("/me")).await;
}

/// The page says its language to screen readers, and offers the other.
async fn speaks(browser: &Browser, language: &str) {
    assert_eq!(browser.find("html").await.attribute("lang").await.as_deref(), Some(language));
}
