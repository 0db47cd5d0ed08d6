//! What is decided on is, byte for byte, what is forwarded; anything with two readings is refused.

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use super::Field;
use Reading::{Is, Refused};

enum Reading {
    /// 400, whoever asks.
    Refused,
    /// Decided on and forwarded as this target.
    Is(&'static str),
}

const CASES: &[(&str, &str, Reading)] = &[
    ("A01", "/public/../admin/x", Is("/admin/x")),
    ("A01 at the root", "/../../admin/x", Is("/admin/x")),
    ("A02", "/public/%2e%2e/admin", Is("/admin")),
    ("A02 half", "/public/.%2E/admin", Is("/admin")),
    ("A02 other half", "/public/%2e./admin", Is("/admin")),
    ("A02 a single dot", "/public/%2E/../admin", Is("/admin")),
    ("A03 slash", "/public%2fadmin", Refused),
    ("A03 dot dot slash", "/public/..%2fadmin", Refused),
    ("A03 upper case", "/public%2Fx", Refused),
    ("A03 backslash", "/public/..%5cadmin", Refused),
    ("A04", "/public/%252e%252e/admin", Refused),
    ("A04 digits", "/public/%25%32%65%25%32%65/admin", Refused),
    ("A04 slash", "/public%252fadmin", Refused),
    ("A05", "//admin", Is("/admin")),
    ("A05 in the middle", "/public//../admin", Is("/admin")),
    ("A05 dot", "/./admin", Is("/admin")),
    ("A05 dot at the end", "/admin/.", Is("/admin/")),
    ("A05 many", "///public/////x", Is("/public/x")),
    ("A05 looks like an authority", "//cura.localhost/public/x", Is("/cura.localhost/public/x")),
    ("A06", "/public\\..\\admin", Refused),
    ("A06 first", "/\\admin", Refused),
    ("A07", "/public/..;/admin", Refused),
    ("A07 parameters", "/admin;jsessionid=1", Refused),
    ("A07 encoded", "/public/..%3b/admin", Refused),
    ("A08 NUL", "/public/%00", Refused),
    ("A08 LF", "/public/x%0ay", Refused),
    ("A08 CR", "/public/x%0d%0ay", Refused),
    ("A08 TAB", "/public/%09", Refused),
    ("A08 space", "/public/x%20", Refused),
    ("A08 DEL", "/public/%7f", Refused),
    ("A08 bad escapes", "/public/%zz", Refused),
    ("A08 cut escape", "/public/%2", Refused),
    ("A08 raw TAB", "/public/\tx", Refused),
    ("A08 raw NUL", "/public/\0x", Refused),
    ("A10", "/public#/../admin", Refused),
    ("A10 encoded", "/public%23/../admin", Refused),
    ("A10 in the query", "/public/x?y#/../admin", Refused),
    ("A11", "/admin?x=/public/", Is("/admin?x=/public/")),
    ("A11 bare", "/admin?/public", Is("/admin?/public")),
    ("A11 dots", "/admin?/../public/x", Is("/admin?/../public/x")),
    ("A11 question mark", "/admin%3f/../public", Is("/public")),
    ("A12", "admin/x", Refused),
    ("A12 query", "?x", Refused),
    ("A12 dots", "..", Refused),
    ("A12 at", "@/admin", Refused),
    ("A12 two spaces", " /admin", Refused),
    ("A13 http", "http://HOST/public/x", Is("/public/x")),
    ("A13 upper case", "HTTP://HOST/admin/../x?y", Is("/x?y")),
    ("A13 other port", "http://cura.localhost:1/admin/x", Refused),
    ("A13 no path", "http://cura.localhost?x", Refused),
    ("A13 other host", "http://login.localhost/public/x", Refused),
    ("A13 userinfo", "http://nez@cura.localhost/public/x", Refused),
    ("A13 other scheme", "ftp://cura.localhost/public/x", Refused),
    ("A14", "*", Refused),
    ("A15 overlong", "/public/%c0%ae%c0%ae/admin", Refused),
    ("A15 not UTF-8", "/public/%ff", Refused),
    ("A15 surrogate", "/public/%ed%a0%80", Refused),
    ("A17 longer", "/publicity", Is("/publicity")),
    ("A17 deeper", "/x/public/y", Is("/x/public/y")),
    ("A17 case", "/PUBLIC/x", Is("/PUBLIC/x")),
    ("A17 the folder itself", "/public", Is("/public")),
    ("one spelling", "/public/%7e%41?%41=%2f", Is("/public/~A?%41=%2f")),
    ("one spelling of what stays encoded", "/public/%c3%a6", Is("/public/%C3%A6")),
];

#[tokio::test]
async fn a_target_has_one_reading_or_none() {
    let field = Field::new().await;
    let nez = field.cookies(&field.nez().await);
    let mut wrong = Vec::new();
    for (row, target, reading) in CASES {
        for (who, cookie) in [("nobody", String::new()), ("nez", format!("Cookie: {nez}\r\n"))] {
            let case = format!("{row}, {who}: GET {target}");
            let seen = field.origin.received().len();
            let target = target.replace("HOST", &field.authority("cura.localhost"));
            let reply = field.ask(&format!("GET {target} HTTP/1.1\r\n{cookie}")).await;
            let forwarded: Vec<_> = field.since(seen).await.iter().map(|it| it.target()).collect();
            let expected: (u16, &[&str]) = match reading {
                Refused => (400, &[]),
                Is(canonical) if who == "nez" || open(canonical) => (200, &[canonical]),
                Is(_) => (401, &[]),
            };
            if (reply.status, forwarded.iter().map(String::as_str).collect::<Vec<_>>())
                != (expected.0, expected.1.to_vec())
            {
                wrong.push(format!("{case}: {} {forwarded:?}", reply.status));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Whether [`super::POLICY`] opens it to anybody.
fn open(target: &str) -> bool {
    let path = target.split('?').next().unwrap_or_default();
    path == "/public" || path.starts_with("/public/")
}

/// Whatever is put together from the pieces attacks are made of, the upstream sees canonical public paths.
#[tokio::test]
async fn no_mixture_of_pieces_leads_past_the_public_rule() {
    const PIECES: [&str; 26] = [
        "/",
        "/",
        "/",
        "public",
        "public",
        "admin",
        "app",
        "..",
        ".",
        "%2e",
        "%2E%2e",
        "%2f",
        "%5c",
        ";",
        "\\",
        "?",
        "#",
        "%00",
        "%20",
        "%25",
        "%c0%ae",
        "*",
        "http://cura.localhost",
        "x",
        ":",
        "@",
    ];
    let field = Field::new().await;
    let mut random = StdRng::seed_from_u64(2026);
    let mut answered = [0; 2];
    for _ in 0..600 {
        let length = random.random_range(1..9);
        let pieces: String = (0..length).map(|_| PIECES[random.random_range(0..PIECES.len())]).collect();
        let target = if random.random_ratio(4, 5) { format!("/public/{pieces}") } else { pieces };
        let status = field.ask(&format!("GET {target} HTTP/1.1")).await.status;
        assert!(matches!(status, 200 | 400 | 401), "{target}: {status}");
        answered[usize::from(status == 200)] += 1;
    }
    assert!(answered.iter().all(|count| *count > 50), "both answers are common: {answered:?}");
    for request in field.since(0).await {
        let target = request.target();
        let path = target.split('?').next().unwrap_or_default().to_ascii_lowercase();
        assert!(open(&target), "{target}");
        for trace in ["//", "/./", "/../", "%2e", "%2f", "%5c", "\\", ";", "#", "%00"] {
            assert!(!path.contains(trace), "{target}");
        }
        assert!(!path.ends_with("/.") && !path.ends_with("/.."), "{target}");
    }
}
