//! Where an app lives: its address, and the connections to it that wait for the next request.

use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use futures_util::FutureExt as _;
use pingora::connectors::{ConnectorOptions, TransportConnector};
use pingora::protocols::Stream;
use pingora::server::configuration::ServerConf;
use pingora::upstreams::peer::HttpPeer;
use tokio::io::AsyncReadExt as _;
use url::{Host, Url};

use crate::time::Timestamp;

/// How long a resolved name is used before it is asked for again.
const RESOLVED: Duration = Duration::from_secs(30);

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Between two reads of an answer: long reports are slow, dead upstreams are for ever.
pub(super) const READ_TIMEOUT: Duration = Duration::from_secs(300);
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);

/// How many connections wait for one upstream, at most.
const MOST_KEPT: usize = 512;

/// How often idle connections are looked for, to be closed.
const TIDIED: Duration = Duration::from_secs(10);

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

/// Upstreams by URL.
pub struct Upstreams {
    connector: TransportConnector,
    known: ArcSwap<HashMap<String, Known>>,
}

#[derive(Clone)]
struct Known {
    upstream: Arc<Upstream>,
    at: Timestamp,
}

impl Upstreams {
    pub fn new(conf: &ServerConf) -> Self {
        let options = ConnectorOptions::from_server_conf(conf);
        Self { connector: TransportConnector::new(Some(options)), known: ArcSwap::default() }
    }

    /// The upstream at a URL: the first address of its name's.
    ///
    /// When that was resolved too long ago, one request asks again, and others go on with what is known.
    pub async fn at(&self, url: &Url, now: Timestamp) -> Result<Arc<Upstream>, UpstreamError> {
        let known = self.known.load().get(url.as_str()).cloned();
        if let Some(known) = &known
            && now.since(known.at) < RESOLVED
        {
            return Ok(known.upstream.clone());
        }
        if let Some(known) = &known {
            self.know(url, known.upstream.clone(), now);
        }
        let upstream = match (resolve(url).await, known) {
            (Ok(address), Some(known)) if known.upstream.address == address => return Ok(known.upstream),
            (Ok(address), _) => Arc::new(Upstream::new(url, address)),
            // A resolver that is down must not take the upstream with it.
            (Err(UpstreamError::Unresolved { .. }), Some(known)) => return Ok(known.upstream),
            (Err(error), _) => return Err(error),
        };
        self.know(url, upstream.clone(), now);
        Ok(upstream)
    }

    fn know(&self, url: &Url, upstream: Arc<Upstream>, at: Timestamp) {
        self.known.rcu(|known| {
            let mut known = HashMap::clone(known);
            known.insert(url.to_string(), Known { upstream: upstream.clone(), at });
            known
        });
    }

    /// A new connection.
    pub async fn connect(&self, upstream: &Upstream) -> pingora::Result<Stream> {
        self.connector.new_stream(&upstream.peer).await.map_err(|error| error.into_up())
    }

    /// Closes idle connections, now and then. Never ends.
    pub async fn tidy(self: Arc<Self>) {
        loop {
            tokio::time::sleep(TIDIED).await;
            for known in self.known.load_full().values() {
                known.upstream.close_idle(Instant::now());
            }
        }
    }
}

/// One upstream at one address.
pub struct Upstream {
    pub peer: HttpPeer,
    address: SocketAddr,
    /// Connections without a request, in the order they were left.
    waiting: Mutex<VecDeque<Waiting>>,
}

struct Waiting {
    stream: Stream,
    since: Instant,
}

impl Upstream {
    fn new(url: &Url, address: SocketAddr) -> Self {
        Self { peer: peer(url, address), address, waiting: Mutex::default() }
    }

    /// A connection that was kept, and that nothing has come from since: the one used last.
    ///
    /// pingora's own pool has a task for each connection, which waits for it to close and is begun and ended at every
    /// request.
    pub fn kept(&self) -> Option<Stream> {
        loop {
            let mut last = self.waiting().pop_back()?;
            if last.since.elapsed() < IDLE_TIMEOUT && is_silent(&mut last.stream) {
                return Some(last.stream);
            }
        }
    }

    /// Keeps a connection whose answer has been read to its end.
    pub fn keep(&self, mut stream: Stream) {
        if !is_silent(&mut stream) {
            return;
        }
        let mut waiting = self.waiting();
        let first = if waiting.len() < MOST_KEPT { None } else { waiting.pop_front() };
        waiting.push_back(Waiting { stream, since: Instant::now() });
        drop(waiting);
        // Closed with nobody waiting for the lock.
        drop(first);
    }

    fn close_idle(&self, now: Instant) {
        let mut waiting = std::mem::take(&mut *self.waiting());
        waiting.retain_mut(|one| now.duration_since(one.since) < IDLE_TIMEOUT && is_silent(&mut one.stream));
        let mut left_since = self.waiting();
        waiting.append(&mut left_since);
        let too_many = waiting.len().saturating_sub(MOST_KEPT);
        let closed: Vec<_> = waiting.drain(..too_many).collect();
        *left_since = waiting;
        drop(left_since);
        // Closed with nobody waiting for the lock.
        drop(closed);
    }

    fn waiting(&self) -> MutexGuard<'_, VecDeque<Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Neither closed nor saying anything before it is asked.
fn is_silent(stream: &mut Stream) -> bool {
    // Unconstrained: in a task that has read much already, tokio makes every read wait, of whatever there is.
    tokio::task::unconstrained(stream.read(&mut [0])).now_or_never().is_none()
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

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncWriteExt as _, DuplexStream, duplex};

    use super::*;

    fn upstream() -> Upstream {
        Upstream::new(&"http://127.0.0.1:9".parse().unwrap(), "127.0.0.1:9".parse().unwrap())
    }

    /// Keeps a connection; its other end, and by what it is known again.
    fn kept(upstream: &Upstream) -> (DuplexStream, *const ()) {
        let (near, far) = duplex(64);
        let near: Stream = Box::new(near);
        let known = which(&near);
        upstream.keep(near);
        (far, known)
    }

    fn which(stream: &Stream) -> *const () {
        std::ptr::from_ref(&**stream).cast()
    }

    #[tokio::test]
    async fn the_one_used_last_is_the_next() {
        let upstream = upstream();
        let (_far, first) = kept(&upstream);
        let (_other_far, second) = kept(&upstream);
        assert_eq!(upstream.kept().as_ref().map(which), Some(second));
        assert_eq!(upstream.kept().as_ref().map(which), Some(first));
        assert!(upstream.kept().is_none());
    }

    #[tokio::test]
    async fn one_that_closed_or_spoke_is_not_used_again() {
        let upstream = upstream();
        let (_far, silent) = kept(&upstream);
        let (mut spoke, _) = kept(&upstream);
        let (closed, _) = kept(&upstream);
        spoke.write_all(b"x").await.unwrap();
        drop(closed);
        assert_eq!(upstream.kept().as_ref().map(which), Some(silent));
        let (near, mut far) = duplex(64);
        far.write_all(b"x").await.unwrap();
        upstream.keep(Box::new(near));
        assert!(upstream.kept().is_none());
    }

    #[tokio::test]
    async fn so_many_are_kept_and_the_oldest_goes() {
        let upstream = upstream();
        let ends: Vec<_> = (0..=MOST_KEPT).map(|_| kept(&upstream)).collect();
        let left: Vec<_> = std::iter::from_fn(|| upstream.kept()).map(|stream| which(&stream)).collect();
        assert_eq!(left, ends[1..].iter().rev().map(|(_, known)| *known).collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn idle_ones_are_closed() {
        let upstream = upstream();
        let (_far, _) = kept(&upstream);
        let (closed, _) = kept(&upstream);
        drop(closed);
        upstream.close_idle(Instant::now());
        assert_eq!(upstream.waiting().len(), 1, "the closed one goes at once");
        upstream.close_idle(Instant::now() + IDLE_TIMEOUT);
        assert_eq!(upstream.waiting().len(), 0);
    }

    /// More than tokio lets a task read before it is another's turn.
    #[tokio::test]
    async fn however_many_closed_none_is_used_again() {
        for close in [
            |upstream: &Upstream| upstream.kept().is_none(),
            |upstream: &Upstream| {
                upstream.close_idle(Instant::now());
                upstream.waiting().is_empty()
            },
        ] {
            let upstream = upstream();
            let ends: Vec<_> = (0..MOST_KEPT).map(|_| kept(&upstream)).collect();
            drop(ends);
            assert!(close(&upstream));
        }
    }

    #[tokio::test]
    async fn connections_outlast_the_asking_for_the_address() {
        let upstreams = Upstreams::new(&ServerConf::default());
        let url = "http://127.0.0.1:9/".parse().unwrap();
        let now = Timestamp::from_seconds(1_700_000_000);
        let first = upstreams.at(&url, now).await.unwrap();
        let later = upstreams.at(&url, now.plus(2 * RESOLVED)).await.unwrap();
        assert!(Arc::ptr_eq(&first, &later), "the address is the same");
    }

    #[tokio::test]
    async fn a_resolver_that_is_down_is_asked_now_and_then() {
        let upstreams = Upstreams::new(&ServerConf::default());
        let url: Url = "http://no.such.name.invalid/".parse().unwrap();
        let now = Timestamp::from_seconds(1_700_000_000);
        assert!(matches!(upstreams.at(&url, now).await, Err(UpstreamError::Unresolved { .. })));
        let known = Arc::new(Upstream::new(&url, "127.0.0.1:9".parse().unwrap()));
        upstreams.know(&url, known.clone(), now);
        let later = now.plus(RESOLVED);
        assert!(Arc::ptr_eq(&known, &upstreams.at(&url, later).await.unwrap()));
        assert_eq!(upstreams.known.load()[url.as_str()].at, later);
    }
}
