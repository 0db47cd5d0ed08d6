//! All sessions that are live, for a gateway that starts with them in memory.

use std::sync::Arc;

use async_trait::async_trait;

use super::{Result, SessionRecord};
use crate::time::Timestamp;
use crate::user::User;

/// What each goes to, from several threads at once.
pub type Take = Arc<dyn Fn(SessionRecord, User) + Send + Sync>;

#[async_trait]
pub trait Live {
    /// Hands over every session that is live at `now`, with its person, in no order. Those of signings in with open
    /// glass are left out. After a failure, some have been handed over.
    async fn live_sessions(&self, now: Timestamp, take: Take) -> Result<()>;
}
