//! What people do with their own accounts: see [`crate::pages`].

use std::net::IpAddr;

use async_trait::async_trait;

use super::{AuditRecord, Result, SignIn, SignInId};
use crate::authn::CredentialId;
use crate::time::Timestamp;
use crate::user::UserId;

/// A password as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnPassword {
    /// As a PHC string.
    pub phc: String,
    /// When the person chose it themselves; `None`: somebody else set it.
    pub chosen_at: Option<Timestamp>,
}

/// A person's own new password.
#[derive(Clone, Debug)]
pub struct PasswordChange<'a> {
    pub user: UserId,
    /// The one it takes the place of, as a PHC string.
    pub old: &'a str,
    pub new: &'a str,
    pub at: Timestamp,
    /// The signing in that goes on; all others of the person end.
    pub kept: SignInId,
    /// The audit's record of it, written if the password is and not without it.
    pub told: &'a AuditRecord,
}

/// Where a person did something, for them to recognise.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Whereabouts {
    pub address: Option<IpAddr>,
    /// What the browser calls itself, in a few words.
    pub browser: Option<String>,
}

/// A signing in that has not ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenSignIn {
    pub sign_in: SignIn,
    pub begun: Whereabouts,
}

/// What else is known of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyHabit {
    pub credential: CredentialId,
    /// From where it was last used.
    pub used_from: Option<IpAddr>,
    pub preferred: bool,
}

#[async_trait]
pub trait SelfService {
    async fn own_password(&self, user: UserId) -> Result<Option<OwnPassword>>;
    /// Those the person had before, the latest first, as PHC strings.
    async fn former_passwords(&self, user: UserId, most: usize) -> Result<Vec<String>>;
    /// Also spends one-time codes, forgets attempts and known browsers, and ends the person's other signings in:
    /// which. `None`, and nothing done, if the password is no longer `old`.
    async fn change_password(&self, change: &PasswordChange<'_>) -> Result<Option<Vec<SignInId>>>;

    /// The keys of the person, in the order of [`super::Store::keys`].
    async fn key_habits(&self, user: UserId) -> Result<Vec<KeyHabit>>;
    async fn note_key_use(&self, user: UserId, credential: &CredentialId, from: Option<IpAddr>)
    -> Result<()>;
    /// Makes it the person's only preferred one. `false`, and nothing told, if the person has no such key.
    async fn prefer_key(&self, user: UserId, credential: &CredentialId, told: &AuditRecord) -> Result<bool>;

    async fn note_sign_in(&self, sign_in: SignInId, begun: &Whereabouts) -> Result<()>;
    /// Those that are neither ended nor past their time at `now`, the latest activity first.
    async fn open_sign_ins(&self, user: UserId, now: Timestamp) -> Result<Vec<OpenSignIn>>;
    /// Where it has sessions, each host once, in order.
    async fn hosts_of(&self, sign_in: SignInId) -> Result<Vec<String>>;

    /// Whether and when the person accepted that version of the terms, or a later one.
    async fn accepted_terms(&self, user: UserId, version: u32) -> Result<Option<Timestamp>>;
    /// `told` is the audit's record of it. `false`, and nothing told, if they had accepted it before.
    async fn accept_terms(
        &self,
        user: UserId,
        version: u32,
        at: Timestamp,
        told: &AuditRecord,
    ) -> Result<bool>;
}
