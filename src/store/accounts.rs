//! Changes of accounts that are told in the audit and end sessions: all of it in one transaction, or none.

use async_trait::async_trait;
use serde_json::{Map, Value};

use super::{AuditRecord, Result};
use crate::user::{User, UserId};

#[async_trait]
pub trait Accounts {
    /// Everything but the id, the user name and the time of creation, as [`super::Store::update_user`] has it.
    /// Where the person may no longer do what their sessions were opened for (see [`ends_sessions`]), those end;
    /// how many, which `told` says as `ended`. `None` if there is no such user: then nothing is told.
    async fn change_user(&self, user: &User, told: &AuditRecord) -> Result<Option<usize>>;
    /// As [`super::Store::set_password`]; also ends the person's sessions, and tells how many.
    async fn reset_password(&self, user: UserId, phc: &str, told: &AuditRecord) -> Result<usize>;
    /// The person is gone, and with them passwords, keys, codes and sessions; of them the audit alone still
    /// tells. How many sessions were ended; `None` if there is no such user.
    async fn remove_user(&self, user: UserId, told: &AuditRecord) -> Result<Option<usize>>;
}

/// Whether sessions opened as `before` may not go on as `after`: a session in memory holds what its person was
/// when it was loaded.
pub fn ends_sessions(before: &User, after: &User) -> bool {
    let rights = |user: &User| (user.username.clone(), user.groups.clone(), user.claims.clone());
    after.disabled || rights(before) != rights(after) || before.expires_at != after.expires_at
}

impl AuditRecord {
    /// With one more detail.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        let mut detail: Map<String, Value> = serde_json::from_str(&self.detail).unwrap_or_default();
        detail.insert(name.to_owned(), value.into());
        self.detail = Value::Object(detail).to_string();
        self
    }
}
