//! Devices many people use.

use sqlx::{FromRow, SqlitePool};

use super::Write;
use super::row;
use crate::store::{Device, Result, SignInId, TokenHash};
use crate::time::Timestamp;

pub(super) async fn invite(
    writer: &SqlitePool,
    name: &str,
    code: &TokenHash,
    expires_at: Timestamp,
) -> Result<()> {
    sqlx::query(
        "INSERT INTO devices (name, code, code_expires_at) VALUES (?, ?, ?)
         ON CONFLICT (name) DO UPDATE SET code = excluded.code, code_expires_at = excluded.code_expires_at",
    )
    .bind(name)
    .bind(code.0.as_slice())
    .bind(expires_at.as_millis())
    .execute(writer)
    .await?;
    Ok(())
}

pub(super) async fn mark(
    writer: &SqlitePool,
    code: &TokenHash,
    token: &TokenHash,
    now: Timestamp,
) -> Result<Option<Device>> {
    let row: Option<DeviceRow> = sqlx::query_as(
        "UPDATE devices SET code = NULL, code_expires_at = NULL, token = ?1, marked_at = ?2, sign_in = NULL
         WHERE code = ?3 AND code_expires_at > ?2 RETURNING name, marked_at",
    )
    .bind(token.0.as_slice())
    .bind(now.as_millis())
    .bind(code.0.as_slice())
    .fetch_optional(writer)
    .await?;
    Ok(row.map(Device::from))
}

pub(super) async fn by_token(readers: &SqlitePool, token: &TokenHash) -> Result<Option<Device>> {
    let row: Option<DeviceRow> = sqlx::query_as("SELECT name, marked_at FROM devices WHERE token = ?")
        .bind(token.0.as_slice())
        .fetch_optional(readers)
        .await?;
    Ok(row.map(Device::from))
}

pub(super) async fn all(readers: &SqlitePool) -> Result<Vec<Device>> {
    let rows: Vec<DeviceRow> =
        sqlx::query_as("SELECT name, marked_at FROM devices ORDER BY name").fetch_all(readers).await?;
    Ok(rows.into_iter().map(Device::from).collect())
}

pub(super) async fn remove(writer: &SqlitePool, name: &str) -> Result<bool> {
    let removed = sqlx::query("DELETE FROM devices WHERE name = ?").bind(name).execute(writer).await?;
    Ok(removed.rows_affected() == 1)
}

pub(super) async fn occupy(
    mut write: Write,
    token: &TokenHash,
    sign_in: SignInId,
) -> Result<Option<SignInId>> {
    let before: Option<Option<Vec<u8>>> = sqlx::query_scalar("SELECT sign_in FROM devices WHERE token = ?")
        .bind(token.0.as_slice())
        .fetch_optional(&mut *write)
        .await?;
    sqlx::query("UPDATE devices SET sign_in = ? WHERE token = ?")
        .bind(sign_in.0.as_bytes().as_slice())
        .bind(token.0.as_slice())
        .execute(&mut *write)
        .await?;
    write.commit().await?;
    let before = before.flatten().map(|id| row::uuid(&id).map(SignInId)).transpose()?;
    Ok(before.filter(|before| *before != sign_in))
}

#[derive(FromRow)]
struct DeviceRow {
    name: String,
    marked_at: Option<i64>,
}

impl From<DeviceRow> for Device {
    fn from(row: DeviceRow) -> Self {
        Self { name: row.name, marked_at: row.marked_at.map(Timestamp::from_millis) }
    }
}
