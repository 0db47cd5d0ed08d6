//! What we remember of a request while the person is at the broker.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::authn::MitIdLevel;
use crate::random::{self, Random};
use crate::time::Timestamp;

/// A request under way. Serialisable because it waits on the server's side, bound to the browser that began
/// it; it must never reach that browser, and be taken once.
#[derive(Serialize, Deserialize)]
pub struct Pending {
    pub(super) state: String,
    pub(super) nonce: String,
    /// PKCE's (RFC 7636).
    pub(super) verifier: String,
    #[serde(with = "level")]
    pub(super) level: MitIdLevel,
    #[serde(with = "millis")]
    pub(super) begun_at: Timestamp,
}

impl Pending {
    pub(super) fn begin(level: MitIdLevel, now: Timestamp, random: &dyn Random) -> Self {
        Self {
            state: random::nonce(random),
            nonce: random::nonce(random),
            verifier: random::nonce(random),
            level,
            begun_at: now,
        }
    }

    /// The level asked for.
    pub const fn level(&self) -> MitIdLevel {
        self.level
    }
}

impl fmt::Debug for Pending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pending")
            .field("level", &self.level)
            .field("begun_at", &self.begun_at)
            .finish_non_exhaustive()
    }
}

mod level {
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    use crate::authn::MitIdLevel;

    pub fn serialize<S: Serializer>(level: &MitIdLevel, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(level.name())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<MitIdLevel, D::Error> {
        let name = String::deserialize(deserializer)?;
        MitIdLevel::parse(&name).ok_or_else(|| D::Error::custom("no level of assurance"))
    }
}

mod millis {
    use serde::{Deserialize as _, Deserializer, Serializer};

    use crate::time::Timestamp;

    pub fn serialize<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(at.as_millis())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        i64::deserialize(deserializer).map(Timestamp::from_millis)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SeededRandom;

    #[test]
    fn it_survives_the_store_and_tells_nothing_in_logs() {
        let pending = Pending::begin(MitIdLevel::High, Timestamp::from_millis(1_234), &SeededRandom::new(1));
        let stored = serde_json::to_string(&pending).unwrap();
        let back: Pending = serde_json::from_str(&stored).unwrap();
        assert_eq!(serde_json::to_string(&back).unwrap(), stored);
        assert_eq!((back.level, back.begun_at), (MitIdLevel::High, Timestamp::from_millis(1_234)));
        let shown = format!("{pending:?}");
        for secret in [&pending.state, &pending.nonce, &pending.verifier] {
            assert!(!shown.contains(secret.as_str()));
        }
    }

    #[test]
    fn state_nonce_and_verifier_are_three_different_things() {
        let pending = Pending::begin(MitIdLevel::Low, Timestamp::EPOCH, &SeededRandom::new(1));
        assert_ne!(pending.state, pending.nonce);
        assert_ne!(pending.nonce, pending.verifier);
        assert_ne!(pending.state, pending.verifier);
        // RFC 7636, section 4.1: at least 43 characters.
        assert_eq!(pending.verifier.len(), 43);
    }
}
