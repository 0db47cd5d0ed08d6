//! The certified `oidc-provider` in a node process of its own, with a MitID broker's manners.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::process::Process;

pub const CLIENT_ID: &str = "sluse";
/// The same customer, whose ID tokens are signed with ES256 instead of RS256.
pub const CLIENT_ID_ES256: &str = "sluse-es256";
pub const CLIENT_SECRET: &str = "a secret between this broker and its customer";

/// Somebody the broker can vouch for.
#[derive(Copy, Clone, Debug)]
pub struct Person {
    /// On the broker's button.
    pub user: &'static str,
    pub name: &'static str,
    pub uuid: &'static str,
    /// A replacement number (day + 60), or nobody the population register knows.
    pub cpr: Option<&'static str>,
}

pub const NEZ: Person = Person {
    user: "nez",
    name: "Nez Perce",
    uuid: "0b8f5a52-4b0e-4f0a-9d55-6f1a2c3d4e5f",
    cpr: Some("6101809996"),
};

pub const OLE: Person = Person {
    user: "ole",
    name: "Ole Bruun",
    uuid: "6f8dd0a0-71a9-4a4e-8c0b-0d9f6c1e2b3a",
    cpr: Some("6202809990"),
};

/// [`NEZ`] with a new MitID: the same person under another number of the broker's.
pub const NEZ_RENEWED: Person =
    Person { user: "nez-ny", uuid: "c2a7d6d8-3c1f-4c57-9d0e-2f4b8a61e5d3", ..NEZ };

/// The level the broker returns, whatever it was asked for.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Level {
    Low,
    Substantial,
    High,
    /// It says nothing about the level.
    Absent,
}

pub struct Broker {
    pub issuer: String,
    http: reqwest::Client,
    _process: Process,
}

impl Broker {
    /// Starts one that knows [`NEZ`], [`NEZ_RENEWED`] and [`OLE`] and returns to `redirect_uri`.
    pub async fn start(redirect_uri: &str) -> Self {
        let client = |id: &str, algorithm: &str| {
            json!({
                "client_id": id,
                "client_secret": CLIENT_SECRET,
                "redirect_uris": [redirect_uri],
                "id_token_signed_response_alg": algorithm,
            })
        };
        let person = |it: Person| json!({ "user": it.user, "name": it.name, "uuid": it.uuid, "cpr": it.cpr });
        let setup = json!({
            "clients": [client(CLIENT_ID, "RS256"), client(CLIENT_ID_ES256, "ES256")],
            "people": [person(NEZ), person(NEZ_RENEWED), person(OLE)],
        });
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it");
        assert!(folder.join("node_modules/oidc-provider").exists(), "`make deps` installs the broker");
        let mut command = Command::new("node");
        command.current_dir(folder).arg("broker.mjs").arg(setup.to_string());
        let process = Process::start(command);
        let issuer = process
            .printed("the broker's issuer", |line| Some(line.strip_prefix("issuer ")?.to_owned()))
            .await;
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .expect("a plain client");
        Self { issuer, http, _process: process }
    }

    /// Logs `person` in for the authorization request `url`, by hand: where the broker then sends the browser.
    pub async fn vouch(&self, url: &str, person: &Person) -> String {
        let mut cookies = Vec::new();
        let mut url = url.to_owned();
        while url.starts_with(&self.issuer) {
            let request = match url.contains("/interaction/") {
                true => self.http.post(&url).body(format!("user={}", person.user)),
                false => self.http.get(&url),
            };
            let answer =
                request.header("cookie", cookies.join("; ")).send().await.expect("the broker answers");
            let header = |name| answer.headers().get_all(name).iter().map(|it| it.to_str().expect("ASCII"));
            cookies.extend(header("set-cookie").filter_map(|set| Some(set.split_once(';')?.0.to_owned())));
            let next = header("location").next().expect("the broker sends the browser on");
            url = if next.starts_with('/') { format!("{}{next}", self.issuer) } else { next.to_owned() };
        }
        url
    }

    /// From now on logins return `level`.
    pub async fn returns(&self, level: Level) {
        let level = match level {
            Level::Low => "low",
            Level::Substantial => "substantial",
            Level::High => "high",
            Level::Absent => "absent",
        };
        self.control(json!({ "level": level })).await;
    }

    /// From now on logins claim to have happened `seconds` before they did.
    pub async fn answers_with_age(&self, seconds: u32) {
        self.control(json!({ "age": seconds })).await;
    }

    /// The query of every authorization request so far.
    pub async fn requests(&self) -> Vec<Value> {
        let state = self.control(json!({})).await;
        state["requests"].as_array().expect("a list of requests").clone()
    }

    /// How often a code was to be exchanged for tokens so far.
    pub async fn token_requests(&self) -> u64 {
        self.control(json!({})).await["tokenRequests"].as_u64().expect("a number of requests")
    }

    /// Every token it has given.
    pub async fn tokens(&self) -> Vec<String> {
        let tokens = self.control(json!({})).await["tokens"].clone();
        serde_json::from_value(tokens).expect("a list of tokens")
    }

    /// What the broker says under `path`, as JSON.
    pub async fn read(&self, path: &str) -> Value {
        self.answer(self.http.get(format!("{}{path}", self.issuer))).await
    }

    async fn control(&self, change: Value) -> Value {
        self.answer(self.http.post(format!("{}/control", self.issuer)).body(change.to_string())).await
    }

    async fn answer(&self, request: reqwest::RequestBuilder) -> Value {
        let response = request.send().await.expect("the broker answers");
        let body = response.bytes().await.expect("the broker finishes its answer");
        serde_json::from_slice(&body).expect("the broker answers in JSON")
    }
}
