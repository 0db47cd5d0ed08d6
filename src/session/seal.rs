//! A body at rest, readable only with what the browser holds.
//!
//! ChaCha20-Poly1305 (RFC 8439) under a key derived from the browser's nonce, of which the store knows only the
//! hash: whoever has the store, or a copy of it, has not the form somebody filled in.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use bytes::Bytes;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use serde::{Deserialize, Serialize};

use crate::random::{self, Random};

/// The nonce, the ciphertext and its tag, in base64.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Sealed(String);

pub(super) fn seal(random: &dyn Random, secret: &str, plain: &[u8]) -> Sealed {
    let nonce: [u8; NONCE_LEN] = random::bytes(random);
    let mut sealed = plain.to_vec();
    key(secret)
        .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::empty(), &mut sealed)
        .expect("a body is far shorter than the cipher's 256 GiB");
    Sealed(STANDARD_NO_PAD.encode([&nonce[..], &sealed].concat()))
}

/// `None` unless it was sealed with this secret and nothing was changed.
pub(super) fn open(secret: &str, sealed: &Sealed) -> Option<Bytes> {
    let bytes = STANDARD_NO_PAD.decode(&sealed.0).ok()?;
    let (nonce, body) = bytes.split_first_chunk::<NONCE_LEN>()?;
    let mut body = body.to_vec();
    let plain =
        key(secret).open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::empty(), &mut body).ok()?.len();
    body.truncate(plain);
    Some(body.into())
}

fn key(secret: &str) -> LessSafeKey {
    let bytes = blake3::derive_key("sluse: the body of a parked request, v1", secret.as_bytes());
    LessSafeKey::new(UnboundKey::new(&CHACHA20_POLY1305, &bytes).expect("the key has the cipher's 32 bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SeededRandom;

    #[test]
    fn a_sealed_body_opens_with_its_secret_alone_and_unchanged() {
        let random = SeededRandom::new(1);
        let sealed = seal(&random, "browser", b"dose=2 mg");
        assert_eq!(open("browser", &sealed).as_deref(), Some(&b"dose=2 mg"[..]));
        assert_eq!(open("another", &sealed), None);
        let bytes = STANDARD_NO_PAD.decode(&sealed.0).unwrap();
        assert!(!bytes.windows(4).any(|part| part == b"dose"));
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            assert_eq!(open("browser", &Sealed(STANDARD_NO_PAD.encode(changed))), None, "byte {at}");
        }
        assert_eq!(open("browser", &Sealed("AAAA".into())), None);
        assert_ne!(seal(&random, "browser", b"dose=2 mg"), sealed, "the same nonce twice");
    }
}
