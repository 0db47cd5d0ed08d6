//! Why somebody breaks glass, as it is kept.

use crate::pages::view::ReasonError;

/// A reason of 10 to 500 characters, on one line. CPR numbers in it are made unreadable: the audit has none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason(String);

impl Reason {
    pub fn parse(typed: &str) -> Result<Self, ReasonError> {
        let line: Vec<&str> = typed.split(|c: char| c.is_whitespace() || c.is_control()).collect();
        let line = line.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
        match line.chars().count() {
            0..10 => Err(ReasonError::TooShort),
            10..=500 => Ok(Self(without_cpr(&line))),
            _ => Err(ReasonError::TooLong),
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Any ten digits, with or without a hyphen or a space after the sixth, that are no part of more.
fn without_cpr(line: &str) -> String {
    let mut kept = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        let (before, from) = rest.split_at(start);
        kept.push_str(before);
        let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
        let first = digits(from);
        let gap = usize::from(first == 6 && from[6..].starts_with(['-', ' ']));
        let second = if first == 6 { digits(&from[6 + gap..]) } else { 0 };
        let cpr = first == 10 || (first == 6 && gap == 1 && second == 4);
        let (number, after) = from.split_at(if cpr { first + gap + second } else { first });
        kept.push_str(if cpr { "[CPR]" } else { number });
        rest = after;
    }
    kept + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_ten_to_five_hundred_characters() {
        for short in ["", "   ", "ni tegn  .", "123456789", "a         b", "\u{0}\u{1}\n\n\n\n\n\n\n\n\n"] {
            assert_eq!(Reason::parse(short), Err(ReasonError::TooShort), "{short:?}");
        }
        assert_eq!(Reason::parse("æøåæøåæøåæ").unwrap().as_str(), "æøåæøåæøåæ");
        assert_eq!(Reason::parse(&"å".repeat(500)).unwrap().as_str().chars().count(), 500);
        assert_eq!(Reason::parse(&"å".repeat(501)), Err(ReasonError::TooLong));
    }

    #[test]
    fn a_reason_is_one_line_without_cpr_numbers() {
        for (typed, kept) in [
            ("Fald på\r\n  badeværelset\t.", "Fald på badeværelset ."),
            ("Borger 010190-1234 er faldet", "Borger [CPR] er faldet"),
            ("Borger 0101901234, 010190 1234", "Borger [CPR], [CPR]"),
            ("Stue 12, tlf. 12345678", "Stue 12, tlf. 12345678"),
            ("Sag 010190-12345 af 01019012345", "Sag 010190-12345 af 01019012345"),
            ("010190-1234", "[CPR]"),
        ] {
            assert_eq!(Reason::parse(typed).unwrap().as_str(), kept, "{typed:?}");
        }
    }
}
