//! What an upstream is told under a signature: who the person is, by what proofs, and which rule let the
//! request through. An upstream that checks it need not trust the network between.
//!
//! `X-Sluse-Assertion` is a JWT (RFC 7519) signed with ES256 (RFC 7518, section 3.4), good for a minute; the
//! key to check it with is at `/.sluse/jwks.json` on every app's host.

mod told;

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderValue;
use p256::ecdsa::SigningKey;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde::Serialize;
use serde_json::{Value, json};

pub use self::told::{Recent, Told};
use crate::authn::{Assurance, Method};
use crate::secret::Secret;
use crate::time::Timestamp;

/// How long an assertion is good for.
const LIFETIME: Duration = Duration::from_secs(60);

/// Signs assertions: by ring, in a fifth of the time that RustCrypto takes. Its nonces are its own.
///
/// AWS-LC is a tenth quicker, once it has gathered randomness for some 30 ms in each thread that signs: a request
/// would wait for that.
pub struct AssertionKey {
    key: EcdsaKeyPair,
    kid: String,
    issuer: String,
}

/// What an assertion says.
#[derive(Copy, Clone, Debug)]
pub struct Statement<'a> {
    pub app: &'a str,
    pub rule: &'a str,
    pub level: Option<&'a str>,
    /// Until when, where the person is let in by glass they broke.
    pub break_glass: Option<Timestamp>,
    pub username: &'a str,
    pub groups: &'a [String],
    pub assurance: &'a Assurance,
}

/// The claims, by the names of RFC 7519, OpenID Connect Core and RFC 8176; times are seconds since the epoch.
#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    aud: &'a str,
    sub: &'a str,
    iat: i64,
    exp: i64,
    groups: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    acr: Option<&'a str>,
    amr: Vec<&'static str>,
    /// The latest proof.
    auth_time: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    password_time: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_time: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mitid_time: Option<i64>,
    rule: &'a str,
    /// `true`, or absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    break_glass: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    break_glass_until: Option<i64>,
}

impl AssertionKey {
    /// The key that all nodes derive from the same material. `issuer` is the login host's origin.
    pub fn derive(material: &Secret<[u8; 32]>, issuer: String) -> Self {
        // Nearly every 32 bytes are a scalar of the curve; where they are not, the next are.
        let mut bytes = *material.expose();
        let key = loop {
            if let Some(key) = key_pair(&bytes) {
                break key;
            }
            bytes = *blake3::hash(&bytes).as_bytes();
        };
        let kid = URL_SAFE_NO_PAD.encode(&blake3::hash(key.public_key().as_ref()).as_bytes()[..12]);
        Self { key, kid, issuer }
    }

    /// The header's value.
    pub fn sign(&self, statement: &Statement<'_>, now: Timestamp) -> HeaderValue {
        let header = json!({ "alg": "ES256", "typ": "JWT", "kid": self.kid });
        let claims = self.claims(statement, now);
        // Strings, numbers and lists of strings: there is nothing in them that JSON cannot say.
        let claims = serde_json::to_vec(&claims).unwrap_or_default();
        let mut token = URL_SAFE_NO_PAD.encode(header.to_string());
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(claims, &mut token);
        // It fails where there is no randomness or no memory: then nothing is said rather than half of it.
        let Ok(signature) = self.key.sign(&SystemRandom::new(), token.as_bytes()) else {
            return HeaderValue::from_static("");
        };
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        HeaderValue::try_from(token).unwrap_or_else(|_| HeaderValue::from_static(""))
    }

    /// The JWK Set (RFC 7517, section 5).
    pub fn jwks(&self) -> Value {
        // Uncompressed: a tag, then the coordinates, 32 bytes each (SEC 1, section 2.3.3).
        let coordinates = self.key.public_key().as_ref().get(1..).unwrap_or_default();
        let (x, y) = coordinates.split_at(coordinates.len() / 2);
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        json!({ "keys": [{
            "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256",
            "kid": self.kid, "x": encode(x), "y": encode(y),
        }] })
    }

    fn claims<'a>(&'a self, statement: &Statement<'a>, now: Timestamp) -> Claims<'a> {
        let proven = |method| statement.assurance.proven_at(method).map(Timestamp::as_seconds);
        Claims {
            iss: &self.issuer,
            aud: statement.app,
            sub: statement.username,
            iat: now.as_seconds(),
            exp: now.plus(LIFETIME).as_seconds(),
            groups: statement.groups,
            acr: statement.level,
            amr: amr(statement.assurance),
            auth_time: Method::ALL.into_iter().filter_map(proven).max().unwrap_or_default(),
            password_time: proven(Method::Password),
            key_time: proven(Method::Key),
            mitid_time: proven(Method::MitId),
            rule: statement.rule,
            break_glass: statement.break_glass.map(|_| true),
            break_glass_until: statement.break_glass.map(Timestamp::as_seconds),
        }
    }
}

/// `None` unless the bytes are a scalar of the curve. RustCrypto finds the point that belongs to it.
fn key_pair(scalar: &[u8; 32]) -> Option<EcdsaKeyPair> {
    let point = SigningKey::from_slice(scalar).ok()?.verifying_key().to_sec1_point(false);
    let scheme = &ECDSA_P256_SHA256_FIXED_SIGNING;
    EcdsaKeyPair::from_private_key_and_public_key(scheme, scalar, point.as_bytes(), &SystemRandom::new()).ok()
}

/// The methods used (RFC 8176; MitID has no value there).
fn amr(assurance: &Assurance) -> Vec<&'static str> {
    let mut amr = Vec::new();
    amr.extend(assurance.password.as_ref().map(|_| "pwd"));
    amr.extend(assurance.key.as_ref().map(|_| "hwk"));
    amr.extend(assurance.key.as_ref().filter(|key| key.user_verified).map(|_| "pin"));
    amr.extend(assurance.mitid.as_ref().map(|_| "mitid"));
    let proven = Method::ALL.into_iter().filter(|method| assurance.proven_at(*method).is_some());
    if proven.count() > 1 {
        amr.push("mfa");
    }
    amr
}

#[cfg(test)]
mod tests {
    use p256::ecdsa::signature::Verifier as _;
    use p256::ecdsa::{Signature, VerifyingKey};

    use super::*;
    use crate::authn::{Evidence, PasswordEvidence};

    pub(super) const NOW: Timestamp = Timestamp::from_seconds(1_000_000);

    pub(super) fn key() -> AssertionKey {
        AssertionKey::derive(&Secret::new([7; 32]), "https://login.example".to_owned())
    }

    pub(super) fn statement(assurance: &Assurance) -> Statement<'_> {
        Statement {
            app: "cura",
            rule: "rest",
            level: Some("basic"),
            break_glass: None,
            username: "nez",
            groups: &[],
            assurance,
        }
    }

    pub(super) fn password() -> Assurance {
        Assurance::default().with(Evidence::Password(PasswordEvidence { at: NOW.minus(LIFETIME) }))
    }

    #[test]
    fn the_published_key_verifies_what_is_signed() {
        let key = key();
        let token = key.sign(&statement(&password()), NOW);
        let [header, claims, signature]: [&str; 3] =
            token.to_str().unwrap().split('.').collect::<Vec<_>>().try_into().unwrap();
        let decode = |text: &str| URL_SAFE_NO_PAD.decode(text).unwrap();
        let jwk = &key.jwks()["keys"][0];
        let coordinate = |name: &str| decode(jwk[name].as_str().unwrap());
        let point = [vec![4], coordinate("x"), coordinate("y")].concat();
        let published = VerifyingKey::from_sec1_bytes(&point).unwrap();
        let signed = format!("{header}.{claims}");
        let signature = Signature::from_slice(&decode(signature)).unwrap();
        assert!(published.verify(signed.as_bytes(), &signature).is_ok());
        assert!(published.verify(format!("{signed}x").as_bytes(), &signature).is_err());
        let claims: Value = serde_json::from_slice(&decode(claims)).unwrap();
        assert_eq!(
            claims,
            json!({
                "iss": "https://login.example", "aud": "cura", "sub": "nez", "iat": 1_000_000,
                "exp": 1_000_060, "groups": [], "acr": "basic", "amr": ["pwd"], "auth_time": 999_940,
                "password_time": 999_940, "rule": "rest",
            })
        );
        let header: Value = serde_json::from_slice(&decode(header)).unwrap();
        assert_eq!(header["kid"], jwk["kid"]);
    }
}
