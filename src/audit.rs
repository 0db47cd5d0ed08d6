//! Security events: who did what, from where. Never a CPR number, a token or a password.

pub mod alarm;
pub mod export;
pub mod told;

use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Map, Value};

use self::alarm::{Alarms, Suspect};
use crate::metrics::Metrics;
use crate::random::{self, Random};
use crate::store::{AuditRecord, Store};
use crate::time::Timestamp;
use crate::user::{User, UserId, Username};

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
    UserRemoved,
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
    SpareKeyAdded,
    SpareKeyRemoved,
    SpareKeyLent,
    SpareKeyReturned,
    SpareKeyRefused,
    ColleagueVouched,
    ColleagueRefused,
    PapersSeen,
    DutyRefused,
    SessionHandedOff,
    HandOffRefused,
    LoggedOut,
    RequestDenied,
    GlassBroken,
    GlassUsed,
    GlassClosed,
    GlassRefused,
    CrossSiteRefused,
    DeviceInvited,
    DeviceMarked,
    DeviceRefused,
    DeviceRemoved,
    GroupAdded,
    GroupChanged,
    GroupRemoved,
    PolicyLoaded,
    PolicyRefused,
    AuditForgotten,
    PasswordGuessing,
    BrowserNew,
    ManyLockouts,
    TellingGivenUp,
    KeyPreferred,
    TermsAccepted,
    AdminRefused,
    ActionAsked,
    ActionConfirmed,
    ActionRefused,
    ActionWithdrawn,
    AuditExported,
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
            Self::UserRemoved => "user-removed",
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
            Self::SpareKeyAdded => "spare-key-added",
            Self::SpareKeyRemoved => "spare-key-removed",
            Self::SpareKeyLent => "spare-key-lent",
            Self::SpareKeyReturned => "spare-key-returned",
            Self::SpareKeyRefused => "spare-key-refused",
            Self::ColleagueVouched => "colleague-vouched",
            Self::ColleagueRefused => "colleague-refused",
            Self::PapersSeen => "papers-seen",
            Self::DutyRefused => "duty-refused",
            Self::SessionHandedOff => "session-handed-off",
            Self::HandOffRefused => "hand-off-refused",
            Self::LoggedOut => "logged-out",
            Self::RequestDenied => "request-denied",
            Self::GlassBroken => "glass-broken",
            Self::GlassUsed => "glass-used",
            Self::GlassClosed => "glass-closed",
            Self::GlassRefused => "glass-refused",
            Self::CrossSiteRefused => "cross-site-refused",
            Self::DeviceInvited => "device-invited",
            Self::DeviceMarked => "device-marked",
            Self::DeviceRefused => "device-refused",
            Self::DeviceRemoved => "device-removed",
            Self::GroupAdded => "group-added",
            Self::GroupChanged => "group-changed",
            Self::GroupRemoved => "group-removed",
            Self::PolicyLoaded => "policy-loaded",
            Self::PolicyRefused => "policy-refused",
            Self::AuditForgotten => "audit-forgotten",
            Self::PasswordGuessing => "password-guessing",
            Self::BrowserNew => "browser-new",
            Self::ManyLockouts => "many-lockouts",
            Self::TellingGivenUp => "telling-given-up",
            Self::KeyPreferred => "key-preferred",
            Self::TermsAccepted => "terms-accepted",
            Self::AdminRefused => "admin-refused",
            Self::ActionAsked => "action-asked",
            Self::ActionConfirmed => "action-confirmed",
            Self::ActionRefused => "action-refused",
            Self::ActionWithdrawn => "action-withdrawn",
            Self::AuditExported => "audit-exported",
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

/// Where entries go, and where too many of a kind are noticed.
#[derive(Clone)]
pub struct AuditLog {
    store: Arc<dyn Store>,
    metrics: Arc<Metrics>,
    alarms: Arc<Mutex<Alarms>>,
}

impl AuditLog {
    pub fn new(store: Arc<dyn Store>, metrics: Arc<Metrics>) -> Self {
        Self { store, metrics, alarms: Arc::default() }
    }

    /// Writes the entry, and says so in the log if it cannot be. One wrong password too many is an alarm, and
    /// so is one locked account: in the log, the audit and the metrics.
    pub async fn record(&self, entry: Entry) {
        let record = entry.into_record();
        self.append(&record).await;
        if record.event == Event::PasswordWrong.code() {
            for (suspect, wrong) in self.alarms_over(&record) {
                self.raise(&record, suspect.kind(), wrong).await;
            }
        }
        if record.event == Event::AccountLocked.code()
            && let Some(user) = record.user
        {
            let alarm = self.alarms.lock().unwrap_or_else(PoisonError::into_inner).locked(user, record.at);
            if let Some(locked) = alarm {
                self.raise_over_lockouts(&record, locked).await;
            }
        }
    }

    fn alarms_over(&self, record: &AuditRecord) -> Vec<(Suspect, u32)> {
        // One spelling a name, so that capitals are no second try; what is no name is counted as it is.
        let name = record.username.as_deref().map(|typed| {
            Suspect::Name(Username::parse(typed).map_or_else(|_| typed.to_owned(), |name| name.to_string()))
        });
        let address = record.address.map(Suspect::Address);
        // Counters have no half-made state to fear.
        let mut alarms = self.alarms.lock().unwrap_or_else(PoisonError::into_inner);
        let suspects = name.into_iter().chain(address);
        suspects
            .filter_map(|suspect| alarms.wrong(suspect.clone(), record.at).map(|wrong| (suspect, wrong)))
            .collect()
    }

    async fn raise(&self, record: &AuditRecord, by: &str, wrong: u32) {
        let minutes = alarm::WINDOW.as_secs() / 60;
        let AuditRecord { username, address, .. } = record;
        let address = address.map(tracing::field::display);
        tracing::warn!(by, wrong, minutes, user = username, address, "many wrong passwords");
        self.metrics.password_alarms.with_label_values(&[by]).inc();
        let detail = serde_json::json!({ "by": by, "wrong": wrong, "minutes": minutes }).to_string();
        let event = Event::PasswordGuessing.code().to_owned();
        self.append(&AuditRecord { event, detail, ..record.clone() }).await;
    }

    /// It is about nobody: the last of them is no more to blame than the first.
    async fn raise_over_lockouts(&self, record: &AuditRecord, locked: usize) {
        let minutes = alarm::WINDOW.as_secs() / 60;
        tracing::warn!(locked, minutes, "many accounts are locked");
        self.metrics.lockout_alarms.inc();
        let detail = serde_json::json!({ "locked": locked, "minutes": minutes }).to_string();
        let event = Event::ManyLockouts.code().to_owned();
        let (user, username, address) = (None, None, None);
        self.append(&AuditRecord { event, detail, user, username, address, ..record.clone() }).await;
    }

    async fn append(&self, record: &AuditRecord) {
        let (event, reference) = (&record.event, &record.correlation);
        match self.store.append_audit(record).await {
            Ok(()) => self.written(record),
            Err(error) => tracing::error!(%error, event, reference, "an audit record was not written"),
        }
    }

    /// Says in the log what the store has written together with that which it tells of.
    pub fn written(&self, record: &AuditRecord) {
        say(record);
    }
}

/// Says in the log what was written.
pub fn say(record: &AuditRecord) {
    let AuditRecord { event, correlation: reference, .. } = record;
    tracing::info!(event, reference, user = record.username, "audit");
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

    /// The code as it was made, from what somebody read aloud or copied: in any case, with or without dash and
    /// spaces, with O for 0 and I or L for 1. `None` if it can be none.
    pub fn parse(typed: &str) -> Option<String> {
        let typed = typed.chars().filter(|c| !c.is_whitespace() && *c != '-');
        let code: String = typed
            .map(|c| match c.to_ascii_uppercase() {
                'O' => '0',
                'I' | 'L' => '1',
                other => other,
            })
            .collect();
        let known = code.bytes().all(|byte| ALPHABET.contains(&byte));
        (known && code.len() == 8).then(|| format!("{}-{}", &code[..4], &code[4..]))
    }

    pub fn next(&self) -> String {
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

/// Crockford's: without I, L, O and U.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

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
    fn correlation_ids_are_understood_as_people_say_them() {
        for said in ["7F3K-92QD", "7f3k92qd", " 7f3k 92qd ", "7F3K–92QD".replace('–', "-").as_str()] {
            assert_eq!(CorrelationIds::parse(said).as_deref(), Some("7F3K-92QD"), "{said:?}");
        }
        assert_eq!(CorrelationIds::parse("oilo-0000").as_deref(), Some("0110-0000"));
        for said in ["", "GET", "7F3K-92Q", "7F3K-92QDD", "7F3K-92QU", "7F3K-92Qæ"] {
            assert_eq!(CorrelationIds::parse(said), None, "{said:?}");
        }
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
