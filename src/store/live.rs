//! All sessions that are live, for a gateway that starts with them in memory.

use async_trait::async_trait;

use super::{Result, SessionRecord, TokenHash};
use crate::time::Timestamp;
use crate::user::User;

#[async_trait]
pub trait Live {
    /// The sessions that are live at `now` and their people: those whose token's hash is `from` or follows, in order,
    /// at most `limit`. Those of signings in with open glass are left out.
    async fn live_sessions(
        &self,
        from: &TokenHash,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<(SessionRecord, User)>>;
}
