//! Signings in that are live in memory, and those that were ended: one record each, shared by every
//! session that belongs to it, so that ending one ends them all at once.

use std::borrow::Borrow;
use std::collections::{HashMap, HashSet};
use std::hash::{Hash, Hasher};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::{Seat, Sender};
use crate::store::{SignIn, SignInId};
use crate::time::Timestamp;
use crate::user::UserId;

/// How long an ended one is remembered here: longer than any read of the store that began before its end.
const TOMBSTONE: Duration = Duration::from_secs(10 * 60);

/// How stale the store's `seen_at` may be.
const TOUCH_INTERVAL: Duration = Duration::from_secs(30);

/// One by the last byte of the id, which is random: none is locked for long.
const SHARDS: usize = 256;

/// One signing in, as the request path sees it.
#[derive(Debug)]
pub struct LiveSignIn {
    pub id: SignInId,
    pub user: UserId,
    pub started_at: Timestamp,
    pub expires_at: Timestamp,
    /// It is on a device that many people use.
    pub shared: bool,
    seen_at: AtomicI64,
    touched_at: AtomicI64,
    ended: AtomicBool,
}

impl LiveSignIn {
    pub(super) fn new(record: &SignIn) -> Self {
        Self {
            id: record.id,
            user: record.user,
            started_at: record.started_at,
            expires_at: record.expires_at,
            shared: record.shared,
            seen_at: AtomicI64::new(record.seen_at.as_millis()),
            touched_at: AtomicI64::new(record.seen_at.as_millis()),
            ended: AtomicBool::new(false),
        }
    }

    pub fn ended(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }

    pub fn sender(&self) -> Sender {
        Sender { user: self.user, seat: if self.shared { Seat::Shared } else { Seat::Own } }
    }

    pub fn seen_at(&self) -> Timestamp {
        Timestamp::from_millis(self.seen_at.load(Ordering::Relaxed))
    }

    /// Another node may have seen the person later than we have.
    pub fn hear_of(&self, seen_at: Timestamp) {
        self.seen_at.fetch_max(seen_at.as_millis(), Ordering::Relaxed);
    }

    /// Notes activity; `true` when the store should be told, which is true for one caller an interval.
    pub fn touch(&self, now: Timestamp) -> bool {
        self.hear_of(now);
        let touched = self.touched_at.load(Ordering::Relaxed);
        now.since(Timestamp::from_millis(touched)) >= TOUCH_INTERVAL
            && self
                .touched_at
                .compare_exchange(touched, now.as_millis(), Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
    }

    pub fn record(&self) -> SignIn {
        SignIn {
            id: self.id,
            user: self.user,
            started_at: self.started_at,
            expires_at: self.expires_at,
            seen_at: self.seen_at(),
            shared: self.shared,
        }
    }
}

/// All of them. Locked on a load, a login or a revocation, never for a request whose session is in memory.
pub struct SignIns(Box<[Mutex<Shard>]>);

#[derive(Default)]
struct Shard {
    live: HashSet<Live>,
    ended: HashMap<SignInId, Timestamp>,
}

/// Known by its id, which is not kept a second time beside it: there may be a million.
struct Live(Arc<LiveSignIn>);

impl Default for SignIns {
    fn default() -> Self {
        Self((0..SHARDS).map(|_| Mutex::default()).collect())
    }
}

impl SignIns {
    /// The live record for what the store said. `None` if it was ended since the store was asked: the
    /// tombstone wins over a read that was under way.
    pub fn live(&self, record: &SignIn) -> Option<Arc<LiveSignIn>> {
        let mut shard = self.shard(record.id);
        if shard.ended.contains_key(&record.id) {
            return None;
        }
        if let Some(Live(live)) = shard.live.get(&record.id) {
            live.hear_of(record.seen_at);
            return Some(live.clone());
        }
        let live = Arc::new(LiveSignIn::new(record));
        shard.live.insert(Live(live.clone()));
        Some(live)
    }

    /// Ends it here and now, for every session that holds it.
    pub fn end(&self, id: SignInId, now: Timestamp) {
        let mut shard = self.shard(id);
        shard.ended.insert(id, now);
        if let Some(Live(live)) = shard.live.take(&id) {
            live.ended.store(true, Ordering::Release);
        }
    }

    /// Forgets those that no session holds any more, and old tombstones.
    pub fn purge(&self, now: Timestamp) {
        for shard in &self.0 {
            let Shard { live, ended } = &mut *shard.lock().unwrap_or_else(PoisonError::into_inner);
            live.retain(|Live(live)| Arc::strong_count(live) > 1);
            ended.retain(|_, at| now.since(*at) < TOMBSTONE);
        }
    }

    fn shard(&self, id: SignInId) -> MutexGuard<'_, Shard> {
        let [.., last] = *id.0.as_bytes();
        self.0[usize::from(last) % SHARDS].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Borrow<SignInId> for Live {
    fn borrow(&self) -> &SignInId {
        let Self(live) = self;
        &live.id
    }
}

impl Hash for Live {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Borrow::<SignInId>::borrow(self).hash(state);
    }
}

impl PartialEq for Live {
    fn eq(&self, other: &Self) -> bool {
        Borrow::<SignInId>::borrow(self) == Borrow::<SignInId>::borrow(other)
    }
}

impl Eq for Live {}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(seen: i64) -> SignIn {
        SignIn {
            id: SignInId(uuid::Uuid::from_u128(7)),
            user: UserId(uuid::Uuid::from_u128(1)),
            started_at: Timestamp::EPOCH,
            expires_at: Timestamp::from_seconds(1000),
            seen_at: Timestamp::from_seconds(seen),
            shared: false,
        }
    }

    #[test]
    fn ending_reaches_every_holder_and_outlives_a_read_under_way() {
        let sign_ins = SignIns::default();
        let held = sign_ins.live(&record(0)).unwrap();
        sign_ins.end(held.id, Timestamp::EPOCH);
        assert!(held.ended());
        assert!(sign_ins.live(&record(0)).is_none(), "a stale read must not bring it back");
    }

    #[test]
    fn one_that_was_never_seen_here_can_be_ended_too() {
        let sign_ins = SignIns::default();
        sign_ins.end(record(0).id, Timestamp::EPOCH);
        assert!(sign_ins.live(&record(0)).is_none());
    }

    #[test]
    fn purging_never_loses_what_a_session_holds() {
        let sign_ins = SignIns::default();
        let held = sign_ins.live(&record(0)).unwrap();
        sign_ins.purge(Timestamp::from_seconds(10_000));
        sign_ins.end(held.id, Timestamp::EPOCH);
        assert!(held.ended(), "a purge between load and end must not cut the tie");
    }

    #[test]
    fn the_store_hears_of_activity_once_an_interval() {
        let live = SignIns::default().live(&record(0)).unwrap();
        assert!(!live.touch(Timestamp::from_seconds(29)));
        assert!(live.touch(Timestamp::from_seconds(30)));
        assert!(!live.touch(Timestamp::from_seconds(31)));
        assert_eq!(live.seen_at(), Timestamp::from_seconds(31));
    }
}
