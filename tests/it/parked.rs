//! Nothing is lost over a step-up: a form that was filled in comes back whole. And what was approved once was
//! that request, once.

use std::time::Duration;

use crate::broker::{NEZ, OLE, Person as Account};
use crate::browser::Browser;
use crate::employee::{log_in, register_key_with_code};
use crate::harness::{CURA, Installation};
use crate::in_process::InProcess;
use crate::origin::{Answer, Origin, Received};
use crate::person::{Page, Person};
use crate::raw::Reply;

const PASSWORD: &str = "en lang og god sætning";
const MINUTE: Duration = Duration::from_secs(60);
const RETURNING: &str = "__Host-sluse-returning";
const HOST: &str = "cura.localhost";

const RULES: &str = "rules:
  - name: prescribe
    match: { path: /medication/**, method: POST }
    require: { fresh: 5m }
    on_step_up: { park_body: 64KiB, text: { da: Bekræft ændring af medicin, en: Confirm medication change } }
  - name: export
    match: { path: /citizens/*/export }
    require: { fresh: once }
  - name: sign
    match: { path: /sign, method: POST }
    require: { fresh: once }
    on_step_up: { park_body: 1KiB }
  - name: approve
    match: { path: /api/approve, method: POST }
    require: { fresh: once }
";

/// A gateway before an origin that echoes, with Nez signed in.
struct Ward {
    origin: Origin,
    installation: Installation,
    gateway: InProcess,
}

/// What a browser would never write so itself: every byte has to survive.
const DOSE: &str = "dose=2+mg&note=%e6%C3%A6&&x&=&csrf=0123456789";

impl Ward {
    async fn new() -> (Self, Person) {
        let origin = Origin::echo().await;
        let installation = Installation::new(&origin);
        let policy = CURA.replace("UPSTREAM", &origin.url()).replace("rules:\n", RULES);
        installation.policy("cura", &policy);
        for account in [NEZ, OLE] {
            installation.enrol(&account, PASSWORD);
        }
        let gateway = InProcess::serve(&installation).await;
        let nez = Person::let_in(&installation, &NEZ, PASSWORD).await;
        (Self { origin, installation, gateway }, nez)
    }

    fn cura(&self, path: &str) -> String {
        self.installation.cura(path)
    }

    /// Posts a form from a page of Cura's: where the browser ends up.
    async fn post(&self, person: &mut Person, path: &str, body: &str) -> Page {
        let reply = self.form(person, path, body).await;
        person.follow(&self.cura(path), reply).await
    }

    async fn form(&self, person: &mut Person, path: &str, body: &str) -> Reply {
        let headers = [
            ("Content-Type", "application/x-www-form-urlencoded; charset=latin1"),
            ("Accept", "text/html"),
            ("Sec-Fetch-Mode", "navigate"),
        ];
        person.post(&self.cura(path), &headers, body).await
    }

    /// Presses the button of the page that `/.sluse/resume` shows.
    async fn send_on(&self, person: &mut Person, page: &Page) -> Reply {
        let text = page.reply.text();
        let main = text.split_once("<main").expect("the page").1;
        let action = main.split_once(" action=\"").expect("a form").1;
        self.form(person, action.split('"').next().expect("its target"), "").await
    }

    /// A script's request.
    async fn fetch(&self, person: &mut Person, path: &str, body: &str) -> Reply {
        let headers = [("Content-Type", "application/json"), ("Sec-Fetch-Mode", "cors")];
        person.post(&self.cura(path), &headers, body).await
    }

    /// What the origin was sent by POST.
    fn posts(&self) -> Vec<Received> {
        let received = self.origin.received().into_iter();
        received.filter(|it| it.request_line().starts_with("POST")).collect()
    }
}

#[tokio::test]
async fn a_form_comes_back_whole_after_a_touch() {
    let (ward, mut nez) = Ward::new().await;
    ward.gateway.after(6 * MINUTE);
    let page = ward.post(&mut nez, "/medication/7?unit=mg", DOSE).await;
    assert_eq!(page.heading(), "Anvend hardwarenøgle");
    assert!(page.reply.text().contains("Bekræft ændring af medicin"));
    assert!(!page.reply.text().contains("Det gælder kun denne ene gang."));
    assert!(ward.posts().is_empty(), "nothing goes on before the touch");
    let page = nez.touch(&page).await;
    assert_eq!(page.heading(), "Dit arbejde er gemt");
    assert!(page.reply.text().contains("data-submits"), "it goes on by itself");
    let reply = ward.send_on(&mut nez, &page).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    assert_eq!(nez.cookie(HOST, RETURNING), None, "it has returned");

    let posts = ward.posts();
    let [post] = &posts[..] else { panic!("sent {} times", posts.len()) };
    assert_eq!(post.target(), "/medication/7?unit=mg");
    assert_eq!(String::from_utf8_lossy(&post.body), DOSE);
    assert_eq!(post.all("content-type"), ["application/x-www-form-urlencoded; charset=latin1"]);
    assert_eq!(post.all("content-length"), [DOSE.len().to_string()]);
    assert!(post.all("cookie").is_empty() && post.all("transfer-encoding").is_empty());

    // The page's address, from the history, and its cookie, put back.
    let again = nez.open(&page.url).await;
    assert_eq!((again.reply.status, again.heading().as_str()), (410, "Der er ikke mere at sende"));
}

#[tokio::test]
async fn what_returned_is_not_sent_again_by_its_cookie() {
    let (ward, mut nez) = Ward::new().await;
    ward.gateway.after(6 * MINUTE);
    let page = ward.post(&mut nez, "/medication/7", DOSE).await;
    let page = nez.touch(&page).await;
    let returning = nez.cookie(HOST, RETURNING).expect("it returns").to_owned();
    // What else the browser sends meanwhile leaves it alone: elsewhere, or there with a body of its own.
    assert_eq!(ward.form(&mut nez, "/medication/8", "").await.status, 200);
    assert_eq!(ward.form(&mut nez, "/medication/7", "dose=3").await.status, 200);
    ward.send_on(&mut nez, &page).await;
    nez.plant(HOST, RETURNING, &returning);
    ward.send_on(&mut nez, &page).await;
    let bodies: Vec<_> =
        ward.posts().iter().map(|it| String::from_utf8_lossy(&it.body).into_owned()).collect();
    assert_eq!(bodies, ["", "dose=3", DOSE, ""]);
}

#[tokio::test]
async fn a_form_outlives_the_session_it_was_filled_in_under() {
    let (ward, mut nez) = Ward::new().await;
    ward.gateway.after(20 * MINUTE);
    let page = ward.post(&mut nez, "/medication/7", DOSE).await;
    assert_eq!(page.heading(), "Login");
    let page = nez.log_in(&page, NEZ.user, PASSWORD).await;
    let page = nez.touch(&page).await;
    assert!(page.reply.text().contains("data-submits"), "it is known whose it was: {}", page.reply.text());
    assert_eq!(ward.send_on(&mut nez, &page).await.status, 200);
    assert_eq!(ward.posts()[0].body, DOSE.as_bytes());
}

#[tokio::test]
async fn the_next_person_in_the_browser_gets_nothing_of_it() {
    let (ward, mut nez) = Ward::new().await;
    let ole = with_key(&ward, &OLE).await;
    ward.gateway.after(20 * MINUTE);
    let page = ward.post(&mut nez, "/medication/7", DOSE).await;
    // The same browser, with Ole before it.
    let mut ole = nez.holding(ole.key);
    let page = ole.log_in(&page, OLE.user, PASSWORD).await;
    let page = ole.touch(&page).await;
    assert_eq!((page.reply.status, page.url.as_str()), (200, &*ward.cura("/")));
    assert_eq!(ole.cookie(HOST, RETURNING), None);
    ward.form(&mut ole, "/medication/7", "").await;
    assert!(ward.posts().iter().all(|it| it.body.is_empty()));
}

#[tokio::test]
async fn a_form_whose_sender_nobody_knows_waits_for_a_yes() {
    let (ward, nez) = Ward::new().await;
    let mut anybody = Person::at(&ward.installation).holding(nez.key);
    let page = ward.post(&mut anybody, "/medication/7", DOSE).await;
    let page = anybody.log_in(&page, NEZ.user, PASSWORD).await;
    let page = anybody.touch(&page).await;
    assert_eq!(page.heading(), "Dit arbejde er gemt");
    assert!(!page.reply.text().contains("data-submits") && page.reply.text().contains("Send ikke"));
    assert_eq!(ward.send_on(&mut anybody, &page).await.status, 200);
    assert_eq!(ward.posts()[0].body, DOSE.as_bytes());
}

/// Else a foreign page could have its own form sent as the person's, from a page of ours.
#[tokio::test]
async fn what_a_foreign_page_posted_is_not_kept() {
    let (ward, mut nez) = Ward::new().await;
    ward.gateway.after(6 * MINUTE);
    let url = ward.cura("/medication/7");
    let page = [
        ("Content-Type", "application/x-www-form-urlencoded"),
        ("Accept", "text/html"),
        ("Sec-Fetch-Mode", "navigate"),
    ];
    let ours = format!("http://cura.localhost:{}", ward.installation.listen.port());
    for (what, more) in [
        ("of another origin", vec![("Origin", "https://evil.example")]),
        ("of another site", vec![("Origin", ours.as_str()), ("Sec-Fetch-Site", "cross-site")]),
        ("of another app", vec![("Origin", ours.as_str()), ("Sec-Fetch-Site", "same-site")]),
        ("of nobody knows whom", vec![("Origin", "null")]),
        ("without an origin", vec![]),
    ] {
        let reply = nez.send("POST", &url, &[&page[..], &more].concat(), DOSE).await;
        let location = reply.header("location").unwrap_or_else(|| panic!("{what}: {reply:?}"));
        assert!(!location.contains("parked="), "{what}");
    }
    let page = ward.post(&mut nez, "/medication/7", DOSE).await;
    assert!(page.url.contains("parked="), "a form of ours is kept: {}", page.url);
}

#[tokio::test]
async fn what_is_too_large_to_keep_is_not_kept_and_what_is_kept_cannot_be_read() {
    let (ward, mut nez) = Ward::new().await;
    ward.gateway.after(6 * MINUTE);
    let large = "x".repeat(64 * 1024 + 1);
    let reply = ward.form(&mut nez, "/medication/7", &large).await;
    assert!(!reply.header("location").expect("to the login").contains("parked="));
    let reply = ward.form(&mut nez, "/medication/7", &large[1..]).await;
    assert!(reply.header("location").expect("to the login").contains("parked="));
    ward.form(&mut nez, "/medication/7", "cpr-like-secret=in-the-clear").await;
    for name in ["sluse.db", "sluse.db-wal"] {
        let bytes = std::fs::read(ward.installation.path().join(name)).expect("the store");
        assert!(!bytes.windows(12).any(|part| part == b"in-the-clear"), "{name}");
    }
}

#[tokio::test]
async fn a_page_is_approved_once_and_no_other_with_it() {
    let (ward, mut nez) = Ward::new().await;
    let page = nez.open(&ward.cura("/citizens/7/export?as=pdf")).await;
    assert_eq!(page.heading(), "Anvend hardwarenøgle", "however fresh the last touch is");
    assert!(page.reply.text().contains("Det gælder kun denne ene gang."));
    let page = nez.touch(&page).await;
    assert_eq!((page.url.as_str(), page.reply.status), (&*ward.cura("/citizens/7/export?as=pdf"), 200));
    for path in ["/citizens/7/export?as=pdf", "/citizens/8/export"] {
        let page = nez.open(&ward.cura(path)).await;
        assert_eq!(page.heading(), "Anvend hardwarenøgle", "{path}");
    }
    // Approved, and then something else is asked for with what approved it.
    let page = nez.open(&ward.cura("/citizens/7/export")).await;
    let response = nez.key.assert(&page.options(), &crate::person::origin(&page.url)).expect("the key signs");
    let next = nez.post_response(&page, "/key/finish", &response).await.json()["next"].clone();
    let enter = nez.get(next.as_str().expect("on to Cura")).await;
    let resumed = nez.get(&page_at(&ward, &enter)).await;
    assert_eq!(resumed.header("location"), Some("/citizens/7/export"));
    let returning = nez.cookie(HOST, RETURNING).expect("approved").to_owned();
    let id = returning.split('.').next().expect("an id").to_owned();
    for (method, path) in [("GET", "/citizens/8/export"), ("DELETE", "/citizens/7/export")] {
        let mark = mark(method, path);
        nez.plant(HOST, RETURNING, &format!("{id}.{mark}"));
        let own = [("Sec-Fetch-Site", "same-origin"), ("Sec-Fetch-Mode", "cors")];
        let reply = nez.send(method, &ward.cura(path), &own, "").await;
        assert_eq!(reply.status, 401, "{method} {path}");
    }
    // That was an attempt too many: it is spent.
    nez.plant(HOST, RETURNING, &returning);
    let reply = nez.get(&ward.cura("/citizens/7/export")).await;
    assert_eq!(reply.status, 303);
}

/// Nobody is asked twice in a row.
#[tokio::test]
async fn the_login_that_opens_the_page_approves_it() {
    let (ward, nez) = Ward::new().await;
    let mut nez = Person::at(&ward.installation).holding(nez.key);
    let page = nez.open(&ward.cura("/citizens/7/export")).await;
    let page = nez.log_in(&page, NEZ.user, PASSWORD).await;
    let page = nez.touch(&page).await;
    assert_eq!((page.url.as_str(), page.reply.status), (&*ward.cura("/citizens/7/export"), 200));
}

#[tokio::test]
async fn a_form_is_approved_with_its_body() {
    let (ward, mut nez) = Ward::new().await;
    let page = ward.post(&mut nez, "/sign", "amount=10").await;
    let page = nez.touch(&page).await;
    assert_eq!(ward.send_on(&mut nez, &page).await.status, 200);
    assert_eq!(ward.posts()[0].body, b"amount=10");
    assert_eq!(ward.form(&mut nez, "/sign", "amount=10").await.status, 303, "once");
    // Too large to keep: it is approved, and the same body is to be sent again.
    let large = "x".repeat(2000);
    let page = ward.post(&mut nez, "/sign", &large).await;
    nez.touch(&page).await;
    assert_eq!(ward.form(&mut nez, "/sign", &large).await.status, 200);
    assert_eq!(ward.posts()[1].body, large.as_bytes());
    assert_eq!(ward.form(&mut nez, "/sign", &large).await.status, 303, "once");
}

#[tokio::test]
async fn a_script_sends_again_what_was_approved() {
    let (ward, mut nez) = Ward::new().await;
    let approved = async |nez: &mut Person, body: &str| {
        let refused = ward.fetch(nez, "/api/approve", body).await;
        assert_eq!(refused.status, 401);
        assert!(refused.header("www-authenticate").expect("RFC 9470").contains("acr_values=\"strong\""));
        let approve = refused.json()["approve"].as_str().expect("where to approve it").to_owned();
        let page = nez.open(&approve).await;
        let page = nez.touch(&page).await;
        assert_eq!(page.heading(), "Bekræftet");
    };
    approved(&mut nez, r#"{"amount":10}"#).await;
    let reply = ward.fetch(&mut nez, "/api/approve", r#"{"amount":10}"#).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    assert_eq!(ward.posts()[0].body, br#"{"amount":10}"#, "what was read before the decision is sent on");
    assert_eq!(ward.fetch(&mut nez, "/api/approve", r#"{"amount":10}"#).await.status, 401, "once");
    approved(&mut nez, r#"{"amount":10}"#).await;
    assert_eq!(ward.fetch(&mut nez, "/api/approve", r#"{"amount":99}"#).await.status, 401, "another body");
    assert_eq!(ward.posts().len(), 1);
    let huge = "x".repeat(64 * 1024 + 1);
    assert_eq!(ward.fetch(&mut nez, "/api/approve", &huge).await.status, 413);
}

#[tokio::test]
async fn an_approval_nobody_used_is_over_after_two_minutes() {
    let (ward, mut nez) = Ward::new().await;
    let refused = ward.fetch(&mut nez, "/api/approve", "{}").await;
    let page = nez.open(refused.json()["approve"].as_str().expect("where to approve it")).await;
    nez.touch(&page).await;
    ward.gateway.after(2 * MINUTE);
    assert_eq!(ward.fetch(&mut nez, "/api/approve", "{}").await.status, 401);
}

/// The whole of it in a browser: the page goes on by itself, and a file arrives as it was chosen.
#[tokio::test]
async fn a_carer_fills_a_form_in_and_touches_the_key() {
    const FORM: &str = "<!doctype html><meta charset=utf-8><title>Medicin</title><h1>Medicin</h1>
        <form method=post enctype=multipart/form-data action='/medication/7?a=%C3%A6'>
        <label>Dosis <input name=dose></label><button>Gem</button></form>";
    let origin = Origin::start(|request| match request.request_line().starts_with("POST") {
        true => Answer::Echo,
        false => Answer::Html(FORM.to_owned()),
    })
    .await;
    let installation = Installation::new(&origin);
    let policy = CURA.replace("UPSTREAM", &origin.url()).replace("rules:\n", RULES);
    installation.policy("cura", &policy);
    installation.enrol(&NEZ, PASSWORD);
    let gateway = InProcess::serve(&installation).await;
    let browser = Browser::start().await;
    browser.open(&installation.cura("/medication/7")).await;
    log_in(&browser, NEZ.user, PASSWORD).await;
    let _key = register_key_with_code(&browser, &installation.invite(&NEZ)).await;
    browser.heading("Medicin").await;
    gateway.after(6 * MINUTE);
    browser.field("Dosis").await.write("2 mg æøå").await;
    browser.button("Gem").await.click().await;
    let post = origin.request("/medication/7?a=%C3%A6").await;
    let boundary = post.header("content-type").expect("a form");
    let boundary = boundary.split_once("boundary=").expect("multipart").1.to_owned();
    let body = String::from_utf8_lossy(&post.body).into_owned();
    assert!(body.starts_with(&format!("--{boundary}")) && body.contains("2 mg æøå"), "{body}");
    browser.at(&installation.cura("/medication/7?a=%C3%A6")).await;
    let posts = origin.received().into_iter().filter(|it| it.request_line().starts_with("POST"));
    assert_eq!(posts.count(), 1);
}

/// A person with a key, signed in elsewhere.
async fn with_key(ward: &Ward, account: &Account) -> Person {
    Person::let_in(&ward.installation, account, PASSWORD).await
}

/// Where a redirect from Cura leads.
fn page_at(ward: &Ward, reply: &Reply) -> String {
    let location = reply.header("location").unwrap_or_else(|| panic!("no redirect: {reply:?}"));
    if location.starts_with('/') { ward.cura(location) } else { location.to_owned() }
}

/// The mark that says which request the cookie is meant for, as somebody would forge it.
fn mark(method: &str, target: &str) -> String {
    use base64::Engine as _;
    let hash = blake3::hash(format!("{method} {target} false").as_bytes());
    base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(&hash.as_bytes()[..12])
}
