//! A key and its PIN, and no password, where the policy has it so.

mod browser;
mod changeover;
mod directory;
mod nameless;
mod refused;

use crate::broker::{NEZ, OLE, Person as Account};
use crate::harness::{CURA, Installation};
use crate::in_process::InProcess;
use crate::origin::Origin;
use crate::person::{Page, Person, origin};
use crate::words::says;
use serde_json::Value;
use sluse::authn::authenticator::flag;

const PASSWORD: &str = "en lang og god sætning";
const LOGIN_HOST: &str = "login.localhost";
const BUTTON: &str = "Log ind med hardwarenøgle";

/// Cura asks for a key with a PIN, or else for `strong`; and for the password as well at `/journal`.
struct Ward {
    origin: Origin,
    installation: Installation,
    gateway: InProcess,
}

impl Ward {
    async fn new() -> Self {
        Self::asking("key(pin) | password + key", "").await
    }

    /// With `level` for all of Cura, and `setting` for keys.
    async fn asking(level: &str, setting: &str) -> Self {
        let origin = Origin::echo().await;
        let installation = Installation::new(&origin);
        installation.policy("cura", &policy(&origin, level));
        installation.change("sluse.yaml", "localhost }", &format!("localhost{setting} }}"));
        for account in [NEZ, OLE] {
            installation.enrol(&account, PASSWORD);
        }
        let gateway = InProcess::serve(&installation).await;
        Self { origin, installation, gateway }
    }

    /// Their key, which asks for its PIN, at a browser that nobody knows.
    async fn with_key(&self, account: &Account) -> Person {
        let mut before = Person::at(&self.installation);
        before.key.flags |= flag::USER_VERIFIED;
        let page = before.open(&self.installation.cura("/")).await;
        let page = before.log_in(&page, account.user, PASSWORD).await;
        let page = before.register(&page, &self.installation.invite(account)).await;
        let page = before.go_on(&page).await;
        let page = before.touch(&page).await;
        assert_eq!(page.url, self.installation.cura("/"), "{:?}", page.reply);
        Person::at(&self.installation).holding(before.key)
    }

    /// What the last event of that kind says in detail.
    fn told(&self, event: &str) -> Value {
        let last = self.installation.events(event).pop();
        last.unwrap_or_else(|| panic!("no {event}"))["detail"].clone()
    }
}

fn policy(origin: &Origin, level: &str) -> String {
    let journal =
        "rules:\n  - name: journal\n    match: { path: /journal }\n    require: { level: strong }\n";
    let floor = format!("level: \"{level}\"");
    let policy = CURA.replace("UPSTREAM", &origin.url()).replace("level: strong", &floor);
    policy.replace("rules:\n", journal)
}

impl Person {
    /// Types the name on the form of `page`, and is asked for the key.
    async fn name_for_key(&mut self, page: &Page, user: &str) -> Page {
        self.submit(page, "/login/key", &[("username", user)]).await
    }

    /// The key answers what `page` asks.
    async fn answer(&mut self, page: &Page) -> Page {
        let response = self.key.assert(&page.options(), &origin(&page.url)).expect("the key goes along");
        self.finish(page, "/login/key/finish", &response).await
    }

    async fn log_in_by_key(&mut self, page: &Page, user: &str) -> Page {
        let page = self.name_for_key(page, user).await;
        self.answer(&page).await
    }
}

#[tokio::test]
async fn a_name_a_touch_and_a_pin_open_an_app() {
    let ward = Ward::new().await;
    let mut nez = ward.with_key(&NEZ).await;
    let target = ward.installation.cura("/citizens/7?tab=notes");
    let form = nez.open(&target).await;
    assert!(form.reply.text().contains(BUTTON), "{}", form.reply.text());
    assert!(!form.reply.text().contains("type=\"password\""), "it is the other tab's");
    let page = nez.name_for_key(&form, "NEZ ").await;
    assert!(page.options().contains(r#""userVerification":"required""#), "{}", page.options());
    assert!(!says(&page.reply.text(), "NEZ"), "whoever comes next is not told who was here");
    let page = nez.answer(&page).await;
    assert_eq!((page.url.as_str(), page.reply.status), (target.as_str(), 200));
    let seen = ward.origin.request("/citizens/7?tab=notes").await;
    assert_eq!(seen.header("x-sluse-user").as_deref(), Some("nez"));
    let session = nez.get(&ward.installation.cura("/.sluse/session")).await.json();
    assert!(session["proofs"]["password"].is_null() && !session["proofs"]["key"].is_null(), "{session}");
    let told = ward.told("key-verified");
    assert_eq!((&told["login"], &told["user_verified"]), (&"named".into(), &true.into()));
}

#[tokio::test]
async fn a_password_opens_it_too_where_the_level_says_so() {
    let ward = Ward::new().await;
    let mut nez = ward.with_key(&NEZ).await;
    let form = nez.open(&ward.installation.cura("/")).await;
    let form = nez.open(&form.resolve(&form.link_with("tab=account").expect("a tab"))).await;
    let page = nez.log_in(&form, NEZ.user, PASSWORD).await;
    let page = nez.touch(&page).await;
    assert_eq!(page.url, ward.installation.cura("/"));
}

#[tokio::test]
async fn whoever_has_no_key_yet_begins_with_a_password() {
    let ward = Ward::asking("key(pin)", "").await;
    let mut nez = Person::at(&ward.installation);
    let form = nez.open(&ward.installation.cura("/")).await;
    assert!(form.reply.text().contains("Har du ingen nøgle endnu?"), "{}", form.reply.text());
    let form = nez.open(&form.resolve(&form.link_with("tab=account").expect("a link"))).await;
    let page = nez.log_in(&form, NEZ.user, PASSWORD).await;
    assert_eq!(page.heading(), "Ingen 2-faktor enheder registreret");
}

#[tokio::test]
async fn where_a_password_is_asked_for_a_key_alone_is_no_way_in() {
    let ward = Ward::asking("strong", "").await;
    let mut nez = ward.with_key(&NEZ).await;
    for url in [ward.installation.cura("/"), ward.installation.login("/login")] {
        let form = nez.open(&url).await;
        assert!(!form.reply.text().contains("hardwarenøgle"), "{}", form.reply.text());
        let page = nez.name_for_key(&form, NEZ.user).await;
        assert_eq!(page.heading(), "Login");
        assert!(page.reply.text().contains("type=\"password\""), "{}", page.reply.text());
    }
}

#[tokio::test]
async fn the_password_is_asked_for_where_it_is_needed() {
    let ward = Ward::new().await;
    let mut nez = ward.with_key(&NEZ).await;
    let page = nez.open(&ward.installation.cura("/")).await;
    nez.log_in_by_key(&page, NEZ.user).await;
    let target = ward.installation.cura("/journal");
    let page = nez.open(&target).await;
    assert_eq!(page.heading(), "Skriv dit kodeord");
    assert!(page.reply.text().contains(NEZ.name) && !page.reply.text().contains("name=\"username\""));
    ward.installation.succeed(["user", "set-password", OLE.user], "et helt andet kodeord");
    // Ole's is not hers, whatever name goes with it.
    for (password, status) in [("", 422), ("et helt andet kodeord", 401)] {
        let fields = [("password", password), ("username", OLE.user)];
        let reply = nez.submit_and_stay(&page, "/login/password", &fields).await;
        assert_eq!(reply.status, status, "{password}");
    }
    assert!(ward.origin.received().iter().all(|seen| seen.target() != "/journal"));
    let page = nez.submit(&page, "/login/password", &[("password", PASSWORD)]).await;
    assert_eq!((page.url.as_str(), page.reply.status), (target.as_str(), 200));
    let seen = ward.origin.request("/journal").await;
    assert_eq!(seen.header("x-sluse-user").as_deref(), Some("nez"));
    assert_eq!(seen.header("x-sluse-level").as_deref(), Some("strong"));
}

#[tokio::test]
async fn the_password_of_nobody_is_asked_for() {
    let ward = Ward::new().await;
    let mut nez = Person::at(&ward.installation);
    let page = nez.open(&ward.installation.cura("/journal")).await;
    let page = nez.submit(&page, "/login/password", &[("password", PASSWORD)]).await;
    assert_eq!(page.heading(), "Login");
}

#[tokio::test]
async fn a_new_browser_is_told_of_once() {
    let ward = Ward::new().await;
    let mut nez = ward.with_key(&NEZ).await;
    let before = ward.installation.events("browser-new").len();
    for _ in 0..2 {
        let page = nez.open(&ward.installation.cura("/")).await;
        nez.log_in_by_key(&page, NEZ.user).await;
        let me = nez.open(&ward.installation.login("/me")).await;
        nez.submit(&me, "/logout", &[]).await;
    }
    assert_eq!(ward.installation.events("browser-new").len(), before + 1);
}

#[tokio::test]
async fn the_name_is_remembered_where_somebody_wants_it() {
    let ward = Ward::new().await;
    let mut nez = ward.with_key(&NEZ).await;
    let form = nez.open(&ward.installation.cura("/")).await;
    let page = nez.submit(&form, "/login/key", &[("username", NEZ.user), ("remember", "yes")]).await;
    assert_eq!(nez.cookie(LOGIN_HOST, "__Host-sluse-name"), None, "not before it is hers");
    nez.answer(&page).await;
    assert_eq!(nez.cookie(LOGIN_HOST, "__Host-sluse-name"), Some("nez"));
}
