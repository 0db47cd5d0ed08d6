//! People's own passwords, keys, signings in and terms.

use std::net::IpAddr;

use async_trait::async_trait;
use sqlx::FromRow;

use super::{Sqlite, Write, audit, people, row, sessions};
use crate::authn::CredentialId;
use crate::store::self_service::{
    KeyHabit, OpenSignIn, OwnPassword, PasswordChange, SelfService, Whereabouts,
};
use crate::store::{AuditRecord, Result, SignIn, SignInId, StoreError};
use crate::time::Timestamp;
use crate::user::UserId;

/// How many old passwords are kept at most, whatever an installation compares with.
const FORMER: i64 = 24;

#[async_trait]
impl SelfService for Sqlite {
    async fn own_password(&self, user: UserId) -> Result<Option<OwnPassword>> {
        let found: Option<(String, Option<i64>)> =
            sqlx::query_as("SELECT phc, chosen_at FROM passwords WHERE user = ?")
                .bind(user.0.as_bytes().as_slice())
                .fetch_optional(&self.readers)
                .await?;
        let own =
            |(phc, at): (String, Option<i64>)| OwnPassword { phc, chosen_at: at.map(Timestamp::from_millis) };
        Ok(found.map(own))
    }

    async fn former_passwords(&self, user: UserId, most: usize) -> Result<Vec<String>> {
        let most = i64::try_from(most).unwrap_or(FORMER);
        let former =
            sqlx::query_scalar("SELECT phc FROM password_history WHERE user = ? ORDER BY id DESC LIMIT ?")
                .bind(user.0.as_bytes().as_slice())
                .bind(most)
                .fetch_all(&self.readers)
                .await?;
        Ok(former)
    }

    async fn change_password(&self, change: &PasswordChange<'_>) -> Result<Option<Vec<SignInId>>> {
        let mut write = self.begin().await?;
        let same: bool =
            sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM passwords WHERE user = ? AND phc = ?)")
                .bind(change.user.0.as_bytes().as_slice())
                .bind(change.old)
                .fetch_one(&mut *write)
                .await?;
        if !same {
            return Ok(None);
        }
        people::replace_password(&mut write, change.user, change.new, Some(change.at)).await?;
        let ended = sessions::end_of(&mut write, (change.user, None), Some(change.kept), change.at).await?;
        audit::append(&mut write, change.told).await?;
        write.commit().await?;
        Ok(Some(ended))
    }

    async fn key_habits(&self, user: UserId) -> Result<Vec<KeyHabit>> {
        let rows: Vec<(Vec<u8>, Option<String>, bool)> = sqlx::query_as(
            "SELECT credential, used_from, preferred FROM keys WHERE user = ?
             ORDER BY preferred DESC, registered_at, credential",
        )
        .bind(user.0.as_bytes().as_slice())
        .fetch_all(&self.readers)
        .await?;
        rows.into_iter()
            .map(|(credential, used_from, preferred)| {
                let (credential, used_from) = (CredentialId(credential), address(used_from)?);
                Ok(KeyHabit { credential, used_from, preferred })
            })
            .collect()
    }

    async fn note_key_use(
        &self,
        user: UserId,
        credential: &CredentialId,
        from: Option<IpAddr>,
    ) -> Result<()> {
        sqlx::query("UPDATE keys SET used_from = ? WHERE user = ? AND credential = ?")
            .bind(from.map(|from| from.to_string()))
            .bind(user.0.as_bytes().as_slice())
            .bind(credential.0.as_slice())
            .execute(&self.writer)
            .await?;
        Ok(())
    }

    async fn prefer_key(&self, user: UserId, credential: &CredentialId, told: &AuditRecord) -> Result<bool> {
        let mut write = self.begin().await?;
        let theirs: bool =
            sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM keys WHERE user = ? AND credential = ?)")
                .bind(user.0.as_bytes().as_slice())
                .bind(credential.0.as_slice())
                .fetch_one(&mut *write)
                .await?;
        if !theirs {
            return Ok(false);
        }
        sqlx::query("UPDATE keys SET preferred = (credential = ?) WHERE user = ?")
            .bind(credential.0.as_slice())
            .bind(user.0.as_bytes().as_slice())
            .execute(&mut *write)
            .await?;
        told_in(write, told).await
    }

    async fn note_sign_in(&self, sign_in: SignInId, begun: &Whereabouts) -> Result<()> {
        sqlx::query("UPDATE sign_ins SET address = ?, browser = ? WHERE id = ?")
            .bind(begun.address.map(|address| address.to_string()))
            .bind(begun.browser.as_deref())
            .bind(sign_in.0.as_bytes().as_slice())
            .execute(&self.writer)
            .await?;
        Ok(())
    }

    async fn open_sign_ins(&self, user: UserId, now: Timestamp) -> Result<Vec<OpenSignIn>> {
        let rows: Vec<SignInRow> = sqlx::query_as(
            "SELECT * FROM sign_ins WHERE user = ? AND ended_at IS NULL AND ends_at > ?
             ORDER BY seen_at DESC, id",
        )
        .bind(user.0.as_bytes().as_slice())
        .bind(now.as_millis())
        .fetch_all(&self.readers)
        .await?;
        rows.into_iter().map(OpenSignIn::try_from).collect()
    }

    async fn hosts_of(&self, sign_in: SignInId) -> Result<Vec<String>> {
        Ok(sqlx::query_scalar("SELECT DISTINCT host FROM sessions WHERE sign_in = ? ORDER BY host")
            .bind(sign_in.0.as_bytes().as_slice())
            .fetch_all(&self.readers)
            .await?)
    }

    async fn accepted_terms(&self, user: UserId, version: u32) -> Result<Option<Timestamp>> {
        let at: Option<i64> = sqlx::query_scalar(
            "SELECT accepted_at FROM terms WHERE user = ? AND version >= ? ORDER BY version DESC LIMIT 1",
        )
        .bind(user.0.as_bytes().as_slice())
        .bind(version)
        .fetch_optional(&self.readers)
        .await?;
        Ok(at.map(Timestamp::from_millis))
    }

    async fn accept_terms(
        &self,
        user: UserId,
        version: u32,
        at: Timestamp,
        told: &AuditRecord,
    ) -> Result<bool> {
        let mut write = self.begin().await?;
        let accepted = sqlx::query(
            "INSERT INTO terms (user, version, accepted_at) VALUES (?, ?, ?)
             ON CONFLICT (user, version) DO NOTHING",
        )
        .bind(user.0.as_bytes().as_slice())
        .bind(version)
        .bind(at.as_millis())
        .execute(&mut *write)
        .await?;
        if accepted.rows_affected() == 0 {
            return Ok(false);
        }
        told_in(write, told).await
    }
}

async fn told_in(mut write: Write, told: &AuditRecord) -> Result<bool> {
    audit::append(&mut write, told).await?;
    write.commit().await?;
    Ok(true)
}

fn address(text: Option<String>) -> Result<Option<IpAddr>> {
    let parse = |text: String| text.parse().map_err(|_| StoreError::Corrupt { what: "an address" });
    text.map(parse).transpose()
}

/// The former passwords of the person: the one that is there joins them, and the oldest leave.
pub(super) async fn remember_password(write: &mut Write, user: UserId) -> Result<()> {
    let id = user.0.as_bytes().as_slice();
    sqlx::query("INSERT INTO password_history (user, phc) SELECT user, phc FROM passwords WHERE user = ?")
        .bind(id)
        .execute(&mut **write)
        .await?;
    sqlx::query(
        "DELETE FROM password_history WHERE user = ?1 AND id NOT IN (
             SELECT id FROM password_history WHERE user = ?1 ORDER BY id DESC LIMIT ?2)",
    )
    .bind(id)
    .bind(FORMER)
    .execute(&mut **write)
    .await?;
    Ok(())
}

#[derive(FromRow)]
struct SignInRow {
    id: Vec<u8>,
    user: Vec<u8>,
    started_at: i64,
    ends_at: i64,
    seen_at: i64,
    shared: bool,
    address: Option<String>,
    browser: Option<String>,
}

impl TryFrom<SignInRow> for OpenSignIn {
    type Error = StoreError;

    fn try_from(row: SignInRow) -> Result<Self> {
        let sign_in = SignIn {
            id: SignInId(row::uuid(&row.id)?),
            user: UserId(row::uuid(&row.user)?),
            started_at: Timestamp::from_millis(row.started_at),
            expires_at: Timestamp::from_millis(row.ends_at),
            seen_at: Timestamp::from_millis(row.seen_at),
            shared: row.shared,
        };
        let begun = Whereabouts { address: address(row.address)?, browser: row.browser };
        Ok(Self { sign_in, begun })
    }
}
