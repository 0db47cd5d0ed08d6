//! Secrets: values that never show themselves, and the keys derived from the installation's own.

mod bearer;

use std::fmt;
use std::path::Path;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

pub use bearer::{Bearer, TokenFileError};

/// A value whose `Debug` says nothing of it. It has no `Display`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret<T>(T);

impl<T> Secret<T> {
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// The value itself: for the one place that must have it, never for a message.
    pub const fn expose(&self) -> &T {
        &self.0
    }
}

impl<T> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// The keys of one installation, derived from the content of its key file.
///
/// Nodes that share a store share this file; a new file ends every session.
pub struct Keys {
    /// Authenticates session tokens, so that a made-up one costs no store access.
    pub token: Secret<[u8; 32]>,
    /// What the key that signs assertions for upstreams is made of.
    pub assertion: Secret<[u8; 32]>,
    /// Authenticates the cookies by which browsers are known.
    pub device: Secret<[u8; 32]>,
    /// What the keys of people who have none are made of: see [`crate::authn::webauthn::decoys`].
    pub decoy: Secret<[u8; 32]>,
    cpr: Secret<[u8; 32]>,
}

/// Why a key file is of no use.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    #[error("the key file `{path}` cannot be read: {source}")]
    Unreadable { path: String, source: std::io::Error },
    #[error(
        "the key file `{path}` holds {length} bytes; it must hold 32 or more (make one: `head -c 48 /dev/urandom | base64 > {path}`)"
    )]
    TooShort { path: String, length: usize },
}

impl Keys {
    /// At least 32 bytes of key material.
    pub fn load(path: &Path) -> Result<Self, KeyFileError> {
        let shown = path.display().to_string();
        let content =
            std::fs::read(path).map_err(|source| KeyFileError::Unreadable { path: shown.clone(), source })?;
        let material = content.trim_ascii();
        if material.len() < 32 {
            return Err(KeyFileError::TooShort { path: shown, length: material.len() });
        }
        Ok(Self::derive(material))
    }

    /// Keys for one purpose each: knowing one tells nothing of another.
    pub fn derive(material: &[u8]) -> Self {
        Self {
            token: Secret(blake3::derive_key("sluse 2026-11 session token", material)),
            assertion: Secret(blake3::derive_key("sluse 2026-11 upstream assertion", material)),
            device: Secret(blake3::derive_key("sluse 2026-11 device", material)),
            decoy: Secret(blake3::derive_key("sluse 2026-11 decoy", material)),
            cpr: Secret(blake3::derive_key("sluse 2026-11 cpr", material)),
        }
    }

    /// HMAC-SHA-256 (RFC 2104) of a CPR number. A plain hash of ten digits would be no protection.
    pub fn cpr_hash(&self, cpr: &crate::user::Cpr) -> crate::user::CprHash {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(self.cpr.expose()).expect("HMAC takes a key of any length");
        mac.update(cpr.expose().as_bytes());
        crate::user::CprHash::from_bytes(mac.finalize().into_bytes().into())
    }
}

/// The content of a file that holds one secret, without the line end.
pub fn load_text(path: &Path) -> std::io::Result<Secret<String>> {
    Ok(Secret(std::fs::read_to_string(path)?.trim_end_matches(['\r', '\n']).to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_tells_nothing() {
        assert_eq!(format!("{:?}", Secret::new("hunter2")), "Secret(…)");
    }

    #[test]
    fn the_cpr_hash_depends_on_the_installation() {
        let cpr = crate::user::Cpr::parse("010190-1234").unwrap();
        assert_ne!(Keys::derive(&[1; 32]).cpr_hash(&cpr), Keys::derive(&[2; 32]).cpr_hash(&cpr));
    }
}
