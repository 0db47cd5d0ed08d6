//! *Log ind med MitID*: to the broker, and back with a person.

use std::sync::Arc;
use std::time::Duration;

use axum::Form;
use axum::extract::{RawQuery, State};
use axum::response::IntoResponse as _;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::attempt;
use super::login::browser::recognised;
use super::login::{follow, set_session, sign_in};
use super::onward::{self, Destination, Fields, Step};
use super::password::RESET_LEVEL;
use super::reply::{self, add_cookie, see_other};
use super::view::MitIdRefusal;
use super::visitor::Visitor;
use super::{Answer, Pages, view};
use crate::audit::{Entry, Event};
use crate::authn::ceremony::Purpose;
use crate::authn::mitid::{Ask, Identity, MitIdError, Pending, Refusal};
use crate::authn::{Evidence, Method, MitIdLevel};
use crate::session::cookie::{self, Keep};
use crate::store::StoreError;
use crate::user::User;

/// A login under way at the broker.
#[derive(Serialize, Deserialize)]
struct AtBroker {
    pending: Pending,
    /// The signing in that asked, if there was one: then it must be that person who comes back.
    sign_in: Option<Uuid>,
    to: String,
    ask: String,
    method: String,
    parked: String,
}

impl Purpose for AtBroker {
    const KIND: &'static str = "mitid";
    /// A person may have to find their phone.
    const LIFETIME: Duration = Duration::from_secs(15 * 60);
}

#[derive(Deserialize)]
pub struct Begin {
    /// Not empty: the password is forgotten or locked, and a new one may be chosen afterwards.
    #[serde(default)]
    reset: String,
    #[serde(flatten)]
    fields: Fields,
}

/// `POST /mitid`
pub async fn begin(State(pages): State<Arc<Pages>>, visitor: Visitor, Form(begin): Form<Begin>) -> Answer {
    let fields = match begin.reset.is_empty() {
        true => begin.fields,
        false => Fields::own(&pages, &begin.fields.carried().link("/me/password")),
    };
    let settings = pages.settings();
    let Some(mitid) = &settings.mitid else { return Ok(visitor.error(StatusCode::NOT_FOUND)) };
    let destination = Destination::parse(&pages, &fields);
    let (level, purpose) = match onward::step(&pages, &visitor, &destination).await? {
        Step::MitId { level, .. } => (level, None),
        Step::Key { purpose, .. } => (None, purpose),
        _ => (None, None),
    };
    let for_password = if destination.changes_password() { RESET_LEVEL } else { MitIdLevel::Low };
    let language = visitor.lang.tag();
    let words = purpose.map(|text| visitor.words(&text));
    let ask = Ask {
        level: level.unwrap_or(MitIdLevel::Low).max(settings.mitid_level).max(for_password),
        language,
        reference_text: words.as_deref(),
    };
    let (url, pending) = match mitid.begin(&ask).await {
        Ok(begun) => begun,
        Err(error) => return failed(&pages, &visitor, &fields, error).await,
    };
    let state = url.query_pairs().find(|(name, _)| name == "state").map(|(_, value)| value.into_owned());
    let Some(state) = state else { return Ok(visitor.error(StatusCode::INTERNAL_SERVER_ERROR)) };
    let sign_in = visitor.session.as_ref().map(|session| session.sign_in.id.0);
    let Fields { to, ask, method, parked } = fields;
    let at_broker = AtBroker { pending, sign_in, to, ask, method, parked };
    pages.ceremonies.begin_as(visitor.browser, &state, &at_broker).await?;
    Ok(see_other(url.as_str()))
}

/// `GET /mitid/callback`
pub async fn callback(
    State(pages): State<Arc<Pages>>,
    visitor: Visitor,
    RawQuery(query): RawQuery,
) -> Answer {
    let query = query.unwrap_or_default();
    let settings = pages.settings();
    let Some(mitid) = &settings.mitid else { return Ok(visitor.error(StatusCode::NOT_FOUND)) };
    // Unknown, used, old or another browser's: no token is asked for.
    let taken = match state(&query) {
        Some(state) => pages.ceremonies.take::<AtBroker>(visitor.browser, &state).await?,
        None => None,
    };
    let Some(at_broker) = taken.map(|ceremony| ceremony.finish()) else {
        return refuse(&pages, &visitor, &Fields::default(), "callback-unknown", MitIdRefusal::Expired).await;
    };
    let AtBroker { pending, sign_in: began, to, ask, method, parked } = at_broker;
    let fields = Fields { to, ask, method, parked };
    if began != visitor.session.as_ref().map(|session| session.sign_in.id.0) {
        return refuse(&pages, &visitor, &fields, "another-session", MitIdRefusal::Expired).await;
    }
    let asked = pending.level();
    let identity = match mitid.finish(pending, &query).await {
        Ok(identity) => identity,
        Err(MitIdError::Refused(Refusal::LevelTooLow | Refusal::LevelMissing | Refusal::LevelUnknown)) => {
            let why = MitIdRefusal::LevelTooLow { needed: asked, returned: None };
            return refuse(&pages, &visitor, &fields, "level-too-low", why).await;
        }
        Err(error) => return failed(&pages, &visitor, &fields, error).await,
    };
    let user = match person(&pages, &visitor, &identity).await? {
        Ok(user) => user,
        Err((reason, why)) => return refuse(&pages, &visitor, &fields, reason, why).await,
    };
    welcome(&pages, &visitor, &fields, user, identity).await
}

/// The person the broker vouched for: the one who is signed in, if somebody is.
async fn person(
    pages: &Pages,
    visitor: &Visitor,
    identity: &Identity,
) -> Result<Result<User, (&'static str, MitIdRefusal)>, StoreError> {
    let subject = &identity.evidence.subject;
    let bound = pages.store.user_by_mitid(subject).await?;
    let hash = identity.cpr.as_ref().map(|cpr| pages.keys.cpr_hash(cpr));
    let user = match (&visitor.session, bound) {
        (Some(session), Some(bound)) if bound.id == session.user.id => bound,
        (Some(_), Some(_)) => return Ok(Err(("wrong-person", MitIdRefusal::WrongPerson))),
        // Not bound yet, or with a new MitID: the CPR number has to say that it is the same person.
        (Some(session), None) if hash.is_some() && hash == session.user.cpr => (*session.user).clone(),
        // Nobody can say whose it is; that is no sign of a wrong person, and only we can mend it.
        (Some(session), None) if hash.is_none() || session.user.cpr.is_none() => {
            return Ok(Err(("no-cpr", MitIdRefusal::UnknownPerson)));
        }
        (Some(_), None) => return Ok(Err(("wrong-person", MitIdRefusal::WrongPerson))),
        (None, Some(bound)) => bound,
        (None, None) => {
            let Some(hash) = &hash else { return Ok(Err(("unknown-person", MitIdRefusal::UnknownPerson))) };
            let mut users = pages.store.users_by_cpr(hash).await?;
            users.retain(|user| user.active(visitor.arrival.at));
            match users.pop() {
                // With several accounts, which one is for the user name to say.
                Some(only) if users.is_empty() => only,
                _ => return Ok(Err(("unknown-person", MitIdRefusal::UnknownPerson))),
            }
        }
    };
    if !user.active(visitor.arrival.at) {
        return Ok(Err(("account-inactive", MitIdRefusal::UnknownPerson)));
    }
    let known = pages.store.mitid_subject(user.id, &subject.issuer).await?;
    if known.as_ref() != Some(subject) {
        if !pages.store.bind_mitid(user.id, subject, visitor.arrival.at).await? {
            return Ok(Err(("wrong-person", MitIdRefusal::WrongPerson)));
        }
        let entry = Entry::new(Event::MitIdBound, &visitor.origin()).user(&user);
        pages.audit.record(entry.with("replaces", known.is_some())).await;
    }
    Ok(Ok(user))
}

/// Signed in, or more surely so than before; on to *Min identitet* for somebody who has no key yet.
async fn welcome(
    pages: &Pages,
    visitor: &Visitor,
    fields: &Fields,
    user: User,
    identity: Identity,
) -> Answer {
    pages.metrics.ceremony("mitid", "ok");
    let entry = Entry::new(Event::MitIdVerified, &visitor.origin())
        .user(&user)
        .with("level", identity.evidence.level.name())
        .with("transaction", identity.transaction.as_deref().unwrap_or_default());
    pages.audit.record(entry).await;
    attempt::proven(pages, visitor, &user).await?;
    let keyless = pages.store.keys(user.id).await?.is_empty();
    let evidence = Evidence::MitId(identity.evidence);
    let opened = match &visitor.session {
        // As with a key: what was ended meanwhile is not begun again behind somebody's back.
        Some(session) => match pages.sessions.raise(session, evidence).await? {
            Some(opened) => opened,
            None => return refuse(pages, visitor, fields, "session-ended", MitIdRefusal::Expired).await,
        },
        None => sign_in(pages, visitor, user.clone(), evidence).await?,
    };
    let device = recognised(pages, visitor, &user).await?;
    let destination = Destination::parse(pages, fields);
    let mut response = match keyless && !destination.changes_password() {
        true => see_other(&fields.carried().link("/me")),
        false => {
            let visitor = visitor.with(opened.session.clone());
            let step = onward::step_after(pages, &visitor, &destination, Method::MitId).await?;
            follow(step, fields, &destination)
        }
    };
    set_session(&mut response, &opened);
    add_cookie(&mut response, cookie::DEVICE, &device.value(), Keep::Year);
    Ok(response)
}

/// The broker did not do its part, or the person stopped.
async fn failed(pages: &Pages, visitor: &Visitor, fields: &Fields, error: MitIdError) -> Answer {
    match error {
        MitIdError::Aborted => {
            pages.metrics.ceremony("mitid", "aborted");
            pages.audit.record(visitor.entry(Event::MitIdAborted)).await;
            let (frame, next) = (visitor.frame(), fields.carried());
            let key = has_key(pages, visitor).await?;
            Ok(reply::html(&view::MitIdAborted { frame, next, key }))
        }
        MitIdError::Unavailable(outage) => {
            tracing::warn!(%outage, "the MitID broker cannot be used");
            refuse(pages, visitor, fields, error.code(), MitIdRefusal::Unavailable).await
        }
        MitIdError::Refused(_) => refuse(pages, visitor, fields, error.code(), MitIdRefusal::Expired).await,
    }
}

async fn refuse(
    pages: &Pages,
    visitor: &Visitor,
    fields: &Fields,
    reason: &str,
    why: MitIdRefusal,
) -> Answer {
    pages.metrics.ceremony("mitid", if why == MitIdRefusal::Unavailable { "unavailable" } else { "refused" });
    pages.audit.record(visitor.entry(Event::MitIdRefused).with("reason", reason)).await;
    let (frame, next) = (visitor.frame_with_code(), fields.carried());
    let page = view::MitIdRefused { frame, next, why, key: has_key(pages, visitor).await? };
    let status = match why {
        MitIdRefusal::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        MitIdRefusal::Expired => StatusCode::BAD_REQUEST,
        _ => StatusCode::FORBIDDEN,
    };
    Ok((status, reply::html(&page)).into_response())
}

/// Whether a key is another way on.
async fn has_key(pages: &Pages, visitor: &Visitor) -> Result<bool, StoreError> {
    let Some(session) = &visitor.session else { return Ok(false) };
    Ok(pages.store.keys(session.user.id).await?.iter().any(|key| !key.suspect))
}

/// The callback's state, if it is there once.
fn state(query: &str) -> Option<String> {
    let mut states = form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name == "state");
    let state = states.next()?.1.into_owned();
    states.next().is_none().then_some(state)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_given_twice_is_none() {
        assert_eq!(state("code=1&state=a").as_deref(), Some("a"));
        assert_eq!(state("state=a&state=a"), None);
        assert_eq!(state(""), None);
    }
}
