//! The login form, and logging in by a password.

pub(super) mod browser;
mod form;
pub mod key;
mod standing;
pub mod step_up;

use std::sync::Arc;
use std::time::Duration;

use axum::Form;
use axum::extract::{Query, State};
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Deserialize;
use url::Url;

use self::form::Typed;
use super::attempt::{self, Refused};
use super::onward::{self, Destination, Fields, Step};
use super::reply::{self, add_cookie, see_other};
use super::view::{LoginError, LoginTab};
use super::visitor::Visitor;
use super::{Answer, Pages, client, view};
use crate::audit::{Entry, Event};
use crate::authn::{Evidence, Method, PasswordEvidence};
use crate::directory::{DirectoryError, Unusable, Verified};
use crate::secret::Secret;
use crate::session::cookie::{self, Keep, SessionToken};
use crate::session::{Opened, Seat};
use crate::store::StoreError;
use crate::store::self_service::Whereabouts;
use crate::time::Timestamp;
use crate::user::{User, UserId, Username};

#[derive(Default, Deserialize)]
pub struct Shown {
    #[serde(default)]
    tab: String,
    #[serde(flatten)]
    fields: Fields,
}

#[derive(Deserialize)]
pub struct Submitted {
    #[serde(default)]
    username: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
    remember: String,
    #[serde(flatten)]
    fields: Fields,
}

/// `GET /login`: on to whatever is missing; the form, if that is the password.
pub async fn show(
    State(pages): State<Arc<Pages>>,
    visitor: Visitor,
    headers: HeaderMap,
    Query(shown): Query<Shown>,
) -> Answer {
    let destination = Destination::parse(&pages, &shown.fields);
    match onward::step(&pages, &visitor, &destination).await? {
        Step::Password => {
            if let Some(session) = step_up::asks(&visitor) {
                return Ok(reply::html(&step_up::page(&visitor, session, &shown.fields, None)));
            }
            let cookies = headers.get_all(header::COOKIE).iter().map(HeaderValue::as_bytes);
            let remembered = cookie::read(cookies, cookie::USERNAME)
                .and_then(decode)
                .filter(|_| destination.remembers(&visitor))
                .unwrap_or_default();
            let tab = form::tab(&pages, &visitor, &destination, &shown.tab);
            let typed =
                Typed { fields: &shown.fields, remember: !remembered.is_empty(), username: &remembered };
            Ok(reply::html(&typed.page(&pages, &visitor, &destination, tab, None)))
        }
        step => Ok(follow(step, &shown.fields, &destination)),
    }
}

/// `POST /login`
pub async fn submit(
    State(pages): State<Arc<Pages>>,
    visitor: Visitor,
    Form(form): Form<Submitted>,
) -> Answer {
    if !pages.settings().password {
        return Ok(visitor.error(StatusCode::NOT_FOUND));
    }
    let Submitted { username, password, remember, fields } = form;
    let typed = Typed { fields: &fields, remember: !remember.is_empty(), username: &username };
    let refuse = |refused| typed.refuse(&pages, &visitor, LoginTab::Account, refused);
    if username.trim().is_empty() {
        return Ok(refuse(LoginError::MissingUsername.into()));
    }
    if password.is_empty() {
        return Ok(refuse(LoginError::MissingPassword.into()));
    }
    let (user, device) = match verify(&pages, &visitor, &username, Secret::new(password)).await? {
        Ok(verified) => verified,
        Err(Turned::Back(refused)) => return Ok(refuse(refused)),
        Err(Turned::Away(why)) => return Ok(unusable(&visitor, &fields, why)),
    };
    let evidence = Evidence::Password(PasswordEvidence { at: pages.clock.now() });
    let opened = sign_in(&pages, &visitor, user, evidence).await?;
    let destination = Destination::parse(&pages, &fields);
    let visitor = visitor.with(opened.session.clone());
    let step = onward::step_after(&pages, &visitor, &destination, Method::Password).await?;
    let mut response = follow(step, &fields, &destination);
    set_session(&mut response, &opened);
    add_cookie(&mut response, cookie::DEVICE, &device.value(), Keep::Year);
    match !remember.is_empty() && destination.remembers(&visitor) {
        true => add_cookie(&mut response, cookie::USERNAME, &encode(username.trim()), Keep::Year),
        false => add_cookie(&mut response, cookie::USERNAME, "", Keep::Drop),
    }
    Ok(response)
}

/// The way to a step that is not the password form.
pub fn follow(step: Step, fields: &Fields, destination: &Destination) -> Response {
    let next = fields.carried();
    match step {
        Step::Password => see_other(&next.link("/login")),
        Step::Key { .. } | Step::MitId { .. } => {
            // What is missing is worked out anew there, for the same destination.
            let next = match destination {
                Destination::App { .. } | Destination::Own(_) => next.link("/key"),
            };
            see_other(&next)
        }
        Step::Go(url) => see_other(&url),
    }
}

/// A session for somebody who has just proven who they are: the one there is with a proof more, if it is that
/// person's; else a new one, and another's is ended first.
pub async fn sign_in(
    pages: &Pages,
    visitor: &Visitor,
    user: User,
    evidence: Evidence,
) -> Result<Opened, StoreError> {
    match &visitor.session {
        Some(session) if session.user.id == user.id => {
            if let Some(opened) = pages.sessions.raise(session, evidence.clone()).await? {
                return Ok(opened);
            }
        }
        Some(other) => pages.sessions.end(other).await?,
        None => {}
    }
    let host = &visitor.arrival.host;
    let opened = pages.sessions.start(Arc::new(user), evidence, host, visitor.seat).await?;
    let agent = visitor.headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok());
    let begun =
        Whereabouts { address: visitor.arrival.address, browser: agent.and_then(super::agent::browser) };
    pages.store.note_sign_in(opened.session.sign_in.id, &begun).await?;
    if let Some(mark) = &visitor.mark
        && let Some(before) = pages.store.occupy_device(mark, opened.session.sign_in.id).await?
    {
        // Whoever sat here last has left, whatever their browser's cookies say.
        pages.sessions.end_sign_in(before).await?;
    }
    Ok(opened)
}

pub fn set_session(response: &mut Response, opened: &Opened) {
    add_cookie(response, cookie::SESSION, &opened.token.value(), Keep::Session);
}

pub use self::form::status;

/// Why somebody is not let in.
pub enum Turned {
    /// To the form, in words that tell nothing of who has an account.
    Back(Refused),
    /// The password is right: the person may know what is wrong with the account.
    Away(Away),
}

/// What is wrong with an account, where its password can be changed, and when it ended.
pub struct Away {
    why: Unusable,
    change: Option<Url>,
    ended: Option<Timestamp>,
}

fn unusable(visitor: &Visitor, fields: &Fields, Away { why, change, ended }: Away) -> Response {
    let (frame, next) = (visitor.frame_with_code(), fields.carried());
    let page = view::UnusableAccount { frame, next, why, ended, change: change.map(String::from) };
    (StatusCode::FORBIDDEN, reply::html(&page)).into_response()
}

impl From<Refused> for Turned {
    fn from(refused: Refused) -> Self {
        Self::Back(refused)
    }
}

/// The person, and by what this browser is known from now on; or why not.
pub async fn verify(
    pages: &Pages,
    visitor: &Visitor,
    typed: &str,
    password: Secret<String>,
) -> Result<Result<(User, SessionToken), Turned>, StoreError> {
    // What cannot be a name is checked all the same, as one nobody has: the work must not tell.
    let name = Username::parse(typed).unwrap_or_else(|_| nobody());
    // One account, one counter, however its name is written.
    let name = pages.directory.account(&name).await?;
    let attempt = match attempt::Attempt::begin(pages, visitor, &name).await? {
        Ok(attempt) => attempt,
        Err(refused) => return Ok(Err(refused.into())),
    };
    let entry = |event| Entry::new(event, &visitor.origin()).typed_name(typed);
    let mut new_to = None;
    let (result, entry, answer) = match pages.directory.verify(&name, &password).await {
        Ok(Verified::Person(user)) => {
            // On a shared device nobody's browser is known for long, and nobody expects it to be.
            new_to = (!attempt.is_known() && visitor.seat != Seat::Shared).then(|| user.clone());
            let device = attempt.right().await?;
            ("ok", entry(Event::PasswordVerified).user(&user), Ok((user, device)))
        }
        Ok(Verified::Inactive(user)) => {
            let entry = entry(Event::AccountInactive).user(&user);
            match user.expires_at.filter(|at| *at <= pages.clock.now() && !user.disabled) {
                Some(at) => {
                    // It was no guess.
                    attempt.void().await?;
                    let entry = entry.with("expired_at", at.to_rfc3339());
                    let away = Away { why: Unusable::Expired, change: None, ended: Some(at) };
                    ("expired", entry, Err(Turned::Away(away)))
                }
                None => ("inactive", entry, Err(attempt.wrong(typed, Some(user.id)).await.into())),
            }
        }
        Ok(Verified::Unusable { known, why, change }) => {
            // It was no guess.
            attempt.void().await?;
            let entry = about(entry(Event::AccountInactive).with("directory", why.code()), known);
            ("inactive", entry, Err(Turned::Away(Away { why, change, ended: None })))
        }
        Ok(Verified::Locked { known }) => {
            // It may have been a guess, and is answered as one too many.
            let refused = attempt.wrong(typed, known).await;
            let refused =
                if refused.error == LoginError::Wrong { LoginError::Locked.into() } else { refused };
            let entry = entry(Event::AccountInactive).with("directory", Unusable::Locked.code());
            ("locked", about(entry, known), Err(refused.into()))
        }
        Ok(Verified::Wrong { known }) => {
            let entry = about(entry(Event::PasswordWrong), known);
            ("wrong", entry, Err(attempt.wrong(typed, known).await.into()))
        }
        Err(DirectoryError::Overloaded(_)) => {
            attempt.void().await?;
            let error = LoginError::Overloaded;
            let retry_after = Some(Duration::from_secs(2));
            ("overloaded", entry(Event::PasswordOverload), Err(Refused { error, retry_after }.into()))
        }
        Err(DirectoryError::Unavailable(_)) => {
            attempt.void().await?;
            pages.metrics.ceremony("password", "unavailable");
            return Ok(Err(Refused::from(LoginError::Unavailable).into()));
        }
        Err(DirectoryError::Store(error)) => return Err(error),
    };
    pages.metrics.ceremony("password", result);
    pages.audit.record(entry).await;
    if let Some(user) = new_to {
        let entry = Entry::new(Event::BrowserNew, &visitor.origin()).user(&user);
        pages.audit.record(client::named(entry, visitor)).await;
    }
    Ok(answer)
}

fn about(entry: Entry, known: Option<UserId>) -> Entry {
    match known {
        Some(user) => entry.user_id(user),
        None => entry,
    }
}

fn nobody() -> Username {
    Username::parse("nobody").expect("it has six letters")
}

fn encode(name: &str) -> String {
    percent_encoding::utf8_percent_encode(name, percent_encoding::NON_ALPHANUMERIC).to_string()
}

fn decode(value: &str) -> Option<String> {
    let name = percent_encoding::percent_decode_str(value).decode_utf8().ok()?;
    (name.chars().count() <= 128).then(|| name.into_owned())
}
