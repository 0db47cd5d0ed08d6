//! Forgetting the audit's oldest rows, where `audit: { keep: … }` says so.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::MissedTickBehavior;

use super::World;
use crate::audit::{AuditLog, Entry, Event, Origin};
use crate::random;
use crate::store::{Store, StoreError};

/// Often enough that it is a few rows a time.
const INTERVAL: Duration = Duration::from_hours(1);

/// What it works with.
pub(super) struct Retention {
    pub store: Arc<dyn Store>,
    pub audit: AuditLog,
    pub world: World,
    pub keep: Duration,
}

impl Retention {
    /// Forgets now and every hour, and tells the audit how many rows it was.
    pub(super) async fn run(self) {
        let mut ticks = tokio::time::interval(INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            match self.forget().await {
                Ok(0) => {}
                Ok(rows) => {
                    let correlation = random::nonce(self.world.random.as_ref()).split_off(31);
                    let origin = Origin { at: self.world.clock.now(), address: None, correlation };
                    self.audit.record(Entry::new(Event::AuditForgotten, &origin).with("rows", rows)).await;
                }
                Err(error) => tracing::warn!(%error, "old audit records could not be forgotten"),
            }
        }
    }

    async fn forget(&self) -> Result<u64, StoreError> {
        let before = self.world.clock.now().minus(self.keep);
        let mut rows = 0;
        loop {
            match self.store.forget_audit(before).await? {
                0 => return Ok(rows),
                some => rows += some,
            }
        }
    }
}
