//! Security events: who did what, from where. Never a CPR number, a token or a password.

use std::net::IpAddr;

use serde_json::{Map, Value};

use crate::store::AuditRecord;
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
