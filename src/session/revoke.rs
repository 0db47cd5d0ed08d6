//! Revocation across processes: every node, and every command, writes to one feed; every node reads it.
//!
//! A node that has not heard the feed for its [`LEASE`] asks the store about every session it is shown, and
//! with the store gone refuses what it cannot know.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use tokio::sync::mpsc;

use super::Sessions;
use crate::store::SignInId;
use crate::time::Timestamp;

/// How often the feed is read: a revocation is known everywhere within twice this.
const INTERVAL: Duration = Duration::from_secs(1);

/// How long sessions in memory are trusted without having heard the feed.
pub const LEASE: Duration = Duration::from_secs(2);

const PURGE_INTERVAL: Duration = Duration::from_secs(60);

/// When the feed was last heard.
#[derive(Debug)]
pub struct Feed {
    heard_at: AtomicI64,
}

impl Default for Feed {
    fn default() -> Self {
        Self { heard_at: AtomicI64::new(i64::MIN) }
    }
}

impl Feed {
    pub fn current(&self, now: Timestamp) -> bool {
        now <= Timestamp::from_millis(self.heard_at.load(Ordering::Acquire)).plus(LEASE)
    }

    fn heard(&self, at: Timestamp) {
        self.heard_at.store(at.as_millis(), Ordering::Release);
    }
}

impl Sessions {
    /// Reads the feed once from `position`, ends what it names, and answers where it now stands.
    pub async fn hear(&self, position: Option<i64>) -> Result<Option<i64>, crate::store::StoreError> {
        // The time before the read: what is written after it may be missed by it.
        let at = self.parts.clock.now();
        let revocations = self.parts.store.revocations(position).await?;
        for revocation in &revocations {
            self.sign_ins.end(revocation.sign_in, at);
        }
        self.feed.heard(at);
        let last = revocations.last().map(|revocation| revocation.position);
        Ok(last.or(position).or(Some(0)))
    }
}

impl Sessions {
    /// Packs what nobody uses and drops what is over. Others have their turn in between.
    pub(super) async fn rest(&self, now: Timestamp) {
        for shard in 0..self.memory.shards() {
            self.memory.rest(shard, now);
            tokio::task::yield_now().await;
        }
    }
}

/// Keeps memory and store in step until dropped: reads the feed, writes activity, forgets what is over.
///
/// `position` is what [`Sessions::hear`] answered before the first session was loaded: no revocation can fall
/// between a load and the feed.
pub async fn keep(
    sessions: Arc<Sessions>,
    mut position: Option<i64>,
    mut touches: mpsc::Receiver<(SignInId, Timestamp)>,
) {
    let mut tick = tokio::time::interval(INTERVAL);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut purge = tokio::time::interval(PURGE_INTERVAL);
    loop {
        tokio::select! {
            _ = tick.tick() => match sessions.hear(position).await {
                Ok(heard) => position = heard,
                Err(error) => tracing::warn!(%error, "the revocation feed cannot be read"),
            },
            Some((sign_in, seen_at)) = touches.recv() => {
                if let Err(error) = sessions.parts.store.touch(sign_in, seen_at).await {
                    tracing::warn!(%error, "activity was not written");
                }
            }
            _ = purge.tick() => {
                let now = sessions.parts.clock.now();
                sessions.rest(now).await;
                sessions.sign_ins.purge(now);
                if let Err(error) = sessions.parts.store.purge(now).await {
                    tracing::warn!(%error, "what is over could not be forgotten");
                }
            }
        }
    }
}
