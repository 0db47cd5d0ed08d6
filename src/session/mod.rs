//! Sessions: who a browser has been shown to be, and by what.
//!
//! A person's *signing in* spans hosts; a *session* is one browser's token at one host, with the evidence
//! that was handed to that host. A session found in memory costs no store call, and no lock is held across an await.

pub mod cookie;
pub mod glass;
pub mod handoff;
mod load;
mod memory;
mod packed;
pub mod parked;
pub mod revoke;
mod seal;
mod sign_in;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::mpsc;

use self::cookie::SessionToken;
use self::glass::Panes;
use self::load::Turns;
use self::memory::Memory;
pub use self::sign_in::LiveSignIn;
use self::sign_in::SignIns;
use crate::assertion::Recent;
use crate::authn::{Assurance, Evidence};
use crate::policy::SessionLimits;
use crate::random::{self, Random};
use crate::secret::Secret;
use crate::store::self_service::OpenSignIn;
use crate::store::{SessionRecord, SignIn, SignInId, Store, StoreError, TokenHash};
use crate::time::{Clock, Timestamp};
use crate::user::{User, UserId};

/// How long a signing in lasts.
#[derive(Copy, Clone, Debug)]
pub struct Lifetimes {
    /// Without activity on any host.
    pub idle: Duration,
    /// However active.
    pub absolute: Duration,
}

/// Where somebody sits.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Seat {
    Own,
    /// A device that many people use.
    Shared,
}

/// Who sends a request, and from where.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Sender {
    pub user: UserId,
    pub seat: Seat,
}

/// A live session at one host.
#[derive(Debug)]
pub struct Session {
    pub token: TokenHash,
    pub host: String,
    pub user: Arc<User>,
    pub assurance: Assurance,
    pub sign_in: Arc<LiveSignIn>,
    /// What the person broke at this host.
    pub glass: Arc<Panes>,
    /// What upstreams were told of it lately.
    pub told: Recent,
    /// When the store was asked for what stands here.
    loaded_at: Timestamp,
}

impl Session {
    /// How long ago the person was last active, on any host.
    pub fn idle_for(&self, now: Timestamp) -> Duration {
        now.since(self.sign_in.seen_at())
    }

    pub fn sender(&self) -> Sender {
        self.sign_in.sender()
    }

    pub fn seat(&self) -> Seat {
        self.sender().seat
    }

    /// The same without the proofs that count no longer. It is not put back into memory: the token may have
    /// been replaced by now, and the person is about to be asked for more.
    fn counting(self: Arc<Self>, now: Timestamp) -> Arc<Self> {
        if self.assurance.key.as_ref().is_none_or(|key| key.counts(now)) {
            return self;
        }
        let Self { token, host, user, sign_in, glass, loaded_at, .. } = &*self;
        Arc::new(Self {
            token: *token,
            host: host.clone(),
            user: user.clone(),
            assurance: self.assurance.counting(now),
            sign_in: sign_in.clone(),
            glass: glass.clone(),
            told: Recent::default(),
            loaded_at: *loaded_at,
        })
    }

    /// Whether it lives under limits that are tighter than the installation's own.
    pub fn within(&self, limits: &SessionLimits, now: Timestamp) -> bool {
        limits.idle.is_none_or(|idle| self.idle_for(now) < idle)
            && limits.absolute.is_none_or(|absolute| now.since(self.sign_in.started_at) < absolute)
    }
}

/// A token that was just made, for the Set-Cookie header, and the session it opens.
#[derive(Debug)]
pub struct Opened {
    pub token: SessionToken,
    pub session: Arc<Session>,
}

/// What sessions are made with.
pub struct Parts {
    pub store: Arc<dyn Store>,
    pub clock: Arc<dyn Clock>,
    pub random: Arc<dyn Random>,
    pub token_key: Secret<[u8; 32]>,
    pub lifetimes: Lifetimes,
    /// Of signings in on devices that many people use.
    pub shared_lifetimes: Lifetimes,
}

/// All live sessions.
pub struct Sessions {
    parts: Parts,
    memory: Memory,
    turns: Turns,
    sign_ins: SignIns,
    feed: revoke::Feed,
    touches: mpsc::Sender<(SignInId, Timestamp)>,
    hits: AtomicU64,
    misses: AtomicU64,
}

/// How many people's activity may wait to be written, for a second; past this, the next interval writes it.
const PENDING_TOUCHES: usize = 16_384;

impl Sessions {
    /// Also answers the queue whose entries [`revoke::keep`] writes to the store.
    pub fn new(parts: Parts) -> (Arc<Self>, mpsc::Receiver<(SignInId, Timestamp)>) {
        let (touches, queue) = mpsc::channel(PENDING_TOUCHES);
        let (memory, turns, sign_ins, feed) = Default::default();
        let (hits, misses) = Default::default();
        (Arc::new(Self { parts, memory, turns, sign_ins, feed, touches, hits, misses }), queue)
    }

    /// The session behind a cookie's value at a host, if there is one and it is alive now.
    ///
    /// An error means that nothing is known, and nothing may be let through.
    pub async fn find(&self, value: &str, host: &str) -> Result<Option<Arc<Session>>, StoreError> {
        let Some(token) = SessionToken::parse(value, &self.parts.token_key, host) else { return Ok(None) };
        let now = self.parts.clock.now();
        let session = match self.in_memory(&token, now) {
            Some(session) => {
                self.hits.fetch_add(1, Ordering::Relaxed);
                session
            }
            None => match self.load(token.hash(), now).await? {
                Some(session) => session,
                None => return Ok(None),
            },
        };
        if session.host != host || session.sign_in.ended() {
            return Ok(None);
        }
        self.unless_over(session, now).await
    }

    /// As [`Self::find`], where it takes no waiting: `None` says nothing but that.
    pub fn ready(&self, value: &str, host: &str) -> Option<Arc<Session>> {
        let token = SessionToken::parse(value, &self.parts.token_key, host)?;
        let now = self.parts.clock.now();
        let session = self.in_memory(&token, now)?;
        if session.host != host || session.sign_in.ended() || !self.lives(&session, now) {
            return None;
        }
        self.hits.fetch_add(1, Ordering::Relaxed);
        Some(session.counting(now))
    }

    /// What is in memory, unless revocations may have happened that we have not heard of.
    fn in_memory(&self, token: &SessionToken, now: Timestamp) -> Option<Arc<Session>> {
        self.memory.find(&token.hash()).filter(|_| self.feed.current(now))
    }

    /// Whether it lives, as far as this node has seen.
    fn lives(&self, session: &Session, now: Timestamp) -> bool {
        now < session.sign_in.expires_at
            && session.user.active(now)
            && session.idle_for(now) < self.lifetimes(session.sign_in.shared).idle
    }

    /// Who had the session that is over, as far as memory tells. It opens nothing.
    pub async fn former(&self, value: &str, host: &str) -> Option<Sender> {
        let token = SessionToken::parse(value, &self.parts.token_key, host)?;
        self.memory.sender(&token.hash())
    }

    /// Notes activity. Never waits.
    pub fn touch(&self, session: &Session) {
        let now = self.parts.clock.now();
        if session.sign_in.touch(now) {
            // A full queue drops it: the store is then stale by one interval more, which only ever ends a
            // session early.
            let _ = self.touches.try_send((session.sign_in.id, now));
        }
    }

    /// A new signing in at `host`, proven by `evidence`. The caller ends whichever one the browser had.
    pub async fn start(
        &self,
        user: Arc<User>,
        evidence: Evidence,
        host: &str,
        seat: Seat,
    ) -> Result<Opened, StoreError> {
        let now = self.parts.clock.now();
        let id = SignInId(random::uuid(self.parts.random.as_ref()));
        let shared = seat == Seat::Shared;
        let expires_at = now.plus(self.lifetimes(shared).absolute);
        let sign_in = SignIn { id, user: user.id, started_at: now, expires_at, seen_at: now, shared };
        let assurance = Assurance::default().with(evidence);
        let opened = self.open(sign_in, user, assurance, host, None).await?;
        opened.ok_or(StoreError::Corrupt { what: "a signing in that ended before it began" })
    }

    /// The same session with more evidence, under a new token; the old one is dead. `None` if it was
    /// already dead: then nothing has been gained.
    pub async fn raise(&self, session: &Session, evidence: Evidence) -> Result<Option<Opened>, StoreError> {
        let assurance = session.assurance.clone().with(evidence);
        let (sign_in, user) = (session.sign_in.record(), session.user.clone());
        let opened = self.open(sign_in, user, assurance, &session.host, Some(session.token)).await?;
        self.forget(&session.token).await;
        Ok(opened)
    }

    /// Ends the signing in behind a session, everywhere.
    pub async fn end(&self, session: &Session) -> Result<(), StoreError> {
        self.end_sign_in(session.sign_in.id).await
    }

    /// Ends a signing in, everywhere.
    pub async fn end_sign_in(&self, id: SignInId) -> Result<(), StoreError> {
        let now = self.parts.clock.now();
        self.parts.store.end_sign_in(id, now).await?;
        self.sign_ins.end(id, now);
        Ok(())
    }

    /// Ends all of a person's signings in, but for the one given.
    pub async fn end_all(&self, user: &User, except: Option<&Session>) -> Result<(), StoreError> {
        let now = self.parts.clock.now();
        let except = except.map(|session| session.sign_in.id);
        for id in self.parts.store.end_sign_ins(user.id, except, now).await? {
            self.sign_ins.end(id, now);
        }
        Ok(())
    }

    /// Those of a person that are open now, the latest activity first.
    pub async fn open_of(&self, user: UserId) -> Result<Vec<OpenSignIn>, StoreError> {
        let now = self.parts.clock.now();
        let mut open = self.parts.store.open_sign_ins(user, now).await?;
        open.retain(|OpenSignIn { sign_in, .. }| {
            now.since(sign_in.seen_at) < self.lifetimes(sign_in.shared).idle
        });
        Ok(open)
    }

    /// Hears of those that the store has ended already.
    pub fn ended(&self, ids: &[SignInId]) {
        let now = self.parts.clock.now();
        for id in ids {
            self.sign_ins.end(*id, now);
        }
    }

    /// Of signings in on devices that many people use, or of all others.
    pub fn lifetimes(&self, shared: bool) -> Lifetimes {
        if shared { self.parts.shared_lifetimes } else { self.parts.lifetimes }
    }

    /// How many look-ups were answered from memory, and how many had to ask the store.
    pub fn cache_counts(&self) -> (u64, u64) {
        (self.hits.load(Ordering::Relaxed), self.misses.load(Ordering::Relaxed))
    }

    /// Sessions in memory.
    pub fn live(&self) -> u64 {
        self.memory.len() as u64
    }

    /// How long it lives on if nobody does anything.
    pub fn ends_in(&self, session: &Session, limits: &SessionLimits, now: Timestamp) -> Duration {
        let own = self.lifetimes(session.sign_in.shared);
        let idle = limits.idle.map_or(own.idle, |idle| idle.min(own.idle));
        let idle = idle.saturating_sub(session.idle_for(now));
        let absolute = limits
            .absolute
            .map_or(Duration::MAX, |absolute| absolute.saturating_sub(now.since(session.sign_in.started_at)));
        idle.min(absolute).min(session.sign_in.expires_at.since(now))
    }

    /// The session, unless its time is up; then the signing in is ended.
    async fn unless_over(
        &self,
        session: Arc<Session>,
        now: Timestamp,
    ) -> Result<Option<Arc<Session>>, StoreError> {
        if self.lives(&session, now) {
            return Ok(Some(session.counting(now)));
        }
        // Another node may have seen the person: the store knows, within the touch interval.
        if now < session.sign_in.expires_at
            && session.user.active(now)
            && let Some(fresh) = self.load(session.token, now).await?
            && self.lives(&fresh, now)
        {
            return Ok(Some(fresh.counting(now)));
        }
        self.end(&session).await?;
        Ok(None)
    }

    async fn open(
        &self,
        sign_in: SignIn,
        user: Arc<User>,
        assurance: Assurance,
        host: &str,
        replaces: Option<TokenHash>,
    ) -> Result<Option<Opened>, StoreError> {
        let Parts { store, clock, random, token_key, .. } = &self.parts;
        let loaded_at = clock.now();
        let token = SessionToken::new(random.as_ref(), token_key, host);
        let record = SessionRecord { token: token.hash(), host: host.to_owned(), sign_in, assurance };
        if !store.put_session(&record, replaces.as_ref()).await? {
            return Ok(None);
        }
        let Some(live) = self.sign_ins.live(&record.sign_in) else { return Ok(None) };
        let SessionRecord { token: hash, host, assurance, .. } = record;
        let glass = Arc::new(self.panes(live.id, &host, loaded_at).await?);
        let told = Recent::default();
        let session = Session { token: hash, host, user, assurance, sign_in: live, glass, told, loaded_at };
        // Glass may be closed meanwhile: what says that it is open only comes to memory by a load, which waits
        // for its turn.
        let session = match session.glass.broken() {
            [] => self.memory.put(session),
            _ => Arc::new(session),
        };
        Ok(Some(Opened { token, session }))
    }
}
