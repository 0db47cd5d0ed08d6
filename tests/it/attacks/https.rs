//! TLS: no name, no site; and what is said in the clear is only ever sent on.

use std::net::SocketAddr;
use std::sync::Arc;

use rcgen::generate_simple_self_signed;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::POLICY;
use crate::harness::{Gateway, Installation, free_addresses};
use crate::origin::Origin;
use crate::raw::{Connection, Reply, exchange};

/// A gateway that serves TLS for `login.localhost` and `cura.localhost` with one certificate and for
/// `other.localhost` with another.
pub struct Secure {
    pub origin: Origin,
    pub installation: Installation,
    pub gateway: Gateway,
    redirect: SocketAddr,
    roots: RootCertStore,
}

impl Secure {
    pub async fn new() -> Self {
        let origin = Origin::echo().await;
        let upstream = origin.url();
        Self::of(origin, &upstream).await
    }

    /// With another upstream than the origin.
    pub async fn before(upstream: &str) -> Self {
        Self::of(Origin::echo().await, upstream).await
    }

    async fn of(origin: Origin, upstream: &str) -> Self {
        let installation = Installation::new(&origin);
        let [redirect] = free_addresses();
        let mut roots = RootCertStore::empty();
        let mut pairs = Vec::new();
        for (name, hosts) in
            [("both", &["login.localhost", "cura.localhost"][..]), ("other", &["other.localhost"])]
        {
            let hosts: Vec<_> = hosts.iter().map(|host| (*host).to_owned()).collect();
            let made = generate_simple_self_signed(hosts).expect("names of hosts");
            let cert = installation.write(&format!("{name}.pem"), &made.cert.pem());
            let key = installation.write(&format!("{name}.key"), &made.signing_key.serialize_pem());
            roots.add(CertificateDer::from(made.cert)).expect("a certificate");
            pairs.push(format!("{{ cert: {}, key: {} }}", cert.display(), key.display()));
        }
        let listen = installation.listen;
        let settings = installation.settings("").replace("login: http:", "login: https:").replace(
            &format!("listen: {listen}\n"),
            &format!(
                "listen: [{{ address: {listen}, tls: true }}, {{ address: {redirect}, redirect: true }}]\n\
                     tls: {{ certificates: [{}] }}\n",
                pairs.join(", ")
            ),
        );
        installation.write("sluse.yaml", &settings);
        let policy = POLICY.replace("UPSTREAM", upstream);
        installation.policy("cura", &policy);
        installation.policy(
            "other",
            &policy.replace("app: cura", "app: other").replace("cura.localhost", "other.localhost"),
        );
        let gateway = installation.serve().await;
        Self { origin, installation, gateway, redirect, roots }
    }

    pub fn authority(&self, host: &str) -> String {
        format!("{host}:{}", self.installation.listen.port())
    }

    /// A TLS connection that asks for `name` and offers `protocol`.
    pub async fn connect(&self, name: &'static str, protocol: &str) -> std::io::Result<TlsStream<TcpStream>> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("ring has them")
            .with_root_certificates(self.roots.clone())
            .with_no_client_auth();
        config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
        let stream = TcpStream::connect(self.installation.listen).await?;
        let name = ServerName::try_from(name).expect("a name or an address");
        TlsConnector::from(Arc::new(config)).connect(name, stream).await
    }

    /// One HTTP/1.1 request for `host`, on a connection that asked for `name`.
    async fn ask(&self, name: &'static str, host: &str, path: &str) -> Reply {
        let mut connection = Connection::over(self.connect(name, "http/1.1").await.expect("a handshake"));
        let host = self.authority(host);
        connection
            .send(format!(
                "GET {path} HTTP/1.1\r\nHost: {host}\r\nAccept: text/html\r\nConnection: close\r\n\r\n"
            ))
            .await;
        connection.reply().await
    }
}

/// A22, A74: the name of the connection and the host of the request are of one site.
#[tokio::test]
async fn a_connection_carries_the_hosts_of_its_certificate() {
    let secure = Secure::new().await;
    for (case, name, host, status) in [
        ("one's own", "cura.localhost", "cura.localhost", 200),
        ("the other's own", "other.localhost", "other.localhost", 200),
        ("A74 odd case", "CURA.LocalHost", "cura.localhost", 200),
        ("one certificate for both", "login.localhost", "cura.localhost", 200),
        ("A22 another certificate", "other.localhost", "cura.localhost", 421),
        ("A22 the other way", "cura.localhost", "other.localhost", 421),
        ("A22 the login host", "other.localhost", "login.localhost", 421),
        ("unknown host", "cura.localhost", "nobody.localhost", 421),
    ] {
        let before = secure.origin.received().len();
        assert_eq!(secure.ask(name, host, "/public/x").await.status, status, "{case}");
        assert_eq!(secure.origin.received().len() - before, usize::from(status == 200), "{case}");
    }
    let told = secure.origin.received().remove(0);
    assert_eq!(told.all("x-forwarded-proto"), ["https"]);
    assert_eq!(told.all("x-forwarded-host"), [secure.authority("cura.localhost")]);
    for name in ["nobody.localhost", "127.0.0.1", "x.cura.localhost"] {
        assert!(secure.connect(name, "http/1.1").await.is_err(), "A74: {name} gets no certificate");
    }
    let page = secure.ask("login.localhost", "login.localhost", "/login").await;
    assert_eq!(page.header("strict-transport-security"), Some("max-age=31536000; includeSubDomains"), "R46");
}

/// A75: plain HTTP is answered with the way to https, and never with more.
#[tokio::test]
async fn plain_http_is_only_sent_on() {
    let secure = Secure::new().await;
    let send = async |line: &str, host: &str| {
        let request =
            format!("{line} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
        exchange(secure.redirect, request).await
    };
    let own = format!("https://{}", secure.authority("cura.localhost"));
    for (path, location) in [
        ("/", "/"),
        ("/admin/x?y=z&a=%2f", "/admin/x?y=z&a=%2f"),
        ("//evil.example/x", "//evil.example/x"),
        ("/public/%2e%2e/x", "/public/%2e%2e/x"),
    ] {
        let reply = send(&format!("GET {path}"), "cura.localhost").await;
        assert_eq!(reply.status, 308, "{path}");
        assert_eq!(reply.all("location"), [format!("{own}{location}")], "{path}");
        assert!(reply.all("set-cookie").is_empty(), "{path}");
    }
    for (case, line, host) in [
        ("a form", "POST /login", "login.localhost"),
        ("an API", "PUT /public/x", "cura.localhost"),
        ("an unknown host", "GET /", "evil.example"),
        ("no host of anybody's", "GET /", "cura.localhost.evil.example"),
        ("a preflight", "OPTIONS /public/x", "cura.localhost"),
    ] {
        let reply = send(line, host).await;
        assert_eq!(reply.status, 400, "{case}");
        assert!(reply.header("location").is_none() && reply.all("set-cookie").is_empty(), "{case}");
    }
    assert_eq!(send("TRACE /", "cura.localhost").await.status, 405);
    let plain = exchange(
        secure.redirect,
        "GET /public/x HTTP/1.1\r\nHost: cura.localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    );
    assert_eq!(plain.await.status, 308, "a WebSocket is no exception");
    assert!(secure.origin.received().is_empty());
}

/// What is not TLS gets no answer on the TLS port.
#[tokio::test]
async fn nothing_is_said_in_the_clear() {
    let secure = Secure::new().await;
    let mut connection = Connection::open(secure.installation.listen).await;
    connection.send("GET /public/x HTTP/1.1\r\nHost: cura.localhost\r\n\r\n").await;
    let answer = connection.closed().await;
    assert!(!answer.starts_with(b"HTTP/"), "{}", String::from_utf8_lossy(&answer));
    assert!(secure.origin.received().is_empty());
}
