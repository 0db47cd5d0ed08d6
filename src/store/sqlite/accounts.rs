//! Changes of accounts, told in the transaction that makes them.

use async_trait::async_trait;

use super::{Sqlite, Write, attempts, audit, people, sessions};
use crate::store::accounts::{Accounts, ends_sessions};
use crate::store::{AuditRecord, Result};
use crate::user::{User, UserId};

#[async_trait]
impl Accounts for Sqlite {
    async fn change_user(&self, user: &User, told: &AuditRecord) -> Result<Option<usize>> {
        let mut write = self.begin().await?;
        let Some(before) = people::by_id(&mut *write, user.id).await? else { return Ok(None) };
        people::update(&mut *write, user).await?;
        // The name is not changed here, whatever `user` says.
        let ends = ends_sessions(&before, &User { username: before.username.clone(), ..user.clone() });
        let ended = if ends { end(&mut write, user.id, told).await? } else { 0 };
        audit::append(&mut write, &told.clone().with("ended", ended)).await?;
        write.commit().await?;
        Ok(Some(ended))
    }

    async fn reset_password(&self, user: UserId, phc: &str, told: &AuditRecord) -> Result<usize> {
        let mut write = self.begin().await?;
        people::replace_password(&mut write, user, phc, None).await?;
        let ended = end(&mut write, user, told).await?;
        audit::append(&mut write, &told.clone().with("ended", ended)).await?;
        write.commit().await?;
        Ok(ended)
    }

    async fn remove_user(&self, user: UserId, told: &AuditRecord) -> Result<Option<usize>> {
        let mut write = self.begin().await?;
        // Before the person: the feed must tell of what goes with them.
        let ended = end(&mut write, user, told).await?;
        attempts::forget(&mut write, user).await?;
        let removed = sqlx::query("DELETE FROM users WHERE id = ?")
            .bind(user.0.as_bytes().as_slice())
            .execute(&mut *write)
            .await?;
        if removed.rows_affected() == 0 {
            return Ok(None);
        }
        audit::append(&mut write, &told.clone().with("ended", ended)).await?;
        write.commit().await?;
        Ok(Some(ended))
    }
}

/// Ends all of the person's sessions, at the time of what is told; how many.
pub(super) async fn end(write: &mut Write, user: UserId, told: &AuditRecord) -> Result<usize> {
    Ok(sessions::end_of(write, (user, None), None, told.at).await?.len())
}
