//! People, their passwords, and who the MitID brokers say they are.

use sqlx::{SqliteExecutor, SqlitePool};

use super::row::{UserRow, users};
use super::{Write, attempts, self_service};
use crate::authn::MitIdSubject;
use crate::store::Result;
use crate::time::Timestamp;
use crate::user::{CprHash, User, UserId, Username};

pub(super) async fn add(writer: impl SqliteExecutor<'_>, user: &User) -> Result<bool> {
    let added = sqlx::query(
        "INSERT INTO users (id, username, name, group_names, claims, cpr, disabled, expires_at, created_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (username) DO NOTHING",
    )
    .bind(user.id.0.as_bytes().as_slice())
    .bind(user.username.as_str())
    .bind(&user.name)
    .bind(group_names(user))
    .bind(claims(user))
    .bind(user.cpr.as_ref().map(|cpr| cpr.as_bytes().as_slice()))
    .bind(user.disabled)
    .bind(user.expires_at.map(Timestamp::as_millis))
    .bind(user.created_at.as_millis())
    .execute(writer)
    .await?;
    Ok(added.rows_affected() == 1)
}

pub(super) async fn update(writer: impl SqliteExecutor<'_>, user: &User) -> Result<bool> {
    let updated = sqlx::query(
        "UPDATE users SET name = ?, group_names = ?, claims = ?, cpr = ?, disabled = ?, expires_at = ? WHERE id = ?",
    )
    .bind(&user.name)
    .bind(group_names(user))
    .bind(claims(user))
    .bind(user.cpr.as_ref().map(|cpr| cpr.as_bytes().as_slice()))
    .bind(user.disabled)
    .bind(user.expires_at.map(Timestamp::as_millis))
    .bind(user.id.0.as_bytes().as_slice())
    .execute(writer)
    .await?;
    Ok(updated.rows_affected() == 1)
}

pub(super) async fn by_id(readers: impl SqliteExecutor<'_>, id: UserId) -> Result<Option<User>> {
    let row: Option<UserRow> = sqlx::query_as("SELECT * FROM users WHERE id = ?")
        .bind(id.0.as_bytes().as_slice())
        .fetch_optional(readers)
        .await?;
    row.map(User::try_from).transpose()
}

pub(super) async fn by_name(readers: &SqlitePool, name: &Username) -> Result<Option<User>> {
    let row: Option<UserRow> = sqlx::query_as("SELECT * FROM users WHERE username = ?")
        .bind(name.as_str())
        .fetch_optional(readers)
        .await?;
    row.map(User::try_from).transpose()
}

pub(super) async fn by_cpr(readers: &SqlitePool, cpr: &CprHash) -> Result<Vec<User>> {
    let rows: Vec<UserRow> = sqlx::query_as("SELECT * FROM users WHERE cpr = ? ORDER BY username")
        .bind(cpr.as_bytes().as_slice())
        .fetch_all(readers)
        .await?;
    users(rows)
}

pub(super) async fn all(readers: &SqlitePool) -> Result<Vec<User>> {
    users(sqlx::query_as("SELECT * FROM users ORDER BY username").fetch_all(readers).await?)
}

pub(super) async fn password(readers: &SqlitePool, user: UserId) -> Result<Option<String>> {
    let phc = sqlx::query_scalar("SELECT phc FROM passwords WHERE user = ?")
        .bind(user.0.as_bytes().as_slice())
        .fetch_optional(readers)
        .await?;
    Ok(phc)
}

pub(super) async fn set_password(mut write: Write, user: UserId, phc: &str) -> Result<()> {
    replace_password(&mut write, user, phc, None).await?;
    Ok(write.commit().await?)
}

/// The password, and what is no longer of use with it.
pub(super) async fn replace_password(
    write: &mut Write,
    user: UserId,
    phc: &str,
    chosen_at: Option<Timestamp>,
) -> Result<()> {
    self_service::remember_password(write, user).await?;
    sqlx::query(
        "INSERT INTO passwords (user, phc, chosen_at) VALUES (?, ?, ?)
         ON CONFLICT (user) DO UPDATE SET phc = excluded.phc, chosen_at = excluded.chosen_at",
    )
    .bind(user.0.as_bytes().as_slice())
    .bind(phc)
    .bind(chosen_at.map(Timestamp::as_millis))
    .execute(&mut **write)
    .await?;
    sqlx::query("DELETE FROM codes WHERE user = ?")
        .bind(user.0.as_bytes().as_slice())
        .execute(&mut **write)
        .await?;
    attempts::forget(write, user).await
}

pub(super) async fn rehash_password(writer: &SqlitePool, user: UserId, old: &str, new: &str) -> Result<()> {
    sqlx::query("UPDATE passwords SET phc = ? WHERE user = ? AND phc = ?")
        .bind(new)
        .bind(user.0.as_bytes().as_slice())
        .bind(old)
        .execute(writer)
        .await?;
    Ok(())
}

pub(super) async fn by_mitid(readers: &SqlitePool, subject: &MitIdSubject) -> Result<Option<User>> {
    let row: Option<UserRow> = sqlx::query_as(
        "SELECT users.* FROM mitid_subjects JOIN users ON users.id = mitid_subjects.user
         WHERE issuer = ? AND subject = ?",
    )
    .bind(&subject.issuer)
    .bind(&subject.subject)
    .fetch_optional(readers)
    .await?;
    row.map(User::try_from).transpose()
}

pub(super) async fn mitid_subject(
    readers: &SqlitePool,
    user: UserId,
    issuer: &str,
) -> Result<Option<MitIdSubject>> {
    let subject: Option<String> =
        sqlx::query_scalar("SELECT subject FROM mitid_subjects WHERE user = ? AND issuer = ?")
            .bind(user.0.as_bytes().as_slice())
            .bind(issuer)
            .fetch_optional(readers)
            .await?;
    Ok(subject.map(|subject| MitIdSubject { issuer: issuer.to_owned(), subject }))
}

pub(super) async fn bind_mitid(
    mut write: Write,
    user: UserId,
    subject: &MitIdSubject,
    at: Timestamp,
) -> Result<bool> {
    let taken: bool = sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM mitid_subjects WHERE issuer = ? AND subject = ? AND user <> ?)",
    )
    .bind(&subject.issuer)
    .bind(&subject.subject)
    .bind(user.0.as_bytes().as_slice())
    .fetch_one(&mut *write)
    .await?;
    if taken {
        return Ok(false);
    }
    sqlx::query(
        "INSERT INTO mitid_subjects (user, issuer, subject, bound_at) VALUES (?, ?, ?, ?)
         ON CONFLICT (user, issuer) DO UPDATE SET subject = excluded.subject, bound_at = excluded.bound_at",
    )
    .bind(user.0.as_bytes().as_slice())
    .bind(&subject.issuer)
    .bind(&subject.subject)
    .bind(at.as_millis())
    .execute(&mut *write)
    .await?;
    write.commit().await?;
    Ok(true)
}

fn group_names(user: &User) -> String {
    serde_json::Value::from(user.groups.as_slice()).to_string()
}

fn claims(user: &User) -> String {
    let pair =
        |(name, value): &(String, String)| serde_json::Value::from(vec![name.as_str(), value.as_str()]);
    serde_json::Value::from_iter(user.claims.iter().map(pair)).to_string()
}
