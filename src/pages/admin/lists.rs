//! Everybody's keys, and what everybody has open.

use std::sync::Arc;

use axum::extract::{Query, State};
use serde::Deserialize;

use super::people::{key_row, open, session_row};
use super::{enter, nav};
use crate::pages::reply;
use crate::pages::view::admin::{AdminKeys, AdminSessions, OwnedKeyRow, OwnedSessionRow};
use crate::pages::visitor::Visitor;
use crate::pages::{Answer, Pages};
use crate::role::Duty;
use crate::store::desk::OpenQuery;

/// Rows of a list; whoever looks for more searches.
const MOST: usize = 100;

#[derive(Deserialize)]
pub struct Search {
    #[serde(default)]
    q: String,
}

/// `GET /admin/keys`
pub async fn keys(State(pages): State<Arc<Pages>>, visitor: Visitor, Query(search): Query<Search>) -> Answer {
    let officer = match enter(&pages, &visitor, Duty::Look, visitor.target()).await? {
        Ok(officer) => officer,
        Err(answer) => return Ok(answer),
    };
    let found = pages.store.find_keys(&search.q, MOST as u32 + 1).await?;
    let full = found.len() > MOST;
    let rows = found.into_iter().take(MOST).map(|owned| OwnedKeyRow {
        person: owned.key.user.to_string(),
        key: key_row(&owned.key),
        name: owned.name,
        username: owned.username,
    });
    let nav = nav(&pages, &visitor, &officer, "/admin/keys");
    let rows = rows.collect();
    Ok(reply::html(&AdminKeys { frame: visitor.frame(), nav, searched: search.q, rows, full }))
}

/// `GET /admin/sessions`
pub async fn sessions(
    State(pages): State<Arc<Pages>>,
    visitor: Visitor,
    Query(search): Query<Search>,
) -> Answer {
    let officer = match enter(&pages, &visitor, Duty::Look, visitor.target()).await? {
        Ok(officer) => officer,
        Err(answer) => return Ok(answer),
    };
    let query = OpenQuery { limit: MOST as u32 + 1, ..open(&pages, visitor.arrival.at, &search.q) };
    let found = pages.store.search_open(&query).await?;
    let full = found.len() > MOST;
    let rows = found.into_iter().take(MOST).map(|found| OwnedSessionRow {
        person: found.user.to_string(),
        name: found.name.clone(),
        username: found.username.clone(),
        session: session_row(found),
    });
    let nav = nav(&pages, &visitor, &officer, "/admin/sessions");
    let rows = rows.collect();
    Ok(reply::html(&AdminSessions { frame: visitor.frame(), nav, searched: search.q, rows, full }))
}
