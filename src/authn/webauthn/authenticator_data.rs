//! What the authenticator itself says: authenticator data (WebAuthn L3, section 6.1) and the attestation
//! object around it (section 6.5.4). Read so that it says one thing only: nothing left over, no part that does
//! not belong. Whether what it says is right, others check.

use super::cbor::Item;
use super::{Algorithm, Refusal};

const USER_PRESENT: u8 = 1;
const USER_VERIFIED: u8 = 1 << 2;
const BACKUP_ELIGIBLE: u8 = 1 << 3;
const BACKED_UP: u8 = 1 << 4;
const ATTESTED: u8 = 1 << 6;
const EXTENSIONS: u8 = 1 << 7;

pub(super) struct AuthenticatorData<'a> {
    pub(super) rp_id_hash: &'a [u8; 32],
    pub(super) user_present: bool,
    pub(super) user_verified: bool,
    pub(super) backup_eligible: bool,
    pub(super) backed_up: bool,
    pub(super) sign_count: u32,
    pub(super) attested: Option<Attested<'a>>,
}

/// The credential made in a registration.
pub(super) struct Attested<'a> {
    pub(super) credential: &'a [u8],
    /// `None` for all that we never offer.
    pub(super) algorithm: Option<Algorithm>,
}

impl<'a> AuthenticatorData<'a> {
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, Refusal> {
        Self::split(bytes).ok_or(Refusal::AuthenticatorDataMalformed)
    }

    fn split(bytes: &'a [u8]) -> Option<Self> {
        let (rp_id_hash, rest) = bytes.split_first_chunk()?;
        let (&flags, rest) = rest.split_first()?;
        let (sign_count, mut rest) = rest.split_first_chunk()?;
        let mut attested = None;
        if flags & ATTESTED != 0 {
            let (_aaguid, after) = rest.split_at_checked(16)?;
            let (length, after) = after.split_first_chunk()?;
            let (credential, after) = after.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
            let (public_key, after) = Item::read(after).ok()?;
            attested = Some(Attested { credential, algorithm: algorithm(&public_key) });
            rest = after;
        }
        if flags & EXTENSIONS != 0 {
            let (Item::Map(_), after) = Item::read(rest).ok()? else { return None };
            rest = after;
        }
        rest.is_empty().then_some(Self {
            rp_id_hash,
            user_present: flags & USER_PRESENT != 0,
            user_verified: flags & USER_VERIFIED != 0,
            backup_eligible: flags & BACKUP_ELIGIBLE != 0,
            backed_up: flags & BACKED_UP != 0,
            sign_count: u32::from_be_bytes(*sign_count),
            attested,
        })
    }
}

/// The algorithm of a COSE key whose type and curve fit it (RFC 9053, sections 2.1 and 7.1; RFC 8812).
fn algorithm(key: &Item<'_>) -> Option<Algorithm> {
    let parameter = |label| match key.get(&Item::Integer(label)) {
        Some(Item::Integer(value)) => Some(*value),
        _ => None,
    };
    match (parameter(1), parameter(3), parameter(-1)) {
        (Some(2), Some(-7), Some(1)) => Some(Algorithm::Es256),
        (Some(3), Some(-257), None) => Some(Algorithm::Rs256),
        _ => None,
    }
}

/// The authenticator data inside an attestation object whose form is right.
pub(super) fn open_attestation(object: &[u8]) -> Result<&[u8], Refusal> {
    let (object, trailing) = Item::read(object).map_err(|_| Refusal::AttestationMalformed)?;
    let member = |name| object.get(&Item::Text(name));
    let (Some(Item::Text(format)), Some(Item::Map(statement)), Some(Item::Bytes(data))) =
        (member("fmt"), member("attStmt"), member("authData"))
    else {
        return Err(Refusal::AttestationMalformed);
    };
    let members = if let Item::Map(members) = &object { members.len() } else { 0 };
    if members != 3 || !trailing.is_empty() {
        return Err(Refusal::AttestationMalformed);
    }
    // We ask for no attestation. What remains then is none, or a key that vouches for itself (packed).
    match *format {
        "none" if statement.is_empty() => Ok(data),
        "none" => Err(Refusal::AttestationMalformed),
        "packed" => Ok(data),
        _ => Err(Refusal::AttestationFormat),
    }
}
