//! A WebSocket is opened by our own pages for somebody who may, and nothing else is an upgrade.

use super::{Field, PASSWORD};
use crate::broker::NEZ;
use crate::origin::{Answer, Origin};
use crate::person::Person;
use crate::raw::Connection;

const KEY: &str = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
const HANDSHAKE: &str = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n";

async fn field() -> Field {
    let answer = |request: &crate::origin::Received| match request.header("upgrade") {
        Some(_) if request.target() != "/public/no" => Answer::WebSocket,
        _ => Answer::Echo,
    };
    Field::before(Origin::start(answer).await).await
}

/// Sends a request of these headers; the reply's status, and the connection.
async fn shake(field: &Field, path: &str, headers: &str) -> (u16, Connection) {
    let host = field.authority("cura.localhost");
    let mut connection = field.connect().await;
    connection.send(format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n{headers}\r\n")).await;
    let status = connection.head().await.status;
    (status, connection)
}

/// A client's frame: masked, under 126 bytes (RFC 6455, 5.2).
fn frame(opcode: u8, message: &[u8]) -> Vec<u8> {
    const MASK: [u8; 4] = [1, 2, 3, 4];
    let length = u8::try_from(message.len()).expect("a short message");
    let mut frame = vec![0x80 | opcode, 0x80 | length];
    frame.extend(MASK);
    frame.extend(message.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}

#[tokio::test]
async fn a_websocket_works_end_to_end_for_somebody_who_is_in() {
    let field = field().await;
    let cookies = field.cookies(&field.nez().await);
    let own = format!("Origin: {}\r\n", field.installation.cura(""));
    let headers = format!("{HANDSHAKE}{KEY}{own}Cookie: {cookies}\r\nX-Sluse-User: ole\r\n");
    let (status, mut connection) = shake(&field, "/admin/socket?x=1", &headers).await;
    assert_eq!(status, 101);
    for message in ["hej", "med dig"] {
        connection.send(frame(1, message.as_bytes())).await;
        let echo = connection.take(2 + message.len()).await;
        assert_eq!(&echo[2..], message.as_bytes());
    }
    connection.send(frame(8, &[3, 232])).await;
    assert_eq!(connection.take(4).await[2..], [3, 232], "closed in good order");
    let seen = field.origin.request("/admin/socket?x=1").await;
    assert_eq!(seen.all("x-sluse-user"), ["nez"]);
    assert!(seen.all("cookie").is_empty());
}

/// A66, A67.
#[tokio::test]
async fn no_session_no_level_or_a_foreign_page_opens_no_websocket() {
    let field = field().await;
    let strong = field.cookies(&field.nez().await);
    let mut weak = Person::at(&field.installation);
    let page = weak.open(&field.installation.cura("/app/x")).await;
    weak.log_in(&page, NEZ.user, PASSWORD).await;
    let weak = field.cookies(&weak);
    let own = field.installation.cura("");
    let port = field.installation.listen.port();
    let seen = field.origin.received().len();
    for (row, path, cookies, origin, status) in [
        ("A66 nobody", "/admin/s", "a=b", own.as_str(), 401),
        ("A66 a password alone", "/admin/s", &weak, &own, 401),
        ("A67 foreign", "/admin/s", &strong, "https://evil.example", 403),
        ("A67 foreign, public", "/public/s", "a=b", "https://evil.example", 403),
        ("A67 null", "/admin/s", &strong, "null", 403),
        ("A67 the login host", "/admin/s", &strong, &field.installation.login(""), 403),
        ("A67 https", "/admin/s", &strong, &format!("https://cura.localhost:{port}"), 403),
        ("A67 no port", "/admin/s", &strong, "http://cura.localhost", 403),
        ("A67 longer", "/admin/s", &strong, &format!("{own}.evil.example"), 403),
        ("A67 two", "/admin/s", &strong, &format!("{own}\r\nOrigin: https://evil.example"), 403),
    ] {
        let headers = format!("{HANDSHAKE}{KEY}Cookie: {cookies}\r\nOrigin: {origin}\r\n");
        let (answer, _) = shake(&field, path, &headers).await;
        assert_eq!(answer, status, "{row}");
        field.untouched(row, seen).await;
    }
}

/// A70, P22, P38: an upgrade is a whole WebSocket handshake, or it is refused or not forwarded as one.
#[tokio::test]
async fn nothing_else_is_an_upgrade() {
    let field = field().await;
    let both = "Upgrade: websocket\r\nConnection: Upgrade\r\n";
    for (row, headers) in [
        ("P38 no Connection", format!("Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n{KEY}")),
        ("P38 no version", format!("{both}{KEY}")),
        ("P38 old version", format!("{both}Sec-WebSocket-Version: 8\r\n{KEY}")),
        ("P38 no key", format!("{both}Sec-WebSocket-Version: 13\r\n")),
        ("P38 an empty key", format!("{both}Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key:\r\n")),
        ("P38 two kinds", format!("{HANDSHAKE}Upgrade: h2c\r\n{KEY}")),
        (
            "P38 a list",
            format!("Upgrade: h2c, websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n{KEY}"),
        ),
    ] {
        let seen = field.origin.received().len();
        let (status, _) = shake(&field, "/public/s", &headers).await;
        assert_eq!(status, 400, "{row}");
        field.untouched(row, seen).await;
    }
    for (row, headers) in [
        (
            "A70 h2c",
            "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\nConnection: Upgrade, HTTP2-Settings\r\n",
        ),
        ("A70 foo", "Upgrade: foo\r\nConnection: Upgrade\r\n"),
        ("A70 TLS", "Upgrade: TLS/1.0\r\nConnection: Upgrade\r\n"),
    ] {
        let seen = field.origin.received().len();
        let (status, _) = shake(&field, "/public/s", headers).await;
        assert_eq!(status, 200, "{row}");
        let forwarded = field.since(seen).await.remove(0);
        for name in ["upgrade", "http2-settings"] {
            assert!(forwarded.all(name).is_empty(), "{row}: {:?}", forwarded.headers());
        }
    }
    let seen = field.origin.received().len();
    let old = format!("GET /public/s HTTP/1.0\r\nHost: cura.localhost\r\n{HANDSHAKE}{KEY}\r\n");
    assert_eq!(field.raw(old).await.status, 400, "A70 HTTP/1.0");
    let post = format!(
        "POST /public/s HTTP/1.1\r\nHost: cura.localhost\r\n{HANDSHAKE}{KEY}Content-Length: 0\r\n\r\n"
    );
    assert_eq!(field.raw(post).await.status, 400, "A70 POST");
    field.untouched("A70", seen).await;
}

/// A68: what follows a handshake that the upstream does not accept is not a request.
#[tokio::test]
async fn a_refused_upgrade_smuggles_nothing() {
    let field = field().await;
    let host = field.authority("cura.localhost");
    let mut connection = field.connect().await;
    connection
        .send(format!(
            "GET /public/no HTTP/1.1\r\nHost: {host}\r\n{HANDSHAKE}{KEY}\r\n\
             GET /admin/smuggled HTTP/1.1\r\nHost: {host}\r\nX-Sluse-User: nez\r\n\r\n"
        ))
        .await;
    assert_eq!(connection.head().await.status, 200);
    let reached: Vec<_> = field.since(0).await.iter().map(|it| it.target()).collect();
    assert_eq!(reached, ["/public/no"]);
}
