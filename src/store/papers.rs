//! One-time codes that were given on identity papers.

use async_trait::async_trait;

use super::{AuditRecord, Result, TokenHash};
use crate::authn::MitIdLevel;
use crate::time::Timestamp;
use crate::user::UserId;

#[async_trait]
pub trait Papers {
    /// Replaces the person's earlier codes. `told` is the audit's record of the papers, written with the code.
    async fn add_code_on_papers(
        &self,
        user: UserId,
        code: (&TokenHash, Timestamp),
        level: MitIdLevel,
        told: &AuditRecord,
    ) -> Result<()>;
    /// The level of the papers the code was given on; `None` for any other code, and for none.
    async fn papers_of_code(&self, user: UserId, code: &TokenHash) -> Result<Option<MitIdLevel>>;
}
