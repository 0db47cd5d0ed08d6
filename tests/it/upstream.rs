//! Connections to upstreams: kept for the next request while they are good for one, and what becomes of the request
//! and of the answer when they are not.

use tokio::net::TcpListener;

use crate::harness::{Gateway, Installation};
use crate::origin::Origin;
use crate::raw::{Connection, Reply};
use crate::wait::within;

const POLICY: &str = "\
version: 1
app: cura
title: { da: Cura, en: Cura }
hosts: [cura.localhost]
upstream: UPSTREAM
rules:
  - name: open
    match: { path: /open/** }
    public: true
";

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// An upstream whose connections the test answers by hand, and the gateway before it.
struct ByHand {
    listener: TcpListener,
    installation: Installation,
    gateway: Gateway,
}

impl ByHand {
    async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
        let address = listener.local_addr().expect("a bound listener has an address");
        let installation = Installation::new(&Origin::echo().await);
        installation.policy("cura", &POLICY.replace("UPSTREAM", &format!("http://{address}")));
        let gateway = installation.serve().await;
        Self { listener, installation, gateway }
    }

    async fn client(&self) -> Client {
        Client { connection: Connection::open(self.installation.listen).await, host: self.host() }
    }

    fn host(&self) -> String {
        format!("cura.localhost:{}", self.installation.listen.port())
    }

    /// The next connection that the gateway opens.
    async fn accept(&self) -> Connection {
        let (stream, _) = within("a connection", self.listener.accept()).await.expect("it is accepted");
        Connection::over(stream)
    }

    /// A client whose first request was answered with [`OK`], and the connection that it was asked on.
    async fn served(&self) -> (Client, Connection) {
        let mut client = self.client().await;
        client.ask("GET /open/first").await;
        let mut upstream = self.accept().await;
        asked(&mut upstream, "GET /open/first").await;
        upstream.send(OK).await;
        assert_eq!(client.reply().await.text(), "ok");
        (client, upstream)
    }
}

struct Client {
    connection: Connection,
    host: String,
}

impl Client {
    async fn ask(&mut self, line: &str) {
        self.ask_with(line, "").await;
    }

    async fn ask_with(&mut self, line: &str, headers: &str) {
        self.connection.send(format!("{line} HTTP/1.1\r\nHost: {}\r\n{headers}\r\n", self.host)).await;
    }

    async fn reply(&mut self) -> Reply {
        self.connection.reply().await
    }
}

/// Reads a request whose line begins so.
async fn asked(upstream: &mut Connection, line: &str) {
    let head = String::from_utf8(upstream.bytes_until(b"\r\n\r\n").await).expect("a head is text");
    assert!(head.starts_with(line), "{head}");
}

#[tokio::test]
async fn a_connection_is_kept_for_whoever_asks_next() {
    let by_hand = ByHand::new().await;
    let (mut client, mut upstream) = by_hand.served().await;
    let mut other = by_hand.client().await;
    for (client, line) in [(&mut client, "GET /open/second"), (&mut other, "GET /open/third")] {
        client.ask(line).await;
        asked(&mut upstream, line).await;
        upstream.send(OK).await;
        assert_eq!(client.reply().await.text(), "ok");
    }
}

#[tokio::test]
async fn a_request_is_sent_again_where_the_kept_connection_closed_under_it() {
    let by_hand = ByHand::new().await;
    let (mut client, mut upstream) = by_hand.served().await;
    client.ask("GET /open/second").await;
    asked(&mut upstream, "GET /open/second").await;
    drop(upstream);
    let mut upstream = by_hand.accept().await;
    asked(&mut upstream, "GET /open/second").await;
    upstream.send(OK).await;
    assert_eq!(client.reply().await.text(), "ok");
    // It was opened for this very request: that it closes is the upstream's answer.
    drop(upstream);
    client.ask("GET /open/third").await;
    let mut upstream = by_hand.accept().await;
    asked(&mut upstream, "GET /open/third").await;
    drop(upstream);
    assert_eq!(client.reply().await.status, 502);
}

/// However many were kept: the second try is on a new one.
#[tokio::test]
async fn a_request_is_sent_again_once() {
    let by_hand = ByHand::new().await;
    let mut kept = Vec::new();
    let mut clients = Vec::new();
    for _ in 0..2 {
        let mut client = by_hand.client().await;
        client.ask("GET /open/at-once").await;
        let mut upstream = by_hand.accept().await;
        asked(&mut upstream, "GET /open/at-once").await;
        clients.push(client);
        kept.push(upstream);
    }
    for (client, upstream) in clients.iter_mut().zip(&mut kept) {
        upstream.send(OK).await;
        assert_eq!(client.reply().await.text(), "ok");
    }
    let (client, last, first) = (&mut clients[0], kept.pop(), kept.pop());
    let (mut last, mut first) = (last.expect("two were kept"), first.expect("two were kept"));
    client.ask("GET /open/again").await;
    asked(&mut last, "GET /open/again").await;
    drop(last);
    let mut fresh = by_hand.accept().await;
    asked(&mut fresh, "GET /open/again").await;
    drop(fresh);
    assert_eq!(client.reply().await.status, 502);
    clients[1].ask("GET /open/next").await;
    asked(&mut first, "GET /open/next").await;
    first.send(OK).await;
    assert_eq!(clients[1].reply().await.text(), "ok");
}

/// A connection that an upstream takes for one person's is nobody else's (RFC 4559, section 6).
#[tokio::test]
async fn a_connection_that_windows_logged_in_on_is_not_kept() {
    let by_hand = ByHand::new().await;
    let mut client = by_hand.client().await;
    for (line, login) in [
        ("GET /open/plain", "NTLM TlRMTVNTUAAB"),
        ("GET /open/kerberos", "negotiate YII"),
        ("POST /open/posted", "Negotiate YII"),
        ("GET /open/basic", "Basic eDp4"),
    ] {
        let body = if line.starts_with("POST") { "Content-Length: 0\r\n" } else { "" };
        client.ask_with(line, &format!("Authorization: {login}\r\n{body}")).await;
        let mut upstream = by_hand.accept().await;
        let head = String::from_utf8(upstream.bytes_until(b"\r\n\r\n").await).expect("a head is text");
        assert!(head.starts_with(line) && head.contains(login), "{head}");
        let closes = head.to_ascii_lowercase().contains("\r\nconnection: close\r\n");
        assert_eq!(closes, !login.starts_with("Basic"), "{head}");
        upstream.send(OK).await;
        assert_eq!(client.reply().await.text(), "ok", "{line}");
        if closes {
            assert_eq!(upstream.closed().await, b"", "{line}");
        }
    }
}

/// What comes before it was asked for would be the next person's answer.
#[tokio::test]
async fn an_answer_nobody_asked_for_reaches_nobody() {
    let by_hand = ByHand::new().await;
    let (mut client, mut upstream) = by_hand.served().await;
    let planted = "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nplanted";
    // After the answer, and together with it.
    upstream.send(planted).await;
    for (line, answer) in [("GET /open/second", format!("{OK}{planted}")), ("GET /open/third", OK.to_owned())]
    {
        client.ask(line).await;
        let mut upstream = by_hand.accept().await;
        asked(&mut upstream, line).await;
        upstream.send(answer).await;
        assert_eq!(client.reply().await.text(), "ok", "{line}");
    }
}

#[tokio::test]
async fn an_answer_that_breaks_off_does_not_look_whole() {
    let by_hand = ByHand::new().await;
    let mut client = by_hand.client().await;
    client.ask("GET /open/head").await;
    let mut upstream = by_hand.accept().await;
    asked(&mut upstream, "GET /open/head").await;
    upstream.send("HTTP/1.1 200 OK\r\nContent-Le").await;
    drop(upstream);
    assert_eq!(client.reply().await.status, 502);

    let mut client = by_hand.client().await;
    client.ask("GET /open/body").await;
    let mut upstream = by_hand.accept().await;
    asked(&mut upstream, "GET /open/body").await;
    upstream.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n").await;
    // The first half has been passed on by then.
    client.connection.bytes_until(b"half\r\n").await;
    drop(upstream);
    assert_eq!(client.connection.closed().await, b"", "no last chunk");
}

/// Its fields as they were spelled, its date its own, and its body in whatever pieces it comes.
#[tokio::test]
async fn an_answer_is_passed_on_as_it_was_said() {
    let by_hand = ByHand::new().await;
    let (mut client, mut upstream) = by_hand.served().await;
    client.ask("GET /open/second").await;
    asked(&mut upstream, "GET /open/second").await;
    let date = "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n";
    upstream.send(format!("HTTP/1.1 203 As Told\r\n{date}X-Odd-CASE: a")).await;
    upstream.send("b\r\nTransfer-Encoding: chunked\r\n\r\n5;of=two\r\nab").await;
    let head =
        String::from_utf8(client.connection.bytes_until(b"2\r\nab\r\n").await).expect("a head is text");
    for part in ["HTTP/1.1 203 As Told\r\n", date, "X-Odd-CASE: ab\r\n", "\r\n\r\n2\r\nab"] {
        assert!(head.contains(part), "{part:?} in {head}");
    }
    upstream.send("cde\r\n0\r\nX-Trailer: 1").await;
    client.connection.bytes_until(b"3\r\ncde\r\n").await;
    upstream.send("\r\n\r\n").await;
    assert_eq!(client.connection.bytes_until(b"\r\n\r\n").await, b"0\r\n\r\n");
    client.ask("GET /open/third").await;
    asked(&mut upstream, "GET /open/third").await;
    upstream.send(OK).await;
    assert_eq!(client.reply().await.text(), "ok");
}

/// RFC 9112, section 9.3.2.
#[tokio::test]
async fn what_is_asked_before_the_answer_is_answered_after_it() {
    let by_hand = ByHand::new().await;
    let (mut client, mut upstream) = by_hand.served().await;
    client.ask("GET /open/second").await;
    asked(&mut upstream, "GET /open/second").await;
    client.ask("GET /open/third").await;
    client.ask("GET /open/fourth").await;
    upstream.send(OK).await;
    assert_eq!(client.reply().await.text(), "ok");
    asked(&mut upstream, "GET /open/third").await;
    upstream.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nthird").await;
    assert_eq!(client.reply().await.text(), "third");
    asked(&mut upstream, "GET /open/fourth").await;
    upstream.send(OK).await;
    assert_eq!(client.reply().await.text(), "ok");
    // All at once, and the last in two pieces.
    let request = |line: &str| format!("{line} HTTP/1.1\r\nHost: {}\r\n\r\n", by_hand.host());
    let (fifth, sixth) =
        (request("GET /open/fifth"), request(&format!("GET /open/{}", "sixth".repeat(1_000))));
    client.connection.send(format!("{fifth}{}", &sixth[..20])).await;
    asked(&mut upstream, "GET /open/fifth").await;
    upstream.send(OK).await;
    assert_eq!(client.reply().await.text(), "ok");
    client.connection.send(&sixth[20..]).await;
    asked(&mut upstream, "GET /open/sixthsixth").await;
    upstream.send(OK).await;
    assert_eq!(client.reply().await.text(), "ok");
}

/// The person, the log and the service desk have one and the same reference for it.
#[tokio::test]
async fn a_request_that_fails_has_one_reference() {
    let by_hand = ByHand::new().await;
    let (mut client, mut upstream) = by_hand.served().await;
    client.ask("GET /open/second").await;
    asked(&mut upstream, "GET /open/second").await;
    upstream.send("nonsense\r\n\r\n").await;
    let reply = client.reply().await;
    let told: serde_json::Value = serde_json::from_slice(&reply.body).expect("a script is told in JSON");
    assert_eq!((reply.status, &told["error"]), (502, &serde_json::json!("upstream-unavailable")));
    let reference = told["reference"].as_str().expect("it has a reference");
    let line = by_hand.gateway.logged(&format!("\"reference\":\"{reference}\"")).await;
    assert!(line.contains("\"status\":502") && line.contains("\"rule\":\"open\""), "{line}");
    by_hand.gateway.logged(&format!("\"correlation\":\"{reference}\"")).await;
    // Nobody else is answered on that connection of the upstream's, and the client's goes on.
    assert_eq!(upstream.closed().await, b"");
    client.ask("GET /open/third").await;
    let mut upstream = by_hand.accept().await;
    asked(&mut upstream, "GET /open/third").await;
    upstream.send(OK).await;
    assert_eq!(client.reply().await.text(), "ok");
}

#[tokio::test]
async fn an_answer_without_a_length_ends_and_the_connection_does_not() {
    let by_hand = ByHand::new().await;
    let mut client = by_hand.client().await;
    client.ask("GET /open/first").await;
    let mut upstream = by_hand.accept().await;
    asked(&mut upstream, "GET /open/first").await;
    upstream.send("HTTP/1.0 200 OK\r\n\r\nall there is").await;
    drop(upstream);
    let reply = client.reply().await;
    assert_eq!((reply.header("transfer-encoding"), reply.text().as_str()), (Some("chunked"), "all there is"));
    client.ask("GET /open/second").await;
    let mut upstream = by_hand.accept().await;
    asked(&mut upstream, "GET /open/second").await;
    upstream.send(OK).await;
    assert_eq!(client.reply().await.text(), "ok");
}

#[tokio::test]
async fn answers_without_a_body_leave_the_connection_to_the_next() {
    let by_hand = ByHand::new().await;
    let (mut client, mut upstream) = by_hand.served().await;
    client.ask("HEAD /open/head").await;
    asked(&mut upstream, "HEAD /open/head").await;
    upstream.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n").await;
    assert_eq!(client.connection.head().await.header("content-length"), Some("100"));
    for (line, answer, status) in [
        ("GET /open/none", "HTTP/1.1 204 No Content\r\n\r\n", 204),
        ("GET /open/same", "HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\n\r\n", 304),
        ("GET /open/last", OK, 200),
    ] {
        client.ask(line).await;
        asked(&mut upstream, line).await;
        upstream.send(answer).await;
        assert_eq!(client.reply().await.status, status, "{line}");
    }
}

/// RFC 8297.
#[tokio::test]
async fn early_hints_come_early() {
    let by_hand = ByHand::new().await;
    let (mut client, mut upstream) = by_hand.served().await;
    client.ask("GET /open/second").await;
    asked(&mut upstream, "GET /open/second").await;
    upstream.send("HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n").await;
    let hints = client.reply().await;
    assert_eq!((hints.status, hints.header("link")), (103, Some("</style.css>; rel=preload")));
    upstream.send(OK).await;
    assert_eq!(client.reply().await.text(), "ok");
    // They are no answer: that there is none is still told.
    client.ask("GET /open/third").await;
    asked(&mut upstream, "GET /open/third").await;
    upstream.send("HTTP/1.1 103 Early Hints\r\n\r\n").await;
    assert_eq!(client.reply().await.status, 103);
    drop(upstream);
    let mut upstream = by_hand.accept().await;
    asked(&mut upstream, "GET /open/third").await;
    drop(upstream);
    assert_eq!(client.reply().await.status, 502);
}

#[tokio::test]
async fn nobody_works_for_a_client_that_has_gone() {
    let by_hand = ByHand::new().await;
    let mut client = by_hand.client().await;
    client.ask("GET /open/report").await;
    let mut upstream = by_hand.accept().await;
    asked(&mut upstream, "GET /open/report").await;
    drop(client);
    assert_eq!(upstream.closed().await, b"");
}

#[tokio::test]
async fn a_long_answer_arrives_as_it_was_sent() {
    let by_hand = ByHand::new().await;
    let (mut client, mut upstream) = by_hand.served().await;
    let long: Vec<u8> = (0..8_u32 << 20).map(|at| (at % 251) as u8).collect();
    client.ask("GET /open/long").await;
    asked(&mut upstream, "GET /open/long").await;
    let send = async {
        upstream.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", long.len())).await;
        upstream.send(&long).await;
    };
    let (reply, ()) = tokio::join!(client.reply(), send);
    assert!(reply.body == long, "{} bytes of {}", reply.body.len(), long.len());
    client.ask("GET /open/next").await;
    asked(&mut upstream, "GET /open/next").await;
    upstream.send(OK).await;
    assert_eq!(client.reply().await.text(), "ok");
}
