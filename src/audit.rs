//! Security events: who did what, from where. Never a CPR number, a token or a password.

pub mod alarm;
mod correlation;
mod event;
pub mod export;
mod log;
pub mod told;

use std::net::IpAddr;

use serde_json::{Map, Value};

pub use self::correlation::CorrelationIds;
pub use self::event::Event;
pub use self::log::{AuditLog, say};
use crate::store::AuditRecord;
use crate::time::Timestamp;
use crate::user::{User, UserId};

/// Where an event came from: carried by every request to whatever may record one.
#[derive(Clone, Debug)]
pub struct Origin {
    pub at: Timestamp,
    pub address: Option<IpAddr>,
    /// Shown on the page and written to the log: the code a service desk looks up.
    pub correlation: String,
}

/// A record in the making.
pub struct Entry {
    record: AuditRecord,
    detail: Map<String, Value>,
}

impl Entry {
    pub fn new(event: Event, origin: &Origin) -> Self {
        let record = AuditRecord {
            at: origin.at,
            event: event.code().to_owned(),
            user: None,
            username: None,
            address: origin.address,
            correlation: origin.correlation.clone(),
            detail: String::new(),
        };
        Self { record, detail: Map::new() }
    }

    #[must_use]
    pub fn user(mut self, user: &User) -> Self {
        self.record.user = Some(user.id);
        self.record.username = Some(user.username.as_str().to_owned());
        self
    }

    #[must_use]
    pub fn user_id(mut self, user: UserId) -> Self {
        self.record.user = Some(user);
        self
    }

    /// A name nobody has vouched for: cut short, control characters replaced.
    #[must_use]
    pub fn typed_name(mut self, typed: &str) -> Self {
        let name = typed.chars().take(128).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
        self.record.username = Some(name);
        self
    }

    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.detail.insert(name.to_owned(), value.into());
        self
    }

    pub fn into_record(self) -> AuditRecord {
        let detail = Value::Object(self.detail).to_string();
        AuditRecord { detail, ..self.record }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typed_name_stays_one_line() {
        let origin = Origin { at: Timestamp::EPOCH, address: None, correlation: "A".into() };
        let entry =
            Entry::new(Event::PasswordWrong, &origin).typed_name(&format!("a\r\nb{}", "x".repeat(500)));
        let name = entry.into_record().username.unwrap();
        assert!(name.starts_with("a\u{fffd}\u{fffd}b") && name.chars().count() == 128);
    }
}
