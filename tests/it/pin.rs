//! `key(pin)`: a key that also verified its user. A touch alone is not enough, and is asked for again with the
//! PIN.

use sluse::authn::authenticator::flag;

use crate::broker::{NEZ, Person as Account};
use crate::browser::Browser;
use crate::employee::{log_in, start_registration};
use crate::harness::{CURA, Gateway, Installation};
use crate::key::{Key, Touch};
use crate::origin::Origin;
use crate::person::Person;

const PASSWORD: &str = "en lang og god sætning";

#[tokio::test]
async fn where_a_pin_is_asked_for_a_touch_is_not_enough() {
    let (origin, installation, _gateway) = ward().await;
    let browser = Browser::start().await;
    browser.open(&installation.cura("/")).await;
    log_in(&browser, NEZ.user, PASSWORD).await;
    start_registration(&browser, &installation.invite(&NEZ)).await;
    let key = Key::plug_in(&browser, Touch::Verified).await;
    browser.button("Start registrering").await.click().await;
    browser.at(&installation.cura("/")).await;

    key.verify_user(false).await;
    browser.open(&installation.cura("/citizens/7/export?format=pdf")).await;
    browser.heading("Anvend hardwarenøgle").await;
    // The page has tried by itself, and now leaves it to the person.
    browser.find("#start:enabled").await.click().await;
    browser.shows("Nøglen blev ikke brugt i tide, eller der blev trykket annuller.").await;
    assert!(origin.received().iter().all(|seen| !seen.target().contains("export")));

    key.verify_user(true).await;
    browser.button("Prøv igen").await.click().await;
    browser.at(&installation.cura("/citizens/7/export?format=pdf")).await;
    origin.request("/citizens/7/export?format=pdf").await;
    let touches = installation.events("key-verified");
    let verified: Vec<_> = touches.iter().map(|row| row["detail"]["user_verified"].clone()).collect();
    assert_eq!(verified, [false, true], "the first touch asked for a PIN, or the second did not");
}

#[tokio::test]
async fn a_key_that_skips_the_pin_is_refused() {
    let (origin, installation, _gateway) = ward().await;
    let mut nez = Person::let_in(&installation, &NEZ, PASSWORD).await;
    let target = installation.cura("/citizens/7/export");
    let page = nez.open(&target).await;
    assert!(page.options().contains(r#""userVerification":"required""#), "{}", page.options());
    let page = nez.touch(&page).await;
    assert_eq!(page.reply.status, 400);
    let refused = installation.events("key-refused").remove(0);
    assert_eq!(refused["detail"]["reason"], "user-not-verified");
    let page = nez.open(&target).await;
    assert_eq!(page.heading(), "Anvend hardwarenøgle");
    assert!(origin.received().iter().all(|seen| !seen.target().contains("export")));

    nez.key.flags |= flag::USER_VERIFIED;
    let page = nez.touch(&page).await;
    assert_eq!((page.url, page.reply.status), (target, 200));
}

async fn ward() -> (Origin, Installation, Gateway) {
    let origin = Origin::echo().await;
    let installation = Installation::new(&origin);
    let export =
        "  - name: export\n    match: { path: /citizens/*/export }\n    require: { level: key(pin) }\n";
    let policy = CURA.replace("UPSTREAM", &origin.url());
    installation.policy("cura", &policy.replace("rules:\n", &format!("rules:\n{export}")));
    installation.enrol(&Account { cpr: None, ..NEZ }, PASSWORD);
    let gateway = installation.serve().await;
    (origin, installation, gateway)
}
