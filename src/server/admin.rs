//! The admin listener: `/metrics`, `/health`, `/ready`, and `/audit` for whoever collects security events.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Query, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use http::{HeaderMap, StatusCode, header};
use serde::Deserialize;

use crate::audit::export;
use crate::metrics::Metrics;
use crate::secret::Bearer;
use crate::session::Sessions;
use crate::store::{AuditPosition, AuditQuery, Store};

/// What the admin listener tells.
#[derive(Clone)]
pub(super) struct Admin {
    pub metrics: Arc<Metrics>,
    pub sessions: Arc<Sessions>,
    pub store: Arc<dyn Store>,
    /// What opens `/audit`. Without it there is no such page.
    pub audit_token: Option<Bearer>,
}

pub(super) fn router(admin: Admin) -> Router {
    let router = Router::new()
        .route("/health", get(async || "ok\n"))
        .route("/ready", get(ready))
        .route("/metrics", get(metrics));
    let router = if admin.audit_token.is_some() { router.route("/audit", get(audit)) } else { router };
    router.with_state(admin)
}

async fn ready(State(admin): State<Admin>) -> Response {
    match admin.store.check().await {
        Ok(()) if admin.metrics.policy_reload_failed.get() > 0 => {
            "ready, with a stale policy: its files could not be loaded, see the log\n".into_response()
        }
        Ok(()) => "ready\n".into_response(),
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, format!("{error}\n")).into_response(),
    }
}

async fn metrics(State(admin): State<Admin>) -> Response {
    let Admin { metrics, sessions, .. } = admin;
    let (hits, misses) = sessions.cache_counts();
    for (result, total) in [("hit", hits), ("miss", misses)] {
        let counter = metrics.session_lookups.with_label_values(&[result]);
        counter.inc_by(total.saturating_sub(counter.get()));
    }
    metrics.sessions.set(i64::try_from(sessions.live()).unwrap_or(i64::MAX));
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], metrics.render()).into_response()
}

/// From where on, and how many.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Cursor {
    /// The position of the last row the caller has.
    after: Option<AuditPosition>,
    limit: Option<u32>,
}

const DEFAULT_ROWS: u32 = 1000;
const MOST_ROWS: u32 = 10_000;

/// `GET /audit?after=POSITION&limit=ROWS`: rows of the audit, oldest first, a JSON object a line (see
/// [`export::object`]). The last one's `position` is the next `after`; an empty answer is the end for now.
async fn audit(State(admin): State<Admin>, Query(cursor): Query<Cursor>, headers: HeaderMap) -> Response {
    if !admin.audit_token.is_some_and(|token| token.lets_in(&headers)) {
        let challenge = [(header::WWW_AUTHENTICATE, "Bearer realm=\"audit\"")];
        return (StatusCode::UNAUTHORIZED, challenge, "a token is needed\n").into_response();
    }
    let limit = cursor.limit.unwrap_or(DEFAULT_ROWS).min(MOST_ROWS);
    let query = AuditQuery { after: cursor.after, limit, ..AuditQuery::default() };
    match admin.store.audit(&query).await {
        Ok(rows) => {
            let lines: String = rows.iter().map(|row| format!("{}\n", export::object(row))).collect();
            let head = [(header::CONTENT_TYPE, "application/x-ndjson"), (header::CACHE_CONTROL, "no-store")];
            (head, lines).into_response()
        }
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, format!("{error}\n")).into_response(),
    }
}
