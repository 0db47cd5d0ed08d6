//! Verifying an assertion (WebAuthn L3, section 7.2, steps 5 to 23, in their order). Pure.

use uuid::Uuid;
use webauthn_rs_core::proto;

use super::authenticator_data::AuthenticatorData;
use super::public_key::PublicKey;
use super::response::{self, Expected};
use super::{Assertion, AssertionError, Refusal, RelyingParty, Verification, stored_credential};
use crate::authn::CredentialId;
use crate::store::Key;
use crate::user::UserId;

/// A security key as the store holds it, parsed: verifying by it costs little more than its signature.
pub struct Credential {
    user: UserId,
    /// What the authenticator may call its owner: a lent key was registered as nobody's.
    handle: Uuid,
    public_key: PublicKey,
    stored: proto::Credential,
}

/// What an assertion that was verified says.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
pub struct Verified {
    pub user_verified: bool,
    /// To be stored before the touch counts.
    pub sign_count: u32,
    pub backed_up: bool,
}

impl Credential {
    pub fn of(key: &Key) -> Result<Self, Refusal> {
        let stored = stored_credential(key)?;
        let public_key = PublicKey::of(&stored.cred).map_err(|_| Refusal::StoredKeyUnreadable)?;
        let handle = key.loan.map_or(key.user.0, |loan| loan.handle);
        Ok(Self { user: key.user, handle, public_key, stored })
    }

    /// Whether `signature` is the key's over `message`, and nothing else: what no verification is faster than.
    pub fn has_signed(&self, message: &[u8], signature: &[u8]) -> bool {
        self.public_key.verifies(message, signature)
    }

    /// As it is stored once that was verified: for [`Key::passkey`].
    pub(super) fn after(mut self, verified: Verified) -> Result<String, Refusal> {
        (self.stored.counter, self.stored.backup_state) = (verified.sign_count, verified.backed_up);
        serde_json::to_string(&self.stored).map_err(|_| Refusal::Unspecified)
    }
}

impl RelyingParty {
    /// From the bytes of a `PublicKeyCredential`'s JSON to the verdict, by a credential that is at hand.
    pub fn verify(
        &self,
        assertion: &Assertion,
        credential: &Credential,
        response: &[u8],
    ) -> Result<Verified, AssertionError> {
        let response = response::Assertion::parse(response)?;
        if *credential.stored.cred_id != response.id[..] {
            return Err(Refusal::UnknownCredential.into());
        }
        self.verify_parsed(assertion, credential, &response)
    }

    pub(super) fn verify_parsed(
        &self,
        assertion: &Assertion,
        credential: &Credential,
        response: &response::Assertion,
    ) -> Result<Verified, AssertionError> {
        let Assertion { user, challenge, offered, verification } = assertion;
        // 5 and 6: one of those we offered, and the person's own, whom the authenticator may name.
        if !offered.contains(&response.id) || credential.user.0 != *user {
            return Err(Refusal::UnknownCredential.into());
        }
        if response.user_handle.as_deref().is_some_and(|handle| handle != credential.handle.as_bytes()) {
            return Err(Refusal::WrongUser.into());
        }
        // 8 to 14
        Expected { ceremony: "webauthn.get", challenge, origin: &self.origin }
            .check(&response.client_data)?;
        let data = AuthenticatorData::parse(&response.authenticator_data)?;
        if data.attested.is_some() {
            return Err(Refusal::AuthenticatorDataMalformed.into());
        }
        // 15 to 19
        if *data.rp_id_hash != self.rp_id_hash {
            return Err(Refusal::WrongRelyingParty.into());
        }
        if !data.user_present {
            return Err(Refusal::UserNotPresent.into());
        }
        if *verification == Verification::Required && !data.user_verified {
            return Err(Refusal::UserNotVerified.into());
        }
        if data.backed_up && !data.backup_eligible
            || data.backup_eligible != credential.stored.backup_eligible
        {
            return Err(Refusal::BackupInconsistent.into());
        }
        // 20: of extensions we ask for none, and what one says has no say.
        // 21 and 22
        let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &response.client_data);
        let mut signed = Vec::with_capacity(response.authenticator_data.len() + 32);
        signed.extend_from_slice(&response.authenticator_data);
        signed.extend_from_slice(hash.as_ref());
        if !credential.public_key.verifies(&signed, &response.signature) {
            return Err(Refusal::SignatureInvalid.into());
        }
        // 23: zero, always, is a key that does not count.
        let before = credential.stored.counter;
        if (data.sign_count > 0 || before > 0) && data.sign_count <= before {
            return Err(AssertionError::CounterRegressed { credential: CredentialId(response.id.clone()) });
        }
        Ok(Verified {
            user_verified: data.user_verified,
            sign_count: data.sign_count,
            backed_up: data.backed_up,
        })
    }
}
