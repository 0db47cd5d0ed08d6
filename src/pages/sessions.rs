//! *Her er du logget ind*: where a person is signed in, and ending it there.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use http::StatusCode;
use serde::Deserialize;

use super::onward::Fields;
use super::reply::{self, add_cookie, see_other};
use super::view::{SessionRow, Sessions};
use super::visitor::Visitor;
use super::{Answer, Pages};
use crate::audit::{Entry, Event};
use crate::session::cookie::{self, Keep};
use crate::store::self_service::OpenSignIn;

#[derive(Deserialize)]
pub struct Shown {
    #[serde(default)]
    notice: String,
}

/// `GET /me/sessions`
pub async fn show(State(pages): State<Arc<Pages>>, visitor: Visitor, Query(shown): Query<Shown>) -> Answer {
    let Some(session) = &visitor.session else {
        return Ok(see_other(&Fields::own(&pages, "/me/sessions").carried().link("/login")));
    };
    let open = pages.sessions.open_of(session.user.id).await?;
    let mut rows: Vec<SessionRow> = open.into_iter().map(row).collect();
    let here = session.sign_in.id.0.to_string();
    for row in &mut rows {
        row.here = row.id == here;
    }
    rows.sort_by_key(|row| !row.here);
    Ok(reply::html(&Sessions { frame: visitor.frame(), rows, ended: shown.notice == "ended" }))
}

/// `POST /me/sessions/{id}/end`
pub async fn end(State(pages): State<Arc<Pages>>, visitor: Visitor, Path(id): Path<String>) -> Answer {
    let Some(session) = &visitor.session else { return Ok(see_other("/login")) };
    let open = pages.sessions.open_of(session.user.id).await?;
    // Somebody else's is answered as one that does not exist.
    let Some(OpenSignIn { sign_in, .. }) = open.into_iter().find(|open| open.sign_in.id.0.to_string() == id)
    else {
        return Ok(visitor.error(StatusCode::NOT_FOUND));
    };
    pages.sessions.end_sign_in(sign_in.id).await?;
    let entry = Entry::new(Event::LoggedOut, &visitor.origin()).user(&session.user);
    if sign_in.id == session.sign_in.id {
        pages.audit.record(entry).await;
        let mut response = see_other("/logged-out");
        add_cookie(&mut response, cookie::SESSION, "", Keep::Drop);
        return Ok(response);
    }
    pages.audit.record(entry.with("where", "one-elsewhere")).await;
    Ok(see_other("/me/sessions?notice=ended"))
}

fn row(open: OpenSignIn) -> SessionRow {
    let OpenSignIn { sign_in, begun } = open;
    SessionRow {
        id: sign_in.id.0.to_string(),
        browser: begun.browser,
        address: begun.address.map(|address| address.to_string()),
        since: sign_in.started_at,
        seen: sign_in.seen_at,
        shared: sign_in.shared,
        here: false,
    }
}
