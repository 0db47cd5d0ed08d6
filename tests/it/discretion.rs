//! What a whole working day leaves behind: an audit row for every security event, and no secret anywhere.

use std::fs;

use serde_json::Value;
use sluse::authn::authenticator::SoftwareAuthenticator;
use sluse::random::SystemRandom;

use crate::broker::{Broker, CLIENT_SECRET, NEZ, OLE};
use crate::harness::{CURA, Gateway, Installation};
use crate::origin::Origin;
use crate::person::{Page, Person};

const PASSWORD: &str = "en lang og god sætning";
const MISTYPED: &str = "en lang og god sætninf";

/// In the order of the day.
const EVENTS: [&str; 24] = [
    "user-added",
    "password-set",
    "user-invited",
    "password-wrong",
    "password-verified",
    "browser-new",
    "code-refused",
    "mitid-refused",
    "mitid-aborted",
    "mitid-bound",
    "mitid-verified",
    "key-registered",
    "session-handed-off",
    "request-denied",
    "key-renamed",
    "cross-site-refused",
    "key-registered",
    "key-deleted",
    "logged-out",
    "hand-off-refused",
    "password-verified",
    "key-verified",
    "session-handed-off",
    "key-refused",
];

#[tokio::test]
async fn every_security_event_has_its_row() {
    let day = Day::spent().await;
    let rows = day.installation.audit();
    let events: Vec<_> = rows.iter().map(|row| row["event"].as_str().expect("a code")).collect();
    assert_eq!(events, EVENTS);
    let nez = &rows[0]["user"];
    for row in &rows {
        // Of a browser that was logged out, nobody knows whose it is.
        let known = row["event"] != "hand-off-refused";
        assert_eq!((row["username"] == "nez", row["user"] == *nez), (known, known), "{row}");
        assert!(row["at"].as_str().is_some_and(|at| at.ends_with('Z')), "{row}");
        let correlation = row["correlation"].as_str().filter(|code| !code.is_empty()).expect("a code");
        // A command tells who ran it; a request from where it came, and has its line in the log.
        match row["address"].as_str() {
            None => assert!(row["detail"]["operator"].is_string(), "{row}"),
            Some(address) => {
                assert_eq!(address, "127.0.0.1");
                let line = |line: &str| line.contains("sluse::request") && line.contains(correlation);
                assert!(day.gateway.log().lines().any(line), "no line in the log for {row}");
            }
        }
    }
}

#[tokio::test]
async fn no_secret_is_logged_or_audited() {
    let day = Day::spent().await;
    let (log, audit) = (day.gateway.log(), Value::from(day.installation.audit()).to_string());
    let secrets = day.secrets().await;
    // Were the hunt for one kind in vain, its absence below would say nothing.
    for (kind, least) in [("cookie", 8), ("parameter", 10), ("ceremony", 6), ("token", 4)] {
        let found = secrets.iter().filter(|secret| secret.kind == kind).count();
        assert!(found >= least, "only {found} of the kind {kind} were seen: {secrets:?}");
    }
    for Secret { kind, value } in secrets {
        assert!(!log.contains(&value), "a {kind} is in the log: {value}");
        assert!(!audit.contains(&value), "a {kind} is in the audit: {value}");
    }
}

#[tokio::test]
async fn nothing_in_the_store_opens_anything() {
    let day = Day::spent().await;
    let files = ["sluse.db", "sluse.db-wal"].map(|name| fs::read(day.installation.path().join(name)));
    let store = files.map(|file| file.expect("a store in use")).concat();
    // What a ceremony asks is kept until it is answered: it opens nothing without the browser that was asked.
    let lasting = day.secrets().await.into_iter().filter(|it| !matches!(it.kind, "parameter" | "ceremony"));
    for Secret { kind, value } in lasting {
        let found = store.windows(value.len()).any(|window| window == value.as_bytes());
        assert!(!found, "a {kind} is in the store: {value}");
    }
}

/// Everything one employee does, as it should be done and otherwise.
struct Day {
    installation: Installation,
    gateway: Gateway,
    broker: Broker,
    code: String,
    nez: Person,
}

impl Day {
    async fn spent() -> Self {
        let origin = Origin::echo().await;
        let (installation, broker) = Installation::with_broker(&origin).await;
        let closed = "  - name: closed\n    match: { path: /closed }\n    require: { groups: [nobody] }\n";
        let policy = CURA.replace("UPSTREAM", &origin.url());
        installation.policy("cura", &policy.replace("rules:\n", &format!("rules:\n{closed}")));
        installation.enrol(&NEZ, PASSWORD);
        let code = installation.invite(&NEZ);
        let gateway = installation.serve().await;
        let nez = Person::at(&installation);
        let mut day = Self { installation, gateway, broker, code, nez };
        day.mistakes_and_a_key().await;
        day.housekeeping().await;
        day.password_and_touch().await;
        // Lines are written in their order: with this one the log has them all.
        day.nez.open(&day.installation.cura("/the-last")).await;
        day.gateway.logged("/the-last").await;
        day
    }

    async fn mistakes_and_a_key(&mut self) {
        let Self { installation, broker, nez, .. } = self;
        let page = nez.open(&installation.cura("/")).await;
        let page = nez.log_in(&page, NEZ.user, MISTYPED).await;
        let page = nez.log_in(&page, NEZ.user, PASSWORD).await;
        let page = nez.submit(&page, "/code", &[("code", "00000-00000-00000-00000")]).await;
        let callback = nez.callback(&page, broker, &OLE).await;
        let page = nez.open(&callback).await;
        let callback = nez.callback(&page, broker, &NEZ).await;
        let page = nez.open(&callback.replace("?code=", "?error=access_denied&was=")).await;
        assert_eq!(page.heading(), "Du afbrød MitID");
        let callback = nez.callback(&page, broker, &NEZ).await;
        let page = nez.open(&callback).await;
        let page = nez.submit(&page, "/keys/new", &[("name", "Blå nøgle")]).await;
        let response = nez.key.register(&page.options(), &installation.login("")).expect("it goes along");
        let page = nez.finish(&page, "/keys/finish", &response).await;
        let page = nez.go_on(&page).await;
        assert_eq!((page.url, page.reply.status), (installation.cura("/"), 200));
    }

    async fn housekeeping(&mut self) {
        let Self { installation, nez, .. } = self;
        assert_eq!(nez.open(&installation.cura("/closed")).await.reply.status, 403);
        let page = nez.open(&installation.login("/me")).await;
        let rename = page.link_with("/rename").expect("a key");
        nez.submit(&page, &rename, &[("name", "Rød nøgle")]).await;
        let foreign = [("Origin", "https://evil.example"), ("Accept", "text/html")];
        assert_eq!(nez.send("POST", &installation.login("/logout"), &foreign, "").await.status, 403);

        let mut spare = SoftwareAuthenticator::new(&SystemRandom);
        let page = nez.submit(&page, "/keys/new", &[("name", "En til")]).await;
        let response = spare.register(&page.options(), &installation.login("")).expect("it goes along");
        nez.finish(&page, "/keys/finish", &response).await;
        let page = nez.open(&installation.login("/me")).await;
        // The older of the two stands first.
        let delete = page.link_with("/delete").expect("two keys");
        let page = nez.open(&page.resolve(&delete)).await;
        nez.submit(&page, &delete, &[]).await;
        nez.key = spare;
        nez.submit(&page, "/logout", &[]).await;
        nez.forget("cura.localhost", crate::person::SESSION);
        nez.open(&installation.cura("/.sluse/enter?code=made-up")).await;
    }

    async fn password_and_touch(&mut self) {
        let Self { installation, nez, .. } = self;
        let page = nez.open(&installation.cura("/")).await;
        let page = nez.log_in(&page, NEZ.user, PASSWORD).await;
        let response = nez.key.assert(&page.options(), &installation.login("")).expect("it goes along");
        let there = nez.finish(&page, "/key/finish", &response).await;
        assert_eq!((there.url, there.reply.status), (installation.cura("/"), 200));
        assert_eq!(nez.post_response(&page, "/key/finish", &response).await.status, 400);
    }

    /// Everything that was to be kept to oneself, by kind.
    async fn secrets(&self) -> Vec<Secret> {
        let secret = |kind, value: &str| Secret { kind, value: value.to_owned() };
        let cpr = NEZ.cpr.expect("a CPR number");
        let mut secrets = vec![
            secret("password", PASSWORD),
            secret("password", MISTYPED),
            secret("one-time code", &self.code),
            secret("one-time code", &self.code.replace('-', "")),
            secret("CPR number", cpr),
            secret("CPR number", &format!("{}-{}", &cpr[..6], &cpr[6..])),
            secret("client secret", CLIENT_SECRET),
        ];
        secrets.extend(self.broker.tokens().await.iter().map(|token| secret("token", token)));
        secrets.extend(self.nez.history.iter().flat_map(told));
        secrets
    }
}

#[derive(Debug)]
struct Secret {
    kind: &'static str,
    value: String,
}

/// What a page told the browser alone: cookies, what addresses carry, and ceremonies.
fn told(page: &Page) -> Vec<Secret> {
    let Page { url, reply } = page;
    let mut secrets = Vec::new();
    let mut add = |kind, value: &str| {
        // What is empty, or plain to all, is no secret.
        if value.len() >= 20 {
            secrets.push(Secret { kind, value: value.to_owned() });
        }
    };
    for set in reply.all("set-cookie") {
        let value = set.split(';').next().and_then(|pair| pair.split_once('='));
        add("cookie", value.expect("a cookie has a value").1);
    }
    let json = serde_json::from_slice::<Value>(&reply.body).unwrap_or_default();
    for address in [Some(url.as_str()), reply.header("location"), json["next"].as_str()].into_iter().flatten()
    {
        let query = address.split_once('?').map_or("", |(_, query)| query);
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            if matches!(&*name, "code" | "state" | "nonce" | "code_challenge") {
                add("parameter", &value);
            }
        }
    }
    let text = reply.text();
    for mark in ["data-ceremony=\"", "&#34;challenge&#34;:&#34;", "&quot;challenge&quot;:&quot;"] {
        if let Some((_, rest)) = text.split_once(mark) {
            add("ceremony", rest.split(['"', '&']).next().unwrap_or_default());
        }
    }
    secrets
}
