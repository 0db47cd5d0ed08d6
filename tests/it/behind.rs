//! Behind load balancers that pass on bytes: the PROXY protocol says who is there, from a trusted proxy alone.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use rcgen::generate_simple_self_signed;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::harness::{Gateway, Installation, free_addresses};
use crate::origin::Origin;
use crate::raw::{Connection, Reply};
use crate::wait::within;

/// Open to the office's network, which the load balancer is in.
const POLICY: &str = "\
version: 1
app: cura
title: { da: Cura, en: Cura }
hosts: [cura.localhost]
upstream: UPSTREAM
rules:
  - name: office
    match: { path: /office/**, network: office }
    public: true
  - name: rest
    overlap: ok
    match: { path: /** }
    require: { level: basic }
";

const V1: &[u8] = b"PROXY TCP4 198.51.100.7 10.0.0.1 12345 443\r\n";
const V1_OUTSIDE: &[u8] = b"PROXY TCP4 203.0.113.9 10.0.0.1 12345 443\r\n";
const V1_BY_PROXY: &[u8] = b"PROXY TCP4 10.20.0.5 10.0.0.1 12345 443\r\n";
const V1_IPV6: &[u8] = b"PROXY TCP6 2001:db8::7 2001:db8::1 12345 443\r\n";
/// TCP over IPv4, from 198.51.100.7, and a TLV.
const V2: &[u8] =
    b"\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x10\xc6\x33\x64\x07\x0a\x00\x00\x01\x30\x39\x01\xbb\x04\x00\x01x";
const V2_OUTSIDE: &[u8] =
    b"\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x0c\xcb\x00\x71\x09\x0a\x00\x00\x01\x30\x39\x01\xbb";
const V2_LOCAL: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x20\x00\x00\x00";

/// A listener in the clear, one with TLS and one that only redirects, all behind proxies.
struct Row {
    origin: Origin,
    installation: Installation,
    gateway: Gateway,
    tls: SocketAddr,
    redirect: SocketAddr,
    roots: RootCertStore,
}

impl Row {
    async fn new() -> Self {
        let origin = Origin::echo().await;
        let installation = Installation::new(&origin);
        let [tls, redirect] = free_addresses();
        let hosts = vec!["login.localhost".to_owned(), "cura.localhost".to_owned()];
        let made = generate_simple_self_signed(hosts).expect("names of hosts");
        let cert = installation.write("tls.pem", &made.cert.pem());
        let key = installation.write("tls.key", &made.signing_key.serialize_pem());
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from(made.cert)).expect("a certificate");
        let listen = installation.listen;
        installation.change(
            "sluse.yaml",
            &format!("listen: {listen}\n"),
            &format!(
                "listen:\n  - {{ address: {listen}, proxy_protocol: true }}\n  \
                 - {{ address: {tls}, tls: true, proxy_protocol: true }}\n  \
                 - {{ address: {redirect}, redirect: true, proxy_protocol: true }}\n\
                 tls: {{ certificates: [{{ cert: {}, key: {} }}] }}\n\
                 trusted_proxies: [127.0.0.1/32, 10.20.0.5/32]\n\
                 networks: {{ office: [198.51.100.0/24, \"2001:db8::/64\", 127.0.0.0/8] }}\n",
                cert.display(),
                key.display()
            ),
        );
        installation.policy("cura", &POLICY.replace("UPSTREAM", &origin.url()));
        let gateway = installation.serve().await;
        Self { origin, installation, gateway, tls, redirect, roots }
    }

    /// A request for the office's own, with these header lines.
    fn request(&self, path: &str, lines: &str) -> String {
        let host = format!("cura.localhost:{}", self.installation.listen.port());
        format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{lines}\r\n")
    }

    /// Asks in the clear, `header` first.
    async fn ask(&self, header: &[u8], request: &str) -> Reply {
        let mut connection = Connection::open(self.installation.listen).await;
        connection.send([header, request.as_bytes()].concat()).await;
        connection.reply().await
    }

    async fn handshake(&self, header: &[u8], protocol: &str) -> std::io::Result<TlsStream<TcpStream>> {
        let mut stream = TcpStream::connect(self.tls).await?;
        stream.write_all(header).await?;
        self.tls_over(stream, protocol).await
    }

    async fn tls_over(&self, stream: TcpStream, protocol: &str) -> std::io::Result<TlsStream<TcpStream>> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("ring has them")
            .with_root_certificates(self.roots.clone())
            .with_no_client_auth();
        config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
        let name = ServerName::try_from("cura.localhost").expect("a name");
        within("a handshake", TlsConnector::from(Arc::new(config)).connect(name, stream)).await
    }

    /// The status for the office's own over HTTP/2.
    async fn ask_http2(&self, header: &[u8]) -> u16 {
        let tls = self.handshake(header, "h2").await.expect("a handshake");
        let (client, connection) = h2::client::handshake(tls).await.expect("a preface");
        let connection = tokio::spawn(connection);
        let mut client = client.ready().await.expect("a connection");
        let uri = format!("https://cura.localhost:{}/office/h2", self.tls.port());
        let request = http::Request::get(uri).body(()).expect("a request");
        let (response, _) = client.send_request(request, true).expect("it can be sent");
        let status = within("an answer", response).await.expect("an answer").status().as_u16();
        connection.abort();
        status
    }
}

/// A connection that comes from another address than the trusted one.
async fn stranger(to: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    let own: IpAddr = "127.0.0.2".parse().expect("an address");
    socket.bind(SocketAddr::from((own, 0))).expect("all of 127/8 is this machine's");
    socket.connect(to).await.expect("somebody listens")
}

/// All that still comes until it is closed.
async fn end(connection: &mut Connection) -> String {
    String::from_utf8_lossy(&connection.closed().await).into_owned()
}

#[tokio::test]
async fn the_policy_the_upstream_and_the_log_hear_who_is_behind() {
    let row = Row::new().await;
    let claim = "X-Forwarded-For: 198.51.100.7\r\n";
    for (case, header, lines, address, status) in [
        ("v1", V1, "", Some("198.51.100.7"), 200),
        ("v1-ipv6", V1_IPV6, "", Some("2001:db8::7"), 200),
        ("v2", V2, "", Some("198.51.100.7"), 200),
        ("v1-outside", V1_OUTSIDE, "", Some("203.0.113.9"), 401),
        ("v2-outside", V2_OUTSIDE, "", Some("203.0.113.9"), 401),
        ("client-claims", V1_OUTSIDE, claim, Some("203.0.113.9"), 401),
        ("client-claims-more", V1, "X-Forwarded-For: 203.0.113.9\r\n", Some("198.51.100.7"), 200),
        ("trusted-claims", V1_BY_PROXY, claim, Some("198.51.100.7"), 200),
        // Nobody knows who it is: least of all is it the load balancer, whose network may do more.
        ("v1-unknown", b"PROXY UNKNOWN\r\n", "", None, 401),
        ("v1-unknown-claims", b"PROXY UNKNOWN\r\n", claim, None, 401),
        ("v2-local", V2_LOCAL, "", None, 401),
        ("v2-local-claims", V2_LOCAL, claim, None, 401),
    ] {
        let path = format!("/office/{case}");
        let request = row.request(&path, lines);
        assert_eq!(row.ask(header, &request).await.status, status, "{case}");
        let line = row.gateway.logged(&format!("\"path\":\"{path}\"")).await;
        let logged: serde_json::Value = serde_json::from_str(&line).expect("the log is JSON");
        assert_eq!(logged["address"].as_str(), address, "{case}: {line}");
        if status == 200 {
            let told = row.origin.request(&path).await.all("x-forwarded-for");
            assert_eq!(told, [address.expect("known")], "{case}");
        }

        let path = format!("/office/tls-{case}");
        let mut connection = Connection::over(row.handshake(header, "http/1.1").await.expect(case));
        connection.send(row.request(&path, lines)).await;
        assert_eq!(connection.reply().await.status, status, "{case} over TLS");
    }
    assert_eq!((row.ask_http2(V1).await, row.ask_http2(V2_OUTSIDE).await), (200, 401), "HTTP/2");
}

/// Which listener it came to is still known.
#[tokio::test]
async fn a_redirect_is_one_behind_a_proxy_too() {
    let row = Row::new().await;
    let mut connection = Connection::open(row.redirect).await;
    connection.send([V2, row.request("/office/x", "").as_bytes()].concat()).await;
    assert_eq!(connection.reply().await.status, 308);
    let mut connection = Connection::over(stranger(row.redirect).await);
    connection.send([V2, row.request("/office/x", "").as_bytes()].concat()).await;
    assert_eq!(end(&mut connection).await, "");
    assert!(row.origin.received().is_empty());
}

/// Requests after the first are of the same person.
#[tokio::test]
async fn it_holds_for_all_of_the_connection() {
    let row = Row::new().await;
    let request = |path: &str| row.request(path, "").replace("Connection: close\r\n", "");
    let mut connection = Connection::open(row.installation.listen).await;
    connection.send([V2, request("/office/1").as_bytes()].concat()).await;
    assert_eq!(connection.reply().await.status, 200);
    connection.send(request("/office/2")).await;
    assert_eq!(connection.reply().await.status, 200);
    assert_eq!(row.origin.request("/office/2").await.all("x-forwarded-for"), ["198.51.100.7"]);
    // A second header is no request.
    connection.send([V1_OUTSIDE, request("/office/3").as_bytes()].concat()).await;
    let answer = end(&mut connection).await;
    assert!(!answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(row.origin.received().iter().all(|request| request.target() != "/office/3"));
}

#[tokio::test]
async fn the_audit_hears_it() {
    let row = Row::new().await;
    let login = format!("login.localhost:{}", row.installation.listen.port());
    let body = "username=nez&password=wrong";
    let post = format!(
        "POST /login HTTP/1.1\r\nHost: {login}\r\nOrigin: http://{login}\r\nConnection: close\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    assert_eq!(row.ask(V2, &post).await.status, 401);
    let wrong = row.installation.events("password-wrong").pop().expect("it is recorded");
    assert_eq!(wrong["address"], "198.51.100.7", "{wrong}");
}

/// Not one byte is answered to anybody who may not say who they are for, nor to who does not.
#[tokio::test]
async fn who_is_not_announced_is_not_served() {
    let row = Row::new().await;
    let request = row.request("/office/x", "");
    for (case, header) in [("with a header", V1), ("with the other", V2), ("without", b"")] {
        let mut connection = Connection::over(stranger(row.installation.listen).await);
        connection.send([header, request.as_bytes()].concat()).await;
        assert_eq!(end(&mut connection).await, "", "a stranger {case}");
        let mut stream = stranger(row.tls).await;
        stream.write_all(header).await.expect("it is open");
        assert!(row.tls_over(stream, "http/1.1").await.is_err(), "a stranger {case}, over TLS");
    }
    row.gateway.logged("only a trusted proxy may connect here").await;
    for (case, header) in [
        ("no header", &b""[..]),
        ("half a signature", b"\r\n\r\n\0\r\nQUIT\r"),
        ("no line end", b"PROXY TCP4 198.51.100.7 10.0.0.1 12345 443\n"),
        ("endless", &[b'A'; 300]),
        (
            "another version",
            b"\r\n\r\n\0\r\nQUIT\n\x11\x11\x00\x0c\xc6\x33\x64\x07\x0a\x00\x00\x01\x30\x39\x01\xbb",
        ),
        ("too long", b"\r\n\r\n\0\r\nQUIT\n\x21\x11\xff\xff\xc6\x33\x64\x07\x0a\x00\x00\x01\x30\x39\x01\xbb"),
    ] {
        let mut connection = Connection::open(row.installation.listen).await;
        connection.send([header, request.as_bytes()].concat()).await;
        assert_eq!(end(&mut connection).await, "", "{case}");
        assert!(row.handshake(header, "http/1.1").await.is_err(), "{case}, over TLS");
    }
    // The header belongs before the handshake, not into it.
    let mut connection = Connection::over(row.handshake(V1, "http/1.1").await.expect("a handshake"));
    connection.send([V2_OUTSIDE, request.as_bytes()].concat()).await;
    let answer = end(&mut connection).await;
    assert!(!answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(row.origin.received().is_empty());
}

/// What never ends its header is let go; what sends it in pieces is served.
#[tokio::test]
async fn a_slow_header_ends() {
    let row = Row::new().await;
    let mut waiting = Vec::new();
    for header in [&b""[..], b"PROXY ", &V1[..V1.len() - 1], &V2[..14], &V2[..V2.len() - 1]] {
        for to in [row.installation.listen, row.tls] {
            let mut connection = Connection::open(to).await;
            connection.send(header).await;
            waiting.push(connection);
        }
    }
    let mut connection = Connection::open(row.installation.listen).await;
    for byte in V2.iter().chain(row.request("/office/x", "").as_bytes()) {
        connection.send([*byte]).await;
    }
    assert_eq!(connection.reply().await.status, 200);
    for mut connection in waiting {
        assert_eq!(end(&mut connection).await, "");
    }
}
