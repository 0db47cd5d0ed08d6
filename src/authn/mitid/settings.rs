//! Which broker, and who we are to it.

use std::collections::BTreeMap;
use std::fmt;

use openidconnect::IssuerUrl;
use openidconnect::core::CoreJwsSigningAlgorithm;
use url::{Host, Url};

use crate::authn::MitIdLevel;
use crate::authn::mitid::preset::Preset;
use crate::secret::Secret;

/// A broker and our registration with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    pub preset: Preset,
    pub issuer: Issuer,
    pub client_id: String,
    /// None: a public client.
    pub client_secret: Option<Secret<String>>,
    /// The signatures accepted on an id_token, whatever the broker advertises.
    pub algorithms: Vec<Algorithm>,
    /// In place of the preset's; `openid` goes without saying.
    pub scopes: Option<Vec<String>>,
    /// Extra parameters of the authorization request; each wins over the preset's of the same name.
    pub params: BTreeMap<String, String>,
    pub claims: ClaimOverrides,
}

/// Where the preset's names of claims do not fit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClaimOverrides {
    pub cpr: Option<String>,
    pub level: Option<String>,
    /// Every spelling of a level that is accepted, exactly as written; in place of the preset's.
    pub levels: Option<BTreeMap<String, MitIdLevel>>,
}

/// Why settings are of no use.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SettingsError {
    #[error("MitID needs a client id")]
    NoClientId,
    #[error("MitID needs at least one signing algorithm")]
    NoAlgorithm,
    #[error("the authorization parameter `{0}` is the gateway's own and cannot be set")]
    ParameterReserved(String),
}

/// Parameters that carry the protocol's own safety, or would let a request object replace it.
const RESERVED: [&str; 14] = [
    "client_id",
    "code_challenge",
    "code_challenge_method",
    "id_token_hint",
    "max_age",
    "nonce",
    "prompt",
    "redirect_uri",
    "request",
    "request_uri",
    "response_mode",
    "response_type",
    "scope",
    "state",
];

impl Settings {
    /// Settings for a broker with nothing out of the ordinary.
    pub fn new(preset: Preset, issuer: Issuer, client_id: &str) -> Self {
        Self {
            preset,
            issuer,
            client_id: client_id.to_owned(),
            client_secret: None,
            algorithms: Algorithm::DEFAULT.to_vec(),
            scopes: None,
            params: BTreeMap::new(),
            claims: ClaimOverrides::default(),
        }
    }

    /// What cannot be said by the types alone.
    pub(super) fn check(&self) -> Result<(), SettingsError> {
        if self.client_id.is_empty() {
            return Err(SettingsError::NoClientId);
        }
        if self.algorithms.is_empty() {
            return Err(SettingsError::NoAlgorithm);
        }
        match self.params.keys().find(|name| RESERVED.contains(&name.as_str())) {
            Some(name) => Err(SettingsError::ParameterReserved(name.clone())),
            None => Ok(()),
        }
    }
}

/// An issuer identifier (OpenID Connect Discovery 1.0, section 3), on https, or on this very machine.
///
/// Kept character for character as written: `https://a.example` and `https://a.example/` are two issuers.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Issuer(IssuerUrl);

#[derive(Copy, Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "an issuer is a URL on https (or on http at localhost), without user, query and fragment, as the broker writes it"
)]
pub struct InvalidIssuer;

impl Issuer {
    /// Scheme, host and port.
    pub fn origin(&self) -> String {
        self.0.url().origin().ascii_serialization()
    }

    pub fn parse(written: &str) -> Result<Self, InvalidIssuer> {
        let issuer = IssuerUrl::new(written.to_owned()).map_err(|_| InvalidIssuer)?;
        let url = issuer.url();
        let bare = url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
        if bare && url.password().is_none() && confidential(url) {
            Ok(Self(issuer))
        } else {
            Err(InvalidIssuer)
        }
    }

    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Whether `url` may be used on this issuer's word: on its own host, and no less safe than itself.
    pub(super) fn admits(&self, url: &Url) -> bool {
        let own = self.0.url();
        url.host() == own.host() && confidential(url) && (url.scheme() == "https" || own.scheme() == "http")
    }

    pub(super) fn url(&self) -> &IssuerUrl {
        &self.0
    }
}

impl fmt::Display for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What is said to `url` stays between us and it: https, or it never leaves this machine.
fn confidential(url: &Url) -> bool {
    let loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => return false,
    };
    url.scheme() == "https" || (url.scheme() == "http" && loopback)
}

/// A signature an id_token may bear (RFC 7518, section 3.1). Neither `none` nor a shared secret is one.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
pub enum Algorithm {
    Rs256,
    Rs384,
    Rs512,
    Ps256,
    Ps384,
    Ps512,
    Es256,
    Es384,
}

impl Algorithm {
    pub const DEFAULT: [Self; 2] = [Self::Rs256, Self::Es256];

    const ALL: [(&'static str, Self); 8] = [
        ("RS256", Self::Rs256),
        ("RS384", Self::Rs384),
        ("RS512", Self::Rs512),
        ("PS256", Self::Ps256),
        ("PS384", Self::Ps384),
        ("PS512", Self::Ps512),
        ("ES256", Self::Es256),
        ("ES384", Self::Es384),
    ];

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(known, _)| *known == name).map(|(_, algorithm)| algorithm)
    }

    /// The names of all, as in the JWS `alg` header (RFC 7518, section 3.1).
    pub fn names() -> impl Iterator<Item = &'static str> {
        Self::ALL.into_iter().map(|(name, _)| name)
    }

    pub(super) const fn jws(self) -> CoreJwsSigningAlgorithm {
        match self {
            Self::Rs256 => CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
            Self::Rs384 => CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
            Self::Rs512 => CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
            Self::Ps256 => CoreJwsSigningAlgorithm::RsaSsaPssSha256,
            Self::Ps384 => CoreJwsSigningAlgorithm::RsaSsaPssSha384,
            Self::Ps512 => CoreJwsSigningAlgorithm::RsaSsaPssSha512,
            Self::Es256 => CoreJwsSigningAlgorithm::EcdsaP256Sha256,
            Self::Es384 => CoreJwsSigningAlgorithm::EcdsaP384Sha384,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_is_on_https_or_on_this_machine() {
        for good in [
            "https://netseidbroker.dk/op",
            "https://kommune.idura.broker",
            "http://mitid.localhost:8080",
            "http://localhost",
            "http://127.0.0.1:9000/op",
            "http://[::1]:9000",
        ] {
            assert_eq!(Issuer::parse(good).map(|issuer| issuer.as_str().to_owned()), Ok(good.to_owned()));
        }
        for bad in [
            "",
            "netseidbroker.dk",
            "http://netseidbroker.dk/op",
            "http://localhost.example.dk",
            "http://notlocalhost",
            "ftp://localhost",
            "https://a.dk/?tenant=1",
            "https://a.dk/#x",
            "https://user@a.dk",
            "https://:pass@a.dk",
        ] {
            assert_eq!(Issuer::parse(bad), Err(InvalidIssuer), "{bad}");
        }
    }

    #[test]
    fn an_issuer_speaks_for_its_own_host_alone() {
        let admits =
            |issuer: &str, url: &str| Issuer::parse(issuer).unwrap().admits(&Url::parse(url).unwrap());
        assert!(admits("https://a.dk/op", "https://a.dk/op/token"));
        assert!(admits("http://a.localhost:1", "http://a.localhost:1/token"));
        for (issuer, url) in [
            ("https://a.dk", "http://a.dk/token"),
            ("https://a.dk", "https://b.dk/token"),
            ("https://a.dk", "https://a.dk.b.dk/token"),
            ("https://localhost", "http://localhost/token"),
            ("http://a.localhost", "http://b.localhost/token"),
        ] {
            assert!(!admits(issuer, url), "{issuer} {url}");
        }
    }

    #[test]
    fn no_signature_and_shared_secrets_are_no_algorithms() {
        for name in ["none", "None", "HS256", "HS512", "rs256", ""] {
            assert_eq!(Algorithm::parse(name), None, "{name}");
        }
        assert_eq!(Algorithm::parse("ES256"), Some(Algorithm::Es256));
    }

    #[test]
    fn the_protocols_own_parameters_are_not_for_setting() {
        let issuer = Issuer::parse("https://a.dk").unwrap();
        let mut settings = Settings::new(Preset::Neb, issuer, "me");
        assert_eq!(settings.check(), Ok(()));
        settings.params.insert("acr_values".to_owned(), "x".to_owned());
        assert_eq!(settings.check(), Ok(()));
        settings.params.insert("state".to_owned(), "x".to_owned());
        assert_eq!(settings.check(), Err(SettingsError::ParameterReserved("state".to_owned())));
        settings.params.clear();
        settings.algorithms.clear();
        assert_eq!(settings.check(), Err(SettingsError::NoAlgorithm));
        settings.client_id.clear();
        assert_eq!(settings.check(), Err(SettingsError::NoClientId));
    }
}
