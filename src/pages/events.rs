//! *Hændelseslog*: what happened to a person's own account, for the person.

use std::sync::Arc;

use axum::extract::State;

use super::onward::Fields;
use super::reply::{self, see_other};
use super::view::{self, EventRow};
use super::visitor::Visitor;
use super::{Answer, Pages};
use crate::audit::{Entry, Event};
use crate::store::AuditQuery;

/// The latest that are looked at.
const MOST: u32 = 200;

/// `GET /me/events`
pub async fn show(State(pages): State<Arc<Pages>>, visitor: Visitor) -> Answer {
    let Some(session) = &visitor.session else {
        return Ok(see_other(&Fields::own(&pages, "/me/events").carried().link("/login")));
    };
    let query =
        AuditQuery { user: Some(session.user.id), newest_first: true, limit: MOST, ..AuditQuery::default() };
    let words = &visitor.texts().events;
    let rows = pages.store.audit(&query).await?.into_iter().filter_map(|row| {
        let (at, address) = (row.record.at, row.record.address);
        Some(EventRow { at, what: words.of(&row.record.event)?, address: address.map(|it| it.to_string()) })
    });
    Ok(reply::html(&view::Events { frame: visitor.frame(), rows: rows.collect() }))
}

/// `POST /me/elsewhere`: logs the person out everywhere but here.
pub async fn log_out_elsewhere(State(pages): State<Arc<Pages>>, visitor: Visitor) -> Answer {
    let Some(session) = &visitor.session else { return Ok(see_other("/login")) };
    pages.sessions.end_all(&session.user, Some(session)).await?;
    let entry =
        Entry::new(Event::LoggedOut, &visitor.origin()).user(&session.user).with("where", "elsewhere");
    pages.audit.record(entry).await;
    Ok(see_other("/me?notice=elsewhere"))
}
