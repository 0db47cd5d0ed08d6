//! From the store to memory.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::sync::{Mutex, MutexGuard};
use tokio::task::JoinSet;

use super::glass::Panes;
use super::{Session, Sessions};
use crate::assertion::Recent;
use crate::store::{SessionRecord, StoreError, TokenHash};
use crate::time::Timestamp;
use crate::user::User;

/// More than the store answers at once, by far: two tokens that share one rarely meet.
const TURNS: usize = 1024;

/// Sessions of a read of [`Sessions::preload`].
const CHUNK: u32 = 1_000;

/// Reads at once. Tokens' hashes are as good as random, so that each reads as many.
const LANES: u8 = 4;

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
        let lanes: JoinSet<_> = (0..LANES).map(|lane| Arc::clone(self).preload_lane(lane)).collect();
        lanes.join_all().await.into_iter().sum()
    }

    /// Those whose hashes begin as this lane's do.
    async fn preload_lane(self: Arc<Self>, lane: u8) -> Result<u64, StoreError> {
        const WIDTH: u8 = u8::MAX / LANES + 1;
        let mut first = [0; 32];
        first[0] = lane * WIDTH;
        let mut from = Some(TokenHash(first));
        let mut loaded = 0;
        while let Some(first) = from {
            let loaded_at = self.parts.clock.now();
            let chunk = self.parts.store.live_sessions(&first, loaded_at, CHUNK).await?;
            from = chunk.last().and_then(|(record, _)| after(record.token));
            from = from.filter(|next| next.0[0] / WIDTH == lane);
            for (record, user) in
                chunk.into_iter().take_while(|(record, _)| record.token.0[0] / WIDTH == lane)
            {
                loaded += 1;
                if let Some(session) = self.revive(record, user, Panes::default(), loaded_at) {
                    self.memory.lay_down(&session);
                }
            }
        }
        Ok(loaded)
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

/// The next hash there can be.
fn after(TokenHash(mut hash): TokenHash) -> Option<TokenHash> {
    for byte in hash.iter_mut().rev() {
        *byte = byte.wrapping_add(1);
        if *byte != 0 {
            return Some(TokenHash(hash));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_follow_one_another_to_the_last() {
        let mut hash = [0; 32];
        hash[31] = 0xff;
        let mut next = [0; 32];
        next[30] = 1;
        assert_eq!(after(TokenHash(hash)), Some(TokenHash(next)));
        assert_eq!(after(TokenHash([0xff; 32])), None);
    }
}
