//! Attempts at passwords: each is read, judged and written in one transaction that holds the write lock.

use sqlx::{FromRow, SqlitePool};

use super::Write;
use crate::authn::lockout::{Attempts, Lock};
use crate::store::{Begun, Result, Settled, StoreError, TokenHash};
use crate::time::Timestamp;
use crate::user::{UserId, Username};

/// How many browsers of one person are remembered.
const DEVICES: i64 = 50;

/// The device of the browsers that are not known.
const UNKNOWN: &[u8] = &[];

pub(super) async fn begin(
    mut write: Write,
    name: &Username,
    device: Option<&TokenHash>,
    now: Timestamp,
) -> Result<std::result::Result<Begun, Lock>> {
    let own = match device {
        Some(device) => read(&mut write, name, &device.0).await?.map(|attempts| (*device, attempts)),
        None => None,
    };
    let (device, before) = match own {
        Some((device, attempts)) => (Some(device), attempts),
        None => (None, read(&mut write, name, UNKNOWN).await?.unwrap_or_default()),
    };
    match before.begin(now) {
        Ok(attempts) => {
            put(&mut write, name, device.as_ref(), &attempts, now).await?;
            write.commit().await?;
            Ok(Ok(Begun { device, attempts }))
        }
        Err(lock) => Ok(Err(lock)),
    }
}

pub(super) async fn settle(
    mut write: Write,
    name: &Username,
    begun: &Begun,
    settled: Settled,
    now: Timestamp,
) -> Result<()> {
    let key = begun.device.as_ref().map_or(UNKNOWN, |device| &device.0);
    // None if it was reset meanwhile: then there is nothing to take back.
    if let Some(attempts) = read(&mut write, name, key).await? {
        let after = match settled {
            Settled::Right { .. } => attempts.right(),
            Settled::Void => attempts.void(),
        };
        put(&mut write, name, begun.device.as_ref(), &after, now).await?;
    }
    if let Settled::Right { device } = settled {
        know(&mut write, name, &device, now).await?;
    }
    Ok(write.commit().await?)
}

/// From now on the browser counts by itself; `false` if it did. Of too many, the one unused for longest is
/// forgotten.
pub(super) async fn know(
    write: &mut Write,
    name: &Username,
    device: &TokenHash,
    now: Timestamp,
) -> Result<bool> {
    if read(write, name, &device.0).await?.is_some() {
        return Ok(false);
    }
    put(write, name, Some(device), &Attempts::default(), now).await?;
    sqlx::query(
        "DELETE FROM attempts WHERE username = ?1 AND device IN (
             SELECT device FROM attempts WHERE username = ?1 AND length(device) = 32
             ORDER BY seen_at DESC, device LIMIT -1 OFFSET ?2)",
    )
    .bind(name.as_str())
    .bind(DEVICES)
    .execute(&mut **write)
    .await?;
    Ok(true)
}

pub(super) async fn knows(readers: &SqlitePool, name: &Username, device: &TokenHash) -> Result<bool> {
    let known =
        sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM attempts WHERE username = ? AND device = ?)")
            .bind(name.as_str())
            .bind(device.0.as_slice())
            .fetch_one(readers)
            .await?;
    Ok(known)
}

pub(super) async fn reset(mut write: Write, user: UserId, now: Timestamp) -> Result<bool> {
    let locked = begin_anew(&mut write, user, now).await?;
    write.commit().await?;
    Ok(locked)
}

/// The lock for the browsers that are not known.
pub(super) async fn lock_of(readers: &SqlitePool, user: UserId, now: Timestamp) -> Result<Option<Lock>> {
    let row: Option<AttemptsRow> = sqlx::query_as(
        "SELECT run, total, locked_until FROM attempts JOIN users USING (username)
         WHERE users.id = ? AND length(device) = 0",
    )
    .bind(user.0.as_bytes().as_slice())
    .fetch_optional(readers)
    .await?;
    let attempts = row.map(Attempts::try_from).transpose()?;
    Ok(attempts.and_then(|attempts| attempts.lock(now)))
}

/// All of the person's counters begin anew; whether any was locked.
pub(super) async fn begin_anew(write: &mut Write, user: UserId, now: Timestamp) -> Result<bool> {
    let rows: Vec<AttemptsRow> = sqlx::query_as(
        "SELECT run, total, locked_until FROM attempts JOIN users USING (username) WHERE users.id = ?",
    )
    .bind(user.0.as_bytes().as_slice())
    .fetch_all(&mut **write)
    .await?;
    let mut locked = false;
    for row in rows {
        locked |= Attempts::try_from(row)?.lock(now).is_some();
    }
    for sql in [
        "DELETE FROM attempts WHERE length(device) = 0 AND username = (SELECT username FROM users WHERE id = ?)",
        "UPDATE attempts SET run = 0, total = 0, locked_until = NULL
         WHERE (run > 0 OR total > 0) AND username = (SELECT username FROM users WHERE id = ?)",
    ] {
        sqlx::query(sql).bind(user.0.as_bytes().as_slice()).execute(&mut **write).await?;
    }
    Ok(locked)
}

/// Everything about the person's password: the counters, and the browsers that were known by the old one.
pub(super) async fn forget(write: &mut Write, user: UserId) -> Result<()> {
    sqlx::query("DELETE FROM attempts WHERE username = (SELECT username FROM users WHERE id = ?)")
        .bind(user.0.as_bytes().as_slice())
        .execute(&mut **write)
        .await?;
    Ok(())
}

async fn read(write: &mut Write, name: &Username, device: &[u8]) -> Result<Option<Attempts>> {
    let row: Option<AttemptsRow> =
        sqlx::query_as("SELECT run, total, locked_until FROM attempts WHERE username = ? AND device = ?")
            .bind(name.as_str())
            .bind(device)
            .fetch_optional(&mut **write)
            .await?;
    row.map(Attempts::try_from).transpose()
}

async fn put(
    write: &mut Write,
    name: &Username,
    device: Option<&TokenHash>,
    attempts: &Attempts,
    now: Timestamp,
) -> Result<()> {
    sqlx::query(
        "INSERT OR REPLACE INTO attempts (username, device, run, total, locked_until, seen_at)
         VALUES (?, ?, ?, ?, ?, ?)",
    )
    .bind(name.as_str())
    .bind(device.map_or(UNKNOWN, |device| &device.0))
    .bind(attempts.run)
    .bind(attempts.total)
    .bind(attempts.locked_until.map(Timestamp::as_millis))
    .bind(now.as_millis())
    .execute(&mut **write)
    .await?;
    Ok(())
}

#[derive(FromRow)]
struct AttemptsRow {
    run: i64,
    total: i64,
    locked_until: Option<i64>,
}

impl TryFrom<AttemptsRow> for Attempts {
    type Error = StoreError;

    fn try_from(row: AttemptsRow) -> Result<Self> {
        let count = |value| u32::try_from(value).map_err(|_| StoreError::Corrupt { what: "a counter" });
        let locked_until = row.locked_until.map(Timestamp::from_millis);
        Ok(Self { run: count(row.run)?, total: count(row.total)?, locked_until })
    }
}
