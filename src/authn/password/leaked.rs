//! Passwords that have leaked and that everybody tries first. The list is part of the program: nobody's new password
//! is ever asked about elsewhere. Where it comes from stands in `leaked.LICENSE`.

/// In lower case and NFKC, sorted by bytes, one a line, each of six characters or more.
static LIST: &str = include_str!("leaked.txt");

/// Whether a password (in lower case and NFKC) is one of the list, or one of the list over and over, whatever digits
/// and signs stand around it, and whether or not `@` stands for `a`, `0` for `o` and so on.
pub(super) fn is_leaked(folded: &str) -> bool {
    let plain: String = folded.chars().map(letter).collect();
    [folded, plain.as_str()].into_iter().any(|text| {
        let bare = text.trim_matches(|c: char| !c.is_alphabetic());
        contains(unit(text)) || contains(unit(bare))
    })
}

/// What the text repeats: `abc` of `abcabc`, else all of it.
fn unit(text: &str) -> &str {
    let lengths = text.char_indices().map(|(at, _)| at).skip(1);
    let repeated = |length: &usize| {
        let part = &text[..*length];
        text.len().is_multiple_of(*length) && text.as_bytes().chunks(*length).all(|it| it == part.as_bytes())
    };
    lengths.into_iter().find(repeated).map_or(text, |length| &text[..length])
}

/// The letter a sign commonly stands for.
fn letter(sign: char) -> char {
    match sign {
        '@' | '4' => 'a',
        '3' => 'e',
        '1' | '!' => 'i',
        '0' => 'o',
        '5' | '$' => 's',
        '7' => 't',
        other => other,
    }
}

fn contains(word: &str) -> bool {
    let (mut from, mut to) = (0, LIST.len());
    while from < to {
        let middle = from + (to - from) / 2;
        let start = LIST.as_bytes()[..middle].iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let rest = &LIST[start..];
        let line = rest.split('\n').next().unwrap_or(rest);
        match line.cmp(word) {
            std::cmp::Ordering::Equal => return !word.is_empty(),
            std::cmp::Ordering::Less => from = start + line.len() + 1,
            std::cmp::Ordering::Greater => to = start,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_list_is_found_and_nothing_between() {
        let lines: Vec<&str> = LIST.lines().collect();
        assert!(lines.len() > 40_000 && lines.is_sorted());
        for line in &lines {
            assert!(contains(line), "{line}");
            assert!(line.chars().count() >= 6 && !line.contains(char::is_whitespace), "{line:?}");
        }
        for word in ["", "\n", "rigtig hest batteri", "zzzzzzzzzzzzzzzzzzzzzzzzz", "grusgravens"] {
            assert!(!contains(word), "{word:?}");
        }
    }

    #[test]
    fn what_is_around_it_and_how_often_it_stands_there_hides_it_not() {
        for known in
            ["sunshine", "5un5h1n3", "!!sunshine2026!", "sunshinesunshine", "minnesota_hp", "qazwsxedc"]
        {
            assert!(is_leaked(known), "{known}");
        }
        for fine in ["sunshine og regn", "æblegrød-og-fløde", "8401 2266 1397 5", ""] {
            assert!(!is_leaked(fine), "{fine}");
        }
    }
}
