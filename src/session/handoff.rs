//! From the login host to an app's host: a one-time code in a URL becomes that host's own session.
//!
//! The code is good for one host, once, for 30 seconds, and only in the browser that asked: the app's host
//! gave that browser a nonce, and the hash of it travelled to the login host and back inside the code's
//! record. So nobody can be signed in as somebody else by following a link.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Opened, Session, Sessions};
use crate::authn::ceremony::{Browser, Ceremonies, Purpose};
use crate::store::{SignInId, StoreError, TokenHash};

/// What the login host hands to an app's host.
#[derive(Debug, Serialize, Deserialize)]
struct HandOff {
    host: String,
    /// The exact URL the browser asked for.
    target: String,
    sign_in: Uuid,
    /// The login host's session, whose evidence is handed on.
    session: [u8; 32],
}

impl Purpose for HandOff {
    const KIND: &'static str = "hand-off";
    const LIFETIME: Duration = Duration::from_secs(30);
}

/// What an app's host gets for a code.
#[derive(Debug)]
pub struct Entered {
    pub opened: Opened,
    pub target: String,
}

/// Hands the session's evidence to `host`, for the browser whose nonce hashes to `ask`. Answers the code.
pub async fn offer(
    ceremonies: &Ceremonies,
    session: &Session,
    ask: Browser,
    host: &str,
    target: &str,
) -> Result<String, StoreError> {
    let hand_off = HandOff {
        host: host.to_owned(),
        target: target.to_owned(),
        sign_in: session.sign_in.id.0,
        session: session.token.0,
    };
    ceremonies.begin(ask, &hand_off).await
}

/// Takes the code at `host` and opens a session there. `None` if the code is unknown, used, old, another
/// host's or another browser's, or the signing in is over: nothing is opened then.
pub async fn enter(
    ceremonies: &Ceremonies,
    sessions: &Sessions,
    code: &str,
    ask: Browser,
    host: &str,
) -> Result<Option<Entered>, StoreError> {
    let Some(ceremony) = ceremonies.take::<HandOff>(ask, code).await? else { return Ok(None) };
    let HandOff { host: meant_for, target, sign_in, session } = ceremony.finish();
    if meant_for != host {
        return Ok(None);
    }
    let opened = sessions.hand_on(TokenHash(session), SignInId(sign_in), host).await?;
    Ok(opened.map(|opened| Entered { opened, target }))
}

impl Sessions {
    /// A session at `host` with the evidence of the one behind `from`, as it stands now.
    async fn hand_on(
        &self,
        from: TokenHash,
        sign_in: SignInId,
        host: &str,
    ) -> Result<Option<Opened>, StoreError> {
        let now = self.parts.clock.now();
        let Some(session) = self.load(from, now).await? else { return Ok(None) };
        if session.sign_in.id != sign_in || session.sign_in.ended() {
            return Ok(None);
        }
        let (record, assurance) = (session.sign_in.record(), session.assurance.clone());
        self.open(record, session.user.clone(), assurance, host, None).await
    }
}
