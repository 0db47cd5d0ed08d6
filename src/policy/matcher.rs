//! `match`: facts of the request alone.

use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;
use percent_encoding::percent_decode_str;

use super::decide::Request;
use super::path::{PathRules, segments, without_parameters};

/// All conditions must hold. Without any, every request fits.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Matcher {
    pub conditions: Vec<Condition>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    pub fact: Fact,
    /// The `not_` form: none may fit.
    pub negated: bool,
}

/// Any one of the list must fit.
#[derive(Clone, Debug, PartialEq)]
pub enum Fact {
    Path(Vec<Pattern>),
    /// Exact, upper-case method tokens (RFC 9110, section 9.1).
    Method(Vec<String>),
    Network(Vec<Arc<Network>>),
    Device(Device),
}

/// Addresses under one name: `networks:` in sluse.yaml.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    pub name: String,
    pub ranges: Vec<IpNet>,
}

#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Device {
    /// Used by many: a tablet on a ward.
    Shared,
    Personal,
}

impl Matcher {
    pub fn fits(&self, request: &Request<'_>, rules: PathRules) -> bool {
        self.conditions.iter().all(|condition| condition.holds(request, rules))
    }

    /// The keys of the conditions that do not hold.
    pub fn misses(&self, request: &Request<'_>, rules: PathRules) -> Vec<&'static str> {
        let failing = self.conditions.iter().filter(|condition| !condition.holds(request, rules));
        failing.map(Condition::key).collect()
    }

    /// Whether everything that fits `other` also fits this one, as far as the patterns show.
    pub fn covers(&self, other: &Self) -> bool {
        let implied = |own: &Condition| other.conditions.iter().any(|theirs| own.follows_from(theirs));
        self.conditions.iter().all(|own| own.always_holds() || implied(own))
    }

    pub fn patterns(&self) -> impl Iterator<Item = &Pattern> {
        self.conditions.iter().flat_map(|condition| match &condition.fact {
            Fact::Path(patterns) if !condition.negated => patterns.as_slice(),
            _ => &[],
        })
    }
}

impl Condition {
    fn holds(&self, request: &Request<'_>, rules: PathRules) -> bool {
        self.negated != self.fact.holds(request, rules)
    }

    fn key(&self) -> &'static str {
        match (&self.fact, self.negated) {
            (Fact::Path(_), false) => "path",
            (Fact::Path(_), true) => "not_path",
            (Fact::Method(_), false) => "method",
            (Fact::Method(_), true) => "not_method",
            (Fact::Network(_), false) => "network",
            (Fact::Network(_), true) => "not_network",
            (Fact::Device(_), false) => "device",
            (Fact::Device(_), true) => "not_device",
        }
    }

    fn follows_from(&self, other: &Self) -> bool {
        // A negated condition is weaker the less it lists.
        let (wide, narrow) = if self.negated { (other, self) } else { (self, other) };
        self.negated == other.negated && wide.fact.includes(&narrow.fact)
    }

    fn always_holds(&self) -> bool {
        let everything = |patterns: &[Pattern]| patterns.iter().any(Pattern::is_everything);
        matches!(&self.fact, Fact::Path(patterns) if !self.negated && everything(patterns))
    }
}

impl Fact {
    fn holds(&self, request: &Request<'_>, rules: PathRules) -> bool {
        match self {
            Self::Path(patterns) => patterns.iter().any(|pattern| pattern.fits(request.path, rules)),
            Self::Method(methods) => methods.iter().any(|method| method == request.method),
            Self::Network(networks) => {
                request.address.is_some_and(|a| networks.iter().any(|n| n.contains(a)))
            }
            Self::Device(device) => (*device == Device::Shared) == request.shared_device,
        }
    }

    fn includes(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Path(wide), Self::Path(narrow)) => narrow.iter().all(|n| wide.iter().any(|w| w.covers(n))),
            (Self::Method(wide), Self::Method(narrow)) => narrow.iter().all(|method| wide.contains(method)),
            (Self::Network(wide), Self::Network(narrow)) => {
                narrow.iter().all(|network| wide.contains(network))
            }
            (Self::Device(wide), Self::Device(narrow)) => wide == narrow,
            _ => false,
        }
    }
}

impl Network {
    /// An IPv4 address that came mapped into IPv6 is the IPv4 address.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.ranges.iter().any(|range| range.contains(&address))
    }
}

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
}

impl Pattern {
    pub fn parse(text: &str) -> Result<Self, InvalidPattern> {
        let inner = text.strip_prefix('/').ok_or(InvalidPattern::NotAbsolute)?;
        let inner = inner.strip_suffix('/').unwrap_or(inner);
        let (inner, open) = match inner.strip_suffix("**") {
            Some("") => ("", true),
            Some(before) if before.ends_with('/') => (before.trim_end_matches('/'), true),
            _ => (inner, false),
        };
        let segments = match inner {
            "" => Vec::new(),
            inner => inner.split('/').map(Segment::parse).collect::<Result<_, _>>()?,
        };
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

    pub fn is_everything(&self) -> bool {
        self.open && self.segments.is_empty()
    }

    fn covers(&self, other: &Self) -> bool {
        let reach = self.open || (!other.open && self.segments.len() == other.segments.len());
        let pairs = self.segments.iter().zip(&other.segments);
        reach
            && self.segments.len() <= other.segments.len()
            && pairs.into_iter().all(|(own, theirs)| *own == Segment::Any || own == theirs)
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

    fn fits(&self, found: &str, rules: PathRules) -> bool {
        let Self::Literal(literal) = self else { return true };
        let found = if rules.matrix { without_parameters(found) } else { found };
        match (found.contains('%'), rules.ignore_case) {
            (false, false) => literal == found,
            (true, false) => percent_decode_str(found).eq(literal.bytes()),
            (_, true) => fold(literal) == fold(&percent_decode_str(found).decode_utf8_lossy()),
        }
    }
}

/// One form for all cases of a word. By way of upper case, so that `ſ` is `s` as it is to such upstreams.
fn fold(text: &str) -> String {
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
            "", "admin", "/a/**/b", "/*.js", "/a**", "/a//b", "/../a", "/%2e", "/a%2Fb", "/a?b", "/a b",
            "/a;b",
        ] {
            assert!(Pattern::parse(text).is_err(), "{text}");
        }
    }

    fn matcher(path: &str, methods: &[&str]) -> Matcher {
        let path = Fact::Path(vec![Pattern::parse(path).unwrap()]);
        let method = Fact::Method(methods.iter().map(|&m| m.to_owned()).collect());
        let facts = if methods.is_empty() { vec![path] } else { vec![path, method] };
        Matcher { conditions: facts.into_iter().map(|fact| Condition { fact, negated: false }).collect() }
    }

    #[test]
    fn what_covers_what() {
        let all = matcher("/**", &[]);
        assert!(all.covers(&matcher("/a", &["GET"])) && all.covers(&Matcher::default()));
        assert!(matcher("/a/**", &[]).covers(&matcher("/a/*", &[])));
        assert!(matcher("/a/*", &["GET", "HEAD"]).covers(&matcher("/a/b", &["GET"])));
        assert!(!matcher("/a/*", &["GET"]).covers(&matcher("/a/b", &[])));
        assert!(!matcher("/a/*", &[]).covers(&matcher("/a/**", &[])));
        assert!(!matcher("/a", &[]).covers(&matcher("/b", &[])));
        let not = |path: &str| Matcher {
            conditions: vec![Condition {
                fact: Fact::Path(vec![Pattern::parse(path).unwrap()]),
                negated: true,
            }],
        };
        assert!(not("/a").covers(&not("/**")) && !not("/**").covers(&not("/a")));
    }

    #[test]
    fn a_mapped_address_is_the_address() {
        let lan = Network { name: "lan".to_owned(), ranges: vec!["10.20.0.0/16".parse().unwrap()] };
        assert!(lan.contains("::ffff:10.20.1.1".parse().unwrap()));
        assert!(!lan.contains("10.21.0.1".parse().unwrap()));
    }
}
