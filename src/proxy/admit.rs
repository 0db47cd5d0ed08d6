//! Whether a request is admitted: its session, the decision, and what follows from it.

use std::sync::Arc;
use std::time::Instant;

use http::header;
use pingora::http::RequestHeader;
use pingora::proxy::Session as Downstream;

use super::{Context, Proxy, client, cookie_lines, plain};
use crate::audit::{Entry, Event};
use crate::policy::matcher::Protocol;
use crate::policy::{self, App, Decision, OpenGlass, Permit, Person};
use crate::session::{Seat, Session, cookie};
use crate::time::Timestamp;

impl Proxy {
    /// The session, the decision, and whatever follows from it.
    pub(super) async fn decide(
        &self,
        downstream: &mut Downstream,
        context: &mut Context,
        app: &Arc<App>,
    ) -> pingora::Result<bool> {
        let started = Instant::now();
        let found = match cookie::read(cookie_lines(downstream.req_header()), cookie::SESSION) {
            Some(value) => self.sessions.find(value, &context.host).await,
            None => Ok(None),
        };
        match found {
            Ok(session) => self.recognise(downstream.req_header(), context, app, session),
            Err(error) => {
                tracing::error!(%error, "no session can be checked");
                return self.fail(downstream, context, 503, "store-unavailable").await;
            }
        }
        if let Some(session) = context.session.clone() {
            context.returning = match self.returning(downstream, context, app, &session).await {
                Ok(returning) => returning,
                Err(trouble) => return self.in_trouble(downstream, context, trouble).await,
            };
        }
        let now = self.clock.now();
        let decision = self.judge(downstream.req_header(), context, app, now);
        // One that failed was decided on before.
        if context.failed.is_none() {
            self.metrics.decided(started.elapsed());
        }
        // A person is told the code, and may ask about it; so may the service desk about a step-up.
        let told = match &decision {
            Decision::Allow(_) => false,
            Decision::Deny(_) => true,
            Decision::Login(_) | Decision::StepUp(_) => context.session.is_some(),
        };
        if told {
            let shown = (context.correlation.as_str(), context.host.as_str());
            let request = self.asked(downstream.req_header(), context);
            self.traces.keep(shown, app, &request, context.session.as_ref(), now);
        }
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

    /// Whose request it is, given the session of its cookie.
    pub(super) fn recognise(
        &self,
        head: &RequestHeader,
        context: &mut Context,
        app: &App,
        session: Option<Arc<Session>>,
    ) {
        context.sender = session.as_ref().map(|session| session.sender());
        let now = self.clock.now();
        let limits = app.session_limits(&self.asked(head, context), now);
        context.session = session.filter(|session| session.within(&limits, now));
    }

    /// What the policy says of a request whose session was looked for.
    pub(super) fn judge(
        &self,
        head: &RequestHeader,
        context: &mut Context,
        app: &Arc<App>,
        now: Timestamp,
    ) -> Decision {
        let person = context.session.as_ref().map(|session| Person {
            username: session.user.username.as_str(),
            groups: &session.user.groups,
            claims: &session.user.claims,
            assurance: &session.assurance,
        });
        let decision = policy::decide(app, &self.asked(head, context), person.as_ref(), now);
        context.decided_at = Some(now);
        context.observed = decision.observed().cloned();
        decision
    }

    /// The request as the policy sees it.
    fn asked<'a>(&self, head: &'a RequestHeader, context: &'a Context) -> policy::Request<'a> {
        let seat = context.sender.map(|sender| sender.seat);
        policy::Request {
            query: context.query.as_deref(),
            headers: Some(&head.headers),
            address: context.address,
            shared_device: seat == Some(Seat::Shared)
                || client::is_in(context.address, &self.shared_networks),
            protocol: context.protocol,
            approved_once: context.returning.as_ref().is_some_and(|taken| taken.approved),
            glass: context.session.as_ref().map_or(&[], |session| session.glass.broken()),
            ..policy::Request::new(head.method.as_str(), &context.path)
        }
    }

    async fn allow(
        &self,
        downstream: &mut Downstream,
        context: &mut Context,
        permit: Permit,
    ) -> pingora::Result<bool> {
        if context.protocol == Protocol::WebSocket
            && !self.same_origin(downstream.req_header(), &context.host)
        {
            return self.fail(downstream, context, 403, "websocket-origin").await;
        }
        if let Some(glass) = permit.glass()
            && !self.use_glass(downstream, context, &permit, glass).await
        {
            return self.fail(downstream, context, 503, "store-unavailable").await;
        }
        self.permitted(context, permit);
        if let Some((status, code)) = context.failed.take() {
            return self.tell(downstream, context, status, code).await;
        }
        if !plain::is_plain(downstream, context) {
            return Ok(false);
        }
        self.forward_plain(downstream, context).await?;
        Ok(true)
    }

    /// The request is let through, and counts as the person's doing.
    pub(super) fn permitted(&self, context: &mut Context, permit: Permit) {
        if let Some(session) = context.session.as_ref().filter(|_| permit.is_activity()) {
            self.sessions.touch(session);
        }
        context.outcome = "allow";
        permit.rule().clone_into(&mut context.rule);
        context.permit = Some(permit);
    }

    /// Tells the audit of the first request that is let in by it. `false` if it cannot be told.
    async fn use_glass(
        &self,
        downstream: &Downstream,
        context: &Context,
        permit: &Permit,
        glass: OpenGlass,
    ) -> bool {
        let Some(session) = &context.session else { return false };
        let told = || {
            let entry = Entry::new(Event::GlassUsed, &self.arrival(context, None).origin());
            let entry = entry.user(&session.user).with("app", permit.app().name.as_str());
            let entry = entry.with("rule", permit.rule()).with("glass", glass.id.to_string());
            let entry = entry.with("method", downstream.req_header().method.as_str());
            entry.with("path", context.path.as_str()).into_record()
        };
        match self.sessions.use_glass(session, glass.id, told).await {
            Ok(told) => {
                told.iter().for_each(|told| self.audit.written(told));
                true
            }
            Err(error) => {
                tracing::error!(%error, "the use of broken glass cannot be told");
                false
            }
        }
    }

    /// Browsers name the page's origin in a WebSocket handshake, and nothing else stops a foreign one
    /// (RFC 6455, 10.2).
    pub(super) fn same_origin(&self, head: &RequestHeader, host: &str) -> bool {
        let ours = self.public.origin(host);
        head.headers.get_all(header::ORIGIN).iter().all(|origin| origin.as_bytes() == ours.as_bytes())
    }
}
