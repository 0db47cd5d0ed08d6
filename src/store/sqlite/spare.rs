//! A unit's spare keys.

use async_trait::async_trait;
use sqlx::FromRow;

use super::{Sqlite, Write, audit, keys, row};
use crate::authn::CredentialId;
use crate::store::{AuditRecord, Key, Lent, Result, SpareKey, SpareKeys, StoreError};
use crate::time::Timestamp;
use crate::user::UserId;

#[async_trait]
impl SpareKeys for Sqlite {
    async fn add_spare_key(&self, key: &SpareKey, told: &AuditRecord) -> Result<bool> {
        let mut write = self.begin().await?;
        if keys::exists(&mut write, &key.credential).await? {
            return Ok(false);
        }
        let added = sqlx::query(
            "INSERT INTO spare_keys (credential, handle, unit, name, passkey, registered_at, suspect)
             VALUES (?, ?, ?, ?, ?, ?, 0) ON CONFLICT DO NOTHING",
        )
        .bind(key.credential.0.as_slice())
        .bind(key.handle.as_bytes().as_slice())
        .bind(&key.unit)
        .bind(&key.name)
        .bind(&key.passkey)
        .bind(key.registered_at.as_millis())
        .execute(&mut *write)
        .await?;
        if added.rows_affected() == 0 {
            return Ok(false);
        }
        audit::append(&mut write, told).await?;
        write.commit().await?;
        Ok(true)
    }

    async fn spare_keys(&self) -> Result<Vec<SpareKey>> {
        let rows: Vec<SpareRow> =
            sqlx::query_as("SELECT * FROM spare_keys ORDER BY unit, name").fetch_all(&self.readers).await?;
        rows.into_iter().map(SpareKey::try_from).collect()
    }

    async fn lent_keys(&self, holder: UserId, now: Timestamp) -> Result<Vec<Key>> {
        let rows: Vec<SpareRow> = sqlx::query_as(
            "SELECT * FROM spare_keys WHERE holder = ? AND lent_until > ? ORDER BY unit, name",
        )
        .bind(holder.0.as_bytes().as_slice())
        .bind(now.as_millis())
        .fetch_all(&self.readers)
        .await?;
        let mut keys = Vec::with_capacity(rows.len());
        for row in rows {
            let key = SpareKey::try_from(row)?;
            keys.extend(key.out(now).map(|(holder, until)| key.lent_to(holder, until)));
        }
        Ok(keys)
    }

    async fn lend_spare_key(
        &self,
        key: &CredentialId,
        holder: UserId,
        (now, until): (Timestamp, Timestamp),
        told: &AuditRecord,
    ) -> Result<Lent> {
        let mut write = self.begin().await?;
        let state: Option<(bool, bool)> = sqlx::query_as(
            "SELECT suspect, holder IS NOT NULL AND lent_until > ? FROM spare_keys WHERE credential = ?",
        )
        .bind(now.as_millis())
        .bind(key.0.as_slice())
        .fetch_optional(&mut *write)
        .await?;
        match state {
            None => return Ok(Lent::Gone),
            Some((true, _)) => return Ok(Lent::Suspect),
            Some((_, true)) => return Ok(Lent::Out),
            Some((false, false)) => {}
        }
        let lent = sqlx::query(
            "UPDATE spare_keys SET holder = users.id, lent_until = ? FROM users
             WHERE credential = ? AND users.id = ?",
        )
        .bind(until.as_millis())
        .bind(key.0.as_slice())
        .bind(holder.0.as_bytes().as_slice())
        .execute(&mut *write)
        .await?;
        if lent.rows_affected() == 0 {
            return Ok(Lent::Gone);
        }
        audit::append(&mut write, told).await?;
        write.commit().await?;
        Ok(Lent::Lent)
    }

    async fn return_spare_key(
        &self,
        key: &CredentialId,
        holder: UserId,
        now: Timestamp,
        told: &AuditRecord,
    ) -> Result<bool> {
        let mut write = self.begin().await?;
        let returned = sqlx::query(
            "UPDATE spare_keys SET holder = NULL, lent_until = NULL
             WHERE credential = ? AND holder = ? AND lent_until > ?",
        )
        .bind(key.0.as_slice())
        .bind(holder.0.as_bytes().as_slice())
        .bind(now.as_millis())
        .execute(&mut *write)
        .await?;
        if returned.rows_affected() == 0 {
            return Ok(false);
        }
        audit::append(&mut write, told).await?;
        write.commit().await?;
        Ok(true)
    }

    async fn suspect_spare_key(&self, key: &CredentialId) -> Result<()> {
        sqlx::query("UPDATE spare_keys SET suspect = 1 WHERE credential = ?")
            .bind(key.0.as_slice())
            .execute(&self.writer)
            .await?;
        Ok(())
    }

    async fn remove_spare_key(&self, key: &CredentialId, told: &AuditRecord) -> Result<bool> {
        let mut write = self.begin().await?;
        let removed = sqlx::query("DELETE FROM spare_keys WHERE credential = ?")
            .bind(key.0.as_slice())
            .execute(&mut *write)
            .await?;
        if removed.rows_affected() == 0 {
            return Ok(false);
        }
        audit::append(&mut write, told).await?;
        write.commit().await?;
        Ok(true)
    }
}

/// Whether it is a unit's.
pub(super) async fn exists(write: &mut Write, credential: &CredentialId) -> Result<bool> {
    let exists = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM spare_keys WHERE credential = ?)")
        .bind(credential.0.as_slice())
        .fetch_one(&mut **write)
        .await?;
    Ok(exists)
}

/// After an assertion by a lent key. A loan that is over, or has become another's, is not there any more.
pub(super) async fn update(store: &Sqlite, key: &Key, until: Timestamp) -> Result<bool> {
    let updated = sqlx::query(
        "UPDATE spare_keys SET passkey = ?1, suspect = max(suspect, ?2),
                used_at = max(coalesce(used_at, ?3), coalesce(?3, used_at))
         WHERE holder = ?4 AND credential = ?5 AND lent_until = ?6",
    )
    .bind(&key.passkey)
    .bind(key.suspect)
    .bind(key.used_at.map(Timestamp::as_millis))
    .bind(key.user.0.as_bytes().as_slice())
    .bind(key.credential.0.as_slice())
    .bind(until.as_millis())
    .execute(&store.writer)
    .await?;
    Ok(updated.rows_affected() == 1)
}

#[derive(FromRow)]
struct SpareRow {
    credential: Vec<u8>,
    handle: Vec<u8>,
    unit: String,
    name: String,
    passkey: String,
    registered_at: i64,
    used_at: Option<i64>,
    suspect: bool,
    holder: Option<Vec<u8>>,
    lent_until: Option<i64>,
}

impl TryFrom<SpareRow> for SpareKey {
    type Error = StoreError;

    fn try_from(row: SpareRow) -> Result<Self> {
        let holder = row.holder.map(|holder| row::uuid(&holder).map(UserId)).transpose()?;
        Ok(Self {
            credential: CredentialId(row.credential),
            handle: row::uuid(&row.handle)?,
            unit: row.unit,
            name: row.name,
            passkey: row.passkey,
            registered_at: Timestamp::from_millis(row.registered_at),
            used_at: row.used_at.map(Timestamp::from_millis),
            suspect: row.suspect,
            lent: holder.zip(row.lent_until.map(Timestamp::from_millis)),
        })
    }
}
