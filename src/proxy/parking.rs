//! Requests that are parked while their person proves something, and those that return.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};
use pingora::http::RequestHeader;
use pingora::proxy::Session as Downstream;

use super::bridge::{self, Unread};
use super::{Context, Proxy, cookie_lines, request};
use crate::policy::{App, Demand};
use crate::session::parked::{self, Asker, Identity, Kept, Taken};
use crate::session::{Seat, Sender, Session, cookie};
use crate::time::Timestamp;

/// The largest body that is approved once without being kept, in bytes: what pingora holds for the upstream
/// when it was read before the decision.
pub(super) const MOST_APPROVED: usize = 64 * 1024;

/// Why a request can neither be parked nor taken.
pub(super) enum Trouble {
    /// With a status and a code.
    Refused(u16, &'static str),
    Broken(Box<pingora::Error>),
}

impl From<Unread> for Trouble {
    fn from(unread: Unread) -> Self {
        match unread {
            Unread::TooLarge => Self::Refused(413, "body-too-large"),
            Unread::TooSlow => Self::Refused(408, "body-too-slow"),
            Unread::Broken(error) => Self::Broken(error),
        }
    }
}

impl Trouble {
    fn store(error: impl std::fmt::Display) -> Self {
        tracing::error!(%error, "a parked request cannot be kept or found");
        Self::Refused(503, "store-unavailable")
    }
}

impl Proxy {
    /// Parks the request if the demand says so, in the browser that holds the nonce `ask`, and answers its id.
    /// `None` if there is nothing to keep, or no room for it: the person comes back without it then.
    pub(super) async fn park(
        &self,
        downstream: &mut Downstream,
        context: &mut Context,
        demand: &Demand,
        ask: &str,
    ) -> Result<Option<String>, Trouble> {
        let page = request::is_navigation(downstream.req_header());
        let empty = downstream.as_downstream_mut().is_body_empty();
        let head = downstream.req_header();
        let returned = context.returning.take().and_then(|taken| taken.kept);
        let most = demand.park_body.filter(|_| page && (!empty || returned.is_some()));
        // What a foreign page sent is not what the person was doing: it must not come back as theirs.
        if !(demand.once || most.is_some() || (page && leaves(context))) || !self.is_ours(head, &context.host)
        {
            return Ok(None);
        }
        let (method, content_type) = (head.method.as_str().to_owned(), content_type(&head.headers));
        let most = most.map_or(0, |most| usize::try_from(most).unwrap_or(usize::MAX));
        let body = match returned {
            // It waited once already, and came back too late.
            Some(kept) => Ok(kept),
            None => bridge::whole_body(downstream.as_downstream_mut(), most.max(MOST_APPROVED))
                .await
                .map(|body| Kept { content_type, body }),
        };
        let waiting = match body {
            Ok(waiting) => waiting,
            Err(Unread::TooLarge) if !demand.once => return Ok(None),
            Err(unread) => return Err(unread.into()),
        };
        let identity = identity(context, method, &waiting.body);
        let kept = (!waiting.body.is_empty() && waiting.body.len() <= most).then_some(waiting);
        let bytes = kept.as_ref().map_or(0, |kept| kept.body.len());
        match self.room.take(context.address, bytes, self.clock.now()) {
            false if demand.once => return Err(Trouble::Refused(429, "too-many-waiting")),
            false => return Ok(None),
            true => {}
        }
        let asker = if page { Asker::Page } else { Asker::Script };
        let request =
            parked::Request { identity, asker, user: context.sender.map(|sender| sender.user), kept };
        parked::park(&self.ceremonies, ask, request).await.map(Some).map_err(Trouble::store)
    }

    /// Takes the parked request that this one is the return of, if it is.
    pub(super) async fn returning(
        &self,
        downstream: &mut Downstream,
        context: &Context,
        app: &App,
        session: &Session,
    ) -> Result<Option<Taken>, Trouble> {
        // Few requests have this cookie: the rest pay for no more than looking.
        if cookie::read(cookie_lines(downstream.req_header()), cookie::RETURNING).is_none() {
            return Ok(None);
        }
        let empty = downstream.as_downstream_mut().is_body_empty();
        let head = downstream.req_header();
        let Some(cookie) = cookie::read(cookie_lines(head), cookie::RETURNING) else { return Ok(None) };
        let Some(ask) = cookie::read(cookie_lines(head), cookie::ASK) else { return Ok(None) };
        let meant = parked::is_meant(cookie, head.method.as_str(), &context.path_and_query(), empty);
        if !meant || !app.parks() || !self.is_ours(head, &context.host) {
            return Ok(None);
        }
        let method = head.method.as_str().to_owned();
        let taken = parked::take(&self.ceremonies, ask, cookie, session).await.map_err(Trouble::store)?;
        let Some(taken) = taken else { return Ok(None) };
        let identity = match &taken.kept {
            Some(kept) => identity(context, method, &kept.body),
            None => {
                // pingora keeps what is read here, and sends it to the upstream.
                downstream.as_downstream_mut().enable_retry_buffering();
                let body = bridge::whole_body(downstream.as_downstream_mut(), MOST_APPROVED).await?;
                identity(context, method, &body)
            }
        };
        Ok(Some(taken).filter(|taken| taken.identity == identity))
    }

    /// Who had the session that is over.
    pub(super) async fn former(&self, head: &RequestHeader, host: &str) -> Option<Sender> {
        self.sessions.former(cookie::read(cookie_lines(head), cookie::SESSION)?, host).await
    }

    /// Sent by a page or script of this very host, or by no browser; or a page somebody opened.
    fn is_ours(&self, head: &RequestHeader, host: &str) -> bool {
        let safe = matches!(head.method.as_str(), "GET" | "HEAD");
        let site = head.headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
        let origin = head.headers.contains_key(header::ORIGIN) || !request::is_navigation(head);
        safe || (site.is_none_or(|site| site == b"same-origin") && origin && self.same_origin(head, host))
    }
}

/// Somebody's session is over on a device that many people use: whoever logs in next may be another, who must
/// not even see where they were.
pub(super) fn leaves(context: &Context) -> bool {
    context.outcome == "login" && context.sender.is_some_and(|sender| sender.seat == Seat::Shared)
}

fn identity(context: &Context, method: String, body: &Bytes) -> Identity {
    let (host, target) = (context.host.clone(), context.path_and_query());
    Identity { host, method, target, body: *blake3::hash(body).as_bytes() }
}

fn content_type(headers: &HeaderMap) -> String {
    let stated = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    stated.unwrap_or("application/octet-stream").to_owned()
}

/// How much may wait: what anybody can ask for, nobody may have without end.
#[derive(Debug)]
pub struct Room(Mutex<Parked>);

impl Default for Room {
    fn default() -> Self {
        Self(Mutex::new(Parked::since(Timestamp::EPOCH)))
    }
}

#[derive(Debug)]
struct Parked {
    since: Timestamp,
    bytes: usize,
    requests: HashMap<Option<IpAddr>, u32>,
}

impl Parked {
    fn since(since: Timestamp) -> Self {
        Self { since, bytes: 0, requests: HashMap::new() }
    }
}

/// As long as a parked request waits.
const WINDOW: Duration = Duration::from_secs(15 * 60);
/// Kept in one window, in bytes.
const MOST_BYTES: usize = 64 << 20;
/// Parked in one window for one address: an institution behind one has many people.
const MOST_REQUESTS: u32 = 600;
/// Addresses counted in one window; the rest share the last place.
const MOST_ADDRESSES: usize = 10_000;

impl Room {
    /// Whether there is room for a request with so many bytes of a body; then it is taken.
    fn take(&self, address: Option<IpAddr>, bytes: usize, now: Timestamp) -> bool {
        let mut parked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if now.since(parked.since) >= WINDOW {
            *parked = Parked::since(now);
        }
        let known = parked.requests.contains_key(&address) || parked.requests.len() < MOST_ADDRESSES;
        let requests = parked.requests.entry(address.filter(|_| known)).or_default();
        if *requests >= MOST_REQUESTS {
            return false;
        }
        *requests += 1;
        if parked.bytes + bytes > MOST_BYTES {
            return false;
        }
        parked.bytes += bytes;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_its_share_and_gets_another_when_the_window_is_over() {
        let room = Room::default();
        let (now, one, two) = (Timestamp::from_seconds(1_000_000), Some([10, 0, 0, 1].into()), None);
        for _ in 0..MOST_REQUESTS {
            assert!(room.take(one, 0, now));
        }
        assert!(!room.take(one, 0, now));
        assert!(room.take(two, 0, now));
        assert!(room.take(one, 0, now.plus(WINDOW)));
    }

    #[test]
    fn bodies_have_room_for_so_many_bytes_together() {
        let room = Room::default();
        let now = Timestamp::from_seconds(1_000_000);
        for _ in 0..64 {
            assert!(room.take(None, 1 << 20, now));
        }
        assert!(!room.take(Some([10, 0, 0, 1].into()), 1, now));
        assert!(room.take(None, 0, now));
        assert!(room.take(None, 1, now.plus(WINDOW)));
    }
}
