//! Registering a key that is to be nobody's own.

use uuid::Uuid;

use super::{BeginError, Registration, RelyingParty, Verification};
use crate::store::SpareKey;

impl RelyingParty {
    /// As [`RelyingParty::begin_registration`], under a user handle of the key's own; `label` is what
    /// authenticators may show. `existing` are all the spare keys there are.
    pub fn begin_spare_registration(
        &self,
        handle: Uuid,
        label: &str,
        existing: &[SpareKey],
    ) -> Result<(String, Registration), BeginError> {
        let exclude = existing.iter().map(|key| key.credential.0.clone()).collect();
        self.begin_for((handle, false), (label, label), exclude, Verification::Discouraged)
    }
}
