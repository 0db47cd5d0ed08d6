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

/// The browser that shows a code at an app's host.
pub struct Bearer<'a> {
    pub ask: Browser,
    pub host: &'a str,
    /// The session it has there already: the new one takes its place.
    pub session: Option<&'a Session>,
}

/// Takes the code and opens a session at the bearer's host. `None` if the code is unknown, used, old, another
/// host's or another browser's, or the signing in is over: nothing is opened then.
pub async fn enter(
    ceremonies: &Ceremonies,
    sessions: &Sessions,
    code: &str,
    bearer: &Bearer<'_>,
) -> Result<Option<Entered>, StoreError> {
    let Some(ceremony) = ceremonies.take::<HandOff>(bearer.ask, code).await? else { return Ok(None) };
    let HandOff { host, target, sign_in, session } = ceremony.finish();
    if host != bearer.host {
        return Ok(None);
    }
    let opened = sessions.hand_on(TokenHash(session), SignInId(sign_in), bearer).await?;
    Ok(opened.map(|opened| Entered { opened, target }))
}

impl Sessions {
    /// A session at the bearer's host with the evidence of the one behind `from`, as it stands now.
    async fn hand_on(
        &self,
        from: TokenHash,
        sign_in: SignInId,
        bearer: &Bearer<'_>,
    ) -> Result<Option<Opened>, StoreError> {
        let now = self.parts.clock.now();
        let Some(session) = self.load(from, now).await? else { return Ok(None) };
        if session.sign_in.id != sign_in || session.sign_in.ended() {
            return Ok(None);
        }
        let open = async |replaces| {
            let (record, assurance) = (session.sign_in.record(), session.assurance.clone());
            self.open(record, session.user.clone(), assurance, bearer.host, replaces).await
        };
        match bearer.session {
            Some(old) if old.sign_in.id == sign_in => {
                let opened = open(Some(old.token)).await?;
                self.forget(&old.token).await;
                // In another tab, the same was done a moment ago.
                if opened.is_some() { Ok(opened) } else { open(None).await }
            }
            // Somebody else sat here before.
            Some(old) => {
                self.end(old).await?;
                open(None).await
            }
            None => open(None).await,
        }
    }
}
