//! `mode: observe`: a stricter policy is decided on, logged and counted, and the one before is what has effect.

use serde_json::Value;

use crate::broker::NEZ;
use crate::harness::{Gateway, Installation};
use crate::origin::Origin;
use crate::person::Person;
use crate::raw::exchange;
use crate::wait::until;

const PASSWORD: &str = "en lang og god sætning";

const HEAD: &str = "\
version: 1
app: cura
title: { da: Cura, en: Cura }
hosts: [cura.localhost]
upstream: UPSTREAM
";

/// `/assets/**` is open, and the rest takes a password.
const BEFORE: &str = "\
rules:
  - name: assets
    match: { path: /assets/** }
    public: true
  - name: rest
    match: { path: /** }
    require: { level: basic }
";

/// Assets are closed, the rest takes a key too, and `/open/**` is new.
const STRICTER: &str = "\
rules:
  - name: assets
    OBSERVEmatch: { path: /assets/** }
    require: { groups: [nobody] }
  - name: open
    OBSERVEmatch: { path: /open/** }
    public: true
  - name: rest
    OBSERVEmatch: { path: /** }
    require: { level: strong }
";

struct Row {
    origin: Origin,
    installation: Installation,
    gateway: Gateway,
}

impl Row {
    async fn new() -> Self {
        let origin = Origin::echo().await;
        let installation = Installation::new(&origin);
        installation.enrol(&NEZ, PASSWORD);
        let row = Self { gateway: installation.serve().await, origin, installation };
        row.live(HEAD, BEFORE, 1).await;
        row
    }

    /// Makes these rules the policy, and waits until that has happened so many times.
    async fn live(&self, head: &str, rules: &str, times: usize) {
        self.installation.policy("cura", &format!("{head}{rules}").replace("UPSTREAM", &self.origin.url()));
        let heard = async || match self.installation.events("policy-loaded").len() {
            count if count >= times => Ok(()),
            count => Err(format!("{count} of {times}:\n{}", self.gateway.log())),
        };
        until("the reload", heard).await;
    }

    /// What is told of the request for `path`: outcome, the rule it is of, and what was observed.
    async fn logged(&self, path: &str) -> (String, String, Option<String>) {
        let line = self.gateway.logged(&format!("\"path\":\"{path}\"")).await;
        let line: Value = serde_json::from_str(&line).expect("the log is JSON");
        let text = |name: &str| line[name].as_str().map(str::to_owned);
        (text("outcome").unwrap_or_default(), text("rule").unwrap_or_default(), text("observed"))
    }

    /// How often this was counted: outcome, what was observed, and by which rule.
    async fn counted(&self, outcome: &str, observed: &str, rule: &str) -> Option<String> {
        let request = "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        let metrics = exchange(self.installation.admin, request).await.text();
        let series = format!(
            "sluse_observed_total{{app=\"cura\",observed=\"{observed}\",outcome=\"{outcome}\",rule=\"{rule}\"}} "
        );
        metrics.lines().find_map(|line| line.strip_prefix(&series)).map(str::to_owned)
    }

    /// A request by nobody.
    async fn anonymous(&self, path: &str) -> u16 {
        let host = format!("cura.localhost:{}", self.installation.listen.port());
        let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        exchange(self.installation.listen, request).await.status
    }

    /// What was let through is, what was not is not, and both are told of, under paths that end so.
    async fn holds(&self, nez: &mut Person, end: &str) {
        let path = |start: &str| format!("{start}{end}");
        let told = |outcome: &str, rule: &str, observed: &str| {
            (outcome.to_owned(), rule.to_owned(), Some(observed.to_owned()))
        };
        assert_eq!(self.anonymous(&path("/assets/")).await, 200);
        self.origin.request(&path("/assets/")).await;
        assert_eq!(self.logged(&path("/assets/")).await, told("allow", "assets", "login any"));
        assert_eq!(self.anonymous(&path("/open/")).await, 401, "it opens nothing");
        assert_eq!(self.logged(&path("/open/")).await, told("login", "rest", "allow open"));
        let url = self.installation.cura(&path("/x/"));
        assert_eq!(nez.get(&url).await.status, 200, "a password is enough, as before");
        assert_eq!(self.origin.request(&path("/x/")).await.all("x-sluse-user"), ["nez"]);
        assert_eq!(self.logged(&path("/x/")).await, told("allow", "rest", "step_up key"));
        let seen = self.origin.received();
        assert!(seen.iter().all(|request| !request.target().starts_with("/open/")));
    }
}

#[tokio::test]
async fn what_only_observes_lets_the_one_before_decide() {
    let row = Row::new().await;
    let mut nez = Person::at(&row.installation);
    let page = nez.open(&row.installation.cura("/first")).await;
    assert_eq!(nez.log_in(&page, NEZ.user, PASSWORD).await.reply.status, 200);
    assert_eq!(row.logged("/first").await.2, None);
    let written = STRICTER.replace("OBSERVE", "");
    let counts = async || {
        let [a, b, c] =
            [("allow", "login", "assets"), ("login", "allow", "open"), ("allow", "step_up", "rest")];
        [row.counted(a.0, a.1, a.2).await, row.counted(b.0, b.1, b.2).await, row.counted(c.0, c.1, c.2).await]
    };
    let times = |count: &str| [(); 3].map(|()| Some(count.to_owned()));
    assert_eq!(counts().await, [None, None, None]);

    row.live(&format!("{HEAD}mode: observe\n"), &written, 2).await;
    row.holds(&mut nez, "by-app").await;
    assert_eq!(counts().await, times("1"));

    row.live(HEAD, BEFORE, 3).await;
    row.live(HEAD, &STRICTER.replace("OBSERVE", "mode: observe\n    "), 4).await;
    row.holds(&mut nez, "by-rule").await;
    assert_eq!(counts().await, times("2"));

    // And then it is meant.
    row.live(HEAD, &written, 5).await;
    assert_eq!(row.anonymous("/assets/z").await, 401);
    assert_eq!(row.anonymous("/open/z").await, 200);
    assert_eq!(nez.get(&row.installation.cura("/x/z")).await.status, 303);
    assert_eq!(row.logged("/assets/z").await.2, None);
    assert_eq!(counts().await, times("2"), "nothing more was observed");
}
