use super::*;

fn head(method: &str, target: &str, headers: &[(&'static str, &str)]) -> RequestHeader {
    let mut head = RequestHeader::build(method, target.as_bytes(), None).unwrap();
    head.set_version(http::Version::HTTP_11);
    for (name, value) in headers {
        head.append_header(*name, *value).unwrap();
    }
    head
}

#[test]
fn hosts_have_one_spelling() {
    for spelled in ["cura.example", "CURA.Example", "cura.example.", "cura.example:443"] {
        assert_eq!(canonical_host(spelled).as_deref(), Some("cura.example"), "{spelled}");
    }
    for bad in ["", ".", "a,b", "a/../b", "u@a", "a b", "a:x", "a:99999", "-a", "a..b", "[::1]", "a:"] {
        assert_eq!(canonical_host(bad), None, "{bad}");
    }
}

#[test]
fn exactly_one_valid_host() {
    let ok = [("host", "a.example")];
    assert_eq!(read(&head("GET", "/x?y=1", &ok)).unwrap().host, "a.example");
    assert_eq!(read(&head("GET", "/", &[])), Err(Refusal::Host));
    assert_eq!(read(&head("GET", "/", &[("host", "")])), Err(Refusal::Host));
    assert_eq!(read(&head("GET", "/", &[("host", "a"), ("host", "a")])), Err(Refusal::Host));
    assert_eq!(read(&head("GET", "http://b.example/", &ok)), Err(Refusal::Host));
}

#[test]
fn the_line_that_came_is_the_line_that_was_read() {
    let sent = |target: &str, raw: &str| as_sent(&head("GET", target, &[]), raw.as_bytes());
    assert_eq!(sent("/x", "GET /x HTTP/1.1\r\nHost: a\r\n\r\n"), Ok(()));
    assert_eq!(sent("/x", "\r\nGET /x HTTP/1.1\nHost: a\n\n"), Ok(()));
    for raw in ["GET /x#y HTTP/1.1", "GET  /x HTTP/1.1", "GET /x y HTTP/1.1", "get /x HTTP/1.1", "GET /x", ""]
    {
        assert_eq!(sent("/x", raw), Err(Refusal::Target), "{raw}");
    }
    assert_eq!(sent("/%09", "GET /\t HTTP/1.1"), Err(Refusal::Target));
}

#[test]
fn one_form_of_target() {
    let ok = [("host", "a.example")];
    let path = |target| read(&head("GET", target, &ok)).map(|target| target.raw_path);
    assert_eq!(path("/x?/public"), Ok(b"/x".to_vec()));
    assert_eq!(path("http://a.example/x"), Ok(b"/x".to_vec()));
    assert_eq!(path("*"), Err(Refusal::Target));
}

#[test]
fn methods_are_exact() {
    let ok = [("host", "a")];
    for method in ["get", "GeT", "TRACE", "CONNECT"] {
        assert_eq!(read(&head(method, "/", &ok)), Err(Refusal::Method), "{method}");
    }
    assert!(read(&head("PROPFIND", "/", &ok)).is_ok());
}

#[test]
fn framing_has_one_reading() {
    let with = |name, value| read(&head("POST", "/", &[("host", "a"), (name, value)]));
    assert_eq!(with("content-length", "2, 2"), Err(Refusal::ContentLength));
    assert_eq!(with("transfer-encoding", "gzip, chunked"), Err(Refusal::TransferEncoding));
    assert_eq!(with("expect", "x"), Err(Refusal::Expectation));
    let chunked = [("host", "a"), ("transfer-encoding", "chunked"), ("transfer-encoding", "chunked")];
    assert_eq!(read(&head("POST", "/", &chunked[..2])).err(), None);
    assert_eq!(read(&head("POST", "/", &chunked)), Err(Refusal::TransferEncoding));
    let twice = [("host", "a"), ("content-length", "2"), ("content-length", "2")];
    assert_eq!(read(&head("POST", "/", &twice)), Err(Refusal::ContentLength));
}

#[test]
fn managed_headers_in_every_spelling() {
    for name in [
        "X-Sluse-User",
        "x_sluse_user",
        "X.Sluse-Level",
        "x-forwarded-for",
        "X_Forwarded_For",
        "Forwarded",
        "X-Original-URL",
        "x-rewrite-url",
        "X-HTTP-Method-Override",
        "Proxy",
    ] {
        assert!(is_managed(name), "{name}");
    }
    for name in ["cookie", "x-request-id", "proxy-x", "user-agent", "x-requested-with"] {
        assert!(!is_managed(name), "{name}");
    }
}

#[test]
fn no_managed_header_is_nominated() {
    for name in ["x-sluse-user", "X_Sluse_User", "Cookie", "close, authorization"] {
        let headers = [("host", "a"), ("connection", name)];
        assert_eq!(read(&head("GET", "/", &headers)), Err(Refusal::Nomination), "{name}");
    }
    assert!(read(&head("GET", "/", &[("host", "a"), ("connection", "keep-alive")])).is_ok());
}

#[test]
fn an_upgrade_is_a_whole_handshake() {
    let whole = [
        ("host", "a"),
        ("upgrade", "websocket"),
        ("connection", "Upgrade"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];
    assert!(read(&head("GET", "/", &whole)).is_ok());
    for kinds in [&["h2c", "websocket"][..], &["h2c, websocket"], &["websocket", "websocket"]] {
        let several =
            kinds.iter().map(|kind| ("upgrade", *kind)).chain(whole[..1].iter().chain(&whole[2..]).copied());
        assert_eq!(read(&head("GET", "/", &several.collect::<Vec<_>>())), Err(Refusal::Upgrade), "{kinds:?}");
    }
    for missing in 2..whole.len() {
        let mut part = whole.to_vec();
        part.remove(missing);
        assert_eq!(read(&head("GET", "/", &part)), Err(Refusal::Upgrade));
    }
}

#[test]
fn a_head_has_bounds() {
    let many: Vec<_> = (0..MAX_FIELDS).map(|_| ("x-a", "b")).chain([("host", "a")]).collect();
    assert_eq!(read(&head("GET", "/", &many)), Err(Refusal::HeadTooLarge));
    let long = "x".repeat(MAX_HEAD);
    assert_eq!(read(&head("GET", "/", &[("host", "a"), ("x-a", &long)])), Err(Refusal::HeadTooLarge));
}
