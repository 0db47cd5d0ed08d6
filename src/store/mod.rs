//! What is kept: people, keys, sessions, ceremonies, audit. One trait, one conformance suite, an
//! implementation a database.
//!
//! Not found is `None` or `false`; a failure is an error. Every write is one transaction: it has happened
//! in full, and survives a crash, once the call returns.

use async_trait::async_trait;
use uuid::Uuid;

use crate::authn::lockout::{Attempts, Lock};
use crate::authn::{Assurance, CredentialId, MitIdLevel, MitIdSubject};
use crate::time::Timestamp;
use crate::user::{CprHash, User, UserId, Username};

pub use self::audit::{AuditPosition, AuditQuery, AuditRecord, AuditRow};
use self::chain::{Link, Verification};
pub use self::papers::Papers;
use self::self_service::SelfService;
pub use self::spare::{Lent, Loan, SpareKey, SpareKeys};

pub mod accounts;
mod audit;
pub mod browsers;
pub mod chain;
#[cfg(test)]
mod conformance;
pub mod desk;
pub mod glass;
pub mod live;
pub mod papers;
pub mod provisioning;
pub mod requests;
pub mod self_service;
pub mod spare;
pub mod sqlite;
pub mod telling;

/// The store could not answer. Whoever asked must refuse: nothing is known.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("the store does not answer: {0}")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("the store holds {what} that cannot be read")]
    Corrupt { what: &'static str },
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => Self::Corrupt { what: "a value" },
            other => Self::Unavailable(Box::new(other)),
        }
    }
}

pub type Result<T> = std::result::Result<T, StoreError>;

/// The hash under which a bearer value (session token, ceremony id, browser id, one-time code) is kept.
/// The value itself never reaches the store.
#[derive(Copy, Clone, Debug, Eq, PartialEq, Hash)]
pub struct TokenHash(pub [u8; 32]);

impl TokenHash {
    pub fn of(value: &[u8]) -> Self {
        Self(*blake3::hash(value).as_bytes())
    }
}

/// Identifies one signing in: what a person ends by logging out. Every host's session belongs to one.
#[derive(Copy, Clone, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub struct SignInId(pub Uuid);

/// One signing in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignIn {
    pub id: SignInId,
    pub user: UserId,
    pub started_at: Timestamp,
    /// However active it is, it ends here.
    pub expires_at: Timestamp,
    /// The latest activity on any host, to within the touch interval.
    pub seen_at: Timestamp,
    /// It is on a device that many people use.
    pub shared: bool,
}

/// A device that many people use, by the name an administrator gave it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    pub name: String,
    /// `None` until its link was opened on it.
    pub marked_at: Option<Timestamp>,
}

/// A browser's session at one host: a bearer token, and the evidence that was handed to that host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRecord {
    pub token: TokenHash,
    /// The host, as its canonical authority, at which alone the token is good.
    pub host: String,
    pub sign_in: SignIn,
    pub assurance: Assurance,
}

/// A registered security key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    pub credential: CredentialId,
    pub user: UserId,
    /// 3 to 128 characters, chosen by the person.
    pub name: String,
    /// The credential as webauthn-rs serialises it: public key, sign count, backup state.
    pub passkey: String,
    pub registered_at: Timestamp,
    pub registered_with: RegisteredWith,
    pub used_at: Option<Timestamp>,
    /// Its sign count once went backwards: somebody may have copied it.
    pub suspect: bool,
    /// It is a unit's, and the person's for a while; `None`: their own.
    pub loan: Option<Loan>,
}

/// What vouched for the person when a key was registered. The key inherits its level.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
pub enum RegisteredWith {
    MitId(MitIdLevel),
    Key,
    Code,
    /// Identity papers that a registrant has seen, at the level the configuration gives them.
    Papers(MitIdLevel),
}

impl RegisteredWith {
    /// As the audit writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::MitId(level) => level.name(),
            Self::Key => "key",
            Self::Code => "code",
            Self::Papers(MitIdLevel::Low) => "papers-low",
            Self::Papers(MitIdLevel::Substantial) => "papers-substantial",
            Self::Papers(MitIdLevel::High) => "papers-high",
        }
    }
}

/// What became of a key that was to be added.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
pub enum KeyAdded {
    Added,
    /// The credential id is registered already, to this person or another.
    CredentialTaken,
    /// The one-time code was used, replaced or has expired meanwhile.
    CodeSpent,
}

/// A ceremony as it is kept: see [`crate::authn::ceremony`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CeremonyRecord {
    pub id: TokenHash,
    /// What it is for: only a taker who names it gets it.
    pub kind: String,
    /// The browser that began it, and alone can take it.
    pub browser: TokenHash,
    /// The state, as JSON.
    pub state: String,
    pub expires_at: Timestamp,
}

/// An attempt at a password that is to be looked at: see [`crate::authn::lockout`].
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Begun {
    /// The known browser it was counted on; `None`: on that of all others.
    pub device: Option<TokenHash>,
    /// The counter with this attempt as a wrong one.
    pub attempts: Attempts,
}

/// What became of an attempt that was not wrong.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Settled {
    /// `device` is known from now on.
    Right { device: TokenHash },
    /// It was never looked at.
    Void,
}

/// Why a request was not let through: see [`crate::trace`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceRecord {
    /// What the person was shown, such as `7F3K-92QD`.
    pub code: String,
    pub at: Timestamp,
    pub expires_at: Timestamp,
    /// As JSON.
    pub trace: String,
}

/// A page of the revocation feed: see [`Store::revocations`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revocation {
    pub position: i64,
    pub sign_in: SignInId,
}

#[async_trait]
pub trait Store:
    SelfService
    + telling::Telling
    + accounts::Accounts
    + browsers::Browsers
    + provisioning::Provisioning
    + glass::Glass
    + live::Live
    + SpareKeys
    + Papers
    + desk::Desk
    + requests::Requests
    + Send
    + Sync
{
    /// Fails unless the store can be read and written.
    async fn check(&self) -> Result<()>;
    /// Waits for what is under way and lets go: what was written is in the store's own file, and every later
    /// call fails.
    async fn close(&self);

    // People

    /// `false` if the user name is taken.
    async fn add_user(&self, user: &User) -> Result<bool>;
    /// Everything but the id, the user name and the time of creation. `false` if there is no such user.
    async fn update_user(&self, user: &User) -> Result<bool>;
    async fn user(&self, id: UserId) -> Result<Option<User>>;
    async fn user_by_name(&self, name: &Username) -> Result<Option<User>>;
    /// Everybody with this CPR number: one person may have several accounts.
    async fn users_by_cpr(&self, cpr: &CprHash) -> Result<Vec<User>>;
    /// All of them, by user name.
    async fn users(&self) -> Result<Vec<User>>;

    // Passwords and MitID

    /// The password as a PHC string.
    async fn password(&self, user: UserId) -> Result<Option<String>>;
    /// By somebody else than the person. Also spends their one-time codes, and forgets attempts and known browsers.
    async fn set_password(&self, user: UserId, phc: &str) -> Result<()>;
    /// The same password hashed anew: changes `old` to `new` if it is still `old`, and nothing else.
    async fn rehash_password(&self, user: UserId, old: &str, new: &str) -> Result<()>;
    /// Counts an attempt at the password of `name`, whether or not anybody has it, as wrong before it is
    /// looked at; on the counter of `device` if the person has logged in with that, else of all others.
    async fn begin_attempt(
        &self,
        name: &Username,
        device: Option<&TokenHash>,
        now: Timestamp,
    ) -> Result<std::result::Result<Begun, Lock>>;
    /// Takes back what [`Self::begin_attempt`] counted.
    async fn settle_attempt(
        &self,
        name: &Username,
        begun: &Begun,
        settled: Settled,
        now: Timestamp,
    ) -> Result<()>;
    /// Whether `name` has logged in with this browser since the password was set.
    async fn knows_device(&self, name: &Username, device: &TokenHash) -> Result<bool>;
    /// The person was proven otherwise: all counters begin anew. Whether any was locked.
    async fn reset_attempts(&self, user: UserId, now: Timestamp) -> Result<bool>;
    async fn user_by_mitid(&self, subject: &MitIdSubject) -> Result<Option<User>>;
    /// The subject bound to the person at that issuer.
    async fn mitid_subject(&self, user: UserId, issuer: &str) -> Result<Option<MitIdSubject>>;
    /// Binds the subject to the person, in place of another at the same issuer. `false` if it is somebody
    /// else's.
    async fn bind_mitid(&self, user: UserId, subject: &MitIdSubject, at: Timestamp) -> Result<bool>;

    // Keys and one-time codes

    /// With `code`, spends it in the same transaction; the code must be the person's and live at
    /// `registered_at`. `told` is the audit's record of it, written if the key is and not without it.
    async fn add_key(&self, key: &Key, code: Option<&TokenHash>, told: &AuditRecord) -> Result<KeyAdded>;
    /// The person's keys: the one they prefer first, then the oldest.
    async fn keys(&self, user: UserId) -> Result<Vec<Key>>;
    /// After an assertion: the credential with its new counter, when, and whether it is suspect. `false` if
    /// the key is gone, or its loan is over.
    async fn update_key(&self, key: &Key) -> Result<bool>;
    async fn rename_key(&self, user: UserId, credential: &CredentialId, name: &str) -> Result<bool>;
    /// `false` if the person has no such key. `told` is the audit's record of it, written if the key is gone
    /// and not without that.
    async fn delete_key(&self, user: UserId, credential: &CredentialId, told: &AuditRecord) -> Result<bool>;
    /// Replaces the person's earlier codes.
    async fn add_code(&self, user: UserId, code: &TokenHash, expires_at: Timestamp) -> Result<()>;
    /// Whether the code is the person's and live.
    async fn code_is_live(&self, user: UserId, code: &TokenHash, now: Timestamp) -> Result<bool>;

    // Ceremonies

    async fn put_ceremony(&self, ceremony: &CeremonyRecord) -> Result<()>;
    /// Reads and deletes in one step, so that of many who ask one gets it. `None` unless id, kind and
    /// browser all fit and it is live at `now`; then nothing is deleted.
    async fn take_ceremony(
        &self,
        id: &TokenHash,
        kind: &str,
        browser: &TokenHash,
        now: Timestamp,
    ) -> Result<Option<CeremonyRecord>>;

    // Sessions

    /// Writes the session and, where it is new, its signing in. With `replaces`, that token is dead from
    /// now on; `false`, and nothing written, if it was dead already or the signing in has been ended.
    async fn put_session(&self, session: &SessionRecord, replaces: Option<&TokenHash>) -> Result<bool>;
    /// The session and the person, unless the signing in was ended.
    async fn session(&self, token: &TokenHash) -> Result<Option<(SessionRecord, User)>>;
    /// Moves the `seen_at` of each forward, never back. However many, it is one write.
    async fn touch(&self, seen: &[(SignInId, Timestamp)]) -> Result<()>;
    /// Ends a signing in: its sessions are gone and the feed tells of it. `false` if it was gone.
    async fn end_sign_in(&self, sign_in: SignInId, at: Timestamp) -> Result<bool>;
    /// Ends all of a person's, but for `except`; answers which.
    async fn end_sign_ins(
        &self,
        user: UserId,
        except: Option<SignInId>,
        at: Timestamp,
    ) -> Result<Vec<SignInId>>;
    /// The revocation feed after `position`, oldest first; the first call passes `None` and hears only
    /// where the feed now stands (one entry at most, its last; if there is none, go on from `Some(0)`).
    async fn revocations(&self, after: Option<i64>) -> Result<Vec<Revocation>>;

    // Shared devices

    /// Makes the link that marks the device; a device of that name stays marked until the link is used.
    async fn invite_device(&self, name: &str, code: &TokenHash, expires_at: Timestamp) -> Result<()>;
    /// Spends the link: whoever holds `token` is on that device now, and nobody else.
    async fn mark_device(
        &self,
        code: &TokenHash,
        token: &TokenHash,
        now: Timestamp,
    ) -> Result<Option<Device>>;
    async fn device(&self, token: &TokenHash) -> Result<Option<Device>>;
    /// All of them, by name.
    async fn devices(&self) -> Result<Vec<Device>>;
    async fn remove_device(&self, name: &str) -> Result<bool>;
    /// Somebody sits down at the device; answers the signing in of whoever sat there before.
    async fn occupy_device(&self, token: &TokenHash, sign_in: SignInId) -> Result<Option<SignInId>>;

    // Traces

    /// Keeps them all; one with a code that is known takes its place.
    async fn put_traces(&self, traces: &[TraceRecord]) -> Result<()>;
    /// The trace of that code, if it is live at `now`.
    async fn trace(&self, code: &str, now: Timestamp) -> Result<Option<TraceRecord>>;

    // Audit and upkeep

    /// Puts the record at the end of the chain, whoever else appends.
    async fn append_audit(&self, record: &AuditRecord) -> Result<()>;
    async fn audit(&self, query: &AuditQuery) -> Result<Vec<AuditRow>>;
    /// Looks at every row, as all of them are at one moment. With `noted`, a row as it was seen before outside
    /// of the store, that it is still the same.
    async fn verify_audit(&self, noted: Option<Link>) -> Result<Verification>;
    /// Forgets the oldest rows from before `before`, some thousand a call; how many. What is left still follows
    /// from them.
    async fn forget_audit(&self, before: Timestamp) -> Result<u64>;
    /// Forgets expired ceremonies, codes, traces, glass, signings in, and revocations older than a day; so old attempts
    /// at names nobody has, and browsers unused for a year.
    async fn purge(&self, now: Timestamp) -> Result<()>;
}
