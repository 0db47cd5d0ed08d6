//! *Nødadgang*: somebody whom a rule is not for says why, touches a key, and is in for a while.
//!
//! What is offered is asked of the same `decide` that guards the app, when the page is shown, when the reason is
//! given and when the key was touched. The app's host decides again, with the glass that is broken there.

mod reason;

use std::sync::Arc;

use axum::Form;
use axum::extract::{Query, State};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use self::reason::Reason;
use super::key::{self, refused};
use super::login::set_session;
use super::onward::{self, Destination, Fields, Offered};
use super::reply::{self, see_other};
use super::visitor::Visitor;
use super::{Answer, Pages, view};
use crate::arrival::BREAK_GLASS;
use crate::audit::Event;
use crate::authn::Method;
use crate::authn::ceremony::Purpose;
use crate::authn::glass::BrokenGlass;
use crate::authn::webauthn::{Assertion, Verification};
use crate::random;
use crate::store::glass::Pane;

/// A touch that breaks glass, under way: everything it is for.
#[derive(Serialize, Deserialize)]
struct Touch {
    sign_in: Uuid,
    assertion: Assertion,
    fields: Fields,
    app: String,
    rule: String,
    reason: String,
}

impl Purpose for Touch {
    const KIND: &'static str = "break-glass";
}

#[derive(Deserialize)]
pub struct Given {
    #[serde(flatten)]
    fields: Fields,
    #[serde(default)]
    reason: String,
}

/// `GET /glass/break`: what it is, and why it is needed.
pub async fn ask(State(pages): State<Arc<Pages>>, visitor: Visitor, Query(fields): Query<Fields>) -> Answer {
    let destination = Destination::parse(&pages, &fields);
    let offered = match offered(&pages, &visitor, &destination, &fields).await? {
        Ok(offered) => offered,
        Err(elsewhere) => return Ok(elsewhere),
    };
    Ok(form(&visitor, &fields, offered, "", None))
}

/// `POST /glass/break`: the reason is given, and a touch asked for.
pub async fn give(State(pages): State<Arc<Pages>>, visitor: Visitor, Form(given): Form<Given>) -> Answer {
    let Given { fields, reason: typed } = given;
    let destination = Destination::parse(&pages, &fields);
    let offered = match offered(&pages, &visitor, &destination, &fields).await? {
        Ok(offered) => offered,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let reason = match Reason::parse(&typed) {
        Ok(reason) => reason,
        Err(error) => {
            let page = form(&visitor, &fields, offered, &typed, Some(error));
            return Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response());
        }
    };
    let Some(session) = &visitor.session else { return Ok(see_other("/login")) };
    let keys = onward::usable_keys(&pages, session, &own_keys_alone()).await?;
    // Where the rule asks for the PIN as well, one touch is enough for both.
    let verification = if offered.pin { Verification::Required } else { Verification::Discouraged };
    let (options, assertion) =
        match pages.settings().relying_party.begin_assertion(session.user.id, &keys, verification) {
            Ok(begun) => begun,
            Err(error) => {
                tracing::error!(%error, "no assertion can begin");
                return Ok(visitor.error(StatusCode::INTERNAL_SERVER_ERROR));
            }
        };
    let touch = Touch {
        sign_in: session.sign_in.id.0,
        assertion,
        fields: fields.clone(),
        app: offered.app.name.clone(),
        rule: offered.rule,
        reason: reason.as_str().to_owned(),
    };
    let id = pages.ceremonies.begin(visitor.browser, &touch).await?;
    Ok(reply::html(&view::GlassTouch {
        frame: visitor.frame(),
        next: fields.carried(),
        ceremony: key::ceremony_data(&pages, id, &options),
        app: visitor.words(&offered.app.title),
        lasts: offered.offer.lasts,
        reason: touch.reason,
    }))
}

/// `POST /glass/finish`: the key was touched.
pub async fn finish(
    State(pages): State<Arc<Pages>>,
    visitor: Visitor,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    let message = match key::read(&headers, &body) {
        Ok(message) => message,
        Err(status) => return Ok(refused(&visitor, status)),
    };
    let Some(session) = visitor.session.clone() else {
        return Ok(refused(&visitor, StatusCode::UNAUTHORIZED));
    };
    let taken = pages.ceremonies.take::<Touch>(visitor.browser, &message.ceremony).await?;
    let Some(Touch { sign_in, assertion, fields, app, rule, reason }) =
        taken.map(|ceremony| ceremony.finish())
    else {
        return refuse(&pages, &visitor, "ceremony-unknown").await;
    };
    if sign_in != session.sign_in.id.0 {
        return refuse(&pages, &visitor, "another-session").await;
    }
    let destination = Destination::parse(&pages, &fields);
    let offered = onward::offered(&pages, &visitor, &session, &destination).await?;
    let Some(offered) = offered.filter(|offered| offered.app.name == app && offered.rule == rule) else {
        return refuse(&pages, &visitor, "not-offered").await;
    };
    let keys = onward::usable_keys(&pages, &session, &own_keys_alone()).await?;
    let response = message.response.get().as_bytes();
    let opened = match key::touched(&pages, &visitor, &session, (assertion, &keys), response).await? {
        Ok(opened) => opened,
        Err(refusal) => return Ok(refusal),
    };
    let now = pages.clock.now();
    let id = random::uuid(pages.random.as_ref());
    let until = now.plus(offered.offer.lasts);
    let entry = visitor.entry(Event::GlassBroken).with("app", app.as_str()).with("rule", rule.as_str());
    let entry = entry.with("host", offered.host.as_str()).with("reason", reason.as_str());
    let told = entry.with("until", until.to_rfc3339()).with("glass", id.to_string()).into_record();
    let glass = BrokenGlass { id, app, rule, broken_at: now, until };
    let pane = Pane { sign_in: session.sign_in.id, host: offered.host, glass };
    if !pages.sessions.break_glass(&pane, &told).await? {
        return refuse(&pages, &visitor, "session-ended").await;
    }
    pages.audit.written(&told);
    let visitor = visitor.with(opened.session.clone());
    let step = onward::step_after(&pages, &visitor, &destination, Method::Key).await?;
    let mut response = key::tell(step, &fields);
    set_session(&mut response, &opened);
    Ok(response)
}

#[derive(Deserialize)]
pub struct Shown {
    #[serde(default)]
    notice: String,
}

/// `GET /glass`: what is open.
pub async fn show(State(pages): State<Arc<Pages>>, visitor: Visitor, Query(shown): Query<Shown>) -> Answer {
    let Some(session) = &visitor.session else { return Ok(to_login(&pages, "/glass")) };
    let open = pages.sessions.open_glass(session.sign_in.id, pages.clock.now()).await?;
    let policy = pages.policy.load();
    let row = |Pane { host, glass, .. }: Pane| {
        let title = policy.app(&host).map_or(glass.app, |app| visitor.words(&app.title));
        let app = view::App { title, url: format!("{}/", pages.public.origin(&host)) };
        view::PaneRow { id: glass.id.to_string(), app, until: glass.until }
    };
    let panes = open.into_iter().map(row).collect();
    Ok(reply::html(&view::Glass { frame: visitor.frame(), panes, closed: shown.notice == "closed" }))
}

#[derive(Deserialize)]
pub struct Closing {
    id: Uuid,
}

/// `POST /glass/close`
pub async fn close(State(pages): State<Arc<Pages>>, visitor: Visitor, Form(form): Form<Closing>) -> Answer {
    let Some(session) = &visitor.session else { return Ok(to_login(&pages, "/glass")) };
    let told = visitor.entry(Event::GlassClosed).with("glass", form.id.to_string()).into_record();
    if pages.sessions.close_glass(form.id, session.sign_in.id, &told).await? {
        pages.audit.written(&told);
    }
    // Also if it ended by itself meanwhile: it is closed.
    Ok(see_other("/glass?notice=closed"))
}

/// What this visitor may break on the way there; or else where to go: to log in, to hear that a key is needed,
/// or on, where the app tells.
async fn offered(
    pages: &Pages,
    visitor: &Visitor,
    destination: &Destination,
    fields: &Fields,
) -> Result<Result<Offered, Response>, super::Unavailable> {
    let Some(session) = &visitor.session else {
        return Ok(Err(to_login(pages, &fields.carried().link(BREAK_GLASS))));
    };
    let Some(offered) = onward::offered(pages, visitor, session, destination).await? else {
        let step = onward::step(pages, visitor, destination).await?;
        return Ok(Err(super::login::follow(step, fields, destination)));
    };
    if onward::usable_keys(pages, session, &own_keys_alone()).await?.is_empty() {
        let page = reply::html(&view::GlassNoKey { frame: visitor.frame() });
        return Ok(Err((StatusCode::FORBIDDEN, page).into_response()));
    }
    Ok(Ok(offered))
}

fn form(
    visitor: &Visitor,
    fields: &Fields,
    Offered { app, offer, .. }: Offered,
    reason: &str,
    error: Option<view::ReasonError>,
) -> Response {
    reply::html(&view::GlassBreak {
        frame: visitor.frame(),
        next: fields.carried(),
        app: visitor.words(&app.title),
        text: offer.text.map(|text| visitor.words(&text)),
        lasts: offer.lasts,
        reason: reason.to_owned(),
        error,
    })
}

fn to_login(pages: &Pages, own: &str) -> Response {
    see_other(&Fields::own(pages, own).carried().link("/login"))
}

async fn refuse(pages: &Pages, visitor: &Visitor, reason: &str) -> Answer {
    pages.audit.record(visitor.entry(Event::GlassRefused).with("reason", reason)).await;
    Ok(refused(visitor, StatusCode::BAD_REQUEST))
}

/// A key that is lent opens apps, and no glass.
fn own_keys_alone() -> Destination {
    Destination::Own(BREAK_GLASS.to_owned())
}
