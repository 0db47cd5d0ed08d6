//! The same in Chromium, with its virtual authenticators.

use super::*;
use crate::browser::Browser;
use crate::employee::{log_in, start_registration};
use crate::harness::Gateway;
use crate::key::{Key, Touch};

async fn ward(setting: &str) -> (Origin, Installation, Gateway) {
    let origin = Origin::echo().await;
    let installation = Installation::new(&origin);
    installation.policy("cura", &policy(&origin, "key(pin)"));
    installation.change("sluse.yaml", "localhost }", &format!("localhost{setting} }}"));
    installation.enrol(&Account { cpr: None, ..NEZ }, PASSWORD);
    let gateway = installation.serve().await;
    (origin, installation, gateway)
}

/// From a password and a code to Cura: the key is asked for its PIN at once.
async fn register<'a>(browser: &'a Browser, installation: &Installation, key: Key<'a>) -> Key<'a> {
    browser.open(&installation.cura("/")).await;
    browser.link("Log ind med kodeord").await.click().await;
    log_in(browser, NEZ.user, PASSWORD).await;
    start_registration(browser, &installation.invite(&NEZ)).await;
    browser.button("Start registrering").await.click().await;
    browser.at(&installation.cura("/")).await;
    key
}

#[tokio::test]
async fn a_carer_types_the_name_touches_and_is_in() {
    let (origin, installation, _gateway) = ward("").await;
    let first = Browser::start().await;
    let key = Key::plug_in(&first, Touch::Verified).await;
    let key = register(&first, &installation, key).await;
    let credential = key.credential().await;

    let browser = Browser::start().await;
    let key = Key::plug_in(&browser, Touch::WrongPin).await;
    key.import(&credential).await;
    let target = installation.cura("/citizens/7");
    browser.open(&target).await;
    browser.field("Brugernavn").await.write(NEZ.user).await;
    browser.picture("login-by-key").await;
    browser.button(BUTTON).await.click().await;
    browser.heading("Anvend hardwarenøgle").await;
    // The page has tried by itself.
    browser.find("#start:enabled").await.click().await;
    browser.shows("Nøglen blev ikke brugt i tide, eller der blev trykket annuller.").await;
    assert!(origin.received().iter().all(|seen| !seen.target().contains("citizens")));
    key.verify_user(true).await;
    browser.button("Prøv igen").await.click().await;
    browser.at(&target).await;
    let seen = origin.request("/citizens/7").await;
    assert_eq!(seen.header("x-sluse-user").as_deref(), Some("nez"));

    browser.open(&installation.cura("/journal")).await;
    browser.heading("Skriv dit kodeord").await;
    browser.field("Kodeord").await.write(PASSWORD).await;
    browser.picture("password-too").await;
    browser.button("Fortsæt").await.click().await;
    browser.at(&installation.cura("/journal")).await;
}

#[tokio::test]
async fn a_key_that_knows_its_owner_needs_no_name() {
    let (origin, installation, _gateway) = ward(", discoverable: true").await;
    let browser = Browser::start().await;
    let key = Key::plug_in_discoverable(&browser).await;
    let _key = register(&browser, &installation, key).await;
    browser.open(&installation.login("/me")).await;
    browser.button("Log ud").await.click().await;
    browser.open(&installation.cura("/citizens/7")).await;
    browser.button(BUTTON).await.click().await;
    browser.at(&installation.cura("/citizens/7")).await;
    let seen = origin.request("/citizens/7").await;
    assert_eq!(seen.header("x-sluse-user").as_deref(), Some("nez"));
}
