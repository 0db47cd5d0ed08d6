//! One-time codes: what the service desk reads out, so that a person can register a first key.

use std::fmt;
use std::time::Duration;

use crate::random::{self, Random};
use crate::store::TokenHash;

/// How long one is good.
pub const LIFETIME: Duration = Duration::from_hours(24);

/// Twenty characters of Crockford's base32: 100 random bits.
#[derive(Clone, PartialEq, Eq)]
pub struct Code([u8; LENGTH]);

const LENGTH: usize = 20;

/// Without I, L, O and U (crockford.com/base32.html).
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

#[derive(Copy, Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a code has twenty letters and digits, written XXXXX-XXXXX-XXXXX-XXXXX")]
pub struct InvalidCode;

impl Code {
    pub fn generate(random: &dyn Random) -> Self {
        Self(random::bytes(random).map(|byte: u8| ALPHABET[usize::from(byte & 31)]))
    }

    /// As it was heard and typed: in either case, with or without spaces and dashes, O for 0, I or L for 1.
    pub fn parse(typed: &str) -> Result<Self, InvalidCode> {
        let mut code = [0; LENGTH];
        let mut places = code.iter_mut();
        for c in typed.chars().filter(|c| !c.is_whitespace() && !matches!(c, '-' | '‐' | '‑' | '–')) {
            let letter = match c.to_ascii_uppercase() {
                'O' => '0',
                'I' | 'L' => '1',
                other => other,
            };
            let letter = u8::try_from(letter).ok().filter(|letter| ALPHABET.contains(letter));
            *places.next().ok_or(InvalidCode)? = letter.ok_or(InvalidCode)?;
        }
        if places.next().is_some() { Err(InvalidCode) } else { Ok(Self(code)) }
    }

    /// What the store keeps.
    pub fn hash(&self) -> TokenHash {
        TokenHash::of(&self.0)
    }
}

/// In four groups, to be read out. It is a secret: show it once, to whoever asked for it.
impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, letter) in self.0.iter().enumerate() {
            if n > 0 && n % 5 == 0 {
                f.write_str("-")?;
            }
            write!(f, "{}", char::from(*letter))?;
        }
        Ok(())
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Code(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SeededRandom;

    #[test]
    fn a_code_is_read_as_it_is_written() {
        let random = SeededRandom::new(1);
        let code = Code::generate(&random);
        let shown = code.to_string();
        assert_eq!(shown.len(), 23);
        assert_eq!(Code::parse(&shown), Ok(code.clone()));
        assert_ne!(Code::generate(&random), code);
        assert_eq!(format!("{code:?}"), "Code(…)");
    }

    #[test]
    fn what_was_heard_is_forgiven() {
        let code = Code::parse("01ABC-DEF01-GHJ10-KMNPQ").unwrap();
        assert_eq!(code.to_string(), "01ABC-DEF01-GHJ10-KMNPQ");
        for typed in ["oiabc defol ghjLO kmnpq", "OIABCDEFOIGHJIOKMNPQ", " 01abc–def01–ghj10–kmnpq\t"] {
            let heard = Code::parse(typed).unwrap();
            assert_eq!(heard.hash(), code.hash(), "{typed:?}");
        }
    }

    #[test]
    fn what_is_no_code_is_refused() {
        for typed in [
            "",
            "-",
            "01ABC-DEF01-GHJ10-KMNP",
            "01ABC-DEF01-GHJ10-KMNPQR",
            "U1ABC-DEF01-GHJ10-KMNPQ",
            "Å1ABC-DEF01-GHJ10-KMNPQ",
        ] {
            assert_eq!(Code::parse(typed), Err(InvalidCode), "{typed:?}");
        }
    }
}
