//! The proxy: a request's phases, in the order pingora runs them.
//!
//! `request_filter` canonicalises, finds the session and decides; without a [`Permit`] there is no
//! `upstream_peer`, and so no connection. What the upstream is told is set in `upstream_request_filter`,
//! after pingora has applied the client's `Connection` header, so that no client can strip it.

mod bridge;
mod client;
pub mod entrance;
mod forward;
pub mod request;
pub mod respond;
pub mod site;
pub mod tls;
pub mod upstream;

use std::borrow::Cow;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use async_trait::async_trait;
use axum::Router;
use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};
use ipnet::IpNet;
use pingora::http::{RequestHeader, ResponseHeader};
use pingora::proxy::{FailToProxy, ProxyHttp, Session as Downstream};
use pingora::upstreams::peer::HttpPeer;
use pingora::{Error, ErrorSource, ErrorType};

use self::request::{Refusal, Target};
use self::respond::ToLogin;
use self::tls::{Certificates, OpenedFor};
use self::upstream::Upstreams;
use crate::arrival::{Arrival, Public, Verdict};
use crate::assertion::AssertionKey;
use crate::audit::{AuditLog, CorrelationIds, Entry, Event};
use crate::metrics::Metrics;
use crate::policy::path::{CanonicalPath, PathRules};
use crate::policy::{self, App, Decision, Observed, Permit, Person, Policy};
use crate::random::{self, Random};
use crate::session::{Session, Sessions, cookie};
use crate::time::Clock;

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
    pub upstreams: Upstreams,
    pub audit: AuditLog,
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
    /// The login host's pages.
    pub login_pages: Router,
    /// The gateway's own paths on the apps' hosts.
    pub app_pages: Router,
    /// Hosts answered in process: the demo's stand-ins.
    pub sites: HashMap<String, Router>,
}

/// One request.
pub struct Context {
    started: Instant,
    correlation: String,
    host: String,
    path: String,
    query: Option<String>,
    app: Option<Arc<App>>,
    session: Option<Arc<Session>>,
    permit: Option<Permit>,
    /// For the log: what became of it, and by which rule.
    outcome: &'static str,
    rule: String,
    code: Cow<'static, str>,
    /// For `sluse diff --replay`: what was proven, and how long ago.
    proofs: String,
    /// What an observing rule or app would have decided.
    observed: Option<Observed>,
    body: u64,
}

#[async_trait]
impl ProxyHttp for Proxy {
    type CTX = Context;

    fn new_ctx(&self) -> Context {
        // pingora makes the context once it has read the head.
        entrance::head_is_read();
        self.metrics.in_flight.inc();
        Context {
            started: Instant::now(),
            correlation: self.correlation.next(),
            host: String::new(),
            path: String::new(),
            query: None,
            app: None,
            session: None,
            permit: None,
            outcome: "error",
            rule: String::new(),
            code: Cow::Borrowed(""),
            proofs: String::new(),
            observed: None,
            body: 0,
        }
    }

    /// The gateway compresses nothing: no modules.
    fn init_downstream_modules(&self, _modules: &mut pingora::modules::http::HttpModules) {}

    /// `true`: answered here. `false`: the permit is in the context.
    async fn request_filter(
        &self,
        downstream: &mut Downstream,
        context: &mut Context,
    ) -> pingora::Result<bool> {
        downstream.as_downstream_mut().set_write_timeout(Some(WRITE_TIMEOUT));
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
            Ok(path) => context.path = path.as_str().to_owned(),
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
        // Borrowed, not taken: pingora asks again when it retries.
        let Some(permit) = &context.permit else {
            return Err(Error::explain(ErrorType::HTTPStatus(500), "no permit"));
        };
        match self.upstreams.peer(&permit.app().upstream).await {
            Ok(peer) => Ok(Box::new(peer)),
            Err(error) => {
                tracing::warn!(%error, app = permit.app().name, "no upstream");
                context.code = Cow::Borrowed("upstream-unresolved");
                Err(Error::explain(ErrorType::HTTPStatus(502), error.to_string()))
            }
        }
    }

    async fn upstream_request_filter(
        &self,
        downstream: &mut Downstream,
        upstream: &mut RequestHeader,
        context: &mut Context,
    ) -> pingora::Result<()> {
        let Some(permit) = &context.permit else {
            return Err(Error::explain(ErrorType::HTTPStatus(500), "no permit"));
        };
        let forwarded = forward::Forwarded {
            authority: &format!("{}{}", context.host, self.public.port),
            scheme: &self.public.scheme,
            address: self.address(downstream),
            path: &context.path,
            query: context.query.as_deref(),
            assertion: &self.assertion,
            now: self.clock.now(),
            permit,
            session: context.session.as_deref(),
        };
        forwarded.write(upstream)
    }

    async fn request_body_filter(
        &self,
        downstream: &mut Downstream,
        body: &mut Option<Bytes>,
        _end: bool,
        context: &mut Context,
    ) -> pingora::Result<()> {
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
        _context: &mut Context,
    ) -> pingora::Result<()> {
        if response.status == StatusCode::SWITCHING_PROTOCOLS && !downstream.is_upgrade_req() {
            return Err(Error::explain(ErrorType::HTTPStatus(502), "an upgrade nobody asked for"));
        }
        forward::clean_response(response)
    }

    async fn fail_to_proxy(
        &self,
        downstream: &mut Downstream,
        error: &Error,
        context: &mut Context,
    ) -> FailToProxy {
        let status = status_of(error);
        if context.code.is_empty() {
            context.code = Cow::Borrowed(match status {
                0 => "client-gone",
                413 => "body-too-large",
                502 | 504 => "upstream-unavailable",
                400 => "request-broken",
                _ => "internal-error",
            });
        }
        let code = context.code.clone();
        if status > 0 && downstream.response_written().is_none() {
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
        let status = downstream.response_written().map_or(0, |response| response.status.as_u16());
        let head = downstream.req_header();
        tracing::info!(
            target: "sluse::request",
            reference = context.correlation,
            address = self.address(downstream).map(tracing::field::display),
            host = context.host,
            method = head.method.as_str(),
            path = context.path,
            status,
            app,
            rule = context.rule,
            outcome = context.outcome,
            code = &*context.code,
            user = context.session.as_ref().map(|session| session.user.username.as_str()),
            groups = context.session.as_ref().map(|session| session.user.groups.join(",")),
            proofs = context.session.as_ref().map(|_| context.proofs.as_str()),
            protocol = request::protocol(head).name(),
            observed = context.observed.as_ref().map(|observed| observed.told.as_str()),
            bytes = downstream.body_bytes_sent(),
            micros = context.started.elapsed().as_micros() as u64,
        );
    }
}

impl Proxy {
    /// The session, the decision, and whatever follows from it.
    async fn decide(
        &self,
        downstream: &mut Downstream,
        context: &mut Context,
        app: &Arc<App>,
    ) -> pingora::Result<bool> {
        let started = Instant::now();
        let cookies = cookie_lines(downstream.req_header());
        let found = match cookie::read(cookies, cookie::SESSION) {
            Some(value) => self.sessions.find(value, &context.host).await,
            None => Ok(None),
        };
        context.session = match found {
            Ok(session) => session,
            Err(error) => {
                tracing::error!(%error, "no session can be checked");
                return self.fail(downstream, context, 503, "store-unavailable").await;
            }
        };
        let head = downstream.req_header();
        let request = policy::Request {
            query: context.query.as_deref(),
            headers: Some(&head.headers),
            address: self.address(downstream),
            protocol: request::protocol(head),
            ..policy::Request::new(head.method.as_str(), &context.path)
        };
        let now = self.clock.now();
        let limits = app.session_limits(&request, now);
        context.session = context.session.take().filter(|session| session.within(&limits, now));
        let person = context.session.as_ref().map(|session| Person {
            username: session.user.username.as_str(),
            groups: &session.user.groups,
            claims: &session.user.claims,
            assurance: &session.assurance,
        });
        let decision = policy::decide(app, &request, person.as_ref(), now);
        context.proofs = person.map(|person| policy::proofs_of(person.assurance, now)).unwrap_or_default();
        context.observed = decision.observed().cloned();
        self.metrics.decided(started.elapsed());
        match decision {
            Decision::Allow(permit) => self.allow(downstream, context, permit).await,
            Decision::Login(demand) => {
                context.outcome = "login";
                self.demand(downstream, context, demand, "login-required").await
            }
            Decision::StepUp(demand) => {
                context.outcome = "step_up";
                self.demand(downstream, context, demand, "step-up-required").await
            }
            Decision::Deny(denial) => self.deny(downstream, context, denial).await,
        }
    }

    async fn allow(
        &self,
        downstream: &mut Downstream,
        context: &mut Context,
        permit: Permit,
    ) -> pingora::Result<bool> {
        if request::is_websocket(downstream.req_header())
            && !self.same_origin(downstream.req_header(), &context.host)
        {
            return self.fail(downstream, context, 403, "websocket-origin").await;
        }
        if let Some(session) = context.session.as_ref().filter(|_| permit.is_activity()) {
            self.sessions.touch(session);
        }
        context.outcome = "allow";
        permit.rule().clone_into(&mut context.rule);
        context.permit = Some(permit);
        Ok(false)
    }

    async fn demand(
        &self,
        downstream: &mut Downstream,
        context: &mut Context,
        demand: policy::Demand,
        code: &'static str,
    ) -> pingora::Result<bool> {
        context.code = Cow::Borrowed(code);
        demand.rule.clone_into(&mut context.rule);
        if !request::is_navigation(downstream.req_header()) {
            let response = respond::insufficient(&demand, code, &context.correlation);
            return write(downstream, response).await;
        }
        let cookies = cookie_lines(downstream.req_header());
        let known = cookie::read(cookies, cookie::ASK).map(str::to_owned);
        let ask_is_new = known.is_none();
        let ask = known.unwrap_or_else(|| random::nonce(self.random.as_ref()));
        let to_login = ToLogin {
            login: &self.public.login(),
            url: &format!("{}{}", self.public.origin(&context.host), context.path_and_query()),
            method: downstream.req_header().method.as_str(),
            ask: &ask,
            ask_is_new,
        };
        let response = to_login.response();
        write(downstream, response).await
    }

    async fn deny(
        &self,
        downstream: &mut Downstream,
        context: &mut Context,
        denial: policy::Denial,
    ) -> pingora::Result<bool> {
        context.outcome = "deny";
        context.code = Cow::Owned(denial.reason.code().to_owned());
        denial.rule.as_deref().unwrap_or_default().clone_into(&mut context.rule);
        if let Some(session) = &context.session {
            let origin = self.arrival(downstream, context, None).origin();
            let entry = Entry::new(Event::RequestDenied, &origin)
                .user(&session.user)
                .with("app", context.app.as_ref().map_or("", |app| app.name.as_str()))
                .with("rule", context.rule.as_str())
                .with("reason", denial.reason.code())
                .with("method", downstream.req_header().method.as_str())
                .with("path", context.path.as_str());
            self.audit.record(entry).await;
        }
        if !request::is_navigation(downstream.req_header()) {
            return write(downstream, respond::json(403, &context.code, &context.correlation)).await;
        }
        self.verdict_page(downstream, context, Verdict::Denied(denial)).await
    }

    async fn refuse(
        &self,
        downstream: &mut Downstream,
        context: &mut Context,
        refusal: Refusal,
    ) -> pingora::Result<bool> {
        context.outcome = "refused";
        // Its host was not even read: a plain answer, and a connection nobody shares.
        downstream.set_keepalive(None);
        context.code = Cow::Borrowed(refusal.code());
        write(downstream, respond::json(refusal.status(), refusal.code(), &context.correlation)).await
    }

    /// Something is wrong, and it is not the policy: a page for a person, JSON for a script.
    async fn fail(
        &self,
        downstream: &mut Downstream,
        context: &mut Context,
        status: u16,
        code: &'static str,
    ) -> pingora::Result<bool> {
        self.tell(downstream, context, status, Cow::Borrowed(code)).await
    }

    async fn tell(
        &self,
        downstream: &mut Downstream,
        context: &mut Context,
        status: u16,
        code: Cow<'static, str>,
    ) -> pingora::Result<bool> {
        context.code = code;
        // Whatever was decided, this is what became of it.
        context.outcome = if status < 500 { "refused" } else { "error" };
        if !request::is_navigation(downstream.req_header()) {
            return write(downstream, respond::json(status, &context.code, &context.correlation)).await;
        }
        self.verdict_page(downstream, context, Verdict::Failed { status }).await
    }

    async fn verdict_page(
        &self,
        downstream: &mut Downstream,
        context: &mut Context,
        verdict: Verdict,
    ) -> pingora::Result<bool> {
        let mut arrival = self.arrival(downstream, context, context.app.clone());
        arrival.verdict = Some(verdict);
        bridge::show(&self.app_pages, downstream.as_downstream_mut(), arrival).await?;
        Ok(true)
    }

    /// One of the gateway's own pages answers.
    async fn own_page(
        &self,
        downstream: &mut Downstream,
        context: &mut Context,
        router: &Router,
        raw_path: &[u8],
        app: Option<Arc<App>>,
    ) -> pingora::Result<bool> {
        match CanonicalPath::parse(raw_path, PathRules::default()) {
            Ok(path) => context.path = path.as_str().to_owned(),
            Err(refusal) => return self.fail(downstream, context, 400, refusal.code()).await,
        }
        context.outcome = "page";
        let arrival = self.arrival(downstream, context, app);
        let target = context.path_and_query();
        bridge::serve(router, downstream.as_downstream_mut(), arrival, &target).await?;
        Ok(true)
    }

    fn address(&self, downstream: &Downstream) -> Option<IpAddr> {
        let peer = downstream.client_addr()?.as_inet()?.ip();
        Some(client::address(peer, &downstream.req_header().headers, &self.trusted_proxies))
    }

    fn arrival(&self, downstream: &Downstream, context: &Context, app: Option<Arc<App>>) -> Arrival {
        Arrival {
            host: context.host.clone(),
            address: self.address(downstream),
            correlation: context.correlation.clone(),
            at: self.clock.now(),
            app,
            verdict: None,
        }
    }

    /// Browsers name the page's origin in a WebSocket handshake, and nothing else stops a foreign one
    /// (RFC 6455, 10.2).
    fn same_origin(&self, head: &RequestHeader, host: &str) -> bool {
        let ours = self.public.origin(host);
        head.headers.get_all(header::ORIGIN).iter().all(|origin| origin.as_bytes() == ours.as_bytes())
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

    /// Plain HTTP is only ever sent on; what was posted in the clear is refused, as it should never have been.
    async fn to_https(
        &self,
        downstream: &mut Downstream,
        context: &mut Context,
        target: &Target,
    ) -> pingora::Result<bool> {
        context.outcome = "refused";
        let safe = matches!(downstream.req_header().method.as_str(), "GET" | "HEAD");
        let known = target.host == self.public.login_host || self.policy.load().app(&target.host).is_some();
        if !safe || !known {
            return write(downstream, respond::json(400, "https-required", &context.correlation)).await;
        }
        let path = String::from_utf8_lossy(&target.raw_path);
        let query = target.query.as_ref().map(|query| format!("?{query}")).unwrap_or_default();
        let location = format!("{}{path}{query}", self.public.origin(&target.host));
        write(downstream, respond::redirect(&location, StatusCode::PERMANENT_REDIRECT)).await
    }
}

impl Context {
    fn path_and_query(&self) -> String {
        match &self.query {
            Some(query) => format!("{}?{query}", self.path),
            None => self.path.clone(),
        }
    }
}

async fn write(
    downstream: &mut Downstream,
    response: http::Response<axum::body::Body>,
) -> pingora::Result<bool> {
    bridge::write(downstream.as_downstream_mut(), response).await?;
    Ok(true)
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

fn status_of(error: &Error) -> u16 {
    match (error.etype(), error.esource()) {
        (ErrorType::HTTPStatus(status), _) => *status,
        (ErrorType::ReadTimedout | ErrorType::ConnectTimedout, ErrorSource::Upstream) => 504,
        (_, ErrorSource::Upstream) => 502,
        (
            ErrorType::WriteError | ErrorType::ReadError | ErrorType::ConnectionClosed,
            ErrorSource::Downstream,
        ) => 0,
        (_, ErrorSource::Downstream) => 400,
        _ => 500,
    }
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
