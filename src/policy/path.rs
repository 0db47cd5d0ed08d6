//! The one spelling of a request's path: what is decided on is byte for byte what is forwarded.
//!
//! Anything two readers might read differently is refused, not repaired.

use std::fmt;

/// A path in RFC 3986 normal form: unreserved characters decoded, everything else that is not a `pchar`
/// encoded with upper-case hex, no dot segments, no empty segments but a last one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CanonicalPath(String);

/// What an app allows beyond the default: `paths:` in its policy.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct PathRules {
    /// `%2F` and `%5C` are let through, as part of their segment.
    pub encoded_slash: bool,
    /// `;params` are let through. A segment is matched without them.
    pub matrix: bool,
    /// `%20` is let through inside a segment; never at its ends, where an upstream may trim it.
    pub space: bool,
    /// The upstream ignores case, so matching does.
    pub ignore_case: bool,
}

/// Why a path is refused with 400.
#[derive(Copy, Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathRefusal {
    #[error("the path does not begin with `/`")]
    NotAbsolute,
    #[error("a `%` is not followed by two hexadecimal digits")]
    BadEscape,
    #[error("the path is not UTF-8")]
    BadUtf8,
    #[error("the path holds a control character")]
    Control,
    #[error("the path holds a space")]
    Space,
    #[error("the path holds a backslash")]
    Backslash,
    #[error("the path holds an encoded slash or backslash")]
    EncodedSlash,
    #[error("the path holds path parameters (`;`)")]
    Matrix,
    #[error("the path holds a fragment (`#`)")]
    Fragment,
    #[error("the path holds a query")]
    Query,
    #[error("the path is encoded twice")]
    DoubleEncoded,
    #[error("a dot segment hides behind a parameter or an encoded slash")]
    HiddenDots,
}

impl PathRefusal {
    pub const fn code(self) -> &'static str {
        match self {
            Self::NotAbsolute => "path-not-absolute",
            Self::BadEscape => "path-bad-escape",
            Self::BadUtf8 => "path-bad-utf8",
            Self::Control => "path-control-character",
            Self::Space => "path-space",
            Self::Backslash => "path-backslash",
            Self::EncodedSlash => "path-encoded-slash",
            Self::Matrix => "path-parameters",
            Self::Fragment => "path-fragment",
            Self::Query => "path-query",
            Self::DoubleEncoded => "path-double-encoded",
            Self::HiddenDots => "path-hidden-dots",
        }
    }
}

impl CanonicalPath {
    /// The path of a request target in origin form (RFC 9112, section 3.2.1), without its query.
    pub fn parse(raw: &[u8], rules: PathRules) -> Result<Self, PathRefusal> {
        if raw.first() != Some(&b'/') {
            return Err(PathRefusal::NotAbsolute);
        }
        if is_plain(raw) {
            return String::from_utf8(raw.to_vec()).map(Self).map_err(|_| PathRefusal::BadUtf8);
        }
        Self::parse_slowly(raw, rules)
    }

    fn parse_slowly(raw: &[u8], rules: PathRules) -> Result<Self, PathRefusal> {
        let octets = octets(raw, rules)?;
        let decoded: Vec<u8> = octets.iter().map(|octet| octet.byte).collect();
        let decoded = std::str::from_utf8(&decoded).map_err(|_| PathRefusal::BadUtf8)?;
        if decoded.chars().any(char::is_control) {
            return Err(PathRefusal::Control);
        }
        refuse_double_encoding(decoded)?;
        let spelled = spell(&octets);
        let path = resolve(&spelled);
        for segment in path.split('/') {
            refuse_hidden(segment, rules)?;
        }
        Ok(Self(path))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn into_string(self) -> String {
        self.0
    }
}

impl fmt::Display for CanonicalPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether there is nothing to normalise and nothing to refuse: most paths, and so worth asking first.
fn is_plain(raw: &[u8]) -> bool {
    let plain = |byte: &u8| PLAIN[usize::from(*byte)];
    let settled = |pair: &[u8]| !matches!(pair, [b'/', b'/' | b'.']);
    raw.first() == Some(&b'/') && raw.iter().all(plain) && raw.windows(2).all(settled)
}

/// By byte: whether it stands in a normal path as itself, whatever an app allows.
const PLAIN: [bool; 256] = {
    let mut plain = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        plain[byte] = (byte as u8).is_ascii_alphanumeric();
        byte += 1;
    }
    let mut marks: &[u8] = b"/-._~!$&'()*+,=:@";
    while let [mark, rest @ ..] = marks {
        plain[*mark as usize] = true;
        marks = rest;
    }
    plain
};

/// The segments that are matched: without the first slash and without a last one, which most upstreams
/// ignore and which must not lead past a rule.
pub(super) fn segments(path: &str) -> impl Iterator<Item = &str> + Clone {
    let inner = path.strip_prefix('/').unwrap_or(path);
    let inner = inner.strip_suffix('/').unwrap_or(inner);
    inner.split('/').filter(|segment| !segment.is_empty())
}

#[derive(Copy, Clone)]
struct Octet {
    byte: u8,
    encoded: bool,
}

/// Takes the escapes apart and refuses the bytes that are never let through.
fn octets(raw: &[u8], rules: PathRules) -> Result<Vec<Octet>, PathRefusal> {
    let mut octets = Vec::with_capacity(raw.len());
    let mut rest = raw;
    while let [first, tail @ ..] = rest {
        let octet = match (first, tail) {
            (b'%', [high, low, ..]) => {
                rest = &tail[2..];
                let byte = hex(*high).zip(hex(*low)).ok_or(PathRefusal::BadEscape)?;
                Octet { byte: byte.0 << 4 | byte.1, encoded: true }
            }
            (b'%', _) => return Err(PathRefusal::BadEscape),
            (byte, _) => {
                rest = tail;
                Octet { byte: *byte, encoded: false }
            }
        };
        refuse_octet(octet, rules)?;
        octets.push(octet);
    }
    Ok(octets)
}

fn refuse_octet(octet: Octet, rules: PathRules) -> Result<(), PathRefusal> {
    match (octet.byte, octet.encoded) {
        (0..=31 | 127, _) => Err(PathRefusal::Control),
        (b' ', encoded) if !(encoded && rules.space) => Err(PathRefusal::Space),
        (b'\\', false) => Err(PathRefusal::Backslash),
        (b'/' | b'\\', true) if !rules.encoded_slash => Err(PathRefusal::EncodedSlash),
        (b';', _) if !rules.matrix => Err(PathRefusal::Matrix),
        (b'#', _) => Err(PathRefusal::Fragment),
        (b'?', false) => Err(PathRefusal::Query),
        _ => Ok(()),
    }
}

/// An escape that is still there after decoding once may hide what an upstream that decodes twice would
/// act on. `100%25` and `%2520` hide nothing of the kind; letters, digits, dots and separators do.
fn refuse_double_encoding(decoded: &str) -> Result<(), PathRefusal> {
    let hides = decoded.as_bytes().windows(3).any(|window| match window {
        [b'%', high, low] => hex(*high).zip(hex(*low)).is_some_and(|(high, low)| {
            let byte = high << 4 | low;
            !(byte >= 128 || b" !\"$&'()*+,:<=>@[]^`{|}".contains(&byte))
        }),
        _ => false,
    });
    if hides { Err(PathRefusal::DoubleEncoded) } else { Ok(()) }
}

fn spell(octets: &[Octet]) -> String {
    let mut path = String::with_capacity(octets.len());
    for Octet { byte, encoded } in octets {
        let plain = match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => true,
            b'/' | b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' => !encoded,
            b';' | b'=' | b':' | b'@' => !encoded,
            _ => false,
        };
        if plain {
            path.push(char::from(*byte));
        } else {
            path.push('%');
            path.push(char::from(DIGITS[usize::from(byte >> 4)]));
            path.push(char::from(DIGITS[usize::from(byte & 15)]));
        }
    }
    path
}

/// Merges slashes, then removes dot segments (RFC 3986, section 5.2.4). In this order, since an upstream
/// that merges would otherwise read `/a//../b` as another path than we do.
fn resolve(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut open = false;
    for segment in path.split('/') {
        open = matches!(segment, "" | "." | "..");
        match segment {
            "" | "." => {}
            ".." => _ = kept.pop(),
            name => kept.push(name),
        }
    }
    let end = if open && !kept.is_empty() { "/" } else { "" };
    format!("/{}{end}", kept.join("/"))
}

/// What only shows once a segment is taken apart as the app's upstream would do.
fn refuse_hidden(segment: &str, rules: PathRules) -> Result<(), PathRefusal> {
    if !(rules.matrix || rules.encoded_slash || rules.space) {
        return Ok(());
    }
    let parts = segment.replace("%2F", "/").replace("%5C", "/");
    for part in parts.split('/') {
        let name = without_parameters(part);
        if name.starts_with("%20") || name.ends_with("%20") {
            return Err(PathRefusal::Space);
        }
        let hidden = matches!(name, "." | "..") || (name.is_empty() && !segment.is_empty());
        if hidden {
            return Err(PathRefusal::HiddenDots);
        }
    }
    Ok(())
}

/// The segment up to its first `;`.
pub(super) fn without_parameters(segment: &str) -> &str {
    let end = segment.find(';').into_iter().chain(segment.find("%3B")).min();
    &segment[..end.unwrap_or(segment.len())]
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

const DIGITS: &[u8; 16] = b"0123456789ABCDEF";

#[cfg(test)]
#[path = "path_tests.rs"]
mod tests;
