//! What a service desk looks for, and does to accounts. Each change is written together with the audit's record
//! of it (`told`), or not at all.

use async_trait::async_trait;

use super::{AuditRecord, Key, Result, SignInId};
use crate::authn::lockout::Lock;
use crate::time::Timestamp;
use crate::user::{User, UserId, Username};

/// Which people: those with every word of `text`, or a word that begins so, in their user name, name or groups.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PeopleQuery {
    /// Everybody, where there is nothing in it.
    pub text: String,
    /// Those whose user names come after this.
    pub after: Option<Username>,
    pub limit: u32,
}

/// Why an account is locked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountLock {
    pub reason: String,
    /// The user name of who locked it, or their name on the machine.
    pub by: String,
    pub at: Timestamp,
}

/// What became of an account that was to be closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Closed {
    /// Holds the signings in that were ended.
    Closed(Vec<SignInId>),
    /// There is no such person.
    Unknown,
    /// Nobody who can get in would be left in the groups that must not be empty.
    LastOne,
}

/// Which signings in: those that are live.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenQuery {
    pub user: Option<UserId>,
    /// As in [`PeopleQuery`], of whose they are; also a shared device's name.
    pub text: String,
    pub now: Timestamp,
    /// Seen after this, on a device of one's own.
    pub own_since: Timestamp,
    /// Seen after this, on a device that many people use.
    pub shared_since: Timestamp,
    pub limit: u32,
}

/// A signing in that is live.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenSignIn {
    pub id: SignInId,
    pub user: UserId,
    pub username: String,
    pub name: String,
    pub started_at: Timestamp,
    pub seen_at: Timestamp,
    pub shared: bool,
    /// The shared device it is on, if that was marked.
    pub device: Option<String>,
    /// In order.
    pub hosts: Vec<String>,
}

/// A key, and whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnedKey {
    pub key: Key,
    pub username: String,
    pub name: String,
}

#[async_trait]
pub trait Desk {
    /// By user name; without loading anybody else.
    async fn search_people(&self, query: &PeopleQuery) -> Result<Vec<User>>;
    /// Why the account is locked; `None` if it is not, or nobody said why.
    async fn account_lock(&self, user: UserId) -> Result<Option<AccountLock>>;
    /// The lock on the password for browsers that are not known.
    async fn password_lock(&self, user: UserId, now: Timestamp) -> Result<Option<Lock>>;
    /// Disables the account and ends its signings in; somebody else who is active must be left in `keep_one`
    /// if the person is in any of these groups.
    async fn lock_account(
        &self,
        user: UserId,
        lock: &AccountLock,
        keep_one: &[String],
        told: &AuditRecord,
    ) -> Result<Closed>;
    /// `false` if there is no such person.
    async fn unlock_account(&self, user: UserId, told: &AuditRecord) -> Result<bool>;
    /// All counters begin anew. Whether any was locked; `told` is written either way.
    async fn unlock_password(&self, user: UserId, now: Timestamp, told: &AuditRecord) -> Result<bool>;
    /// Where the account ends; an earlier end than before also ends its signings in at `now`.
    async fn set_expiry(
        &self,
        user: UserId,
        expires_at: Option<Timestamp>,
        now: Timestamp,
        told: &AuditRecord,
    ) -> Result<Closed>;
    /// Ends the person's signings in, or the one that is named if it is theirs; answers which. Nothing is
    /// told where there was nothing to end.
    async fn end_sign_ins_of(
        &self,
        user: UserId,
        one: Option<SignInId>,
        now: Timestamp,
        told: &AuditRecord,
    ) -> Result<Vec<SignInId>>;
    /// The latest active first.
    async fn search_open(&self, query: &OpenQuery) -> Result<Vec<OpenSignIn>>;
    /// Those with `text` in their name, or of people it finds; suspect ones first, then the newest.
    async fn find_keys(&self, text: &str, limit: u32) -> Result<Vec<OwnedKey>>;
}
