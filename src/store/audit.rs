//! Security events as they are kept, and how they are asked for.

use std::net::IpAddr;

use super::chain::ChainHash;
use crate::time::Timestamp;
use crate::user::UserId;

/// A security event as it is kept: see [`crate::audit`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRecord {
    pub at: Timestamp,
    /// A kebab-case code, such as `password-wrong`.
    pub event: String,
    pub user: Option<UserId>,
    /// The name as it was typed or known, at most 128 characters.
    pub username: Option<String>,
    pub address: Option<IpAddr>,
    pub correlation: String,
    /// Structured detail as JSON; never a CPR number, a token or a password.
    pub detail: String,
}

impl AuditRecord {
    /// Who did it for somebody else, or to them: an officer's user name, or the machine's operator.
    pub fn performer(&self) -> Option<String> {
        let detail: serde_json::Value = serde_json::from_str(&self.detail).ok()?;
        let by = detail.get("by").or_else(|| detail.get("operator"))?;
        by.as_str().map(str::to_owned)
    }
}

/// Where a row of the audit stands: greater than that of every row before it.
pub type AuditPosition = i64;

/// A security event in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRow {
    pub position: AuditPosition,
    /// Of this row and of all before it: see [`chain`].
    pub hash: ChainHash,
    pub record: AuditRecord,
}

/// Which rows of the audit: those that fit everything that is stated.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditQuery {
    pub user: Option<UserId>,
    /// As it was typed or known.
    pub username: Option<String>,
    pub event: Option<String>,
    pub address: Option<IpAddr>,
    pub correlation: Option<String>,
    /// The first moment.
    pub from: Option<Timestamp>,
    /// The moment after the last.
    pub until: Option<Timestamp>,
    /// Rows after this alone.
    pub after: Option<AuditPosition>,
    /// Rows before this alone.
    pub before: Option<AuditPosition>,
    /// By whom it was done for another: their user name, or their name on the machine.
    pub by: Option<String>,
    /// Otherwise the oldest come first.
    pub newest_first: bool,
    pub limit: u32,
}
