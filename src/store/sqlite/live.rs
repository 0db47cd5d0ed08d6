//! All live sessions, a run of them at a time.

use async_trait::async_trait;

use super::Sqlite;
use super::sessions::SessionRow;
use crate::store::live::Live;
use crate::store::{Result, SessionRecord, TokenHash};
use crate::time::Timestamp;
use crate::user::User;

#[async_trait]
impl Live for Sqlite {
    async fn live_sessions(
        &self,
        from: &TokenHash,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<(SessionRecord, User)>> {
        let rows: Vec<SessionRow> = sqlx::query_as(
            "SELECT sessions.*, started_at, ends_at, seen_at, shared, users.*
             FROM sessions JOIN sign_ins ON sign_ins.id = sign_in JOIN users ON users.id = sign_ins.user
             WHERE token >= ?1 AND ended_at IS NULL AND ends_at > ?2
                 AND NOT EXISTS (SELECT 1 FROM glass WHERE glass.sign_in = sessions.sign_in AND until > ?2)
             ORDER BY token LIMIT ?3",
        )
        .bind(from.0.as_slice())
        .bind(now.as_millis())
        .bind(limit)
        .fetch_all(&self.readers)
        .await?;
        rows.into_iter().map(SessionRow::into_values).collect()
    }
}

#[cfg(test)]
impl Sqlite {
    /// The same session under each of these tokens, in one write.
    pub(crate) async fn copy_session(&self, session: &TokenHash, tokens: &[TokenHash]) {
        let mut write = self.begin().await.expect("nobody else writes for long");
        for token in tokens {
            sqlx::query(
                "INSERT INTO sessions (token, host, sign_in, password_at)
                 SELECT ?, host, sign_in, password_at FROM sessions WHERE token = ?",
            )
            .bind(token.0.as_slice())
            .bind(session.0.as_slice())
            .execute(&mut *write)
            .await
            .expect("it is as good as the first");
        }
        write.commit().await.expect("there is room");
    }
}
