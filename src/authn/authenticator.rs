//! A security key made of software, and the browser in front of it: for tests, and for measuring how many
//! assertions a machine verifies. It protects nothing.
//!
//! A ceremony goes in two steps, so that what is said can be changed between them: a draft, every part of
//! it open, and then its response.

mod private_key;

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use webauthn_rs_core::proto;

use self::private_key::PrivateKey;
use crate::authn::CredentialId;
use crate::authn::webauthn::Algorithm;
use crate::random::{self, Random};

/// The flags of authenticator data (WebAuthn L3, section 6.1).
pub mod flag {
    pub const USER_PRESENT: u8 = 1;
    pub const USER_VERIFIED: u8 = 1 << 2;
    pub const BACKUP_ELIGIBLE: u8 = 1 << 3;
    pub const BACKED_UP: u8 = 1 << 4;
    pub const ATTESTED: u8 = 1 << 6;
    pub const EXTENSIONS: u8 = 1 << 7;
}

/// A security key, and how it behaves from now on.
pub struct SoftwareAuthenticator<'r> {
    random: &'r dyn Random,
    keys: HashMap<Vec<u8>, PrivateKey>,
    /// Whose each is, as the options of its registration said.
    owners: HashMap<Vec<u8>, Vec<u8>>,
    pub algorithm: Algorithm,
    /// `USER_PRESENT` and whatever else it claims.
    pub flags: u8,
    /// What it counts up before it signs; `None` if it keeps no count and always says zero.
    pub sign_count: Option<u32>,
}

/// The authenticator, or its browser, would not go along.
#[derive(Copy, Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Declined {
    #[error("these are no options of a ceremony")]
    NotOptions,
    #[error("the options do not offer the key's algorithm")]
    Algorithm,
    #[error("the key holds a credential of the exclude list")]
    Excluded,
    #[error("the key holds none of the allowed credentials")]
    NotAllowed,
}

/// What a registration is about to say.
#[derive(Clone, Debug)]
pub struct AttestationDraft {
    pub id: Vec<u8>,
    /// JSON.
    pub client_data: Vec<u8>,
    pub authenticator_data: Vec<u8>,
    pub format: String,
    /// CBOR.
    pub statement: Vec<u8>,
}

/// What an authentication is about to say and sign.
#[derive(Clone, Debug)]
pub struct AssertionDraft {
    pub id: Vec<u8>,
    /// JSON.
    pub client_data: Vec<u8>,
    pub authenticator_data: Vec<u8>,
    /// Whose key it says it is, where nobody has named one.
    pub user_handle: Option<Vec<u8>>,
}

impl<'r> SoftwareAuthenticator<'r> {
    /// A key of ES256 whose touch suffices, and which counts.
    pub fn new(random: &'r dyn Random) -> Self {
        let (keys, owners) = Default::default();
        let (algorithm, flags) = (Algorithm::Es256, flag::USER_PRESENT);
        Self { random, keys, owners, algorithm, flags, sign_count: Some(0) }
    }

    /// Answers the options of a registration, on a page of `origin`, with the response as JSON.
    pub fn register(&mut self, options: &str, origin: &str) -> Result<String, Declined> {
        Ok(self.draft_registration(options, origin)?.response().to_string())
    }

    /// Answers the options of an authentication, on a page of `origin`, with the response as JSON.
    pub fn assert(&mut self, options: &str, origin: &str) -> Result<String, Declined> {
        let draft = self.draft_assertion(options, origin)?;
        self.sign(&draft).map(|response| response.to_string())
    }

    /// Makes a key pair.
    pub fn draft_registration(&mut self, options: &str, origin: &str) -> Result<AttestationDraft, Declined> {
        let options: Options<CreationOptions> = parse(options)?;
        let options = options.public_key;
        if !options.pub_key_cred_params.iter().any(|offer| offer.alg == self.algorithm.cose()) {
            return Err(Declined::Algorithm);
        }
        if options.exclude_credentials.iter().any(|excluded| self.keys.contains_key(&excluded.id.0)) {
            return Err(Declined::Excluded);
        }
        let id = random::bytes::<32>(self.random).to_vec();
        let key = PrivateKey::generate(self.algorithm, self.random);
        let mut authenticator_data = self.authenticator_data(&options.rp.id, flag::ATTESTED);
        authenticator_data.extend([0; 16]);
        authenticator_data.extend([0, 32]);
        authenticator_data.extend(&id);
        authenticator_data.extend(key.cose());
        self.keys.insert(id.clone(), key);
        self.owners.insert(id.clone(), options.user.id.0);
        Ok(AttestationDraft {
            id,
            client_data: client_data("webauthn.create", &options.challenge, origin),
            authenticator_data,
            format: "none".to_owned(),
            statement: vec![0xa0],
        })
    }

    /// Makes a key pair without any ceremony, and answers what is stored of it: its id, and the passkey. For
    /// measuring algorithms that webauthn-rs registers no keys of.
    pub fn make_credential(&mut self) -> (CredentialId, String) {
        let id = random::bytes::<32>(self.random).to_vec();
        let key = PrivateKey::generate(self.algorithm, self.random);
        let passkey = proto::Credential {
            cred_id: id.clone(),
            cred: key.public(),
            counter: self.sign_count.unwrap_or(0),
            transports: None,
            user_verified: self.flags & flag::USER_VERIFIED != 0,
            backup_eligible: self.flags & flag::BACKUP_ELIGIBLE != 0,
            backup_state: self.flags & flag::BACKED_UP != 0,
            registration_policy: proto::UserVerificationPolicy::Discouraged_DO_NOT_USE,
            extensions: proto::RegisteredExtensions::none(),
            attestation: proto::ParsedAttestation::default(),
            attestation_format: proto::AttestationFormat::None,
        };
        let passkey = serde_json::to_string(&passkey).expect("a credential of ours is written");
        self.keys.insert(id.clone(), key);
        (CredentialId(id), passkey)
    }

    /// Takes the first allowed credential that it holds; where any is, one that it was registered with, and says
    /// whose.
    pub fn draft_assertion(&mut self, options: &str, origin: &str) -> Result<AssertionDraft, Declined> {
        let options: Options<RequestOptions> = parse(options)?;
        let options = options.public_key;
        let discovers = options.allow_credentials.is_empty();
        let mut allowed = options.allow_credentials.into_iter().map(|allowed| allowed.id.0);
        let id = match discovers {
            true => self.owners.keys().min().cloned(),
            false => allowed.find(|id| self.keys.contains_key(id)),
        };
        let id = id.ok_or(Declined::NotAllowed)?;
        Ok(AssertionDraft {
            user_handle: self.owners.get(&id).filter(|_| discovers).cloned(),
            id,
            client_data: client_data("webauthn.get", &options.challenge, origin),
            authenticator_data: self.authenticator_data(&options.rp_id, 0),
        })
    }

    /// Signs the draft, whatever it says, and answers the response.
    pub fn sign(&self, draft: &AssertionDraft) -> Result<Value, Declined> {
        self.sign_bytes(draft).map(|signature| draft.response(&signature))
    }

    /// The signature alone.
    pub fn sign_bytes(&self, draft: &AssertionDraft) -> Result<Vec<u8>, Declined> {
        self.sign_with(&draft.id, &draft.signed())
    }

    /// A signature over anything, for attestation statements.
    pub fn sign_with(&self, id: &[u8], message: &[u8]) -> Result<Vec<u8>, Declined> {
        self.keys.get(id).map(|key| key.sign(message)).ok_or(Declined::NotAllowed)
    }

    fn authenticator_data(&mut self, rp_id: &str, flags: u8) -> Vec<u8> {
        if let Some(count) = &mut self.sign_count {
            *count = count.wrapping_add(1);
        }
        let mut data = Sha256::digest(rp_id.as_bytes()).to_vec();
        data.push(self.flags | flags);
        data.extend(self.sign_count.unwrap_or(0).to_be_bytes());
        data
    }
}

impl AssertionDraft {
    /// What the signature is over (WebAuthn L3, section 6.3.3).
    pub fn signed(&self) -> Vec<u8> {
        [&self.authenticator_data[..], &Sha256::digest(&self.client_data)].concat()
    }

    /// As `PublicKeyCredential.toJSON()` of a browser writes it.
    pub fn response(&self, signature: &[u8]) -> Value {
        let response = json!({
            "clientDataJSON": URL_SAFE_NO_PAD.encode(&self.client_data),
            "authenticatorData": URL_SAFE_NO_PAD.encode(&self.authenticator_data),
            "signature": URL_SAFE_NO_PAD.encode(signature),
            "userHandle": self.user_handle.as_ref().map(|handle| URL_SAFE_NO_PAD.encode(handle)),
        });
        public_key_credential(&self.id, response)
    }
}

impl AttestationDraft {
    /// As `PublicKeyCredential.toJSON()` of a browser writes it.
    pub fn response(&self) -> Value {
        let object = [
            &[0xa3][..],
            &cbor::text("fmt"),
            &cbor::text(&self.format),
            &cbor::text("attStmt"),
            &self.statement,
            &cbor::text("authData"),
            &cbor::bytes(&self.authenticator_data),
        ];
        let response = json!({
            "clientDataJSON": URL_SAFE_NO_PAD.encode(&self.client_data),
            "attestationObject": URL_SAFE_NO_PAD.encode(object.concat()),
            "transports": ["usb", "nfc", "smart-card"],
        });
        public_key_credential(&self.id, response)
    }
}

/// In the order and spelling all browsers share (WebAuthn L3, section 5.8.1.1).
fn client_data(ceremony: &str, challenge: &str, origin: &str) -> Vec<u8> {
    format!(r#"{{"type":"{ceremony}","challenge":"{challenge}","origin":"{origin}","crossOrigin":false}}"#)
        .into_bytes()
}

fn public_key_credential(id: &[u8], response: Value) -> Value {
    let id = URL_SAFE_NO_PAD.encode(id);
    json!({
        "id": id,
        "rawId": id,
        "type": "public-key",
        "authenticatorAttachment": "cross-platform",
        "clientExtensionResults": {},
        "response": response,
    })
}

fn parse<'a, T: Deserialize<'a>>(options: &'a str) -> Result<T, Declined> {
    serde_json::from_str(options).map_err(|_| Declined::NotOptions)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Options<T> {
    public_key: T,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CreationOptions {
    rp: Rp,
    user: Descriptor,
    challenge: String,
    pub_key_cred_params: Vec<Offer>,
    #[serde(default)]
    exclude_credentials: Vec<Descriptor>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RequestOptions {
    rp_id: String,
    challenge: String,
    allow_credentials: Vec<Descriptor>,
}

#[derive(Deserialize)]
struct Rp {
    id: String,
}

#[derive(Deserialize)]
struct Offer {
    alg: i64,
}

#[derive(Deserialize)]
struct Descriptor {
    id: Id,
}

#[derive(Deserialize)]
#[serde(try_from = "String")]
struct Id(Vec<u8>);

impl TryFrom<String> for Id {
    type Error = base64::DecodeError;

    fn try_from(id: String) -> Result<Self, Self::Error> {
        URL_SAFE_NO_PAD.decode(id).map(Self)
    }
}

/// Writing the little CBOR that is needed (RFC 8949, section 3).
pub(crate) mod cbor {
    pub(crate) fn text(text: &str) -> Vec<u8> {
        item(0x60, text.as_bytes())
    }

    pub(crate) fn bytes(bytes: &[u8]) -> Vec<u8> {
        item(0x40, bytes)
    }

    fn item(major: u8, content: &[u8]) -> Vec<u8> {
        let length = u16::try_from(content.len()).expect("nothing written here is 64 KiB long");
        let [high, low] = length.to_be_bytes();
        let head = match length {
            0..24 => vec![major | low],
            24..256 => vec![major | 24, low],
            _ => vec![major | 25, high, low],
        };
        [head, content.to_vec()].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SeededRandom;

    const ORIGIN: &str = "https://login.example.dk";

    #[test]
    fn it_answers_no_options_but_its_own() {
        let random = SeededRandom::new(1);
        let mut key = SoftwareAuthenticator::new(&random);
        let creation = r#"{"publicKey":{"rp":{"id":"a"},"user":{"id":"AAAA"},"challenge":"AAAA","pubKeyCredParams":[{"alg":-257}]}}"#;
        assert_eq!(key.register(creation, ORIGIN), Err(Declined::Algorithm));
        let request = r#"{"publicKey":{"rpId":"a","challenge":"AAAA","allowCredentials":[{"id":"AAAA"}]}}"#;
        assert_eq!(key.assert(request, ORIGIN), Err(Declined::NotAllowed));
        assert_eq!(key.register(request, ORIGIN), Err(Declined::NotOptions));
    }

    #[test]
    fn the_same_seed_makes_the_same_key() {
        let creation = r#"{"publicKey":{"rp":{"id":"a"},"user":{"id":"AAAA"},"challenge":"AAAA","pubKeyCredParams":[{"alg":-7}]}}"#;
        let response = |seed| {
            let random = SeededRandom::new(seed);
            SoftwareAuthenticator::new(&random).register(creation, ORIGIN).unwrap()
        };
        assert_eq!(response(1), response(1));
        assert_ne!(response(1), response(2));
    }
}
