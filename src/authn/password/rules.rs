//! What may become a password (NIST SP 800-63B-4, 3.1.1.2; ASVS 6.2).

use unicode_normalization::UnicodeNormalization as _;

use super::MAX_BYTES;
use super::leaked::is_leaked;
use crate::secret::Secret;
use crate::user::User;

/// An installation's rules for new passwords: length, no word of the person's or the organisation's own, and not among
/// those that anybody would guess. No kinds of characters are demanded, for that makes passwords no stronger.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Rules {
    minimum: usize,
    /// How many of the person's last passwords may not come back, today's among them.
    pub history: usize,
    /// In lower case.
    forbidden: Vec<String>,
}

/// Why a password may not be set.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Unfit {
    #[error("a password has {minimum} characters or more")]
    TooShort { minimum: usize },
    #[error("a password has {MAX_BYTES} bytes or fewer")]
    TooLong,
    #[error("a password does not contain the user name")]
    ContainsUsername,
    #[error("a password does not contain the person's name")]
    ContainsName,
    #[error("a password does not contain `{0}`")]
    Forbidden(String),
    #[error("this password has leaked before, or is among the first that anybody would guess")]
    Guessable,
    #[error("this password was used before")]
    Used,
}

/// All that is wrong with a password at once; never empty.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Unfits(pub Vec<Unfit>);

impl std::error::Error for Unfits {}

impl std::fmt::Display for Unfits {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (n, unfit) in self.0.iter().enumerate() {
            write!(f, "{}{unfit}", if n == 0 { "" } else { "; " })?;
        }
        Ok(())
    }
}

impl Default for Rules {
    fn default() -> Self {
        Self { minimum: 12, history: 8, forbidden: Vec::new() }
    }
}

impl Rules {
    /// The least there is: enough where a password never stands alone but always with a key or MitID
    /// (NIST SP 800-63B-4, 3.1.1.2).
    pub const LEAST: usize = 8;
    /// Each is compared with, and costs a hash.
    pub const MOST_HISTORY: usize = 24;

    /// `None` if `minimum`, in code points, is below [`Rules::LEAST`].
    pub fn at_least(minimum: usize) -> Option<Self> {
        (minimum >= Self::LEAST).then(|| Self { minimum, ..Self::default() })
    }

    /// With words that no password contains, in any case.
    #[must_use]
    pub fn forbidding(self, words: impl IntoIterator<Item = String>) -> Self {
        let fold = |word: String| word.nfkc().collect::<String>().to_lowercase();
        Self { forbidden: words.into_iter().map(fold).filter(|word| !word.is_empty()).collect(), ..self }
    }

    /// In code points.
    pub const fn minimum(&self) -> usize {
        self.minimum
    }

    pub fn check(&self, typed: &Secret<String>, user: &User) -> Result<(), Unfits> {
        // Nothing more is said of one that long: looking would cost more than it tells.
        if typed.expose().len() > MAX_BYTES {
            return Err(Unfits(vec![Unfit::TooLong]));
        }
        let password: String = typed.expose().nfkc().collect();
        let folded = password.to_lowercase();
        let mut unfits = Vec::new();
        if password.chars().count() < self.minimum {
            unfits.push(Unfit::TooShort { minimum: self.minimum });
        }
        let own = user.username.as_str().split('@').next().unwrap_or_default();
        if own.chars().count() >= 3 && folded.contains(own) {
            unfits.push(Unfit::ContainsUsername);
        }
        if name_parts(&user.name).any(|part| folded.contains(&part)) {
            unfits.push(Unfit::ContainsName);
        }
        let forbidden = self.forbidden.iter().filter(|word| folded.contains(word.as_str()));
        unfits.extend(forbidden.cloned().map(Unfit::Forbidden));
        if guessable(&folded) {
            unfits.push(Unfit::Guessable);
        }
        if unfits.is_empty() { Ok(()) } else { Err(Unfits(unfits)) }
    }
}

/// A shorter part is inside too many other words.
const NAME_PART: usize = 4;

fn name_parts(name: &str) -> impl Iterator<Item = String> {
    let folded: String = name.nfkc().collect::<String>().to_lowercase();
    let parts = folded.split(|c: char| !c.is_alphanumeric()).map(str::to_owned).collect::<Vec<_>>();
    parts.into_iter().filter(|part| part.chars().count() >= NAME_PART)
}

/// A few characters over and over, a walk along the keyboard, one that has leaked, or a common word with digits around it.
fn guessable(folded: &str) -> bool {
    let mut distinct: Vec<char> = folded.chars().collect();
    distinct.sort_unstable();
    distinct.dedup();
    if distinct.len() < 5 || WALKS.iter().any(|walk| walk.contains(folded)) || is_leaked(folded) {
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
    use crate::time::Timestamp;
    use crate::user::{UserId, Username};

    fn check(rules: &Rules, typed: &str) -> Vec<Unfit> {
        let nez = User {
            id: UserId(uuid::Uuid::nil()),
            username: Username::parse("nez").unwrap(),
            name: "Inez Ida Lund-Hansen".to_owned(),
            groups: Vec::new(),
            claims: Vec::new(),
            cpr: None,
            disabled: false,
            expires_at: None,
            created_at: Timestamp::EPOCH,
        };
        rules.check(&Secret::new(typed.to_owned()), &nez).err().map_or_else(Vec::new, |unfits| unfits.0)
    }

    fn at_least(minimum: usize) -> Rules {
        Rules::at_least(minimum).expect("8 or more")
    }

    #[test]
    fn every_code_point_counts_one() {
        let eight = at_least(8);
        let short = [Unfit::TooShort { minimum: 8 }];
        assert_eq!(check(&eight, "æøå ÆØÅ!"), []);
        assert_eq!(check(&eight, "æøåBCD!"), short);
        assert_eq!(check(&eight, "e\u{301}a\u{301}o\u{301}i\u{301}u\u{301}"), short);
        assert_eq!(Rules::default(), at_least(12));
        assert_eq!(Rules::at_least(7), None);
    }

    #[test]
    fn long_ones_are_welcome_up_to_the_limit() {
        let long: String = ('a'..='p').chain(['-']).cycle().take(MAX_BYTES).collect();
        assert_eq!(check(&at_least(12), &long), []);
        assert_eq!(check(&at_least(12), &format!("{long}x")), [Unfit::TooLong]);
    }

    #[test]
    fn no_kind_of_character_is_demanded() {
        for typed in ["sluse-demo-2026", "rigtig hest batteri", "grusgravens måge", "8401 2266 1397 5"] {
            assert_eq!(check(&at_least(12), typed), [], "{typed}");
        }
    }

    #[test]
    fn the_first_guesses_are_refused() {
        for typed in [
            "aaaaaaaaaaaa",
            "121212121212",
            "Password2026!",
            "Sommer2026!!",
            "qwertyuiopå",
            "12345678901",
            "Iloveyou-2026",
            "P@ssw0rd2026",
            "Sunshine2026!",
        ] {
            assert_eq!(check(&at_least(8), typed), [Unfit::Guessable], "{typed}");
        }
        assert_eq!(check(&at_least(8), "velkommenvelkommen1"), [Unfit::Guessable]);
    }

    #[test]
    fn all_that_is_wrong_is_told_at_once() {
        let rules = at_least(30).forbidding(["Åby".to_owned(), String::new()]);
        let wrong = [
            Unfit::TooShort { minimum: 30 },
            Unfit::ContainsUsername,
            Unfit::ContainsName,
            Unfit::Forbidden("åby".to_owned()),
        ];
        assert_eq!(check(&rules, "hansen og NEZ i ÅBY"), wrong);
        assert_eq!(check(&at_least(12), "idas blå cykel"), [], "a short name is in many words");
    }
}
