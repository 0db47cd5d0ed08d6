//! *En kollega siger god for dig*: a colleague's key, then the unit's, on the tablet of somebody who has just
//! given the right password. The colleague is not signed in by it, and leaves nothing in the browser.

use std::sync::Arc;

use axum::extract::{Form, Query, State};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{is_in, is_open_to, lend_to, not_begun, refuse, units};
use crate::audit::Event;
use crate::authn::ceremony::Purpose;
use crate::authn::throttle::subscriber;
use crate::authn::webauthn::{Asserted, Assertion, AssertionError, Verification};
use crate::authn::{Evidence, Method};
use crate::pages::key::{Finish, ceremony_data, read, refused, tell};
use crate::pages::login::{follow, set_session};
use crate::pages::onward::{self, Destination, Fields, Step};
use crate::pages::reply::{self, see_other};
use crate::pages::view::Question;
use crate::pages::visitor::Visitor;
use crate::pages::{Answer, Pages, view};
use crate::role::Duty;
use crate::session::Session;
use crate::store::{Key, SpareKey, StoreError};
use crate::time::Timestamp;
use crate::user::{User, UserId, Username};

/// The colleague's touch, under way.
#[derive(Serialize, Deserialize)]
struct ColleagueTouch {
    /// Whose signing in it is for.
    sign_in: Uuid,
    unit: String,
    assertion: Assertion,
}

impl Purpose for ColleagueTouch {
    const KIND: &'static str = "colleague-vouching";
}

/// A colleague has vouched: one spare key of the unit may be borrowed.
#[derive(Serialize, Deserialize)]
struct Vouched {
    sign_in: Uuid,
    unit: String,
    colleague: Uuid,
}

impl Purpose for Vouched {
    const KIND: &'static str = "colleague-vouched";
}

/// The spare key's touch, under way.
#[derive(Serialize, Deserialize)]
struct SpareTouch {
    vouched: Vouched,
    assertion: Assertion,
    until: i64,
}

impl Purpose for SpareTouch {
    const KIND: &'static str = "spare-key-borrowing";
}

/// `GET /lend/colleague`
pub async fn ask(State(pages): State<Arc<Pages>>, visitor: Visitor, Query(fields): Query<Fields>) -> Answer {
    match invited(&pages, &visitor, &fields).await? {
        Ok(_) => Ok(reply::html(&question(&pages, &visitor, &fields, None).await?)),
        Err(answer) => Ok(answer),
    }
}

#[derive(Deserialize)]
pub struct Named {
    #[serde(default)]
    colleague: String,
    #[serde(default)]
    unit: String,
    #[serde(flatten)]
    fields: Fields,
}

/// `POST /lend/colleague`
pub async fn begin(State(pages): State<Arc<Pages>>, visitor: Visitor, Form(form): Form<Named>) -> Answer {
    let session = match invited(&pages, &visitor, &form.fields).await? {
        Ok(session) => session,
        Err(answer) => return Ok(answer),
    };
    let destination = Destination::parse(&pages, &form.fields);
    // Whoever knows a password shall not try all names to see who may lend.
    let address = visitor.arrival.address.map(subscriber);
    let slow =
        address.is_some_and(|address| pages.throttles.address.take(address, pages.clock.now()).is_err());
    let Some((colleague, keys)) = able(&pages, &session, &form.colleague).await?.filter(|_| !slow) else {
        let reason = if slow { "throttled" } else { "nobody-who-may" };
        let entry = visitor.entry(Event::ColleagueRefused).with("reason", reason);
        pages.audit.record(entry.with("typed", form.colleague.chars().take(128).collect::<String>())).await;
        let page = question(&pages, &visitor, &form.fields, Some(Question::Refused)).await?;
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, reply::html(&page)).into_response());
    };
    let pin = onward::wants_pin(&pages, &visitor, &destination).await?;
    let verification = if pin { Verification::Required } else { Verification::Discouraged };
    let begun = pages.settings().relying_party.begin_assertion(colleague.id, &keys, verification);
    let (options, assertion) = match begun {
        Ok(begun) => begun,
        Err(error) => return Ok(not_begun(&visitor, &error)),
    };
    let touch = ColleagueTouch { sign_in: session.sign_in.id.0, unit: form.unit, assertion };
    let id = pages.ceremonies.begin(visitor.browser, &touch).await?;
    Ok(reply::html(&view::ColleagueTouch {
        frame: visitor.frame(),
        next: form.fields.carried(),
        ceremony: ceremony_data(&pages, id, &options),
        borrowing: None,
    }))
}

/// `POST /lend/colleague/finish`: the colleague's touch.
pub async fn vouched(
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
    let no = async |reason: &str| refuse(&pages, &visitor, Event::ColleagueRefused, reason).await;
    let taken = pages.ceremonies.take::<ColleagueTouch>(visitor.browser, &message.ceremony).await?;
    let Some(touch) = taken.map(|ceremony| ceremony.finish()) else { return no("ceremony-unknown").await };
    if touch.sign_in != session.sign_in.id.0 {
        return no("another-session").await;
    }
    let colleague = pages.store.user(touch.assertion.user()).await?;
    let able = match &colleague {
        Some(colleague) => able(&pages, &session, colleague.username.as_str()).await?,
        None => None,
    };
    let Some((colleague, keys)) = able else { return no("nobody-who-may").await };
    let asserted = match proven(&pages, touch.assertion, &keys, &message).await? {
        Ok(asserted) => asserted,
        Err(reason) => return no(reason).await,
    };
    if !pages.store.update_key(&asserted.key).await? {
        return no("key-deleted").await;
    }
    let entry = visitor
        .entry_about(Event::ColleagueVouched, &colleague, &session.user)
        .with("for", session.user.username.as_str())
        .with("key", asserted.key.name.as_str())
        .with("user_verified", asserted.evidence.user_verified);
    pages.audit.record(entry).await;
    let vouched = Vouched { sign_in: touch.sign_in, unit: touch.unit, colleague: colleague.id.0 };
    let id = pages.ceremonies.begin(visitor.browser, &vouched).await?;
    let Finish { to, ask, method, parked, .. } = message;
    let next =
        Fields { to, ask, method, parked }.carried().link(&format!("/lend/colleague/key?vouched={id}"));
    Ok(axum::Json(serde_json::json!({ "next": next })).into_response())
}

#[derive(Deserialize)]
pub struct Borrow {
    #[serde(default)]
    vouched: String,
    #[serde(flatten)]
    fields: Fields,
}

/// `GET /lend/colleague/key`: which is lent is found by touching it.
pub async fn spare(State(pages): State<Arc<Pages>>, visitor: Visitor, Query(query): Query<Borrow>) -> Answer {
    let again = query.fields.carried().link("/lend/colleague");
    let taken = pages.ceremonies.take::<Vouched>(visitor.browser, &query.vouched).await?;
    let (Some(vouched), Some(session)) = (taken.map(|ceremony| ceremony.finish()), visitor.session.clone())
    else {
        return Ok(see_other(&again));
    };
    let now = pages.clock.now();
    let term = pages.settings().spare_keys.end(now, None, &session.user);
    let (Ok(until), true) = (term, vouched.sign_in == session.sign_in.id.0) else {
        return Ok(see_other(&again));
    };
    let drawer = in_drawer(&pages, &vouched.unit, now).await?;
    let keys: Vec<Key> = drawer.iter().map(|key| key.lent_to(session.user.id, until)).collect();
    if keys.is_empty() {
        let page = question(&pages, &visitor, &query.fields, Some(Question::NoneLeft)).await?;
        return Ok((StatusCode::CONFLICT, reply::html(&page)).into_response());
    }
    let destination = Destination::parse(&pages, &query.fields);
    let pin = onward::wants_pin(&pages, &visitor, &destination).await?;
    let verification = if pin { Verification::Required } else { Verification::Discouraged };
    let begun = pages.settings().relying_party.begin_assertion(session.user.id, &keys, verification);
    let (options, assertion) = match begun {
        Ok(begun) => begun,
        Err(error) => return Ok(not_begun(&visitor, &error)),
    };
    let touch = SpareTouch { vouched, assertion, until: until.as_millis() };
    let id = pages.ceremonies.begin(visitor.browser, &touch).await?;
    Ok(reply::html(&view::ColleagueTouch {
        frame: visitor.frame(),
        next: query.fields.carried(),
        ceremony: ceremony_data(&pages, id, &options),
        borrowing: Some(until),
    }))
}

/// `POST /lend/colleague/borrow`: the spare key's touch, which lends it and lets its holder in.
pub async fn borrow(
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
    let no = async |reason: &str| refuse(&pages, &visitor, Event::SpareKeyRefused, reason).await;
    let taken = pages.ceremonies.take::<SpareTouch>(visitor.browser, &message.ceremony).await?;
    let Some(touch) = taken.map(|ceremony| ceremony.finish()) else { return no("ceremony-unknown").await };
    let SpareTouch { vouched, assertion, until } = touch;
    if vouched.sign_in != session.sign_in.id.0 {
        return no("another-session").await;
    }
    let Some(colleague) = pages.store.user(UserId(vouched.colleague)).await? else {
        return no("nobody-who-may").await;
    };
    let until = Timestamp::from_millis(until);
    let drawer = in_drawer(&pages, &vouched.unit, pages.clock.now()).await?;
    let keys: Vec<Key> = drawer.iter().map(|key| key.lent_to(session.user.id, until)).collect();
    let asserted = match proven(&pages, assertion, &keys, &message).await? {
        Ok(asserted) => asserted,
        Err(reason) => return no(reason).await,
    };
    let Some(key) = drawer.iter().find(|key| key.credential == asserted.key.credential) else {
        return no("credential-unknown").await;
    };
    let entry = visitor.entry_about(Event::SpareKeyLent, &session.user, &colleague).with("vouched", true);
    if lend_to(&pages, key, (&session.user, until), entry).await?.is_err() {
        return no("not-in-the-drawer").await;
    }
    // The counter is kept before the session is raised: a crash between asks again.
    if !pages.store.update_key(&asserted.key).await? {
        return no("not-in-the-drawer").await;
    }
    let Some(opened) = pages.sessions.raise(&session, Evidence::Key(asserted.evidence)).await? else {
        return no("session-ended").await;
    };
    pages.metrics.ceremony("spare-key", "ok");
    let Finish { to, ask, method, parked, .. } = message;
    let fields = Fields { to, ask, method, parked };
    let visitor = visitor.with(opened.session.clone());
    let destination = Destination::parse(&pages, &fields);
    let step = onward::step_after(&pages, &visitor, &destination, Method::Key).await?;
    let mut response = tell(step, &fields);
    set_session(&mut response, &opened);
    Ok(response)
}

/// Who has given the right password and is short of a key; or where to go instead.
async fn invited(
    pages: &Pages,
    visitor: &Visitor,
    fields: &Fields,
) -> Result<Result<Arc<Session>, Response>, StoreError> {
    let destination = Destination::parse(pages, fields);
    let step = onward::step(pages, visitor, &destination).await?;
    Ok(match (step, &visitor.session) {
        (Step::MitId { .. }, Some(session))
            if session.assurance.password.is_some() && is_open_to(pages, &destination).await? =>
        {
            Ok(session.clone())
        }
        (step, _) => Err(follow(step, fields, &destination)),
    })
}

/// The colleague of that name and their own keys, if they may vouch for whoever is signed in.
async fn able(pages: &Pages, session: &Session, typed: &str) -> Result<Option<(User, Vec<Key>)>, StoreError> {
    let Ok(name) = Username::parse(typed) else { return Ok(None) };
    let name = pages.directory.account(&name).await?;
    let Some(colleague) = pages.store.user_by_name(&name).await? else { return Ok(None) };
    let may = colleague.id != session.user.id
        && colleague.active(pages.clock.now())
        && pages.settings().roles.allow(&colleague.groups, Duty::Lend);
    if !may {
        return Ok(None);
    }
    let mut keys = pages.store.keys(colleague.id).await?;
    keys.retain(|key| !key.suspect);
    Ok((!keys.is_empty()).then_some((colleague, keys)))
}

/// What a touch came to; a key that may be copied is marked.
async fn proven(
    pages: &Pages,
    assertion: Assertion,
    keys: &[Key],
    message: &Finish<'_>,
) -> Result<Result<Asserted, &'static str>, StoreError> {
    let response = message.response.get().as_bytes();
    let party = &pages.settings().relying_party;
    match party.finish_assertion(assertion, keys, response, pages.clock.now()) {
        Ok(asserted) => Ok(Ok(asserted)),
        Err(AssertionError::CounterRegressed { credential }) => {
            let key = keys.iter().find(|key| key.credential == credential);
            match key {
                Some(key) if key.loan.is_none() => {
                    pages.store.update_key(&Key { suspect: true, ..key.clone() }).await?;
                }
                _ => pages.store.suspect_spare_key(&credential).await?,
            }
            Ok(Err("counter-regressed"))
        }
        Err(error) => Ok(Err(error.code())),
    }
}

async fn in_drawer(pages: &Pages, unit: &str, now: Timestamp) -> Result<Vec<SpareKey>, StoreError> {
    let mut keys = pages.store.spare_keys().await?;
    keys.retain(|key| key.unit == unit && is_in(key, now));
    Ok(keys)
}

async fn question(
    pages: &Pages,
    visitor: &Visitor,
    fields: &Fields,
    error: Option<Question>,
) -> Result<view::Colleague, StoreError> {
    let now = pages.clock.now();
    let mut keys = pages.store.spare_keys().await?;
    keys.retain(|key| is_in(key, now));
    Ok(view::Colleague { frame: visitor.frame(), next: fields.carried(), units: units(&keys), error })
}
