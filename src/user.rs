//! People: their names, numbers and records.

use std::fmt;

use unicode_normalization::UnicodeNormalization as _;
use uuid::Uuid;

use crate::time::Timestamp;

/// Identifies a person in the store and, as its 16 bytes, to authenticators (the WebAuthn user handle):
/// random, and telling nothing of the person.
#[derive(Copy, Clone, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub struct UserId(pub Uuid);

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A user name in its one spelling: trimmed, NFKC, lower case. So `Nez`, ` nez` and `NEZ` are one person,
/// and one bucket wherever attempts are counted.
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub struct Username(String);

#[derive(Copy, Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a user name has 1 to 128 characters, none of them a space or a control character")]
pub struct InvalidUsername;

impl Username {
    pub fn parse(typed: &str) -> Result<Self, InvalidUsername> {
        let typed = typed.trim();
        let name = if typed.is_ascii() {
            // Most are, and this is what the rest comes to for them.
            typed.to_ascii_lowercase()
        } else {
            typed.nfkc().flat_map(char::to_lowercase).nfkc().collect()
        };
        let fits = (1..=128).contains(&name.chars().count());
        if !fits || name.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return Err(InvalidUsername);
        }
        Ok(Self(name))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Username {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A Danish civil registration number: ten digits. Never stored, logged or shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Cpr(String);

#[derive(Copy, Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a CPR number has ten digits, written ddmmyyxxxx or ddmmyy-xxxx")]
pub struct InvalidCpr;

impl Cpr {
    pub fn parse(typed: &str) -> Result<Self, InvalidCpr> {
        let typed = typed.trim();
        let digits = match typed.as_bytes() {
            [date @ .., b'-', _, _, _, _] if date.len() == 6 => typed.replacen('-', "", 1),
            _ => typed.to_owned(),
        };
        if digits.len() == 10 && digits.bytes().all(|b| b.is_ascii_digit()) {
            Ok(Self(digits))
        } else {
            Err(InvalidCpr)
        }
    }

    /// The ten digits, for hashing and comparing alone.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Cpr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cpr(…)")
    }
}

/// A CPR number under the installation's key: see [`crate::secret::Keys::cpr_hash`].
#[derive(Copy, Clone, PartialEq, Eq, Hash)]
pub struct CprHash([u8; 32]);

impl CprHash {
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for CprHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CprHash(…)")
    }
}

/// Our record of a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    pub id: UserId,
    pub username: Username,
    /// As shown on pages.
    pub name: String,
    pub groups: Vec<String>,
    /// What else policies may ask of a person, by name; a name may have several values. In order.
    pub claims: Vec<(String, String)>,
    pub cpr: Option<CprHash>,
    pub disabled: bool,
    /// The account ends here, if it ends.
    pub expires_at: Option<Timestamp>,
    pub created_at: Timestamp,
}

impl User {
    /// Gives the claim `name` these values, in place of those it had.
    pub fn set_claim(&mut self, name: &str, values: &[String]) {
        self.claims.retain(|(had, _)| had != name);
        self.claims.extend(values.iter().map(|value| (name.to_owned(), value.clone())));
        self.claims.sort();
        self.claims.dedup();
    }

    /// Whether the account may be used at `now`.
    pub fn active(&self, now: Timestamp) -> bool {
        !self.disabled && self.expires_at.is_none_or(|end| now < end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ascii_is_spelled_as_all_else_is() {
        for ascii in '!'..='~' {
            let alone = Username::parse(&format!(" {ascii}")).unwrap();
            // Beside a letter that is none, it goes the long way.
            let beside = Username::parse(&format!("\u{f8}{ascii}")).unwrap();
            assert_eq!(beside.as_str(), format!("\u{f8}{alone}"));
        }
    }

    #[test]
    fn spellings_of_a_name_are_one() {
        let nez = Username::parse("nez").unwrap();
        for typed in ["NEZ", " nez", "ｎｅｚ", "Nez "] {
            assert_eq!(Username::parse(typed), Ok(nez.clone()), "{typed:?}");
        }
        assert_eq!(Username::parse("S\u{f8}ren"), Username::parse("SØREN"));
        assert_eq!(Username::parse("Ame\u{301}lie"), Username::parse("am\u{e9}lie"));
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for typed in ["", "  ", "a b", "a\0", "a\r\nb", &"x".repeat(129)] {
            assert_eq!(Username::parse(typed), Err(InvalidUsername), "{typed:?}");
        }
    }

    #[test]
    fn cpr_numbers() {
        assert_eq!(Cpr::parse("010190-1234"), Cpr::parse("0101901234"));
        for typed in ["", "01019012", "010190-12345", "01-01901234", "010190x234", "٠١٠١٩٠١٢٣٤"] {
            assert_eq!(Cpr::parse(typed), Err(InvalidCpr), "{typed:?}");
        }
        assert_eq!(format!("{:?}", Cpr::parse("0101901234").unwrap()), "Cpr(…)");
    }
}
