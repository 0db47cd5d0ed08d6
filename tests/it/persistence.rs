//! What has been acknowledged is on disk: a power cut loses no account, no key and no session, and leaves
//! nothing that lets anybody in.

use crate::broker::{NEZ, OLE};
use crate::browser::Browser;
use crate::employee::{log_in, register_key};
use crate::harness::Installation;
use crate::key::{Key, Touch};
use crate::origin::Origin;

const PASSWORD: &str = "en lang og god sætning";

#[tokio::test]
async fn a_session_and_a_key_outlive_a_power_cut() {
    let origin = Origin::echo().await;
    let (installation, _broker) = Installation::with_broker(&origin).await;
    enrol(&installation);
    let gateway = installation.serve().await;
    let first = Browser::start().await;
    first.open(&installation.cura("/before")).await;
    log_in(&first, NEZ.user, PASSWORD).await;
    let credential = register_key(&first, "(nez)").await;
    first.at(&installation.cura("/before")).await;
    gateway.kill();

    let _gateway = installation.serve().await;
    first.open(&installation.cura("/after")).await;
    first.at(&installation.cura("/after")).await;
    origin.request("/after").await;

    let second = Browser::start().await;
    let key = Key::plug_in(&second, Touch::Present).await;
    second.open(&installation.cura("/second")).await;
    key.import(&credential).await;
    log_in(&second, NEZ.user, PASSWORD).await;
    second.at(&installation.cura("/second")).await;
    origin.request("/second").await;
}

#[tokio::test]
async fn a_logged_out_session_stays_out_after_a_power_cut() {
    let origin = Origin::echo().await;
    let (installation, _broker) = Installation::with_broker(&origin).await;
    enrol(&installation);
    let gateway = installation.serve().await;
    let browser = Browser::start().await;
    browser.open(&installation.cura("/")).await;
    log_in(&browser, NEZ.user, PASSWORD).await;
    register_key(&browser, "(nez)").await;
    browser.at(&installation.cura("/")).await;
    let cookies = browser.cookies().await;
    browser.open(&installation.cura("/.sluse/logout")).await;
    browser.button("Log ud").await.click().await;
    browser.heading("Du er logget ud").await;
    gateway.kill();

    let _gateway = installation.serve().await;
    // As somebody would who kept the cookies from before.
    browser.open(&installation.cura("/assets/a")).await;
    for mut cookie in cookies {
        // A `__Host-` cookie has no domain to name (RFC 6265bis, 4.1.3.2).
        if let Some(fields) = cookie.as_object_mut() {
            fields.remove("domain");
        }
        browser.post("cookie", serde_json::json!({ "cookie": cookie })).await;
    }
    browser.open(&installation.cura("/stolen")).await;
    browser.field("Brugernavn").await;
    assert!(origin.received().iter().all(|request| request.target() != "/stolen"));
}

#[tokio::test]
async fn a_key_removed_before_a_power_cut_stays_removed() {
    let origin = Origin::echo().await;
    let (installation, _broker) = Installation::with_broker(&origin).await;
    enrol(&installation);
    let gateway = installation.serve().await;
    let browser = Browser::start().await;
    browser.open(&installation.cura("/")).await;
    log_in(&browser, NEZ.user, PASSWORD).await;
    register_key(&browser, "(nez)").await;
    browser.at(&installation.cura("/")).await;
    browser.open(&installation.login("/me")).await;
    browser.action("Slet enhed").await.click().await;
    browser.button("Slet enhed").await.click().await;
    browser.shows("Enheden er slettet.").await;
    gateway.kill();

    let _gateway = installation.serve().await;
    let other = Browser::start().await;
    other.open(&installation.cura("/")).await;
    log_in(&other, NEZ.user, PASSWORD).await;
    other.heading("Ingen 2-faktor enheder registreret").await;
}

#[tokio::test]
async fn asked_to_stop_it_ends_in_good_order() {
    let installation = Installation::new(&Origin::echo().await);
    let gateway = installation.serve().await;
    assert!(gateway.terminate().await.success());
}

fn enrol(installation: &Installation) {
    for person in [NEZ, OLE] {
        installation.enrol(&person, PASSWORD);
    }
}
