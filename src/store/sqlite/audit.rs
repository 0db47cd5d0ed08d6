//! Security events: appended, read, never changed.

use sqlx::{FromRow, SqlitePool};

use super::row;
use crate::store::{AuditRecord, Result, StoreError};
use crate::time::Timestamp;
use crate::user::UserId;

pub(super) async fn append(writer: &SqlitePool, record: &AuditRecord) -> Result<()> {
    sqlx::query(
        "INSERT INTO audit (at, event, user, username, address, correlation, detail)
         VALUES (?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(record.at.as_millis())
    .bind(&record.event)
    .bind(record.user.as_ref().map(|user| user.0.as_bytes().as_slice()))
    .bind(&record.username)
    .bind(record.address.map(|address| address.to_string()))
    .bind(&record.correlation)
    .bind(&record.detail)
    .execute(writer)
    .await?;
    Ok(())
}

pub(super) async fn newest(
    readers: &SqlitePool,
    user: Option<UserId>,
    limit: u32,
) -> Result<Vec<AuditRecord>> {
    let rows: Vec<AuditRow> = match &user {
        Some(user) => {
            sqlx::query_as("SELECT * FROM audit WHERE user = ? ORDER BY id DESC LIMIT ?")
                .bind(user.0.as_bytes().as_slice())
                .bind(limit)
                .fetch_all(readers)
                .await?
        }
        None => {
            sqlx::query_as("SELECT * FROM audit ORDER BY id DESC LIMIT ?")
                .bind(limit)
                .fetch_all(readers)
                .await?
        }
    };
    rows.into_iter().map(AuditRecord::try_from).collect()
}

#[derive(FromRow)]
struct AuditRow {
    at: i64,
    event: String,
    user: Option<Vec<u8>>,
    username: Option<String>,
    address: Option<String>,
    correlation: String,
    detail: String,
}

impl TryFrom<AuditRow> for AuditRecord {
    type Error = StoreError;

    fn try_from(row: AuditRow) -> Result<Self> {
        let address = row.address.map(|address| address.parse()).transpose();
        Ok(Self {
            at: Timestamp::from_millis(row.at),
            event: row.event,
            user: row.user.map(|user| row::uuid(&user)).transpose()?.map(UserId),
            username: row.username,
            address: address.map_err(|_| StoreError::Corrupt { what: "an audit record" })?,
            correlation: row.correlation,
            detail: row.detail,
        })
    }
}
