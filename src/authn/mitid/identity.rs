//! Who the broker says it was, and how surely.

use serde_json::{Map, Value};

use crate::authn::mitid::error::{Refusal, reached};
use crate::authn::mitid::preset::{Dialect, text};
use crate::authn::{MitIdEvidence, MitIdLevel};
use crate::user::Cpr;

/// A person, as a broker vouches for them. Whether this is the person of the session is for the caller to say.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Identity {
    pub evidence: MitIdEvidence,
    /// Not every broker, nor every agreement with one, gives it.
    pub cpr: Option<Cpr>,
    /// For showing alone: people may have theirs protected.
    pub name: Option<String>,
    /// The broker's or MitID's own id of this login, for the audit.
    pub transaction: Option<String>,
}

/// The id_token's claims and, below them, the userinfo's: what is signed wins.
pub(super) struct Vouched {
    claims: Map<String, Value>,
}

impl Vouched {
    pub fn merge(id_token: Map<String, Value>, userinfo: Map<String, Value>) -> Self {
        let mut claims = userinfo;
        claims.extend(id_token);
        Self { claims }
    }

    /// The level reached, refused below `asked`. Absent and unknown are no level at all.
    pub fn level(&self, dialect: &Dialect, asked: MitIdLevel) -> Result<MitIdLevel, Refusal> {
        if let Some((claim, accepted)) = dialect.scheme
            && self.claims.contains_key(claim)
            && !text(&self.claims, claim).is_some_and(|scheme| accepted.contains(&scheme))
        {
            return Err(Refusal::SchemeForeign);
        }
        let claim = self.claims.get(&dialect.level).ok_or(Refusal::LevelMissing)?;
        let spelling = claim.as_str().ok_or(Refusal::LevelUnknown)?;
        reached(*dialect.levels.get(spelling).ok_or(Refusal::LevelUnknown)?, asked)
    }

    pub fn identity(&self, dialect: &Dialect, evidence: MitIdEvidence) -> Result<Identity, Refusal> {
        let transaction = dialect.transaction.iter().find_map(|claim| self.line(claim));
        Ok(Identity { evidence, cpr: self.cpr(dialect)?, name: self.line(dialect.name), transaction })
    }

    fn cpr(&self, dialect: &Dialect) -> Result<Option<Cpr>, Refusal> {
        let Some(claim) = self.claims.get(&dialect.cpr) else { return Ok(None) };
        // Ten digits are a person's number in other countries too.
        if let Some(country) = dialect.country
            && self.claims.contains_key(country)
            && text(&self.claims, country) != Some("DK")
        {
            return Err(Refusal::CprMalformed);
        }
        // As a JSON number it would have lost a leading zero.
        let digits = claim.as_str().ok_or(Refusal::CprMalformed)?;
        Cpr::parse(digits).map(Some).map_err(|_| Refusal::CprMalformed)
    }

    /// A short line of text: 200 characters at most, none of them a control character.
    fn line(&self, claim: &str) -> Option<String> {
        let line: String = text(&self.claims, claim)?.chars().filter(|c| !c.is_control()).take(200).collect();
        (!line.trim().is_empty()).then(|| line.trim().to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authn::mitid::preset::Preset;
    use crate::authn::mitid::settings::ClaimOverrides;
    use serde_json::json;

    fn vouched(claims: Value) -> Vouched {
        Vouched::merge(claims.as_object().unwrap().clone(), Map::new())
    }

    fn level(preset: Preset, claims: Value) -> Result<MitIdLevel, Refusal> {
        vouched(claims).level(&preset.dialect(&ClaimOverrides::default()), MitIdLevel::Substantial)
    }

    fn cpr(preset: Preset, claims: Value) -> Result<Option<Cpr>, Refusal> {
        vouched(claims).cpr(&preset.dialect(&ClaimOverrides::default()))
    }

    #[test]
    fn what_is_signed_wins() {
        let claims = |level: &str| json!({ "loA": level }).as_object().unwrap().clone();
        let vouched = Vouched::merge(claims("LOW"), claims("HIGH"));
        let dialect = Preset::Idura.dialect(&ClaimOverrides::default());
        assert_eq!(vouched.level(&dialect, MitIdLevel::Low), Ok(MitIdLevel::Low));
        assert_eq!(vouched.level(&dialect, MitIdLevel::Substantial), Err(Refusal::LevelTooLow));
    }

    #[test]
    fn a_level_is_one_accepted_spelling_or_none() {
        assert_eq!(level(Preset::Idura, json!({ "loA": "HIGH" })), Ok(MitIdLevel::High));
        assert_eq!(level(Preset::Idura, json!({})), Err(Refusal::LevelMissing));
        for value in [json!("high"), json!("HIGH "), json!(""), json!(3), json!(null), json!(["HIGH"])] {
            assert_eq!(level(Preset::Idura, json!({ "loA": value })), Err(Refusal::LevelUnknown), "{value}");
        }
        assert_eq!(level(Preset::Idura, json!({ "loa": "HIGH" })), Err(Refusal::LevelMissing));
    }

    #[test]
    fn another_scheme_is_not_mitid() {
        let with = |scheme: Value| level(Preset::Idura, json!({ "loA": "HIGH", "identityscheme": scheme }));
        assert_eq!(with(json!("dkmitid")), Ok(MitIdLevel::High));
        for scheme in [json!("sebankid"), json!("DKMITID"), json!(null)] {
            assert_eq!(with(scheme.clone()), Err(Refusal::SchemeForeign), "{scheme}");
        }
        let neb = "https://data.gov.dk/concept/core/nsis/High";
        assert_eq!(level(Preset::Neb, json!({ "loa": neb, "idp": "nemid" })), Err(Refusal::SchemeForeign));
        assert_eq!(
            level(Preset::Signicat, json!({ "mitid_loa": "HIGH", "idp_issuer": "x" })),
            Err(Refusal::SchemeForeign)
        );
    }

    #[test]
    fn cpr_numbers_are_danish_and_text() {
        let number = Cpr::parse("0101901234").unwrap();
        assert_eq!(cpr(Preset::Neb, json!({ "dk.cpr": "0101901234" })), Ok(Some(number.clone())));
        assert_eq!(
            cpr(Preset::Idura, json!({ "cprNumberIdentifier": "010190-1234" })),
            Ok(Some(number.clone()))
        );
        assert_eq!(cpr(Preset::Neb, json!({})), Ok(None));
        for value in [json!(1_010_190_123), json!("01019012345"), json!(""), json!(null)] {
            assert_eq!(cpr(Preset::Neb, json!({ "dk.cpr": value })), Err(Refusal::CprMalformed), "{value}");
        }
        let signicat = |country: &str| {
            cpr(Preset::Signicat, json!({ "nin": "0101901234", "nin_issuing_country": country }))
        };
        assert_eq!(signicat("DK"), Ok(Some(number)));
        assert_eq!(signicat("SE"), Err(Refusal::CprMalformed));
    }

    #[test]
    fn lines_are_short_and_plain() {
        let vouched = vouched(json!({ "a": " Nanna\r\nEz\u{0} ", "b": "x".repeat(999), "c": "\n", "d": 1 }));
        assert_eq!(vouched.line("a"), Some("NannaEz".to_owned()));
        assert_eq!(vouched.line("b").unwrap().len(), 200);
        assert_eq!((vouched.line("c"), vouched.line("d"), vouched.line("e")), (None, None, None));
    }
}
