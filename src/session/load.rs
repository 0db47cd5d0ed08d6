//! From the store to memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::{Mutex, MutexGuard};

use super::glass::Panes;
use super::{Session, Sessions};
use crate::assertion::Recent;
use crate::store::{SessionRecord, StoreError, TokenHash};
use crate::time::Timestamp;
use crate::user::User;

/// More than the store answers at once, by far: two tokens that share one rarely meet.
const TURNS: usize = 1024;

/// Who may ask the store about a token, and change what memory has of it: one at a time.
pub(super) struct Turns(Box<[Mutex<()>]>);

impl Default for Turns {
    fn default() -> Self {
        Self((0..TURNS).map(|_| Mutex::default()).collect())
    }
}

impl Turns {
    async fn of(&self, TokenHash(hash): &TokenHash) -> MutexGuard<'_, ()> {
        let [.., one, two] = *hash;
        self.0[usize::from(u16::from_be_bytes([one, two])) % TURNS].lock().await
    }
}

impl Sessions {
    /// Asks the store. However many wait for one token, the store is asked once.
    pub(super) async fn load(
        &self,
        hash: TokenHash,
        asked_at: Timestamp,
    ) -> Result<Option<Arc<Session>>, StoreError> {
        let _turn = self.turns.of(&hash).await;
        if let Some(session) = self.memory.find(&hash).filter(|session| session.loaded_at >= asked_at) {
            self.hits.fetch_add(1, Ordering::Relaxed);
            return Ok(Some(session));
        }
        self.misses.fetch_add(1, Ordering::Relaxed);
        let loaded_at = self.parts.clock.now();
        let live = match self.parts.store.session(&hash).await? {
            Some((record, user)) => {
                let panes = self.panes(record.sign_in.id, &record.host, loaded_at).await?;
                self.revive(record, user, panes, loaded_at)
            }
            None => None,
        };
        Ok(match live {
            Some(session) => Some(self.memory.put(session)),
            None => {
                self.memory.remove(&hash);
                None
            }
        })
    }

    /// Drops a token from memory once the store has: after any load that began before, never under one.
    pub(super) async fn forget(&self, hash: &TokenHash) {
        let _turn = self.turns.of(hash).await;
        self.memory.remove(hash);
    }

    /// Loads all that are live, before the first is asked for; how many. What is asked for meanwhile, or has broken
    /// glass, is loaded by itself.
    pub async fn preload(self: &Arc<Self>) -> Result<u64, StoreError> {
        let (sessions, loaded) = (Arc::clone(self), Arc::new(AtomicU64::new(0)));
        let (loaded_at, count) = (self.parts.clock.now(), Arc::clone(&loaded));
        let take = move |record, user| {
            if let Some(session) = sessions.revive(record, user, Panes::default(), loaded_at) {
                sessions.memory.lay_down(&session);
                count.fetch_add(1, Ordering::Relaxed);
            }
        };
        self.parts.store.live_sessions(loaded_at, Arc::new(take)).await?;
        Ok(loaded.load(Ordering::Relaxed))
    }

    fn revive(
        &self,
        record: SessionRecord,
        user: User,
        glass: Panes,
        loaded_at: Timestamp,
    ) -> Option<Session> {
        if !user.active(loaded_at) {
            return None;
        }
        let sign_in = self.sign_ins.live(&record.sign_in)?;
        let SessionRecord { token, host, assurance, .. } = record;
        let (user, glass, told) = (Arc::new(user), Arc::new(glass), Recent::default());
        Some(Session { token, host, user, assurance, sign_in, glass, told, loaded_at })
    }
}

#[cfg(test)]
#[path = "load_tests.rs"]
mod tests;
