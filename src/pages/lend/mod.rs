//! *Reservenøgler*: a unit's spare keys, in the drawer and out of it.

mod colleague;
mod register;

use std::collections::HashMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Form, Path, Query, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use serde::Deserialize;

use super::duty::on_duty;
use super::onward::Destination;
use super::reply::{self, see_other};
use super::view::{LendError, LendNotice, SpareRow, SpareState};
use super::visitor::Visitor;
use super::{Answer, Pages, view};
use crate::audit::{Entry, Event};
use crate::authn::loan::InvalidTerm;
use crate::date::{clock, next_at};
use crate::role::Duty;
use crate::store::{Lent, SpareKey, StoreError};
use crate::time::Timestamp;
use crate::user::{User, UserId, Username};

pub fn routes() -> Router<Arc<Pages>> {
    Router::new()
        .route("/lend", get(drawer))
        .route("/lend/new", get(register::name).post(register::begin))
        .route("/lend/finish", post(register::finish))
        .route("/lend/colleague", get(colleague::ask).post(colleague::begin))
        .route("/lend/colleague/finish", post(colleague::vouched))
        .route("/lend/colleague/key", get(colleague::spare))
        .route("/lend/colleague/borrow", post(colleague::borrow))
        .route("/lend/{id}", get(ask).post(lend))
        .route("/lend/{id}/return", post(give_back))
        .route("/lend/{id}/remove", get(ask_removal).post(remove))
}

/// Whether a colleague may vouch for somebody on the way there: where there is something to lend, and anybody
/// who may lend it.
pub async fn is_open_to(pages: &Pages, destination: &Destination) -> Result<bool, StoreError> {
    let now = pages.clock.now();
    Ok(matches!(destination, Destination::App { .. })
        && pages.settings().roles.anybody(Duty::Lend)
        && pages.store.spare_keys().await?.iter().any(|key| is_in(key, now)))
}

#[derive(Deserialize)]
pub struct Shown {
    #[serde(default)]
    notice: String,
}

/// `GET /lend`: the drawer.
async fn drawer(State(pages): State<Arc<Pages>>, visitor: Visitor, Query(shown): Query<Shown>) -> Answer {
    if let Err(answer) = on_duty(&pages, &visitor, Duty::Lend, "/lend").await? {
        return Ok(answer);
    }
    let keys = pages.store.spare_keys().await?;
    let now = pages.clock.now();
    let mut holders: HashMap<UserId, User> = HashMap::new();
    for (holder, _) in keys.iter().filter_map(|key| key.out(now)) {
        if let Some(user) = pages.store.user(holder).await? {
            holders.insert(holder, user);
        }
    }
    let row = |key: &SpareKey| SpareRow {
        id: id(key),
        unit: key.unit.clone(),
        name: key.name.clone(),
        used: key.used_at,
        state: match key.out(now) {
            Some((holder, until)) => SpareState::Out {
                holder: holders.get(&holder).map(|user| user.name.clone()).unwrap_or_default(),
                username: holders.get(&holder).map(|user| user.username.to_string()).unwrap_or_default(),
                until,
            },
            None if key.suspect => SpareState::Suspect,
            None => SpareState::In,
        },
    };
    let notice = match shown.notice.as_str() {
        "added" => Some(LendNotice::Added),
        "lent" => Some(LendNotice::Lent),
        "returned" => Some(LendNotice::Returned),
        "removed" => Some(LendNotice::Removed),
        _ => None,
    };
    Ok(reply::html(&view::Drawer { frame: visitor.frame(), keys: keys.iter().map(row).collect(), notice }))
}

/// `GET /lend/{id}`: to whom, and until when.
async fn ask(State(pages): State<Arc<Pages>>, visitor: Visitor, Path(id): Path<String>) -> Answer {
    let key = match on_duty(&pages, &visitor, Duty::Lend, &format!("/lend/{id}")).await? {
        Ok(_) => found(&pages, &id).await?,
        Err(answer) => return Ok(answer),
    };
    let Some(key) = key else { return Ok(visitor.error(StatusCode::NOT_FOUND)) };
    let terms = pages.settings().spare_keys;
    let usual = pages.clock.now().plus(terms.usual.min(terms.longest));
    Ok(reply::html(&lend_page(&pages, &visitor, &key, ("", &clock(usual)), None)))
}

#[derive(Deserialize)]
pub struct Loan {
    #[serde(default)]
    username: String,
    /// A time of day, `15:30`; the next there is.
    #[serde(default)]
    until: String,
}

/// `POST /lend/{id}`
async fn lend(
    State(pages): State<Arc<Pages>>,
    visitor: Visitor,
    Path(id): Path<String>,
    Form(form): Form<Loan>,
) -> Answer {
    let session = match on_duty(&pages, &visitor, Duty::Lend, &format!("/lend/{id}")).await? {
        Ok(session) => session,
        Err(answer) => return Ok(answer),
    };
    let Some(key) = found(&pages, &id).await? else { return Ok(visitor.error(StatusCode::NOT_FOUND)) };
    let lent = match term(&pages, &session.user, &form).await? {
        Ok((holder, until)) => {
            let entry = visitor.entry_about(Event::SpareKeyLent, &holder, &session.user);
            lend_to(&pages, &key, (&holder, until), entry).await?
        }
        Err(error) => Err(error),
    };
    Ok(match lent {
        Ok(()) => see_other("/lend?notice=lent"),
        Err(error) => {
            let page = lend_page(&pages, &visitor, &key, (&form.username, &form.until), Some(error));
            (StatusCode::UNPROCESSABLE_ENTITY, reply::html(&page)).into_response()
        }
    })
}

/// To whom, and until when.
async fn term(
    pages: &Pages,
    lender: &User,
    form: &Loan,
) -> Result<Result<(User, Timestamp), LendError>, StoreError> {
    let Ok(name) = Username::parse(&form.username) else { return Ok(Err(LendError::Unknown)) };
    let name = pages.directory.account(&name).await?;
    let Some(holder) = pages.store.user_by_name(&name).await? else { return Ok(Err(LendError::Unknown)) };
    let now = pages.clock.now();
    if !holder.active(now) {
        return Ok(Err(LendError::Closed));
    }
    if holder.id == lender.id {
        return Ok(Err(LendError::Oneself));
    }
    let Some(asked) = next_at(&form.until, now) else { return Ok(Err(LendError::Time)) };
    Ok(match pages.settings().spare_keys.end(now, Some(asked), &holder) {
        Ok(until) => Ok((holder, until)),
        Err(InvalidTerm::TooLong(_)) => Err(LendError::TooLong),
        Err(InvalidTerm::Past) => Err(LendError::Time),
    })
}

/// Lends the key, and tells of it in `entry`; or says what the lender may know.
async fn lend_to(
    pages: &Pages,
    key: &SpareKey,
    (holder, until): (&User, Timestamp),
    entry: Entry,
) -> Result<Result<(), LendError>, StoreError> {
    let told = entry.with("key", key.label()).with("until", until.to_rfc3339()).into_record();
    let term = (pages.clock.now(), until);
    Ok(match pages.store.lend_spare_key(&key.credential, holder.id, term, &told).await? {
        Lent::Lent => {
            pages.audit.written(&told);
            Ok(())
        }
        Lent::Out => Err(LendError::Out),
        Lent::Suspect => Err(LendError::Suspect),
        Lent::Gone => Err(LendError::Unknown),
    })
}

/// `POST /lend/{id}/return`: what the key opened is closed.
async fn give_back(State(pages): State<Arc<Pages>>, visitor: Visitor, Path(id): Path<String>) -> Answer {
    let session = match on_duty(&pages, &visitor, Duty::Lend, "/lend").await? {
        Ok(session) => session,
        Err(answer) => return Ok(answer),
    };
    let now = pages.clock.now();
    let Some(key) = found(&pages, &id).await? else { return Ok(visitor.error(StatusCode::NOT_FOUND)) };
    if let Some((holder, _)) = key.out(now)
        && let Some(holder) = pages.store.user(holder).await?
    {
        let entry = visitor.entry_about(Event::SpareKeyReturned, &holder, &session.user);
        let told = entry.with("key", key.label()).into_record();
        if pages.store.return_spare_key(&key.credential, holder.id, now, &told).await? {
            pages.audit.written(&told);
            pages.sessions.end_all(&holder, None).await?;
        }
    }
    // It is in the drawer now, whoever put it there.
    Ok(see_other("/lend?notice=returned"))
}

/// `GET /lend/{id}/remove`
async fn ask_removal(State(pages): State<Arc<Pages>>, visitor: Visitor, Path(id): Path<String>) -> Answer {
    let key = match on_duty(&pages, &visitor, Duty::Lend, &format!("/lend/{id}/remove")).await? {
        Ok(_) => found(&pages, &id).await?,
        Err(answer) => return Ok(answer),
    };
    let Some(key) = key else { return Ok(visitor.error(StatusCode::NOT_FOUND)) };
    Ok(reply::html(&view::SpareRemove { frame: visitor.frame(), id, label: key.label() }))
}

/// `POST /lend/{id}/remove`: a key that is lost, broken or suspect.
async fn remove(State(pages): State<Arc<Pages>>, visitor: Visitor, Path(id): Path<String>) -> Answer {
    if let Err(answer) = on_duty(&pages, &visitor, Duty::Lend, &format!("/lend/{id}/remove")).await? {
        return Ok(answer);
    }
    let Some(key) = found(&pages, &id).await? else { return Ok(visitor.error(StatusCode::NOT_FOUND)) };
    let told = visitor.entry(Event::SpareKeyRemoved).with("key", key.label()).into_record();
    if pages.store.remove_spare_key(&key.credential, &told).await? {
        pages.audit.written(&told);
        if let Some((holder, _)) = key.out(pages.clock.now())
            && let Some(holder) = pages.store.user(holder).await?
        {
            pages.sessions.end_all(&holder, None).await?;
        }
    }
    Ok(see_other("/lend?notice=removed"))
}

fn lend_page(
    pages: &Pages,
    visitor: &Visitor,
    key: &SpareKey,
    (username, until): (&str, &str),
    error: Option<LendError>,
) -> view::LendKey {
    view::LendKey {
        frame: visitor.frame(),
        id: id(key),
        label: key.label(),
        username: username.to_owned(),
        until: until.to_owned(),
        hours: pages.settings().spare_keys.longest.as_secs() / 3600,
        error,
    }
}

fn id(key: &SpareKey) -> String {
    URL_SAFE_NO_PAD.encode(&key.credential.0)
}

async fn found(pages: &Pages, wanted: &str) -> Result<Option<SpareKey>, StoreError> {
    Ok(pages.store.spare_keys().await?.into_iter().find(|key| id(key) == wanted))
}

/// In the drawer, and fit to be lent.
fn is_in(key: &SpareKey, now: Timestamp) -> bool {
    key.out(now).is_none() && !key.suspect
}

/// Their names, each once.
fn units(keys: &[SpareKey]) -> Vec<String> {
    let mut units: Vec<String> = keys.iter().map(|key| key.unit.clone()).collect();
    units.dedup();
    units
}

/// A refusal for `webauthn.js`, and why in the audit.
async fn refuse(pages: &Pages, visitor: &Visitor, event: Event, reason: &str) -> Answer {
    pages.metrics.ceremony("spare-key", "refused");
    pages.audit.record(visitor.entry(event).with("reason", reason)).await;
    Ok(super::key::refused(visitor, StatusCode::BAD_REQUEST))
}

/// No ceremony can begin: the log says why.
fn not_begun(visitor: &Visitor, error: &crate::authn::webauthn::BeginError) -> Response {
    tracing::error!(%error, "no ceremony can begin");
    visitor.error(StatusCode::INTERNAL_SERVER_ERROR)
}
