//! *Log ind med hardwarenøgle*: a key and its PIN, and no password, where the policy has it so.
//!
//! Until the key has answered, nothing depends on whether anybody has the name that was typed: not what is shown,
//! not what is looked up.

use std::sync::Arc;

use axum::Form;
use axum::extract::{Query, State};
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::browser::recognised;
use super::form::Typed;
use super::{encode, nobody, set_session, sign_in, standing};
use crate::audit::{Entry, Event};
use crate::authn::ceremony::Purpose;
use crate::authn::throttle::subscriber;
use crate::authn::webauthn::{self, decoys};
use crate::authn::{CredentialId, Evidence, Method};
use crate::pages::attempt::{self, Refused};
use crate::pages::key::{ceremony_data, proven, read, refused, tell, verified};
use crate::pages::onward::{self, Destination, Fields};
use crate::pages::reply::{self, add_cookie, see_other};
use crate::pages::view::{LoginError, LoginTab};
use crate::pages::visitor::Visitor;
use crate::pages::{Answer, Pages, view};
use crate::session::cookie::{self, Keep, SessionToken};
use crate::store::StoreError;
use crate::user::{UserId, Username};

/// A login under way.
#[derive(Serialize, Deserialize)]
struct KeyLogin {
    login: webauthn::Login,
    /// Empty where the key is to say whose it is.
    typed: String,
    remember: bool,
    /// It was taken from the address's tokens.
    charged: bool,
    /// What the page was for, whatever the script says later.
    fields: Fields,
}

impl Purpose for KeyLogin {
    const KIND: &'static str = "key-login";
}

#[derive(Deserialize)]
pub struct Named {
    #[serde(default)]
    username: String,
    #[serde(default)]
    remember: String,
    #[serde(flatten)]
    fields: Fields,
}

/// `GET /login/key`: back to the form; the name is gone.
pub async fn form(Query(fields): Query<Fields>) -> Response {
    see_other(&fields.carried().link("/login?tab=key"))
}

/// `POST /login/key`: a name is given, or none, and the key is asked for.
pub async fn begin(State(pages): State<Arc<Pages>>, visitor: Visitor, Form(form): Form<Named>) -> Answer {
    let Named { username, remember, fields } = form;
    let destination = Destination::parse(&pages, &fields);
    let ways = onward::ways(&pages, &visitor, &destination);
    if !ways.key {
        return Ok(see_other(&fields.carried().link("/login")));
    }
    let typed = username.trim();
    let form = Typed { fields: &fields, remember: !remember.is_empty(), username: &username };
    let refuse = |refused| form.refuse(&pages, &visitor, LoginTab::Key, refused);
    let settings = pages.settings();
    let party = &settings.relying_party;
    if typed.is_empty() && !party.is_discoverable() {
        return Ok(refuse(LoginError::MissingUsername.into()));
    }
    let name = match typed {
        "" => None,
        typed => {
            let name = Username::parse(typed).unwrap_or_else(|_| nobody());
            Some(pages.directory.account(&name).await?)
        }
    };
    let charged = match throttled(&pages, &visitor, name.as_ref()).await? {
        Ok(charged) => charged,
        Err(refused) => {
            pages.metrics.ceremony("key-login", "throttled");
            return Ok(refuse(refused));
        }
    };
    let begun = match &name {
        Some(name) => {
            let (user, credentials) = offered(&pages, name, &destination).await?;
            party.begin_login(user, &credentials)
        }
        None => party.begin_discoverable_login(),
    };
    let (options, login) = match begun {
        Ok(begun) => begun,
        Err(error) => {
            tracing::error!(%error, "no login by key can begin");
            return Ok(visitor.error(StatusCode::INTERNAL_SERVER_ERROR));
        }
    };
    let (typed, remember) = (typed.chars().take(128).collect(), !remember.is_empty());
    let under_way = KeyLogin { login, typed, remember, charged, fields: fields.clone() };
    let id = pages.ceremonies.begin(visitor.browser, &under_way).await?;
    Ok(reply::html(&view::KeyLoginTouch {
        frame: visitor.frame(),
        next: fields.carried(),
        ceremony: ceremony_data(&pages, id, &options),
        app: destination.title(&visitor),
        purpose: ways.purpose.map(|text| visitor.words(&text)),
        once: ways.once,
        named: name.is_some(),
    }))
}

/// `POST /login/key/finish`
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
    let taken = pages.ceremonies.take::<KeyLogin>(visitor.browser, &message.ceremony).await?;
    let entry = Entry::new(Event::KeyRefused, &visitor.origin());
    let Some(under_way) = taken.map(|ceremony| ceremony.finish()) else {
        return refuse(&pages, &visitor, entry, "ceremony-unknown").await;
    };
    let KeyLogin { login, typed, remember, charged, fields } = under_way;
    let entry = if typed.is_empty() { entry } else { entry.typed_name(&typed) };
    let response = message.response.get().as_bytes();
    let assertion = match login.claimed(response) {
        Ok(assertion) => assertion,
        Err(refusal) => return refuse(&pages, &visitor, entry, refusal.code()).await,
    };
    let Some(user) = pages.store.user(assertion.user()).await? else {
        return refuse(&pages, &visitor, entry, "unknown-credential").await;
    };
    let entry = entry.user(&user);
    let destination = Destination::parse(&pages, &fields);
    let keys = onward::keys_of(&pages, user.id, &destination).await?;
    let asserted = match proven(&pages, &visitor, &user, (assertion, &keys), response).await? {
        Ok(asserted) => asserted,
        Err(reason) => return refuse(&pages, &visitor, entry, reason).await,
    };
    // From here on it is the person who hears.
    let user = match standing::of(&pages, &visitor, user).await? {
        Ok(user) => user,
        Err(answer) => return Ok(answer),
    };
    let opened = sign_in(&pages, &visitor, user.clone(), Evidence::Key(asserted.evidence.clone())).await?;
    let how = if typed.is_empty() { "discovered" } else { "named" };
    pages.audit.record(verified(&visitor, &user, &asserted).with("login", how)).await;
    attempt::proven(&pages, &visitor, &user).await?;
    pages.metrics.ceremony("key-login", "ok");
    if let (true, Some(address)) = (charged, visitor.arrival.address) {
        pages.key_throttles.address.give_back(&subscriber(address));
    }
    let device = recognised(&pages, &visitor, &user).await?;
    let visitor = visitor.with(opened.session.clone());
    let step = onward::step_after(&pages, &visitor, &destination, Method::Key).await?;
    let mut response = tell(step, &fields);
    set_session(&mut response, &opened);
    add_cookie(&mut response, cookie::DEVICE, &device.value(), Keep::Year);
    match (remember && destination.remembers(&visitor), typed.is_empty()) {
        (true, false) => add_cookie(&mut response, cookie::USERNAME, &encode(&typed), Keep::Year),
        (true, true) => {}
        (false, _) => add_cookie(&mut response, cookie::USERNAME, "", Keep::Drop),
    }
    Ok(response)
}

/// Whose key is asked for, and which: those of the person of that name, or some that nobody has.
async fn offered(
    pages: &Pages,
    name: &Username,
    destination: &Destination,
) -> Result<(UserId, Vec<CredentialId>), StoreError> {
    let user = pages.store.user_by_name(name).await?.map_or(UserId(Uuid::nil()), |user| user.id);
    // Nobody's are looked up too.
    let keys = onward::keys_of(pages, user, destination).await?;
    let made_up = decoys(&pages.keys.decoy, name);
    let own: Vec<CredentialId> = keys.into_iter().map(|key| key.credential).collect();
    Ok((user, if own.is_empty() { made_up } else { own }))
}

/// Whether the address was charged for it; or when to come back.
async fn throttled(
    pages: &Pages,
    visitor: &Visitor,
    name: Option<&Username>,
) -> Result<Result<bool, Refused>, StoreError> {
    let now = pages.clock.now();
    let device = visitor.device.as_ref().map(SessionToken::hash);
    let known = match (name, &device) {
        (Some(name), Some(device)) => pages.store.knows_device(name, device).await?,
        _ => false,
    };
    // As with passwords: a stranger behind the same address keeps nobody from their own browser.
    let device = device.filter(|_| known);
    let address = visitor.arrival.address.filter(|_| !known).map(subscriber);
    let taken = name
        .map_or(Ok(()), |name| pages.key_throttles.account.take((name.clone(), device), now))
        .and_then(|()| address.map_or(Ok(()), |address| pages.key_throttles.address.take(address, now)));
    Ok(match taken {
        Ok(()) => Ok(address.is_some()),
        Err(wait) => Err(Refused { error: LoginError::Throttled, retry_after: Some(wait) }),
    })
}

async fn refuse(pages: &Pages, visitor: &Visitor, entry: Entry, reason: &str) -> Answer {
    pages.metrics.ceremony("key-login", "refused");
    pages.audit.record(entry.with("reason", reason).with("login", true)).await;
    Ok(refused(visitor, StatusCode::BAD_REQUEST))
}
