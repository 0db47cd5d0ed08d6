//! The proxy: what it works with, and what is the same whoever reads a request and its answer.
//!
//! A request that is simply let through is read, forwarded and answered in [`direct`]. Any other is pingora's, whose
//! phases are in [`phases`]. Either way it is canonicalised, its session found and the decision made by the same code,
//! and without a [`Permit`] no upstream is found, and so there is no connection.

mod admit;
mod answer;
pub mod behind;
mod bridge;
mod client;
mod connection;
mod context;
pub mod direct;
pub mod entrance;
mod failure;
pub mod forward;
mod parking;
mod phases;
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
use axum::Router;
use http::{HeaderValue, header};
use ipnet::IpNet;
use pingora::http::RequestHeader;
use pingora::{Error, ErrorType};

use self::connection::Connection;
pub use self::context::Context;
pub use self::parking::Room;
pub use self::phases::Phases;
use self::request::Target;
use self::tls::Certificates;
use self::upstream::{Upstream, Upstreams};
use crate::arrival::{Arrival, Public};
use crate::assertion::AssertionKey;
use crate::audit::{AuditLog, CorrelationIds};
use crate::authn::ceremony::Ceremonies;
use crate::metrics::Metrics;
use crate::policy::path::CanonicalPath;
use crate::policy::{App, Permit, Policy};
use crate::random::Random;
use crate::session::Sessions;
use crate::time::Clock;
use crate::trace::Traces;

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

    /// Who a peer speaks for.
    fn client(&self, peer: IpAddr, head: &RequestHeader) -> IpAddr {
        client::address(peer, &head.headers, &self.trusted_proxies)
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

    /// Who answers a request, with its address in the context.
    fn locate(
        &self,
        connection: &Connection,
        head: &RequestHeader,
        target: Target,
        context: &mut Context,
    ) -> Place<'_> {
        if connection.port().is_some_and(|port| self.public.redirect_ports.contains(&port)) {
            return Place::Secure(target);
        }
        let Target { host, raw_path, query } = target;
        context.host = host;
        context.query = query;
        context.protocol = request::protocol(head);
        if !connection.is_for(&context.host, self.certificates.as_deref()) {
            return Place::Nowhere(421, "another-hosts-connection");
        }
        if context.host == self.public.login_host {
            return Place::Page { router: &self.login_pages, raw_path, app: None };
        }
        if let Some(router) = self.sites.get(&context.host) {
            return Place::Page { router, raw_path, app: None };
        }
        let Some(app) = self.policy.load().app(&context.host).cloned() else {
            return Place::Nowhere(421, "unknown-host");
        };
        context.app = Some(app.clone());
        match CanonicalPath::parse(&raw_path, app.paths) {
            Ok(path) => context.path = path.into_string(),
            Err(refusal) => return Place::Nowhere(400, refusal.code()),
        }
        if context.path.starts_with(OWN) {
            return Place::Page { router: &self.app_pages, raw_path, app: Some(app) };
        }
        Place::App(app)
    }

    /// A request's line in the log, and in the metrics.
    fn note(&self, context: &Context, method: &str, status: u16, bytes: usize) {
        let app = context.app.as_ref().map_or("", |app| app.name.as_str());
        if let Some(observed) = &context.observed {
            let rule = observed.rule.as_deref().unwrap_or_default();
            self.metrics.observed.with_label_values(&[app, rule, context.outcome, observed.outcome]).inc();
        }
        self.metrics.requests.with_label_values(&[app, &context.rule, context.outcome]).inc();
        tracing::info!(
            target: "sluse::request",
            reference = context.correlation,
            address = context.from,
            host = context.host,
            method,
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
            bytes,
            micros = context.started.elapsed().as_micros() as u64,
        );
    }
}

/// Who answers a request.
enum Place<'a> {
    /// An app's upstream, if the policy lets it through.
    App(Arc<App>),
    /// A page of the gateway's own, or a site that is served in process.
    Page { router: &'a Router, raw_path: Vec<u8>, app: Option<Arc<App>> },
    /// The same address by https: it came in the clear.
    Secure(Target),
    /// Nobody, with a status and a code.
    Nowhere(u16, &'static str),
}

fn permit(context: &Context) -> pingora::Result<&Permit> {
    context.permit.as_ref().ok_or_else(|| Error::explain(ErrorType::HTTPStatus(500), "no permit"))
}

fn cookie_lines(head: &RequestHeader) -> impl Iterator<Item = &[u8]> {
    head.headers.get_all(header::COOKIE).iter().map(HeaderValue::as_bytes)
}
