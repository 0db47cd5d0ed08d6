//! A request's head, canonicalised once or refused.
//!
//! pingora accepts much that upstreams read differently (no Host, absolute-form targets, odd methods,
//! nominated headers); what is decided on here is, byte for byte, what is forwarded.

use std::fmt;

use http::{HeaderValue, header};
use pingora::http::RequestHeader;

use crate::policy::matcher::Protocol;

/// Fields a request may have, and their size together. Generous: SAML cookies pass 8 KiB.
pub(super) const MAX_FIELDS: usize = 100;
const MAX_HEAD: usize = 64 * 1024;

/// Where a request wants to go, in one spelling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Lower case, no port, no trailing dot.
    pub host: String,
    /// As it came, from the first `/` to the query.
    pub raw_path: Vec<u8>,
    /// Without the `?`.
    pub query: Option<String>,
}

/// Why a request is not looked at any further.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    Method,
    HeadTooLarge,
    Host,
    Target,
    Nomination,
    ContentLength,
    TransferEncoding,
    Expectation,
    Upgrade,
}

impl Refusal {
    pub const fn status(self) -> u16 {
        match self {
            Self::Method => 405,
            Self::HeadTooLarge => 431,
            Self::Expectation => 417,
            Self::TransferEncoding => 501,
            Self::Host | Self::Target | Self::Nomination | Self::ContentLength | Self::Upgrade => 400,
        }
    }

    pub const fn code(self) -> &'static str {
        match self {
            Self::Method => "method-not-allowed",
            Self::HeadTooLarge => "head-too-large",
            Self::Host => "host-invalid",
            Self::Target => "target-invalid",
            Self::Nomination => "connection-nominates-managed-header",
            Self::ContentLength => "content-length-ambiguous",
            Self::TransferEncoding => "transfer-encoding-unsupported",
            Self::Expectation => "expectation-unknown",
            Self::Upgrade => "upgrade-invalid",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// Reads the head of a request, or says why not.
pub fn read(head: &RequestHeader) -> Result<Target, Refusal> {
    size(head)?;
    method(head)?;
    let host = host(head)?;
    framing(head)?;
    nominations(head)?;
    upgrade(head)?;
    let (raw_path, query) = target(head)?;
    Ok(Target { host, raw_path, query })
}

/// Refuses a request line that is not what the parser made of it: pingora escapes spaces and control
/// characters, and drops fragments. `raw` is the head as it came.
pub fn as_sent(head: &RequestHeader, raw: &[u8]) -> Result<(), Refusal> {
    // Empty lines before a request are to be ignored (RFC 9112, 2.2).
    let start = raw.iter().position(|b| !matches!(b, b'\r' | b'\n')).unwrap_or(raw.len());
    let line = raw[start..].split(|b| matches!(b, b'\r' | b'\n')).next().unwrap_or_default();
    let mut parts = line.split(|b| *b == b' ');
    let same = parts.next() == Some(head.method.as_str().as_bytes())
        && parts.next() == Some(head.raw_path())
        && parts.next().is_some()
        && parts.next().is_none();
    if same { Ok(()) } else { Err(Refusal::Target) }
}

/// A host name in its one spelling: `None` unless it is one.
pub fn canonical_host(authority: &str) -> Option<String> {
    let name = match authority.rsplit_once(':') {
        Some((name, port)) if !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()) => {
            port.parse::<u16>().ok()?;
            name
        }
        Some(_) => return None,
        None => authority,
    };
    let name = name.strip_suffix('.').unwrap_or(name);
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    (name.len() <= 253 && name.split('.').all(label)).then(|| name.to_ascii_lowercase())
}

fn size(head: &RequestHeader) -> Result<(), Refusal> {
    let bytes: usize =
        head.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum::<usize>()
            + head.raw_path().len();
    let fits = head.headers.len() <= MAX_FIELDS && bytes <= MAX_HEAD;
    if fits { Ok(()) } else { Err(Refusal::HeadTooLarge) }
}

/// Methods are case-sensitive tokens (RFC 9110, 9.1): `get` is not GET, and no upstream should be left to
/// wonder. TRACE would show cookies to a script.
fn method(head: &RequestHeader) -> Result<(), Refusal> {
    let method = head.method.as_str();
    let plain = method.bytes().all(|b| b.is_ascii_uppercase() || b == b'-');
    if plain && !matches!(method, "TRACE" | "CONNECT") { Ok(()) } else { Err(Refusal::Method) }
}

fn host(head: &RequestHeader) -> Result<String, Refusal> {
    let mut named = head.headers.get_all(header::HOST).iter();
    let from_header = named.next().map(|value| value.to_str().map_err(|_| Refusal::Host)).transpose()?;
    if named.next().is_some() {
        return Err(Refusal::Host);
    }
    // HTTP/2 names it in `:authority`, and an absolute-form target names it once more.
    let from_target = match absolute_form(head.raw_path()) {
        Some((authority, _)) => Some(std::str::from_utf8(authority).map_err(|_| Refusal::Host)?),
        None => head.uri.authority().map(http::uri::Authority::as_str),
    };
    let canonical = |authority: &str| canonical_host(authority).ok_or(Refusal::Host);
    match (from_header, from_target) {
        (Some(header), Some(target)) => {
            let host = canonical(header)?;
            if canonical(target)? == host { Ok(host) } else { Err(Refusal::Host) }
        }
        (Some(one), None) => canonical(one),
        (None, Some(one)) if head.version == http::Version::HTTP_2 => canonical(one),
        (None, _) => Err(Refusal::Host),
    }
}

fn target(head: &RequestHeader) -> Result<(Vec<u8>, Option<String>), Refusal> {
    // HTTP/2 is spoken over TLS alone here: another scheme is somebody's confusion (RFC 9113, 8.3.1).
    if head.version == http::Version::HTTP_2 && head.uri.scheme() != Some(&http::uri::Scheme::HTTPS) {
        return Err(Refusal::Target);
    }
    let raw = head.raw_path();
    let origin_form = if raw.starts_with(b"/") {
        raw
    } else {
        // The host was compared above, the rest is the target.
        match absolute_form(raw) {
            Some((_, rest)) if rest.starts_with(b"/") => rest,
            Some((_, b"")) => b"/",
            _ => return Err(Refusal::Target),
        }
    };
    if !is_target(origin_form) {
        return Err(Refusal::Target);
    }
    let (path, query) = match origin_form.iter().position(|b| *b == b'?') {
        Some(mark) => (&origin_form[..mark], Some(&origin_form[mark + 1..])),
        None => (origin_form, None),
    };
    // All of it is visible ASCII, as seen above.
    let query = query.map(|query| String::from_utf8_lossy(query).into_owned());
    Ok((path.to_vec(), query))
}

/// Visible ASCII, and no fragment: nothing that anybody would escape or leave out.
pub(super) fn is_target(text: &[u8]) -> bool {
    text.iter().all(|byte| (0x21..=0x7e).contains(byte) && *byte != b'#')
}

/// The authority of a target in absolute-form (RFC 9112, 3.2.2), and what comes after it.
fn absolute_form(raw: &[u8]) -> Option<(&[u8], &[u8])> {
    let rest = [&b"http://"[..], b"https://"].into_iter().find_map(|scheme| {
        let (start, rest) = raw.split_at_checked(scheme.len())?;
        start.eq_ignore_ascii_case(scheme).then_some(rest)
    })?;
    let end = rest.iter().position(|b| matches!(b, b'/' | b'?' | b'#')).unwrap_or(rest.len());
    Some(rest.split_at(end))
}

/// One length, or chunks, and nothing else: two readers must see one body.
fn framing(head: &RequestHeader) -> Result<(), Refusal> {
    let lengths = head.headers.get_all(header::CONTENT_LENGTH);
    if lengths.iter().count() > 1
        || lengths.iter().any(|value| value.is_empty() || !value.as_bytes().iter().all(u8::is_ascii_digit))
    {
        return Err(Refusal::ContentLength);
    }
    let mut codings = head.headers.get_all(header::TRANSFER_ENCODING).iter();
    let chunked = |value: &HeaderValue| value.as_bytes().trim_ascii().eq_ignore_ascii_case(b"chunked");
    if codings.next().is_some_and(|coding| !chunked(coding)) || codings.next().is_some() {
        return Err(Refusal::TransferEncoding);
    }
    let mut expectations = head.headers.get_all(header::EXPECT).iter();
    if expectations.any(|value| !value.as_bytes().eq_ignore_ascii_case(b"100-continue")) {
        return Err(Refusal::Expectation);
    }
    Ok(())
}

/// `Connection: x-sluse-user` would have a hop remove a header of ours (RFC 9110, 7.6.1).
fn nominations(head: &RequestHeader) -> Result<(), Refusal> {
    let nominated = head
        .headers
        .get_all(header::CONNECTION)
        .iter()
        .flat_map(|value| value.as_bytes().split(|b| *b == b','))
        .map(|token| token.trim_ascii());
    for token in nominated {
        let name = String::from_utf8_lossy(token).to_ascii_lowercase();
        if is_managed(&name) || matches!(name.as_str(), "cookie" | "authorization" | "host" | "origin") {
            return Err(Refusal::Nomination);
        }
    }
    Ok(())
}

/// An upgrade is a whole WebSocket handshake (RFC 6455, 4.1) or none at all.
fn upgrade(head: &RequestHeader) -> Result<(), Refusal> {
    if !is_websocket(head) {
        return Ok(());
    }
    let has = |name: &str| head.headers.get(name).is_some_and(|value| !value.is_empty());
    let upgrades = head.headers.get_all(header::CONNECTION).iter().any(|value| {
        value
            .as_bytes()
            .split(|b| *b == b',')
            .any(|token| token.trim_ascii().eq_ignore_ascii_case(b"upgrade"))
    });
    let mut kinds = head.headers.get_all(header::UPGRADE).iter();
    let alone = kinds.next().is_some_and(|kind| kind.as_bytes().eq_ignore_ascii_case(b"websocket"))
        && kinds.next().is_none();
    let version = head.headers.get("sec-websocket-version").is_some_and(|value| value == "13");
    let whole = head.method == http::Method::GET
        && head.version == http::Version::HTTP_11
        && alone
        && upgrades
        && version
        && has("sec-websocket-key");
    if whole { Ok(()) } else { Err(Refusal::Upgrade) }
}

/// Whether the request asks for a WebSocket.
pub fn is_websocket(head: &RequestHeader) -> bool {
    head.headers
        .get_all(header::UPGRADE)
        .iter()
        .any(|value| value.as_bytes().to_ascii_lowercase().windows(9).any(|part| part == b"websocket"))
}

/// The protocol that a policy's `protocol` names.
pub fn protocol(head: &RequestHeader) -> Protocol {
    let grpc = |value: &http::HeaderValue| value.as_bytes().starts_with(b"application/grpc");
    if is_websocket(head) {
        Protocol::WebSocket
    } else if head.headers.get(header::CONTENT_TYPE).is_some_and(grpc) {
        Protocol::Grpc
    } else {
        Protocol::Http
    }
}

/// Whether a header is the gateway's to set: one that says who the person is, where the request came from,
/// or what it should have been. Every spelling counts: upstreams that speak CGI read `-`, `_` and `.` alike.
pub fn is_managed(name: &str) -> bool {
    let plain = |b: u8| match b {
        b'_' | b'.' => b'-',
        other => other.to_ascii_lowercase(),
    };
    if !name.bytes().next().is_some_and(|first| BEGINS[usize::from(plain(first))]) {
        return false;
    }
    let starts = |prefix: &str| {
        name.len() >= prefix.len() && name.bytes().map(plain).zip(prefix.bytes()).all(|(a, b)| a == b)
    };
    let is = |whole: &str| name.len() == whole.len() && starts(whole);
    MANAGED_PREFIXES.iter().any(|prefix| starts(prefix)) || MANAGED.iter().any(|whole| is(whole))
}

const MANAGED_PREFIXES: [&str; 9] = [
    "x-sluse",
    "x-forwarded",
    "x-original-",
    "x-rewrite-",
    "x-http-method",
    "x-auth-",
    "x-remote-",
    "x-webauth-",
    "x-envoy-",
];

const MANAGED: [&str; 12] = [
    "forwarded",
    "x-real-ip",
    "x-client-ip",
    "x-cluster-client-ip",
    "true-client-ip",
    "cf-connecting-ip",
    "x-method-override",
    "x-host",
    "remote-user",
    "x-user",
    "proxy",
    "x-url-scheme",
];

/// By first letter: whether one of them has it. Few of a browser's headers do.
const BEGINS: [bool; 256] = {
    const fn mark(begins: &mut [bool; 256], mut names: &[&str]) {
        while let [name, rest @ ..] = names {
            begins[name.as_bytes()[0] as usize] = true;
            names = rest;
        }
    }
    let mut begins = [false; 256];
    mark(&mut begins, &MANAGED_PREFIXES);
    mark(&mut begins, &MANAGED);
    begins
};

/// Whether a browser shows the answer as a page: only then is a redirect to the login of any use.
pub fn is_navigation(head: &RequestHeader) -> bool {
    if is_websocket(head) {
        return false;
    }
    match head.headers.get("sec-fetch-mode").map(HeaderValue::as_bytes) {
        Some(mode) => mode == b"navigate",
        None => {
            let accept = head.headers.get(header::ACCEPT).map_or(&b""[..], |value| value.as_bytes());
            let script = head.headers.contains_key("x-requested-with");
            !script && accept.windows(9).any(|part| part.eq_ignore_ascii_case(b"text/html"))
        }
    }
}

#[cfg(test)]
#[path = "request_tests.rs"]
mod tests;
