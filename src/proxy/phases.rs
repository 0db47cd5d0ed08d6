//! pingora's phases of a request, in the order they come.
//!
//! `request_filter` canonicalises, finds the session and decides. A plain request is forwarded then and there. For any
//! other, what the upstream is told is set in `upstream_request_filter`, after pingora has applied the client's
//! `Connection` header, so that no client can strip it.

use std::any::Any;
use std::borrow::Cow;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::request::Parts;
use pingora::http::{RequestHeader, ResponseHeader};
use pingora::proxy::{FailToProxy, ProxyHttp, Session as Downstream};
use pingora::upstreams::peer::HttpPeer;
use pingora::{Error, ErrorType};

use super::connection::Connection;
use super::request::{self, Refusal, Target};
use super::{Context, Place, Proxy, WRITE_TIMEOUT, failure, forward};

/// The largest request body that is streamed through, in bytes.
const MAX_BODY: u64 = 4 << 30;

/// A body that takes longer than this must come at [`MIN_BODY_RATE`] bytes a second, on average.
const BODY_GRACE: Duration = Duration::from_secs(120);
const MIN_BODY_RATE: u64 = 16;

/// The proxy, as pingora asks it.
pub struct Phases(pub Arc<Proxy>);

impl Deref for Phases {
    type Target = Proxy;

    fn deref(&self) -> &Proxy {
        &self.0
    }
}

#[async_trait]
impl ProxyHttp for Phases {
    type CTX = Context;

    fn new_ctx(&self) -> Context {
        self.metrics.in_flight.inc();
        Context::new(self.correlation.next())
    }

    /// The gateway compresses nothing: no modules.
    fn init_downstream_modules(&self, _modules: &mut pingora::modules::http::HttpModules) {}

    /// `true`: it has been answered, by the upstream or by the gateway. `false`: the permit is in the context.
    async fn request_filter(
        &self,
        downstream: &mut Downstream,
        context: &mut Context,
    ) -> pingora::Result<bool> {
        downstream.as_downstream_mut().set_write_timeout(Some(WRITE_TIMEOUT));
        let connection = Connection::of(downstream.digest());
        context.comes_from(connection.peer().map(|peer| self.client(peer, downstream.req_header())));
        let target = match read_head(downstream) {
            Ok(target) => target,
            Err(refusal) => return self.refuse(downstream, context, refusal).await,
        };
        match self.locate(&connection, downstream.req_header(), target, context) {
            Place::App(app) => self.decide(downstream, context, &app).await,
            Place::Page { router, raw_path, app } => {
                self.own_page(downstream, context, router, &raw_path, app).await
            }
            Place::Secure(target) => self.to_https(downstream, context, &target).await,
            Place::Nowhere(status, code) => self.fail(downstream, context, status, code).await,
        }
    }

    /// What [`direct`](super::direct) began and could not end.
    fn on_connection_reuse(
        &self,
        _: &mut Downstream,
        context: &mut Context,
        failed: Box<dyn Any + Send + Sync>,
    ) {
        if let Ok(failed) = failed.downcast() {
            context.resume(*failed);
        }
    }

    async fn upstream_peer(
        &self,
        _downstream: &mut Downstream,
        context: &mut Context,
    ) -> pingora::Result<Box<HttpPeer>> {
        Ok(Box::new(self.upstream(context).await?.peer.clone()))
    }

    async fn upstream_request_filter(
        &self,
        _downstream: &mut Downstream,
        upstream: &mut RequestHeader,
        context: &mut Context,
    ) -> pingora::Result<()> {
        let nothing = RequestHeader::from(http::Request::new(()).into_parts().0);
        let asked = Parts::from(std::mem::replace(upstream, nothing));
        *upstream = self.forwarded(context)?.write(asked)?;
        match context.returning.as_ref().and_then(|taken| taken.kept.as_ref()) {
            Some(kept) => forward::body_is(upstream, &kept.content_type, kept.body.len()),
            None => Ok(()),
        }
    }

    async fn request_body_filter(
        &self,
        downstream: &mut Downstream,
        body: &mut Option<Bytes>,
        end: bool,
        context: &mut Context,
    ) -> pingora::Result<()> {
        if let Some(kept) = context.returning.as_ref().and_then(|taken| taken.kept.as_ref()) {
            // What was kept, in place of what came: that only said where to send it.
            *body = Some(if end { kept.body.clone() } else { Bytes::new() });
            return Ok(());
        }
        context.body += body.as_ref().map_or(0, |chunk| chunk.len() as u64);
        if context.body > MAX_BODY {
            context.code = Cow::Borrowed("body-too-large");
            return Err(Error::explain(ErrorType::HTTPStatus(413), "request body too large"));
        }
        if !downstream.is_upgrade_req() && trickles(context.body, context.started.elapsed()) {
            context.code = Cow::Borrowed("body-too-slow");
            return Err(Error::explain(ErrorType::HTTPStatus(408), "request body too slow"));
        }
        Ok(())
    }

    async fn response_filter(
        &self,
        downstream: &mut Downstream,
        response: &mut ResponseHeader,
        context: &mut Context,
    ) -> pingora::Result<()> {
        forward::answered(downstream, response, context)
    }

    async fn fail_to_proxy(
        &self,
        downstream: &mut Downstream,
        error: &Error,
        context: &mut Context,
    ) -> FailToProxy {
        let status = failure::status(error);
        if context.code.is_empty() {
            context.code = Cow::Borrowed(failure::code(status));
        }
        let code = context.code.clone();
        if status > 0 && failure::answer(downstream).is_none() {
            tracing::warn!(%error, status, correlation = context.correlation, "a request failed");
            let _ = self.tell(downstream, context, status, code).await;
        }
        FailToProxy { error_code: status, can_reuse_downstream: false }
    }

    /// Errors are told by `fail_to_proxy` and the request line.
    fn suppress_error_log(&self, _downstream: &Downstream, _context: &Context, _error: &Error) -> bool {
        true
    }

    async fn logging(&self, downstream: &mut Downstream, _error: Option<&Error>, context: &mut Context) {
        self.metrics.in_flight.dec();
        let status = failure::answer(downstream).map_or(0, |answer| answer.status.as_u16());
        self.note(context, downstream.req_header().method.as_str(), status, downstream.body_bytes_sent());
    }
}

/// Whether so many bytes of a body in so much time only hold a connection to the upstream.
fn trickles(bytes: u64, taken: Duration) -> bool {
    taken > BODY_GRACE && bytes < MIN_BODY_RATE * taken.as_secs()
}

fn read_head(downstream: &Downstream) -> Result<Target, Refusal> {
    let head = downstream.req_header();
    // HTTP/2 has no line to misread: its fields were checked one by one.
    if head.version != http::Version::HTTP_2 {
        request::as_sent(head, &downstream.as_downstream().to_h1_raw())?;
    }
    request::read(head)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_trickle_is_too_slow() {
        let minutes = |count: u64| Duration::from_secs(count * 60);
        assert!(!trickles(0, BODY_GRACE));
        assert!(trickles(30, minutes(3)));
        assert!(!trickles(16 * 180, minutes(3)));
        assert!(!trickles(1 << 20, minutes(600)));
    }
}
