//! Telling people, and programs, what happened: once, later if it must be, and never to anybody else.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::State;
use axum::routing::post;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{HeaderMap, StatusCode};
use serde_json::Value;
use sha2::Sha256;
use sluse::time::{Clock as _, SystemClock};

use crate::broker::{NEZ, OLE, Person as Account};
use crate::harness::Installation;
use crate::in_process::InProcess;
use crate::origin::Origin;
use crate::person::Person;
use crate::raw::exchange;
use crate::smtp::{Encryption, Smtp};
use crate::wait::until;

const PASSWORD: &str = "en lang og god sætning";
const MINUTE: Duration = Duration::from_secs(60);
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

#[tokio::test]
async fn a_person_is_told_of_a_new_browser_and_of_keys() {
    let smtp = Smtp::start(Encryption::Implicit).await;
    let installation = Installation::new(&Origin::echo().await);
    smtp.serve(&installation, None, "  phone: 72 10 10 10\n");
    // What happened before the first start is history.
    add(&installation, &NEZ, "nez@kommune.example");
    let gateway = InProcess::serve(&installation).await;
    let mut nez = Person::let_in(&installation, &NEZ, PASSWORD).await;
    smtp.arrived(2).await;
    // In the same browser it is no news.
    nez.forget("login.localhost", crate::person::SESSION);
    nez.forget("cura.localhost", crate::person::SESSION);
    let page = nez.open(&installation.cura("/")).await;
    let page = nez.log_in(&page, NEZ.user, PASSWORD).await;
    assert_eq!(page.heading(), "Anvend hardwarenøgle");
    installation.succeed(["key", "remove", "nez", "Blå nøgle"], "");
    let mails = smtp.arrived(3).await;
    let news = ["i en browser, du ikke har brugt før", "Hardwarenøgle: Blå nøgle", "kan ikke længere bruges"];
    assert_eq!(mails.len(), news.len());
    for (mail, news) in mails.iter().zip(news) {
        assert_eq!(
            (mail.from.as_str(), &*mail.to),
            ("noreply@kommune.example", &["nez@kommune.example".to_owned()][..])
        );
        assert_eq!((mail.user.as_deref(), mail.secure), (Some("sluse"), true));
        assert_eq!(mail.header("Auto-Submitted"), Some("auto-generated"));
        assert_eq!(mail.header("From"), Some("Sluse <noreply@kommune.example>"));
        assert!(mail.text.contains("Hej Nez Perce") && mail.text.contains(news), "{}", mail.text);
        assert!(mail.text.contains("ring til servicedesk med det samme på 72 10 10 10"), "{}", mail.text);
        for never in ["://", "localhost", PASSWORD, NEZ.cpr.expect("a CPR number")] {
            assert!(!mail.text.contains(never), "{never}: {}", mail.text);
        }
    }
    assert!(mails[0].text.contains("IP-adresse: 127.0.0.1"), "{}", mails[0].text);
    assert!(mails[2].text.contains("Udført af servicedesk"), "{}", mails[2].text);
    let ids: std::collections::BTreeSet<_> = mails.iter().map(|mail| mail.header("Message-ID")).collect();
    assert_eq!(ids.len(), 3);
    until("the last to be done with", async || waiting(&installation, 0).await).await;
    drop(gateway);
}

#[tokio::test]
async fn a_mail_arrives_later_when_the_server_was_away() {
    let mut smtp = Smtp::start(Encryption::StartTls).await;
    let installation = Installation::new(&Origin::echo().await);
    smtp.serve(&installation, None, "");
    add(&installation, &NEZ, "nez@kommune.example");
    let gateway = InProcess::serve(&installation).await;
    smtp.stop();
    installation.succeed(["user", "set-password", "nez"], PASSWORD);
    until("an attempt", async || failed(&installation, "person").await).await;
    smtp.resume().await;
    gateway.after(MINUTE);
    let mails = smtp.arrived(1).await;
    assert!(mails[0].secure && mails[0].text.contains("har fået et nyt kodeord"), "{mails:?}");
    until("nothing to wait", async || waiting(&installation, 0).await).await;
    assert_eq!(smtp.mails().len(), 1);
}

#[tokio::test]
async fn a_power_cut_loses_no_mail() {
    let mut smtp = Smtp::start(Encryption::StartTls).await;
    let installation = Installation::new(&Origin::echo().await);
    smtp.serve(&installation, None, "");
    add(&installation, &NEZ, "nez@kommune.example");
    let gateway = installation.serve().await;
    smtp.stop();
    installation.succeed(["user", "set-password", "nez"], PASSWORD);
    gateway.logged("a message was not taken").await;
    gateway.kill();
    // While nobody is there to tell it.
    installation.succeed(["user", "set-password", "nez"], PASSWORD);
    smtp.resume().await;
    let gateway = InProcess::serve(&installation).await;
    gateway.after(5 * MINUTE);
    smtp.arrived(2).await;
    until("nothing to wait", async || waiting(&installation, 0).await).await;
    assert_eq!(smtp.mails().len(), 2);
}

#[tokio::test]
async fn no_mail_goes_to_a_server_that_cannot_show_who_it_is() {
    let stranger = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    for (tls, ca) in [
        (Encryption::Implicit, Some(stranger.cert.pem())),
        (Encryption::StartTls, Some(stranger.cert.pem())),
        (Encryption::Absent, None),
    ] {
        let smtp = Smtp::start(tls).await;
        let installation = Installation::new(&Origin::echo().await);
        smtp.serve(&installation, ca.as_deref(), "");
        add(&installation, &NEZ, "nez@kommune.example");
        let gateway = InProcess::serve(&installation).await;
        installation.succeed(["user", "set-password", "nez"], PASSWORD);
        until("an attempt", async || failed(&installation, "person").await).await;
        // In three days it is no news any more.
        gateway.after((3 * 24 + 1) * 60 * MINUTE);
        let given_up = until("it to be given up", async || {
            let given_up = installation.events("telling-given-up");
            if given_up.is_empty() { Err(metrics(&installation).await) } else { Ok(given_up) }
        })
        .await;
        assert_eq!(
            (&given_up[0]["detail"]["event"], &given_up[0]["detail"]["channel"]),
            (&"password-set".into(), &"person".into())
        );
        assert_eq!(smtp.mails().len(), 0, "{tls:?}");
    }
}

#[tokio::test]
async fn names_and_addresses_write_no_headers() {
    let smtp = Smtp::start(Encryption::Implicit).await;
    let installation = Installation::new(&Origin::echo().await);
    smtp.serve(&installation, None, "");
    add(&installation, &OLE, "ole@kommune.example");
    add(&installation, &NEZ, "nez@kommune.example");
    // The commands refuse such names; what a directory says is another matter.
    let lines = r#"UPDATE users SET claims = '[["email","ole@kommune.example\r\nBcc: evil@evil.example"]]' WHERE username = 'ole';
        UPDATE users SET name = 'Nez' || char(13, 10) || 'Bcc: evil@evil.example' WHERE username = 'nez'"#;
    crate::audit::change(&installation, lines).await;
    let gateway = InProcess::serve(&installation).await;
    // Ole has no address that is one: nothing is sent, and nobody waits.
    for user in ["ole", "nez"] {
        installation.succeed(["user", "set-password", user], PASSWORD);
    }
    let mails = smtp.arrived(1).await;
    assert_eq!(mails[0].to, ["nez@kommune.example"]);
    assert!(!mails[0].head.contains("Bcc") && !mails[0].head.contains("evil"), "{}", mails[0].head);
    assert!(mails[0].text.contains("Hej Nez Bcc evil evil example"), "{}", mails[0].text);
    until("nothing to wait", async || waiting(&installation, 0).await).await;
    assert_eq!(smtp.mails().len(), 1);
    drop(gateway);
}

#[tokio::test]
async fn administrators_are_told_when_many_are_locked_out() {
    let smtp = Smtp::start(Encryption::Implicit).await;
    let installation = Installation::new(&Origin::echo().await);
    smtp.serve(&installation, None, "  alarms: [it-vagt@kommune.example]\n");
    let names: Vec<String> = (0..10).map(|n| format!("person{n}")).collect();
    for name in &names {
        installation.succeed(["user", "add", name, "--name", name], "");
    }
    let gateway = InProcess::serve(&installation).await;
    let mut stranger = Person::at(&installation);
    let page = stranger.open(&installation.login("/login")).await;
    for name in &names {
        assert_eq!(installation.events("many-lockouts").len(), 0);
        for _ in 0..5 {
            stranger.log_in(&page, name, "et forkert kodeord").await;
        }
    }
    let mails = smtp.arrived(2).await;
    let [guessing, lockouts] = &mails[..] else { panic!("{mails:?}") };
    assert!(guessing.text.contains("Antal: 30 på 10 minutter\r\nIP-adresse: 127.0.0.1"), "{guessing:?}");
    assert!(lockouts.text.contains("Antal: 10 på 10 minutter"), "{lockouts:?}");
    assert!(mails.iter().all(|mail| mail.to == ["it-vagt@kommune.example"]), "{mails:?}");
    let alarms = installation.events("many-lockouts");
    assert_eq!((alarms.len(), &alarms[0]["username"]), (1, &Value::Null));
    assert!(metrics(&installation).await.contains("\nsluse_lockout_alarms_total 1\n"));
    drop(gateway);
}

#[tokio::test]
async fn a_lockout_is_mailed_once_an_hour() {
    let smtp = Smtp::start(Encryption::Implicit).await;
    let installation = Installation::new(&Origin::echo().await);
    smtp.serve(&installation, None, "");
    add(&installation, &NEZ, "nez@kommune.example");
    let gateway = InProcess::serve(&installation).await;
    let mut stranger = Person::at(&installation);
    let page = stranger.open(&installation.login("/login")).await;
    // From five minutes into an hour: twice in that one, and then in the next.
    let into_the_hour = SystemClock.now().as_seconds() % 3600;
    gateway.after(Duration::from_secs(u64::try_from(3900 - into_the_hour).expect("at least five minutes")));
    for pause in [10, 60, 0] {
        for _ in 0..5 {
            stranger.log_in(&page, "nez", "et forkert kodeord").await;
        }
        gateway.after(pause * MINUTE);
    }
    assert_eq!(installation.events("account-locked").len(), 3);
    let mails = smtp.arrived(2).await;
    assert!(mails.iter().all(|mail| mail.text.contains("låst i fem minutter")), "{mails:?}");
    // What comes after is told after: there was no third.
    installation.succeed(["user", "set-password", "nez"], PASSWORD);
    assert!(smtp.arrived(3).await[2].text.contains("nyt kodeord"), "{:?}", smtp.mails());
}

#[tokio::test]
async fn a_webhook_gets_what_it_asked_for_signed_until_it_takes_it() {
    let desk = Desk::start().await;
    let installation = Installation::new(&Origin::echo().await);
    let secret = installation.write("webhook.secret", SECRET);
    let webhooks = format!(
        "webhooks:\n  desk: {{ url: \"{}\", secret_file: {}, events: [account-locked, password-set] }}\nmethods:\n",
        desk.url,
        secret.display()
    );
    installation.change("sluse.yaml", "methods:\n", &webhooks);
    installation.enrol(&Account { cpr: None, ..NEZ }, PASSWORD);
    let gateway = InProcess::serve(&installation).await;
    let mut stranger = Person::at(&installation);
    let page = stranger.open(&installation.login("/login")).await;
    for _ in 0..5 {
        stranger.log_in(&page, "findes-ikke", "et forkert kodeord").await;
    }
    desk.received(1).await;
    until("an attempt", async || failed(&installation, "webhook").await).await;
    gateway.after(MINUTE);
    let posts = desk.received(2).await;
    let [(first_id, first), (second_id, second)] = &posts[..] else { panic!("{posts:?}") };
    assert_eq!((first_id, first), (second_id, second), "the same, once more");
    assert_eq!(first["type"], "account-locked");
    assert_eq!((&first["data"]["username"], &first["data"]["user"]), (&"findes-ikke".into(), &Value::Null));
    assert_eq!(first["data"]["address"], "127.0.0.1");
    assert_eq!(first["data"]["installation"], installation.login(""));

    // A login in a new browser it did not ask for.
    let mut nez = Person::at(&installation);
    let page = nez.open(&installation.login("/login")).await;
    nez.log_in(&page, "nez", PASSWORD).await;
    assert_eq!(installation.events("browser-new").len(), 1);
    installation.succeed(["user", "set-password", "nez"], PASSWORD);
    let posts = desk.received(3).await;
    assert_eq!(
        (&posts[2].1["type"], &posts[2].1["data"]["username"]),
        (&"password-set".into(), &"nez".into())
    );
    assert_ne!(posts[2].0, *first_id);
    drop(gateway);
}

/// Where a webhook leads: it refuses the first, and takes the rest.
struct Desk {
    url: String,
    posts: Posts,
    _serving: tokio::task::JoinHandle<()>,
}

/// Each one's id and body.
type Posts = Arc<Mutex<Vec<(String, Value)>>>;

impl Desk {
    async fn start() -> Self {
        let posts = Posts::default();
        let router = axum::Router::new().route("/events", post(take)).with_state(posts.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("loopback has free ports");
        let url = format!("http://{}/events", listener.local_addr().expect("it listens"));
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.expect("it serves") });
        Self { url, posts, _serving: serving }
    }

    async fn received(&self, count: usize) -> Vec<(String, Value)> {
        until("a webhook", async || {
            let posts = self.posts.lock().expect("nobody panicked").clone();
            if posts.len() >= count { Ok(posts) } else { Err(format!("{posts:?}")) }
        })
        .await
    }
}

async fn take(State(posts): State<Posts>, headers: HeaderMap, body: String) -> StatusCode {
    let header = |name: &str| headers[name].to_str().expect("ASCII").to_owned();
    let (id, seconds) = (header("webhook-id"), header("webhook-timestamp"));
    let key = STANDARD.decode(&SECRET["whsec_".len()..]).expect("base64");
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("any length");
    mac.update(format!("{id}.{seconds}.{body}").as_bytes());
    let signature = header("webhook-signature");
    let signature = STANDARD.decode(signature.strip_prefix("v1,").expect("version 1")).expect("base64");
    if mac.verify_slice(&signature).is_err() {
        return StatusCode::UNAUTHORIZED;
    }
    let mut posts = posts.lock().expect("nobody panicked");
    posts.push((id, serde_json::from_str(&body).expect("JSON")));
    if posts.len() == 1 { StatusCode::INTERNAL_SERVER_ERROR } else { StatusCode::NO_CONTENT }
}

/// An account with an address and a password.
fn add(installation: &Installation, account: &Account, email: &str) {
    let claim = format!("email={email}");
    installation.succeed(["user", "add", account.user, "--name", account.name, "--claim", &claim], "");
    installation.succeed(["user", "set-password", account.user], PASSWORD);
}

async fn metrics(installation: &Installation) -> String {
    let request = "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    exchange(installation.admin, request).await.text()
}

/// Whether so many messages wait, and none that is not yet in the outbox.
async fn waiting(installation: &Installation, count: u64) -> Result<(), String> {
    let told = metrics(installation).await;
    if told.contains(&format!("\nsluse_messages_waiting {count}\n")) { Ok(()) } else { Err(told) }
}

/// Whether an attempt has failed, and waits to be made again.
async fn failed(installation: &Installation, channel: &str) -> Result<(), String> {
    let told = metrics(installation).await;
    let line = format!("\nsluse_told_total{{channel=\"{channel}\",result=\"failed\"}} 1\n");
    if told.contains(&line) { Ok(()) } else { Err(told) }
}
