//! Why a response is refused. The page says the same for all of them; the code goes to the audit.

use webauthn_rs_core::error::WebauthnError;

use crate::authn::CredentialId;

/// What was wrong with a response to a ceremony.
#[derive(Copy, Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{}", self.code())]
pub enum Refusal {
    ResponseTooLarge,
    ResponseMalformed,
    NotAPublicKey,
    IdNotRawId,
    ClientDataMalformed,
    WrongCeremony,
    WrongChallenge,
    WrongOrigin,
    CrossOrigin,
    TokenBinding,
    AttestationMalformed,
    AttestationFormat,
    AttestationInvalid,
    AuthenticatorDataMalformed,
    WrongRelyingParty,
    UserNotPresent,
    UserNotVerified,
    BackupInconsistent,
    WrongUser,
    UserHandleMissing,
    CredentialIdMismatch,
    AlgorithmNotOffered,
    PublicKeyInvalid,
    AlreadyRegistered,
    UnknownCredential,
    StoredKeyUnreadable,
    SignatureInvalid,
    Unspecified,
}

impl Refusal {
    pub const fn code(self) -> &'static str {
        match self {
            Self::ResponseTooLarge => "response-too-large",
            Self::ResponseMalformed => "response-malformed",
            Self::NotAPublicKey => "not-a-public-key",
            Self::IdNotRawId => "id-not-raw-id",
            Self::ClientDataMalformed => "client-data-malformed",
            Self::WrongCeremony => "wrong-ceremony",
            Self::WrongChallenge => "wrong-challenge",
            Self::WrongOrigin => "wrong-origin",
            Self::CrossOrigin => "cross-origin",
            Self::TokenBinding => "token-binding",
            Self::AttestationMalformed => "attestation-malformed",
            Self::AttestationFormat => "attestation-format",
            Self::AttestationInvalid => "attestation-invalid",
            Self::AuthenticatorDataMalformed => "authenticator-data-malformed",
            Self::WrongRelyingParty => "wrong-relying-party",
            Self::UserNotPresent => "user-not-present",
            Self::UserNotVerified => "user-not-verified",
            Self::BackupInconsistent => "backup-inconsistent",
            Self::WrongUser => "wrong-user",
            Self::UserHandleMissing => "user-handle-missing",
            Self::CredentialIdMismatch => "credential-id-mismatch",
            Self::AlgorithmNotOffered => "algorithm-not-offered",
            Self::PublicKeyInvalid => "public-key-invalid",
            Self::AlreadyRegistered => "already-registered",
            Self::UnknownCredential => "unknown-credential",
            Self::StoredKeyUnreadable => "stored-key-unreadable",
            Self::SignatureInvalid => "signature-invalid",
            Self::Unspecified => "unspecified",
        }
    }
}

/// What webauthn-rs found. Whatever we have no name for is refused all the same.
impl From<WebauthnError> for Refusal {
    fn from(error: WebauthnError) -> Self {
        use WebauthnError as E;
        match error {
            E::InvalidRPIDHash => Self::WrongRelyingParty,
            E::UserNotPresent => Self::UserNotPresent,
            E::UserNotVerified => Self::UserNotVerified,
            E::CredentialMayNotBeHardwareBound | E::CredentialBackupEligibilityInconsistent => {
                Self::BackupInconsistent
            }
            // Its name for a credential of the exclude list; the algorithm has been looked at before.
            E::CredentialAlteredAlgFromRequest => Self::AlreadyRegistered,
            E::EcdsaPointInvalid
            | E::RsaParametersInvalid
            | E::COSEKeyInvalidCBORValue
            | E::COSEKeyECDSAXYInvalid
            | E::COSEKeyRSANEInvalid => Self::PublicKeyInvalid,
            E::AttestationStatementAlgMissing
            | E::AttestationStatementAlgInvalid
            | E::AttestationStatementAlgMismatch
            | E::AttestationStatementMapInvalid
            | E::AttestationStatementSigInvalid
            | E::AttestationStatementSigMissing
            | E::AttestationStatementX5CInvalid
            | E::AttestationCertificateRequirementsNotMet
            | E::X509DerInvalid => Self::AttestationInvalid,
            E::AuthenticationFailure | E::SignatureInvalid => Self::SignatureInvalid,
            E::CredentialNotFound => Self::UnknownCredential,
            _ => Self::Unspecified,
        }
    }
}

/// Why an assertion proves nothing.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum AssertionError {
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The signature is the key's own, but its sign count did not go up: the key may have been copied
    /// (WebAuthn L3, section 6.1.1). Mark it suspect.
    #[error("sign-count-regressed")]
    CounterRegressed { credential: CredentialId },
}

impl AssertionError {
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Refused(refusal) => refusal.code(),
            Self::CounterRegressed { .. } => "sign-count-regressed",
        }
    }
}
