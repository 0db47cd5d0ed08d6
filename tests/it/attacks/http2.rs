//! HTTP/2 says the same things in other words: what the upstream sees is as it would be for HTTP/1.1.

use http::header::HeaderName;
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderValue, Method, Request, Uri};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;

use super::https::Secure;
use crate::origin::Received;
use crate::wait::within;

/// A request, and how it is bent.
struct Said<'a> {
    method: &'a str,
    scheme: Scheme,
    authority: String,
    path: &'a str,
    headers: &'a [(&'a str, &'a str)],
}

impl<'a> Said<'a> {
    fn to(secure: &Secure, path: &'a str) -> Self {
        let authority = secure.authority("cura.localhost");
        Self { method: "GET", scheme: Scheme::HTTPS, authority, path, headers: &[] }
    }

    fn request(&self) -> Request<()> {
        let mut uri = http::uri::Parts::default();
        uri.scheme = Some(self.scheme.clone());
        uri.authority = Some(self.authority.parse::<Authority>().expect("an authority"));
        uri.path_and_query = Some(self.path.parse::<PathAndQuery>().expect("a path"));
        let mut request = Request::new(());
        *request.uri_mut() = Uri::from_parts(uri).expect("whole");
        *request.method_mut() = self.method.parse::<Method>().expect("a token");
        for (name, value) in self.headers {
            let name = name.parse::<HeaderName>().expect("a name");
            request.headers_mut().append(name, HeaderValue::from_str(value).expect("a value"));
        }
        request
    }
}

/// The status; `None` if the stream was reset or the connection closed.
async fn ask(secure: &Secure, said: &Said<'_>) -> Option<u16> {
    let tls = secure.connect("cura.localhost", "h2").await.expect("a handshake");
    assert_eq!(tls.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let (client, connection) = h2::client::handshake(tls).await.expect("a preface");
    let connection = tokio::spawn(connection);
    let mut client = client.ready().await.expect("a connection");
    let (response, _) = client.send_request(said.request(), true).expect("it can be sent");
    let answer = within("an answer", response).await.ok().map(|response| response.status().as_u16());
    connection.abort();
    answer
}

async fn forwarded(secure: &Secure, said: &Said<'_>) -> Received {
    let before = secure.origin.received().len();
    assert_eq!(ask(secure, said).await, Some(200), "{}", said.path);
    let mut since = secure.origin.received().split_off(before);
    assert_eq!(since.len(), 1, "{}", said.path);
    since.remove(0)
}

/// A32, P50, P51.
#[tokio::test]
async fn crumbs_become_one_line_and_claims_are_dropped() {
    let secure = Secure::new().await;
    let headers = [
        ("cookie", "a=1"),
        ("cookie", "__Host-sluse=x"),
        ("cookie", "b=2"),
        ("cookie", "__Host-sluse-ask=y"),
        ("cookie", "c=3"),
        ("x_sluse_user", "spoofed"),
        ("x-sluse-user", "spoofed"),
        ("x-forwarded-for", "10.0.0.1"),
        ("x-kept", "as sent"),
    ];
    let said = Said { headers: &headers, ..Said::to(&secure, "/public/x?y=1") };
    let seen = forwarded(&secure, &said).await;
    assert_eq!(seen.request_line(), "GET /public/x?y=1 HTTP/1.1");
    assert_eq!(seen.all("cookie"), ["a=1; b=2; c=3"]);
    assert_eq!(seen.all("x-kept"), ["as sent"]);
    assert_eq!(seen.all("host"), [secure.authority("cura.localhost")]);
    assert_eq!(seen.all("x-forwarded-for"), ["127.0.0.1"]);
    assert!(!String::from_utf8_lossy(&seen.head).contains("spoofed"));
}

/// A14, P46 to P49, P52.
#[tokio::test]
async fn one_reading_or_none() {
    let secure = Secure::new().await;
    let canonical = forwarded(&secure, &Said::to(&secure, "/admin/..//public/./x")).await;
    assert_eq!(canonical.target(), "/public/x", "P48");
    let own = secure.authority("cura.localhost");
    let same = [("host", own.as_str())];
    let both = Said { headers: &same, ..Said::to(&secure, "/public/y") };
    assert_eq!(forwarded(&secure, &both).await.all("host"), [own.as_str()]);
    let before = secure.origin.received().len();
    let other = [("host", "login.localhost")];
    for (case, said, statuses) in [
        ("P47", Said { path: "*", ..Said::to(&secure, "/") }, &[400][..]),
        ("P47 OPTIONS", Said { path: "*", method: "OPTIONS", ..Said::to(&secure, "/") }, &[400]),
        ("P48 dot segments", Said::to(&secure, "/public/../admin"), &[401]),
        ("P48 encoded", Said::to(&secure, "/public/%2e%2e/admin"), &[401]),
        ("A03", Said::to(&secure, "/public%2fx"), &[400]),
        ("A07", Said::to(&secure, "/public/..;/admin"), &[400]),
        ("A08", Said::to(&secure, "/public/%00"), &[400]),
        ("P52", Said { method: "get", ..Said::to(&secure, "/public/x") }, &[405]),
        ("A20", Said { method: "TRACE", ..Said::to(&secure, "/public/x") }, &[405]),
        ("P46 another host", Said { headers: &other, ..Said::to(&secure, "/public/x") }, &[400]),
        (
            "A22 unknown",
            Said { authority: "nobody.localhost".into(), ..Said::to(&secure, "/public/x") },
            &[421],
        ),
        (
            "A22 another site",
            Said { authority: "other.localhost".into(), ..Said::to(&secure, "/public/x") },
            &[421],
        ),
        ("P49", Said { scheme: Scheme::HTTP, ..Said::to(&secure, "/public/x") }, &[400]),
    ] {
        let answer = ask(&secure, &said).await;
        // pingora may reset the stream instead.
        assert!(answer.is_none_or(|status| statuses.contains(&status)), "{case}: {answer:?}");
        assert_eq!(secure.origin.received().len(), before, "{case}");
    }
}

/// Not as a fault of anybody's.
#[tokio::test]
async fn a_stream_that_its_client_resets_is_noted_as_that() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
    let upstream = listener.local_addr().expect("a bound listener has an address");
    let secure = Secure::before(&format!("http://{upstream}")).await;
    let tls = secure.connect("cura.localhost", "h2").await.expect("a handshake");
    let (client, connection) = h2::client::handshake(tls).await.expect("a preface");
    let connection = tokio::spawn(connection);
    let mut client = client.ready().await.expect("a connection");
    let said = Said::to(&secure, "/public/report").request();
    let (response, mut stream) = client.send_request(said, true).expect("it can be sent");
    let (mut asked, _) = within("a connection", listener.accept()).await.expect("it is accepted");
    stream.send_reset(h2::Reason::CANCEL);
    assert!(within("the reset", response).await.is_err());
    let mut said = Vec::new();
    within("the upstream is let go", asked.read_to_end(&mut said)).await.expect("it can be read");
    let line = secure.gateway.logged("/public/report").await;
    assert!(line.contains("client-gone"), "{line}");
    connection.abort();
}
