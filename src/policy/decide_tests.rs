//! The semantics of `policy.md`, a case a line: small policies, one person, one request.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::authn::{CredentialId, KeyEvidence, Method, PasswordEvidence};
use crate::config::Config;
use crate::policy::explain::outcome;
use crate::policy::problem::Source;
use crate::policy::{Policy, file, proof_of as proof};

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

fn app(policy: &str) -> Arc<App> {
    let folder = tempfile::tempdir().unwrap();
    let head = "version: 1\napp: a\nhosts: [a.example]\nupstream: http://u:1\n";
    std::fs::write(folder.path().join("a.yaml"), format!("{head}{policy}")).unwrap();
    let text = include_str!("../../deploy/sluse.yaml").to_owned();
    let config = Config::parse(&Source { name: String::new(), text }, folder.path()).unwrap();
    let policy: Policy =
        file::load(folder.path(), &config).unwrap_or_else(|problems| panic!("{problems:#?}"));
    Arc::clone(policy.app("a.example").unwrap())
}

/// `proofs` as in `password=2h key=4m,pin`.
fn assurance(proofs: &str) -> Assurance {
    proofs.split_whitespace().fold(Assurance::default(), |assurance, text| {
        let (name, age) = text.split_once('=').unwrap();
        let method = Method::ALL.into_iter().find(|method| method.name() == name).unwrap();
        assurance.with(proof(method, age, NOW).unwrap())
    })
}

fn decide_as(app: &Arc<App>, groups: &[&str], assurance: &Assurance) -> Decision {
    let groups: Vec<String> = groups.iter().map(|&group| group.to_owned()).collect();
    let person = Person { username: "anna", groups: &groups, claims: &claims(), assurance };
    decide(app, &Request::new("GET", "/x"), Some(&person), NOW)
}

/// The person's one claim.
fn claims() -> [(String, String); 1] {
    [("department".to_owned(), "oncology".to_owned())]
}

fn outcome_as(policy: &str, groups: &[&str], proofs: &str) -> String {
    outcome(&decide_as(&app(policy), groups, &assurance(proofs)))
}

#[test]
fn what_a_lent_key_has_proven_ends_with_the_loan() {
    let app = app("rules: [{ name: r, match: { path: /** }, require: { level: strong } }]\n");
    let millisecond = Duration::from_millis(1);
    for (until, expected) in [
        (None, "allow r"),
        (Some(NOW.plus(millisecond)), "allow r"),
        (Some(NOW), "step_up key or mitid"),
        (Some(NOW.minus(millisecond)), "step_up key or mitid"),
    ] {
        let mut proven = assurance("password=1m key=1m");
        proven.key.as_mut().unwrap().until = until;
        assert_eq!(outcome(&decide_as(&app, &[], &proven)), expected, "{until:?}");
        assert_eq!(proven.counting(NOW).key.is_some(), expected == "allow r");
        assert_eq!(proven.own_key_at().is_some(), until.is_none());
        let alone = Assurance { key: proven.key, ..Assurance::default() };
        let nothing = matches!(decide_as(&app, &[], &alone), Decision::Login(_));
        assert_eq!(nothing, expected != "allow r", "a proof that is over is no proof");
    }
}

#[test]
fn requirements() {
    const R: &str = "rules: [{ name: r, match: { path: /** }";
    for (require, proofs, expected) in [
        ("", "", "login any"),
        ("", "password=1m", "allow r"),
        ("", "mitid=1m,low", "allow r"),
        // The default lifetimes: three hours for a password, one for the rest.
        ("", "password=180m", "allow r"),
        ("", "password=181m", "step_up password or key or mitid"),
        ("level: strong", "password=1m", "step_up key or mitid"),
        ("level: strong", "key=1m", "step_up password"),
        ("level: strong", "password=1m key=60m", "allow r"),
        ("level: strong", "password=1m key=61m", "step_up key or mitid"),
        // A stated age replaces the lifetimes, longer or shorter.
        ("level: strong, max_age: 10h", "password=4h key=3h", "allow r"),
        ("level: strong, max_age: 10h", "password=11h key=3h", "step_up password"),
        ("level: strong, max_age: 5m", "password=4m key=6m", "step_up key or mitid"),
        // `fresh` bounds the last method alone.
        ("level: strong, fresh: 5m", "password=2h key=4m", "allow r"),
        ("level: strong, fresh: 5m", "password=2h key=6m", "step_up key or mitid"),
        ("level: key + password, fresh: 5m", "password=6m key=30m", "step_up password"),
        ("level: strong, fresh: 2h", "password=1h key=90m", "allow r"),
        // Strength.
        ("level: pin", "key=1m", "step_up key(pin) or mitid(substantial)"),
        ("level: pin", "key=1m,pin", "allow r"),
        ("level: pin", "mitid=1m,low", "step_up key(pin) or mitid(substantial)"),
        ("level: pin", "mitid=1m,high", "allow r"),
        ("level: mitid(high)", "mitid=1m,substantial", "step_up mitid(high)"),
        // Groups are denied at once, before anything more is asked for; but not told to a stranger.
        ("groups: [nurses]", "password=1m", "deny groups"),
        ("level: strong, groups: [nurses]", "password=1m", "deny groups"),
        ("level: strong, groups: [nurses]", "", "login strong"),
        ("groups: [nurses, staff]", "password=1m", "allow r"),
        ("all_groups: [nurses, staff]", "password=1m", "deny groups"),
        ("all_groups: [staff]", "password=1m", "allow r"),
        ("users: [Anna]", "password=1m", "allow r"),
        ("users: [bo]", "password=1m", "deny users"),
        ("claims: { department: [surgery, oncology] }", "password=1m", "allow r"),
        ("claims: { department: surgery }", "password=1m", "deny claims"),
        ("claims: { department: oncology, title: nurse }", "password=1m", "deny claims"),
        // `fresh: once`: the last method again, for this request, however fresh its proof is.
        ("fresh: once", "password=1m", "step_up password or key or mitid"),
        ("level: strong, fresh: once", "", "login strong"),
        ("level: strong, fresh: once", "password=1m key=1m", "step_up key or mitid"),
        ("level: strong, fresh: once", "key=1m", "step_up password + key or password + mitid"),
        ("level: strong, fresh: once, groups: [nurses]", "password=1m key=1m", "deny groups"),
    ] {
        let policy = format!("{R}, require: {{ {require} }} }}]");
        assert_eq!(outcome_as(&policy, &["staff"], proofs), expected, "{require} / {proofs}");
    }
}

#[test]
fn floors_only_tighten() {
    const POLICY: &str = "
floor:
  - require: { level: strong, groups: [staff], max_age: 4h }
  - match: { path: /x }
    require: { max_age: 2h }
  - match: { path: /y }
    require: { groups: [doctors] }
rules: [{ name: r, match: { path: /** }, require: { level: pin, groups: [nurses], max_age: 3h } }]";
    let both = ["staff", "nurses"];
    for (groups, proofs, expected) in [
        (&both[..], "password=1h key=1h,pin", "allow r"),
        (&both[..], "password=1h key=1h", "step_up key(pin) or mitid(substantial)"),
        (&both[..], "password=1h mitid=1h", "allow r"),
        (&both[..], "key=1h,pin", "step_up password"),
        (&both[..], "password=150m key=1h,pin", "step_up password"),
        (&["staff"], "password=1h key=1h,pin", "deny groups"),
        (&["nurses"], "password=1h key=1h,pin", "deny groups"),
    ] {
        assert_eq!(outcome_as(POLICY, groups, proofs), expected, "{groups:?} {proofs}");
    }
}

#[test]
fn a_failing_requirement_never_falls_through() {
    let policy = "
rules:
  - { name: first, match: { path: /x }, require: { groups: [nurses] } }
  - { name: second, match: { path: /** } }";
    assert_eq!(outcome_as(policy, &[], "password=1m"), "deny groups");
}

#[test]
fn what_no_rule_matches_is_denied() {
    let policy = "rules: [{ name: r, match: { path: /y } }]";
    assert_eq!(outcome_as(policy, &[], "password=1m"), "deny no-rule");
    assert_eq!(outcome_as(policy, &[], ""), "deny no-rule");
}

#[test]
fn a_proof_from_the_future_counts_for_nothing() {
    let app = app("rules: [{ name: r, match: { path: /** } }]");
    let ahead = |seconds| {
        let at = NOW.plus(Duration::from_secs(seconds));
        Assurance { password: Some(PasswordEvidence { at }), ..Assurance::default() }
    };
    assert_eq!(outcome(&decide_as(&app, &[], &ahead(60))), "allow r");
    assert_eq!(outcome(&decide_as(&app, &[], &ahead(61))), "login any");
}

#[test]
fn a_permit_tells_the_strongest_level() {
    let app =
        app("rules: [{ name: open, match: { path: /x }, public: true }, { name: r, match: { path: /** } }]");
    let level = |path: &str, proofs: &str| {
        let (groups, assurance) = (Vec::new(), assurance(proofs));
        let person = Person { username: "anna", groups: &groups, claims: &[], assurance: &assurance };
        let request = Request::new("GET", path);
        match decide(&app, &request, Some(&person), NOW) {
            Decision::Allow(permit) => permit.level().map(str::to_owned),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(level("/x", "password=1m key=1m,pin"), None);
    assert_eq!(level("/y", "password=1m").as_deref(), Some("basic"));
    assert_eq!(level("/y", "password=1m key=1m").as_deref(), Some("strong"));
    assert_eq!(level("/y", "password=1m key=2h").as_deref(), Some("basic"));
    assert_eq!(level("/y", "password=1m key=1m,pin").as_deref(), Some("pin"));
    assert_eq!(level("/y", "mitid=1m,low"), None);
}

#[test]
fn a_demand_says_what_a_client_needs() {
    let app = app("
floor: [{ require: { level: basic, max_age: 10h } }]
rules:
  - name: r
    match: { path: /** }
    require: { level: strong, fresh: 5m }
    on_step_up: { text: { da: Bekræft, en: Confirm } }");
    let Decision::StepUp(demand) = decide_as(&app, &[], &assurance("password=1h")) else {
        panic!("a step-up")
    };
    assert_eq!(
        demand.alternatives,
        [vec![Need::Key { pin: false }], vec![Need::MitId(crate::authn::MitIdLevel::Low)]]
    );
    assert_eq!((demand.level.as_str(), demand.max_age), ("strong", Some(Duration::from_secs(300))));
    assert_eq!((demand.rule.as_str(), demand.text.unwrap().da.as_str()), ("r", "Bekræft"));
}

#[test]
fn once_is_for_one_request() {
    let app = app(
        "rules: [{ name: r, match: { path: /** }, require: { level: strong, fresh: once, max_age: 1h } }]",
    );
    let decide = |approved_once, proofs: &str| {
        let (groups, assurance) = (Vec::new(), assurance(proofs));
        let person = Person { username: "anna", groups: &groups, claims: &[], assurance: &assurance };
        let request = Request { approved_once, ..Request::new("GET", "/x") };
        super::decide(&app, &request, Some(&person), NOW)
    };
    let Decision::StepUp(demand) = decide(false, "password=1m key=1m") else { panic!("a step-up") };
    assert_eq!((demand.once, demand.max_age), (true, Some(Duration::ZERO)));
    assert_eq!(outcome(&decide(true, "password=1m key=1m")), "allow r");
    // An approval stands in for nothing else.
    assert_eq!(outcome(&decide(true, "password=2h key=1m")), "step_up password");
    assert_eq!(outcome(&decide(true, "password=1m")), "step_up key or mitid");
}

#[test]
fn what_shows_that_nobody_is_there() {
    let app = app("
floor: [{ session: { not_activity: [/poll/**] } }]
rules:
  - { name: status, match: { path: /status/** }, session: { not_activity: /status/live, idle: 5m } }
  - { name: r, match: { path: /** } }");
    let assurance = assurance("password=1m");
    let person = Person { username: "anna", groups: &[], claims: &[], assurance: &assurance };
    let activity = |path| match decide(&app, &Request::new("GET", path), Some(&person), NOW) {
        Decision::Allow(permit) => permit.is_activity(),
        other => panic!("{other:?}"),
    };
    assert!(activity("/") && activity("/status/x") && activity("/polls"));
    assert!(!activity("/poll/1") && !activity("/status/live"));
    // A rule tightens as a floor does.
    let idle = |path| app.session_limits(&Request::new("GET", path), NOW).idle;
    assert_eq!((idle("/status/x"), idle("/")), (Some(Duration::from_secs(300)), None));
}

#[test]
fn session_limits_are_the_tightest_that_fit() {
    let app = app("
floor:
  - session: { idle: 15m }
  - { match: { device: shared }, session: { idle: 3m, absolute: 8h, remember: never } }
rules: [{ name: r, match: { path: /** } }]");
    let limits =
        |shared_device| app.session_limits(&Request { shared_device, ..Request::new("GET", "/") }, NOW);
    let minutes = |count: u64| Some(Duration::from_secs(count * 60));
    assert_eq!(
        (limits(false).idle, limits(false).absolute, limits(false).forget),
        (minutes(15), None, false)
    );
    assert_eq!(
        (limits(true).idle, limits(true).absolute, limits(true).forget),
        (minutes(3), minutes(480), true)
    );
}

fn any_policy() -> impl Strategy<Value = String> {
    let level = prop_oneof![
        Just("level: basic"),
        Just("level: strong"),
        Just("level: pin"),
        Just("level: 'key + mitid(high) | password'"),
        Just("level: 'mitid + password'"),
        Just("groups: [staff]"),
    ];
    let age = prop_oneof![Just(""), Just(", max_age: 5m"), Just(", max_age: 4h"), Just(", fresh: 2m")];
    let part =
        || (level.clone(), age.clone()).prop_map(|(level, age)| format!("require: {{ {level}{age} }}"));
    (part(), part(), part()).prop_map(|(one, two, rule)| {
        format!("floor: [{{ {one} }}, {{ {two} }}]\nrules: [{{ name: r, match: {{ path: /** }}, {rule} }}]")
    })
}

fn any_proofs() -> impl Strategy<Value = String> {
    let age = || prop_oneof![Just("1m"), Just("3m"), Just("30m"), Just("2h"), Just("5h")];
    let key = proptest::option::of((age(), any::<bool>()));
    let mitid = proptest::option::of((age(), prop_oneof![Just("low"), Just("substantial"), Just("high")]));
    (proptest::option::of(age()), key, mitid).prop_map(|(password, key, mitid)| {
        let password = password.map_or(String::new(), |age| format!("password={age} "));
        let key =
            key.map_or(String::new(), |(age, pin)| format!("key={age}{} ", if pin { ",pin" } else { "" }));
        password + &key + &mitid.map_or(String::new(), |(age, level)| format!("mitid={age},{level}"))
    })
}

proptest! {
    /// Whatever is asked for, giving it opens the way; and nobody is asked for nothing.
    #[test]
    fn each_alternative_suffices(policy in any_policy(), proofs in any_proofs()) {
        let (app, assurance) = (app(&policy), assurance(&proofs));
        let demand = match decide_as(&app, &["staff"], &assurance) {
            Decision::Login(demand) | Decision::StepUp(demand) => demand,
            Decision::Allow(_) => return Ok(()),
            Decision::Deny(denial) => panic!("{denial:?}"),
        };
        prop_assert!(!demand.alternatives.is_empty());
        for needs in &demand.alternatives {
            prop_assert!(!needs.is_empty());
            let proven = needs.iter().fold(assurance.clone(), |assurance, need| assurance.with(given(*need)));
            let decision = decide_as(&app, &["staff"], &proven);
            prop_assert!(matches!(decision, Decision::Allow(_)), "{policy}\n{needs:?}\n{decision:?}");
        }
    }
}

/// A need met just now.
fn given(need: Need) -> crate::authn::Evidence {
    use crate::authn::Evidence;
    match need {
        Need::Password => Evidence::Password(PasswordEvidence { at: NOW }),
        Need::Key { pin } => Evidence::Key(KeyEvidence {
            at: NOW,
            credential: CredentialId(Vec::new()),
            user_verified: pin,
            until: None,
        }),
        Need::MitId(level) => proof(Method::MitId, &format!("1s,{}", level.name()), NOW).unwrap(),
    }
}
