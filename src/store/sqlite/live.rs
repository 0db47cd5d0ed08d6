//! All live sessions, read as fast as they can be.

use async_trait::async_trait;
use futures_util::TryStreamExt as _;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};
use tokio::task::JoinSet;

use super::Sqlite;
use super::sessions::SessionRow;
use crate::store::live::{Live, Take};
use crate::store::{Result, StoreError};
use crate::time::Timestamp;

/// Reads at once. Tokens' hashes are as good as random, so that each reads as many.
const LANES: u8 = 4;

/// Of the file, in bytes: as much as SQLite maps at most. What follows is read as ever.
const MAPPED: &str = "2147418112";

#[async_trait]
impl Live for Sqlite {
    async fn live_sessions(&self, now: Timestamp, take: Take) -> Result<()> {
        // A session's person and signing in are on pages of their own, anywhere in the file: copying each page out
        // is a third of the time. Where one cannot be read, the process ends (sqlite.org/mmap.html), which is why no
        // connection that serves people has it.
        let options = self.readers.connect_options().as_ref().clone().pragma("mmap_size", MAPPED);
        let mut lanes: JoinSet<_> =
            (0..LANES).map(|lane| read(options.clone(), lane, now, take.clone())).collect();
        while let Some(lane) = lanes.join_next().await {
            lane.map_err(|stopped| StoreError::Unavailable(Box::new(stopped)))??;
        }
        Ok(())
    }
}

/// Those whose tokens' hashes begin as this lane's do.
async fn read(options: SqliteConnectOptions, lane: u8, now: Timestamp, take: Take) -> Result<()> {
    const WIDTH: u8 = u8::MAX / LANES + 1;
    // A blob that begins as another and ends there comes before it; no hash has 33 bytes.
    let first = vec![lane * WIDTH];
    let end = if lane + 1 < LANES { vec![(lane + 1) * WIDTH] } else { vec![0xff; 33] };
    let mut connection = options.connect().await?;
    // Joined in the order written (sqlite.org/optoverview.html, 8): tokens follow one another on their pages.
    let mut rows = sqlx::query_as::<_, SessionRow>(
        "SELECT sessions.*, started_at, ends_at, seen_at, shared, users.*
         FROM sessions CROSS JOIN sign_ins ON sign_ins.id = sign_in CROSS JOIN users ON users.id = sign_ins.user
         WHERE token >= ?1 AND token < ?2 AND ended_at IS NULL AND ends_at > ?3
             AND NOT EXISTS (SELECT 1 FROM glass WHERE glass.sign_in = sessions.sign_in AND until > ?3)",
    )
    .bind(first)
    .bind(end)
    .bind(now.as_millis())
    .fetch(&mut connection);
    while let Some(row) = rows.try_next().await? {
        let (record, user) = row.into_values()?;
        take(record, user);
    }
    drop(rows);
    Ok(connection.close().await?)
}

#[cfg(test)]
impl Sqlite {
    /// The same session under each of these tokens, in one write.
    pub(crate) async fn copy_session(
        &self,
        session: &crate::store::TokenHash,
        tokens: &[crate::store::TokenHash],
    ) {
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
