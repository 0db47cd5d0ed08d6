//! Ceremonies: exchanges that begin on one request and finish on another.
//!
//! Their state waits in the store, never with the browser. It is bound to the browser that began it,
//! expires, and can only be read by taking it away, so that of two finishes one finds it.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::random::{self, Random};
use crate::store::{CeremonyRecord, Store, StoreError, TokenHash};
use crate::time::Clock;

/// How long a person may take over a ceremony, as WebAuthn Level 3, section 13.4.3, advises.
pub const LIFETIME: Duration = Duration::from_secs(5 * 60);

/// What a kind of ceremony remembers between its begin and its finish.
pub trait Purpose: Serialize + DeserializeOwned {
    /// Keeps one kind from being finished as another.
    const KIND: &'static str;
    const LIFETIME: Duration = LIFETIME;
}

/// A browser, known by a random value that only it holds. The hash is what ceremonies are bound to.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
pub struct Browser(TokenHash);

impl Browser {
    pub fn of(cookie: &str) -> Self {
        Self(TokenHash::of(cookie.as_bytes()))
    }

    /// From a hash that travelled in a URL.
    pub const fn from_hash(hash: [u8; 32]) -> Self {
        Self(TokenHash(hash))
    }

    pub const fn hash(&self) -> &[u8; 32] {
        &self.0.0
    }
}

/// A ceremony that has been taken: nobody else can finish it any more.
#[derive(Debug)]
pub struct Ceremony<P> {
    purpose: P,
}

impl<P: Purpose> Ceremony<P> {
    /// Finishes it. There is no second time: the ceremony is consumed.
    pub fn finish(self) -> P {
        self.purpose
    }
}

/// All ceremonies in progress.
#[derive(Clone)]
pub struct Ceremonies {
    pub store: Arc<dyn Store>,
    pub clock: Arc<dyn Clock>,
    pub random: Arc<dyn Random>,
}

impl Ceremonies {
    /// Begins a ceremony in `browser` and answers its id: 256 random bits in base64url.
    pub async fn begin<P: Purpose>(&self, browser: Browser, purpose: &P) -> Result<String, StoreError> {
        let id = random::nonce(self.random.as_ref());
        self.begin_as(browser, &id, purpose).await?;
        Ok(id)
    }

    /// Begins a ceremony under an id that somebody else made unguessable, such as an OpenID `state`.
    pub async fn begin_as<P: Purpose>(
        &self,
        browser: Browser,
        id: &str,
        purpose: &P,
    ) -> Result<(), StoreError> {
        let state =
            serde_json::to_string(purpose).map_err(|error| StoreError::Unavailable(Box::new(error)))?;
        let record = CeremonyRecord {
            id: TokenHash::of(id.as_bytes()),
            kind: P::KIND.to_owned(),
            browser: browser.0,
            state,
            expires_at: self.clock.now().plus(P::LIFETIME),
        };
        self.store.put_ceremony(&record).await
    }

    /// Takes the ceremony, if it is of this kind, was begun in this browser, is live and was not taken yet.
    pub async fn take<P: Purpose>(
        &self,
        browser: Browser,
        id: &str,
    ) -> Result<Option<Ceremony<P>>, StoreError> {
        let id = TokenHash::of(id.as_bytes());
        let taken = self.store.take_ceremony(&id, P::KIND, &browser.0, self.clock.now()).await?;
        let Some(record) = taken else { return Ok(None) };
        let purpose = serde_json::from_str(&record.state)
            .map_err(|_| StoreError::Corrupt { what: "a ceremony's state" })?;
        Ok(Some(Ceremony { purpose }))
    }
}
