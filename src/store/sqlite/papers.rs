//! One-time codes that were given on identity papers.

use async_trait::async_trait;

use super::{Sqlite, audit};
use crate::authn::MitIdLevel;
use crate::store::{AuditRecord, Papers, Result, StoreError, TokenHash};
use crate::time::Timestamp;
use crate::user::UserId;

#[async_trait]
impl Papers for Sqlite {
    async fn add_code_on_papers(
        &self,
        user: UserId,
        (code, expires_at): (&TokenHash, Timestamp),
        level: MitIdLevel,
        told: &AuditRecord,
    ) -> Result<()> {
        let mut write = self.begin().await?;
        sqlx::query(
            "INSERT INTO codes (user, code, expires_at, papers) VALUES (?, ?, ?, ?)
             ON CONFLICT (user) DO UPDATE
             SET code = excluded.code, expires_at = excluded.expires_at, papers = excluded.papers",
        )
        .bind(user.0.as_bytes().as_slice())
        .bind(code.0.as_slice())
        .bind(expires_at.as_millis())
        .bind(level.name())
        .execute(&mut *write)
        .await?;
        audit::append(&mut write, told).await?;
        Ok(write.commit().await?)
    }

    async fn papers_of_code(&self, user: UserId, code: &TokenHash) -> Result<Option<MitIdLevel>> {
        let level: Option<Option<String>> =
            sqlx::query_scalar("SELECT papers FROM codes WHERE user = ? AND code = ?")
                .bind(user.0.as_bytes().as_slice())
                .bind(code.0.as_slice())
                .fetch_optional(&self.readers)
                .await?;
        let level = level.flatten().map(|name| MitIdLevel::parse(&name));
        level.map(|level| level.ok_or(StoreError::Corrupt { what: "a code's papers" })).transpose()
    }
}
