//! Where an app lives: its address, resolved off the request path once it is known.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

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

/// Addresses of upstreams by URL.
pub struct Upstreams {
    clock: Arc<dyn Clock>,
    resolved: Mutex<HashMap<String, (SocketAddr, Timestamp)>>,
}

impl Upstreams {
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, resolved: Mutex::default() }
    }

    /// The peer behind an upstream's URL.
    pub async fn peer(&self, upstream: &Url) -> Result<HttpPeer, UpstreamError> {
        let tls = upstream.scheme() == "https";
        let invalid = || UpstreamError::Invalid(upstream.to_string());
        let port = upstream.port_or_known_default().ok_or_else(invalid)?;
        let (address, name) = match upstream.host().ok_or_else(invalid)? {
            Host::Ipv4(ip) => (SocketAddr::new(IpAddr::V4(ip), port), None),
            Host::Ipv6(ip) => (SocketAddr::new(IpAddr::V6(ip), port), None),
            Host::Domain(name) => (self.resolve(upstream.as_str(), name, port).await?, Some(name)),
        };
        // The name is for TLS to ask for (RFC 6066, section 3), and to be checked; an address is checked as text.
        let asked_for = match name {
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
        Ok(peer)
    }

    async fn resolve(&self, upstream: &str, name: &str, port: u16) -> Result<SocketAddr, UpstreamError> {
        let now = self.clock.now();
        let known = self.resolved.lock().unwrap_or_else(PoisonError::into_inner).get(upstream).copied();
        if let Some((address, at)) = known
            && now.since(at) < RESOLVED
        {
            return Ok(address);
        }
        let looked_up = tokio::net::lookup_host((name, port)).await;
        let address = match (looked_up, known) {
            (Ok(mut addresses), _) => {
                addresses.next().ok_or_else(|| UpstreamError::Nowhere(name.to_owned()))?
            }
            // A resolver that is down must not take the upstream with it.
            (Err(_), Some((address, _))) => address,
            (Err(source), None) => {
                return Err(UpstreamError::Unresolved { host: name.to_owned(), source });
            }
        };
        self.resolved
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(upstream.to_owned(), (address, now));
        Ok(address)
    }
}
