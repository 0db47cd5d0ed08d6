//! What is told of one event, as it waits in the outbox.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::store::AuditRow;
use crate::time::Timestamp;

/// A row of the audit, as far as it is told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Notice {
    /// The same however often it is told; no other event of any installation has it.
    pub id: String,
    pub position: i64,
    /// In milliseconds since the epoch.
    at: i64,
    /// The code.
    pub event: String,
    pub user: Option<Uuid>,
    pub username: Option<String>,
    pub address: Option<IpAddr>,
    pub correlation: String,
    pub detail: Value,
}

impl Notice {
    pub fn of(row: &AuditRow) -> Self {
        let record = &row.record;
        Self {
            // It follows from this row and all before it.
            id: row.hash.to_string().chars().take(32).collect(),
            position: row.position,
            at: record.at.as_millis(),
            event: record.event.clone(),
            user: record.user.map(|user| user.0),
            username: record.username.clone(),
            address: record.address,
            correlation: record.correlation.clone(),
            detail: serde_json::from_str(&record.detail).unwrap_or_default(),
        }
    }

    pub const fn at(&self) -> Timestamp {
        Timestamp::from_millis(self.at)
    }

    /// A text of the detail; empty if there is none.
    pub fn text(&self, name: &str) -> &str {
        self.detail[name].as_str().unwrap_or_default()
    }
}
