//! Signings in, the sessions that belong to them, and the feed that tells of their end.

use std::time::Duration;

use serde_json::{Value, json};
use sqlx::{FromRow, SqlitePool};

use super::Write;
use super::row::{self, UserRow};
use crate::authn::{
    Assurance, CredentialId, KeyEvidence, MitIdEvidence, MitIdLevel, MitIdSubject, PasswordEvidence,
};
use crate::store::{Result, Revocation, SessionRecord, SignIn, SignInId, StoreError, TokenHash};
use crate::time::Timestamp;
use crate::user::{User, UserId};

/// How long the feed remembers.
const FEED_MEMORY: Duration = Duration::from_hours(24);

/// How long a browser that is not used stays known: as long as its cookie.
const DEVICE_MEMORY: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// `false` is always an early return: it drops the transaction, so the token to be replaced still lives.
pub(super) async fn put(
    mut write: Write,
    session: &SessionRecord,
    replaces: Option<&TokenHash>,
) -> Result<bool> {
    if let Some(old) = replaces {
        let replaced = sqlx::query("DELETE FROM sessions WHERE token = ?")
            .bind(old.0.as_slice())
            .execute(&mut *write)
            .await?;
        if replaced.rows_affected() == 0 {
            return Ok(false);
        }
    }
    if !begin_or_continue(&mut write, &session.sign_in).await? || !insert(&mut write, session).await? {
        return Ok(false);
    }
    write.commit().await?;
    Ok(true)
}

/// Whether the signing in is the person's and goes on, or is now begun.
async fn begin_or_continue(write: &mut Write, sign_in: &SignIn) -> Result<bool> {
    sqlx::query(
        "INSERT INTO sign_ins (id, user, started_at, ends_at, seen_at, shared)
         SELECT ?, id, ?, ?, ?, ? FROM users WHERE id = ? ON CONFLICT (id) DO NOTHING",
    )
    .bind(sign_in.id.0.as_bytes().as_slice())
    .bind(sign_in.started_at.as_millis())
    .bind(sign_in.expires_at.as_millis())
    .bind(sign_in.seen_at.as_millis())
    .bind(sign_in.shared)
    .bind(sign_in.user.0.as_bytes().as_slice())
    .execute(&mut **write)
    .await?;
    let goes_on = sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM sign_ins WHERE id = ? AND user = ? AND ended_at IS NULL)",
    )
    .bind(sign_in.id.0.as_bytes().as_slice())
    .bind(sign_in.user.0.as_bytes().as_slice())
    .fetch_one(&mut **write)
    .await?;
    Ok(goes_on)
}

async fn insert(write: &mut Write, session: &SessionRecord) -> Result<bool> {
    let Assurance { password, key, mitid } = &session.assurance;
    let inserted = sqlx::query(
        "INSERT INTO sessions (token, host, sign_in, password_at, key_at, key_credential,
             key_user_verified, key_until, mitid_at, mitid_issuer, mitid_subject, mitid_level)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (token) DO NOTHING",
    )
    .bind(session.token.0.as_slice())
    .bind(&session.host)
    .bind(session.sign_in.id.0.as_bytes().as_slice())
    .bind(password.as_ref().map(|proof| proof.at.as_millis()))
    .bind(key.as_ref().map(|proof| proof.at.as_millis()))
    .bind(key.as_ref().map(|proof| proof.credential.0.as_slice()))
    .bind(key.as_ref().map(|proof| proof.user_verified))
    .bind(key.as_ref().and_then(|proof| proof.until).map(Timestamp::as_millis))
    .bind(mitid.as_ref().map(|proof| proof.at.as_millis()))
    .bind(mitid.as_ref().map(|proof| proof.subject.issuer.as_str()))
    .bind(mitid.as_ref().map(|proof| proof.subject.subject.as_str()))
    .bind(mitid.as_ref().map(|proof| proof.level.name()))
    .execute(&mut **write)
    .await?;
    Ok(inserted.rows_affected() == 1)
}

pub(super) async fn load(readers: &SqlitePool, token: &TokenHash) -> Result<Option<(SessionRecord, User)>> {
    let row: Option<SessionRow> = sqlx::query_as(
        "SELECT sessions.*, started_at, ends_at, seen_at, shared, users.*
         FROM sessions JOIN sign_ins ON sign_ins.id = sign_in JOIN users ON users.id = sign_ins.user
         WHERE token = ? AND ended_at IS NULL",
    )
    .bind(token.0.as_slice())
    .fetch_optional(readers)
    .await?;
    row.map(SessionRow::into_values).transpose()
}

pub(super) async fn touch(writer: &SqlitePool, seen: &[(SignInId, Timestamp)]) -> Result<()> {
    let seen = seen.iter().map(|(id, at)| json!([id.0.simple().to_string(), at.as_millis()]));
    // As JSON, so that the statement is the same for any number, and prepared once.
    sqlx::query(
        "UPDATE sign_ins SET seen_at = latest.seen_at
         FROM (SELECT unhex(value ->> 0) AS id, max(value ->> 1) AS seen_at FROM json_each(?) GROUP BY 1) AS latest
         WHERE sign_ins.id = latest.id AND sign_ins.seen_at < latest.seen_at",
    )
    .bind(seen.collect::<Value>().to_string())
    .execute(writer)
    .await?;
    Ok(())
}

pub(super) async fn end(mut write: Write, sign_in: SignInId, at: Timestamp) -> Result<bool> {
    let ended = sqlx::query("UPDATE sign_ins SET ended_at = ? WHERE id = ? AND ended_at IS NULL")
        .bind(at.as_millis())
        .bind(sign_in.0.as_bytes().as_slice())
        .execute(&mut *write)
        .await?;
    if ended.rows_affected() == 0 {
        return Ok(false);
    }
    announce(&mut write, sign_in, at).await?;
    write.commit().await?;
    Ok(true)
}

pub(super) async fn end_all(
    mut write: Write,
    user: UserId,
    except: Option<SignInId>,
    at: Timestamp,
) -> Result<Vec<SignInId>> {
    let ended = end_of(&mut write, (user, None), except, at).await?;
    write.commit().await?;
    Ok(ended)
}

/// Ends all of the person's, or the one that is named, but for `except`.
pub(super) async fn end_of(
    write: &mut Write,
    (user, one): (UserId, Option<SignInId>),
    except: Option<SignInId>,
    at: Timestamp,
) -> Result<Vec<SignInId>> {
    let ids: Vec<Vec<u8>> = sqlx::query_scalar(
        "UPDATE sign_ins SET ended_at = ?1
         WHERE user = ?2 AND ended_at IS NULL AND id IS NOT ?3 AND id = coalesce(?4, id) RETURNING id",
    )
    .bind(at.as_millis())
    .bind(user.0.as_bytes().as_slice())
    .bind(except.as_ref().map(|kept| kept.0.as_bytes().as_slice()))
    .bind(one.as_ref().map(|one| one.0.as_bytes().as_slice()))
    .fetch_all(&mut **write)
    .await?;
    let ended: Vec<SignInId> = ids.iter().map(|id| row::uuid(id).map(SignInId)).collect::<Result<_>>()?;
    for sign_in in &ended {
        announce(write, *sign_in, at).await?;
    }
    Ok(ended)
}

async fn announce(write: &mut Write, sign_in: SignInId, at: Timestamp) -> Result<()> {
    sqlx::query("DELETE FROM sessions WHERE sign_in = ?")
        .bind(sign_in.0.as_bytes().as_slice())
        .execute(&mut **write)
        .await?;
    sqlx::query("INSERT INTO revocations (sign_in, at) VALUES (?, ?)")
        .bind(sign_in.0.as_bytes().as_slice())
        .bind(at.as_millis())
        .execute(&mut **write)
        .await?;
    Ok(())
}

pub(super) async fn revocations(readers: &SqlitePool, after: Option<i64>) -> Result<Vec<Revocation>> {
    let rows: Vec<(i64, Vec<u8>)> = match after {
        Some(after) => {
            sqlx::query_as("SELECT position, sign_in FROM revocations WHERE position > ? ORDER BY position")
                .bind(after)
                .fetch_all(readers)
                .await?
        }
        None => {
            sqlx::query_as("SELECT position, sign_in FROM revocations ORDER BY position DESC LIMIT 1")
                .fetch_all(readers)
                .await?
        }
    };
    rows.into_iter()
        .map(|(position, sign_in)| Ok(Revocation { position, sign_in: SignInId(row::uuid(&sign_in)?) }))
        .collect()
}

/// Everything whose time is past; sessions go with their signing in.
pub(super) async fn purge(mut write: Write, now: Timestamp) -> Result<()> {
    for sql in [
        "DELETE FROM ceremonies WHERE expires_at <= ?",
        "DELETE FROM codes WHERE expires_at <= ?",
        "DELETE FROM sign_ins WHERE ends_at <= ?",
        "DELETE FROM traces WHERE expires_at <= ?",
        "DELETE FROM glass WHERE until <= ?",
    ] {
        sqlx::query(sql).bind(now.as_millis()).execute(&mut *write).await?;
    }
    sqlx::query("DELETE FROM revocations WHERE at < ?")
        .bind(now.minus(FEED_MEMORY).as_millis())
        .execute(&mut *write)
        .await?;
    sqlx::query(
        "DELETE FROM attempts WHERE (length(device) = 32 AND seen_at < ?)
         OR (seen_at < ? AND NOT EXISTS (SELECT 1 FROM users WHERE users.username = attempts.username))",
    )
    .bind(now.minus(DEVICE_MEMORY).as_millis())
    .bind(now.minus(FEED_MEMORY).as_millis())
    .execute(&mut *write)
    .await?;
    Ok(write.commit().await?)
}

#[derive(FromRow)]
pub(super) struct SessionRow {
    token: Vec<u8>,
    host: String,
    sign_in: Vec<u8>,
    started_at: i64,
    ends_at: i64,
    seen_at: i64,
    shared: bool,
    #[sqlx(flatten)]
    assurance: AssuranceRow,
    #[sqlx(flatten)]
    user: UserRow,
}

#[derive(FromRow)]
struct AssuranceRow {
    password_at: Option<i64>,
    key_at: Option<i64>,
    key_credential: Option<Vec<u8>>,
    key_user_verified: Option<bool>,
    key_until: Option<i64>,
    mitid_at: Option<i64>,
    mitid_issuer: Option<String>,
    mitid_subject: Option<String>,
    mitid_level: Option<String>,
}

impl SessionRow {
    pub(super) fn into_values(self) -> Result<(SessionRecord, User)> {
        let user = User::try_from(self.user)?;
        let sign_in = SignIn {
            id: SignInId(row::uuid(&self.sign_in)?),
            user: user.id,
            started_at: Timestamp::from_millis(self.started_at),
            expires_at: Timestamp::from_millis(self.ends_at),
            seen_at: Timestamp::from_millis(self.seen_at),
            shared: self.shared,
        };
        let assurance = self.assurance.try_into()?;
        Ok((SessionRecord { token: row::token(&self.token)?, host: self.host, sign_in, assurance }, user))
    }
}

impl TryFrom<AssuranceRow> for Assurance {
    type Error = StoreError;

    fn try_from(row: AssuranceRow) -> Result<Self> {
        let corrupt = StoreError::Corrupt { what: "a session's evidence" };
        let key = match (row.key_at, row.key_credential, row.key_user_verified) {
            (None, None, None) if row.key_until.is_none() => None,
            (Some(at), Some(credential), Some(user_verified)) => Some(KeyEvidence {
                at: Timestamp::from_millis(at),
                credential: CredentialId(credential),
                user_verified,
                until: row.key_until.map(Timestamp::from_millis),
            }),
            _ => return Err(corrupt),
        };
        let level = row.mitid_level.map(|level| MitIdLevel::parse(&level));
        let mitid = match (row.mitid_at, row.mitid_issuer, row.mitid_subject, level) {
            (None, None, None, None) => None,
            (Some(at), Some(issuer), Some(subject), Some(Some(level))) => Some(MitIdEvidence {
                at: Timestamp::from_millis(at),
                subject: MitIdSubject { issuer, subject },
                level,
            }),
            _ => return Err(corrupt),
        };
        let password = row.password_at.map(|at| PasswordEvidence { at: Timestamp::from_millis(at) });
        Ok(Self { password, key, mitid })
    }
}
