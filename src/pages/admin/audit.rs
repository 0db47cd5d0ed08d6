//! Everybody's events: searched, read in words, and handed on.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::response::{IntoResponse as _, Response};
use form_urlencoded::Serializer;
use http::header;
use serde::Deserialize;

use super::{enter, entry, nav};
use crate::audit::export::{self, object};
use crate::audit::{CorrelationIds, Event};
use crate::date::Span;
use crate::pages::reply;
use crate::pages::text::admin_audit::{event_kinds, event_words};
use crate::pages::view::admin_audit::{AdminAudit, AuditFilter, AuditLine};
use crate::pages::visitor::Visitor;
use crate::pages::{Answer, Pages};
use crate::role::Duty;
use crate::store::{AuditPosition, AuditQuery, AuditRow, StoreError};
use crate::trace::Trace;
use crate::user::Username;

/// Events on a page.
const PAGE: u32 = 50;

/// Rows of a download; for more there is `sluse audit export`.
const MOST: u32 = 10_000;

#[derive(Deserialize)]
pub struct Search {
    #[serde(flatten)]
    filter: AuditFilter,
    /// The position of the last row of the page before.
    #[serde(default)]
    before: String,
    #[serde(default)]
    format: String,
}

/// `GET /admin/audit`
pub async fn show(State(pages): State<Arc<Pages>>, visitor: Visitor, Query(search): Query<Search>) -> Answer {
    let officer = match enter(&pages, &visitor, Duty::Audit, visitor.target()).await? {
        Ok(officer) => officer,
        Err(answer) => return Ok(answer),
    };
    let query = query(&pages, &search).await?;
    let mut rows = match &query {
        Some(query) => pages.store.audit(&AuditQuery { limit: PAGE + 1, ..query.clone() }).await?,
        None => Vec::new(),
    };
    let full = rows.len() > PAGE as usize;
    rows.truncate(PAGE as usize);
    let older = rows.last().filter(|_| full).map(|last| older(&search.filter, last.position));
    let person_pages = officer.may(&pages, Duty::Look);
    Ok(reply::html(&AdminAudit {
        frame: visitor.frame(),
        nav: nav(&pages, &visitor, &officer, "/admin/audit"),
        kinds: event_kinds(visitor.texts()),
        wrong: query.is_none().then_some(visitor.texts().admin_audit.wrong),
        trace: trace(&pages, &visitor, &search.filter.code).await?,
        rows: rows.iter().map(|row| line(&visitor, row, person_pages)).collect(),
        older,
        filter: search.filter,
    }))
}

/// `GET /admin/audit/export`: the same rows for another program.
pub async fn export(
    State(pages): State<Arc<Pages>>,
    visitor: Visitor,
    Query(search): Query<Search>,
) -> Answer {
    let officer = match enter(&pages, &visitor, Duty::Audit, visitor.target()).await? {
        Ok(officer) => officer,
        Err(answer) => return Ok(answer),
    };
    let Some(query) = query(&pages, &search).await? else {
        return Ok(visitor.error(http::StatusCode::BAD_REQUEST));
    };
    let rows = pages.store.audit(&AuditQuery { limit: MOST, ..query }).await?;
    let entry = entry(&visitor, &officer, Event::AuditExported).with("rows", rows.len());
    pages.audit.record(entry).await;
    Ok(match search.format.as_str() {
        "json" => {
            let lines: String = rows.iter().map(|row| format!("{}\n", object(row))).collect();
            download(lines.into_bytes(), "application/x-ndjson", "audit.jsonl")
        }
        _ => match export::csv(&rows) {
            Ok(sheet) => download(sheet, "text/csv; charset=utf-8", "audit.csv"),
            Err(error) => {
                tracing::error!(%error, "no sheet can be written");
                visitor.error(http::StatusCode::INTERNAL_SERVER_ERROR)
            }
        },
    })
}

/// `None` if something typed cannot be read: then nothing is found, rather than everything.
async fn query(pages: &Pages, search: &Search) -> Result<Option<AuditQuery>, StoreError> {
    let filter = &search.filter;
    let typed = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    let mut query = AuditQuery {
        event: typed(&filter.event),
        by: typed(&filter.by),
        correlation: typed(&filter.code).map(|code| CorrelationIds::parse(&code).unwrap_or(code)),
        newest_first: true,
        ..AuditQuery::default()
    };
    if let Some(name) = typed(&filter.user) {
        let person = match Username::parse(&name) {
            Ok(name) => pages.store.user_by_name(&name).await?,
            Err(_) => None,
        };
        match person {
            Some(person) => query.user = Some(person.id),
            // A name that was tried, and that nobody has.
            None => query.username = Some(name),
        }
    }
    let Ok(address) = typed(&filter.address).map(|text| text.parse()).transpose() else { return Ok(None) };
    let day = |text: &str| typed(text).map(|text| text.parse::<Span>()).transpose();
    let (Ok(from), Ok(until)) = (day(&filter.from), day(&filter.until)) else { return Ok(None) };
    let Ok(before) = typed(&search.before).map(|text| text.parse()).transpose() else { return Ok(None) };
    let (from, until) = (from.map(Span::first), until.map(Span::end));
    Ok(Some(AuditQuery { address, from, until, before, ..query }))
}

fn older(filter: &AuditFilter, last: AuditPosition) -> String {
    let AuditFilter { user, by, event, code, address, from, until } = filter;
    let fields = [
        ("user", user),
        ("by", by),
        ("event", event),
        ("code", code),
        ("address", address),
        ("from", from),
        ("until", until),
    ];
    let mut query = Serializer::new(String::new());
    query.extend_pairs(fields.into_iter().filter(|(_, value)| !value.is_empty()));
    query.append_pair("before", &last.to_string());
    format!("/admin/audit?{}", query.finish())
}

/// How the request with this code was decided, as long as that is kept.
async fn trace(pages: &Pages, visitor: &Visitor, typed: &str) -> Result<Option<String>, StoreError> {
    let Some(code) = CorrelationIds::parse(typed) else { return Ok(None) };
    let record = pages.store.trace(&code, visitor.arrival.at).await?;
    let trace = record.and_then(|record| serde_json::from_str::<Trace>(&record.trace).ok());
    Ok(trace.map(|trace| {
        format!("{} {}{}\n{}", trace.method, trace.host, trace.transcript.path, trace.transcript)
    }))
}

fn line(visitor: &Visitor, row: &AuditRow, person_pages: bool) -> AuditLine {
    let record = &row.record;
    let what = event_words(visitor.texts(), &record.event);
    AuditLine {
        at: record.at,
        event: record.event.clone(),
        what: what.map_or_else(|| record.event.clone(), str::to_owned),
        username: record.username.clone(),
        person: record.user.filter(|_| person_pages).map(|user| user.to_string()),
        by: record.performer(),
        address: record.address.map(|address| address.to_string()),
        code: record.correlation.clone(),
        detail: detail(&record.detail),
    }
}

/// `key: Blå nøgle · with: mitid-substantial`, without who did it.
fn detail(json: &str) -> String {
    let detail: serde_json::Map<String, serde_json::Value> = serde_json::from_str(json).unwrap_or_default();
    let told = detail.iter().filter(|(name, _)| !matches!(name.as_str(), "by" | "operator"));
    let parts: Vec<String> = told
        .map(|(name, value)| match value.as_str() {
            Some(text) => format!("{name}: {text}"),
            None => format!("{name}: {value}"),
        })
        .collect();
    parts.join(" · ")
}

fn download(bytes: Vec<u8>, kind: &'static str, name: &str) -> Response {
    let disposition = format!("attachment; filename=\"{name}\"");
    ([(header::CONTENT_TYPE, kind.to_owned()), (header::CONTENT_DISPOSITION, disposition)], bytes)
        .into_response()
}
