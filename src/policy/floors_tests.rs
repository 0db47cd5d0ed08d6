//! A floor never lets anybody in, whatever else the policy says and whoever asks for what.
//!
//! Two things a floor can say are no addition to what is there, and are left out: a `level` beside a `fresh`,
//! since `fresh` is about the last method of all that is asked for, and that may become another one; and a
//! `max_age` beyond the default lifetimes, which it replaces.

use std::net::IpAddr;
use std::ops::Range;
use std::path::Path;
use std::sync::LazyLock;

use http::{HeaderMap, HeaderValue};
use proptest::prelude::*;

use super::*;
use crate::authn::Method;
use crate::config::Config;
use crate::policy::Shared;
use crate::policy::app;
use crate::policy::explain::outcome;
use crate::policy::problem::Source;
use crate::policy::proof_of as proof;

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

/// As it is read; that rules make sense together is not asked for.
fn read(text: String) -> Arc<App> {
    static SHARED: LazyLock<Arc<Shared>> = LazyLock::new(|| {
        let text = include_str!("../../deploy/sluse.yaml").to_owned();
        Arc::new(Config::parse(&Source { name: String::new(), text }, Path::new("")).unwrap().shared())
    });
    let head = "version: 1\napp: a\nhosts: [a.example]\nupstream: http://u:1\n";
    let source = Source { name: "a.yaml".to_owned(), text: format!("{head}{text}") };
    let draft = app::read(&source, &SHARED);
    assert!(draft.report.is_fine(), "{text}\n{:?}", draft.report.into_problems());
    Arc::new(draft.app.unwrap())
}

fn one_of(texts: &'static [&'static str]) -> impl Strategy<Value = &'static str> {
    proptest::sample::select(texts)
}

fn any_match() -> impl Strategy<Value = String> {
    let path = one_of(&["", "path: /x", "path: [/x, /y/**]", "not_path: /x", "path: /**", "path: /*/z"]);
    let other = one_of(&[
        "",
        "",
        "",
        "method: [GET, HEAD]",
        "not_method: POST",
        "network: kommune-lan",
        "not_network: kommune-lan",
        "device: shared",
        "not_device: shared",
        "time: mon-thu",
        "time: 'fri 07:00-16:00'",
        "protocol: websocket",
        "header: { X-App: one }",
        "not_header: { X-App: present }",
        "query: { id: present }",
        "not_query: { id: '7' }",
    ]);
    (path, other).prop_map(|(path, other)| {
        let conditions: Vec<&str> = [path, other].into_iter().filter(|text| !text.is_empty()).collect();
        format!("match: {{ {} }}", conditions.join(", "))
    })
}

const LEVELS: &[&str] = &[
    "",
    "",
    "level: basic",
    "level: strong",
    "level: pin",
    "level: 'key + mitid(high) | password'",
    "level: 'mitid + password'",
];
const AGES: &[&str] = &["", "", "max_age: 5m", "max_age: 4h", "max_age: 30d"];
const FRESH: &[&str] = &["", "", "fresh: 2m", "fresh: 1h", "fresh: once"];
const ONCE: &[&str] = &["", "", "fresh: once"];

/// What may stand in a requirement: levels, ages, freshness.
type Words = [&'static [&'static str]; 3];

fn any_require([levels, ages, fresh]: Words) -> impl Strategy<Value = String> {
    let level = one_of(levels);
    let people = one_of(&[
        "",
        "",
        "",
        "groups: [staff]",
        "groups: [nurses, doctors]",
        "all_groups: [staff, nurses]",
        "users: anna",
        "claims: { department: [oncology, surgery] }",
    ]);
    let (max_age, fresh) = (one_of(ages), one_of(fresh));
    (level, people, max_age, fresh).prop_map(|(level, people, max_age, fresh)| {
        let parts = [level, people, max_age, fresh].into_iter().filter(|text| !text.is_empty());
        format!("require: {{ {} }}", parts.collect::<Vec<_>>().join(", "))
    })
}

fn any_floor(words: Words) -> impl Strategy<Value = String> {
    let session = one_of(&["", ", session: { idle: 5m }", ", session: { absolute: 1h, remember: never }"]);
    (any_match(), any_require(words), session)
        .prop_map(|(matcher, require, session)| format!("  - {{ {matcher}, {require}{session} }}\n"))
}

/// Denies and rules.
fn any_rules(words: Words) -> impl Strategy<Value = String> {
    rules_of(words, 0..2, 1..4)
}

fn rules_of(words: Words, denies: Range<usize>, rules: Range<usize>) -> impl Strategy<Value = String> {
    let rule = (any_match(), proptest::option::weighted(0.9, any_require(words)));
    let denies = proptest::collection::vec(any_match(), denies);
    (denies, proptest::collection::vec(rule, rules)).prop_map(|(denies, rules)| {
        let denies = denies.iter().enumerate().map(|(n, deny)| format!("  - {{ name: d{n}, {deny} }}\n"));
        let rules = rules.iter().enumerate().map(|(n, (matcher, require))| {
            let rest = require.clone().unwrap_or("public: true".to_owned());
            format!("  - {{ name: r{n}, {matcher}, {rest} }}\n")
        });
        let denies: String = denies.collect();
        let key = if denies.is_empty() { "" } else { "deny:\n" };
        format!("{key}{denies}rules:\n{}", rules.collect::<String>())
    })
}

#[derive(Clone, Debug)]
struct Asked {
    method: &'static str,
    path: &'static str,
    query: Option<&'static str>,
    header: Option<&'static str>,
    address: Option<IpAddr>,
    shared_device: bool,
    protocol: Protocol,
    approved_once: bool,
    /// Nobody, or with these groups, as anna or not, and with these proofs.
    person: Option<(Vec<String>, bool, Assurance)>,
}

fn any_asked() -> impl Strategy<Value = Asked> {
    let line = (one_of(&["GET", "POST"]), one_of(&["/x", "/y", "/y/z", "/z"]));
    let more =
        (proptest::option::of(one_of(&["id=7", "a=b"])), proptest::option::of(one_of(&["one", "two"])));
    let address = proptest::option::of(one_of(&["10.20.1.1", "2001:db8:20::1", "203.0.113.1"]));
    let address = address.prop_map(|address| address.map(|text| text.parse().unwrap()));
    let protocol = proptest::sample::select(&Protocol::WORDS[..]).prop_map(|(_, protocol)| protocol);
    let groups = proptest::sample::subsequence(&["staff", "nurses", "doctors"][..], 0..=3);
    let groups = groups.prop_map(|groups| groups.into_iter().map(str::to_owned).collect());
    let person = proptest::option::weighted(0.9, (groups, any::<bool>(), any_assurance()));
    (line, more, address, protocol, any::<[bool; 2]>(), person).prop_map(
        |((method, path), (query, header), address, protocol, [shared_device, approved_once], person)| {
            Asked { method, path, query, header, address, shared_device, protocol, approved_once, person }
        },
    )
}

fn any_assurance() -> impl Strategy<Value = Assurance> {
    let proofs = [
        (Method::Password, &["1m", "30m", "2h", "5h"][..]),
        (Method::Key, &["1m", "3m,pin", "30m", "2h,pin"][..]),
        (Method::MitId, &["1m,low", "3m,high", "30m,substantial", "2h,high"][..]),
    ];
    let proofs = proofs.map(|(method, ages)| (Just(method), proptest::option::of(one_of(ages))));
    proofs.prop_map(|chosen| {
        let evidence = chosen.into_iter().filter_map(|(method, text)| proof(method, text?, NOW).ok());
        evidence.fold(Assurance::default(), Assurance::with)
    })
}

impl Asked {
    fn of<T>(&self, answer: impl FnOnce(&Request<'_>, Option<&Person<'_>>) -> T) -> T {
        let mut headers = HeaderMap::new();
        if let Some(value) = self.header {
            headers.insert("x-app", HeaderValue::from_static(value));
        }
        let request = Request {
            query: self.query,
            headers: Some(&headers),
            address: self.address,
            shared_device: self.shared_device,
            protocol: self.protocol,
            approved_once: self.approved_once,
            ..Request::new(self.method, self.path)
        };
        let claims = [("department".to_owned(), "oncology".to_owned())];
        let person = self.person.as_ref().map(|(groups, anna, assurance)| Person {
            username: if *anna { "anna" } else { "bo" },
            groups,
            claims: &claims,
            assurance,
        });
        answer(&request, person.as_ref())
    }
}

/// Asserts of a policy with `added` among its floors that it lets nobody in, or stay for longer, whom it would
/// not without.
fn tightens(rules: &str, floors: &[String], added: (usize, String), asked: &[Asked]) {
    let mut more = floors.to_vec();
    more.insert(added.0 % (floors.len() + 1), added.1);
    let fewer = if floors.is_empty() { String::new() } else { format!("floor:\n{}", floors.concat()) };
    let (without, with) = (read(fewer + rules), read(format!("floor:\n{}{rules}", more.concat())));
    for asked in asked {
        let allowed =
            |app| asked.of(|request, person| matches!(decide(app, request, person, NOW), Decision::Allow(_)));
        assert!(allowed(&without) || !allowed(&with), "{rules}{more:?}\n{asked:?}");
        let limits = |app: &Arc<App>| asked.of(|request, _| app.session_limits(request, NOW));
        let (loose, tight) = (limits(&without), limits(&with));
        let shorter = |loose: Option<Duration>, tight: Option<Duration>| {
            loose.is_none_or(|loose| tight.is_some_and(|tight| tight <= loose))
        };
        assert!(shorter(loose.idle, tight.idle) && shorter(loose.absolute, tight.absolute));
        assert!(tight.forget || !loose.forget);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 80, ..ProptestConfig::default() })]

    #[test]
    fn a_floor_never_allows_more(
        rules in any_rules([LEVELS, AGES, FRESH]),
        floors in proptest::collection::vec(any_floor([LEVELS, AGES, FRESH]), 0..3),
        added in (0..3_usize, any_floor([&[""], &["", "max_age: 5m", "max_age: 45m"], FRESH])),
        asked in proptest::collection::vec(any_asked(), 40),
    ) {
        tightens(&rules, &floors, added, &asked);
    }

    /// Whoever listens has every rule tried, one after another; who does not, only those that can fit the path.
    #[test]
    fn many_rules_decide_as_though_each_was_tried(
        rules in rules_of([LEVELS, AGES, FRESH], 0..20, 17..30),
        asked in proptest::collection::vec(any_asked(), 40),
    ) {
        let app = read(rules);
        for asked in asked {
            let quick = asked.of(|request, person| {
                outcome(&decide_with(&app, request, person, NOW, Rules::Written, &mut Silent))
            });
            let slow = asked.of(|request, person| {
                outcome(&decide_with(&app, request, person, NOW, Rules::Written, &mut Vec::<Line>::new()))
            });
            prop_assert_eq!(quick, slow);
        }
    }

    #[test]
    fn a_level_never_allows_more(
        rules in any_rules([LEVELS, AGES, ONCE]),
        floors in proptest::collection::vec(any_floor([LEVELS, AGES, ONCE]), 0..3),
        added in (0..3_usize, any_floor([LEVELS, &["", "max_age: 5m", "max_age: 45m"], ONCE])),
        asked in proptest::collection::vec(any_asked(), 40),
    ) {
        tightens(&rules, &floors, added, &asked);
    }
}

/// Those who ask above do not always get the same answer.
#[test]
fn every_answer_is_among_them() {
    use proptest::strategy::ValueTree as _;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut seen = std::collections::BTreeMap::new();
    for _ in 0..300 {
        let (rules, asked) =
            (any_rules([LEVELS, AGES, FRESH]), any_asked()).new_tree(&mut runner).unwrap().current();
        let app = read(rules);
        let answer = asked.of(|request, person| match decide(&app, request, person, NOW) {
            Decision::Allow(_) => "allow",
            Decision::Login(_) => "login",
            Decision::StepUp(_) => "step-up",
            Decision::Deny(_) => "deny",
        });
        *seen.entry(answer).or_insert(0) += 1;
    }
    assert!(seen.len() == 4 && seen.values().all(|count| *count >= 15), "{seen:?}");
}
