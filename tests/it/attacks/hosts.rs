//! Which app is asked is said once, in one spelling, and by nothing but the request's own authority.

use super::Field;

#[tokio::test]
async fn a_host_has_one_spelling_and_one_header() {
    const CASES: &[(&str, &str, u16)] = &[
        ("A21", "Host: CURA.LocalHost", 200),
        ("A21 trailing dot", "Host: cura.localhost.", 200),
        ("A21 another port", "Host: cura.localhost:443", 200),
        ("A22 unknown", "Host: other.localhost", 421),
        ("A22 a suffix", "Host: localhost", 421),
        ("A22 a prefix", "Host: cura.localhost.example", 421),
        ("A22 longer", "Host: xcura.localhost", 421),
        ("A22 an address", "Host: 127.0.0.1", 421),
        ("A23 none", "X-A: b", 400),
        ("A23 empty", "Host:", 400),
        ("A23 path", "Host: cura.localhost/../b", 400),
        ("A23 list", "Host: cura.localhost,login.localhost", 400),
        ("A23 userinfo", "Host: nez@cura.localhost", 400),
        ("A23 two", "Host: cura.localhost\r\nHost: login.localhost", 400),
        ("A23 twice the same", "Host: cura.localhost\r\nHost: cura.localhost", 400),
        ("P26 no port", "Host: cura.localhost:", 400),
        ("P26 bad port", "Host: cura.localhost:x", 400),
        ("P26 high port", "Host: cura.localhost:65536", 400),
        ("P26 IPv6", "Host: [::1]", 400),
        ("P26 two dots", "Host: cura..localhost", 400),
        ("P26 percent", "Host: cura%2elocalhost", 400),
        ("P26 underscore", "Host: cura_localhost", 400),
        ("P26 space", "Host: cura.localhost login.localhost", 400),
    ];
    let field = Field::new().await;
    let canonical = field.authority("cura.localhost");
    for (row, header, status) in CASES {
        let seen = field.origin.received().len();
        let reply =
            field.raw(format!("GET /public/x HTTP/1.1\r\nConnection: close\r\n{header}\r\n\r\n")).await;
        assert_eq!(reply.status, *status, "{row}: {header}");
        let forwarded = field.since(seen).await;
        assert_eq!(forwarded.len(), usize::from(*status == 200), "{row}: {header}");
        for request in forwarded {
            assert_eq!(request.all("host"), [canonical.as_str()], "{row}: {header}");
            assert_eq!(request.all("x-forwarded-host"), [canonical.as_str()], "{row}: {header}");
        }
    }
}

#[tokio::test]
async fn old_and_odd_protocols_name_a_host_or_are_refused() {
    let field = Field::new().await;
    let host = field.authority("cura.localhost");
    for (row, bytes, status) in [
        ("P26 HTTP/1.0 without Host", "GET /public/x HTTP/1.0\r\n\r\n".to_owned(), 400),
        ("P26 HTTP/1.0 with Host", format!("GET /public/x HTTP/1.0\r\nHost: {host}\r\n\r\n"), 200),
        ("A13 absolute, no Host", "GET http://cura.localhost/public/x HTTP/1.1\r\n\r\n".to_owned(), 400),
        ("P15 HTTP/1.2", format!("GET /public/x HTTP/1.2\r\nHost: {host}\r\n\r\n"), 400),
        ("P15 HTTP/2.0", format!("GET /public/x HTTP/2.0\r\nHost: {host}\r\n\r\n"), 400),
    ] {
        let seen = field.origin.received().len();
        assert_eq!(field.raw(&bytes).await.status, status, "{row}");
        let forwarded = field.since(seen).await;
        assert_eq!(forwarded.len(), usize::from(status == 200), "{row}");
        assert!(forwarded.iter().all(|it| it.request_line() == "GET /public/x HTTP/1.1"), "{row}");
    }
    let mut connection = field.connect().await;
    connection.send("GET /public/x\r\n\r\n").await;
    let answer = connection.closed().await;
    assert!(!answer.starts_with(b"HTTP/1.1 200"), "P15 HTTP/0.9: {}", String::from_utf8_lossy(&answer));
    field.untouched("P15 HTTP/0.9", field.origin.received().len()).await;
}

/// A24: links, redirects and cookies come from the configuration, whatever a header claims.
#[tokio::test]
async fn no_header_moves_the_gateway_elsewhere() {
    const CLAIMS: [&str; 8] = [
        "X-Forwarded-Host: evil.example",
        "X-Forwarded-Proto: https",
        "X-Forwarded-Port: 1",
        "X-Forwarded-Prefix: /evil.example",
        "Forwarded: host=evil.example;proto=https",
        "X-Original-Host: evil.example",
        "X-Host: evil.example",
        "X-Forwarded-Server: evil.example",
    ];
    let field = Field::new().await;
    let honest = field.ask("GET /admin/x HTTP/1.1\r\nAccept: text/html").await;
    let to = |location: &str| location.split("&ask=").next().unwrap_or_default().to_owned();
    let expected = to(honest.header("location").expect("a redirect to the login"));
    assert!(expected.starts_with(&field.installation.login("/login?to=http%3A%2F%2Fcura%2Elocalhost")));
    for claim in CLAIMS {
        let reply = field.ask(&format!("GET /admin/x HTTP/1.1\r\nAccept: text/html\r\n{claim}")).await;
        assert_eq!(reply.status, 303, "{claim}");
        assert_eq!(to(reply.header("location").unwrap_or_default()), expected, "{claim}");
        let cookie = reply.header("set-cookie").unwrap_or_default();
        assert!(cookie.contains("; Secure") && !cookie.contains("Domain"), "{claim}: {cookie}");
    }
    for claim in CLAIMS {
        let host = field.authority("login.localhost");
        let page = field
            .raw(format!("GET /login HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{claim}\r\n\r\n"))
            .await;
        assert!(!page.text().contains("evil.example"), "{claim}");
    }
    field.untouched("A24", 0).await;
}

/// A80: what the admin listener tells is not told to the public.
#[tokio::test]
async fn the_admin_paths_are_not_on_the_public_hosts() {
    let field = Field::new().await;
    for path in ["/metrics", "/health", "/ready"] {
        let host = field.authority("login.localhost");
        let reply =
            field.raw(format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")).await;
        assert_eq!(reply.status, 404, "{path}");
        assert_eq!(field.ask(&format!("GET {path} HTTP/1.1")).await.status, 401, "{path} is Cura's");
        let own = field.ask(&format!("GET /.sluse{path} HTTP/1.1")).await;
        assert_eq!(own.status, 404, "/.sluse{path}");
    }
    assert_eq!(field.ask("GET /.sluse/verdict HTTP/1.1").await.status, 404, "only the gateway shows it");
}
