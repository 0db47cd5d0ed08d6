//! Ceremonies: put once, taken once.

use sqlx::SqlitePool;

use super::row;
use crate::store::{CeremonyRecord, Result, TokenHash};
use crate::time::Timestamp;

pub(super) async fn put(writer: &SqlitePool, ceremony: &CeremonyRecord) -> Result<()> {
    sqlx::query("INSERT INTO ceremonies (id, kind, browser, state, expires_at) VALUES (?, ?, ?, ?, ?)")
        .bind(ceremony.id.0.as_slice())
        .bind(&ceremony.kind)
        .bind(ceremony.browser.0.as_slice())
        .bind(&ceremony.state)
        .bind(ceremony.expires_at.as_millis())
        .execute(writer)
        .await?;
    Ok(())
}

pub(super) async fn take(
    writer: &SqlitePool,
    (id, kind, browser): (&TokenHash, &str, &TokenHash),
    now: Timestamp,
) -> Result<Option<CeremonyRecord>> {
    let taken: Option<(Vec<u8>, String, Vec<u8>, String, i64)> = sqlx::query_as(
        "DELETE FROM ceremonies WHERE id = ? AND kind = ? AND browser = ? AND expires_at > ?
         RETURNING id, kind, browser, state, expires_at",
    )
    .bind(id.0.as_slice())
    .bind(kind)
    .bind(browser.0.as_slice())
    .bind(now.as_millis())
    .fetch_optional(writer)
    .await?;
    taken
        .map(|(id, kind, browser, state, expires_at)| {
            Ok(CeremonyRecord {
                id: row::token(&id)?,
                kind,
                browser: row::token(&browser)?,
                state,
                expires_at: Timestamp::from_millis(expires_at),
            })
        })
        .transpose()
}
