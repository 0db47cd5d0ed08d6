//! Whether a password may be tried, and what follows from how it went: see [`crate::authn::lockout`].

use std::time::Duration;

use super::Pages;
use super::view::LoginError;
use super::visitor::Visitor;
use crate::audit::{Entry, Event};
use crate::authn::lockout::Lock;
use crate::authn::throttle::subscriber;
use crate::session::cookie::SessionToken;
use crate::store::{Begun, Settled, StoreError};
use crate::time::Timestamp;
use crate::user::{User, UserId, Username};

/// An attempt that is to be looked at. It is counted as wrong until it is said not to be.
pub struct Attempt<'a> {
    pages: &'a Pages,
    visitor: &'a Visitor,
    name: &'a Username,
    begun: Begun,
    now: Timestamp,
}

/// Why a login was refused, and how long it is of no use to try again.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    pub error: LoginError,
    pub retry_after: Option<Duration>,
}

impl From<LoginError> for Refused {
    fn from(error: LoginError) -> Self {
        Self { error, retry_after: None }
    }
}

impl<'a> Attempt<'a> {
    /// Nothing here depends on whether anybody has the name.
    pub async fn begin(
        pages: &'a Pages,
        visitor: &'a Visitor,
        name: &'a Username,
    ) -> Result<Result<Self, Refused>, StoreError> {
        let now = pages.clock.now();
        let device = visitor.device.as_ref().map(SessionToken::hash);
        let known = match &device {
            Some(device) => pages.store.knows_device(name, device).await?,
            None => false,
        };
        // A stranger behind the same address keeps nobody from their own browser.
        let device = device.filter(|_| known);
        let address = visitor.arrival.address.filter(|_| !known).map(subscriber);
        let throttled = pages
            .throttles
            .account
            .take((name.clone(), device), now)
            .and_then(|()| address.map_or(Ok(()), |address| pages.throttles.address.take(address, now)));
        if let Err(wait) = throttled {
            pages.metrics.ceremony("password", "throttled");
            return Ok(Err(Refused { error: LoginError::Throttled, retry_after: Some(wait) }));
        }
        match pages.store.begin_attempt(name, device.as_ref(), now).await? {
            Ok(begun) => Ok(Ok(Self { pages, visitor, name, begun, now })),
            Err(lock) => {
                pages.metrics.ceremony("password", "locked");
                Ok(Err(refused(lock, now)))
            }
        }
    }

    /// Whether the person has logged in with this browser before.
    pub const fn is_known(&self) -> bool {
        self.begun.device.is_some()
    }

    /// The browser is known from now on: the token to keep there.
    pub async fn right(self) -> Result<SessionToken, StoreError> {
        let Self { pages, visitor, .. } = &self;
        let token = visitor.device.clone().unwrap_or_else(|| {
            SessionToken::new(pages.random.as_ref(), &pages.keys.device, &visitor.arrival.host)
        });
        self.settle(Settled::Right { device: token.hash() }).await?;
        Ok(token)
    }

    /// It was never looked at.
    pub async fn void(self) -> Result<(), StoreError> {
        self.settle(Settled::Void).await
    }

    /// What to answer; the fifth is told at once what it has done.
    pub async fn wrong(self, typed: &str, known: Option<UserId>) -> Refused {
        let Self { pages, visitor, begun, now, .. } = self;
        let Some(lock) = begun.attempts.lock(now) else { return LoginError::Wrong.into() };
        let kind = if lock == Lock::ForGood { "for-good" } else { "for-a-while" };
        pages.metrics.lockouts.with_label_values(&[kind]).inc();
        let entry = Entry::new(Event::AccountLocked, &visitor.origin())
            .typed_name(typed)
            .with("kind", kind)
            .with("browser", if begun.device.is_some() { "known" } else { "unknown" });
        let entry = match known {
            Some(user) => entry.user_id(user),
            None => entry,
        };
        pages.audit.record(entry).await;
        refused(lock, now)
    }

    async fn settle(&self, settled: Settled) -> Result<(), StoreError> {
        let Self { pages, visitor, name, begun, now } = self;
        if let (Some(address), None) = (visitor.arrival.address, begun.device) {
            pages.throttles.address.give_back(&subscriber(address));
        }
        pages.store.settle_attempt(name, begun, settled, *now).await
    }
}

/// The person was proven by something that no wrong password locks: what wrong passwords locked is open again.
pub async fn proven(pages: &Pages, visitor: &Visitor, user: &User) -> Result<(), StoreError> {
    if pages.store.reset_attempts(user.id, pages.clock.now()).await? {
        pages.audit.record(Entry::new(Event::AccountUnlocked, &visitor.origin()).user(user)).await;
    }
    Ok(())
}

fn refused(lock: Lock, now: Timestamp) -> Refused {
    match lock {
        Lock::Until(until) => Refused { error: LoginError::Locked, retry_after: Some(until.since(now)) },
        Lock::ForGood => LoginError::LockedForGood.into(),
    }
}
