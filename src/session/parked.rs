//! Parked requests: what somebody was doing when more proof was asked of them.
//!
//! A request is *parked* by the proxy at an app's host when the person is sent away: with its body where the
//! policy says `park_body`, and by its hash alone where it says `fresh: once`. At the login host the person's
//! proof *approves* it. Back at the app's host it is *resumed*, for the session that came back with it, and
//! *taken* by the very request it was: same host, method, target and body. Each step consumes what it reads.
//!
//! Everything is bound to the nonce that the app's host gave the browser ([`cookie::ASK`]), and a body is
//! encrypted under a key made of that nonce, of which the store knows only the hash. A request whose sender was
//! known comes back to that person alone.
//!
//! [`cookie::ASK`]: super::cookie::ASK

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Session;
use super::seal::{Sealed, open, seal};
use crate::authn::ceremony::{Browser, Ceremonies, Purpose};
use crate::store::StoreError;
use crate::user::UserId;

/// A request, by everything an approval of it is bound to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    pub host: String,
    pub method: String,
    /// The canonical path that was decided on, and the query.
    pub target: String,
    /// BLAKE3 of the body.
    pub body: [u8; 32],
}

/// Who waits for it.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Asker {
    /// A page that a browser shows: it is sent on by itself.
    Page,
    /// A script, which sends its request again.
    Script,
}

/// A body that waits, and what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    pub content_type: String,
    pub body: Bytes,
}

/// What is to be parked.
pub struct Request {
    pub identity: Identity,
    pub asker: Asker,
    /// Whose it is, as far as it is known.
    pub user: Option<UserId>,
    pub kept: Option<Kept>,
}

#[derive(Serialize, Deserialize)]
struct Parked {
    identity: Identity,
    asker: Asker,
    user: Option<Uuid>,
    kept: Option<SealedKept>,
}

#[derive(Serialize, Deserialize)]
struct SealedKept {
    content_type: String,
    body: Sealed,
}

impl Purpose for Parked {
    const KIND: &'static str = "parked-request";
    /// As long as MitID may take.
    const LIFETIME: Duration = Duration::from_secs(15 * 60);
}

/// A person's proof, given for one parked request.
#[derive(Serialize, Deserialize)]
struct Approval {
    sign_in: Uuid,
}

impl Purpose for Approval {
    const KIND: &'static str = "approval";
}

/// A parked request on its last step: what the browser sends next is it.
#[derive(Serialize, Deserialize)]
struct Returning {
    sign_in: Uuid,
    approved: bool,
    parked: Parked,
}

impl Purpose for Returning {
    const KIND: &'static str = "returning-request";
    const LIFETIME: Duration = Duration::from_secs(2 * 60);
}

/// A parked request whose person is back.
#[derive(Debug)]
pub struct Resumed {
    /// For the cookie [`super::cookie::RETURNING`].
    pub cookie: String,
    pub method: String,
    pub target: String,
    pub asker: Asker,
    /// Its body was kept.
    pub kept: bool,
    /// It is known that the person who is back sent it.
    pub same_person: bool,
}

/// What became of a request that its person came back for.
#[derive(Debug)]
pub enum Resumption {
    Resumed(Resumed),
    /// Somebody else sent it, or may have.
    Anothers,
    /// It was resumed before, is too old, or another browser's or host's.
    Gone,
}

/// A returning request that has been taken.
#[derive(Debug)]
pub struct Taken {
    pub identity: Identity,
    /// The person's proof was for this request.
    pub approved: bool,
    /// To be sent in place of what came.
    pub kept: Option<Kept>,
}

/// Parks a request in the browser that holds the nonce `ask`. Answers what names it in URLs.
pub async fn park(ceremonies: &Ceremonies, ask: &str, request: Request) -> Result<String, StoreError> {
    let Request { identity, asker, user, kept } = request;
    let kept = kept.map(|Kept { content_type, body }| SealedKept {
        content_type,
        body: seal(ceremonies.random.as_ref(), ask, &body),
    });
    let parked = Parked { identity, asker, user: user.map(|user| user.0), kept };
    ceremonies.begin(Browser::of(ask), &parked).await
}

/// The person of this session has just proven what the parked request `id` was short of.
pub async fn approve(
    ceremonies: &Ceremonies,
    ask: Browser,
    id: &str,
    session: &Session,
) -> Result<(), StoreError> {
    let name = approval_of(id);
    // A second touch for the same request takes the place of the first.
    let _ = ceremonies.take::<Approval>(ask, &name).await?;
    ceremonies.begin_as(ask, &name, &Approval { sign_in: session.sign_in.id.0 }).await
}

/// Somebody is back at the app's host. Whatever the answer, it cannot be resumed again.
pub async fn resume(
    ceremonies: &Ceremonies,
    ask: &str,
    id: &str,
    session: &Session,
) -> Result<Resumption, StoreError> {
    let browser = Browser::of(ask);
    let Some(parked) = ceremonies.take::<Parked>(browser, id).await? else { return Ok(Resumption::Gone) };
    let approval = ceremonies.take::<Approval>(browser, &approval_of(id)).await?;
    let parked = parked.finish();
    let sign_in = session.sign_in.id.0;
    // Where many people sit, what nobody is known to have sent is nobody's.
    let others = match parked.user {
        Some(user) => user != session.user.id.0,
        None => session.sign_in.shared,
    };
    if others {
        return Ok(Resumption::Anothers);
    }
    if parked.identity.host != session.host {
        return Ok(Resumption::Gone);
    }
    let approved = approval.is_some_and(|approval| approval.finish().sign_in == sign_in);
    let Identity { method, target, .. } = parked.identity.clone();
    let (asker, kept, same_person) = (parked.asker, parked.kept.is_some(), parked.user.is_some());
    let id = ceremonies.begin(browser, &Returning { sign_in, approved, parked }).await?;
    let cookie = format!("{id}.{}", mark(&method, &target, kept));
    Ok(Resumption::Resumed(Resumed { cookie, method, target, asker, kept, same_person }))
}

/// Whether the cookie [`super::cookie::RETURNING`] may be this request's. Others that the browser sends
/// meanwhile must not take it: neither to elsewhere, nor, in place of a kept body, with a body of their own.
pub fn is_meant(cookie: &str, method: &str, target: &str, empty: bool) -> bool {
    let Some((_, meant)) = cookie.rsplit_once('.') else { return false };
    meant == mark(method, target, false) || (empty && meant == mark(method, target, true))
}

/// Takes a returning request, for the session it came back with. `None` if it is not there, or not this
/// session's, or if its body cannot be read.
pub async fn take(
    ceremonies: &Ceremonies,
    ask: &str,
    cookie: &str,
    session: &Session,
) -> Result<Option<Taken>, StoreError> {
    let Some((id, _)) = cookie.rsplit_once('.') else { return Ok(None) };
    let Some(returning) = ceremonies.take::<Returning>(Browser::of(ask), id).await? else { return Ok(None) };
    let Returning { sign_in, approved, parked } = returning.finish();
    if sign_in != session.sign_in.id.0 {
        return Ok(None);
    }
    let Parked { identity, kept, .. } = parked;
    let kept = match kept {
        None => None,
        Some(SealedKept { content_type, body }) => {
            let Some(body) = open(ask, &body) else { return Ok(None) };
            Some(Kept { content_type, body })
        }
    };
    Ok(Some(Taken { identity, approved, kept }))
}

fn approval_of(id: &str) -> String {
    format!("{id}.approval")
}

fn mark(method: &str, target: &str, kept: bool) -> String {
    let hash = blake3::hash(format!("{method} {target} {kept}").as_bytes());
    URL_SAFE_NO_PAD.encode(&hash.as_bytes()[..12])
}

#[cfg(test)]
#[path = "parked_tests.rs"]
mod tests;
