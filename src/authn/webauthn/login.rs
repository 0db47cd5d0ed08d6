//! Logging in by a key alone: its touch and its PIN (or finger) stand for both factors, so the PIN is always
//! asked for.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use webauthn_rs_core::proto;

use super::{Assertion, BeginError, Refusal, RelyingParty, Verification, response};
use crate::authn::CredentialId;
use crate::user::UserId;

/// A login by key begun: what its response will be held to.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Login {
    challenge: String,
    asked: Asked,
}

/// Whose key is asked for.
#[derive(Clone, Debug, Serialize, Deserialize)]
enum Asked {
    /// Whoever has the name that was typed; with nobody's id, and credentials that nobody has, if nobody does.
    Person { user: Uuid, offered: Vec<Vec<u8>> },
    /// Whoever the key says it belongs to.
    Anybody,
}

impl RelyingParty {
    /// Begins a login with one of these credentials of `user`: the options as JSON, and the state to keep. The
    /// options have one form, whether there is such a person and such a key or not.
    pub fn begin_login(
        &self,
        user: UserId,
        credentials: &[CredentialId],
    ) -> Result<(String, Login), BeginError> {
        if credentials.is_empty() {
            return Err(BeginError::NoKeys);
        }
        let offered: Vec<Vec<u8>> = credentials.iter().map(|credential| credential.0.clone()).collect();
        self.begin_with(Asked::Person { user: user.0, offered })
    }

    /// Begins a login with whatever key there is, which then says whose it is (a discoverable credential, WebAuthn
    /// L3, section 6.2.2).
    pub fn begin_discoverable_login(&self) -> Result<(String, Login), BeginError> {
        self.begin_with(Asked::Anybody)
    }

    fn begin_with(&self, asked: Asked) -> Result<(String, Login), BeginError> {
        let builder = self
            .core
            .new_challenge_authenticate_builder(Vec::new(), Some(Verification::Required.into()))?
            .hints(Some(vec![proto::PublicKeyCredentialHints::SecurityKey]));
        let (mut options, _) = self.core.generate_challenge_authenticate(builder)?;
        if let Asked::Person { offered, .. } = &asked {
            let descriptor = |id: &Vec<u8>| proto::AllowCredentials {
                type_: "public-key".to_owned(),
                id: id.clone(),
                transports: None,
            };
            options.public_key.allow_credentials = offered.iter().map(descriptor).collect();
        }
        let challenge = URL_SAFE_NO_PAD.encode(&options.public_key.challenge);
        Ok((serde_json::to_string(&options)?, Login { challenge, asked }))
    }
}

impl Login {
    /// The assertion that `response` claims to be, to be finished with the keys of its user (WebAuthn L3, section
    /// 7.2, step 6). Nothing is verified yet: that it is that person's key is the assertion's to find out.
    pub fn claimed(self, response: &[u8]) -> Result<Assertion, Refusal> {
        let Self { challenge, asked } = self;
        let (user, offered) = match asked {
            Asked::Person { user, offered } => (user, offered),
            Asked::Anybody => {
                let response = response::Assertion::parse(response)?;
                let handle = response.user_handle.ok_or(Refusal::UserHandleMissing)?;
                let owner = Uuid::from_slice(&handle).map_err(|_| Refusal::WrongUser)?;
                (owner, vec![response.id])
            }
        };
        Ok(Assertion { user, challenge, offered, verification: Verification::Required })
    }
}
