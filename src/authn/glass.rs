//! Break-glass, *nødadgang*: what a person has who said why and touched a key. Pure.

use uuid::Uuid;

use crate::time::Timestamp;

/// Glass that somebody broke at one host, to be let in by a rule that is not for them.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct BrokenGlass {
    /// Names it in the audit.
    pub id: Uuid,
    /// The app, and which of its rules.
    pub app: String,
    pub rule: String,
    pub broken_at: Timestamp,
    /// It counts until then, and no longer.
    pub until: Timestamp,
}
