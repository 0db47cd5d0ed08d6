//! Path patterns.

use std::borrow::Cow;
use std::fmt;

use percent_encoding::percent_decode_str;

use super::path::{PathRules, segments, without_parameters};

/// A path pattern: `*` is one segment, a last `**` any number, none included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    segments: Vec<Segment>,
    open: bool,
}

/// A literal is kept decoded: `%C3%B8` and `ø` are one pattern, and `%21` in a request is `!`.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Segment {
    Any,
    Literal(String),
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPattern {
    #[error("the pattern does not begin with `/`")]
    NotAbsolute,
    #[error("`**` may only be the last segment")]
    OpenInside,
    #[error("`*` stands for a whole segment; `{0}` mixes it with other characters")]
    PartOfSegment(String),
    #[error("no request has the segment `{0}`, since paths are normalised first")]
    NeverSeen(String),
    #[error("an empty segment (`//`) never occurs, since paths are normalised first")]
    EmptySegment,
    #[error("`{0}` has no place in a path")]
    NotInPath(char),
    #[error("the pattern has more than {MOST_SEGMENTS} segments")]
    TooLong,
}

/// Bounds how deep trees of patterns become.
const MOST_SEGMENTS: usize = 256;

impl Pattern {
    pub fn parse(text: &str) -> Result<Self, InvalidPattern> {
        let inner = text.strip_prefix('/').ok_or(InvalidPattern::NotAbsolute)?;
        let inner = inner.strip_suffix('/').unwrap_or(inner);
        let (inner, open) = match inner.strip_suffix("**") {
            Some("") => ("", true),
            Some("/") => return Err(InvalidPattern::EmptySegment),
            Some(before) if before.ends_with('/') => (&before[..before.len() - 1], true),
            _ => (inner, false),
        };
        let segments = match inner {
            "" => Vec::new(),
            inner => inner.split('/').map(Segment::parse).collect::<Result<_, _>>()?,
        };
        if segments.len() > MOST_SEGMENTS {
            return Err(InvalidPattern::TooLong);
        }
        Ok(Self { segments, open })
    }

    /// Whether the canonical `path` fits. A last slash makes no difference.
    pub fn fits(&self, path: &str, rules: PathRules) -> bool {
        let mut found = segments(path);
        for expected in &self.segments {
            match found.next() {
                Some(segment) if expected.fits(segment, rules) => {}
                _ => return false,
            }
        }
        self.open || found.next().is_none()
    }

    /// Its segments, `None` for a `*`; and whether it goes on below.
    pub(super) fn parts(&self) -> (impl DoubleEndedIterator<Item = Option<&str>>, bool) {
        (self.segments.iter().map(Segment::literal), self.open)
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (parts, open) = self.parts();
        for part in parts {
            write!(f, "/{}", part.unwrap_or("*"))?;
        }
        match (open, self.segments.is_empty()) {
            (true, _) => f.write_str("/**"),
            (false, true) => f.write_str("/"),
            (false, false) => Ok(()),
        }
    }
}

impl Segment {
    fn parse(text: &str) -> Result<Self, InvalidPattern> {
        if let Some(character) = text.chars().find(|c| c.is_control() || " ?#;\\".contains(*c)) {
            return Err(InvalidPattern::NotInPath(character));
        }
        let decoded = percent_decode_str(text).decode_utf8();
        let decoded = decoded.map_err(|_| InvalidPattern::NeverSeen(text.to_owned()))?;
        match decoded.as_ref() {
            "" => Err(InvalidPattern::EmptySegment),
            "*" => Ok(Self::Any),
            "**" => Err(InvalidPattern::OpenInside),
            "." | ".." => Err(InvalidPattern::NeverSeen(text.to_owned())),
            literal if literal.contains('*') => Err(InvalidPattern::PartOfSegment(text.to_owned())),
            literal if literal.contains(['/', '\\']) => Err(InvalidPattern::NeverSeen(text.to_owned())),
            literal => Ok(Self::Literal(literal.to_owned())),
        }
    }

    fn literal(&self) -> Option<&str> {
        match self {
            Self::Any => None,
            Self::Literal(literal) => Some(literal),
        }
    }

    fn fits(&self, found: &str, rules: PathRules) -> bool {
        let Self::Literal(literal) = self else { return true };
        let found = if rules.matrix { without_parameters(found) } else { found };
        if rules.ignore_case {
            return fold(literal) == fold(&percent_decode_str(found).decode_utf8_lossy());
        }
        // Whatever an escape stands for is shorter than it is.
        match found.len() > literal.len() {
            true => percent_decode_str(found).eq(literal.bytes()),
            false => literal == found && !found.contains('%'),
        }
    }
}

/// A request's segment as literals are kept, and folded where case is ignored.
pub(super) fn spelled(found: &str, rules: PathRules) -> Cow<'_, str> {
    let found = if rules.matrix { without_parameters(found) } else { found };
    let decoded = percent_decode_str(found).decode_utf8_lossy();
    if rules.ignore_case { Cow::Owned(fold(&decoded)) } else { decoded }
}

/// One form for all cases of a word. By way of upper case, so that `ſ` is `s` as it is to such upstreams.
pub(super) fn fold(text: &str) -> String {
    text.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(pattern: &str, path: &str) -> bool {
        Pattern::parse(pattern).unwrap().fits(path, PathRules::default())
    }

    #[test]
    fn patterns_match_whole_segments() {
        for (pattern, path) in [
            ("/admin/**", "/admin"),
            ("/admin/**", "/admin/"),
            ("/admin/**", "/admin/a/b"),
            ("/**", "/"),
            ("/**", "/a"),
            ("/", "/"),
            ("/citizens/*/export", "/citizens/7/export"),
            ("/citizens/*/export", "/citizens/7/export/"),
            ("/citizens/*/export/", "/citizens/7/export"),
            ("/a\u{f8}", "/a%C3%B8"),
            ("/a%C3%B8", "/a%C3%B8"),
            ("/a!", "/a%21"),
            ("/a/*", "/a/b"),
        ] {
            assert!(fits(pattern, path), "{pattern} {path}");
        }
        for (pattern, path) in [
            ("/app", "/application"),
            ("/app", "/x/app"),
            ("/app/**", "/application"),
            ("/app", "/app/x"),
            ("/app", "/App"),
            ("/citizens/*/export", "/citizens/export"),
            ("/citizens/*", "/citizens"),
            ("/", "/a"),
            ("/a.b", "/axb"),
        ] {
            assert!(!fits(pattern, path), "{pattern} {path}");
        }
    }

    #[test]
    fn an_app_may_ignore_case_and_parameters() {
        let ignore_case = PathRules { ignore_case: true, ..PathRules::default() };
        let admin = Pattern::parse("/Adm\u{f8}/**").unwrap();
        for path in ["/adm%C3%B8", "/ADM%C3%98/x"] {
            assert!(admin.fits(path, ignore_case), "{path}");
        }
        let matrix = PathRules { matrix: true, ..PathRules::default() };
        let admin = Pattern::parse("/admin/x").unwrap();
        for path in ["/admin;a=1/x", "/admin/x;b", "/admin%3Bc/x"] {
            assert!(admin.fits(path, matrix), "{path}");
        }
    }

    #[test]
    fn what_is_no_pattern() {
        for text in [
            "", "admin", "/a/**/b", "/*.js", "/a**", "/a//b", "/a//**", "//**", "/../a", "/%2e", "/a%2Fb",
            "/a?b", "/a b", "/a;b",
        ] {
            assert!(Pattern::parse(text).is_err(), "{text}");
        }
        let long = |segments: usize| Pattern::parse(&"/a".repeat(segments));
        assert_eq!(long(MOST_SEGMENTS + 1), Err(InvalidPattern::TooLong));
        assert!(
            long(MOST_SEGMENTS).is_ok_and(|pattern| pattern.fits(&"/a".repeat(256), PathRules::default()))
        );
    }
}
