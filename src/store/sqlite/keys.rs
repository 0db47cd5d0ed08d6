//! Security keys, and the one-time codes that let a person register the first.

use sqlx::{FromRow, SqlitePool};

use super::{Write, audit, row, spare};
use crate::authn::{CredentialId, MitIdLevel};
use crate::store::{AuditRecord, Key, KeyAdded, RegisteredWith, Result, StoreError, TokenHash};
use crate::time::Timestamp;
use crate::user::UserId;

/// All or nothing: an early return drops the transaction, the code is unspent, and nothing is told.
pub(super) async fn add(
    mut write: Write,
    key: &Key,
    code: Option<&TokenHash>,
    told: &AuditRecord,
) -> Result<KeyAdded> {
    if let Some(code) = code {
        // A key has the level of the code that vouches for it, and no other.
        let spent =
            sqlx::query("DELETE FROM codes WHERE user = ? AND code = ? AND expires_at > ? AND papers IS ?")
                .bind(key.user.0.as_bytes().as_slice())
                .bind(code.0.as_slice())
                .bind(key.registered_at.as_millis())
                .bind(papers(key.registered_with))
                .execute(&mut *write)
                .await?;
        if spent.rows_affected() == 0 {
            return Ok(KeyAdded::CodeSpent);
        }
    }
    if spare::exists(&mut write, &key.credential).await? {
        return Ok(KeyAdded::CredentialTaken);
    }
    let added = sqlx::query(
        "INSERT INTO keys (credential, user, name, passkey, registered_at, registered_with, papers, used_at, suspect)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (credential) DO NOTHING",
    )
    .bind(key.credential.0.as_slice())
    .bind(key.user.0.as_bytes().as_slice())
    .bind(&key.name)
    .bind(&key.passkey)
    .bind(key.registered_at.as_millis())
    .bind(registered_with(key.registered_with))
    .bind(papers(key.registered_with))
    .bind(key.used_at.map(Timestamp::as_millis))
    .bind(key.suspect)
    .execute(&mut *write)
    .await?;
    if added.rows_affected() == 0 {
        return Ok(KeyAdded::CredentialTaken);
    }
    audit::append(&mut write, told).await?;
    write.commit().await?;
    Ok(KeyAdded::Added)
}

/// Whether it is somebody's own.
pub(super) async fn exists(write: &mut Write, credential: &CredentialId) -> Result<bool> {
    let exists = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM keys WHERE credential = ?)")
        .bind(credential.0.as_slice())
        .fetch_one(&mut **write)
        .await?;
    Ok(exists)
}

pub(super) async fn of(readers: &SqlitePool, user: UserId) -> Result<Vec<Key>> {
    let rows: Vec<KeyRow> = sqlx::query_as(
        "SELECT * FROM keys WHERE user = ? ORDER BY preferred DESC, registered_at, credential",
    )
    .bind(user.0.as_bytes().as_slice())
    .fetch_all(readers)
    .await?;
    rows.into_iter().map(Key::try_from).collect()
}

/// Once suspect, always suspect; and use never moves back: two assertions may be written in either order.
pub(super) async fn update(writer: &SqlitePool, key: &Key) -> Result<bool> {
    let updated = sqlx::query(
        "UPDATE keys SET passkey = ?1, suspect = max(suspect, ?2),
                used_at = max(coalesce(used_at, ?3), coalesce(?3, used_at))
         WHERE user = ?4 AND credential = ?5",
    )
    .bind(&key.passkey)
    .bind(key.suspect)
    .bind(key.used_at.map(Timestamp::as_millis))
    .bind(key.user.0.as_bytes().as_slice())
    .bind(key.credential.0.as_slice())
    .execute(writer)
    .await?;
    Ok(updated.rows_affected() == 1)
}

pub(super) async fn rename(
    writer: &SqlitePool,
    user: UserId,
    credential: &CredentialId,
    name: &str,
) -> Result<bool> {
    let renamed = sqlx::query("UPDATE keys SET name = ? WHERE user = ? AND credential = ?")
        .bind(name)
        .bind(user.0.as_bytes().as_slice())
        .bind(credential.0.as_slice())
        .execute(writer)
        .await?;
    Ok(renamed.rows_affected() == 1)
}

pub(super) async fn delete(
    mut write: Write,
    (user, credential): (UserId, &CredentialId),
    told: &AuditRecord,
) -> Result<bool> {
    let deleted = sqlx::query("DELETE FROM keys WHERE user = ? AND credential = ?")
        .bind(user.0.as_bytes().as_slice())
        .bind(credential.0.as_slice())
        .execute(&mut *write)
        .await?;
    if deleted.rows_affected() == 0 {
        return Ok(false);
    }
    audit::append(&mut write, told).await?;
    write.commit().await?;
    Ok(true)
}

pub(super) async fn add_code(
    writer: &SqlitePool,
    user: UserId,
    code: &TokenHash,
    expires_at: Timestamp,
) -> Result<()> {
    sqlx::query(
        "INSERT INTO codes (user, code, expires_at) VALUES (?, ?, ?)
         ON CONFLICT (user) DO UPDATE
         SET code = excluded.code, expires_at = excluded.expires_at, papers = NULL",
    )
    .bind(user.0.as_bytes().as_slice())
    .bind(code.0.as_slice())
    .bind(expires_at.as_millis())
    .execute(writer)
    .await?;
    Ok(())
}

pub(super) async fn code_is_live(
    readers: &SqlitePool,
    user: UserId,
    code: &TokenHash,
    now: Timestamp,
) -> Result<bool> {
    let live = sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM codes WHERE user = ? AND code = ? AND expires_at > ?)",
    )
    .bind(user.0.as_bytes().as_slice())
    .bind(code.0.as_slice())
    .bind(now.as_millis())
    .fetch_one(readers)
    .await?;
    Ok(live)
}

#[derive(FromRow)]
pub(super) struct KeyRow {
    credential: Vec<u8>,
    user: Vec<u8>,
    name: String,
    passkey: String,
    registered_at: i64,
    registered_with: String,
    papers: Option<String>,
    used_at: Option<i64>,
    suspect: bool,
}

impl TryFrom<KeyRow> for Key {
    type Error = StoreError;

    fn try_from(row: KeyRow) -> Result<Self> {
        let registered_with = REGISTERED_WITH
            .into_iter()
            .find(|with| {
                self::registered_with(*with) == row.registered_with && papers(*with) == row.papers.as_deref()
            })
            .ok_or(StoreError::Corrupt { what: "a key" })?;
        Ok(Self {
            credential: CredentialId(row.credential),
            user: UserId(row::uuid(&row.user)?),
            name: row.name,
            passkey: row.passkey,
            registered_at: Timestamp::from_millis(row.registered_at),
            registered_with,
            used_at: row.used_at.map(Timestamp::from_millis),
            suspect: row.suspect,
            loan: None,
        })
    }
}

const REGISTERED_WITH: [RegisteredWith; 8] = [
    RegisteredWith::MitId(MitIdLevel::Low),
    RegisteredWith::MitId(MitIdLevel::Substantial),
    RegisteredWith::MitId(MitIdLevel::High),
    RegisteredWith::Key,
    RegisteredWith::Code,
    RegisteredWith::Papers(MitIdLevel::Low),
    RegisteredWith::Papers(MitIdLevel::Substantial),
    RegisteredWith::Papers(MitIdLevel::High),
];

const fn registered_with(with: RegisteredWith) -> &'static str {
    match with {
        RegisteredWith::MitId(MitIdLevel::Low) => "mitid-low",
        RegisteredWith::MitId(MitIdLevel::Substantial) => "mitid-substantial",
        RegisteredWith::MitId(MitIdLevel::High) => "mitid-high",
        RegisteredWith::Key => "key",
        // A code that was given on papers: the level stands beside it.
        RegisteredWith::Code | RegisteredWith::Papers(_) => "code",
    }
}

fn papers(with: RegisteredWith) -> Option<&'static str> {
    match with {
        RegisteredWith::Papers(level) => Some(level.name()),
        RegisteredWith::MitId(_) | RegisteredWith::Key | RegisteredWith::Code => None,
    }
}
