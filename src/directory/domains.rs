//! Local accounts and any number of directories at once: a name's domain says whose it is.

use std::sync::Arc;

use async_trait::async_trait;

use super::{Directory, DirectoryError, Ldap, Local, Verified};
use crate::secret::Secret;
use crate::store::{Store, StoreError};
use crate::user::{User, Username};

pub struct Domains {
    pub local: Local,
    pub store: Arc<dyn Store>,
    pub others: Vec<Ldap>,
}

#[async_trait]
impl Directory for Domains {
    async fn account(&self, name: &Username) -> Result<Username, StoreError> {
        if let Some(directory) = self.others.iter().find(|directory| directory.has(name)) {
            return directory.account(name).await;
        }
        let default = self.others.iter().find(|directory| directory.is_default());
        match default.filter(|_| !name.as_str().contains(['@', '\\'])) {
            // A local account comes first, so that one for emergencies needs no domain.
            Some(directory) if self.store.user_by_name(name).await?.is_none() => {
                directory.account(name).await
            }
            _ => Ok(name.clone()),
        }
    }

    async fn verify(&self, name: &Username, password: &Secret<String>) -> Result<Verified, DirectoryError> {
        match self.others.iter().find(|directory| directory.has(name)) {
            Some(directory) => directory.verify(name, password).await,
            None => self.local.verify(name, password).await,
        }
    }

    async fn standing(&self, user: User) -> Result<Verified, DirectoryError> {
        match self.others.iter().find(|directory| directory.has(&user.username)) {
            Some(directory) => directory.standing(user).await,
            None => self.local.standing(user).await,
        }
    }
}
