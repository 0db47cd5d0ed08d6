//! What may become a password (NIST SP 800-63B-4, 3.1.1.2; ASVS 6.2).

use unicode_normalization::UnicodeNormalization as _;

use super::MAX_BYTES;
use crate::secret::Secret;
use crate::user::Username;

/// An installation's rules for new passwords: length, and not among the first that anybody would guess. No
/// kinds of characters are demanded, for that makes passwords no stronger.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
pub struct Rules {
    minimum: usize,
}

/// Why a password may not be set.
#[derive(Copy, Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Unfit {
    #[error("a password has {minimum} characters or more")]
    TooShort { minimum: usize },
    #[error("a password has {MAX_BYTES} bytes or fewer")]
    TooLong,
    #[error("a password does not contain the user name")]
    ContainsUsername,
    #[error("this password is among the first that anybody would guess")]
    Guessable,
}

impl Default for Rules {
    fn default() -> Self {
        Self { minimum: 12 }
    }
}

impl Rules {
    /// The least there is: enough where a password never stands alone but always with a key or MitID
    /// (NIST SP 800-63B-4, 3.1.1.2).
    pub const LEAST: usize = 8;

    /// `None` if `minimum`, in code points, is below [`Rules::LEAST`].
    pub const fn at_least(minimum: usize) -> Option<Self> {
        if minimum < Self::LEAST { None } else { Some(Self { minimum }) }
    }

    pub fn check(self, typed: &Secret<String>, username: &Username) -> Result<(), Unfit> {
        if typed.expose().len() > MAX_BYTES {
            return Err(Unfit::TooLong);
        }
        let password: String = typed.expose().nfkc().collect();
        if password.chars().count() < self.minimum {
            return Err(Unfit::TooShort { minimum: self.minimum });
        }
        let folded = password.to_lowercase();
        if folded.contains(username.as_str()) && username.as_str().chars().count() >= 3 {
            return Err(Unfit::ContainsUsername);
        }
        if guessable(&folded) {
            return Err(Unfit::Guessable);
        }
        Ok(())
    }
}

/// A few characters over and over, a walk along the keyboard, or a common word with digits around it.
fn guessable(folded: &str) -> bool {
    let mut distinct: Vec<char> = folded.chars().collect();
    distinct.sort_unstable();
    distinct.dedup();
    if distinct.len() < 5 || WALKS.iter().any(|walk| walk.contains(folded)) {
        return true;
    }
    let bare = folded.trim_matches(|c: char| !c.is_alphabetic());
    !bare.is_empty() && COMMON.iter().any(|word| bare.replace(word, "").is_empty())
}

const WALKS: [&str; 5] = [
    "012345678901234567890123456789",
    "098765432109876543210987654321",
    "qwertyuiopåasdfghjklæøzxcvbnm",
    "1q2w3e4r5t6y7u8i9o0p",
    "abcdefghijklmnopqrstuvwxyzæøå",
];

/// The stems of the commonest passwords of eight characters or more, Danish and English.
const COMMON: [&str; 40] = [
    "password",
    "passw0rd",
    "p@ssword",
    "p@ssw0rd",
    "kodeord",
    "adgangskode",
    "hemmelig",
    "hemmeligt",
    "velkommen",
    "welcome",
    "sommer",
    "vinter",
    "efterår",
    "forår",
    "summer",
    "winter",
    "autumn",
    "spring",
    "danmark",
    "denmark",
    "københavn",
    "aarhus",
    "kommune",
    "hjemmepleje",
    "qwerty",
    "qwertyuiop",
    "asdfghjkl",
    "letmein",
    "iloveyou",
    "jegelskerdig",
    "fodbold",
    "football",
    "baseball",
    "sunshine",
    "princess",
    "dragon",
    "monkey",
    "superman",
    "administrator",
    "changeme",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn check(minimum: usize, typed: &str) -> Result<(), Unfit> {
        let rules = Rules::at_least(minimum).expect("8 or more");
        rules.check(&Secret::new(typed.to_owned()), &Username::parse("nez").unwrap())
    }

    #[test]
    fn every_code_point_counts_one() {
        assert_eq!(check(8, "æøå ÆØÅ!"), Ok(()));
        assert_eq!(check(8, "æøåÆØÅ!"), Err(Unfit::TooShort { minimum: 8 }));
        assert_eq!(check(8, "e\u{301}a\u{301}o\u{301}i\u{301}u\u{301}"), Err(Unfit::TooShort { minimum: 8 }));
        assert_eq!(Rules::default(), Rules::at_least(12).unwrap());
        assert_eq!(Rules::at_least(7), None);
    }

    #[test]
    fn long_ones_are_welcome_up_to_the_limit() {
        let long: String = ('a'..='p').cycle().take(MAX_BYTES).collect();
        assert_eq!(check(12, &long), Ok(()));
        assert_eq!(check(12, &format!("{long}x")), Err(Unfit::TooLong));
    }

    #[test]
    fn no_kind_of_character_is_demanded() {
        for typed in ["sluse-demo-2026", "rigtig hest batteri", "grusgravens måge", "8401 2266 1397 5"] {
            assert_eq!(check(12, typed), Ok(()), "{typed}");
        }
    }

    #[test]
    fn the_first_guesses_are_refused() {
        for typed in
            ["aaaaaaaaaaaa", "121212121212", "Password2026!", "Sommer2026!!", "qwertyuiopå", "12345678901"]
        {
            assert_eq!(check(8, typed), Err(Unfit::Guessable), "{typed}");
        }
        assert_eq!(check(8, "velkommenvelkommen1"), Err(Unfit::Guessable));
        assert_eq!(check(8, "min-NEZ-er-her"), Err(Unfit::ContainsUsername));
    }
}
