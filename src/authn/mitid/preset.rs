//! How the brokers differ: what to ask them with, and what they call what they answer.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Map, Value, json};

use crate::authn::MitIdLevel;
use crate::authn::mitid::Ask;
use crate::authn::mitid::settings::ClaimOverrides;

/// A broker's dialect.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
pub enum Preset {
    /// Signaturgruppen / Nets eID Broker.
    Neb,
    /// Idura, once Criipto.
    Idura,
    Signicat,
    /// A bridge of one's own, such as one from NemLog-in's SAML.
    Generic,
}

impl Preset {
    pub const ALL: [Self; 4] = [Self::Neb, Self::Idura, Self::Signicat, Self::Generic];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Neb => "neb",
            Self::Idura => "idura",
            Self::Signicat => "signicat",
            Self::Generic => "generic",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|preset| preset.name() == name)
    }

    /// Beside `openid`.
    pub(super) const fn scopes(self) -> &'static [&'static str] {
        match self {
            Self::Neb => &["mitid", "ssn"],
            Self::Idura => &["ssn"],
            Self::Signicat => &["profile", "idp-id", "nin", "mitid-extra"],
            Self::Generic => &["profile"],
        }
    }

    /// What the broker needs in the authorization request to ask for MitID, at `ask`'s level.
    pub(super) fn parameters(self, ask: &Ask<'_>) -> BTreeMap<String, String> {
        let level = ask.level.name();
        let text = ask.reference_text.map(|text| text.chars().take(130).collect::<String>());
        let parameters = match self {
            Self::Neb => {
                let mut mitid = Map::new();
                mitid.insert("loa_value".to_owned(), level.into());
                if let Some(text) = text {
                    mitid.insert("reference_text".to_owned(), STANDARD.encode(text).into());
                }
                vec![
                    ("idp_values", "mitid".to_owned()),
                    ("idp_params", json!({ "mitid": mitid }).to_string()),
                    ("language", ask.language.to_owned()),
                ]
            }
            Self::Idura => {
                let acr = ("acr_values", format!("urn:grn:authn:dk:mitid:{level}"));
                let hint =
                    text.map(|text| ("login_hint", format!("message:{}", URL_SAFE_NO_PAD.encode(text))));
                std::iter::once(acr).chain(hint).collect()
            }
            // A reference text would need a signed request object here.
            Self::Signicat => vec![("acr_values", format!("idp:mitid loa:{level}"))],
            Self::Generic => vec![("acr_values", nsis("loa/", ask.level))],
        };
        parameters.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// What the broker's claims are called, where `overrides` does not say otherwise.
    pub(super) fn dialect(self, overrides: &ClaimOverrides) -> Dialect {
        let levels = [MitIdLevel::Low, MitIdLevel::Substantial, MitIdLevel::High];
        let urls = || {
            levels.iter().flat_map(|level| [nsis("", *level), nsis("loa/", *level)].map(|url| (url, *level)))
        };
        let words = || levels.iter().map(|level| (level.name().to_ascii_uppercase(), *level));
        let mut dialect = match self {
            Self::Neb => Dialect {
                level: "loa".to_owned(),
                levels: urls().collect(),
                cpr: "dk.cpr".to_owned(),
                name: "mitid.identity_name",
                transaction: &["mitid.transaction_id", "transaction_id"],
                scheme: Some(("idp", &["mitid", "mitid_erhverv"])),
                instant: None,
                country: None,
            },
            Self::Idura => Dialect {
                level: "loA".to_owned(),
                levels: words().collect(),
                cpr: "cprNumberIdentifier".to_owned(),
                name: "name",
                transaction: &["sessionindex"],
                scheme: Some(("identityscheme", &["dkmitid"])),
                instant: Some("authenticationinstant"),
                country: None,
            },
            Self::Signicat => Dialect {
                level: "mitid_loa".to_owned(),
                levels: words().collect(),
                cpr: "nin".to_owned(),
                name: "name",
                transaction: &["mitid_transaction_id"],
                scheme: Some(("idp_issuer", &["MitID"])),
                instant: None,
                country: Some("nin_issuing_country"),
            },
            Self::Generic => Dialect {
                level: "acr".to_owned(),
                levels: urls().collect(),
                cpr: "cpr".to_owned(),
                name: "name",
                transaction: &["transaction_id"],
                scheme: None,
                instant: None,
                country: None,
            },
        };
        if let Some(level) = &overrides.level {
            dialect.level.clone_from(level);
        }
        if let Some(levels) = &overrides.levels {
            dialect.levels.clone_from(levels);
        }
        if let Some(cpr) = &overrides.cpr {
            dialect.cpr.clone_from(cpr);
        }
        dialect
    }
}

/// The names of claims, and the values accepted in them. Matched exactly, character for character.
pub(super) struct Dialect {
    pub level: String,
    pub levels: BTreeMap<String, MitIdLevel>,
    pub cpr: String,
    pub name: &'static str,
    /// The first that is there.
    pub transaction: &'static [&'static str],
    /// What the person used at the broker, and what it may say: the request passes through the person's
    /// browser, where another scheme can be asked for.
    pub scheme: Option<(&'static str, &'static [&'static str])>,
    /// Stands in for `auth_time`, as an RFC 3339 date-time.
    pub instant: Option<&'static str>,
    /// Whose number the CPR claim holds, where it may be another country's.
    pub country: Option<&'static str>,
}

/// A claim's value, if it is text.
pub(super) fn text<'a>(claims: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    claims.get(name).and_then(Value::as_str)
}

/// A level as the Danish concept model writes it: `…/nsis/Substantial`, or `…/nsis/loa/Substantial` in OIOSAML.
fn nsis(segment: &str, level: MitIdLevel) -> String {
    let word = match level {
        MitIdLevel::Low => "Low",
        MitIdLevel::Substantial => "Substantial",
        MitIdLevel::High => "High",
    };
    format!("https://data.gov.dk/concept/core/nsis/{segment}{word}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameters(preset: Preset, text: Option<&str>) -> BTreeMap<String, String> {
        preset.parameters(&Ask { level: MitIdLevel::High, language: "en", reference_text: text })
    }

    #[test]
    fn each_broker_is_asked_in_its_own_words() {
        let neb = parameters(Preset::Neb, Some("Hej"));
        assert_eq!(neb["idp_values"], "mitid");
        assert_eq!(neb["idp_params"], r#"{"mitid":{"loa_value":"high","reference_text":"SGVq"}}"#);
        assert_eq!(neb["language"], "en");
        let idura = parameters(Preset::Idura, Some("Hej"));
        assert_eq!(idura["acr_values"], "urn:grn:authn:dk:mitid:high");
        assert_eq!(idura["login_hint"], "message:SGVq");
        assert_eq!(parameters(Preset::Idura, None).get("login_hint"), None);
        assert_eq!(parameters(Preset::Signicat, None)["acr_values"], "idp:mitid loa:high");
        let generic = parameters(Preset::Generic, None);
        assert_eq!(generic["acr_values"], "https://data.gov.dk/concept/core/nsis/loa/High");
    }

    #[test]
    fn a_reference_text_is_cut_where_mitid_would_refuse_it() {
        let idura = parameters(Preset::Idura, Some(&"å".repeat(200)));
        let encoded = idura["login_hint"].strip_prefix("message:").unwrap();
        assert_eq!(URL_SAFE_NO_PAD.decode(encoded).unwrap(), "å".repeat(130).as_bytes());
    }

    #[test]
    fn a_level_has_the_spellings_of_its_broker_alone() {
        let level = |preset: Preset, spelling: &str| {
            preset.dialect(&ClaimOverrides::default()).levels.get(spelling).copied()
        };
        let substantial = Some(MitIdLevel::Substantial);
        assert_eq!(level(Preset::Neb, "https://data.gov.dk/concept/core/nsis/Substantial"), substantial);
        assert_eq!(level(Preset::Neb, "https://data.gov.dk/concept/core/nsis/loa/Substantial"), substantial);
        assert_eq!(level(Preset::Idura, "SUBSTANTIAL"), substantial);
        assert_eq!(level(Preset::Signicat, "HIGH"), Some(MitIdLevel::High));
        for (preset, spelling) in [
            (Preset::Neb, "Substantial"),
            (Preset::Neb, "https://data.gov.dk/concept/core/nsis/substantial"),
            (Preset::Neb, "https://data.gov.dk/concept/core/nsis/ial/Substantial"),
            (Preset::Idura, "Substantial"),
            (Preset::Generic, "3"),
            (Preset::Generic, "High"),
        ] {
            assert_eq!(level(preset, spelling), None, "{spelling}");
        }
    }

    #[test]
    fn overriding_levels_leaves_none_of_the_presets() {
        let levels = BTreeMap::from([("3".to_owned(), MitIdLevel::Substantial)]);
        let overrides = ClaimOverrides {
            cpr: Some("ssn".to_owned()),
            level: Some("nist".to_owned()),
            levels: Some(levels.clone()),
        };
        let dialect = Preset::Generic.dialect(&overrides);
        assert_eq!((dialect.level.as_str(), dialect.cpr.as_str(), dialect.levels), ("nist", "ssn", levels));
    }
}
