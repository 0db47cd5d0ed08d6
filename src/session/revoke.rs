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

/// How much activity one write takes: others wait for it, for some milliseconds.
const TOUCHES_AT_ONCE: usize = 4096;

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
    /// Writes the activity that waits, thousands of people's at once: every write waits for the disk.
    async fn write(&self, touches: &mut mpsc::Receiver<(SignInId, Timestamp)>) {
        let mut seen = Vec::new();
        touches.recv_many(&mut seen, touches.len()).await;
        for seen in seen.chunks(TOUCHES_AT_ONCE) {
            if let Err(error) = self.parts.store.touch(seen).await {
                tracing::warn!(%error, people = seen.len(), "activity was not written");
            }
        }
    }

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
            _ = tick.tick() => {
                match sessions.hear(position).await {
                    Ok(heard) => position = heard,
                    Err(error) => tracing::warn!(%error, "the revocation feed cannot be read"),
                }
                sessions.write(&mut touches).await;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::tests::World;

    #[tokio::test]
    async fn everybodys_activity_is_written() {
        let mut world = World::new().await;
        let opened = [world.signed_in().await, world.signed_in().await, world.signed_in().await];
        world.clock.advance(Duration::from_secs(60));
        for opened in &opened[..2] {
            world.sessions.touch(&opened.session);
        }
        let now = world.sessions.parts.clock.now();
        let (_, unused) = mpsc::channel(1);
        let touches = std::mem::replace(&mut world.touches, unused);
        let keeping = tokio::spawn(keep(world.sessions.clone(), Some(0), touches));
        let seen_at = async |opened: &crate::session::Opened| {
            let stored = world.sessions.parts.store.session(&opened.session.token).await.unwrap();
            stored.expect("nothing ended it").0.sign_in.seen_at
        };
        let written = async { while seen_at(&opened[0]).await != now || seen_at(&opened[1]).await != now {} };
        tokio::time::timeout(Duration::from_secs(30), written).await.unwrap();
        assert_eq!(seen_at(&opened[2]).await, opened[2].session.sign_in.started_at);
        keeping.abort();
    }
}
