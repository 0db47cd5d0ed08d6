//! The embedded store: one SQLite file, written by one connection and read by a few.
//!
//! Write-ahead log and `synchronous = FULL`: a commit is on the disk when it returns, and readers never wait
//! for the writer. Every write is one statement, or a transaction begun `IMMEDIATE`, so that it waits for
//! other processes at its beginning and never loses to them half way.

mod accounts;
mod attempts;
mod audit;
mod browsers;
mod ceremonies;
mod desk;
mod devices;
mod glass;
mod groups;
mod keys;
mod live;
mod open;
mod papers;
mod people;
mod provisioning;
mod requests;
mod row;
mod self_service;
mod sessions;
mod spare;
mod telling;
mod traces;

use async_trait::async_trait;
use sqlx::SqlitePool;

pub use open::OpenError;

use super::chain::{Link, Verification};
use super::{
    AuditQuery, AuditRecord, AuditRow, Begun, CeremonyRecord, Device, Key, KeyAdded, Result, Revocation,
    SessionRecord, Settled, SignInId, Store, TokenHash, TraceRecord,
};
use crate::authn::lockout::Lock;
use crate::authn::{CredentialId, MitIdSubject};
use crate::time::Timestamp;
use crate::user::{CprHash, User, UserId, Username};

/// An open store: see [`Sqlite::open`].
pub struct Sqlite {
    writer: SqlitePool,
    readers: SqlitePool,
}

/// A transaction that holds the write lock. Dropped without a commit, it has not happened.
type Write = sqlx::Transaction<'static, sqlx::Sqlite>;

impl Sqlite {
    async fn begin(&self) -> Result<Write> {
        Ok(self.writer.begin_with("BEGIN IMMEDIATE").await?)
    }
}

#[async_trait]
impl Store for Sqlite {
    async fn check(&self) -> Result<()> {
        let beat: i64 = sqlx::query_scalar("UPDATE pulse SET beat = beat + 1 RETURNING beat")
            .fetch_one(&self.writer)
            .await?;
        let seen: i64 = sqlx::query_scalar("SELECT beat FROM pulse").fetch_one(&self.readers).await?;
        // Another process may have written since; that an older beat is read may never be.
        if seen < beat {
            return Err(super::StoreError::Corrupt { what: "a write" });
        }
        Ok(())
    }

    async fn close(&self) {
        self.readers.close().await;
        // Last, as it alone may write the log back.
        self.writer.close().await;
    }

    async fn add_user(&self, user: &User) -> Result<bool> {
        people::add(&self.writer, user).await
    }

    async fn update_user(&self, user: &User) -> Result<bool> {
        people::update(&self.writer, user).await
    }

    async fn user(&self, id: UserId) -> Result<Option<User>> {
        people::by_id(&self.readers, id).await
    }

    async fn user_by_name(&self, name: &Username) -> Result<Option<User>> {
        people::by_name(&self.readers, name).await
    }

    async fn users_by_cpr(&self, cpr: &CprHash) -> Result<Vec<User>> {
        people::by_cpr(&self.readers, cpr).await
    }

    async fn users(&self) -> Result<Vec<User>> {
        people::all(&self.readers).await
    }

    async fn password(&self, user: UserId) -> Result<Option<String>> {
        people::password(&self.readers, user).await
    }

    async fn set_password(&self, user: UserId, phc: &str) -> Result<()> {
        people::set_password(self.begin().await?, user, phc).await
    }

    async fn rehash_password(&self, user: UserId, old: &str, new: &str) -> Result<()> {
        people::rehash_password(&self.writer, user, old, new).await
    }

    async fn begin_attempt(
        &self,
        name: &Username,
        device: Option<&TokenHash>,
        now: Timestamp,
    ) -> Result<std::result::Result<Begun, Lock>> {
        attempts::begin(self.begin().await?, name, device, now).await
    }

    async fn settle_attempt(
        &self,
        name: &Username,
        begun: &Begun,
        settled: Settled,
        now: Timestamp,
    ) -> Result<()> {
        attempts::settle(self.begin().await?, name, begun, settled, now).await
    }

    async fn knows_device(&self, name: &Username, device: &TokenHash) -> Result<bool> {
        attempts::knows(&self.readers, name, device).await
    }

    async fn reset_attempts(&self, user: UserId, now: Timestamp) -> Result<bool> {
        attempts::reset(self.begin().await?, user, now).await
    }

    async fn user_by_mitid(&self, subject: &MitIdSubject) -> Result<Option<User>> {
        people::by_mitid(&self.readers, subject).await
    }

    async fn mitid_subject(&self, user: UserId, issuer: &str) -> Result<Option<MitIdSubject>> {
        people::mitid_subject(&self.readers, user, issuer).await
    }

    async fn bind_mitid(&self, user: UserId, subject: &MitIdSubject, at: Timestamp) -> Result<bool> {
        people::bind_mitid(self.begin().await?, user, subject, at).await
    }

    async fn add_key(&self, key: &Key, code: Option<&TokenHash>, told: &AuditRecord) -> Result<KeyAdded> {
        keys::add(self.begin().await?, key, code, told).await
    }

    async fn keys(&self, user: UserId) -> Result<Vec<Key>> {
        keys::of(&self.readers, user).await
    }

    async fn update_key(&self, key: &Key) -> Result<bool> {
        match key.loan {
            Some(loan) => spare::update(self, key, loan.until).await,
            None => keys::update(&self.writer, key).await,
        }
    }

    async fn rename_key(&self, user: UserId, credential: &CredentialId, name: &str) -> Result<bool> {
        keys::rename(&self.writer, user, credential, name).await
    }

    async fn delete_key(&self, user: UserId, credential: &CredentialId, told: &AuditRecord) -> Result<bool> {
        keys::delete(self.begin().await?, (user, credential), told).await
    }

    async fn add_code(&self, user: UserId, code: &TokenHash, expires_at: Timestamp) -> Result<()> {
        keys::add_code(&self.writer, user, code, expires_at).await
    }

    async fn code_is_live(&self, user: UserId, code: &TokenHash, now: Timestamp) -> Result<bool> {
        keys::code_is_live(&self.readers, user, code, now).await
    }

    async fn put_ceremony(&self, ceremony: &CeremonyRecord) -> Result<()> {
        ceremonies::put(&self.writer, ceremony).await
    }

    async fn take_ceremony(
        &self,
        id: &TokenHash,
        kind: &str,
        browser: &TokenHash,
        now: Timestamp,
    ) -> Result<Option<CeremonyRecord>> {
        ceremonies::take(&self.writer, (id, kind, browser), now).await
    }

    async fn put_session(&self, session: &SessionRecord, replaces: Option<&TokenHash>) -> Result<bool> {
        sessions::put(self.begin().await?, session, replaces).await
    }

    async fn session(&self, token: &TokenHash) -> Result<Option<(SessionRecord, User)>> {
        sessions::load(&self.readers, token).await
    }

    async fn touch(&self, seen: &[(SignInId, Timestamp)]) -> Result<()> {
        sessions::touch(&self.writer, seen).await
    }

    async fn end_sign_in(&self, sign_in: SignInId, at: Timestamp) -> Result<bool> {
        sessions::end(self.begin().await?, sign_in, at).await
    }

    async fn end_sign_ins(
        &self,
        user: UserId,
        except: Option<SignInId>,
        at: Timestamp,
    ) -> Result<Vec<SignInId>> {
        sessions::end_all(self.begin().await?, user, except, at).await
    }

    async fn revocations(&self, after: Option<i64>) -> Result<Vec<Revocation>> {
        sessions::revocations(&self.readers, after).await
    }

    async fn invite_device(&self, name: &str, code: &TokenHash, expires_at: Timestamp) -> Result<()> {
        devices::invite(&self.writer, name, code, expires_at).await
    }

    async fn mark_device(
        &self,
        code: &TokenHash,
        token: &TokenHash,
        now: Timestamp,
    ) -> Result<Option<Device>> {
        devices::mark(&self.writer, code, token, now).await
    }

    async fn device(&self, token: &TokenHash) -> Result<Option<Device>> {
        devices::by_token(&self.readers, token).await
    }

    async fn devices(&self) -> Result<Vec<Device>> {
        devices::all(&self.readers).await
    }

    async fn remove_device(&self, name: &str) -> Result<bool> {
        devices::remove(&self.writer, name).await
    }

    async fn occupy_device(&self, token: &TokenHash, sign_in: SignInId) -> Result<Option<SignInId>> {
        devices::occupy(self.begin().await?, token, sign_in).await
    }

    async fn put_traces(&self, traces: &[TraceRecord]) -> Result<()> {
        traces::put(self.begin().await?, traces).await
    }

    async fn trace(&self, code: &str, now: Timestamp) -> Result<Option<TraceRecord>> {
        traces::by_code(&self.readers, code, now).await
    }

    async fn append_audit(&self, record: &AuditRecord) -> Result<()> {
        let mut write = self.begin().await?;
        audit::append(&mut write, record).await?;
        Ok(write.commit().await?)
    }

    async fn audit(&self, query: &AuditQuery) -> Result<Vec<AuditRow>> {
        audit::find(&self.readers, query).await
    }

    async fn verify_audit(&self, noted: Option<Link>) -> Result<Verification> {
        audit::verify(&self.readers, noted).await
    }

    async fn forget_audit(&self, before: Timestamp) -> Result<u64> {
        audit::forget(self.begin().await?, before).await
    }

    async fn purge(&self, now: Timestamp) -> Result<()> {
        sessions::purge(self.begin().await?, now).await
    }
}

#[cfg(test)]
mod tests;
