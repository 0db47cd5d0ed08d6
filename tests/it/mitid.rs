//! MitID through a certified OpenID Connect provider: who gets in by it, and who does not.

use serde_json::json;

use crate::broker::{Broker, CLIENT_ID, Level, NEZ, NEZ_RENEWED, OLE, Person as Account};
use crate::browser::Browser;
use crate::employee::{log_in, log_in_with_mitid, register_key, register_key_with_code};
use crate::harness::{Gateway, Installation, free_addresses};
use crate::key::{Key, Touch};
use crate::origin::Origin;
use crate::person::{Page, Person};

const PASSWORD: &str = "en lang og god sætning";

#[tokio::test]
async fn the_guide_with_a_certified_broker() {
    let (ward, broker) = Ward::of(&[NEZ]).await;
    let browser = ward.browser_without_key(NEZ, "/citizens/1?tab=notes").await;
    register_key(&browser, "(nez)").await;
    browser.at(&ward.installation.cura("/citizens/1?tab=notes")).await;
    let seen = ward.origin.request("/citizens/1?tab=notes").await;
    assert_eq!(seen.all("X-Sluse-User"), ["nez"]);
    assert_eq!(seen.all("X-Sluse-Level"), ["strong"]);

    let asked = broker.requests().await.remove(0);
    let callback = ward.installation.login("/mitid/callback");
    for (name, value) in [
        ("client_id", CLIENT_ID),
        ("response_type", "code"),
        ("redirect_uri", &callback),
        ("code_challenge_method", "S256"),
        ("prompt", "login"),
        ("ui_locales", "da"),
    ] {
        assert_eq!(asked[name], value, "{name}");
    }
    for unguessable in ["state", "nonce", "code_challenge"] {
        let value = asked[unguessable].as_str().expect("a value");
        assert!(value.len() >= 43, "{unguessable} has fewer than 256 bits: {value}");
    }

    let detail = |event| ward.installation.events(event).remove(0)["detail"].clone();
    assert_eq!(detail("mitid-bound"), json!({ "replaces": false }));
    assert_eq!(detail("mitid-verified")["level"], "substantial");
    let with_client = json!({ "key": "Blå nøgle", "with": "substantial", "client": "Chrome, Linux" });
    assert_eq!(detail("key-registered"), with_client);
}

#[tokio::test]
async fn a_level_too_low_or_absent_raises_nobody() {
    let (ward, broker) = Ward::of(&[NEZ]).await;
    let browser = ward.browser_without_key(NEZ, "/").await;
    for level in [Level::Low, Level::Absent] {
        broker.returns(level).await;
        log_in_with_mitid(&browser, "(nez)").await;
        browser.heading("Sikringsniveau for lavt").await;
        browser.shows("Betydelig").await;
        browser.shows("Fejlkode").await;
        ward.keeps_out(&browser).await;
    }
    assert_eq!(ward.refusals(), ["nez: level-too-low"; 2]);
    assert!(ward.installation.events("mitid-verified").is_empty());
    // The very same, had it been high enough.
    broker.returns(Level::High).await;
    log_in_with_mitid(&browser, "(nez)").await;
    browser.heading("Min identitet").await;
}

#[tokio::test]
async fn the_mitid_of_somebody_else_is_refused_and_switches_nothing() {
    let (ward, _broker) = Ward::of(&[NEZ, OLE]).await;
    let browser = ward.browser_without_key(NEZ, "/").await;
    log_in_with_mitid(&browser, "(ole)").await;
    browser.heading("MitID hører til en anden").await;
    ward.keeps_out(&browser).await;
    browser.open(&ward.installation.login("/me")).await;
    browser.shows(NEZ.name).await;
    assert!(!browser.text().await.contains(OLE.name), "the session is somebody else's now");
    assert_eq!(ward.refusals(), ["nez: wrong-person"]);
    assert!(ward.installation.events("mitid-bound").is_empty());

    // Nor once it is known whose it is.
    let ole = ward.browser_without_key(OLE, "/").await;
    log_in_with_mitid(&ole, "(ole)").await;
    ole.heading("Min identitet").await;
    ward.keeps_out(&browser).await;
    log_in_with_mitid(&browser, "(ole)").await;
    browser.heading("MitID hører til en anden").await;
    ward.keeps_out(&browser).await;
}

#[tokio::test]
async fn a_callback_is_answered_once_and_only_in_the_browser_that_asked() {
    let (ward, broker) = Ward::of(&[NEZ, OLE]).await;
    let (mut nez, page) = ward.person_without_key(NEZ).await;
    let callback = nez.callback(&page, &broker, &NEZ).await;

    let (mut ole, _) = ward.person_without_key(OLE).await;
    let mut nobody = Person::at(&ward.installation);
    for stranger in [&mut ole, &mut nobody] {
        let page = stranger.open(&callback).await;
        assert_eq!((page.reply.status, &*page.heading()), (400, "Der gik for lang tid"));
    }
    assert_eq!(broker.token_requests().await, 0, "a stranger's callback was taken to the broker");

    assert_eq!(nez.open(&callback).await.heading(), "Min identitet");
    assert_eq!(broker.token_requests().await, 1);
    let page = nez.open(&callback).await;
    assert_eq!((page.reply.status, &*page.heading()), (400, "Der gik for lang tid"));
    assert_eq!(broker.token_requests().await, 1, "a used callback was taken to the broker");
    let unknown = ["ole: callback-unknown", "nobody: callback-unknown", "nez: callback-unknown"];
    assert_eq!(ward.refusals(), unknown);
    assert_eq!(ward.installation.events("mitid-verified").len(), 1);
}

#[tokio::test]
async fn a_callback_raises_nobody_who_signed_in_after_it_was_asked_for() {
    let (ward, broker) = Ward::of(&[NEZ, OLE]).await;
    let (mut person, page) = ward.person_without_key(NEZ).await;
    let callback = person.callback(&page, &broker, &NEZ).await;
    // Nez goes, Ole comes: the same browser.
    person.submit(&page, "/logout", &[]).await;
    let page = person.open(&ward.installation.cura("/")).await;
    let page = person.log_in(&page, OLE.user, PASSWORD).await;
    assert_eq!(page.heading(), "Ingen 2-faktor enheder registreret");
    let page = person.open(&callback).await;
    assert_eq!((page.reply.status, &*page.heading()), (400, "Der gik for lang tid"));
    assert_eq!(ward.refusals(), ["ole: another-session"]);
    assert_eq!(broker.token_requests().await, 0);
}

#[tokio::test]
async fn a_broker_that_stops_midway_raises_nobody() {
    let (ward, broker) = Ward::of(&[NEZ]).await;
    let (mut nez, page) = ward.person_without_key(NEZ).await;
    let callback = nez.callback(&page, &broker, &NEZ).await;
    drop(broker);
    let page = nez.open(&callback).await;
    assert_eq!((page.reply.status, &*page.heading()), (503, "MitID svarer ikke"));
    let page = nez.open(&ward.installation.cura("/closed")).await;
    assert_eq!(page.heading(), "Ingen 2-faktor enheder registreret");
    assert_eq!(ward.refusals(), ["nez: broker-unreachable"]);
}

#[tokio::test]
async fn giving_up_at_the_broker_leads_to_a_second_try() {
    let (ward, broker) = Ward::of(&[NEZ]).await;
    let browser = ward.browser_without_key(NEZ, "/later").await;
    browser.button("Log ind med MitID").await.click().await;
    browser.button("Afbryd").await.click().await;
    browser.heading("Du afbrød MitID").await;
    assert_eq!(ward.installation.events("mitid-aborted").remove(0)["username"], "nez");
    assert_eq!(broker.token_requests().await, 0);

    browser.button("Prøv igen").await.click().await;
    browser.button_with("(nez)").await.click().await;
    browser.heading("Min identitet").await;
    browser.link("Fortsæt til Cura").await.click().await;
    browser.at(&ward.installation.cura("/later")).await;
}

#[tokio::test]
async fn with_the_broker_down_password_and_key_still_work() {
    let origin = Origin::echo().await;
    let [nobody] = free_addresses();
    let installation = Installation::with_issuer(&origin, &format!("http://{nobody}"));
    let ward = Ward::start(origin, installation, &[NEZ]).await;
    let code = ward.installation.invite(&NEZ);
    let browser = ward.browser_without_key(NEZ, "/with-a-code").await;
    browser.button("Log ind med MitID").await.click().await;
    browser.heading("MitID svarer ikke").await;
    assert_eq!(ward.refusals(), ["nez: broker-unreachable"]);

    browser.back().await;
    let key = register_key_with_code(&browser, &code).await;
    browser.at(&ward.installation.cura("/with-a-code")).await;
    let credential = key.credential().await;

    let other = Browser::start().await;
    other.open(&ward.installation.cura("/with-the-key")).await;
    let key = Key::plug_in(&other, Touch::Present).await;
    key.import(&credential).await;
    log_in(&other, NEZ.user, PASSWORD).await;
    other.at(&ward.installation.cura("/with-the-key")).await;
    ward.origin.request("/with-the-key").await;
}

#[tokio::test]
async fn a_new_mitid_of_the_same_person_takes_the_place_of_the_old() {
    let (ward, _broker) = Ward::of(&[NEZ]).await;
    for mitid in [NEZ, NEZ_RENEWED] {
        let browser = ward.browser_without_key(NEZ, "/").await;
        log_in_with_mitid(&browser, &format!("({})", mitid.user)).await;
        browser.heading("Min identitet").await;
    }
    let bound = ward.installation.events("mitid-bound");
    let told: Vec<_> = bound.iter().map(|row| (&row["username"], &row["detail"])).collect();
    let (first, second) = (json!({ "replaces": false }), json!({ "replaces": true }));
    assert_eq!(told, [(&json!("nez"), &first), (&json!("nez"), &second)]);
}

#[tokio::test]
async fn an_account_without_a_cpr_number_is_nobodys_by_mitid() {
    let (ward, _broker) = Ward::of(&[Account { cpr: None, ..NEZ }]).await;
    let browser = ward.browser_without_key(NEZ, "/").await;
    log_in_with_mitid(&browser, "(nez)").await;
    browser.heading("Ukendt bruger").await;
    browser.shows("Kontakt servicedesk").await;
    ward.keeps_out(&browser).await;
    assert_eq!(ward.refusals(), ["nez: no-cpr"]);
    assert!(ward.installation.events("mitid-bound").is_empty());
}

#[tokio::test]
async fn mitid_first_and_the_password_after_it() {
    let (ward, _broker) = Ward::of(&[NEZ]).await;
    let browser = ward.browser_without_key(NEZ, "/").await;
    register_key(&browser, "(nez)").await;

    let other = Browser::start().await;
    other.open(&ward.installation.cura("/ward?bed=4")).await;
    other.link("MitID").await.click().await;
    log_in_with_mitid(&other, "(ole)").await;
    other.heading("Ukendt bruger").await;
    other.open(&ward.installation.cura("/ward?bed=4")).await;
    other.link("MitID").await.click().await;
    log_in_with_mitid(&other, "(nez)").await;
    // Who they are is known, and `strong` asks for the password all the same.
    other.shows(NEZ.name).await;
    other.field("Kodeord").await;
    // The browser is new, and known from now on.
    let told = || ward.installation.events("browser-new").len();
    assert_eq!(told(), 2);
    assert!(ward.origin.received().iter().all(|seen| seen.target() != "/ward?bed=4"));
    log_in(&other, NEZ.user, PASSWORD).await;
    other.at(&ward.installation.cura("/ward?bed=4")).await;
    ward.origin.request("/ward?bed=4").await;
    assert_eq!(told(), 2);
    assert_eq!(ward.refusals(), ["nobody: unknown-person"]);
}

/// Cura behind a gateway, and the people who work there.
struct Ward {
    origin: Origin,
    installation: Installation,
    _gateway: Gateway,
}

impl Ward {
    async fn of(people: &[Account]) -> (Self, Broker) {
        let origin = Origin::echo().await;
        let (installation, broker) = Installation::with_broker(&origin).await;
        (Self::start(origin, installation, people).await, broker)
    }

    async fn start(origin: Origin, installation: Installation, people: &[Account]) -> Self {
        for person in people {
            installation.enrol(person, PASSWORD);
        }
        let _gateway = installation.serve().await;
        Self { origin, installation, _gateway }
    }

    /// A fresh browser on the way to `target` in Cura, after the password of somebody who has no key.
    async fn browser_without_key(&self, person: Account, target: &str) -> Browser {
        let browser = Browser::start().await;
        browser.open(&self.installation.cura(target)).await;
        log_in(&browser, person.user, PASSWORD).await;
        browser.heading("Ingen 2-faktor enheder registreret").await;
        browser
    }

    /// As [`Self::browser_without_key`], one request at a time; and the page they are at.
    async fn person_without_key(&self, account: Account) -> (Person, Page) {
        let mut person = Person::at(&self.installation);
        let page = person.open(&self.installation.cura("/")).await;
        let page = person.log_in(&page, account.user, PASSWORD).await;
        assert_eq!(page.heading(), "Ingen 2-faktor enheder registreret");
        (person, page)
    }

    /// Cura is as closed to the browser as to anybody with only a password.
    async fn keeps_out(&self, browser: &Browser) {
        browser.open(&self.installation.cura("/closed")).await;
        browser.heading("Ingen 2-faktor enheder registreret").await;
        assert!(self.origin.received().iter().all(|seen| seen.target() != "/closed"));
    }

    /// Whose MitID was refused, and why, oldest first; every row says from where and under which code.
    fn refusals(&self) -> Vec<String> {
        let rows = self.installation.events("mitid-refused");
        assert!(rows.iter().all(|row| row["address"] == "127.0.0.1" && row["correlation"] != ""));
        let told = rows.iter().map(|row| {
            let user = row["username"].as_str().unwrap_or("nobody");
            format!("{user}: {}", row["detail"]["reason"].as_str().expect("every refusal has a reason"))
        });
        told.collect()
    }
}
