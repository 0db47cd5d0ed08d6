//! Who has an account, and which password is theirs.

mod domains;
pub mod ldap;
mod local;

use async_trait::async_trait;
use url::Url;

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
    /// The password is right, or so the directory says, but its account cannot be used. The person may know:
    /// nobody else hears it.
    Unusable {
        known: Option<UserId>,
        why: Unusable,
        /// Where the password can be changed, if that is known.
        change: Option<Url>,
    },
    /// The directory looks at no password of the account for now. Whether this one is right, nobody knows.
    Locked {
        known: Option<UserId>,
    },
    /// `known` is the person of that name, if there is one: for the lock-out and the audit, never for the
    /// answer.
    Wrong {
        known: Option<UserId>,
    },
}

/// Why an account that exists cannot be used, whatever the password.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
pub enum Unusable {
    Disabled,
    Locked,
    Expired,
    PasswordExpired,
    PasswordMustChange,
}

impl Unusable {
    /// For the audit.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Disabled => "disabled",
            Self::Locked => "locked",
            Self::Expired => "expired",
            Self::PasswordExpired => "password-expired",
            Self::PasswordMustChange => "password-must-change",
        }
    }
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

    /// Whether somebody who was proven otherwise than by a password may log in, by what their directory says of
    /// the account now: [`Self::verify`]'s answers, as to a right password. One that cannot be asked is an error.
    async fn standing(&self, user: User) -> Result<Verified, DirectoryError>;
}
