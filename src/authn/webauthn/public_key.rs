//! The public half of a credential, parsed once and verified with by aws-lc.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P384_SHA384_ASN1, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256,
    RsaPublicKeyComponents,
};
use webauthn_rs_core::proto::{COSEAlgorithm, COSEKey, COSEKeyType, ECDSACurve, EDDSACurve};

use super::Algorithm;

/// A public key of one of our algorithms, known to be a point of its curve or a usable modulus.
#[derive(Clone)]
pub(super) struct PublicKey(ParsedPublicKey);

/// The key is of no algorithm of ours, or none at all.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
pub(super) struct Unusable;

impl PublicKey {
    /// Of a COSE key whose algorithm, type and curve fit each other (RFC 9053, section 2.1; RFC 8812; RFC 9864).
    pub(super) fn of(key: &COSEKey) -> Result<Self, Unusable> {
        let parsed = match (key.type_, &key.key) {
            (COSEAlgorithm::ES256, COSEKeyType::EC_EC2(ec)) if ec.curve == ECDSACurve::SECP256R1 => {
                ParsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point::<32>(&ec.x, &ec.y)?)
            }
            (COSEAlgorithm::ES384, COSEKeyType::EC_EC2(ec)) if ec.curve == ECDSACurve::SECP384R1 => {
                ParsedPublicKey::new(&ECDSA_P384_SHA384_ASN1, point::<48>(&ec.x, &ec.y)?)
            }
            (COSEAlgorithm::EDDSA, COSEKeyType::EC_OKP(okp)) if okp.curve == EDDSACurve::ED25519 => {
                ParsedPublicKey::new(&ED25519, &okp.x)
            }
            (COSEAlgorithm::RS256, COSEKeyType::RSA(rsa)) => {
                let components = RsaPublicKeyComponents { n: &rsa.n[..], e: &rsa.e[..] };
                components.to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256)
            }
            _ => return Err(Unusable),
        };
        parsed.map(Self).map_err(|_| Unusable)
    }

    /// Whether `signature` is this key's over `message`: in DER for curves (WebAuthn L3, section 6.5.5), PKCS#1
    /// version 1.5 for RSA, raw for Ed25519.
    pub(super) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        self.0.verify_sig(message, signature).is_ok()
    }
}

/// An uncompressed point (SEC 1, section 2.3.3) of coordinates of `N` bytes.
fn point<const N: usize>(x: &[u8], y: &[u8]) -> Result<Vec<u8>, Unusable> {
    if x.len() != N || y.len() != N {
        return Err(Unusable);
    }
    Ok([&[4], x, y].concat())
}

impl Algorithm {
    /// In COSE's registry (RFC 9053, section 2; RFC 8812, section 2).
    pub const fn cose(self) -> i64 {
        match self {
            Self::Es256 => -7,
            Self::Es384 => -35,
            Self::EdDsa => -8,
            Self::Rs256 => -257,
        }
    }
}
