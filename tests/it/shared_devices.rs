//! One tablet, many carers: nobody finds a trace of whoever sat there before.

use std::time::Duration;

use serde_json::Value;

use crate::broker::{NEZ, OLE, Person as Account};
use crate::browser::Browser;
use crate::employee::{log_in, register_key_with_code};
use crate::harness::{CURA, Installation};
use crate::in_process::InProcess;
use crate::key::{Credential, Key, Touch};
use crate::origin::{Answer, Origin};
use crate::person::{Page, Person, SESSION};
use crate::words::says;

const PASSWORD: &str = "en lang og god sætning";
const MINUTE: Duration = Duration::from_secs(60);
const CURA_HOST: &str = "cura.localhost";
const LOGIN_HOST: &str = "login.localhost";

/// A gateway before an origin that gives everybody a cookie, and a tablet that is marked.
struct Ward {
    origin: Origin,
    installation: Installation,
    gateway: InProcess,
}

impl Ward {
    async fn new() -> Self {
        Self::with_apps(&[]).await
    }

    /// Cura, and each of `others` at a host of its name.
    async fn with_apps(others: &[&str]) -> Self {
        let origin = Origin::echo().await;
        let installation = Installation::new(&origin);
        let floor = "floor:\n  - { match: { device: shared }, require: { fresh: 30m } }\n";
        let policy = CURA.replace("UPSTREAM", &origin.url()).replace("floor:\n", floor);
        installation.policy("cura", &policy);
        for other in others {
            let policy = policy.replace("app: cura", &format!("app: {other}"));
            installation.policy(other, &policy.replace("cura.localhost", &format!("{other}.localhost")));
        }
        for account in [NEZ, OLE] {
            installation.enrol(&account, PASSWORD);
        }
        let gateway = InProcess::serve(&installation).await;
        Self { origin, installation, gateway }
    }

    async fn with_key(&self, account: &Account) -> Person {
        Person::let_in(&self.installation, account, PASSWORD).await
    }

    /// `nez`'s key on a tablet that is marked.
    async fn tablet(&self, holding: Person) -> Person {
        let mut tablet = Person::at(&self.installation).holding(holding.key);
        let page = tablet.open(&link(&self.installation)).await;
        let page = tablet.submit(&page, "/device", &[]).await;
        assert_eq!((page.reply.status, page.heading().as_str()), (200, "Enheden er nu fælles"));
        tablet
    }

    async fn let_in(&self, person: &mut Person, user: &str, path: &str) -> Page {
        let page = person.open(&self.installation.cura(path)).await;
        let page = person.log_in(&page, user, PASSWORD).await;
        person.touch(&page).await
    }
}

fn link(installation: &Installation) -> String {
    let answer = installation.succeed(["device", "add", "Tablet 3", "--format", "json"], "");
    let answer: Value = serde_json::from_str(&answer).expect("JSON, as asked for");
    answer["link"].as_str().expect("a link").to_owned()
}

#[tokio::test]
async fn a_link_marks_one_device_once() {
    let ward = Ward::new().await;
    let link = link(&ward.installation);
    let mut tablet = Person::at(&ward.installation);
    let page = tablet.open(&link).await;
    assert_eq!(page.heading(), "Fælles enhed");
    assert!(!page.reply.text().contains("Skift bruger</button>"), "opening it changes nothing");
    let page = tablet.submit(&page, "/device", &[]).await;
    assert!(page.reply.text().contains("Tablet 3"));
    let mut other = Person::at(&ward.installation);
    let page = other.open(&link).await;
    let page = other.submit(&page, "/device", &[]).await;
    assert_eq!((page.reply.status, page.heading().as_str()), (400, "Linket virker ikke"));
    let events: Vec<_> = ["device-invited", "device-marked", "device-refused"]
        .map(|event| ward.installation.events(event).len())
        .into();
    assert_eq!(events, [1, 1, 1]);
}

#[tokio::test]
async fn a_link_is_good_for_an_hour() {
    let ward = Ward::new().await;
    let link = link(&ward.installation);
    ward.gateway.after(61 * MINUTE);
    let mut tablet = Person::at(&ward.installation);
    let page = tablet.open(&link).await;
    assert_eq!(tablet.submit(&page, "/device", &[]).await.reply.status, 400);
}

#[tokio::test]
async fn sessions_on_it_are_short_and_it_remembers_nobody() {
    let ward = Ward::new().await;
    let own = ward.with_key(&NEZ).await;
    let mut tablet = ward.tablet(own).await;
    let page = tablet.open(&ward.installation.cura("/")).await;
    assert!(!page.reply.text().contains("Husk brugernavn"));
    let fields = [("username", NEZ.user), ("password", PASSWORD), ("remember", "yes")];
    let page = tablet.submit(&page, "/login", &fields).await;
    tablet.touch(&page).await;
    assert_eq!(tablet.cookie(LOGIN_HOST, "__Host-sluse-name"), None);
    ward.gateway.after(2 * MINUTE);
    let reply = tablet.get(&ward.installation.cura("/citizens/7")).await;
    assert_eq!(reply.status, 200);
    assert_eq!(reply.all("cache-control"), ["no-store"], "the back button shows it to nobody");
    ward.gateway.after(3 * MINUTE);
    assert_eq!(tablet.get(&ward.installation.cura("/citizens/7")).await.status, 303);
    // However active: nine hours are a shift.
    ward.let_in(&mut tablet, NEZ.user, "/").await;
    for _ in 0..30 {
        ward.gateway.after(MINUTE);
        assert_eq!(tablet.get(&ward.installation.cura("/")).await.status, 200, "within the half hour");
    }
    ward.gateway.after(MINUTE);
    let page = tablet.open(&ward.installation.cura("/")).await;
    assert_eq!(page.heading(), "Anvend hardwarenøgle", "the floor for shared devices");
}

/// An app may ask as often as it likes how long the session still has.
#[tokio::test]
async fn asking_who_is_in_is_no_activity() {
    let ward = Ward::new().await;
    let own = ward.with_key(&NEZ).await;
    let mut tablet = ward.tablet(own).await;
    ward.let_in(&mut tablet, NEZ.user, "/").await;
    for idle in [60, 120] {
        ward.gateway.after(MINUTE);
        let reply = tablet.get(&ward.installation.cura("/.sluse/session")).await;
        let told: Value = serde_json::from_str(&reply.text()).expect("JSON");
        assert_eq!(told["idle"], idle);
    }
    ward.gateway.after(MINUTE);
    assert_eq!(tablet.get(&ward.installation.cura("/.sluse/session")).await.status, 401);
    assert_eq!(tablet.get(&ward.installation.cura("/")).await.status, 303);
}

#[tokio::test]
async fn a_network_can_be_of_shared_devices() {
    let origin = Origin::echo().await;
    let installation = Installation::new(&origin);
    let shared = "shared_devices: { networks: [127.0.0.0/8], idle: 2m }\nmethods:";
    installation.change("sluse.yaml", "methods:", shared);
    installation.enrol(&NEZ, PASSWORD);
    let gateway = InProcess::serve(&installation).await;
    let mut nez = Person::let_in(&installation, &NEZ, PASSWORD).await;
    gateway.after(2 * MINUTE);
    assert_eq!(nez.get(&installation.cura("/")).await.status, 303);
}

/// Ole logs in where Nez went away, and is not where she was.
#[tokio::test]
async fn where_somebody_was_is_for_them_alone() {
    let ward = Ward::new().await;
    let (nez, ole) = (ward.with_key(&NEZ).await, ward.with_key(&OLE).await);
    let mut tablet = ward.tablet(nez).await;
    ward.let_in(&mut tablet, NEZ.user, "/").await;
    // She comes back herself: to where she was.
    ward.gateway.after(4 * MINUTE);
    let page = tablet.open(&ward.installation.cura("/citizens/1?tab=notes")).await;
    assert!(!page.url.contains("citizens") && !page.reply.text().contains("citizens"), "{page:?}");
    let page = tablet.log_in(&page, NEZ.user, PASSWORD).await;
    let page = tablet.touch(&page).await;
    assert_eq!(page.url, ward.installation.cura("/citizens/1?tab=notes"));
    // And then somebody else does.
    ward.gateway.after(4 * MINUTE);
    tablet.plant(CURA_HOST, "JSESSIONID", "of-nez-at-the-app");
    let page = tablet.open(&ward.installation.cura("/citizens/2?tab=notes")).await;
    let shown = tablet.history.len();
    let mut tablet = tablet.holding(ole.key);
    let page = tablet.log_in(&page, OLE.user, PASSWORD).await;
    let page = tablet.touch(&page).await;
    assert_eq!((page.url.as_str(), page.reply.status), (&*ward.installation.cura("/"), 200));
    for page in &tablet.history[shown..] {
        let text = format!("{} {:?} {}", page.url, page.reply.headers, page.reply.text());
        assert!(!text.contains("citizens") && !says(&text, "Nez"), "{text}");
    }
    let enter = tablet.history.iter().rfind(|page| page.url.contains("/.sluse/enter")).expect("a hand-off");
    assert_eq!(enter.reply.all("clear-site-data"), ["\"cache\", \"storage\""]);
    assert_eq!(tablet.cookie(CURA_HOST, "JSESSIONID"), None, "the app's own session goes, too");
}

/// Forty changeovers, each in the middle of something; nothing of one is there for the other.
#[tokio::test]
async fn two_carers_change_over_forty_times() {
    let ward = Ward::new().await;
    let (mut nez, mut ole) = (ward.with_key(&NEZ).await, ward.with_key(&OLE).await);
    let spare = Person::at(&ward.installation);
    let mut tablet = ward.tablet(spare).await;
    for turn in 0..40 {
        let (user, person, other) =
            if turn % 2 == 0 { (NEZ, &mut nez, "ole") } else { (OLE, &mut ole, "nez") };
        std::mem::swap(&mut tablet.key, &mut person.key);
        let before = tablet.history.len();
        let stale = tablet.cookie(CURA_HOST, SESSION).map(str::to_owned);
        let page = tablet.open(&ward.installation.cura("/")).await;
        let page = tablet.log_in(&page, user.user, PASSWORD).await;
        let page = tablet.touch(&page).await;
        assert_eq!(page.url, ward.installation.cura("/"), "turn {turn}");
        let secret = format!("/citizens/{turn}-of-{}", user.user);
        tablet.open(&ward.installation.cura(&secret)).await;
        let sent = ward.origin.request(&secret).await;
        assert_eq!(sent.all("x-sluse-user"), [user.user], "turn {turn}");
        for page in &tablet.history[before..] {
            let text = format!("{} {:?} {}", page.url, page.reply.headers, page.reply.text());
            assert!(!text.contains(&format!("-of-{other}")), "turn {turn}: {text}");
        }
        if let Some(stale) = stale {
            let mut thief = Person::at(&ward.installation);
            thief.plant(CURA_HOST, SESSION, &stale);
            let reply = thief.get(&ward.installation.cura("/")).await;
            assert_eq!(reply.status, 303, "turn {turn}: {other}'s session is over");
        }
        // In the middle of something: the key is asked for, and the other one takes the tablet.
        let me = tablet.open(&ward.installation.login("/me")).await;
        assert!(me.reply.text().contains("Skift bruger</button>"));
        let page = tablet.submit(&me, "/logout", &[("then", "login")]).await;
        assert_eq!(page.heading(), "Login", "turn {turn}");
        std::mem::swap(&mut tablet.key, &mut person.key);
    }
}

/// Whoever signs in on the device ends what was open on it, whatever cookies the browser has lost.
#[tokio::test]
async fn a_new_login_ends_what_was_open_on_the_device() {
    let ward = Ward::new().await;
    let (nez, ole) = (ward.with_key(&NEZ).await, ward.with_key(&OLE).await);
    let mut tablet = ward.tablet(nez).await;
    ward.let_in(&mut tablet, NEZ.user, "/").await;
    let old = tablet.cookie(CURA_HOST, SESSION).expect("she is in").to_owned();
    tablet.forget(LOGIN_HOST, SESSION);
    tablet.forget(CURA_HOST, SESSION);
    let mut tablet = tablet.holding(ole.key);
    let page = tablet.open(&ward.installation.login("/me")).await;
    tablet.log_in(&page, OLE.user, PASSWORD).await;
    tablet.plant(CURA_HOST, SESSION, &old);
    assert_eq!(tablet.get(&ward.installation.cura("/")).await.status, 303);
}

/// *Skift bruger* goes by the hosts where the person was in: what the browser keeps of them is cleared there and
/// then, its back-forward cache included (Clear Site Data, section 4.2.2), not when the next person comes.
#[tokio::test]
async fn changing_users_clears_what_every_app_left() {
    let ward = Ward::with_apps(&["plan"]).await;
    let nez = ward.with_key(&NEZ).await;
    let mut tablet = ward.tablet(nez).await;
    ward.let_in(&mut tablet, NEZ.user, "/").await;
    tablet.open(&ward.installation.url("plan.localhost", "/x")).await;
    tablet.plant(CURA_HOST, "JSESSIONID", "of-nez-at-the-app");
    let leave = ward.installation.cura("/.sluse/leave");
    assert_eq!(
        tablet.get(&leave).await.header("clear-site-data"),
        None,
        "whoever is in keeps what is theirs"
    );
    let before = tablet.history.len();
    let me = tablet.open(&ward.installation.login("/me")).await;
    let page = tablet.submit(&me, "/logout", &[("then", "login")]).await;
    assert_eq!(page.heading(), "Login");
    for host in [CURA_HOST, "plan.localhost"] {
        let left = ward.installation.url(host, "/.sluse/leave");
        let left = tablet.history[before..].iter().find(|page| page.url.starts_with(&left)).expect(host);
        assert_eq!(left.reply.all("clear-site-data"), ["\"cache\", \"storage\""], "{host}");
    }
    assert_eq!(tablet.cookie(CURA_HOST, "JSESSIONID"), None);
    // What was open is an address of hers, still: the next person comes to the front.
    let page = tablet.open(&ward.installation.cura("/citizens/2")).await;
    assert!(!page.url.contains("citizens"), "{}", page.url);
}

/// The same with a real browser: two keys in turn, one profile, and the back button.
#[tokio::test]
async fn two_keys_in_one_browser_change_over_forty_times() {
    const PAGE: &str = "<!doctype html><meta charset=utf-8><title>Cura</title><h1>Borger</h1><p>Hos USER</p>";
    let origin = Origin::start(|request| {
        let user = request.header("x-sluse-user").unwrap_or_default();
        Answer::Html(PAGE.replace("USER", &user))
    })
    .await;
    let installation = Installation::new(&origin);
    installation.policy("cura", &CURA.replace("UPSTREAM", &origin.url()));
    let _gateway = installation.serve().await;
    let mut keys: Vec<(Account, Credential)> = Vec::new();
    for account in [NEZ, OLE] {
        installation.enrol(&account, PASSWORD);
        let own = Browser::start().await;
        own.open(&installation.cura("/")).await;
        log_in(&own, account.user, PASSWORD).await;
        let key = register_key_with_code(&own, &installation.invite(&account)).await;
        own.heading("Borger").await;
        keys.push((account, key.credential().await));
    }
    let tablet = Browser::start().await;
    tablet.open(&link(&installation)).await;
    tablet.button("Gør til fælles enhed").await.click().await;
    tablet.heading("Enheden er nu fælles").await;
    for turn in 0..40 {
        let (user, name) = (keys[turn % 2].0.user, keys[turn % 2].0.name);
        let key = Key::plug_in(&tablet, Touch::Present).await;
        key.import(&keys[turn % 2].1).await;
        tablet.open(&installation.cura(&format!("/citizens/{turn}"))).await;
        let typed = tablet.field("Brugernavn").await.property("value").await;
        assert_eq!(typed, "", "turn {turn}: the form knows nobody");
        log_in(&tablet, user, PASSWORD).await;
        tablet.shows(&format!("Hos {user}")).await;
        // Behind the session of somebody else, an address may be theirs: only the first one's is surely their own.
        let came = if turn == 0 { "/citizens/0" } else { "/" };
        assert_eq!(tablet.url().await, installation.cura(came), "turn {turn}");
        let kept = tablet.execute(KEPT, serde_json::json!([user])).await;
        assert_eq!(kept, serde_json::json!([[], ""]), "turn {turn}: the other's traces in the app");
        keys[turn % 2].1 = key.credential().await;
        tablet.open(&installation.cura("/citizens/7")).await;
        tablet.shows(&format!("Hos {user}")).await;
        tablet.open(&installation.login("/me")).await;
        tablet.shows(name).await;
        tablet.picture("shared-device").await;
        let kept = tablet.execute("return Object.keys(localStorage)", serde_json::json!([])).await;
        assert_eq!(kept, serde_json::json!([]), "turn {turn}: our own pages keep nothing");
        tablet.button("Skift bruger").await.click().await;
        tablet.heading("Login").await;
        for _ in 0..4 {
            tablet.back().await;
            let text = tablet.text().await;
            assert!(!text.contains("Hos ") && !text.contains(name), "turn {turn}: {text}");
        }
        for cookie in tablet.cookies().await {
            assert!(!says(&cookie.to_string(), user), "turn {turn}: {cookie}");
        }
        key.remove().await;
    }
}

/// What the app's own script would find of whoever was here before: storage and cookies. Then it leaves some.
const KEPT: &str = "
    const found = [Object.keys(localStorage), document.cookie];
    localStorage.setItem('seen', arguments[0]);
    document.cookie = 'seen=' + arguments[0] + '; path=/';
    return found";
