//! An OpenID Provider that misbehaves in one way at a time, served on loopback for tests.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use openidconnect::core::{CoreJwsSigningAlgorithm, CoreRsaPrivateSigningKey};
use openidconnect::{JsonWebKeyId, PrivateSigningKey as _};
use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{Signature, SigningKey};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use url::Url;

use crate::authn::mitid::Issuer;
use crate::time::{Clock, ManualClock};

pub const CLIENT: &str = "sluse-test";
pub const SECRET: &str = "a client secret of some length";
pub const ACCESS_TOKEN: &str = "access-token";
pub const NSIS: &str = "https://data.gov.dk/concept/core/nsis/";
const DISCOVERY: &str = "/.well-known/openid-configuration";

/// One way to misbehave; [`HONEST`] has none.
#[derive(Copy, Clone)]
pub struct Twist {
    pub metadata: fn(&mut Value),
    pub published: &'static [Key],
    pub jwks: fn(&mut Value),
    pub header: fn(&mut Value),
    /// Of the id_token; the second argument is now, in seconds.
    pub claims: fn(&mut Value, i64),
    pub seal: Seal,
    /// What the token endpoint answers.
    pub answer: fn(&mut Value),
    pub userinfo: fn(&mut Value),
    pub callback: fn(&mut Vec<(String, String)>),
    /// Takes the place of whatever stands at a path.
    pub instead: fn(&str) -> Option<Response>,
}

pub const HONEST: Twist = Twist {
    metadata: |_| {},
    published: &[Key::A],
    jwks: |_| {},
    header: |_| {},
    claims: |_, _| {},
    seal: Seal::By(Key::A),
    answer: |_| {},
    userinfo: |_| {},
    callback: |_| {},
    instead: |_| None,
};

#[derive(Copy, Clone, Eq, PartialEq)]
pub enum Key {
    A,
    B,
    Rsa,
}

/// How the id_token is signed, or not.
#[derive(Copy, Clone)]
pub enum Seal {
    By(Key),
    /// With this in place of the algorithm's name, and no signature.
    Unsigned(&'static str),
    /// A shared secret: the client's.
    Secret,
    /// A shared secret: the public key, as its JWK and as its bytes.
    PublicKey,
    PublicKeyBytes,
    /// Signed, then the signature altered, taken away, or the payload swapped.
    Altered,
    Stripped,
    Swapped,
}

pub struct Hostile {
    pub issuer: Issuer,
    pub twist: Mutex<Twist>,
    clock: Arc<ManualClock>,
    asked: Mutex<Asked>,
}

/// What it was asked.
#[derive(Default)]
struct Asked {
    paths: Vec<String>,
    nonce: String,
    challenge: String,
    token_body: String,
    token_authorization: Option<String>,
}

impl Hostile {
    /// Served until the runtime ends.
    pub async fn serve(twist: Twist, clock: Arc<ManualClock>) -> Arc<Self> {
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let SocketAddr::V4(address) = listener.local_addr().unwrap() else { unreachable!("bound to IPv4") };
        let issuer = Issuer::parse(&format!("http://{address}/op")).unwrap();
        let asked = Mutex::default();
        let op = Arc::new(Self { issuer, twist: Mutex::new(twist), clock, asked });
        let router = Router::new().fallback(respond).with_state(Arc::clone(&op));
        tokio::spawn(async move { axum::serve(listener, router).await });
        op
    }

    pub fn turn(&self, twist: Twist) {
        *self.twist.lock().unwrap() = twist;
    }

    /// How often `path` was asked for.
    pub fn count(&self, path: &str) -> usize {
        self.asked.lock().unwrap().paths.iter().filter(|asked| *asked == path).count()
    }

    /// The token request: its Authorization header and its body.
    pub fn token_request(&self) -> (Option<String>, String) {
        let asked = self.asked.lock().unwrap();
        (asked.token_authorization.clone(), asked.token_body.clone())
    }

    /// Sends the person through: what the browser brings back.
    pub fn authorize(&self, url: &Url) -> String {
        let said = |name: &str| url.query_pairs().find(|(key, _)| key == name).unwrap().1.into_owned();
        let mut asked = self.asked.lock().unwrap();
        (asked.nonce, asked.challenge) = (said("nonce"), said("code_challenge"));
        let back =
            [("code", "the-code".to_owned()), ("state", said("state")), ("iss", self.issuer.to_string())];
        let mut back = back.map(|(name, value)| (name.to_owned(), value)).to_vec();
        (self.twist.lock().unwrap().callback)(&mut back);
        form_urlencoded::Serializer::new(String::new()).extend_pairs(back).finish()
    }

    fn metadata(&self) -> Value {
        let at = |path: &str| format!("{}{path}", self.issuer);
        json!({
            "issuer": self.issuer.as_str(),
            "authorization_endpoint": at("/authorize"),
            "token_endpoint": at("/token"),
            "userinfo_endpoint": at("/userinfo"),
            "jwks_uri": at("/jwks"),
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["ES256", "RS256", "HS256", "none"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            "code_challenge_methods_supported": ["plain", "S256"],
            "authorization_response_iss_parameter_supported": true,
        })
    }

    fn claims(&self) -> Value {
        let now = self.clock.now().as_seconds();
        json!({
            "iss": self.issuer.as_str(),
            "aud": CLIENT,
            "sub": "nez-at-the-broker",
            "exp": now + 300,
            "iat": now,
            "nbf": now,
            "auth_time": now,
            "nonce": self.asked.lock().unwrap().nonce,
            "at_hash": URL_SAFE_NO_PAD.encode(&Sha256::digest(ACCESS_TOKEN)[..16]),
            "idp": "mitid",
            "identity_type": "private",
            "amr": ["code_app"],
            "loa": format!("{NSIS}Substantial"),
            "transaction_id": "t-1",
        })
    }

    fn id_token(&self, twist: &Twist) -> String {
        let mut claims = self.claims();
        (twist.claims)(&mut claims, self.clock.now().as_seconds());
        let (alg, kid) = match twist.seal {
            Seal::Unsigned(alg) => (alg, "a"),
            Seal::Secret | Seal::PublicKey | Seal::PublicKeyBytes => ("HS256", "a"),
            Seal::By(key) => (key.alg(), key.id()),
            Seal::Altered | Seal::Stripped | Seal::Swapped => (Key::A.alg(), Key::A.id()),
        };
        let mut header = json!({ "alg": alg, "typ": "JWT", "kid": kid });
        (twist.header)(&mut header);
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let mut signed = format!("{}.{}", part(&header), part(&claims));
        let mut signature = match twist.seal {
            Seal::By(key) => key.sign(&signed),
            Seal::Unsigned(_) | Seal::Stripped => Vec::new(),
            Seal::Secret => hs256(SECRET.as_bytes(), &signed),
            Seal::PublicKey => hs256(Key::A.jwk().to_string().as_bytes(), &signed),
            Seal::PublicKeyBytes => {
                hs256(Key::A.ec().verifying_key().to_sec1_point(false).as_bytes(), &signed)
            }
            Seal::Altered | Seal::Swapped => Key::A.sign(&signed),
        };
        if let Seal::Altered = twist.seal {
            signature[5] ^= 1;
        }
        if let Seal::Swapped = twist.seal {
            claims["sub"] = "somebody else".into();
            signed = format!("{}.{}", part(&header), part(&claims));
        }
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    fn token(&self, twist: &Twist, headers: &HeaderMap, body: &str) -> Response {
        let mut asked = self.asked.lock().unwrap();
        asked.token_authorization =
            headers.get(header::AUTHORIZATION).map(|value| value.to_str().unwrap().to_owned());
        body.clone_into(&mut asked.token_body);
        let challenge = asked.challenge.clone();
        drop(asked);
        let said =
            |name: &str| form_urlencoded::parse(body.as_bytes()).find(|(key, _)| key == name).map(|(_, v)| v);
        let verifier = said("code_verifier").unwrap_or_default();
        if URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes())) != challenge
            || said("code").as_deref() != Some("the-code")
        {
            return (StatusCode::BAD_REQUEST, axum::Json(json!({ "error": "invalid_grant" })))
                .into_response();
        }
        let mut answer = json!({
            "access_token": ACCESS_TOKEN,
            "token_type": "Bearer",
            "expires_in": 300,
            "id_token": self.id_token(twist),
        });
        (twist.answer)(&mut answer);
        axum::Json(answer).into_response()
    }
}

async fn respond(State(op): State<Arc<Hostile>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body: Bytes = axum::body::to_bytes(body, 64 * 1024).await.unwrap();
    let path = parts.uri.path().strip_prefix("/op").unwrap_or("outside").to_owned();
    op.asked.lock().unwrap().paths.push(path.clone());
    let twist = *op.twist.lock().unwrap();
    if let Some(response) = (twist.instead)(&path) {
        return response;
    }
    let mut answer = match path.as_str() {
        DISCOVERY | "/elsewhere" => op.metadata(),
        "/jwks" => json!({ "keys": twist.published.iter().map(|key| key.jwk()).collect::<Vec<_>>() }),
        "/userinfo" => json!({
            "sub": "nez-at-the-broker",
            "dk.cpr": "0101901234",
            "mitid.has_cpr": "true",
            "mitid.identity_name": "Nanna Ez",
        }),
        "/token" => return op.token(&twist, &parts.headers, std::str::from_utf8(&body).unwrap()),
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    match path.as_str() {
        DISCOVERY | "/elsewhere" => (twist.metadata)(&mut answer),
        "/jwks" => (twist.jwks)(&mut answer),
        _ => (twist.userinfo)(&mut answer),
    }
    axum::Json(answer).into_response()
}

impl Key {
    const fn id(self) -> &'static str {
        match self {
            Self::A => "a",
            Self::B => "b",
            Self::Rsa => "rsa",
        }
    }

    const fn alg(self) -> &'static str {
        match self {
            Self::A | Self::B => "ES256",
            Self::Rsa => "RS256",
        }
    }

    fn ec(self) -> SigningKey {
        SigningKey::from_slice(&[if self == Self::A { 7 } else { 8 }; 32]).unwrap()
    }

    fn rsa(self) -> CoreRsaPrivateSigningKey {
        let kid = JsonWebKeyId::new(self.id().to_owned());
        CoreRsaPrivateSigningKey::from_pem(include_str!("hostile-rsa.pem"), Some(kid)).unwrap()
    }

    pub fn jwk(self) -> Value {
        if self == Self::Rsa {
            return serde_json::to_value(self.rsa().as_verification_key()).unwrap();
        }
        let point = self.ec().verifying_key().to_sec1_point(false);
        let (x, y) = point.as_bytes()[1..].split_at(32);
        let encode = |half: &[u8]| URL_SAFE_NO_PAD.encode(half);
        json!({ "kty": "EC", "crv": "P-256", "use": "sig", "kid": self.id(), "x": encode(x), "y": encode(y) })
    }

    fn sign(self, signed: &str) -> Vec<u8> {
        if self == Self::Rsa {
            return self
                .rsa()
                .sign(&CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256, signed.as_bytes())
                .unwrap();
        }
        let signature: Signature = self.ec().sign(signed.as_bytes());
        signature.to_bytes().to_vec()
    }
}

fn hs256(secret: &[u8], signed: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).unwrap();
    mac.update(signed.as_bytes());
    mac.finalize().into_bytes().to_vec()
}
