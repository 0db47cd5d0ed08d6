//! The second factor: a touch of a registered key, or the way there for somebody who has none.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{Query, State};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

use super::attempt;
use super::login::{follow, set_session};
use super::onward::{self, Destination, Fields, Step};
use super::visitor::Visitor;
use super::{Answer, Pages, Unavailable, lend, reply, view};
use crate::audit::{Entry, Event};
use crate::authn::ceremony::Purpose;
use crate::authn::webauthn::{Asserted, Assertion, AssertionError, Verification};
use crate::authn::{Evidence, Method};
use crate::session::{Opened, Session};
use crate::store::{Key, StoreError};
use crate::user::User;

/// An assertion under way.
#[derive(Serialize, Deserialize)]
struct Touch {
    sign_in: Uuid,
    assertion: Assertion,
    /// The request that the touch approves: what the page showed, whatever the script says later.
    parked: String,
}

impl Purpose for Touch {
    const KIND: &'static str = "key-assertion";
}

/// What `webauthn.js` posts: the response stays the bytes that came, for our own strict reading.
#[derive(Deserialize)]
pub struct Finish<'a> {
    pub ceremony: String,
    #[serde(borrow)]
    pub response: &'a RawValue,
    #[serde(default)]
    pub to: String,
    #[serde(default)]
    pub ask: String,
    #[serde(default)]
    pub method: String,
    #[serde(default)]
    pub parked: String,
}

/// `GET /key`
pub async fn show(State(pages): State<Arc<Pages>>, visitor: Visitor, Query(fields): Query<Fields>) -> Answer {
    let destination = Destination::parse(&pages, &fields);
    let step = onward::step(&pages, &visitor, &destination).await?;
    let Some(session) = visitor.session.clone() else {
        return Ok(follow(step, &fields, &destination));
    };
    match step {
        Step::Key { pin, mitid, purpose, once } => {
            let keys = onward::usable_keys(&pages, &session, &destination).await?;
            let verification = if pin { Verification::Required } else { Verification::Discouraged };
            let begun = pages.settings().relying_party.begin_assertion(session.user.id, &keys, verification);
            let (options, assertion) = match begun {
                Ok(begun) => begun,
                Err(error) => {
                    tracing::error!(%error, "no assertion can begin");
                    return Ok(visitor.error(StatusCode::INTERNAL_SERVER_ERROR));
                }
            };
            let touch = Touch { sign_in: session.sign_in.id.0, assertion, parked: fields.parked.clone() };
            let id = pages.ceremonies.begin(visitor.browser, &touch).await?;
            Ok(reply::html(&view::KeyPrompt {
                frame: visitor.frame(),
                next: fields.carried(),
                ceremony: ceremony_data(&pages, id, &options),
                app: destination.title(&visitor),
                purpose: purpose.map(|text| visitor.words(&text)),
                once,
                mitid,
            }))
        }
        Step::MitId { .. } => Ok(reply::html(&view::NoKeys {
            frame: visitor.frame(),
            next: fields.carried(),
            mitid: pages.settings().mitid.is_some(),
            colleague: lend::is_open_to(&pages, &destination).await?,
            error: None,
        })),
        step => Ok(follow(step, &fields, &destination)),
    }
}

/// `POST /key/finish`
pub async fn finish(
    State(pages): State<Arc<Pages>>,
    visitor: Visitor,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    let message = match read(&headers, &body) {
        Ok(message) => message,
        Err(status) => return Ok(refused(&visitor, status)),
    };
    let Some(session) = visitor.session.clone() else {
        return Ok(refused(&visitor, StatusCode::UNAUTHORIZED));
    };
    let taken = pages.ceremonies.take::<Touch>(visitor.browser, &message.ceremony).await?;
    let Some(Touch { sign_in: began, assertion, parked }) = taken.map(|ceremony| ceremony.finish()) else {
        return refuse(&pages, &visitor, &session, "ceremony-unknown").await;
    };
    if began != session.sign_in.id.0 {
        return refuse(&pages, &visitor, &session, "another-session").await;
    }
    let Finish { to, ask, method, .. } = &message;
    let fields = Fields { to: to.clone(), ask: ask.clone(), method: method.clone(), parked };
    let destination = Destination::parse(&pages, &fields);
    let keys = onward::usable_keys(&pages, &session, &destination).await?;
    let response = message.response.get().as_bytes();
    let opened = match touched(&pages, &visitor, &session, (assertion, &keys), response).await? {
        Ok(opened) => opened,
        Err(refusal) => return Ok(refusal),
    };
    let visitor = visitor.with(opened.session.clone());
    let step = onward::step_after(&pages, &visitor, &destination, Method::Key).await?;
    let mut response = tell(step, &fields);
    set_session(&mut response, &opened);
    Ok(response)
}

/// The key's answer to `assertion`, and the session with that touch; or what is said where it is no answer.
pub async fn touched(
    pages: &Pages,
    visitor: &Visitor,
    session: &Session,
    (assertion, keys): (Assertion, &[Key]),
    response: &[u8],
) -> Result<Result<Opened, Response>, Unavailable> {
    let asserted = match proven(pages, visitor, &session.user, (assertion, keys), response).await? {
        Ok(asserted) => asserted,
        Err(reason) => return refuse(pages, visitor, session, reason).await.map(Err),
    };
    // A touch adds to a session; it never makes one. One that was ended meanwhile stays so.
    let evidence = Evidence::Key(asserted.evidence.clone());
    let Some(opened) = pages.sessions.raise(session, evidence).await? else {
        return refuse(pages, visitor, session, "session-ended").await.map(Err);
    };
    pages.audit.record(verified(visitor, &session.user, &asserted)).await;
    attempt::proven(pages, visitor, &session.user).await?;
    pages.metrics.ceremony("key", "ok");
    Ok(Ok(opened))
}

/// What the person's key says to `assertion`, its counter kept; or why it says nothing. A key that may have been
/// copied is marked.
pub async fn proven(
    pages: &Pages,
    visitor: &Visitor,
    user: &User,
    (assertion, keys): (Assertion, &[Key]),
    response: &[u8],
) -> Result<Result<Asserted, &'static str>, StoreError> {
    let finished =
        pages.settings().relying_party.finish_assertion(assertion, keys, response, pages.clock.now());
    let asserted = match finished {
        Ok(asserted) => asserted,
        Err(AssertionError::CounterRegressed { credential }) => {
            if let Some(key) = keys.iter().find(|key| key.credential == credential) {
                pages.store.update_key(&Key { suspect: true, ..key.clone() }).await?;
            }
            pages.audit.record(Entry::new(Event::KeySuspect, &visitor.origin()).user(user)).await;
            return Ok(Err("counter-regressed"));
        }
        Err(error) => return Ok(Err(error.code())),
    };
    // The counter is kept before the touch counts: a crash between asks again.
    if !pages.store.update_key(&asserted.key).await? {
        return Ok(Err("key-deleted"));
    }
    pages.store.note_key_use(user.id, &asserted.key.credential, visitor.arrival.address).await?;
    Ok(Ok(asserted))
}

/// The audit's record of a touch that counts.
pub fn verified(visitor: &Visitor, user: &User, asserted: &Asserted) -> Entry {
    let entry = Entry::new(Event::KeyVerified, &visitor.origin())
        .user(user)
        .with("key", asserted.key.name.as_str())
        .with("user_verified", asserted.evidence.user_verified)
        .with("with", asserted.key.registered_with.name());
    match asserted.key.loan {
        Some(loan) => entry.with("lent_until", loan.until.to_rfc3339()),
        None => entry,
    }
}

/// The JSON that tells the script where to go.
pub fn tell(step: Step, fields: &Fields) -> Response {
    let url = match step {
        Step::Go(url) => url,
        // A key without a PIN where one was asked for: the page is shown again and says so.
        _ => fields.carried().link("/key"),
    };
    axum::Json(serde_json::json!({ "next": url })).into_response()
}

/// A message of `webauthn.js`: JSON, and said to be; or the status of the refusal.
pub fn read<'a>(headers: &HeaderMap, body: &'a Bytes) -> Result<Finish<'a>, StatusCode> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let json =
        kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"));
    if !json || headers.contains_key(header::CONTENT_ENCODING) {
        return Err(StatusCode::UNSUPPORTED_MEDIA_TYPE);
    }
    serde_json::from_slice(body).map_err(|_| StatusCode::BAD_REQUEST)
}

/// One outward answer, whatever the reason: the reason is in the audit, under the code shown.
pub fn refused(visitor: &Visitor, status: StatusCode) -> Response {
    let body = serde_json::json!({
        "message": visitor.texts().webauthn.refused,
        "code": visitor.arrival.correlation,
    });
    (status, axum::Json(body)).into_response()
}

/// What the page hands to `webauthn.js`.
pub fn ceremony_data(pages: &Pages, id: String, options: &str) -> view::CeremonyData {
    let policy = pages.policy.load();
    let hosts = policy.apps().iter().filter_map(|app| app.exact_host());
    let allowed = hosts.map(|host| pages.public.origin(host)).collect();
    // The page takes what is inside `publicKey`, as the browser's own parser does.
    let options = serde_json::from_str::<HashMap<&str, &RawValue>>(options)
        .ok()
        .and_then(|outer| outer.get("publicKey").map(|inner| inner.get().to_owned()))
        .unwrap_or_default();
    view::CeremonyData { id, options, allowed }
}

async fn refuse(pages: &Pages, visitor: &Visitor, session: &Session, reason: &str) -> Answer {
    pages.metrics.ceremony("key", "refused");
    let entry = Entry::new(Event::KeyRefused, &visitor.origin()).user(&session.user).with("reason", reason);
    pages.audit.record(entry).await;
    Ok(refused(visitor, StatusCode::BAD_REQUEST))
}
