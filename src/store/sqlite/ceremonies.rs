//! Ceremonies: put once, taken once.

use sqlx::{FromRow, SqlitePool};

use super::row;
use crate::store::{CeremonyRecord, Result, StoreError, TokenHash};
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
    let taken: Option<CeremonyRow> = sqlx::query_as(
        "DELETE FROM ceremonies WHERE id = ? AND kind = ? AND browser = ? AND expires_at > ?
         RETURNING id, kind, browser, state, expires_at",
    )
    .bind(id.0.as_slice())
    .bind(kind)
    .bind(browser.0.as_slice())
    .bind(now.as_millis())
    .fetch_optional(writer)
    .await?;
    taken.map(CeremonyRecord::try_from).transpose()
}

#[derive(FromRow)]
struct CeremonyRow {
    id: Vec<u8>,
    kind: String,
    browser: Vec<u8>,
    state: String,
    expires_at: i64,
}

impl TryFrom<CeremonyRow> for CeremonyRecord {
    type Error = StoreError;

    fn try_from(row: CeremonyRow) -> Result<Self> {
        Ok(Self {
            id: row::token(&row.id)?,
            kind: row.kind,
            browser: row::token(&row.browser)?,
            state: row.state,
            expires_at: Timestamp::from_millis(row.expires_at),
        })
    }
}
