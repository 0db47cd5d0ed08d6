//! The answers the proxy gives itself: more to prove, a denial, a failure, a page of the gateway's own.

use std::borrow::Cow;
use std::sync::Arc;

use axum::Router;
use http::StatusCode;
use pingora::proxy::Session as Downstream;

use super::parking::{Trouble, leaves};
use super::request::{self, Refusal, Target};
use super::respond::{self, ToLogin};
use super::{Context, Proxy, bridge, cookie_lines};
use crate::arrival::{BREAK_GLASS, Verdict};
use crate::audit::{Entry, Event};
use crate::policy::path::{CanonicalPath, PathRules};
use crate::policy::{self, App};
use crate::random;
use crate::session::cookie;

impl Proxy {
    pub(super) async fn demand(
        &self,
        downstream: &mut Downstream,
        context: &mut Context,
        demand: policy::Demand,
        code: &'static str,
    ) -> pingora::Result<bool> {
        context.code = Cow::Borrowed(code);
        demand.rule.clone_into(&mut context.rule);
        let cookies = cookie_lines(downstream.req_header());
        let known = cookie::read(cookies, cookie::ASK).map(str::to_owned);
        let ask_is_new = known.is_none();
        let ask = known.unwrap_or_else(|| random::nonce(self.random.as_ref()));
        if context.sender.is_none() {
            context.sender = self.former(downstream.req_header(), &context.host).await;
        }
        let parked = match self.park(downstream, context, &demand, &ask).await {
            Ok(parked) => parked,
            Err(trouble) => return self.in_trouble(downstream, context, trouble).await,
        };
        let to_login = ToLogin {
            login: &self.public.login(),
            url: &match leaves(context) {
                true => format!("{}/", self.public.origin(&context.host)),
                false => format!("{}{}", self.public.origin(&context.host), context.path_and_query()),
            },
            method: downstream.req_header().method.as_str(),
            ask: &ask,
            ask_is_new,
            parked: parked.as_deref(),
        };
        let response = match request::is_navigation(downstream.req_header()) {
            true => to_login.response(),
            false => respond::insufficient(&demand, code, &context.correlation, &to_login),
        };
        write(downstream, response).await
    }

    /// A parked request could neither be kept nor found.
    pub(super) async fn in_trouble(
        &self,
        downstream: &mut Downstream,
        context: &mut Context,
        trouble: Trouble,
    ) -> pingora::Result<bool> {
        match trouble {
            Trouble::Refused(status, code) => self.fail(downstream, context, status, code).await,
            Trouble::Broken(error) => Err(error),
        }
    }

    pub(super) async fn deny(
        &self,
        downstream: &mut Downstream,
        context: &mut Context,
        denial: policy::Denial,
    ) -> pingora::Result<bool> {
        context.outcome = "deny";
        context.code = Cow::Owned(denial.reason.code().to_owned());
        denial.rule.as_deref().unwrap_or_default().clone_into(&mut context.rule);
        if let Some(session) = &context.session {
            let origin = self.arrival(context, None).origin();
            let entry = Entry::new(Event::RequestDenied, &origin)
                .user(&session.user)
                .with("app", context.app.as_ref().map_or("", |app| app.name.as_str()))
                .with("rule", context.rule.as_str())
                .with("reason", denial.reason.code())
                .with("method", downstream.req_header().method.as_str())
                .with("path", context.path.as_str());
            self.audit.record(entry).await;
        }
        let break_glass = denial.glass.as_ref().map(|_| self.break_glass(downstream, context));
        if !request::is_navigation(downstream.req_header()) {
            let response = match break_glass {
                Some(link) => respond::denied_but_for_glass(&context.code, &context.correlation, &link),
                None => respond::json(403, &context.code, &context.correlation),
            };
            return write(downstream, response).await;
        }
        self.verdict_page(downstream, context, Verdict::Denied { denial: Box::new(denial), break_glass })
            .await
    }

    /// Where the person can break the glass, to come back to this request's address.
    fn break_glass(&self, downstream: &Downstream, context: &Context) -> String {
        let ask = cookie::read(cookie_lines(downstream.req_header()), cookie::ASK);
        let url = format!("{}{}", self.public.origin(&context.host), context.path_and_query());
        let method = downstream.req_header().method.as_str();
        respond::to_page(&format!("{}{BREAK_GLASS}", self.public.login()), &url, method, ask)
    }

    pub(super) async fn refuse(
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
    pub(super) async fn fail(
        &self,
        downstream: &mut Downstream,
        context: &mut Context,
        status: u16,
        code: &'static str,
    ) -> pingora::Result<bool> {
        self.tell(downstream, context, status, Cow::Borrowed(code)).await
    }

    pub(super) async fn tell(
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
        let mut arrival = self.arrival(context, context.app.clone());
        arrival.verdict = Some(verdict);
        bridge::show(&self.app_pages, downstream.as_downstream_mut(), arrival).await?;
        Ok(true)
    }

    /// One of the gateway's own pages answers.
    pub(super) async fn own_page(
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
        let arrival = self.arrival(context, app);
        let target = context.path_and_query();
        bridge::serve(router, downstream.as_downstream_mut(), arrival, &target).await?;
        Ok(true)
    }

    /// Plain HTTP is only ever sent on; what was posted in the clear is refused, as it should never have been.
    pub(super) async fn to_https(
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

async fn write(
    downstream: &mut Downstream,
    response: http::Response<axum::body::Body>,
) -> pingora::Result<bool> {
    bridge::write(downstream.as_downstream_mut(), response).await?;
    Ok(true)
}
