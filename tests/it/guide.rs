//! The guide, word for word in Danish, in a real browser against `sluse demo`.

use crate::browser::Browser;
use crate::employee::{log_in, register_key};
use crate::harness::Demo;
use crate::key::{Key, Touch};

const USER: &str = "nez";
const PASSWORD: &str = "sluse-demo-2026";

#[tokio::test]
async fn from_the_front_page_to_cura() {
    let demo = Demo::start().await;
    let browser = Browser::start().await;
    browser.open(&demo.login("/")).await;
    let login = browser.action("Login").await;
    browser.picture("front").await;
    login.click().await;
    log_in_by_the_guide(&browser).await;
    register_key(&browser, USER).await;
    browser.at(&demo.cura("/")).await;
    shows_who_is_logged_in(&browser, "/").await;
}

#[tokio::test]
async fn from_an_address_in_cura_back_to_that_address() {
    let demo = Demo::start().await;
    let target = "/citizens/1?tab=notes";
    let first = Browser::start().await;
    first.open(&demo.cura(target)).await;
    log_in_by_the_guide(&first).await;
    let credential = register_key(&first, USER).await;
    first.at(&demo.cura(target)).await;
    shows_who_is_logged_in(&first, target).await;
    drop(first);

    // From then on: password, touch, in.
    let second = Browser::start().await;
    second.open(&demo.cura(target)).await;
    let key = Key::plug_in(&second, Touch::Present).await;
    key.import(&credential).await;
    log_in_by_the_guide(&second).await;
    second.at(&demo.cura(target)).await;
    shows_who_is_logged_in(&second, target).await;
    assert!(key.credential().await.sign_count() > credential.sign_count(), "the key was touched");
}

#[tokio::test]
async fn without_the_key_the_password_alone_does_not_open_cura() {
    let demo = Demo::start().await;
    let first = Browser::start().await;
    first.open(&demo.cura("/")).await;
    log_in_by_the_guide(&first).await;
    register_key(&first, USER).await;
    drop(first);

    let second = Browser::start().await;
    let _untouched = Key::plug_in(&second, Touch::Missing).await;
    second.open(&demo.cura("/")).await;
    log_in_by_the_guide(&second).await;
    second.heading("Anvend hardwarenøgle").await;
    second.picture("use-the-key").await;
    second.open(&demo.cura("/")).await;
    second.heading("Anvend hardwarenøgle").await;
}

#[tokio::test]
async fn giving_up_at_mitid_leads_back_and_lets_nobody_in() {
    let demo = Demo::start().await;
    let browser = Browser::start().await;
    browser.open(&demo.cura("/")).await;
    log_in_by_the_guide(&browser).await;
    browser.heading("Ingen 2-faktor enheder registreret").await;
    browser.action("Log ind med MitID").await.click().await;
    browser.action("Afbryd").await.click().await;
    browser.heading("Du afbrød MitID").await;
    browser.open(&demo.cura("/")).await;
    browser.heading("Ingen 2-faktor enheder registreret").await;
}

/// The form, with everything on it that the guide shows.
async fn log_in_by_the_guide(browser: &Browser) {
    browser.action("Brugerkonto").await;
    browser.action("MitID").await;
    browser.action("Afbryd login").await;
    browser.link("Glemt kodeord eller låst ude?").await;
    browser.field("Husk brugernavn").await;
    log_in(browser, USER, PASSWORD).await;
}

/// Cura's stand-in says whom the gateway let in, and where to.
async fn shows_who_is_logged_in(browser: &Browser, path: &str) {
    browser.shows("Logget ind som").await;
    browser.picture("cura").await;
    browser.shows(USER).await;
    browser.shows(path).await;
}
