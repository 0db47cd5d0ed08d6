//! A unit's spare keys: in a drawer, or lent to somebody until a certain time.

use async_trait::async_trait;
use uuid::Uuid;

use super::{AuditRecord, Key, RegisteredWith, Result};
use crate::authn::CredentialId;
use crate::time::Timestamp;
use crate::user::UserId;

/// A security key that belongs to a unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpareKey {
    pub credential: CredentialId,
    /// The WebAuthn user handle: the key's own, no person's.
    pub handle: Uuid,
    /// The unit's name.
    pub unit: String,
    /// 3 to 128 characters, one key's in its unit.
    pub name: String,
    /// The credential as webauthn-rs serialises it.
    pub passkey: String,
    pub registered_at: Timestamp,
    pub used_at: Option<Timestamp>,
    /// Its sign count once went backwards: it is lent no more.
    pub suspect: bool,
    /// The latest loan, over or not: who has it, and until when.
    pub lent: Option<(UserId, Timestamp)>,
}

/// What makes a spare key somebody's for a while.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Loan {
    /// The WebAuthn user handle the key was registered with.
    pub handle: Uuid,
    /// From here on it is back in the drawer.
    pub until: Timestamp,
}

impl SpareKey {
    /// Who has it at `now`, and until when; `None`: it is in the drawer.
    pub fn out(&self, now: Timestamp) -> Option<(UserId, Timestamp)> {
        self.lent.filter(|(_, until)| now < *until)
    }

    /// As `holder` has it until then.
    pub fn lent_to(&self, holder: UserId, until: Timestamp) -> Key {
        Key {
            credential: self.credential.clone(),
            user: holder,
            name: self.label(),
            passkey: self.passkey.clone(),
            registered_at: self.registered_at,
            registered_with: RegisteredWith::Code,
            used_at: self.used_at,
            suspect: self.suspect,
            loan: Some(Loan { handle: self.handle, until }),
        }
    }

    /// `Unit: name`, as the audit and the commands write it.
    pub fn label(&self) -> String {
        format!("{}: {}", self.unit, self.name)
    }
}

/// What became of a key that was to be lent.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Lent {
    Lent,
    /// Somebody has it.
    Out,
    /// It may be copied, and is lent no more.
    Suspect,
    /// There is no such key, or no such person.
    Gone,
}

/// `told` is the audit's record of a change, written in the same transaction, and not without the change.
#[async_trait]
pub trait SpareKeys {
    /// `false` if the credential is registered already, to a person or a unit, or the unit has a key of that
    /// name.
    async fn add_spare_key(&self, key: &SpareKey, told: &AuditRecord) -> Result<bool>;
    /// All of them, by unit and name.
    async fn spare_keys(&self) -> Result<Vec<SpareKey>>;
    /// Those that `holder` has at `now`, as theirs until the loan ends.
    async fn lent_keys(&self, holder: UserId, now: Timestamp) -> Result<Vec<Key>>;
    /// The key is `holder`'s from `now` to `until`, if it is in the drawer at `now`: of many who ask at once
    /// for one key, one gets it.
    async fn lend_spare_key(
        &self,
        key: &CredentialId,
        holder: UserId,
        term: (Timestamp, Timestamp),
        told: &AuditRecord,
    ) -> Result<Lent>;
    /// Back before its time. `false` unless `holder` has it at `now`.
    async fn return_spare_key(
        &self,
        key: &CredentialId,
        holder: UserId,
        now: Timestamp,
        told: &AuditRecord,
    ) -> Result<bool>;
    /// Somebody may have copied it: it is lent no more.
    async fn suspect_spare_key(&self, key: &CredentialId) -> Result<()>;
    /// Out of use for good. `false` if there is no such key.
    async fn remove_spare_key(&self, key: &CredentialId, told: &AuditRecord) -> Result<bool>;
}
