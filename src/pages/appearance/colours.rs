//! `colours.yaml`: colours of the stylesheet by their names there, light and dark, and whether they can be read.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use super::OwnFile;
use crate::pages::asset::asset;
use crate::policy::document::{Node, Value};
use crate::policy::problem::{Problem, Source};
use crate::policy::reader::{Report, nearest};

/// A colour in sRGB, without transparency.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
struct Colour([u8; 3]);

type Scheme = BTreeMap<String, Colour>;

/// What the file says, by scheme.
#[derive(Debug, Default)]
pub(super) struct Colours {
    light: Scheme,
    dark: Scheme,
}

/// What is read on what, and the least contrast there (WCAG 2.2: 1.4.3 for text, 1.4.11 for the edges of fields).
const PAIRS: &[(&str, &str, f64)] = &[
    ("ink", "page", TEXT),
    ("ink", "card", TEXT),
    ("ink", "soft", TEXT),
    ("ink", "raised", TEXT),
    ("muted", "page", TEXT),
    ("muted", "card", TEXT),
    ("muted", "soft", TEXT),
    ("brand", "page", TEXT),
    ("brand", "card", TEXT),
    ("brand", "soft", TEXT),
    ("brand", "raised", TEXT),
    ("brand-strong", "page", TEXT),
    ("brand-strong", "card", TEXT),
    ("brand-strong", "soft", TEXT),
    ("on-brand", "brand", TEXT),
    ("on-brand", "brand-strong", TEXT),
    ("bad", "card", TEXT),
    ("bad", "bad-soft", TEXT),
    ("on-bad", "bad", TEXT),
    ("good", "good-soft", TEXT),
    ("warn", "warn-soft", TEXT),
    ("edge", "card", 3.0),
];
const TEXT: f64 = 4.5;

impl Colours {
    pub fn load(path: &Path) -> Result<Self, Vec<Problem>> {
        let source = Source::load(path).map_err(|problem| vec![problem])?;
        let (tree, yaml) = source.parse();
        let report = Report::with(&source, yaml);
        let mut colours = Self::default();
        for (key, node) in tree.iter().flat_map(|tree| report.entries(tree)) {
            match key.name.as_str() {
                "light" => colours.light = scheme(&report, node, &ours(0)),
                "dark" => colours.dark = scheme(&report, node, &ours(1)),
                name => {
                    let help = "write `light:` or `dark:`, and the colours below";
                    report.add(key.span, format!("there is no scheme `{name}`"), help);
                }
            }
        }
        let problems = report.into_problems();
        if problems.is_empty() { Ok(colours) } else { Err(problems) }
    }

    /// To follow our own stylesheet, which has a value for every name.
    pub fn file(&self) -> OwnFile {
        let rules = |scheme: &Scheme| {
            let rules = scheme.iter().map(|(name, colour)| format!("--{name}:{colour}"));
            rules.collect::<Vec<_>>().join(";")
        };
        let css = format!(
            "@media not all and (prefers-color-scheme:dark){{:root{{{}}}}}\n\
             @media (prefers-color-scheme:dark){{:root{{{}}}}}\n",
            rules(&self.light),
            rules(&self.dark)
        );
        OwnFile::new("own.css", "text/css; charset=utf-8", css.into_bytes())
    }
}

/// The colours named under one scheme. Those that are not named stay as they are in `ours`.
fn scheme(report: &Report<'_>, node: &Node, ours: &Scheme) -> Scheme {
    let mut named = Scheme::new();
    for (key, node) in report.entries(node) {
        if !ours.contains_key(&key.name) {
            let names: Vec<&str> = ours.keys().map(String::as_str).collect();
            let help = match nearest(&key.name, &names) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("the colours are: {}", names.join(", ")),
            };
            report.add(key.span, format!("there is no colour `{}`", key.name), help);
        } else if node.value == Value::Null {
            let help = "quote it, as a bare `#` begins a comment: `\"#0b5c68\"`";
            report.add(key.span, "a colour is missing", help);
        } else if let Some(colour) = report.parse(node, "write it as `\"#0b5c68\"`", Colour::parse) {
            named.insert(key.name.clone(), colour);
        }
    }
    let of = |name: &str| named.get(name).or_else(|| ours.get(name));
    for (front, back, least) in PAIRS {
        let (Some(ink), Some(ground)) = (of(front), of(back)) else { continue };
        let ratio = ink.contrast(*ground);
        // Ours are fine together: one of the two stands in the file.
        let place = report.entries(node).iter().find(|(key, _)| key.name == *front || key.name == *back);
        let Some((key, _)) = place.filter(|_| ratio < *least) else { continue };
        // Rounded down: 4.49 is not enough, and must not look as though it were.
        let ratio = (ratio * 100.0).floor() / 100.0;
        let message = format!(
            "`{front}` ({ink}) on `{back}` ({ground}) has a contrast of {ratio:.2}:1, and {least}:1 is needed"
        );
        report.add(
            key.span,
            message,
            "make the one darker or the other lighter (WCAG 2.2, 1.4.3 and 1.4.11)",
        );
    }
    named
}

/// The colours of our own stylesheet: its `n`th `:root` is light, then dark.
fn ours(n: usize) -> Scheme {
    let css = asset("app.css").map(|file| String::from_utf8_lossy(file.bytes)).unwrap_or_default();
    let block = css.split(":root {").nth(n + 1).and_then(|rest| rest.split('}').next()).unwrap_or_default();
    let lines =
        block.lines().filter_map(|line| line.trim().strip_prefix("--")?.strip_suffix(';')?.split_once(": "));
    lines.filter_map(|(name, value)| Some((name.to_owned(), Colour::parse(value).ok()?))).collect()
}

impl Colour {
    /// `#rgb` or `#rrggbb` (CSS Color 4, section 5.2).
    fn parse(text: &str) -> Result<Self, String> {
        let unusable = || format!("`{text}` is not a colour that is known here");
        let digits = text.strip_prefix('#').ok_or_else(unusable)?;
        let digits: Option<Vec<u8>> = digits.chars().map(|c| Some(c.to_digit(16)? as u8)).collect();
        match digits.ok_or_else(unusable)?[..] {
            [r, g, b] => Ok(Self([r * 17, g * 17, b * 17])),
            [r, rr, g, gg, b, bb] => Ok(Self([r * 16 + rr, g * 16 + gg, b * 16 + bb])),
            _ => Err(unusable()),
        }
    }

    /// WCAG 2.2, "relative luminance".
    fn luminance(self) -> f64 {
        let [r, g, b] = self.0.map(|part| {
            let part = f64::from(part) / 255.0;
            if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        });
        0.2126 * r + 0.7152 * g + 0.0722 * b
    }

    /// WCAG 2.2, "contrast ratio": from 1 to 21.
    fn contrast(self, other: Self) -> f64 {
        let (one, two) = (self.luminance(), other.luminance());
        (one.max(two) + 0.05) / (one.min(two) + 0.05)
    }
}

impl fmt::Display for Colour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [r, g, b] = self.0;
        write!(f, "#{r:02x}{g:02x}{b:02x}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_colours_can_be_read() {
        for n in [0, 1] {
            let ours = ours(n);
            for (front, back, least) in PAIRS {
                let ratio = ours[*front].contrast(ours[*back]);
                assert!(ratio >= *least, "{front} on {back}: {ratio:.2}");
            }
        }
        assert_eq!(ours(0).keys().collect::<Vec<_>>(), ours(1).keys().collect::<Vec<_>>());
    }

    #[test]
    fn contrast_as_wcag_has_it() {
        let contrast = |a, b| (Colour::parse(a).unwrap().contrast(Colour::parse(b).unwrap()) * 100.0).round();
        assert_eq!(contrast("#000", "#fff"), 2100.0);
        assert_eq!(contrast("#777", "#ffffff"), 448.0);
        assert_eq!(contrast("#0060e6", "#0060E6"), 100.0);
    }

    #[test]
    fn a_colour_is_a_number_and_nothing_else() {
        assert_eq!(Colour::parse("#0b5c68").unwrap().to_string(), "#0b5c68");
        assert_eq!(Colour::parse("#F0a").unwrap().to_string(), "#ff00aa");
        for text in
            ["", "#", "red", "0b5c68", "#0b5c6", "#0b5c68;}", "#0b5c6g", "#0b5c68ff", "url(x)", "#ééé"]
        {
            assert!(Colour::parse(text).is_err(), "{text}");
        }
    }
}
