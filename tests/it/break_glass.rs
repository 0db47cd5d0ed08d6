//! *Nødadgang*: who may, says why, touches a key and is in for half an hour, at that host, by that rule. All of it
//! is told, and nothing else of the policy gives way.

mod attacks;

use std::time::Duration;

use serde_json::Value;

use crate::broker::{NEZ, OLE, Person as Account};
use crate::browser::Browser;
use crate::employee::{log_in, register_key_with_code};
use crate::harness::{CURA, Installation};
use crate::in_process::InProcess;
use crate::origin::{Answer, Origin, Received};
use crate::person::{Page, Person, SESSION};
use crate::raw::Reply;

const PASSWORD: &str = "en lang og god sætning";
const MINUTE: Duration = Duration::from_secs(60);
const WHY: &str = "Borgeren er faldet, og jeg er den nærmeste";
const HOST: &str = "cura.localhost";

const RULES: &str = "deny:
  - { name: closed, match: { path: /journal/closed } }
rules:
  - name: journal
    match: { path: /journal/** }
    require: { groups: [north] }
    break_glass: { groups: [care-staff], text: { da: Journaler i andre enheder, en: Journals of other units } }
  - name: medication
    match: { path: /medication/** }
    require: { groups: [north], fresh: 5m }
    break_glass: { groups: [care-staff] }
  - name: chiefs
    match: { path: /chiefs }
    require: { groups: [chiefs] }
    break_glass: { groups: [north] }
";

/// Two hosts of one app, before an origin that echoes.
struct Ward {
    origin: Origin,
    installation: Installation,
    gateway: InProcess,
}

impl Ward {
    /// With Nez, who is in `care-staff`, signed in at Cura.
    async fn new() -> (Self, Person) {
        let origin = Origin::echo().await;
        let installation = installation(&origin);
        let gateway = InProcess::serve(&installation).await;
        let nez = Person::let_in(&installation, &NEZ, PASSWORD).await;
        (Self { origin, installation, gateway }, nez)
    }

    fn cura(&self, path: &str) -> String {
        self.installation.cura(path)
    }

    fn login(&self, path: &str) -> String {
        self.installation.login(path)
    }

    /// From the denial at `path` to the page that asks for the touch.
    async fn up_to_the_touch(&self, person: &mut Person, path: &str, reason: &str) -> Page {
        let denied = person.open(&self.cura(path)).await;
        assert_eq!((denied.reply.status, denied.heading().as_str()), (403, "Du har ikke adgang"));
        let link = denied.link_with("/glass/break").expect("it is offered");
        let page = person.open(&link).await;
        assert_eq!(page.heading(), "Nødadgang", "{}", page.reply.text());
        person.submit(&page, "/glass/break", &[("reason", reason)]).await
    }

    /// All the way, to the page that was denied.
    async fn break_glass(&self, person: &mut Person, path: &str) -> Page {
        let page = self.up_to_the_touch(person, path, WHY).await;
        touch(person, &page).await
    }

    async fn status(&self, person: &mut Person, path: &str) -> u16 {
        person.get(&self.cura(path)).await.status
    }

    fn events(&self, event: &str) -> Vec<Value> {
        self.installation.events(event)
    }
}

fn installation(origin: &Origin) -> Installation {
    let installation = Installation::new(origin);
    let policy = CURA.replace("UPSTREAM", &origin.url()).replace("rules:\n", RULES);
    let policy = policy.replace("[cura.localhost]", "[cura.localhost, journal.localhost]");
    installation.policy("cura", &policy);
    for account in [NEZ, OLE] {
        installation
            .succeed(["user", "add", account.user, "--name", account.name, "--group", "care-staff"], "");
        installation.succeed(["user", "set-password", account.user], PASSWORD);
    }
    installation
}

async fn touch(person: &mut Person, page: &Page) -> Page {
    assert_eq!(page.heading(), "Bekræft nødadgang", "{}", page.reply.text());
    let response =
        person.key.assert(&page.options(), &crate::person::origin(&page.url)).expect("the key signs");
    person.finish(page, "/glass/finish", &response).await
}

/// Posts a response to the touch of `page`, with these for fields.
async fn finish(person: &mut Person, page: &Page) -> Reply {
    let response =
        person.key.assert(&page.options(), &crate::person::origin(&page.url)).expect("the key signs");
    person.post_response(page, "/glass/finish", &response).await
}

#[tokio::test]
async fn a_reason_and_a_touch_open_for_half_an_hour() {
    let (ward, mut nez) = Ward::new().await;
    let page = ward.break_glass(&mut nez, "/journal/7?a=b").await;
    assert_eq!((page.reply.status, page.url.as_str()), (200, &*ward.cura("/journal/7?a=b")));
    assert_eq!(ward.status(&mut nez, "/journal/8").await, 200);

    let broken = ward.events("glass-broken");
    let [row] = &broken[..] else { panic!("{broken:?}") };
    assert_eq!((&row["username"], &row["detail"]["reason"]), (&"nez".into(), &WHY.into()), "{row}");
    assert_eq!((&row["detail"]["app"], &row["detail"]["rule"]), (&"cura".into(), &"journal".into()));
    let until = row["detail"]["until"].as_str().expect("until when").to_owned();
    let used = ward.events("glass-used");
    let [row] = &used[..] else { panic!("once: {used:?}") };
    assert_eq!((&row["detail"]["rule"], &row["detail"]["path"]), (&"journal".into(), &"/journal/7".into()));
    assert_eq!(row["detail"]["glass"], broken[0]["detail"]["glass"]);

    let told = ward.origin.request("/journal/8").await;
    let seconds: i64 = told.header("x-sluse-break-glass").expect("until when").parse().expect("seconds");
    assert_eq!(sluse::time::Timestamp::from_seconds(seconds).to_rfc3339()[..19], until[..19]);
    let claims = claims(&told);
    assert_eq!(claims["break_glass"], true);
    assert_eq!(claims["break_glass_until"], seconds);
    let session = nez.get(&ward.cura("/.sluse/session")).await.json();
    assert_eq!(session["break_glass"][0]["rule"], "journal");

    for _ in 0..29 {
        ward.gateway.after(MINUTE);
        assert_eq!(ward.status(&mut nez, "/journal/8").await, 200);
    }
    ward.gateway.after(MINUTE);
    assert_eq!(ward.status(&mut nez, "/journal/8").await, 403);
    assert_eq!(ward.status(&mut nez, "/home").await, 200, "and nothing else is over");
    assert_eq!(nez.get(&ward.cura("/.sluse/session")).await.json()["break_glass"], serde_json::json!([]));
    // Once more, with a reason of its own.
    let page = ward.up_to_the_touch(&mut nez, "/journal/8", "Hun er faldet en gang til").await;
    assert_eq!(touch(&mut nez, &page).await.reply.status, 200);
    let reasons: Vec<_> =
        ward.events("glass-broken").iter().map(|row| row["detail"]["reason"].clone()).collect();
    assert_eq!(reasons, [WHY, "Hun er faldet en gang til"]);
    assert_eq!(ward.events("glass-used").len(), 2);
}

#[tokio::test]
async fn a_reason_is_asked_for_and_kept_without_numbers_of_people() {
    let (ward, mut nez) = Ward::new().await;
    for (reason, said) in [
        ("", "Skriv, hvorfor det er nødvendigt, med mindst 10 tegn."),
        ("   kort   \r\n", "Skriv, hvorfor det er nødvendigt, med mindst 10 tegn."),
        (&*"x".repeat(501), "Begrundelsen må højst være på 500 tegn."),
    ] {
        let page = ward.up_to_the_touch(&mut nez, "/journal/7", reason).await;
        assert_eq!((page.reply.status, page.heading().as_str()), (422, "Nødadgang"));
        assert!(page.reply.text().contains(said) && !page.reply.text().contains("data-ceremony"));
    }
    let page = ward.up_to_the_touch(&mut nez, "/journal/7", "<b>010190-1234</b>\r\ner faldet").await;
    assert_eq!(touch(&mut nez, &page).await.reply.status, 200);
    assert_eq!(ward.events("glass-broken")[0]["detail"]["reason"], "<b>[CPR]</b> er faldet");
}

#[tokio::test]
async fn it_ends_when_it_is_closed_and_when_its_person_logs_out() {
    let (ward, mut nez) = Ward::new().await;
    ward.break_glass(&mut nez, "/journal/7").await;
    let page = nez.open(&ward.login("/glass")).await;
    assert!(page.reply.text().contains("Åben til") && page.link_with("cura.localhost").is_some());
    let id = page.attribute("name=\"id\" value");
    // Another's is nobody else's to close.
    let mut ole = Person::let_in(&ward.installation, &OLE, PASSWORD).await;
    ole.post_form(&ward.login("/glass/close"), &[("id".into(), id)]).await;
    assert_eq!(ward.status(&mut nez, "/journal/7").await, 200);
    assert!(ward.events("glass-closed").is_empty());
    let page = nez.submit(&page, "/glass/close", &[]).await;
    assert!(page.reply.text().contains("Nødadgangen er lukket."), "{}", page.reply.text());
    assert_eq!(ward.status(&mut nez, "/journal/7").await, 403);
    assert_eq!(ward.events("glass-closed").len(), 1);

    ward.break_glass(&mut nez, "/journal/7").await;
    let cookie = nez.cookie(HOST, SESSION).expect("a session").to_owned();
    nez.post_form(&ward.cura("/.sluse/logout"), &[]).await;
    nez.plant(HOST, SESSION, &cookie);
    assert_ne!(ward.status(&mut nez, "/journal/7").await, 200, "the session is over");
    nez.forget(HOST, SESSION);
    let mut nez = log_in_anew(&ward, nez, &NEZ).await;
    assert_eq!(ward.status(&mut nez, "/journal/7").await, 403, "and it was of that session");

    ward.break_glass(&mut nez, "/journal/7").await;
    // The same person in another browser.
    let mut other = Person::at(&ward.installation);
    std::mem::swap(&mut other.key, &mut nez.key);
    let mut other = log_in_anew(&ward, other, &NEZ).await;
    assert_eq!(ward.status(&mut other, "/journal/7").await, 403);
    assert_eq!(ward.status(&mut nez, "/journal/7").await, 200);
    ward.installation.succeed(["user", "disable", "nez"], "");
    ward.gateway.after(3 * Duration::from_secs(1));
    assert_ne!(ward.status(&mut nez, "/journal/7").await, 200, "locked");
}

#[tokio::test]
async fn it_outlives_a_restart_and_no_more() {
    let (ward, mut nez) = Ward::new().await;
    ward.break_glass(&mut nez, "/journal/7").await;
    let Ward { origin: _origin, installation, gateway } = ward;
    drop(gateway);
    let gateway = InProcess::serve(&installation).await;
    assert_eq!(nez.get(&installation.cura("/journal/7")).await.status, 200);
    assert_eq!(installation.events("glass-used").len(), 1, "it was used before");
    gateway.after(10 * MINUTE);
    assert_eq!(nez.get(&installation.cura("/journal/7")).await.status, 200);
    gateway.after(14 * MINUTE);
    assert_eq!(nez.get(&installation.cura("/journal/7")).await.status, 200);
    gateway.after(6 * MINUTE);
    assert_eq!(nez.get(&installation.cura("/journal/7")).await.status, 403);
}

#[tokio::test]
async fn a_script_hears_where_a_person_can_open() {
    let (ward, mut nez) = Ward::new().await;
    let api = [("Accept", "application/json"), ("Sec-Fetch-Mode", "cors")];
    let denied = nez.send("GET", &ward.cura("/journal/7"), &api, "").await;
    assert_eq!((denied.status, &denied.json()["error"]), (403, &"groups".into()));
    let link = denied.json()["break_glass"].as_str().expect("where").to_owned();
    let page = nez.open(&link).await;
    assert!(page.reply.text().contains("Journaler i andre enheder"), "in the policy's own words");
    let page = nez.submit(&page, "/glass/break", &[("reason", WHY)]).await;
    touch(&mut nez, &page).await;
    assert_eq!(nez.send("GET", &ward.cura("/journal/7"), &api, "").await.status, 200);
    let denied = nez.send("GET", &ward.cura("/chiefs"), &api, "").await;
    assert_eq!((denied.status, &denied.json()["break_glass"]), (403, &Value::Null));
}

/// The whole of it in a browser.
#[tokio::test]
async fn a_carer_opens_and_closes() {
    let origin = Origin::start(|request| match request.target().as_str() {
        "/journal/7" => Answer::Html("<!doctype html><title>Journal</title><h1>Journal</h1>".to_owned()),
        _ => Answer::Html("<!doctype html><title>Cura</title><h1>Forside</h1>".to_owned()),
    })
    .await;
    let installation = installation(&origin);
    let gateway = InProcess::serve(&installation).await;
    let browser = Browser::start().await;
    browser.open(&installation.cura("/home")).await;
    log_in(&browser, NEZ.user, PASSWORD).await;
    let _key = register_key_with_code(&browser, &installation.invite(&NEZ)).await;
    browser.heading("Forside").await;
    browser.open(&installation.cura("/journal/7")).await;
    browser.heading("Du har ikke adgang").await;
    browser.picture("denied-glass").await;
    browser.link("Nødadgang").await.click().await;
    browser.heading("Nødadgang").await;
    browser.picture("glass-break").await;
    browser.field("Hvorfor er det nødvendigt?").await.write(WHY).await;
    browser.button("Fortsæt").await.click().await;
    // The key is in the port, and the page asks it by itself.
    browser.heading("Journal").await;
    browser.open(&installation.login("/glass")).await;
    browser.heading("Nødadgang").await;
    browser.picture("glass").await;
    browser.button("Luk nødadgang").await.click().await;
    browser.shows("Nødadgangen er lukket.").await;
    browser.open(&installation.cura("/journal/7")).await;
    browser.heading("Du har ikke adgang").await;
    drop(gateway);
}

/// In another browser, with the same key.
async fn log_in_anew(ward: &Ward, person: Person, account: &Account) -> Person {
    let mut person = Person::at(&ward.installation).holding(person.key);
    let page = person.open(&ward.cura("/")).await;
    let page = person.log_in(&page, account.user, PASSWORD).await;
    let page = person.touch(&page).await;
    assert_eq!(page.url, ward.cura("/"), "{:?}", page.reply);
    person
}

/// What the upstream was told under a signature.
fn claims(request: &Received) -> Value {
    use base64::Engine as _;
    let token = request.header("x-sluse-assertion").expect("a signed statement");
    let claims = token.split('.').nth(1).expect("claims");
    let claims = base64::prelude::BASE64_URL_SAFE_NO_PAD.decode(claims).expect("base64url");
    serde_json::from_slice(&claims).expect("JSON")
}
