//! The proxy: a request's phases, in the order pingora runs them.
//!
//! `request_filter` canonicalises, finds the session and decides; without a [`Permit`] no upstream is found, and so
//! there is no connection. A plain request is forwarded then and there. For any other, what the upstream is told is set
//! in `upstream_request_filter`, after pingora has applied the client's `Connection` header, so that no client can
//! strip it.

mod admit;
mod answer;
pub mod behind;
mod bridge;
mod client;
mod context;
pub mod entrance;
mod failure;
pub mod forward;
mod parking;
mod plain;
mod proxy_protocol;
pub mod request;
pub mod respond;
pub mod site;
pub mod tls;
pub mod upstream;

use std::borrow::Cow;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use async_trait::async_trait;
use axum::Router;
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, StatusCode, header};
use ipnet::IpNet;
use pingora::http::{RequestHeader, ResponseHeader};
use pingora::proxy::{FailToProxy, ProxyHttp, Session as Downstream};
use pingora::upstreams::peer::HttpPeer;
use pingora::{Error, ErrorType};

pub use self::context::Context;
pub use self::parking::Room;
use self::request::{Refusal, Target};
use self::tls::{Certificates, OpenedFor};
use self::upstream::{Upstream, Upstreams};
use crate::arrival::{Arrival, Public};
use crate::assertion::AssertionKey;
use crate::audit::{AuditLog, CorrelationIds};
use crate::authn::ceremony::Ceremonies;
use crate::metrics::Metrics;
use crate::policy::path::CanonicalPath;
use crate::policy::{App, Permit, Policy};
use crate::random::Random;
use crate::session::cookie::{self, Keep};
use crate::session::{Seat, Sessions};
use crate::time::Clock;
use crate::trace::Traces;

/// The largest request body that is streamed through, in bytes.
const MAX_BODY: u64 = 4 << 30;

/// A body that takes longer than this must come at [`MIN_BODY_RATE`] bytes a second, on average.
const BODY_GRACE: Duration = Duration::from_secs(120);
const MIN_BODY_RATE: u64 = 16;

/// Within this, a client takes what it is sent, a buffer at a time.
const WRITE_TIMEOUT: Duration = Duration::from_secs(60);

/// Paths under this prefix are the gateway's own, on every host.
const OWN: &str = "/.sluse/";

/// What the proxy works with.
pub struct Proxy {
    pub policy: Arc<ArcSwap<Policy>>,
    pub sessions: Arc<Sessions>,
    /// Keep what waits for its person.
    pub ceremonies: Ceremonies,
    pub room: Room,
    pub upstreams: Arc<Upstreams>,
    pub audit: AuditLog,
    pub traces: Traces,
    pub metrics: Arc<Metrics>,
    pub clock: Arc<dyn Clock>,
    pub random: Arc<dyn Random>,
    pub correlation: CorrelationIds,
    /// Signs what upstreams are told.
    pub assertion: Arc<AssertionKey>,
    pub public: Public,
    /// Absent where nothing but plain HTTP is served.
    pub certificates: Option<Arc<Certificates>>,
    /// Whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Every device in these is one that many people use.
    pub shared_networks: Vec<IpNet>,
    /// The login host's pages.
    pub login_pages: Router,
    /// The gateway's own paths on the apps' hosts.
    pub app_pages: Router,
    /// Hosts answered in process: the demo's stand-ins.
    pub sites: HashMap<String, Router>,
}

#[async_trait]
impl ProxyHttp for Proxy {
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
        context.address = self.address(downstream);
        context.from = context.address.map(client::spelled);
        let target = match read_head(downstream) {
            Ok(target) => target,
            Err(refusal) => return self.refuse(downstream, context, refusal).await,
        };
        if self.is_redirect_port(downstream) {
            return self.to_https(downstream, context, &target).await;
        }
        let Target { host, raw_path, query } = target;
        context.host = host;
        context.query = query;
        context.protocol = request::protocol(downstream.req_header());
        if !self.is_for_this_connection(downstream, &context.host) {
            return self.fail(downstream, context, 421, "another-hosts-connection").await;
        }
        if context.host == self.public.login_host {
            return self.own_page(downstream, context, &self.login_pages, &raw_path, None).await;
        }
        if let Some(site) = self.sites.get(&context.host) {
            return self.own_page(downstream, context, site, &raw_path, None).await;
        }
        let policy = self.policy.load();
        let Some(app) = policy.app(&context.host).cloned() else {
            return self.fail(downstream, context, 421, "unknown-host").await;
        };
        drop(policy);
        context.app = Some(app.clone());
        match CanonicalPath::parse(&raw_path, app.paths) {
            Ok(path) => context.path = path.into_string(),
            Err(refusal) => return self.fail(downstream, context, 400, refusal.code()).await,
        }
        if context.path.starts_with(OWN) {
            return self.own_page(downstream, context, &self.app_pages, &raw_path, Some(app)).await;
        }
        self.decide(downstream, context, &app).await
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
        if response.status == StatusCode::SWITCHING_PROTOCOLS && !downstream.is_upgrade_req() {
            return Err(Error::explain(ErrorType::HTTPStatus(502), "an upgrade nobody asked for"));
        }
        forward::clean_response(response)?;
        let shared = context.sender.is_some_and(|sender| sender.seat == Seat::Shared);
        if shared && context.permit.as_ref().is_some_and(|permit| !permit.is_public()) {
            // The next person's back button must not show it (RFC 9111, 5.2.2.5).
            response.insert_header(header::CACHE_CONTROL, "no-store")?;
        }
        if context.returning.is_some() {
            response.append_header(header::SET_COOKIE, cookie::set(cookie::RETURNING, "", Keep::Drop))?;
        }
        Ok(())
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
        let app = context.app.as_ref().map_or("", |app| app.name.as_str());
        if let Some(observed) = &context.observed {
            let rule = observed.rule.as_deref().unwrap_or_default();
            self.metrics.observed.with_label_values(&[app, rule, context.outcome, observed.outcome]).inc();
        }
        self.metrics.requests.with_label_values(&[app, &context.rule, context.outcome]).inc();
        let status = failure::answer(downstream).map_or(0, |answer| answer.status.as_u16());
        let head = downstream.req_header();
        tracing::info!(
            target: "sluse::request",
            reference = context.correlation,
            address = context.from,
            host = context.host,
            method = head.method.as_str(),
            path = context.path,
            status,
            app,
            rule = context.rule,
            outcome = context.outcome,
            code = &*context.code,
            break_glass = context.permit.as_ref().and_then(|permit| permit.glass()).map(|_| true),
            user = context.session.as_ref().map(|session| session.user.username.as_str()),
            groups = context.session.as_ref().map(|session| session.user.groups.join(",")),
            proofs = context.proofs(),
            protocol = context.protocol.name(),
            observed = context.observed.as_ref().map(|observed| observed.told.as_str()),
            bytes = downstream.body_bytes_sent(),
            micros = context.started.elapsed().as_micros() as u64,
        );
    }
}

impl Proxy {
    /// Where a permitted request goes.
    async fn upstream(&self, context: &mut Context) -> pingora::Result<Arc<Upstream>> {
        // Borrowed, not taken: it is asked for again at a second try.
        let app = permit(context)?.app();
        let now = context.decided_at.unwrap_or_else(|| self.clock.now());
        match self.upstreams.at(&app.upstream, now).await {
            Ok(upstream) => Ok(upstream),
            Err(error) => {
                tracing::warn!(%error, app = app.name, "no upstream");
                context.code = Cow::Borrowed("upstream-unresolved");
                Err(Error::explain(ErrorType::HTTPStatus(502), error.to_string()))
            }
        }
    }

    /// What the upstream is told of it.
    fn forwarded<'a>(&'a self, context: &'a Context) -> pingora::Result<forward::Forwarded<'a>> {
        Ok(forward::Forwarded {
            host: &context.host,
            public: &self.public,
            from: context.from.as_deref(),
            path: &context.path,
            query: context.query.as_deref(),
            assertion: &self.assertion,
            now: context.decided_at.unwrap_or_else(|| self.clock.now()),
            permit: permit(context)?,
            session: context.session.as_deref(),
        })
    }

    fn address(&self, downstream: &Downstream) -> Option<IpAddr> {
        let peer = downstream.client_addr()?.as_inet()?.ip();
        Some(client::address(peer, &downstream.req_header().headers, &self.trusted_proxies))
    }

    fn arrival(&self, context: &Context, app: Option<Arc<App>>) -> Arrival {
        Arrival {
            host: context.host.clone(),
            address: context.address,
            correlation: context.correlation.clone(),
            at: self.clock.now(),
            app,
            verdict: None,
        }
    }

    /// On TLS, a host whose certificate the client has seen.
    fn is_for_this_connection(&self, downstream: &Downstream, host: &str) -> bool {
        let tls = downstream.digest().and_then(|digest| digest.ssl_digest.as_ref());
        let (Some(tls), Some(certificates)) = (tls, &self.certificates) else { return true };
        let opened_for = tls.extension.get::<OpenedFor>();
        opened_for.is_some_and(|OpenedFor(name)| name == host || certificates.are_shared(name, host))
    }

    fn is_redirect_port(&self, downstream: &Downstream) -> bool {
        let port = downstream.server_addr().and_then(|address| address.as_inet()).map(|inet| inet.port());
        port.is_some_and(|port| self.public.redirect_ports.contains(&port))
    }
}

fn permit(context: &Context) -> pingora::Result<&Permit> {
    context.permit.as_ref().ok_or_else(|| Error::explain(ErrorType::HTTPStatus(500), "no permit"))
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

fn cookie_lines(head: &RequestHeader) -> impl Iterator<Item = &[u8]> {
    head.headers.get_all(header::COOKIE).iter().map(HeaderValue::as_bytes)
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
