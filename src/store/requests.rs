//! Four eyes: what one person asks for, and a second one confirms or refuses.

use async_trait::async_trait;
use uuid::Uuid;

use super::{AuditRecord, Result};
use crate::time::Timestamp;
use crate::user::UserId;

/// Identifies a request: a random number.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub struct RequestId(pub Uuid);

/// What waits for a second person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub id: RequestId,
    /// See [`crate::desk::Action`].
    pub action: String,
    /// What the action is about, in its own form; empty where it needs nothing more than the person.
    pub target: String,
    pub user: UserId,
    pub asked_by: UserId,
    pub asked_at: Timestamp,
    pub expires_at: Timestamp,
}

#[async_trait]
pub trait Requests {
    /// `false`, and nothing written, if the same is waiting already.
    async fn ask(&self, request: &Request, told: &AuditRecord) -> Result<bool>;
    /// Those that are live, oldest first.
    async fn requests(&self, now: Timestamp) -> Result<Vec<Request>>;
    /// Takes it out, for whoever is not who asked; of many who try, one gets it. `None`, and nothing told, if it
    /// is gone, too old, or one's own.
    async fn take_request(
        &self,
        id: RequestId,
        answers: UserId,
        now: Timestamp,
        told: &AuditRecord,
    ) -> Result<Option<Request>>;
    /// Takes one's own back. `false`, and nothing told, if it is gone or another's.
    async fn withdraw_request(&self, id: RequestId, asked_by: UserId, told: &AuditRecord) -> Result<bool>;
}
