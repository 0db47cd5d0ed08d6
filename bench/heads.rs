//! The head of a request as a browser sends it.

use pingora::http::RequestHeader;

pub const HOST: &str = "cura.kommune.example";
pub const PLAIN: &str = "/citizens/4711/journal/2026-11-22";
/// Escapes that are decoded, one that stays, and a dot segment.
pub const ENCODED: &str = "/citizens/%7Enez/./b%C3%B8rn/%32026";

pub fn browser() -> RequestHeader {
    let target = format!("{PLAIN}?tab=medication");
    let mut head = RequestHeader::build("GET", target.as_bytes(), None).expect("it is a target");
    let session = format!("theme=dark; __Host-sluse={}", "x".repeat(64));
    for (name, value) in [
        ("Host", HOST),
        ("Connection", "keep-alive"),
        ("sec-ch-ua", r#""Chromium";v="156", "Not/A)Brand";v="24""#),
        ("sec-ch-ua-mobile", "?0"),
        ("sec-ch-ua-platform", r#""Android""#),
        (
            "User-Agent",
            "Mozilla/5.0 (Linux; Android 16; K) AppleWebKit/537.36 Chrome/156.0.0.0 Safari/537.36",
        ),
        ("Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"),
        ("Sec-Fetch-Site", "same-origin"),
        ("Sec-Fetch-Mode", "navigate"),
        ("Sec-Fetch-Dest", "document"),
        ("Referer", "https://cura.kommune.example/citizens"),
        ("Accept-Encoding", "gzip, deflate, br, zstd"),
        ("Accept-Language", "da-DK,da;q=0.9,en;q=0.8"),
        ("Cookie", &session),
    ] {
        head.insert_header(name, value).expect("it is a header");
    }
    head
}
