//! A session that is about to end by idleness says so, and can be kept; asking for how long it lives keeps nothing.

use std::time::Duration;

use serde_json::json;

use crate::broker::NEZ;
use crate::browser::Browser;
use crate::employee::log_in;
use crate::harness::Installation;
use crate::in_process::InProcess;
use crate::origin::Origin;
use crate::person::Person;

const PASSWORD: &str = "en lang og god sætning";
const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn asking_is_no_activity_and_staying_is() {
    let origin = Origin::echo().await;
    let installation = Installation::new(&origin);
    let gateway = InProcess::serve(&installation).await;
    installation.enrol(&NEZ, PASSWORD);
    let mut nez = Person::let_in(&installation, &NEZ, PASSWORD).await;
    for host in ["login.localhost", "cura.localhost"] {
        let at = |path: &str| installation.url(host, path);
        assert_eq!(nez.get(&at("/.sluse/idle")).await.json()["ends_in"], 900, "{host}");
        gateway.after(10 * MINUTE);
        assert_eq!(nez.get(&at("/.sluse/idle")).await.json()["ends_in"], 300, "{host}");
        if host == "cura.localhost" {
            assert_eq!(nez.get(&at("/.sluse/session")).await.json()["idle"], 600, "{host}");
        }
        assert_eq!(
            nez.get(&at("/.sluse/idle")).await.json()["ends_in"],
            300,
            "{host}: asking changes nothing"
        );
        assert_eq!(nez.post(&at("/.sluse/idle"), &[], "").await.json()["ends_in"], 900, "{host}");
    }
    for _ in 0..5 {
        gateway.after(3 * MINUTE);
        nez.get(&installation.cura("/.sluse/idle")).await;
        nez.get(&installation.cura("/.sluse/session")).await;
    }
    assert_eq!(nez.get(&installation.cura("/.sluse/idle")).await.status, 401);
    assert_eq!(nez.get(&installation.cura("/")).await.status, 303, "polling kept nothing alive");
}

#[tokio::test]
async fn another_site_keeps_nobody_in() {
    let origin = Origin::echo().await;
    let installation = Installation::new(&origin);
    let gateway = InProcess::serve(&installation).await;
    installation.enrol(&NEZ, PASSWORD);
    let mut nez = Person::let_in(&installation, &NEZ, PASSWORD).await;
    gateway.after(10 * MINUTE);
    let foreign = [("Origin", "https://evil.example"), ("Sec-Fetch-Site", "cross-site")];
    assert_eq!(nez.send("POST", &installation.cura("/.sluse/idle"), &foreign, "").await.status, 403);
    assert_eq!(nez.get(&installation.cura("/.sluse/idle")).await.json()["ends_in"], 300);
}

/// The page asks again when it is looked at again; here it is told that it is.
const LOOK: &str = "dispatchEvent(new Event('visibilitychange'))";

#[tokio::test]
async fn a_page_warns_stays_and_goes() {
    let origin = Origin::echo().await;
    let installation = Installation::new(&origin);
    let gateway = InProcess::serve(&installation).await;
    installation.enrol(&NEZ, PASSWORD);
    let browser = Browser::start().await;
    browser.open(&installation.login("/me")).await;
    log_in(&browser, NEZ.user, PASSWORD).await;
    browser.heading("Min identitet").await;
    browser.wait_until("the script to have asked", ASKED, "").await;
    let shown = "return document.getElementById('sluse-idle')?.open === (arguments[0] === 'open')";

    gateway.after(14 * MINUTE + Duration::from_secs(20));
    browser.execute(LOOK, json!([])).await;
    browser.wait_until("the warning", shown, "open").await;
    let dialog = browser.find("#sluse-idle").await;
    assert_eq!(dialog.attribute("role").await.as_deref(), Some("alertdialog"));
    browser.shows("Du bliver logget ud om").await;
    browser.picture("idle").await;
    let focus = browser.execute("return document.activeElement.textContent", json!([])).await;
    assert_eq!(focus, "Fortsæt", "it is one key away");
    browser.button("Fortsæt").await.click().await;
    browser.wait_until("the warning to be gone", shown, "closed").await;

    gateway.after(14 * MINUTE + Duration::from_secs(20));
    browser.execute(LOOK, json!([])).await;
    browser.wait_until("the warning, since a minute is left again", shown, "open").await;
    gateway.after(MINUTE);
    browser.execute(LOOK, json!([])).await;
    browser.heading("Du er logget ud").await;
    assert!(!browser.text().await.contains(NEZ.name));
    browser.back().await;
    browser.heading("Login").await;
}

const ASKED: &str = "return performance.getEntriesByName(location.origin + '/.sluse/idle').length > 0";
