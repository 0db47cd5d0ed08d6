//! Who has an account, and which password is theirs.

mod domains;
pub mod ldap;
mod local;

use async_trait::async_trait;

use crate::authn::password::Overloaded;
use crate::secret::Secret;
use crate::store::StoreError;
use crate::user::{User, UserId, Username};

pub use domains::Domains;
pub use ldap::Ldap;
pub use local::Local;

/// What a user name and a password amount to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verified {
    Person(User),
    /// The password is right, but the account is disabled or has expired. One that is disabled is answered as a
    /// wrong password, and only the audit may know; whoever knows the password may know that it has expired.
    Inactive(User),
    /// `known` is the person of that name, if there is one: for the lock-out and the audit, never for the
    /// answer.
    Wrong {
        known: Option<UserId>,
    },
}

/// Why there is no answer. Nobody is let in.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    #[error(transparent)]
    Overloaded(#[from] Overloaded),
    #[error(transparent)]
    Unavailable(#[from] ldap::Outage),
    #[error(transparent)]
    Store(#[from] StoreError),
}

#[async_trait]
pub trait Directory: Send + Sync {
    /// The one spelling of the account that `name` means, whether or not there is one: where wrong passwords
    /// are counted, and what [`Self::verify`] takes.
    async fn account(&self, name: &Username) -> Result<Username, StoreError> {
        Ok(name.clone())
    }

    /// Does the same work whether or not there is such a person, with a password, who may log in.
    async fn verify(&self, name: &Username, password: &Secret<String>) -> Result<Verified, DirectoryError>;
}
