//! What a service desk looks for, and does to accounts.

use async_trait::async_trait;
use sqlx::{FromRow, QueryBuilder};

use super::keys::KeyRow;
use super::row::{self, UserRow, users};
use super::{Sqlite, Write, attempts, audit, sessions};
use crate::authn::lockout::Lock;
use crate::store::desk::{AccountLock, Closed, Desk, OpenQuery, OpenSignIn, OwnedKey, PeopleQuery};
use crate::store::{AuditRecord, Key, Result, SignInId};
use crate::time::Timestamp;
use crate::user::{User, UserId};

#[async_trait]
impl Desk for Sqlite {
    async fn search_people(&self, query: &PeopleQuery) -> Result<Vec<User>> {
        let mut sql = QueryBuilder::new("SELECT users.* FROM users");
        match words(&query.text) {
            Words::None if query.text.trim().is_empty() => sql.push(" WHERE TRUE"),
            Words::None => return Ok(Vec::new()),
            Words::Some(words) => sql
                .push(
                    " JOIN people_numbers ON people_numbers.user = users.id
                      JOIN people ON people.rowid = number WHERE people MATCH ",
                )
                .push_bind(words),
        };
        if let Some(after) = &query.after {
            sql.push(" AND users.username > ").push_bind(after.as_str());
        }
        sql.push(" ORDER BY users.username LIMIT ").push_bind(query.limit);
        let rows: Vec<UserRow> = sql.build_query_as().fetch_all(&self.readers).await?;
        users(rows)
    }

    async fn account_lock(&self, user: UserId) -> Result<Option<AccountLock>> {
        let lock: Option<(String, String, i64)> = sqlx::query_as(
            "SELECT reason, by_whom, at FROM account_locks JOIN users ON users.id = user
             WHERE user = ? AND disabled = 1",
        )
        .bind(user.0.as_bytes().as_slice())
        .fetch_optional(&self.readers)
        .await?;
        Ok(lock.map(|(reason, by, at)| AccountLock { reason, by, at: Timestamp::from_millis(at) }))
    }

    async fn password_lock(&self, user: UserId, now: Timestamp) -> Result<Option<Lock>> {
        attempts::lock_of(&self.readers, user, now).await
    }

    async fn lock_account(
        &self,
        user: UserId,
        lock: &AccountLock,
        keep_one: &[String],
        told: &AuditRecord,
    ) -> Result<Closed> {
        let mut write = self.begin().await?;
        let locked = sqlx::query("UPDATE users SET disabled = 1 WHERE id = ?")
            .bind(user.0.as_bytes().as_slice())
            .execute(&mut *write)
            .await?;
        if locked.rows_affected() == 0 {
            return Ok(Closed::Unknown);
        }
        if was_last_of(&mut write, user, keep_one, lock.at).await? {
            return Ok(Closed::LastOne);
        }
        sqlx::query("INSERT OR REPLACE INTO account_locks (user, reason, by_whom, at) VALUES (?, ?, ?, ?)")
            .bind(user.0.as_bytes().as_slice())
            .bind(&lock.reason)
            .bind(&lock.by)
            .bind(lock.at.as_millis())
            .execute(&mut *write)
            .await?;
        let ended = sessions::end_of(&mut write, (user, None), None, lock.at).await?;
        audit::append(&mut write, told).await?;
        write.commit().await?;
        Ok(Closed::Closed(ended))
    }

    async fn unlock_account(&self, user: UserId, told: &AuditRecord) -> Result<bool> {
        let mut write = self.begin().await?;
        let opened = sqlx::query("UPDATE users SET disabled = 0 WHERE id = ?")
            .bind(user.0.as_bytes().as_slice())
            .execute(&mut *write)
            .await?;
        if opened.rows_affected() == 0 {
            return Ok(false);
        }
        sqlx::query("DELETE FROM account_locks WHERE user = ?")
            .bind(user.0.as_bytes().as_slice())
            .execute(&mut *write)
            .await?;
        audit::append(&mut write, told).await?;
        write.commit().await?;
        Ok(true)
    }

    async fn unlock_password(&self, user: UserId, now: Timestamp, told: &AuditRecord) -> Result<bool> {
        let mut write = self.begin().await?;
        let was_locked = attempts::begin_anew(&mut write, user, now).await?;
        audit::append(&mut write, told).await?;
        write.commit().await?;
        Ok(was_locked)
    }

    async fn set_expiry(
        &self,
        user: UserId,
        expires_at: Option<Timestamp>,
        now: Timestamp,
        told: &AuditRecord,
    ) -> Result<Closed> {
        let mut write = self.begin().await?;
        let before: Option<Option<i64>> = sqlx::query_scalar("SELECT expires_at FROM users WHERE id = ?")
            .bind(user.0.as_bytes().as_slice())
            .fetch_optional(&mut *write)
            .await?;
        let Some(before) = before else { return Ok(Closed::Unknown) };
        let after = expires_at.map(Timestamp::as_millis);
        sqlx::query("UPDATE users SET expires_at = ? WHERE id = ?")
            .bind(after)
            .bind(user.0.as_bytes().as_slice())
            .execute(&mut *write)
            .await?;
        // Sessions carry the end they began with: a later one than theirs takes nothing from anybody.
        let earlier = after.is_some_and(|after| before.is_none_or(|before| after < before));
        let ended = match earlier {
            true => sessions::end_of(&mut write, (user, None), None, now).await?,
            false => Vec::new(),
        };
        audit::append(&mut write, told).await?;
        write.commit().await?;
        Ok(Closed::Closed(ended))
    }

    async fn end_sign_ins_of(
        &self,
        user: UserId,
        one: Option<SignInId>,
        now: Timestamp,
        told: &AuditRecord,
    ) -> Result<Vec<SignInId>> {
        let mut write = self.begin().await?;
        let ended = sessions::end_of(&mut write, (user, one), None, now).await?;
        if !ended.is_empty() {
            audit::append(&mut write, told).await?;
            write.commit().await?;
        }
        Ok(ended)
    }

    async fn search_open(&self, query: &OpenQuery) -> Result<Vec<OpenSignIn>> {
        let mut sql = QueryBuilder::new(
            "SELECT sign_ins.id, sign_ins.user, users.username, users.name, started_at, seen_at, shared,
                    (SELECT devices.name FROM devices WHERE devices.sign_in = sign_ins.id) AS device,
                    (SELECT json_group_array(DISTINCT host ORDER BY host) FROM sessions
                     WHERE sessions.sign_in = sign_ins.id) AS hosts
             FROM sign_ins JOIN users ON users.id = sign_ins.user
             WHERE ended_at IS NULL AND ends_at > ",
        );
        sql.push_bind(query.now.as_millis());
        sql.push(" AND seen_at > CASE shared WHEN 1 THEN ").push_bind(query.shared_since.as_millis());
        sql.push(" ELSE ").push_bind(query.own_since.as_millis()).push(" END");
        if let Some(user) = query.user {
            sql.push(" AND sign_ins.user = ").push_bind(user.0.as_bytes().to_vec());
        }
        if let Words::Some(words) = words(&query.text) {
            sql.push(" AND (").push(FOUND_PEOPLE).push_bind(words);
            sql.push(") OR device LIKE ").push_bind(part(&query.text)).push(" ESCAPE '\\')");
        }
        sql.push(" ORDER BY seen_at DESC, sign_ins.id LIMIT ").push_bind(query.limit);
        let rows: Vec<OpenRow> = sql.build_query_as().fetch_all(&self.readers).await?;
        rows.into_iter().map(OpenSignIn::try_from).collect()
    }

    async fn find_keys(&self, text: &str, limit: u32) -> Result<Vec<OwnedKey>> {
        let mut sql = QueryBuilder::new(
            "SELECT keys.*, users.username AS owner, users.name AS owner_name
             FROM keys JOIN users ON users.id = keys.user WHERE TRUE",
        );
        if let Words::Some(words) = words(text) {
            sql.push(" AND (").push(FOUND_PEOPLE).push_bind(words);
            sql.push(") OR keys.name LIKE ").push_bind(part(text)).push(" ESCAPE '\\')");
        }
        sql.push(" ORDER BY suspect DESC, registered_at DESC, credential LIMIT ").push_bind(limit);
        let rows: Vec<OwnedKeyRow> = sql.build_query_as().fetch_all(&self.readers).await?;
        rows.into_iter().map(OwnedKey::try_from).collect()
    }
}

/// Nobody who can get in is left in any of these groups, though the person was in one.
async fn was_last_of(write: &mut Write, user: UserId, groups: &[String], now: Timestamp) -> Result<bool> {
    let groups = serde_json::Value::from(groups).to_string();
    let last = sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM users, json_each(group_names) AS held, json_each(?1) AS needed
                        WHERE users.id = ?2 AND held.value = needed.value)
            AND NOT EXISTS (SELECT 1 FROM users, json_each(group_names) AS held, json_each(?1) AS needed
                            WHERE users.id <> ?2 AND held.value = needed.value
                              AND disabled = 0 AND (expires_at IS NULL OR expires_at > ?3))",
    )
    .bind(groups)
    .bind(user.0.as_bytes().as_slice())
    .bind(now.as_millis())
    .fetch_one(&mut **write)
    .await?;
    Ok(last)
}

const FOUND_PEOPLE: &str = "users.id IN (SELECT people_numbers.user FROM people
    JOIN people_numbers ON number = people.rowid WHERE people MATCH ";

/// What the index is asked: `"nez"* "ols"*`.
enum Words {
    None,
    Some(String),
}

/// Letters and digits alone, so that nothing typed is an operator of the index's own language
/// (sqlite.org/fts5.html, section 3).
fn words(text: &str) -> Words {
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let words: Vec<String> = words.take(8).map(|word| format!("\"{word}\"*")).collect();
    if words.is_empty() { Words::None } else { Words::Some(words.join(" ")) }
}

/// Anything with this in it, for LIKE.
fn part(text: &str) -> String {
    let escaped = text.trim().replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    format!("%{escaped}%")
}

#[derive(FromRow)]
struct OpenRow {
    id: Vec<u8>,
    user: Vec<u8>,
    username: String,
    name: String,
    started_at: i64,
    seen_at: i64,
    shared: bool,
    device: Option<String>,
    hosts: String,
}

impl TryFrom<OpenRow> for OpenSignIn {
    type Error = crate::store::StoreError;

    fn try_from(row: OpenRow) -> Result<Self> {
        let hosts = serde_json::from_str(&row.hosts);
        Ok(Self {
            id: SignInId(row::uuid(&row.id)?),
            user: UserId(row::uuid(&row.user)?),
            username: row.username,
            name: row.name,
            started_at: Timestamp::from_millis(row.started_at),
            seen_at: Timestamp::from_millis(row.seen_at),
            shared: row.shared,
            device: row.device,
            hosts: hosts.map_err(|_| crate::store::StoreError::Corrupt { what: "a session's host" })?,
        })
    }
}

#[derive(FromRow)]
struct OwnedKeyRow {
    #[sqlx(flatten)]
    key: KeyRow,
    owner: String,
    owner_name: String,
}

impl TryFrom<OwnedKeyRow> for OwnedKey {
    type Error = crate::store::StoreError;

    fn try_from(row: OwnedKeyRow) -> Result<Self> {
        Ok(Self { key: Key::try_from(row.key)?, username: row.owner, name: row.owner_name })
    }
}
