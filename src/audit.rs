//! Security events: who did what, from where. Never a CPR number, a token or a password.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Map, Value};

use crate::random::{self, Random};
use crate::store::{AuditRecord, Store};
use crate::time::Timestamp;
use crate::user::{User, UserId};

/// Everything worth a row. The code is what administrators search for.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
pub enum Event {
    PasswordVerified,
    PasswordWrong,
    PasswordSet,
    PasswordOverload,
    UserAdded,
    UserChanged,
    UserDisabled,
    UserEnabled,
    UserInvited,
    AccountLocked,
    AccountUnlocked,
    AccountInactive,
    MitIdVerified,
    MitIdRefused,
    MitIdAborted,
    MitIdBound,
    KeyRegistered,
    KeyRegistrationRefused,
    KeyVerified,
    KeyRefused,
    KeySuspect,
    KeyRenamed,
    KeyDeleted,
    CodeRefused,
    SessionHandedOff,
    HandOffRefused,
    LoggedOut,
    RequestDenied,
    CrossSiteRefused,
    PolicyLoaded,
    PolicyRefused,
}

impl Event {
    pub const fn code(self) -> &'static str {
        match self {
            Self::PasswordVerified => "password-verified",
            Self::PasswordWrong => "password-wrong",
            Self::PasswordSet => "password-set",
            Self::PasswordOverload => "password-overload",
            Self::UserAdded => "user-added",
            Self::UserChanged => "user-changed",
            Self::UserDisabled => "user-disabled",
            Self::UserEnabled => "user-enabled",
            Self::UserInvited => "user-invited",
            Self::AccountLocked => "account-locked",
            Self::AccountUnlocked => "account-unlocked",
            Self::AccountInactive => "account-inactive",
            Self::MitIdVerified => "mitid-verified",
            Self::MitIdRefused => "mitid-refused",
            Self::MitIdAborted => "mitid-aborted",
            Self::MitIdBound => "mitid-bound",
            Self::KeyRegistered => "key-registered",
            Self::KeyRegistrationRefused => "key-registration-refused",
            Self::KeyVerified => "key-verified",
            Self::KeyRefused => "key-refused",
            Self::KeySuspect => "key-suspect",
            Self::KeyRenamed => "key-renamed",
            Self::KeyDeleted => "key-deleted",
            Self::CodeRefused => "code-refused",
            Self::SessionHandedOff => "session-handed-off",
            Self::HandOffRefused => "hand-off-refused",
            Self::LoggedOut => "logged-out",
            Self::RequestDenied => "request-denied",
            Self::CrossSiteRefused => "cross-site-refused",
            Self::PolicyLoaded => "policy-loaded",
            Self::PolicyRefused => "policy-refused",
        }
    }
}

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

/// Where entries go.
#[derive(Clone)]
pub struct AuditLog {
    store: Arc<dyn Store>,
}

impl AuditLog {
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self { store }
    }

    /// Writes the entry, and says so in the log if it cannot be.
    pub async fn record(&self, entry: Entry) {
        let record = entry.into_record();
        let (event, reference) = (&record.event, &record.correlation);
        match self.store.append_audit(&record).await {
            Ok(()) => tracing::info!(event, reference, user = record.username, "audit"),
            Err(error) => tracing::error!(%error, event, reference, "an audit record was not written"),
        }
    }
}

/// Makes the codes that identify requests: eight characters without look-alikes, as in `7F3K-92QD`.
///
/// They are read aloud on the phone, not kept secret: a counter, mixed so that neighbours do not look alike.
pub struct CorrelationIds {
    seed: u64,
    next: AtomicU64,
}

impl CorrelationIds {
    pub fn new(random: &dyn Random) -> Self {
        Self { seed: u64::from_ne_bytes(random::bytes(random)), next: AtomicU64::new(0) }
    }

    pub fn next(&self) -> String {
        const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
        // SplitMix64: a bijection, so no code repeats before the 40 bits below are used up by chance.
        let mut mixed = self
            .seed
            .wrapping_add(self.next.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        let mut code = String::with_capacity(9);
        for position in 0..8 {
            if position == 4 {
                code.push('-');
            }
            code.push(char::from(ALPHABET[(mixed >> (5 * position)) as usize & 31]));
        }
        code
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn correlation_ids_read_aloud() {
        let ids = CorrelationIds::new(&crate::random::SeededRandom::new(1));
        let many: std::collections::HashSet<String> = (0..1000).map(|_| ids.next()).collect();
        assert_eq!(many.len(), 1000);
        assert!(many.iter().all(|id| id.len() == 9 && id.as_bytes()[4] == b'-'));
    }

    #[test]
    fn a_typed_name_stays_one_line() {
        let origin = Origin { at: Timestamp::EPOCH, address: None, correlation: "A".into() };
        let entry =
            Entry::new(Event::PasswordWrong, &origin).typed_name(&format!("a\r\nb{}", "x".repeat(500)));
        let name = entry.into_record().username.unwrap();
        assert!(name.starts_with("a\u{fffd}\u{fffd}b") && name.chars().count() == 128);
    }
}
