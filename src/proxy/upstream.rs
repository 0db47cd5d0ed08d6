//! Where an app lives: its address, and how to connect to it, made once in a while and not once a request.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use pingora::upstreams::peer::HttpPeer;
use url::{Host, Url};

use crate::time::{Clock, Timestamp};

/// How long a resolved name is used before it is asked for again.
const RESOLVED: Duration = Duration::from_secs(30);

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Between two reads of an answer: long reports are slow, dead upstreams are for ever.
const READ_TIMEOUT: Duration = Duration::from_secs(300);
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);

/// Why no peer could be made.
#[derive(Debug, thiserror::Error)]
pub enum UpstreamError {
    #[error("`{0}` is no address of an upstream")]
    Invalid(String),
    #[error("the name `{host}` cannot be resolved: {source}")]
    Unresolved { host: String, source: std::io::Error },
    #[error("the name `{0}` has no address")]
    Nowhere(String),
}

/// Peers of upstreams, by URL.
pub struct Upstreams {
    clock: Arc<dyn Clock>,
    known: ArcSwap<HashMap<String, Known>>,
}

#[derive(Clone)]
struct Known {
    peer: Arc<HttpPeer>,
    at: Timestamp,
}

impl Upstreams {
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, known: ArcSwap::default() }
    }

    /// The peer behind an upstream's URL.
    pub async fn peer(&self, upstream: &Url) -> Result<Arc<HttpPeer>, UpstreamError> {
        let now = self.clock.now();
        let known = self.known.load().get(upstream.as_str()).cloned();
        if let Some(known) = &known
            && now.since(known.at) < RESOLVED
        {
            return Ok(known.peer.clone());
        }
        let peer = match resolve(upstream).await {
            Ok(address) => Arc::new(peer(upstream, address)),
            // A resolver that is down must not take the upstream with it.
            Err(UpstreamError::Unresolved { .. }) if let Some(known) = known => return Ok(known.peer),
            Err(error) => return Err(error),
        };
        self.known.rcu(|known| {
            let mut known = HashMap::clone(known);
            known.insert(upstream.to_string(), Known { peer: peer.clone(), at: now });
            known
        });
        Ok(peer)
    }
}

async fn resolve(upstream: &Url) -> Result<SocketAddr, UpstreamError> {
    let invalid = || UpstreamError::Invalid(upstream.to_string());
    let port = upstream.port_or_known_default().ok_or_else(invalid)?;
    match upstream.host().ok_or_else(invalid)? {
        Host::Ipv4(ip) => Ok(SocketAddr::new(IpAddr::V4(ip), port)),
        Host::Ipv6(ip) => Ok(SocketAddr::new(IpAddr::V6(ip), port)),
        Host::Domain(name) => {
            let unresolved = |source| UpstreamError::Unresolved { host: name.to_owned(), source };
            let mut addresses = tokio::net::lookup_host((name, port)).await.map_err(unresolved)?;
            addresses.next().ok_or_else(|| UpstreamError::Nowhere(name.to_owned()))
        }
    }
}

fn peer(upstream: &Url, address: SocketAddr) -> HttpPeer {
    let tls = upstream.scheme() == "https";
    // The name is for TLS to ask for (RFC 6066, section 3), and to be checked; an address is checked as text.
    let asked_for = match upstream.domain() {
        Some(name) if tls => name.to_owned(),
        None if tls => address.ip().to_string(),
        _ => String::new(),
    };
    let mut peer = HttpPeer::new(address, tls, asked_for);
    peer.options.connection_timeout = Some(CONNECT_TIMEOUT);
    peer.options.total_connection_timeout = Some(2 * CONNECT_TIMEOUT);
    peer.options.read_timeout = Some(READ_TIMEOUT);
    peer.options.write_timeout = Some(READ_TIMEOUT);
    peer.options.idle_timeout = Some(IDLE_TIMEOUT);
    peer
}
