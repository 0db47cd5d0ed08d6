//! Security keys: registration and authentication ceremonies (WebAuthn Level 3, section 7).
//!
//! [`response`], [`authenticator_data`], [`json`] and [`cbor`] read strictly, and refuse a frame of another
//! site, an origin spelt differently, anything left over. [`verify`] verifies assertions; registrations,
//! webauthn-rs.
//!
//! The states ([`Registration`], [`Assertion`]) wait on the server, for one browser and a few minutes, and
//! are taken once: see [`crate::authn::ceremony`]. Nothing here remembers which challenges were answered.

mod authenticator_data;
mod cbor;
mod decoy;
mod json;
mod login;
mod public_key;
mod refusal;
mod response;
mod spare;
#[cfg(test)]
mod tests;
mod verify;

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use url::{Host, Url};
use uuid::Uuid;
use webauthn_rs_core::WebauthnCore;
use webauthn_rs_core::error::WebauthnError;
use webauthn_rs_core::proto;

pub use self::decoy::decoys;
pub use self::login::Login;
pub use self::refusal::{AssertionError, Refusal};
pub use self::response::MAX_RESPONSE;
pub use self::verify::{Credential, Verified};

use self::authenticator_data::{AuthenticatorData, open_attestation};
use self::response::Expected;
use crate::authn::{CredentialId, KeyEvidence};
use crate::store::Key;
use crate::time::Timestamp;
use crate::user::{User, UserId};

/// How long a browser waits for the person's touch.
const TIMEOUT: Duration = Duration::from_secs(5 * 60);

/// What we offer to register, the preferred first. (webauthn-rs registers no Ed25519.)
const OFFERED: [proto::COSEAlgorithm; 2] = [proto::COSEAlgorithm::ES256, proto::COSEAlgorithm::RS256];

/// The gateway as authenticators know it: an RP ID, and the one origin whose pages run ceremonies.
pub struct RelyingParty {
    core: WebauthnCore,
    origin: String,
    rp_id_hash: [u8; 32],
    discoverable: bool,
}

/// Why a relying party cannot be what the configuration says.
#[derive(Debug, Eq, PartialEq, thiserror::Error)]
pub enum InvalidRelyingParty {
    #[error("`{0}` is no origin: write scheme, host and port only, such as `https://login.example.dk`")]
    NotAnOrigin(Url),
    #[error("browsers offer security keys over https alone: `{0}` must be https, or a `localhost` name")]
    NotSecure(Url),
    #[error("the RP ID `{id}` must be the host of `{origin}`, or a domain above it")]
    ForeignId { id: String, origin: Url },
}

/// Whether the authenticator shall check a PIN or a fingerprint, besides the touch.
#[derive(Copy, Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub enum Verification {
    /// A touch is enough: keys ask for no PIN, though some cannot be kept from it.
    Discouraged,
    /// Keys that have a PIN ask for it.
    Preferred,
    /// Without it the response is refused.
    Required,
}

/// The algorithm of a credential's key pair.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
pub enum Algorithm {
    Es256,
    Es384,
    EdDsa,
    Rs256,
}

impl Algorithm {
    pub const ALL: [Self; 4] = [Self::Es256, Self::Es384, Self::EdDsa, Self::Rs256];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Es256 => "es256",
            Self::Es384 => "es384",
            Self::EdDsa => "eddsa",
            Self::Rs256 => "rs256",
        }
    }
}

/// A registration begun: what its response will be held to.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Registration {
    user: Uuid,
    verification: Verification,
    challenge: String,
    state: proto::RegistrationState,
}

/// What a registration came to. Nobody's yet: credential ids are unique, and the store sees to that.
#[derive(Clone, Debug)]
pub struct NewCredential {
    pub credential: CredentialId,
    /// For [`Key::passkey`].
    pub passkey: String,
    pub user_verified: bool,
    /// It may be copied to other devices: a synchronised passkey, not a thing one holds.
    pub backup_eligible: bool,
    pub algorithm: Algorithm,
}

/// An authentication begun: what its response will be held to.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Assertion {
    user: Uuid,
    challenge: String,
    /// The credential ids of `allowCredentials`.
    offered: Vec<Vec<u8>>,
    verification: Verification,
}

/// What an authentication came to.
#[derive(Clone, Debug)]
pub struct Asserted {
    pub evidence: KeyEvidence,
    /// The key with its new sign count: store it before the evidence is used.
    pub key: Key,
}

/// Why a ceremony cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum BeginError {
    /// A browser would take an empty list for "any key at all".
    #[error("the person has no security key")]
    NoKeys,
    #[error("a stored security key cannot be read")]
    StoredKeyUnreadable,
    #[error("webauthn-rs begins no ceremony: {0}")]
    Library(#[from] WebauthnError),
    #[error("a ceremony's options cannot be written: {0}")]
    Unwritable(#[from] serde_json::Error),
}

impl RelyingParty {
    /// `name` is what browsers may show.
    pub fn new(rp_id: &str, origin: &Url, name: &str) -> Result<Self, InvalidRelyingParty> {
        let Some(Host::Domain(host)) = origin.host() else {
            return Err(InvalidRelyingParty::NotAnOrigin(origin.clone()));
        };
        let serialised = origin.origin().ascii_serialization();
        // An origin's URL is its serialisation and the root path: no user, path, query or fragment.
        if origin.as_str().strip_suffix('/') != Some(&serialised) || host.ends_with('.') {
            return Err(InvalidRelyingParty::NotAnOrigin(origin.clone()));
        }
        let local = host == "localhost" || host.ends_with(".localhost");
        if origin.scheme() != "https" && !(origin.scheme() == "http" && local) {
            return Err(InvalidRelyingParty::NotSecure(origin.clone()));
        }
        let above = host.strip_suffix(rp_id).is_some_and(|left| left.ends_with('.')) && rp_id.contains('.');
        if host != rp_id && !above {
            return Err(InvalidRelyingParty::ForeignId { id: rp_id.to_owned(), origin: origin.clone() });
        }
        // The name is of webauthn-rs's making. What its warning asks us to see to, this module does.
        let core = WebauthnCore::new_unsafe_experts_only(
            name,
            rp_id,
            vec![origin.clone()],
            TIMEOUT,
            Some(false),
            Some(false),
        );
        let rp_id_hash = Sha256::digest(rp_id.as_bytes()).into();
        Ok(Self { core, origin: serialised, rp_id_hash, discoverable: false })
    }

    /// The same, whose new keys are asked to say by themselves whose they are, if they can.
    #[must_use]
    pub fn with_discoverable(self, discoverable: bool) -> Self {
        Self { discoverable, ..self }
    }

    /// Whether a key may say by itself whose it is.
    pub const fn is_discoverable(&self) -> bool {
        self.discoverable
    }

    /// Begins the registration of another key: what the page hands to `navigator.credentials.create`, as
    /// JSON, and the state to keep. `existing` are all keys the person has.
    pub fn begin_registration(
        &self,
        user: &User,
        existing: &[Key],
        verification: Verification,
    ) -> Result<(String, Registration), BeginError> {
        let username = user.username.as_str();
        let shown = if user.name.is_empty() { username } else { &user.name };
        let exclude = existing.iter().map(|key| key.credential.0.clone()).collect();
        self.begin_for((user.id.0, self.discoverable), (username, shown), exclude, verification)
    }

    /// `handle` is what authenticators know the key's owner by, under these names; a resident key tells it by itself.
    fn begin_for(
        &self,
        (handle, resident): (Uuid, bool),
        (username, shown): (&str, &str),
        exclude: Vec<Vec<u8>>,
        verification: Verification,
    ) -> Result<(String, Registration), BeginError> {
        let builder = self
            .core
            .new_challenge_register_builder(handle.as_bytes(), username, shown)?
            .attestation(proto::AttestationConveyancePreference::None)
            .credential_algorithms(OFFERED.to_vec())
            .require_resident_key(false)
            .authenticator_attachment(Some(proto::AuthenticatorAttachment::CrossPlatform))
            .hints(Some(vec![proto::PublicKeyCredentialHints::SecurityKey]))
            .exclude_credentials(Some(exclude))
            // The library would hold a key for ever to what it was registered with. Whether a PIN is
            // needed is the policy's to say, each time: it is checked below, and at every assertion.
            .user_verification_policy(proto::UserVerificationPolicy::Discouraged_DO_NOT_USE);
        let (mut options, state) = self.core.generate_challenge_register(builder)?;
        if let Some(selection) = &mut options.public_key.authenticator_selection {
            selection.user_verification = verification.into();
            if resident {
                selection.resident_key = Some(proto::ResidentKeyRequirement::Preferred);
            }
        }
        let challenge = URL_SAFE_NO_PAD.encode(&options.public_key.challenge);
        let registration = Registration { user: handle, verification, challenge, state };
        Ok((serde_json::to_string(&options)?, registration))
    }

    /// Verifies the response to a registration (WebAuthn L3, section 7.1): the JSON of a
    /// `PublicKeyCredential`. `user` is who answers: it must be who began.
    pub fn finish_registration(
        &self,
        registration: Registration,
        user: UserId,
        response: &[u8],
    ) -> Result<NewCredential, Refusal> {
        let Registration { user: began, verification, challenge, state } = registration;
        if user.0 != began {
            return Err(Refusal::WrongUser);
        }
        let response = response::Attestation::parse(response)?;
        Expected { ceremony: "webauthn.create", challenge: &challenge, origin: &self.origin }
            .check(&response.client_data)?;
        let data = AuthenticatorData::parse(open_attestation(&response.attestation_object)?)?;
        let attested = data.attested.ok_or(Refusal::AuthenticatorDataMalformed)?;
        if attested.credential != response.id {
            return Err(Refusal::CredentialIdMismatch);
        }
        let algorithm = attested.algorithm.ok_or(Refusal::AlgorithmNotOffered)?;
        if verification == Verification::Required && !data.user_verified {
            return Err(Refusal::UserNotVerified);
        }
        let (user_verified, backup_eligible) = (data.user_verified, data.backup_eligible);
        let credential = self.core.register_credential(&response.into(), &state, None)?;
        let passkey = serde_json::to_string(&credential).map_err(|_| Refusal::Unspecified)?;
        let credential = CredentialId(credential.cred_id);
        Ok(NewCredential { credential, passkey, user_verified, backup_eligible, algorithm })
    }

    /// Begins an authentication with one of `keys`: what the page hands to `navigator.credentials.get`, as
    /// JSON, and the state to keep.
    pub fn begin_assertion(
        &self,
        user: UserId,
        keys: &[Key],
        verification: Verification,
    ) -> Result<(String, Assertion), BeginError> {
        if keys.is_empty() {
            return Err(BeginError::NoKeys);
        }
        let credentials: Result<Vec<_>, _> = keys.iter().map(stored_credential).collect();
        let credentials = credentials.map_err(|_| BeginError::StoredKeyUnreadable)?;
        let builder = self
            .core
            .new_challenge_authenticate_builder(credentials, Some(verification.into()))?
            .hints(Some(vec![proto::PublicKeyCredentialHints::SecurityKey]));
        // The library's state holds copies of the keys. The response is verified by ours, against the key as
        // the store holds it then.
        let (options, _) = self.core.generate_challenge_authenticate(builder)?;
        let challenge = URL_SAFE_NO_PAD.encode(&options.public_key.challenge);
        let offered = keys.iter().map(|key| key.credential.0.clone()).collect();
        Ok((serde_json::to_string(&options)?, Assertion { user: user.0, challenge, offered, verification }))
    }

    /// Verifies the response to an authentication (WebAuthn L3, section 7.2): the JSON of a
    /// `PublicKeyCredential`. `keys` are those of the person who answers, as the store holds them now: a
    /// key deleted meanwhile, or another person's, proves nothing.
    pub fn finish_assertion(
        &self,
        assertion: Assertion,
        keys: &[Key],
        response: &[u8],
        now: Timestamp,
    ) -> Result<Asserted, AssertionError> {
        let response = response::Assertion::parse(response)?;
        let lent = |key: &Key| key.loan.is_none_or(|loan| now < loan.until);
        let known = |key: &&Key| key.user.0 == assertion.user && key.credential.0 == response.id && lent(key);
        let key = keys.iter().find(known).ok_or(Refusal::UnknownCredential)?;
        let credential = Credential::of(key)?;
        let verified = self.verify_parsed(&assertion, &credential, &response)?;
        let passkey = credential.after(verified)?;
        let (credential, user_verified) = (key.credential.clone(), verified.user_verified);
        let until = key.loan.map(|loan| loan.until);
        Ok(Asserted {
            evidence: KeyEvidence { at: now, credential, user_verified, until },
            key: Key { passkey, used_at: Some(now), ..key.clone() },
        })
    }
}

fn stored_credential(key: &Key) -> Result<proto::Credential, Refusal> {
    serde_json::from_str(&key.passkey).map_err(|_| Refusal::StoredKeyUnreadable)
}

impl Registration {
    pub const fn user(&self) -> UserId {
        UserId(self.user)
    }
}

impl Assertion {
    pub const fn user(&self) -> UserId {
        UserId(self.user)
    }
}

impl From<Verification> for proto::UserVerificationPolicy {
    fn from(verification: Verification) -> Self {
        match verification {
            Verification::Discouraged => Self::Discouraged_DO_NOT_USE,
            Verification::Preferred => Self::Preferred,
            Verification::Required => Self::Required,
        }
    }
}

/// What the library is shown has been read already, and holds nothing unsigned but the credential's id.
impl From<response::Attestation> for proto::RegisterPublicKeyCredential {
    fn from(response: response::Attestation) -> Self {
        Self {
            id: String::new(),
            raw_id: response.id,
            response: proto::AuthenticatorAttestationResponseRaw {
                attestation_object: response.attestation_object,
                client_data_json: response.client_data,
                transports: None,
            },
            type_: String::new(),
            extensions: Default::default(),
        }
    }
}
