use std::sync::Arc;

use http::{HeaderMap, HeaderValue};

use super::*;
use crate::config::Config;
use crate::policy::problem::Source;
use crate::policy::{file, moment};

/// An app whose only rule matches `matcher`.
fn app(matcher: &str) -> Arc<App> {
    let folder = tempfile::tempdir().unwrap();
    let text = format!(
        "version: 1\napp: a\nhosts: [a.example]\nupstream: http://u:1\nrules: [{{ name: r, match: {{ {matcher} }} }}]\n"
    );
    std::fs::write(folder.path().join("a.yaml"), text).unwrap();
    let text = include_str!("../../deploy/sluse.yaml").to_owned();
    let config = Config::parse(&Source { name: String::new(), text }, folder.path()).unwrap();
    let policy = file::load(folder.path(), &config).unwrap_or_else(|problems| panic!("{problems:#?}"));
    Arc::clone(policy.app("a.example").unwrap())
}

fn fits(matcher: &str, request: Request<'_>) -> bool {
    let app = app(matcher);
    app.rules[0].matcher.fits(&Facts::of(&app, &request, Timestamp::from_seconds(1_800_000_000)))
}

fn get(path: &str) -> Request<'_> {
    Request::new("GET", path)
}

/// Each matcher fits the request, and its `not_` form does not; or the other way round.
#[track_caller]
fn case(key: &str, value: &str, request: Request<'_>, expected: bool) {
    assert_eq!(fits(&format!("{key}: {value}"), request), expected, "{key}: {value}");
    assert_eq!(fits(&format!("not_{key}: {value}"), request), !expected, "not_{key}: {value}");
}

#[test]
fn every_key_and_its_opposite() {
    let address = Some("10.20.1.1".parse().unwrap());
    case("path", "/a/**", get("/a/b"), true);
    case("path", "[/b, /c]", get("/a"), false);
    case("method", "[GET, HEAD]", get("/"), true);
    case("method", "POST", get("/"), false);
    case("network", "kommune-lan", Request { address, ..get("/") }, true);
    case("network", "kommune-lan", get("/"), false);
    case("device", "shared", get("/"), false);
    case("device", "shared", Request { shared_device: true, ..get("/") }, true);
    case("protocol", "[websocket, grpc]", get("/"), false);
    case("protocol", "websocket", Request { protocol: Protocol::WebSocket, ..get("/") }, true);
    // Nine on a Friday.
    case("time", "mon-fri 07:00-16:00", get("/"), true);
    case("time", "[sat-sun, 16:00-07:00]", get("/"), false);
}

#[test]
fn headers_and_parameters() {
    let mut headers = HeaderMap::new();
    headers.append("x-app", HeaderValue::from_static("one"));
    headers.append("x-app", HeaderValue::from_static("two"));
    let request = Request { headers: Some(&headers), query: Some("id=7&format=xls%78&empty"), ..get("/") };
    for (key, value, expected) in [
        ("header", "{ X-App: two }", true),
        ("header", "{ X-App: [three, one] }", true),
        ("header", "{ x-app: present }", true),
        ("header", "{ X-App: Two }", false),
        ("header", "{ X-Other: present }", false),
        ("query", "{ id: present }", true),
        ("query", "{ empty: present }", true),
        ("query", "{ format: [csv, xlsx] }", true),
        ("query", "{ ID: present }", false),
        ("query", "{ id: '77' }", false),
    ] {
        case(key, value, request, expected);
    }
    // All that are named must be as they are written; of those after `not_`, none may be.
    assert!(!fits("header: { X-App: one, X-Other: present }", request));
    assert!(!fits("not_header: { X-App: one, X-Other: present }", request));
    assert!(!fits("header: { X-App: present }", get("/")));
}

#[test]
fn a_regular_expression_is_about_the_whole_path() {
    case("path_re", "'/report-[0-9]+(/.*)?'", get("/report-7/a"), true);
    for path in ["/report-", "/x/report-7", "/report-7x", "/Report-7"] {
        case("path_re", "'/report-[0-9]+(/.*)?'", get(path), false);
    }
    case("path_re", "'/a|/b'", get("/a/c"), false);
    case("path_re", "'/\u{f8}+'", get("/%C3%B8/"), true);
    assert!(PathRegex::parse("/a)|(.*").is_err() && PathRegex::parse("(?x) a #").is_err());
    let folded = PathRules { ignore_case: true, ..PathRules::default() };
    assert!(PathRegex::parse("/a").unwrap().fits("/A", folded));
    let slashes = PathRules { encoded_slash: true, matrix: true, ..PathRules::default() };
    assert!(PathRegex::parse("/a%2Fb/c").unwrap().fits("/a%2Fb/c;x=1", slashes));
}

#[test]
fn hours_are_denmarks() {
    let app = app("time: 'sun 02:00-03:00'");
    let fits = |at: &str| {
        let now = moment(at, Timestamp::from_seconds(1_800_000_000), &app.shared).unwrap();
        app.rules[0].matcher.fits(&Facts::of(&app, &get("/"), now))
    };
    assert!(fits("sun 02:59") && !fits("sun 03:00"));
}

#[test]
fn a_mapped_address_is_the_address() {
    let lan = Network { name: "lan".to_owned(), ranges: vec!["10.20.0.0/16".parse().unwrap()] };
    assert!(lan.contains("::ffff:10.20.1.1".parse().unwrap()));
    assert!(!lan.contains("10.21.0.1".parse().unwrap()));
}
