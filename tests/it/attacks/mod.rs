//! Bad input, sent for real: each case is named after its row in the catalogue of attacks that the gateway is
//! held to (A requests and sequences, P the proxy, W WebAuthn), and each asks what the upstream saw.

mod ceremonies;
mod cookies;
mod csrf;
mod framing;
mod headers;
mod hosts;
mod http2;
mod https;
mod login;
mod registrations;
mod returns;
mod same_bytes;
mod session;
mod targets;
mod websocket;

use crate::broker::{NEZ, OLE};
use crate::harness::{Gateway, Installation};
use crate::origin::{Answer, Origin, Received};
use crate::person::Person;
use crate::raw::{Connection, Reply, exchange};

pub const PASSWORD: &str = "en lang og god sætning";

/// `/public/**` is open, `/app/**` wants a password, all else a password and a key.
const POLICY: &str = "\
version: 1
app: cura
title: { da: Cura, en: Cura }
hosts: [cura.localhost]
upstream: UPSTREAM
rules:
  - name: public
    match: { path: /public/** }
    public: true
  - name: app
    match: { path: /app/** }
    require: { level: basic }
  - name: rest
    overlap: ok
    match: { path: /** }
    require: { level: strong }
";

/// A gateway under attack, and the upstream that must not notice.
pub struct Field {
    pub origin: Origin,
    pub installation: Installation,
    pub gateway: Gateway,
}

impl Field {
    /// In front of an origin that echoes; `nez` and `ole` have accounts.
    pub async fn new() -> Self {
        Self::before(Origin::echo().await).await
    }

    pub async fn before(origin: Origin) -> Self {
        let installation = Installation::new(&origin);
        installation.policy("cura", &POLICY.replace("UPSTREAM", &origin.url()));
        for person in [NEZ, OLE] {
            installation.enrol(&person, PASSWORD);
        }
        let gateway = installation.serve().await;
        Self { origin, installation, gateway }
    }

    /// Where both hosts listen, as a Host header says it.
    pub fn authority(&self, host: &str) -> String {
        format!("{host}:{}", self.installation.listen.port())
    }

    /// `nez`, with a session at Cura by password and key.
    pub async fn nez(&self) -> Person {
        Person::let_in(&self.installation, &NEZ, PASSWORD).await
    }

    /// The Cookie line of a person at Cura.
    pub fn cookies(&self, person: &Person) -> String {
        person.cookie_line(&self.installation.cura("/")).expect("the person is signed in")
    }

    /// Sends one request to Cura, alone on its connection. `head` is the request line and what is special
    /// about the headers; `Host` and `Connection` are added.
    pub async fn ask(&self, head: &str) -> Reply {
        let (line, headers) = head.split_once("\r\n").unwrap_or((head, ""));
        let headers = if headers.is_empty() { String::new() } else { format!("{}\r\n", headers.trim_end()) };
        let host = self.authority("cura.localhost");
        self.raw(format!("{line}\r\nHost: {host}\r\nConnection: close\r\n{headers}\r\n")).await
    }

    /// Sends exactly these bytes on a connection of their own.
    pub async fn raw(&self, bytes: impl AsRef<[u8]>) -> Reply {
        exchange(self.installation.listen, bytes).await
    }

    pub async fn connect(&self) -> Connection {
        Connection::open(self.installation.listen).await
    }

    /// What the upstream has seen since `seen` requests ago began. A request is sent through first: whatever
    /// was on its way has arrived before it, also on a connection kept open to the upstream.
    pub async fn since(&self, seen: usize) -> Vec<Received> {
        let mark = format!("/public/mark-{seen}-{}", self.origin.received().len());
        assert_eq!(self.ask(&format!("GET {mark} HTTP/1.1")).await.status, 200, "the gateway still serves");
        let received = self.origin.received().split_off(seen);
        received.into_iter().filter(|request| !request.target().starts_with("/public/mark-")).collect()
    }

    /// Asserts that the upstream saw nothing since `seen`.
    pub async fn untouched(&self, case: &str, seen: usize) {
        let reached = self.since(seen).await;
        let lines: Vec<_> = reached.iter().map(Received::request_line).collect();
        assert!(lines.is_empty(), "{case}: reached the upstream: {lines:?}");
    }
}

/// As [`Answer::Echo`], with a body that is the same whatever was asked.
pub fn plain(body: &str) -> Answer {
    Answer::Keep(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into_bytes())
}
