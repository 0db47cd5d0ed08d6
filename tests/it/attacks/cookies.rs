//! The gateway's cookies end at the gateway; everybody else's pass as they came.

use super::Field;

/// A32.
#[tokio::test]
async fn no_cookie_of_the_gateway_reaches_the_upstream() {
    const CASES: &[(&str, &[&str], &[&str])] = &[
        ("none", &[], &[]),
        ("others alone", &["a=1; b=\"x y\";c = 3"], &["a=1; b=\"x y\";c = 3"]),
        ("first", &["SESSION; a=1"], &["a=1"]),
        ("last", &["a=1; SESSION"], &["a=1"]),
        ("between", &["a=1; SESSION; b=2"], &["a=1; b=2"]),
        ("without spaces", &["a=1;SESSION;b=2"], &["a=1; b=2"]),
        ("alone", &["SESSION"], &[]),
        ("two lines", &["a=1", "SESSION; b=2"], &["a=1; b=2"]),
        ("three lines, none ours", &["a=1", "b=2", "c=3"], &["a=1; b=2; c=3"]),
        ("the others of ours", &["__Host-sluse-ask=x; a=1; __Host-sluse-browser=y"], &["a=1"]),
        ("odd case", &["__HOST-SLUSE=x; __host-sluse-name=y; a=1"], &["a=1"]),
        ("no value", &["__Host-sluse; a=1"], &["a=1"]),
        ("of ours to be", &["__Host-sluse-later=x; a=1"], &["a=1"]),
        ("twice", &["SESSION; SESSION; a=1"], &["a=1"]),
        ("a lookalike stays", &["sluse=1; __Host-app=2"], &["sluse=1; __Host-app=2"]),
        ("odd ones stay", &["SESSION; =x; bare; a=b=c"], &["=x; bare; a=b=c"]),
        ("not ASCII stays", &["SESSION; a=æ"], &["a=æ"]),
    ];
    let field = Field::new().await;
    let session = field.cookies(&field.nez().await);
    for (case, lines, arrives) in CASES {
        let seen = field.origin.received().len();
        let lines: String =
            lines.iter().map(|line| format!("Cookie: {}\r\n", line.replace("SESSION", &session))).collect();
        assert_eq!(field.ask(&format!("GET /public/x HTTP/1.1\r\n{lines}")).await.status, 200, "{case}");
        let forwarded = field.since(seen).await.remove(0);
        assert_eq!(forwarded.all("cookie"), *arrives, "{case}");
        let head = String::from_utf8_lossy(&forwarded.head).to_ascii_lowercase();
        assert!(!head.contains("__host-sluse"), "{case}: {head}");
    }
    let seen = field.origin.received().len();
    field.ask(&format!("GET /admin/x HTTP/1.1\r\nCookie: a=1; {session}; b=2\r\n")).await;
    let forwarded = field.since(seen).await.remove(0);
    assert_eq!(forwarded.all("cookie"), ["a=1; b=2"], "a protected route");
    assert_eq!(forwarded.all("x-sluse-user"), ["nez"], "a protected route");
}
