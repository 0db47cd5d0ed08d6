//! What is decided on is byte for byte what is forwarded: the path of the log, which is the one the rule was
//! found for, against the path the upstream was asked for, over many targets.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use serde_json::Value;

use crate::harness::Installation;
use crate::origin::Origin;
use crate::raw::exchange;
use crate::wait::until;

/// Every request has a host of its own, so that the log, the upstream and the test mean the same one.
const POLICY: &str = "\
version: 1
app: NAME
title: { da: Prøve, en: Trial }
hosts: [\"*.NAME.localhost\"]
upstream: UPSTREAM
PATHS
rules:
  - name: open
    match: { path: /open/** }
    public: true
  - name: also-open
    match: { path: [\"/also/*/open\", \"/also/*/open/**\"] }
    public: true
  - name: rest
    overlap: ok
    match: { path: /** }
    require: { level: basic }
";

/// As strict as can be, and with all that an app may ask to be let through.
const APPS: [(&str, &str); 2] =
    [("strict", ""), ("lenient", "paths: { allow: [encoded_slash, matrix, space] }")];

const CASES: usize = 400;

/// What attacks and links are made of.
const PIECES: [&str; 44] = [
    "/", "/", "/", "/", "//", "open", "open", "also", "x", "X", "a.b", "..", ".", "...", "%2e", "%2E%2e",
    "%2f", "%2F", "%5c", "%3b", "%3f", "%23", "%25", "%252f", "%00", "%0a", "%20", "%7e", "%41", "%c3%a6",
    "%C3%a6", "%c0%ae", "%ff", "%2", "%zz", ";", ";v=1", "\\", "?", "#", "*", ":", "@", "&a=%2f",
];

/// A target, in bytes: no line ends, or it would be more than a target.
fn target() -> impl Strategy<Value = Vec<u8>> {
    let piece = || {
        prop_oneof![
            12 => prop::sample::select(PIECES.to_vec()).prop_map(|it| it.as_bytes().to_vec()),
            2 => "[a-z0-9._~!$'()*+,=:@-]{1,8}".prop_map(String::into_bytes),
            1 => any::<u8>().prop_map(|byte| format!("%{byte:02x}").into_bytes()),
            1 => any::<u8>().prop_filter("a line end", |it| !b"\r\n".contains(it)).prop_map(|it| vec![it]),
        ]
    };
    let start =
        prop::sample::select(vec!["/open/", "/open/", "/open", "/also/x/open/", "/also/", "/", "", "//"]);
    (start, prop::collection::vec(piece(), 0..7))
        .prop_map(|(start, pieces)| [start.as_bytes(), &pieces.concat()].concat())
}

/// The path and the query of a target.
fn split(target: &str) -> (&str, Option<&str>) {
    target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)))
}

/// The rule for a path that has one spelling, read as a person would.
fn rule(path: &str) -> &'static str {
    // Where parameters are let through, they are no part of a segment's name, encoded or not.
    let name = |segment: &str| segment.split(';').next()?.split("%3B").next().map(str::to_owned);
    let segments: Vec<String> = path.split('/').skip(1).filter_map(name).collect();
    match segments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["open", ..] => "open",
        ["also", _, "open", ..] => "also-open",
        _ => "rest",
    }
}

#[tokio::test]
async fn the_upstream_is_asked_for_what_was_decided_on() {
    let origin = Origin::echo().await;
    let installation = Installation::new(&origin);
    for (name, paths) in APPS {
        let policy = POLICY.replace("NAME", name).replace("PATHS", paths);
        installation.policy(name, &policy.replace("UPSTREAM", &origin.url()));
    }
    let gateway = installation.serve().await;

    // The same targets each time.
    let mut runner = TestRunner::deterministic();
    let mut asked = BTreeMap::new();
    for number in 0..CASES {
        let target = target().new_tree(&mut runner).expect("a target").current();
        for (app, _) in APPS {
            let host = format!("n{number}.{app}.localhost");
            let authority = format!("{host}:{}", installation.listen.port());
            let end = format!(" HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\n\r\n");
            let status = exchange(installation.listen, [b"GET ", &target[..], end.as_bytes()].concat()).await;
            asked.insert(host, (String::from_utf8_lossy(&target).into_owned(), status.status));
        }
    }

    let decided = until("the log to have told of all", async || {
        let lines = gateway.log().lines().filter_map(told).collect::<BTreeMap<_, _>>();
        let missing = |host: &&String| asked[*host].1 == 200 && !lines.contains_key(*host);
        match asked.keys().find(missing) {
            None => Ok(lines),
            Some(host) => Err(host.clone()),
        }
    })
    .await;
    let mut seen: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for request in origin.received() {
        let host = request.header("host").expect("every request has one");
        let host = host.split(':').next().expect("a first part").to_owned();
        seen.entry(host).or_default().push(request.target());
    }
    for (host, (sent, status)) in &asked {
        let case = format!("{host}: {sent:?}, {status}");
        let reached = seen.remove(host).unwrap_or_default();
        if *status != 200 {
            assert!(reached.is_empty(), "{case} reached the upstream: {reached:?}");
            continue;
        }
        let Decided { path, rule: by, outcome } = &decided[host];
        let [target] = &reached[..] else { panic!("{case} was forwarded {} times", reached.len()) };
        let (forwarded, query) = split(target);
        assert_eq!((forwarded, outcome.as_str()), (path.as_str(), "allow"), "{case}");
        assert_eq!(by, rule(forwarded), "{case}: forwarded as {target:?}");
        assert_ne!(by, "rest", "{case} is not open");
        // Nobody decides on the query here: it is as it was sent.
        assert_eq!(query, split(sent).1, "{case}");
    }
    assert!(seen.is_empty(), "nobody asked for {seen:?}");
    for (app, _) in APPS {
        let of = |wanted: &dyn Fn(u16) -> bool| {
            asked.iter().filter(|(host, (_, status))| host.contains(app) && wanted(*status)).count()
        };
        let (through, refused) = (of(&|status| status == 200), of(&|status| status == 400));
        assert!(through > 50 && refused > 50, "{app}: {through} let through and {refused} refused");
    }
}

struct Decided {
    path: String,
    rule: String,
    outcome: String,
}

/// What a line of the log says of which host.
fn told(line: &str) -> Option<(String, Decided)> {
    let line: Value = serde_json::from_str(line).ok()?;
    let text = |name: &str| line[name].as_str().map(str::to_owned);
    (line["target"] == "sluse::request").then_some(())?;
    Some((text("host")?, Decided { path: text("path")?, rule: text("rule")?, outcome: text("outcome")? }))
}
