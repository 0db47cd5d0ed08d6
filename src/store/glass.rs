//! Glass that is broken: see [`crate::authn::glass`].

use async_trait::async_trait;
use uuid::Uuid;

use super::{AuditRecord, Result, SignInId, TokenHash};
use crate::authn::glass::BrokenGlass;
use crate::time::Timestamp;

/// Broken glass, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pane {
    pub sign_in: SignInId,
    pub host: String,
    pub glass: BrokenGlass,
}

/// What was broken, for whom, until when. None of it happens without its record in the audit.
#[async_trait]
pub trait Glass {
    /// Answers the tokens of the sessions that this concerns, which must be loaded anew; `None`, and nothing
    /// written, if the signing in is over.
    async fn break_glass(&self, pane: &Pane, told: &AuditRecord) -> Result<Option<Vec<TokenHash>>>;
    /// All that is open at `now` in a signing in, the latest last.
    async fn glass(&self, sign_in: SignInId, now: Timestamp) -> Result<Vec<Pane>>;
    /// A request is let in by it. `told` is written the first time.
    async fn use_glass(&self, id: Uuid, told: &AuditRecord) -> Result<bool>;
    /// As [`Self::break_glass`]; `None` if there is none that is open in that signing in.
    async fn close_glass(
        &self,
        id: Uuid,
        sign_in: SignInId,
        told: &AuditRecord,
    ) -> Result<Option<Vec<TokenHash>>>;
}
