use std::path::Path;

use super::*;
use crate::authn::{Assurance, Method, PasswordEvidence};
use crate::policy::explain::{Transcript, explain_enforced, outcome};
use crate::policy::{Decision, Person, Request, decide};
use crate::time::Timestamp;

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

const CONFIG: &str = "\
login: https://login.example
listen: 127.0.0.1:8080
store: sqlite:a.db
key_file: key
methods: { password: {} }
levels: { basic: password }
";

struct Installation {
    folder: tempfile::TempDir,
    live: Arc<ArcSwap<Policy>>,
    /// The methods that went live with it.
    offered: Arc<Mutex<Vec<Method>>>,
    reloader: Reloader,
}

impl Installation {
    fn with(rules: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sluse.yaml");
        std::fs::write(&path, CONFIG).unwrap();
        std::fs::create_dir(folder.path().join("policies")).unwrap();
        write(folder.path(), rules);
        let config = Config::load(&path).unwrap();
        let offered: Arc<Mutex<Vec<Method>>> = Arc::default();
        let live = Arc::new(ArcSwap::from_pointee(file::load(&config.policies, &config).unwrap()));
        let reloader = Reloader::new(&path, config, live.clone(), set_up(offered.clone()));
        Self { folder, live, offered, reloader }
    }

    /// Puts the rules in the place of those before.
    fn reload(&self, rules: &str) -> Result<Report, Vec<Problem>> {
        write(self.folder.path(), rules);
        self.reloader.reload()
    }

    fn config(&self, text: &str) {
        std::fs::write(self.folder.path().join("sluse.yaml"), text).unwrap();
    }

    /// What somebody in `staff` who gave a password just now gets for `GET /x`.
    fn decision(&self) -> Decision {
        let (decision, told) = self.told();
        assert_eq!(told.outcome, outcome(&decision), "the decision and what is told of it");
        decision
    }

    /// The decision, and how the twin that tells says it came about.
    fn told(&self) -> (Decision, Transcript) {
        let policy = self.live.load();
        let evidence = PasswordEvidence { at: NOW };
        let assurance = Assurance { password: Some(evidence), ..Assurance::default() };
        let groups = ["staff".to_owned()];
        let person = Person { username: "anna", groups: &groups, claims: &[], assurance: &assurance };
        let (app, request) = (policy.app("a.example").unwrap(), Request::new("GET", "/x"));
        let told = explain_enforced(app, &request, Some(&person), NOW);
        let decision = decide(app, &request, Some(&person), NOW);
        assert_eq!(told.decision.observed(), decision.observed());
        (decision, told.transcript)
    }

    fn outcome(&self) -> String {
        outcome(&self.decision())
    }

    /// What has effect, and what was observed.
    fn both(&self) -> (String, Option<String>) {
        let decision = self.decision();
        (outcome(&decision), decision.observed().map(|observed| observed.told.clone()))
    }
}

/// Keeps what is offered; keys of one name cannot be set up.
fn set_up(offered: Arc<Mutex<Vec<Method>>>) -> SetUp {
    Box::new(move |config, _| {
        if config.methods.key.as_ref().is_some_and(|key| key.name == "broken") {
            return Err(vec![Problem::of_file(Path::new("sluse.yaml"), "no", "another")]);
        }
        let (offered, methods) = (offered.clone(), config.methods.offered());
        Ok(Box::new(move || *offered.lock().unwrap() = methods))
    })
}

fn write(folder: &Path, rules: &str) {
    let head = "version: 1\napp: a\nhosts: [a.example]\nupstream: http://u:1\n";
    std::fs::write(folder.join("policies/a.yaml"), format!("{head}{rules}")).unwrap();
}

const OPEN: &str = "rules: [{ name: open, match: { path: /** } }]";
const CLOSED: &str = "rules: [{ name: closed, match: { path: /** }, require: { groups: [nobody] } }]";

fn some(told: &str) -> Option<String> {
    Some(told.to_owned())
}

#[test]
fn a_new_policy_is_live_or_the_one_before_stays() {
    let installation = Installation::with(OPEN);
    assert_eq!(installation.outcome(), "allow open");
    let report = installation.reload(CLOSED).unwrap();
    assert_eq!((report.apps, report.rules, report.tests), (1, 1, 0));
    assert_eq!(report.needs_restart, [""; 0]);
    assert_eq!(installation.outcome(), "deny groups");
    for broken in [
        "rules: [",
        "rules: [{ name: r, match: { paht: /x } }]",
        // A test that fails.
        "rules: [{ name: r, match: { path: /** } }]\ntests: [{ as: anonymous, do: GET /x, expect: allow r }]",
        // A rule that can never match.
        "rules: [{ name: r, match: { path: /** } }, { name: s, match: { path: /x } }]",
    ] {
        assert!(installation.reload(broken).is_err(), "{broken}");
        assert_eq!(installation.outcome(), "deny groups", "{broken}");
    }
    std::fs::remove_dir_all(installation.folder.path().join("policies")).unwrap();
    assert!(installation.reloader.reload().is_err());
    assert_eq!(installation.outcome(), "deny groups");
}

#[test]
fn a_request_in_flight_keeps_what_it_began_with() {
    let installation = Installation::with(OPEN);
    let Decision::Allow(permit) = installation.decision() else { panic!("allowed") };
    installation.reload(CLOSED).unwrap();
    assert_eq!((permit.rule(), permit.app().rules[0].name.as_str()), ("open", "open"));
}

#[test]
fn levels_reload_and_what_cannot_says_so() {
    let installation =
        Installation::with("rules: [{ name: r, match: { path: /** }, require: { level: basic } }]");
    assert_eq!(installation.outcome(), "allow r");
    // A shorter life for passwords, and a listener that only the next start can open.
    let changed = CONFIG.replace("8080", "9090") + "sessions: { password: 1s, idle: 5m }\n";
    installation.config(&changed);
    assert_eq!(installation.reloader.reload().unwrap().needs_restart, ["listen", "sessions"]);
    installation.config(&CONFIG.replace("basic: password", "basic: pasword"));
    assert!(installation.reloader.reload().is_err());
    let key = CONFIG.replace("password: {}", "password: {}, key: { rp_id: login.example }");
    installation.config(&key);
    assert_eq!(installation.reloader.reload().unwrap().needs_restart, [""; 0]);
    assert_eq!(*installation.offered.lock().unwrap(), [Method::Password, Method::Key]);
    let both = key.replace("basic: password", "basic: password + key");
    installation.config(&both);
    installation.reloader.reload().unwrap();
    assert_eq!(installation.outcome(), "step_up key");
    // What cannot be set up changes nothing, not the levels either.
    let broken = both.replace("login.example }", "login.example, name: broken }");
    installation.config(&broken.replace("password + key", "password"));
    assert!(installation.reloader.reload().is_err());
    assert_eq!(installation.outcome(), "step_up key");
}

#[test]
fn the_fingerprint_changes_with_the_files() {
    let installation = Installation::with(OPEN);
    let first = installation.reloader.fingerprint();
    assert_eq!(installation.reloader.fingerprint(), first);
    write(installation.folder.path(), CLOSED);
    let second = installation.reloader.fingerprint();
    assert_ne!(second, first);
    std::fs::write(installation.folder.path().join("policies/b.yaml"), "").unwrap();
    let third = installation.reloader.fingerprint();
    assert_ne!(third, second);
    installation.config(&format!("{CONFIG}# changed\n"));
    assert_ne!(installation.reloader.fingerprint(), third);
}

#[test]
fn an_observing_app_lets_the_one_before_decide() {
    let closed = format!("mode: observe\n{CLOSED}");
    let installation = Installation::with(OPEN);
    installation.reload(&closed).unwrap();
    assert_eq!(installation.both(), ("allow open".to_owned(), some("deny groups")));
    let Decision::Allow(permit) = installation.decision() else { panic!("allowed") };
    assert_eq!(permit.observed().map(|observed| observed.outcome), Some("deny"));
    assert_eq!(permit.app().rules[0].name, "closed");
    // Loading it again is no reason to forget what it is compared with.
    installation.reload(&closed).unwrap();
    assert_eq!(installation.both(), ("allow open".to_owned(), some("deny groups")));
    // Nor does it open what was closed.
    installation.reload(CLOSED).unwrap();
    installation.reload(&format!("mode: observe\n{OPEN}")).unwrap();
    assert_eq!(installation.both(), ("deny groups".to_owned(), some("allow open")));
    insta::assert_snapshot!(installation.told().1.to_string().split_once('\n').unwrap().1, @r"
     rule  closed   HIT   line 5
       level   any      -                 ok    password
       groups  nobody   rule    line 5    FAIL
       max_age default  -                 ok    password 0s
    mode observe would have decided allow open by rule open; this is what was live before
    => deny groups     browser: 403    API: 403    WebSocket: 403
    ");
    installation.reload(OPEN).unwrap();
    assert_eq!(installation.both(), ("allow open".to_owned(), None));
}

#[test]
fn an_observing_rule_lets_the_one_before_decide() {
    const OBSERVING: &str = "
rules:
  - { name: new, mode: observe, match: { path: /x }, require: { groups: [nobody] } }
  - { name: rest, match: { path: /** } }";
    let installation = Installation::with(CLOSED);
    installation.reload(OBSERVING).unwrap();
    assert_eq!(installation.both(), ("deny groups".to_owned(), some("deny groups")));
    let installation = Installation::with(OPEN);
    installation.reload(OBSERVING).unwrap();
    assert_eq!(installation.both(), ("allow open".to_owned(), some("deny groups")));
    // Without one before, as though the rule was not there yet.
    let installation = Installation::with(OBSERVING);
    assert_eq!(installation.both(), ("allow rest".to_owned(), some("deny groups")));
}

#[test]
fn an_observing_app_without_one_before_decides_itself() {
    let installation = Installation::with(&format!("mode: observe\n{CLOSED}"));
    assert_eq!(installation.both(), ("deny groups".to_owned(), None));
}

/// A path that only the new version takes was never let through.
#[test]
fn what_the_one_before_refused_stays_refused() {
    let installation = Installation::with(OPEN);
    installation.reload(&format!("mode: observe\npaths: {{ allow: [matrix] }}\n{OPEN}")).unwrap();
    let policy = installation.live.load();
    let decision = decide(policy.app("a.example").unwrap(), &Request::new("GET", "/x;y"), None, NOW);
    assert_eq!(outcome(&decision), "deny no-rule");
}
