//! Sessions in memory: packed while their people do nothing, whole while they do.
//!
//! A look-up takes its shard's lock for reading, for as long as it takes to find one entry.

#![expect(clippy::mutable_key_type, reason = "an entry is known by its token, which stays as it is")]

use std::borrow::Borrow;
use std::collections::HashSet;
use std::hash::{Hash, Hasher};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use arc_swap::ArcSwapOption;

use super::packed::Packed;
use super::{LiveSignIn, Sender, Session};
use crate::store::TokenHash;
use crate::time::Timestamp;

/// One by the first byte of the token's hash, which is as good as random.
const SHARDS: usize = 256;

/// Sessions in a shard: two million in all. Past that the idlest go; one that is gone is loaded again.
const SHARD: usize = 8_192;

/// Sessions that are kept whole at once.
const WHOLE: usize = 100_000;

/// A session whose person has done nothing for this long is packed.
const REST: Duration = Duration::from_secs(60);

/// How long it is known whose a session was that is over.
const AFTERLIFE: Duration = Duration::from_hours(1);

pub(super) struct Memory {
    shards: Box<[RwLock<HashSet<Entry>>]>,
    whole: AtomicUsize,
}

/// A pointer of its own, for a table has up to twice the places it needs.
struct Entry(Box<Resident>);

struct Resident {
    token: TokenHash,
    sign_in: Arc<LiveSignIn>,
    packed: Packed,
    whole: ArcSwapOption<Session>,
}

impl Default for Memory {
    fn default() -> Self {
        let shards = (0..SHARDS).map(|_| RwLock::default()).collect();
        Self { shards, whole: AtomicUsize::new(0) }
    }
}

impl Memory {
    pub fn find(&self, token: &TokenHash) -> Option<Arc<Session>> {
        let shard = self.read(token);
        let Entry(resident) = shard.get(token)?;
        if let Some(session) = resident.whole.load_full() {
            return Some(session);
        }
        let session = Arc::new(resident.packed.unpack(*token, resident.sign_in.clone())?);
        self.keep_whole(resident, &session);
        Some(session)
    }

    /// Whose it is or was.
    pub fn sender(&self, token: &TokenHash) -> Option<Sender> {
        let shard = self.read(token);
        let Entry(resident) = shard.get(token)?;
        Some(resident.sign_in.sender())
    }

    /// Takes the place of what was known of the token.
    pub fn put(&self, session: Session) -> Arc<Session> {
        let session = Arc::new(session);
        let resident = Resident::of(&session);
        self.keep_whole(&resident, &session);
        let mut shard = self.write(&session.token);
        make_room(&mut shard, &session.token);
        self.count_out(shard.replace(Entry(Box::new(resident))));
        session
    }

    /// As [`Self::put`], packed, and only where nothing is known of the token.
    pub fn lay_down(&self, session: &Session) {
        let resident = Resident::of(session);
        let mut shard = self.write(&session.token);
        if !shard.contains(&session.token) {
            make_room(&mut shard, &session.token);
            shard.insert(Entry(Box::new(resident)));
        }
    }

    pub fn remove(&self, token: &TokenHash) {
        let removed = self.write(token).take(token);
        self.count_out(removed);
    }

    pub fn len(&self) -> usize {
        self.shards.iter().map(|shard| read(shard).len()).sum()
    }

    /// Packs what is idle and drops what is long over, in one shard: there are [`Self::shards`] of them.
    pub fn rest(&self, shard: usize, now: Timestamp) {
        let Some(shard) = self.shards.get(shard) else { return };
        let over = |resident: &Resident| now >= resident.sign_in.expires_at.plus(AFTERLIFE);
        let mut any_over = false;
        for Entry(resident) in read(shard).iter() {
            any_over |= over(resident);
            let idle = now.since(resident.sign_in.seen_at()) >= REST;
            // What has glass stays whole: the bytes do not have it.
            let packs = |session: &Arc<Session>| idle && session.glass.broken().is_empty();
            if resident.whole.load().as_ref().is_some_and(packs) && resident.whole.swap(None).is_some() {
                self.whole.fetch_sub(1, Ordering::Relaxed);
            }
        }
        if any_over {
            let mut shard = write(shard);
            let gone: Vec<Entry> = shard.extract_if(|Entry(resident)| over(resident)).collect();
            drop(shard);
            gone.into_iter().for_each(|entry| self.count_out(Some(entry)));
        }
    }

    pub const fn shards(&self) -> usize {
        self.shards.len()
    }

    /// If there is room, or it cannot be packed.
    fn keep_whole(&self, resident: &Resident, session: &Arc<Session>) {
        let room = self.whole.load(Ordering::Relaxed) < WHOLE;
        if (room || !session.glass.broken().is_empty())
            && resident.whole.swap(Some(session.clone())).is_none()
        {
            self.whole.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn count_out(&self, gone: Option<Entry>) {
        if gone.is_some_and(|Entry(resident)| resident.whole.load().is_some()) {
            self.whole.fetch_sub(1, Ordering::Relaxed);
        }
    }

    fn read(&self, token: &TokenHash) -> RwLockReadGuard<'_, HashSet<Entry>> {
        read(&self.shards[usize::from(token.0[0]) % SHARDS])
    }

    fn write(&self, token: &TokenHash) -> RwLockWriteGuard<'_, HashSet<Entry>> {
        write(&self.shards[usize::from(token.0[0]) % SHARDS])
    }
}

impl Resident {
    fn of(session: &Session) -> Self {
        let (packed, whole) = (Packed::of(session), ArcSwapOption::empty());
        Self { token: session.token, sign_in: session.sign_in.clone(), packed, whole }
    }
}

/// Lets the idlest eighth of a full shard go, first of all those that were ended.
fn make_room(shard: &mut HashSet<Entry>, comer: &TokenHash) {
    if shard.len() < SHARD || shard.contains(comer) {
        return;
    }
    let rank = |Entry(resident): &Entry| (!resident.sign_in.ended(), resident.sign_in.seen_at());
    let mut ranks: Vec<_> = shard.iter().map(rank).collect();
    let (_, last, _) = ranks.select_nth_unstable(SHARD / 8 - 1);
    let last = *last;
    let mut left = SHARD / 8;
    shard.retain(|entry| {
        let goes = left > 0 && rank(entry) <= last;
        left -= usize::from(goes);
        !goes
    });
}

fn read(shard: &RwLock<HashSet<Entry>>) -> RwLockReadGuard<'_, HashSet<Entry>> {
    shard.read().unwrap_or_else(PoisonError::into_inner)
}

fn write(shard: &RwLock<HashSet<Entry>>) -> RwLockWriteGuard<'_, HashSet<Entry>> {
    shard.write().unwrap_or_else(PoisonError::into_inner)
}

impl Borrow<TokenHash> for Entry {
    fn borrow(&self) -> &TokenHash {
        let Self(resident) = self;
        &resident.token
    }
}

impl Hash for Entry {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Borrow::<TokenHash>::borrow(self).hash(state);
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        Borrow::<TokenHash>::borrow(self) == Borrow::<TokenHash>::borrow(other)
    }
}

impl Eq for Entry {}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::assertion::Recent;
    use crate::authn::Assurance;
    use crate::session::sign_in::SignIns;
    use crate::store::{SignIn, SignInId};
    use crate::user::{User, UserId, Username};

    /// All in one shard, of signings in that last to second 100 000.
    fn session(n: u64, seen: i64) -> Session {
        let user = User {
            id: UserId(Uuid::from_u128(1)),
            username: Username::parse("nez").unwrap(),
            name: String::new(),
            groups: Vec::new(),
            claims: Vec::new(),
            cpr: None,
            disabled: false,
            expires_at: None,
            created_at: Timestamp::EPOCH,
        };
        let sign_in = SignIn {
            id: SignInId(Uuid::from_u128(n.into())),
            user: user.id,
            started_at: Timestamp::EPOCH,
            expires_at: Timestamp::from_seconds(100_000),
            seen_at: Timestamp::from_seconds(seen),
            shared: false,
        };
        let mut token = [0; 32];
        token[8..16].copy_from_slice(&n.to_be_bytes());
        Session {
            token: TokenHash(token),
            host: "cura.example".to_owned(),
            user: Arc::new(user),
            assurance: Assurance::default(),
            sign_in: SignIns::default().live(&sign_in).unwrap(),
            glass: Arc::default(),
            told: Recent::default(),
            loaded_at: Timestamp::EPOCH,
        }
    }

    #[test]
    fn the_idlest_make_room_and_the_ended_before_them() {
        let (memory, sign_ins) = (Memory::default(), SignIns::default());
        let (first, last) = (0, SHARD as u64 - 1);
        for n in first..last {
            memory.lay_down(&session(n, i64::try_from(n).unwrap()));
        }
        let latest = session(last, 90_000);
        let ended = Session { sign_in: sign_ins.live(&latest.sign_in.record()).unwrap(), ..latest };
        memory.lay_down(&ended);
        sign_ins.end(ended.sign_in.id, Timestamp::EPOCH);
        memory.put(session(first, 0));
        assert_eq!(memory.len(), SHARD, "one that is known needs no room");
        memory.put(session(last + 1, 0));
        assert_eq!(memory.len(), SHARD - SHARD / 8 + 1);
        let stays = |n| memory.sender(&session(n, 0).token).is_some();
        assert!(stays(last + 1) && !stays(last));
        let left = SHARD as u64 / 8 - 1;
        assert!((first..left).all(|n| !stays(n)) && (left..last).all(stays));
    }

    #[test]
    fn equals_do_not_all_go_at_once() {
        let memory = Memory::default();
        for n in 0..=SHARD as u64 {
            memory.lay_down(&session(n, 7));
        }
        assert_eq!(memory.len(), SHARD - SHARD / 8 + 1);
    }

    #[test]
    fn whose_it_was_is_known_for_a_while() {
        let memory = Memory::default();
        let put = memory.put(session(1, 99_999));
        let over = put.sign_in.expires_at.plus(AFTERLIFE);
        memory.rest(0, over.minus(Duration::from_secs(1)));
        assert_eq!(memory.sender(&put.token), Some(put.sender()));
        memory.rest(0, over);
        assert_eq!((memory.sender(&put.token), memory.len()), (None, 0));
    }

    #[test]
    fn only_so_many_are_whole() {
        let memory = Memory::default();
        memory.whole.store(WHOLE - 1, Ordering::Relaxed);
        let [first, second] = [1, 2].map(|n| memory.put(session(n, 0)));
        let same = |session: &Arc<Session>| Arc::ptr_eq(session, &memory.find(&session.token).unwrap());
        assert!(same(&first) && !same(&second));
        memory.remove(&first.token);
        memory.find(&second.token);
        let again = memory.find(&second.token).unwrap();
        assert!(same(&again), "one that left made room");
        memory.rest(0, Timestamp::from_seconds(60));
        assert_eq!(memory.whole.load(Ordering::Relaxed), WHOLE - 1);
    }
}
