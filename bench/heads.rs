//! The head of a request as a browser sends it, and that of an answer.

use bytes::Bytes;
use pingora::http::RequestHeader;
use sluse::proxy::direct::head;

pub const HOST: &str = "cura.kommune.example";
pub const PLAIN: &str = "/citizens/4711/journal/2026-11-22";
/// Escapes that are decoded, one that stays, and a dot segment.
pub const ENCODED: &str = "/citizens/%7Enez/./b%C3%B8rn/%32026";

pub const ANSWER: &str = "HTTP/1.1 200 OK\r\nServer: Kestrel\r\nDate: Sun, 29 Nov 2026 12:00:00 GMT\r\n\
    Content-Type: text/html; charset=utf-8\r\nContent-Length: 1024\r\nConnection: keep-alive\r\n\
    Cache-Control: private, no-cache\r\nContent-Security-Policy: default-src 'self'\r\n\
    Set-Cookie: cura=0123456789abcdef; Path=/; Secure; HttpOnly\r\nX-Content-Type-Options: nosniff\r\n\r\n";

pub fn browser() -> RequestHeader {
    head::read(&sent()).expect("it can be read in one way")
}

/// Its bytes.
pub fn sent() -> Bytes {
    let mut sent = format!("GET {PLAIN}?tab=medication HTTP/1.1\r\n");
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
        sent.extend([name, ": ", value, "\r\n"]);
    }
    sent.push_str("\r\n");
    sent.into()
}
