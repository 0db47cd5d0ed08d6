//! The id_token's checks. openidconnect verifies the signature, `iss`, `aud`, `exp` and `nonce`; the rest is here.

use std::time::{Duration, UNIX_EPOCH};

use openidconnect::core::CoreGenderClaim;
use openidconnect::{
    AccessTokenHash, ClaimsVerificationError, ClientId, IdTokenClaims, Nonce, OAuth2TokenResponse as _,
    SignatureVerificationError, TokenResponse as _,
};

use crate::authn::mitid::error::Refusal;
use crate::authn::mitid::pending::Pending;
use crate::authn::mitid::preset::{Dialect, text};
use crate::authn::mitid::provider::{Claims, OidcClient, Tokens};
use crate::authn::mitid::settings::Settings;
use crate::time::Timestamp;

/// How far the broker's clock may be from ours.
pub(super) const SKEW: Duration = Duration::from_secs(60);
/// An id_token is made when the code is redeemed: an old one is not ours.
const ISSUED_WITHIN: Duration = Duration::from_secs(300);

pub(super) type VerifiedClaims = IdTokenClaims<Claims, CoreGenderClaim>;

/// What an id_token is checked against.
pub(super) struct Expected<'a> {
    pub settings: &'a Settings,
    pub dialect: &'a Dialect,
    pub pending: &'a Pending,
    pub now: Timestamp,
}

impl Expected<'_> {
    /// The claims of an id_token that was made for us, now, for this very request; and when the person
    /// authenticated.
    pub fn verify<'t>(
        &self,
        tokens: &'t Tokens,
        client: &OidcClient,
    ) -> Result<(&'t VerifiedClaims, Timestamp), Refusal> {
        let id_token = tokens.id_token().ok_or(Refusal::IdTokenMissing)?;
        // exp is due one skew late.
        let by = UNIX_EPOCH + self.now.minus(SKEW).since(Timestamp::EPOCH);
        let verifier = client
            .id_token_verifier()
            .set_allowed_algs(self.settings.algorithms.iter().map(|algorithm| algorithm.jws()))
            .set_time_fn(move || by.into());
        let claims = id_token.claims(&verifier, &Nonce::new(self.pending.nonce.clone())).map_err(refusal)?;

        let hash = |alg, key| AccessTokenHash::from_token(tokens.access_token(), alg, key);
        if let Some(expected) = claims.access_token_hash() {
            let alg = id_token.signing_alg().map_err(|_| Refusal::AlgorithmDisallowed)?;
            let key = id_token.signing_key(&verifier).map_err(|_| Refusal::KeyUnknown)?;
            if hash(alg, key).ok().as_ref() != Some(expected) {
                return Err(Refusal::AccessTokenHashWrong);
            }
        }
        self.party(claims.authorized_party())?;
        self.issued(Timestamp::from_millis(claims.issue_time().timestamp_millis()))?;
        self.valid_from(claims)?;
        // OpenID Connect Core 1.0, section 2: at most 255 characters.
        if !(1..=255).contains(&claims.subject().len()) {
            return Err(Refusal::SubjectInvalid);
        }
        Ok((claims, self.authenticated_at(claims)?))
    }

    fn party(&self, authorized: Option<&ClientId>) -> Result<(), Refusal> {
        match authorized {
            Some(client) if client.as_str() != self.settings.client_id => Err(Refusal::AuthorizedPartyWrong),
            _ => Ok(()),
        }
    }

    fn issued(&self, at: Timestamp) -> Result<(), Refusal> {
        if at > self.now.plus(SKEW) {
            Err(Refusal::IssuedAhead)
        } else if at < self.now.minus(ISSUED_WITHIN + SKEW) {
            Err(Refusal::IssuedLongAgo)
        } else {
            Ok(())
        }
    }

    /// `nbf` (RFC 7519, section 4.1.5), which openidconnect does not know.
    fn valid_from(&self, claims: &VerifiedClaims) -> Result<(), Refusal> {
        let Some(nbf) = claims.additional_claims().others.get("nbf") else { return Ok(()) };
        match nbf.as_f64() {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "saturates, and part of a second is below the skew"
            )]
            Some(seconds) if Timestamp::from_seconds(seconds as i64) > self.now.plus(SKEW) => {
                Err(Refusal::NotYetValid)
            }
            Some(_) => Ok(()),
            None => Err(Refusal::TokenMalformed),
        }
    }

    /// Proves that `prompt=login` and `max_age` were obeyed: both pass through the person's browser, which can
    /// take them away.
    fn authenticated_at(&self, claims: &VerifiedClaims) -> Result<Timestamp, Refusal> {
        let at = claims.auth_time().map(|at| Timestamp::from_millis(at.timestamp_millis()));
        let at = at.or_else(|| self.instant(claims)).ok_or(Refusal::AuthTimeMissing)?;
        if at > self.now.plus(SKEW) {
            Err(Refusal::AuthTimeAhead)
        } else if at < self.pending.begun_at.minus(SKEW) {
            Err(Refusal::AuthTimeStale)
        } else {
            // A broker's fast clock makes no proof last longer.
            Ok(at.min(self.now))
        }
    }

    fn instant(&self, claims: &VerifiedClaims) -> Option<Timestamp> {
        let instant: jiff::Timestamp =
            text(&claims.additional_claims().others, self.dialect.instant?)?.parse().ok()?;
        Some(Timestamp::from_millis(instant.as_millisecond()))
    }
}

fn refusal(error: ClaimsVerificationError) -> Refusal {
    match error {
        ClaimsVerificationError::InvalidIssuer(_) => Refusal::IssuerWrong,
        ClaimsVerificationError::InvalidAudience(_) => Refusal::AudienceWrong,
        ClaimsVerificationError::Expired(_) => Refusal::Expired,
        ClaimsVerificationError::InvalidNonce(_) => Refusal::NonceWrong,
        ClaimsVerificationError::SignatureVerification(error) => match error {
            SignatureVerificationError::NoMatchingKey => Refusal::KeyUnknown,
            SignatureVerificationError::DisallowedAlg(_) | SignatureVerificationError::NoSignature => {
                Refusal::AlgorithmDisallowed
            }
            _ => Refusal::SignatureInvalid,
        },
        _ => Refusal::IdTokenUnsupported,
    }
}
