//! What the stand-in says of a person, in the shape of Nets eID Broker.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{Signature, SigningKey};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::grant::Grant;
use super::{Broker, BrokerPerson};
use crate::authn::MitIdLevel;
use crate::random::{self, Random};
use crate::time::Timestamp;

const KEY_ID: &str = "stand-in";

/// Signs with a key that is made anew each time the demo starts (ES256; RFC 7518, section 3.4).
pub(super) struct Signer(SigningKey);

impl Signer {
    pub fn generate(random: &dyn Random) -> Self {
        loop {
            // All but one in 2^32 numbers of 32 bytes are keys.
            if let Ok(key) = SigningKey::from_slice(&random::bytes::<32>(random)) {
                return Self(key);
            }
        }
    }

    /// RFC 7517.
    pub fn jwk(&self) -> Value {
        let point = self.0.verifying_key().to_sec1_point(false);
        // An uncompressed point is 0x04, x and y, of 32 bytes each.
        let (x, y) = point.as_bytes()[1..].split_at(32);
        let encode = |half: &[u8]| URL_SAFE_NO_PAD.encode(half);
        json!({ "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": KEY_ID, "x": encode(x), "y": encode(y) })
    }

    /// RFC 7515, compact.
    pub fn sign(&self, claims: &Value) -> String {
        let header = json!({ "alg": "ES256", "typ": "JWT", "kid": KEY_ID });
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&header), part(claims));
        let signature: Signature = self.0.sign(signed.as_bytes());
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature.to_bytes()))
    }
}

pub(super) fn claims(broker: &Broker, grant: &Grant, access_token: &str, now: Timestamp) -> Value {
    let level = level(grant.login.level);
    let hash = Sha256::digest(access_token);
    json!({
        "iss": broker.issuer.as_str(),
        "aud": broker.client_id,
        "sub": subject(&grant.person),
        "exp": now.as_seconds() + 300,
        "iat": now.as_seconds(),
        "nbf": now.as_seconds(),
        "auth_time": grant.authenticated_at.as_seconds(),
        "nonce": grant.login.nonce,
        "at_hash": URL_SAFE_NO_PAD.encode(&hash[..16]),
        "idp": "mitid",
        "identity_type": "private",
        "amr": ["code_app"],
        "acr": level,
        "loa": level,
        "ial": level,
        "aal": level,
        "transaction_id": grant.transaction,
    })
}

/// Every value is text, as the broker it stands in for has it.
pub(super) fn userinfo(broker: &Broker, grant: &Grant) -> Value {
    let mut claims = json!({
        "iss": broker.issuer.as_str(),
        "sub": subject(&grant.person),
        "mitid.uuid": subject(&grant.person),
        "mitid.identity_name": grant.person.name,
        "mitid.has_cpr": "true",
        "mitid.transaction_id": grant.transaction,
    });
    if grant.login.wants_cpr {
        claims["dk.cpr"] = grant.person.cpr.expose().into();
    }
    claims
}

/// The same for a person each time the demo is started.
fn subject(person: &BrokerPerson) -> String {
    let hash = blake3::derive_key("sluse 2026-11 stand-in broker subject", person.username.as_bytes());
    let (half, _) = hash.split_at(16);
    uuid::Builder::from_slice(half).expect("half of 32 bytes is 16").into_uuid().to_string()
}

fn level(level: MitIdLevel) -> &'static str {
    match level {
        MitIdLevel::Low => "https://data.gov.dk/concept/core/nsis/Low",
        MitIdLevel::Substantial => "https://data.gov.dk/concept/core/nsis/Substantial",
        MitIdLevel::High => "https://data.gov.dk/concept/core/nsis/High",
    }
}
