//! Glass that a person broke at one host: what their session there has of it.

use std::sync::atomic::{AtomicU64, Ordering};

use uuid::Uuid;

use super::{Session, Sessions};
use crate::authn::glass::BrokenGlass;
use crate::store::glass::Pane;
use crate::store::{AuditRecord, SignInId, StoreError, TokenHash};
use crate::time::Timestamp;

/// The glass of a session; some of it may be over.
#[derive(Debug, Default)]
pub struct Panes {
    broken: Vec<BrokenGlass>,
    /// A bit each, of the first 64: its first use has been told.
    told: AtomicU64,
}

impl Panes {
    pub fn broken(&self) -> &[BrokenGlass] {
        &self.broken
    }

    fn bit(&self, id: Uuid) -> u64 {
        let index = self.broken.iter().position(|broken| broken.id == id);
        index.filter(|index| *index < 64).map_or(0, |index| 1 << index)
    }
}

impl Sessions {
    /// Breaks glass in the signing in of `session`, at the pane's host alone. `false` if it is over.
    pub async fn break_glass(&self, pane: &Pane, told: &AuditRecord) -> Result<bool, StoreError> {
        let concerned = self.parts.store.break_glass(pane, told).await?;
        Ok(self.anew(concerned).await)
    }

    /// Closes it before its time. `false` if it is not open in that signing in.
    pub async fn close_glass(
        &self,
        id: Uuid,
        sign_in: SignInId,
        told: &AuditRecord,
    ) -> Result<bool, StoreError> {
        let concerned = self.parts.store.close_glass(id, sign_in, told).await?;
        Ok(self.anew(concerned).await)
    }

    /// A request of this session is let in by it. Whether `told` was written: it is once, by whichever session.
    pub async fn use_glass(
        &self,
        session: &Session,
        id: Uuid,
        told: impl FnOnce() -> AuditRecord,
    ) -> Result<Option<AuditRecord>, StoreError> {
        let bit = session.glass.bit(id);
        if session.glass.told.load(Ordering::Relaxed) & bit != 0 {
            return Ok(None);
        }
        let told = told();
        let first = self.parts.store.use_glass(id, &told).await?;
        session.glass.told.fetch_or(bit, Ordering::Relaxed);
        Ok(first.then_some(told))
    }

    /// All that is open in a signing in, wherever.
    pub async fn open_glass(&self, sign_in: SignInId, now: Timestamp) -> Result<Vec<Pane>, StoreError> {
        self.parts.store.glass(sign_in, now).await
    }

    /// What is open in a signing in at `host`.
    pub(super) async fn panes(
        &self,
        sign_in: SignInId,
        host: &str,
        now: Timestamp,
    ) -> Result<Panes, StoreError> {
        let mut all = self.open_glass(sign_in, now).await?;
        all.retain(|pane| pane.host == host);
        Ok(Panes { broken: all.into_iter().map(|pane| pane.glass).collect(), told: AtomicU64::default() })
    }

    /// What memory has of these sessions is from before.
    async fn anew(&self, concerned: Option<Vec<TokenHash>>) -> bool {
        for token in concerned.iter().flatten() {
            self.forget(token).await;
        }
        concerned.is_some()
    }
}
