//! The private half of a credential, in software.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use crypto_glue::ecdsa_p256::{EcdsaP256DerSignature, EcdsaP256PrivateKey, EcdsaP256SigningKey};
use crypto_glue::ecdsa_p384::{EcdsaP384DerSignature, EcdsaP384PrivateKey, EcdsaP384SigningKey};
use crypto_glue::rsa::{MIN_BITS, RS256PrivateKey, RS256SigningKey};
use crypto_glue::traits::{PublicKeyParts as _, SignatureEncoding as _, Signer};
use rand::SeedableRng as _;
use webauthn_rs_core::proto::{
    COSEAlgorithm, COSEEC2Key, COSEKey, COSEKeyType, COSEOKPKey, COSERSAKey, ECDSACurve, EDDSACurve,
};

use super::cbor;
use crate::authn::webauthn::Algorithm;
use crate::random::{self, Random};

pub(super) enum PrivateKey {
    Es256(Box<EcdsaP256SigningKey>),
    Es384(Box<EcdsaP384SigningKey>),
    EdDsa(Ed25519KeyPair),
    Rs256(Box<RS256PrivateKey>),
}

impl PrivateKey {
    pub(super) fn generate(algorithm: Algorithm, random: &dyn Random) -> Self {
        match algorithm {
            Algorithm::Es256 => loop {
                // Not every 256 bits are a scalar of the group; nearly all are.
                if let Ok(key) = EcdsaP256PrivateKey::from_slice(&random::bytes::<32>(random)) {
                    return Self::Es256(Box::new(key.into()));
                }
            },
            Algorithm::Es384 => loop {
                if let Ok(key) = EcdsaP384PrivateKey::from_slice(&random::bytes::<48>(random)) {
                    return Self::Es384(Box::new(key.into()));
                }
            },
            Algorithm::EdDsa => {
                let key = Ed25519KeyPair::from_seed_unchecked(&random::bytes::<32>(random));
                Self::EdDsa(key.expect("any 32 bytes are a seed (RFC 8032, section 5.1.5)"))
            }
            Algorithm::Rs256 => {
                let mut random = rand::rngs::StdRng::from_seed(random::bytes(random));
                let key = RS256PrivateKey::new(&mut random, MIN_BITS);
                Self::Rs256(Box::new(key.expect("2048 bits with exponent 65537 can always be made")))
            }
        }
    }

    pub(super) fn sign(&self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::Es256(key) => Signer::<EcdsaP256DerSignature>::sign(key.as_ref(), message).to_vec(),
            Self::Es384(key) => Signer::<EcdsaP384DerSignature>::sign(key.as_ref(), message).to_vec(),
            Self::EdDsa(key) => key.sign(message).as_ref().to_vec(),
            Self::Rs256(key) => RS256SigningKey::new(key.as_ref().clone()).sign(message).to_vec(),
        }
    }

    /// The public key as webauthn-rs has it.
    pub(super) fn public(&self) -> COSEKey {
        let ec = |curve, point: &[u8]| {
            // Uncompressed: a 4, then both coordinates.
            let (x, y) = point[1..].split_at((point.len() - 1) / 2);
            COSEKeyType::EC_EC2(COSEEC2Key { curve, x: x.to_vec(), y: y.to_vec() })
        };
        let (type_, key) = match self {
            Self::Es256(key) => {
                let point = key.verifying_key().to_sec1_point(false);
                (COSEAlgorithm::ES256, ec(ECDSACurve::SECP256R1, point.as_bytes()))
            }
            Self::Es384(key) => {
                let point = key.verifying_key().to_sec1_point(false);
                (COSEAlgorithm::ES384, ec(ECDSACurve::SECP384R1, point.as_bytes()))
            }
            Self::EdDsa(key) => {
                let x = key.public_key().as_ref().to_vec();
                (COSEAlgorithm::EDDSA, COSEKeyType::EC_OKP(COSEOKPKey { curve: EDDSACurve::ED25519, x }))
            }
            Self::Rs256(key) => {
                let e = key.e().to_be_bytes_trimmed_vartime();
                let e = e[..].try_into().expect("the exponent is 65537");
                let n = key.n().to_be_bytes_trimmed_vartime().to_vec();
                (COSEAlgorithm::RS256, COSEKeyType::RSA(COSERSAKey { n, e }))
            }
        };
        COSEKey { type_, key }
    }

    /// The public key as a COSE key (RFC 9052, section 7), in CTAP2's order.
    pub(super) fn cose(&self) -> Vec<u8> {
        match self.public().key {
            COSEKeyType::EC_EC2(COSEEC2Key { curve: ECDSACurve::SECP256R1, x, y }) => {
                let head = [0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21];
                [&head[..], &cbor::bytes(&x), &[0x22], &cbor::bytes(&y)].concat()
            }
            COSEKeyType::EC_EC2(COSEEC2Key { x, y, .. }) => {
                let head = [0xa5, 0x01, 0x02, 0x03, 0x38, 0x22, 0x20, 0x02, 0x21];
                [&head[..], &cbor::bytes(&x), &[0x22], &cbor::bytes(&y)].concat()
            }
            COSEKeyType::EC_OKP(COSEOKPKey { x, .. }) => {
                [&[0xa4, 0x01, 0x01, 0x03, 0x27, 0x20, 0x06, 0x21][..], &cbor::bytes(&x)].concat()
            }
            COSEKeyType::RSA(COSERSAKey { n, e }) => {
                let head = [0xa4, 0x01, 0x03, 0x03, 0x39, 0x01, 0x00, 0x20];
                [&head[..], &cbor::bytes(&n), &[0x21], &cbor::bytes(&e)].concat()
            }
        }
    }
}
