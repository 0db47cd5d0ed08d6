//! `/.sluse/idle`, on every host: when the session ends if nobody does anything, for `idle.js` to warn of in time
//! (WCAG 2.2, success criterion 2.2.1).

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::{StatusCode, header};
use serde_json::json;

use super::Pages;
use super::asset::IDLE_JS;
use super::visitor::Visitor;
use crate::policy::{Request, SessionLimits};
use crate::session::{Seat, Session};

/// Where it is.
pub const PATH: &str = "/.sluse/idle";

/// `GET`: asking is no activity. `POST`: the person is there; [`super::visitor`] has noted it.
pub async fn ask(State(pages): State<Arc<Pages>>, visitor: Visitor) -> Response {
    let Some(session) = &visitor.session else {
        return (StatusCode::UNAUTHORIZED, axum::Json(json!({ "error": "login-required" }))).into_response();
    };
    let texts = visitor.texts();
    let words = &texts.idle;
    let log_out = visitor.frame().log_out;
    let answer = json!({
        "ends_in": ends_in(&pages, &visitor, session).as_secs(),
        "over": format!("{}/logged-out", pages.public.login()),
        "words": {
            "title": words.title,
            "left": words.left,
            "stay": words.stay,
            "log_out": texts.common.log_out,
            "log_out_address": log_out,
        },
    });
    ([(header::CACHE_CONTROL, "no-store")], axum::Json(answer)).into_response()
}

/// `/.sluse/idle.js`: the same script for an app, under an address that stays.
pub async fn script() -> Response {
    let headers = [
        (header::CONTENT_TYPE, IDLE_JS.asset().content_type),
        (header::CACHE_CONTROL, "public, max-age=300"),
    ];
    (headers, IDLE_JS.asset().bytes).into_response()
}

/// By the installation's limits, and by those that the app's policy sets for all of its paths.
fn ends_in(pages: &Pages, visitor: &Visitor, session: &Session) -> Duration {
    let now = pages.clock.now();
    let limits = match &visitor.arrival.app {
        Some(app) => {
            let request = Request {
                address: visitor.arrival.address,
                shared_device: visitor.seat == Seat::Shared,
                ..Request::new("GET", "/")
            };
            app.session_limits(&request, now)
        }
        None => SessionLimits::default(),
    };
    pages.sessions.ends_in(session, &limits, now)
}
