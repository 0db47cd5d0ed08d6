//! What is still to be told of the audit, and to whom: see [`crate::telling`].

use async_trait::async_trait;

use super::{AuditPosition, AuditRecord, Result};
use crate::time::Timestamp;

/// An event on its way to one channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Of the event in the audit.
    pub position: AuditPosition,
    /// `person`, `administrators`, or `webhook:NAME`.
    pub channel: String,
    /// When it happened.
    pub at: Timestamp,
    /// What is told, as JSON.
    pub content: String,
    /// How often it was claimed.
    pub attempts: u32,
}

#[async_trait]
pub trait Telling {
    /// The last row of the audit that was looked at; `None` before there was a first look.
    async fn told(&self) -> Result<Option<AuditPosition>>;
    /// Moves on from `from` to `to`, and keeps `messages` until they are told, due at once. `false`, and nothing
    /// written, if somebody else has moved on from there.
    async fn tell(
        &self,
        from: Option<AuditPosition>,
        to: AuditPosition,
        messages: &[Message],
    ) -> Result<bool>;
    /// The message to any of `channels` that has been due the longest at `now`. It is the caller's alone until
    /// `until`, when it is due again.
    async fn claim_message(
        &self,
        channels: &[&str],
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Option<Message>>;
    /// It was not told: due again at `due_at`.
    async fn postpone_message(&self, message: &Message, due_at: Timestamp) -> Result<()>;
    /// It was told, or never will be: then `given_up` is the audit's record of that, written with it. `false` if
    /// it was gone already, and then nothing is written.
    async fn finish_message(&self, message: &Message, given_up: Option<&AuditRecord>) -> Result<bool>;
    /// The message of the oldest event.
    async fn oldest_message(&self) -> Result<Option<Message>>;
    /// How many are still to be told.
    async fn messages_waiting(&self) -> Result<u64>;
}
