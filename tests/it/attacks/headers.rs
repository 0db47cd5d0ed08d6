//! Who the person is, and where a request came from, is said by the gateway alone.

use super::Field;
use crate::origin::{Origin, Received};

/// Each is the gateway's to set, or claims that a request is another than it is.
const MANAGED: &[&str] = &[
    "X-Sluse-User",
    "X-Sluse-Groups",
    "X-Sluse-Level",
    "X-Sluse-Assertion",
    "X-Sluse-Anything",
    "X-Forwarded-For",
    "X-Forwarded-Host",
    "X-Forwarded-Proto",
    "X-Forwarded-Port",
    "X-Forwarded-Prefix",
    "X-Forwarded-Uri",
    "X-Forwarded-User",
    "X-Forwarded-Email",
    "X-Forwarded-Groups",
    "X-Forwarded-Preferred-Username",
    "Forwarded",
    "X-Real-IP",
    "X-Client-IP",
    "True-Client-IP",
    "CF-Connecting-IP",
    "X-Original-URL",
    "X-Original-Host",
    "X-Original-Method",
    "X-Rewrite-URL",
    "X-HTTP-Method-Override",
    "X-HTTP-Method",
    "X-Method-Override",
    "X-Auth-User",
    "X-Auth-Request-User",
    "X-Remote-User",
    "Remote-User",
    "X-WebAuth-User",
    "X-User",
    "Proxy",
];

/// Upstreams that hand headers to their programs as CGI does read all of these as one name.
fn spellings(name: &str) -> Vec<String> {
    let mut spelled = vec![
        name.to_owned(),
        name.to_ascii_lowercase(),
        name.to_ascii_uppercase(),
        name.replace('-', "_"),
        name.replace('-', "."),
        name.replacen('-', "_", 1),
        name.to_ascii_lowercase().replacen('-', ".", 1),
    ];
    spelled.dedup();
    spelled
}

const SPOOFED: &str = "spoofed-by-the-client";

/// A25, A26, A30, P30.
#[tokio::test]
async fn no_spelling_of_a_managed_header_reaches_the_upstream() {
    let field = Field::new().await;
    let nez = field.cookies(&field.nez().await);
    for name in MANAGED {
        let lines: String = spellings(name)
            .iter()
            .map(|name| format!("{name}: {SPOOFED}\r\n{name}:\r\n{name}: {SPOOFED}\r\n"))
            .collect();
        for (route, line, cookie) in [
            ("public", "GET /public/x HTTP/1.1", String::new()),
            ("public, signed in", "GET /public/x HTTP/1.1", format!("Cookie: {nez}\r\n")),
            ("protected", "GET /admin/x HTTP/1.1", format!("Cookie: {nez}\r\n")),
            ("preflight", "OPTIONS /public/x HTTP/1.1", "Origin: http://evil.example\r\n".to_owned()),
            ("HEAD", "POST /public/x HTTP/1.1", "Content-Length: 0\r\n".to_owned()),
        ] {
            let seen = field.origin.received().len();
            let reply = field.ask(&format!("{line}\r\n{cookie}{lines}X-Kept: as sent\r\n")).await;
            assert_eq!(reply.status, 200, "{name}, {route}");
            let forwarded = field.since(seen).await.remove(0);
            let head = String::from_utf8_lossy(&forwarded.head).into_owned();
            assert!(!head.contains(SPOOFED), "{name}, {route}: {head}");
            assert_eq!(forwarded.all("x-kept"), ["as sent"], "{name}, {route}");
            one_spelling(&forwarded, name, route);
            let user = forwarded.all("x-sluse-user");
            assert_eq!(user, if cookie.contains("Cookie") { vec!["nez"] } else { vec![] }, "{name}, {route}");
        }
    }
}

/// The gateway's own, if any, and once.
fn one_spelling(forwarded: &Received, name: &str, route: &str) {
    let plain = |name: &str| name.to_ascii_lowercase().replace(['_', '.'], "-");
    let same: Vec<_> = forwarded.headers().into_iter().filter(|(it, _)| plain(it) == plain(name)).collect();
    let dashed = same.iter().all(|(it, _)| it.eq_ignore_ascii_case(&plain(name)));
    let ours = [
        "x-sluse-user",
        "x-sluse-groups",
        "x-sluse-level",
        "x-sluse-assertion",
        "x-forwarded-for",
        "x-forwarded-host",
        "x-forwarded-proto",
    ];
    let most = usize::from(ours.contains(&plain(name).as_str()));
    assert!(dashed && same.len() <= most, "{name}, {route}: {same:?}");
}

/// A29: whoever connects is whom the request is from.
#[tokio::test]
async fn the_upstream_is_told_where_a_request_came_from() {
    let field = Field::new().await;
    for claim in [
        "X-Forwarded-For: 10.20.0.1",
        "X-Forwarded-For: ::ffff:10.20.0.1, 10.20.0.2",
        "Forwarded: for=10.20.0.1",
        "X-Forwarded-Proto: https\r\nX-Forwarded-Host: evil.example",
    ] {
        let seen = field.origin.received().len();
        assert_eq!(field.ask(&format!("GET /public/x HTTP/1.1\r\n{claim}")).await.status, 200, "{claim}");
        let forwarded = field.since(seen).await.remove(0);
        assert_eq!(forwarded.all("x-forwarded-for"), ["127.0.0.1"], "{claim}");
        assert_eq!(forwarded.all("x-forwarded-proto"), ["http"], "{claim}");
        assert_eq!(forwarded.all("x-forwarded-host"), [field.authority("cura.localhost")], "{claim}");
    }
}

/// A28, P14, P31: a client must not have a hop remove what the gateway says.
#[tokio::test]
async fn what_the_gateway_says_cannot_be_nominated_away() {
    let field = Field::new().await;
    let nez = field.cookies(&field.nez().await);
    let host = field.authority("cura.localhost");
    for nominated in [
        "x-sluse-user",
        "X_Sluse_User",
        "close, X-Sluse-Level",
        "Cookie",
        "Authorization",
        "Host",
        "Origin",
        "X-Forwarded-For",
        "x-forwarded-host",
        "X-Real-IP",
        "forwarded",
        "a, b, c, d, e, f, g, h, i, j, k",
    ] {
        let seen = field.origin.received().len();
        let reply = field
            .raw(format!(
                "GET /admin/x HTTP/1.1\r\nHost: {host}\r\nCookie: {nez}\r\nConnection: {nominated}\r\n\r\n"
            ))
            .await;
        assert_eq!(reply.status, 400, "Connection: {nominated}");
        field.untouched(nominated, seen).await;
    }
    let seen = field.origin.received().len();
    let reply = field
        .raw(format!(
            "GET /admin/x HTTP/1.1\r\nHost: {host}\r\nCookie: {nez}\r\nX-Hop: gone\r\nKeep-Alive: 5\r\n\
             TE: trailers\r\nProxy-Authorization: Basic eA==\r\nConnection: close, X-Hop\r\n\r\n"
        ))
        .await;
    assert_eq!(reply.status, 200);
    let forwarded = field.since(seen).await.remove(0);
    assert_eq!(forwarded.all("x-sluse-user"), ["nez"]);
    for hop in ["x-hop", "keep-alive", "te", "proxy-authorization"] {
        assert!(forwarded.all(hop).is_empty(), "P23: {hop} ends at the gateway");
    }
}

/// A19, A20, P34: methods are exact, and an override is nobody's method.
#[tokio::test]
async fn methods_are_exact_tokens() {
    let field = Field::new().await;
    let nez = field.cookies(&field.nez().await);
    for method in ["get", "GeT", "TRACE", "CONNECT", "GET_", "FOO.BAR", "1GET"] {
        let seen = field.origin.received().len();
        let reply = field.ask(&format!("{method} /public/x HTTP/1.1\r\nCookie: {nez}\r\n")).await;
        assert_eq!(reply.status, 405, "{method}");
        field.untouched(method, seen).await;
    }
    for method in ["OPTIONS", "PROPFIND", "DELETE", "FOO-BAR"] {
        let seen = field.origin.received().len();
        assert_eq!(field.ask(&format!("{method} /admin/x HTTP/1.1")).await.status, 401, "A20: {method}");
        field.untouched(method, seen).await;
    }
    let mut connection = field.connect().await;
    let host = field.authority("cura.localhost");
    connection.send(format!("HEAD /admin/x HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")).await;
    assert_eq!(connection.head().await.status, 401, "A20: HEAD");
    assert_eq!(connection.closed().await, b"", "a reply to HEAD has no body");
    field.untouched("A20: HEAD", field.origin.received().len()).await;
}

/// A33: credentials in a header are the upstream's affair, never a way past the gateway.
#[tokio::test]
async fn an_authorization_header_opens_nothing_and_is_not_logged() {
    let field = Field::new().await;
    let all = ["Basic bmV6OmVuIGxhbmcgb2cgZ29kIHPDpnRuaW5n", "Bearer nez-token", "Negotiate eA=="];
    for (number, credentials) in all.into_iter().enumerate() {
        let seen = field.origin.received().len();
        for line in ["GET /admin/x HTTP/1.1", "GET /.sluse/session HTTP/1.1"] {
            let reply = field.ask(&format!("{line}\r\nAuthorization: {credentials}")).await;
            assert_eq!(reply.status, 401, "{credentials}");
        }
        field.untouched(credentials, seen).await;
        field.ask(&format!("GET /public/after-{number} HTTP/1.1")).await;
        field.gateway.logged(&format!("/public/after-{number}")).await;
        let secret = credentials.split(' ').nth(1).unwrap_or_default();
        assert!(!field.gateway.log().contains(secret), "{credentials}");
    }
}

/// P35, P16: a head has bounds, and what is within them arrives.
#[tokio::test]
async fn a_head_has_bounds() {
    let field = Field::new().await;
    let fields = |count: usize| (0..count).map(|n| format!("X-A{n}: b\r\n")).collect::<String>();
    let long = |length: usize| format!("X-A: {}\r\n", "b".repeat(length));
    for (case, headers, status) in [
        ("90 fields", fields(90), 200),
        ("150 fields", fields(150), 431),
        ("30 KiB", long(30 * 1024), 200),
        ("80 KiB", long(80 * 1024), 431),
    ] {
        let seen = field.origin.received().len();
        assert_eq!(field.ask(&format!("GET /public/x HTTP/1.1\r\n{headers}")).await.status, status, "{case}");
        assert_eq!(field.since(seen).await.len(), usize::from(status == 200), "{case}");
    }
    let seen = field.origin.received().len();
    let long = field.ask(&format!("GET /public/{} HTTP/1.1", "x".repeat(70 * 1024))).await;
    assert!((400..500).contains(&long.status), "{}", long.status);
    field.untouched("a long target", seen).await;
}

/// A71: what the gateway itself says is kept by nobody.
#[tokio::test]
async fn redirects_refusals_and_pages_are_not_cached() {
    let field = Field::new().await;
    let login = field.authority("login.localhost");
    let at_login = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: {login}\r\nConnection: close\r\n\r\n");
    let replies = [
        ("redirect", field.ask("GET /admin/x HTTP/1.1\r\nAccept: text/html").await, 303),
        ("401", field.ask("GET /admin/x HTTP/1.1\r\nIf-None-Match: \"x\"").await, 401),
        ("400", field.ask("GET /public/%00 HTTP/1.1\r\nAccept: text/html").await, 400),
        ("405", field.ask("TRACE /public/x HTTP/1.1").await, 405),
        ("session", field.ask("GET /.sluse/session HTTP/1.1").await, 401),
        ("login", field.raw(at_login("/login")).await, 200),
        ("front", field.raw(at_login("/")).await, 200),
        ("me", field.raw(at_login("/me")).await, 303),
        ("404", field.raw(at_login("/nothing")).await, 404),
        ("a language", field.raw(at_login("/?lang=en")).await, 303),
    ];
    for (case, reply, status) in replies {
        assert_eq!(reply.status, status, "{case}");
        assert_eq!(reply.all("cache-control"), ["no-store"], "{case}");
        assert_eq!(reply.header("etag"), None, "{case}");
    }
    field.untouched("A71", 0).await;
}

/// A64, R47: no page of the gateway is framed, sniffed, or runs what is not its own.
#[tokio::test]
async fn every_page_refuses_to_be_framed() {
    let field = Field::new().await;
    let login = field.authority("login.localhost");
    let at_login = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: {login}\r\nConnection: close\r\n\r\n");
    for (case, reply) in [
        ("login", field.raw(at_login("/login")).await),
        ("front", field.raw(at_login("/")).await),
        ("help", field.raw(at_login("/help")).await),
        ("404", field.raw(at_login("/nothing")).await),
        ("log out", field.ask("GET /.sluse/logout HTTP/1.1").await),
        ("an error on an app's host", field.ask("GET /public/%00 HTTP/1.1\r\nAccept: text/html").await),
    ] {
        let policy = reply.header("content-security-policy").unwrap_or_default();
        assert!(policy.contains("frame-ancestors 'none'") && policy.contains("default-src 'none'"), "{case}");
        assert!(!policy.contains("unsafe"), "{case}: {policy}");
        assert_eq!(reply.header("x-frame-options"), Some("DENY"), "{case}");
        assert_eq!(reply.header("x-content-type-options"), Some("nosniff"), "{case}");
        let server = reply.header("server").unwrap_or_default();
        assert!(!server.to_ascii_lowercase().contains("pingora"), "{case}: {server}");
    }
}

/// An upstream neither speaks for the gateway nor plants its cookies, and 101 is for who asked (P42).
#[tokio::test]
async fn an_upstream_cannot_speak_for_the_gateway() {
    use crate::origin::Answer;
    let answers = |request: &Received| {
        match request.target().as_str() {
        "/public/cookies" => Answer::Raw(
            b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nSet-Cookie: __Host-sluse=planted; Path=/; Secure\r\n\
              Set-Cookie: own=kept; Path=/\r\nSet-Cookie: __HOST-SLUSE-ask=planted\r\nSet-Cookie: b=kept\r\n\r\n"
                .into(),
        ),
        "/public/101" => Answer::Raw(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\nsmuggled".into(),
        ),
        _ => Answer::Echo,
    }
    };
    let field = Field::before(Origin::start(answers).await).await;
    let reply = field.ask("GET /public/cookies HTTP/1.1").await;
    assert_eq!(reply.all("set-cookie"), ["own=kept; Path=/", "b=kept"]);
    for version in ["1.1", "1.0"] {
        let host = field.authority("cura.localhost");
        let mut connection = field.connect().await;
        connection
            .send(format!("GET /public/101 HTTP/{version}\r\nHost: {host}\r\nConnection: close\r\n\r\n"))
            .await;
        let answer = String::from_utf8_lossy(&connection.closed().await).into_owned();
        assert!(answer.starts_with("HTTP/1.1 502"), "P42 HTTP/{version}: {answer}");
        assert!(!answer.contains("smuggled"), "P42 HTTP/{version}: {answer}");
    }
}
