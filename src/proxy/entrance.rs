//! The way in: how many connections one place may have, and how long a client may take to say what it wants.
//!
//! pingora bounds each read but not their sum: a byte every few seconds would hold a connection for as long as
//! it pleases.

use std::cell::Cell;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use ipnet::IpNet;
use pingora::apps::{HttpServerApp, HttpServerOptions, ReusedHttpStream, ServerApp};
use pingora::protocols::http::ServerSession;
use pingora::protocols::http::v2::server::H2Options;
use pingora::protocols::{ALPN, Stream};
use pingora::proxy::HttpProxy;
use pingora::server::ShutdownWatch;
use pingora::time::timeout;

use super::behind::Behind;
use super::{Phases, Proxy, direct};

/// From an idle connection to a whole head: a minute of keeping the connection, and time to send.
const HEAD_LIMIT: Duration = Duration::from_secs(75);

/// Connections from one address, or one IPv6 network: room for an office behind one.
const MAX_CONNECTIONS: usize = 1024;

/// Lets connections in to the proxy.
#[derive(Clone)]
pub struct Entrance {
    proxy: Arc<Proxy>,
    pingora: Arc<HttpProxy<Phases>>,
    places: Arc<Places>,
    /// Who every connection must first be announced by, where that is asked for.
    behind: Option<Arc<Behind>>,
}

impl Entrance {
    /// Load balancers that are trusted may have any number of connections.
    pub fn new(proxy: Arc<Proxy>, pingora: HttpProxy<Phases>) -> Self {
        let places = Arc::new(Places { trusted: proxy.trusted_proxies.clone(), taken: Mutex::default() });
        Self { proxy, pingora: Arc::new(pingora), places, behind: None }
    }

    /// The same proxy, for listeners that are reached through load balancers alone.
    pub fn behind(&self, behind: Arc<Behind>) -> Self {
        Self { behind: Some(behind), ..self.clone() }
    }
}

#[async_trait]
impl ServerApp for Entrance {
    async fn process_new(self: &Arc<Self>, mut stream: Stream, shutdown: &ShutdownWatch) -> Option<Stream> {
        // On TLS pingora has asked already, before the handshake; in the clear it asks nobody.
        if let Some(behind) = self.behind.as_ref().filter(|_| stream.get_ssl_digest().is_none())
            && let Err(why) = behind.announce(stream.as_mut()).await
        {
            tracing::warn!(peer = ?peer(&stream), %why, "a connection is not served");
            return None;
        }
        let peer = peer(&stream);
        let Some(_place) = self.places.take(peer) else {
            tracing::debug!(?peer, "too many connections");
            return None;
        };
        if matches!(stream.selected_alpn_proto(), Some(ALPN::H2)) {
            let guest = Arc::new(Guest { proxy: self.pingora.clone(), asked: AtomicBool::new(false) });
            return unless_silent(HEAD_LIMIT, &guest.asked, guest.process_new(stream, shutdown)).await;
        }
        let limit = self.pingora.server_options().and_then(|options| options.keepalive_request_limit);
        unless_stalled(HEAD_LIMIT, async {
            direct::serve((&self.proxy, &self.pingora), stream, shutdown, limit.unwrap_or(u32::MAX)).await;
            None
        })
        .await
    }

    async fn cleanup(&self) {
        self.pingora.http_cleanup().await;
    }
}

fn peer(stream: &Stream) -> Option<IpAddr> {
    Some(stream.get_socket_digest()?.peer_addr()?.as_inet()?.ip())
}

/// One HTTP/2 connection.
struct Guest {
    proxy: Arc<HttpProxy<Phases>>,
    /// Whether a request has arrived on it.
    asked: AtomicBool,
}

#[async_trait]
impl HttpServerApp for Guest {
    async fn process_new_http(
        self: &Arc<Self>,
        session: ServerSession,
        shutdown: &ShutdownWatch,
    ) -> Option<ReusedHttpStream> {
        // A request is handed over when its head is whole.
        self.asked.store(true, Ordering::Relaxed);
        self.proxy.process_new_http(session, shutdown).await
    }

    fn server_options(&self) -> Option<&HttpServerOptions> {
        self.proxy.server_options()
    }

    fn h2_options(&self) -> Option<H2Options> {
        self.proxy.h2_options()
    }
}

tokio::task_local! {
    /// Since when this connection has waited for a whole head; `None` while a request is served.
    static WAITING: Cell<Option<Instant>>;
}

/// A request that is served, from its whole head until dropped: meanwhile it may take the time it takes.
pub struct Served(());

impl Served {
    pub fn begin() -> Self {
        // An HTTP/2 stream or an admin request is read by a task that nobody waits for.
        let _ = WAITING.try_with(|waiting| waiting.set(None));
        Self(())
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = WAITING.try_with(|waiting| waiting.set(Some(Instant::now())));
    }
}

/// Serves a connection, one request after another; `None` as soon as the head of one takes longer than `limit`.
///
/// One timer a connection, not one a request: it looks when the oldest head that can have begun is due.
async fn unless_stalled<T>(limit: Duration, served: impl Future<Output = Option<T>>) -> Option<T> {
    let watched = async {
        let mut served = std::pin::pin!(served);
        let mut wait = limit;
        loop {
            if let Ok(done) = timeout(wait, &mut served).await {
                return done;
            }
            wait = match WAITING.with(Cell::get) {
                None => limit,
                Some(since) => limit.checked_sub(since.elapsed()).filter(|left| !left.is_zero())?,
            };
        }
    };
    WAITING.scope(Cell::new(Some(Instant::now())), watched).await
}

/// Serves a connection; `None` if nothing was asked on it within `limit`.
async fn unless_silent<T>(
    limit: Duration,
    asked: &AtomicBool,
    served: impl Future<Output = Option<T>>,
) -> Option<T> {
    let mut served = std::pin::pin!(served);
    match timeout(limit, &mut served).await {
        Ok(done) => done,
        Err(_) if asked.load(Ordering::Relaxed) => served.await,
        Err(_) => None,
    }
}

/// How many connections there are, by where they come from.
struct Places {
    trusted: Vec<IpNet>,
    taken: Mutex<HashMap<IpAddr, usize>>,
}

/// One connection's place, until dropped. The loopback and trusted load balancers need none.
struct Place(Option<(Arc<Places>, IpAddr)>);

impl Places {
    fn take(self: &Arc<Self>, peer: Option<IpAddr>) -> Option<Place> {
        let Some(peer) = peer.map(|peer| peer.to_canonical()) else { return Some(Place(None)) };
        if peer.is_loopback() || self.trusted.iter().any(|network| network.contains(&peer)) {
            return Some(Place(None));
        }
        let origin = origin(peer);
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let count = taken.entry(origin).or_default();
        if *count >= MAX_CONNECTIONS {
            return None;
        }
        *count += 1;
        drop(taken);
        Some(Place(Some((self.clone(), origin))))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Some((places, origin)) = &self.0 else { return };
        let mut taken = places.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let left = taken.get(origin).map_or(0, |count| count - 1);
        if left == 0 {
            taken.remove(origin);
        } else {
            taken.insert(*origin, left);
        }
    }
}

/// An IPv6 subscriber has a whole /64 to come from (RFC 6177).
fn origin(peer: IpAddr) -> IpAddr {
    match peer {
        IpAddr::V4(_) => peer,
        IpAddr::V6(peer) => Ipv6Addr::from_bits(peer.to_bits() >> 64 << 64).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHORT: Duration = Duration::from_millis(1);

    #[tokio::test]
    async fn a_head_that_does_not_end_is_not_waited_for() {
        assert_eq!(unless_stalled(SHORT, std::future::pending::<Option<()>>()).await, None);
    }

    #[tokio::test]
    async fn a_request_whose_head_was_read_takes_its_time() {
        let (answer, wait) = tokio::sync::oneshot::channel();
        let served = unless_stalled(SHORT, async {
            let _served = Served::begin();
            wait.await.ok()
        });
        let late = async {
            // Longer than the limit: nothing answers before it has passed.
            tokio::time::sleep(50 * SHORT).await;
            answer.send(7)
        };
        assert_eq!(tokio::join!(served, late), (Some(7), Ok(())));
    }

    #[tokio::test]
    async fn the_next_head_is_not_waited_for_either() {
        let served = unless_stalled(SHORT, async {
            let served = Served::begin();
            tokio::time::sleep(50 * SHORT).await;
            drop(served);
            std::future::pending::<Option<()>>().await
        });
        assert_eq!(served.await, None);
    }

    #[tokio::test]
    async fn many_requests_that_come_in_time_may_take_longer_together() {
        let limit = Duration::from_millis(200);
        let served = unless_stalled(limit, async {
            let began = Instant::now();
            while began.elapsed() < 2 * limit {
                tokio::time::sleep(SHORT).await;
                drop(Served::begin());
            }
            Some(7)
        });
        assert_eq!(served.await, Some(7));
    }

    #[tokio::test]
    async fn a_connection_on_which_nothing_is_asked_ends() {
        let asked = AtomicBool::new(false);
        assert_eq!(unless_silent(SHORT, &asked, std::future::pending::<Option<()>>()).await, None);
        let asked = AtomicBool::new(true);
        let (answer, wait) = tokio::sync::oneshot::channel();
        let late = async {
            tokio::time::sleep(50 * SHORT).await;
            answer.send(7)
        };
        let served = unless_silent(SHORT, &asked, async { wait.await.ok() });
        assert_eq!(tokio::join!(served, late), (Some(7), Ok(())));
    }

    #[test]
    fn one_origin_has_so_many_places() {
        let trusted = vec!["10.20.0.0/24".parse().unwrap()];
        let places = Arc::new(Places { trusted, taken: Mutex::default() });
        let take = |peer: &str| places.take(Some(peer.parse().unwrap()));
        for (same, other) in [("192.0.2.1", "192.0.2.2"), ("2001:db8::1", "2001:db8:0:1::1")] {
            let mut held: Vec<_> = (0..MAX_CONNECTIONS).map(|_| take(same).unwrap()).collect();
            assert!(take(same).is_none());
            assert!(take(other).is_some());
            held.pop();
            assert!(take(same).is_some(), "a place that was left is free");
        }
        assert!(places.taken.lock().unwrap().is_empty(), "nobody is remembered");
        let held: Vec<_> = (0..MAX_CONNECTIONS).map(|_| take("2001:db8::1").unwrap()).collect();
        assert!(take("2001:db8::ffff").is_none(), "one network");
        drop(held);
        let held: Vec<_> = (0..MAX_CONNECTIONS).map(|_| take("::ffff:192.0.2.1").unwrap()).collect();
        assert!(take("192.0.2.1").is_none(), "one address");
        drop(held);
        for free in ["127.0.0.1", "::1", "10.20.0.5"] {
            assert!(
                (0..=MAX_CONNECTIONS).map(|_| take(free)).collect::<Vec<_>>().iter().all(Option::is_some)
            );
        }
    }
}
