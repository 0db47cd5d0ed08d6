//! The gateway's own paths on the apps' hosts: entering, and saying who is in.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::login::set_session;
use super::reply::{self, see_other};
use super::visitor::Visitor;
use super::{Answer, Pages, view};
use crate::arrival::Verdict;
use crate::audit::{Entry, Event};
use crate::authn::Method;
use crate::authn::ceremony::Browser;
use crate::policy::{Denial, Reason};
use crate::session::Seat;
use crate::session::cookie;
use crate::session::handoff::{self, Bearer};

#[derive(Deserialize)]
pub struct Enter {
    #[serde(default)]
    code: String,
}

/// `GET /.sluse/enter`: the end of a hand-off.
pub async fn enter(
    State(pages): State<Arc<Pages>>,
    visitor: Visitor,
    headers: HeaderMap,
    Query(enter): Query<Enter>,
) -> Answer {
    let cookies = || headers.get_all(header::COOKIE).iter().map(HeaderValue::as_bytes);
    let before = match cookie::read(cookies(), cookie::SESSION) {
        Some(value) => pages.sessions.former(value, &visitor.arrival.host).await.map(|sender| sender.user),
        None => None,
    };
    let ask = cookie::read(cookies(), cookie::ASK).map(Browser::of);
    let host = &visitor.arrival.host;
    let entered = match ask {
        Some(ask) => {
            let bearer = Bearer { ask, host, session: visitor.session.as_deref() };
            handoff::enter(&pages.ceremonies, &pages.sessions, &enter.code, &bearer).await?
        }
        None => None,
    };
    let Some(entered) = entered else {
        // Going back to a code that was used is no fault of anybody who is already in.
        if visitor.session.is_some() {
            return Ok(see_other("/"));
        }
        pages
            .audit
            .record(Entry::new(Event::HandOffRefused, &visitor.origin()).with("host", host.as_str()))
            .await;
        let page =
            view::ErrorPage { frame: visitor.frame_with_code(), status: 400, retry: Some("/".to_owned()) };
        return Ok((StatusCode::BAD_REQUEST, reply::html(&page)).into_response());
    };
    let entry = Entry::new(Event::SessionHandedOff, &visitor.origin())
        .user(&entered.opened.session.user)
        .with("host", host.as_str());
    pages.audit.record(entry).await;
    let mut response = see_other(&entered.target);
    set_session(&mut response, &entered.opened);
    let sender = entered.opened.session.sender();
    if sender.seat == Seat::Shared && before != Some(sender.user) {
        reply::clear_site(&mut response);
        reply::drop_foreign_cookies(&mut response, &headers);
    }
    Ok(response)
}

/// Where it is told who is in.
pub const SESSION_PATH: &str = "/.sluse/session";

/// `GET /.sluse/session`: who is in, by what, and for how long; times in seconds.
pub async fn session(State(pages): State<Arc<Pages>>, visitor: Visitor) -> Response {
    let Some(session) = &visitor.session else {
        return (StatusCode::UNAUTHORIZED, axum::Json(json!({ "error": "login-required" }))).into_response();
    };
    let now = pages.clock.now();
    let proofs: Map<String, Value> = Method::ALL
        .into_iter()
        .filter_map(|method| {
            let age = now.since(session.assurance.proven_at(method)?).as_secs();
            // A lent key's proof has an end of its own.
            let until =
                session.assurance.key.as_ref().filter(|_| method == Method::Key).and_then(|key| key.until);
            let mut proof = json!({ "age": age });
            if let Some(until) = until {
                proof["expires_in"] = until.since(now).as_secs().into();
            }
            Some((method.name().to_owned(), proof))
        })
        .collect();
    let app = visitor.arrival.app.as_ref();
    let level = app.and_then(|app| app.shared.level_held(&session.assurance, now));
    let open = session.glass.broken().iter().filter(|glass| now < glass.until);
    let open =
        open.map(|glass| json!({ "rule": glass.rule, "expires_in": glass.until.since(now).as_secs() }));
    let answer = json!({
        "user": session.user.username.as_str(),
        "name": session.user.name,
        "groups": session.user.groups,
        "level": level.map(|level| level.name.clone()),
        "proofs": proofs,
        "idle": session.idle_for(now).as_secs(),
        "expires_in": session.sign_in.expires_at.since(now).as_secs(),
        "break_glass": open.collect::<Vec<_>>(),
    });
    axum::Json(answer).into_response()
}

/// Where the key is that checks what upstreams are told.
pub const JWKS_PATH: &str = "/.sluse/jwks.json";

/// `GET /.sluse/jwks.json`: the key that `X-Sluse-Assertion` is checked with.
pub async fn jwks(State(pages): State<Arc<Pages>>) -> Response {
    let headers = [(header::CACHE_CONTROL, "public, max-age=300")];
    (headers, axum::Json(pages.assertion.jwks())).into_response()
}

/// The page shown instead of what was asked for.
pub async fn verdict(visitor: Visitor) -> Response {
    let app = visitor.arrival.app.as_ref();
    match &visitor.arrival.verdict {
        Some(Verdict::Denied { denial, break_glass }) => {
            let page = view::Denied {
                frame: visitor.frame_with_code(),
                app: app.map(|app| visitor.words(&app.title)),
                because: because(denial),
                say: denial.say.as_ref().map(|say| visitor.words(say)),
                break_glass: break_glass.clone(),
                next: view::Continue::default(),
            };
            (StatusCode::FORBIDDEN, reply::html(&page)).into_response()
        }
        Some(Verdict::Failed { status }) => {
            let status = StatusCode::from_u16(*status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            let retry = status.is_server_error().then(String::new);
            let page = view::ErrorPage { frame: visitor.frame_with_code(), status: status.as_u16(), retry };
            (status, reply::html(&page)).into_response()
        }
        None => visitor.error(StatusCode::NOT_FOUND),
    }
}

fn because(denial: &Denial) -> view::Denial {
    match &denial.reason {
        Reason::NoRule => view::Denial::NotOpen,
        Reason::Deny(_) => view::Denial::Closed,
        Reason::Groups => view::Denial::Groups,
        Reason::Users | Reason::Claims => view::Denial::Person,
    }
}
