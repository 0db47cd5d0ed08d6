//! *Tilføj hardwarenøgle*: a name, a touch, and the key is the person's.

use std::sync::Arc;

use axum::Form;
use axum::extract::{Query, State};
use axum::response::IntoResponse as _;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::key::{Finish, ceremony_data, read, refused};
use super::login::follow;
use super::onward::{self, Destination, Fields, Step};
use super::reply::{self, add_cookie, see_other};
use super::view::{CodeError, KeyNewError};
use super::visitor::Visitor;
use super::{Answer, Pages, client, lend, view};
use crate::audit::{Entry, Event};
use crate::authn::ceremony::Purpose;
use crate::authn::code::Code;
use crate::authn::webauthn::{Registration, Verification};
use crate::session::Session;
use crate::session::cookie::{self, Keep};
use crate::store::{Key, KeyAdded, RegisteredWith, StoreError, TokenHash};

/// Keys a person may have.
const MAX_KEYS: usize = 20;

/// A registration under way.
#[derive(Serialize, Deserialize)]
struct NewKey {
    sign_in: Uuid,
    name: String,
    registration: Registration,
    /// The one-time code that vouches for it, spent when the key is stored.
    code: Option<[u8; 32]>,
}

impl Purpose for NewKey {
    const KIND: &'static str = "key-registration";
}

/// What allows somebody to register a key.
enum Voucher {
    SecondFactor,
    Code(TokenHash),
}

/// `POST /code`: a one-time code from the service desk.
pub async fn code(State(pages): State<Arc<Pages>>, visitor: Visitor, Form(form): Form<CodeForm>) -> Answer {
    let Some(session) = &visitor.session else { return Ok(see_other(&form.fields.carried().link("/login"))) };
    let code = Code::parse(&form.code).ok();
    let now = pages.clock.now();
    let live = match &code {
        Some(code) => pages.store.code_is_live(session.user.id, &code.hash(), now).await?,
        None => false,
    };
    let (true, Some(code)) = (live, code) else {
        pages.audit.record(Entry::new(Event::CodeRefused, &visitor.origin()).user(&session.user)).await;
        let page = view::NoKeys {
            frame: visitor.frame(),
            next: form.fields.carried(),
            mitid: pages.settings().mitid.is_some(),
            colleague: lend::is_open_to(&pages, &Destination::parse(&pages, &form.fields)).await?,
            error: Some(CodeError::Wrong),
        };
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, reply::html(&page)).into_response());
    };
    let mut response = see_other(&form.fields.carried().link("/keys/new"));
    add_cookie(&mut response, cookie::CODE, &code.to_string(), Keep::Session);
    Ok(response)
}

#[derive(Deserialize)]
pub struct CodeForm {
    #[serde(default)]
    code: String,
    #[serde(flatten)]
    fields: Fields,
}

/// `GET /keys/new`
pub async fn name(
    State(pages): State<Arc<Pages>>,
    visitor: Visitor,
    headers: HeaderMap,
    Query(fields): Query<Fields>,
) -> Answer {
    let Some(session) = &visitor.session else { return to_second_factor(&pages, &visitor).await };
    if voucher(&pages, &visitor, session, &headers).await?.is_none() {
        return to_second_factor(&pages, &visitor).await;
    }
    Ok(reply::html(&name_page(&visitor, &fields, "", None)))
}

/// `POST /keys/new`
pub async fn begin(
    State(pages): State<Arc<Pages>>,
    visitor: Visitor,
    headers: HeaderMap,
    Form(form): Form<NameForm>,
) -> Answer {
    let Some(session) = &visitor.session else { return to_second_factor(&pages, &visitor).await };
    let Some(voucher) = voucher(&pages, &visitor, session, &headers).await? else {
        return to_second_factor(&pages, &visitor).await;
    };
    let keys = pages.store.keys(session.user.id).await?;
    let name = match clean_name(&form.name) {
        Some(name) if keys.len() < MAX_KEYS => Ok(name),
        Some(_) => Err(KeyNewError::TooMany),
        None => Err(KeyNewError::NameLength),
    };
    let name = match name {
        Ok(name) => name,
        Err(error) => {
            let page = name_page(&visitor, &form.fields, &form.name, Some(error));
            return Ok((StatusCode::UNPROCESSABLE_ENTITY, reply::html(&page)).into_response());
        }
    };
    let begun =
        pages.settings().relying_party.begin_registration(&session.user, &keys, Verification::Discouraged);
    let (options, registration) = match begun {
        Ok(begun) => begun,
        Err(error) => {
            tracing::error!(%error, "no registration can begin");
            return Ok(visitor.error(StatusCode::INTERNAL_SERVER_ERROR));
        }
    };
    let code = match voucher {
        Voucher::Code(hash) => Some(hash.0),
        Voucher::SecondFactor => None,
    };
    let new = NewKey { sign_in: session.sign_in.id.0, name: name.clone(), registration, code };
    let id = pages.ceremonies.begin(visitor.browser, &new).await?;
    Ok(reply::html(&view::KeyRegister {
        frame: visitor.frame(),
        next: form.fields.carried(),
        ceremony: ceremony_data(&pages, id, &options),
        name,
    }))
}

#[derive(Deserialize)]
pub struct NameForm {
    #[serde(default)]
    name: String,
    #[serde(flatten)]
    fields: Fields,
}

/// `POST /keys/finish`
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
    let taken = pages.ceremonies.take::<NewKey>(visitor.browser, &message.ceremony).await?;
    let Some(new) = taken.map(|ceremony| ceremony.finish()) else {
        return refuse(&pages, &visitor, &session, "ceremony-unknown").await;
    };
    if new.sign_in != session.sign_in.id.0 {
        return refuse(&pages, &visitor, &session, "another-session").await;
    }
    let registered_with = match (new.code, second_factor(&pages, &session, &visitor).await?) {
        (Some(code), _) => match pages.store.papers_of_code(session.user.id, &TokenHash(code)).await? {
            Some(level) => RegisteredWith::Papers(level),
            None => RegisteredWith::Code,
        },
        (None, Some(with)) => with,
        (None, None) => return refuse(&pages, &visitor, &session, "second-factor-stale").await,
    };
    let response = message.response.get().as_bytes();
    let credential =
        pages.settings().relying_party.finish_registration(new.registration, session.user.id, response);
    let credential = match credential {
        Ok(credential) => credential,
        Err(refusal) => return refuse(&pages, &visitor, &session, refusal.code()).await,
    };
    let key = Key {
        credential: credential.credential,
        user: session.user.id,
        name: new.name,
        passkey: credential.passkey,
        registered_at: pages.clock.now(),
        registered_with,
        used_at: None,
        suspect: false,
        loan: None,
    };
    let told = Entry::new(Event::KeyRegistered, &visitor.origin())
        .user(&session.user)
        .with("key", key.name.as_str())
        .with("with", registered_with.name());
    let told = client::named(told, &visitor).into_record();
    match pages.store.add_key(&key, new.code.map(TokenHash).as_ref(), &told).await? {
        KeyAdded::Added => {}
        KeyAdded::CredentialTaken => return refuse(&pages, &visitor, &session, "credential-taken").await,
        KeyAdded::CodeSpent => return refuse(&pages, &visitor, &session, "code-spent").await,
    }
    pages.audit.written(&told);
    pages.metrics.ceremony("key-registration", "ok");
    let Finish { to, ask, method, parked, .. } = message;
    let fields = Fields { to, ask, method, parked };
    let next = fields.carried().link("/keys/registered");
    let mut response = axum::Json(serde_json::json!({ "next": next })).into_response();
    add_cookie(&mut response, cookie::CODE, "", Keep::Drop);
    Ok(response)
}

/// `GET /keys/registered`: *Registrering gennemført*, and on to the app.
pub async fn registered(
    State(pages): State<Arc<Pages>>,
    visitor: Visitor,
    Query(fields): Query<Fields>,
) -> Answer {
    let Some(session) = &visitor.session else { return Ok(see_other(&fields.carried().link("/login"))) };
    let keys = pages.store.keys(session.user.id).await?;
    let first = keys.len() == 1;
    let Some(newest) = keys.into_iter().max_by_key(|key| key.registered_at) else {
        return Ok(see_other("/me"));
    };
    let moves_on = matches!(Destination::parse(&pages, &fields), Destination::App { .. });
    let proceed = fields.carried().link("/login");
    Ok(reply::html(&view::Registered { frame: visitor.frame(), name: newest.name, proceed, moves_on, first }))
}

/// A name of 3 to 128 characters, without those that hide or reorder others.
pub fn clean_name(typed: &str) -> Option<String> {
    let name: String = typed.trim().chars().filter(|c| !c.is_control()).collect();
    (3..=128).contains(&name.chars().count()).then_some(name)
}

fn name_page(visitor: &Visitor, fields: &Fields, name: &str, error: Option<KeyNewError>) -> view::KeyNew {
    let (frame, next) = (visitor.frame(), fields.carried());
    view::KeyNew { frame, next, name: name.to_owned(), error }
}

/// On to a second factor, and back here.
async fn to_second_factor(pages: &Pages, visitor: &Visitor) -> Answer {
    let fields = Fields::own(pages, "/keys/new");
    let destination = Destination::parse(pages, &fields);
    let step = onward::step(pages, visitor, &destination).await?;
    Ok(match step {
        // It became fresh between two looks at the clock.
        Step::Go(_) => see_other("/me"),
        step => follow(step, &fields, &destination),
    })
}

async fn voucher(
    pages: &Pages,
    visitor: &Visitor,
    session: &Session,
    headers: &HeaderMap,
) -> Result<Option<Voucher>, StoreError> {
    if second_factor(pages, session, visitor).await?.is_some() {
        return Ok(Some(Voucher::SecondFactor));
    }
    let cookies = headers.get_all(header::COOKIE).iter().map(HeaderValue::as_bytes);
    let code = cookie::read(cookies, cookie::CODE).and_then(|value| Code::parse(value).ok());
    let Some(code) = code else { return Ok(None) };
    let live = pages.store.code_is_live(session.user.id, &code.hash(), visitor.arrival.at).await?;
    Ok(live.then(|| Voucher::Code(code.hash())))
}

/// The fresh second factor of the session, whose level a key registered now inherits. A key that is lent to the
/// person is none.
async fn second_factor(
    pages: &Pages,
    session: &Session,
    visitor: &Visitor,
) -> Result<Option<RegisteredWith>, StoreError> {
    let fresh = |at| visitor.arrival.at.since(at) <= onward::SELF_SERVICE_FRESH;
    if let Some(mitid) = session.assurance.mitid.as_ref().filter(|mitid| fresh(mitid.at)) {
        return Ok(Some(RegisteredWith::MitId(mitid.level)));
    }
    let Some(proof) = session.assurance.key.as_ref().filter(|_| onward::has_fresh_own_key(session, visitor))
    else {
        return Ok(None);
    };
    let keys = pages.store.keys(session.user.id).await?;
    let touched = keys.into_iter().find(|key| key.credential == proof.credential);
    // What papers vouched for does not become more by way of another key.
    Ok(touched.map(|key| match key.registered_with {
        papers @ RegisteredWith::Papers(_) => papers,
        RegisteredWith::MitId(_) | RegisteredWith::Key | RegisteredWith::Code => RegisteredWith::Key,
    }))
}

async fn refuse(pages: &Pages, visitor: &Visitor, session: &Session, reason: &str) -> Answer {
    pages.metrics.ceremony("key-registration", "refused");
    let entry = Entry::new(Event::KeyRegistrationRefused, &visitor.origin())
        .user(&session.user)
        .with("reason", reason);
    pages.audit.record(entry).await;
    Ok(refused(visitor, StatusCode::BAD_REQUEST))
}
