//! `match`: facts of the request alone.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;

use http::HeaderName;
use ipnet::IpNet;
use jiff::tz::TimeZone;
use percent_encoding::percent_decode_str;
use regex::Regex;

use super::App;
use super::decide::Request;
use super::path::{PathRules, without_parameters};
pub use super::pattern::{InvalidPattern, Pattern};
use super::schedule::Schedule;
use crate::time::Timestamp;

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
    PathRe(Vec<PathRegex>),
    /// Exact, upper-case method tokens (RFC 9110, section 9.1).
    Method(Vec<String>),
    Header(Named<HeaderName>),
    Query(Named<String>),
    Network(Vec<Arc<Network>>),
    Time(Vec<Schedule>),
    Device(Device),
    Protocol(Vec<Protocol>),
}

/// A header or a parameter of the query.
#[derive(Clone, Debug, PartialEq)]
pub struct Named<N> {
    pub name: N,
    /// One of them, exactly; `None`: whatever value it has.
    pub values: Option<Vec<String>>,
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

impl Device {
    pub const WORDS: [(&str, Self); 2] = [("shared", Self::Shared), ("personal", Self::Personal)];
}

#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub enum Protocol {
    #[default]
    Http,
    /// An upgrade to WebSocket (RFC 6455; RFC 8441).
    WebSocket,
    /// A content type of `application/grpc`.
    Grpc,
}

impl Protocol {
    pub const WORDS: [(&str, Self); 3] =
        [("http", Self::Http), ("websocket", Self::WebSocket), ("grpc", Self::Grpc)];

    /// The word for it in policies and logs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::WebSocket => "websocket",
            Self::Grpc => "grpc",
        }
    }
}

/// A regular expression over the whole decoded path, without a last slash.
#[derive(Clone, Debug)]
pub struct PathRegex {
    text: String,
    sensitive: Regex,
    insensitive: Regex,
}

/// All that a matcher looks at: a request to one app, at one moment.
#[derive(Copy, Clone)]
pub struct Facts<'a> {
    pub request: &'a Request<'a>,
    pub rules: PathRules,
    pub now: Timestamp,
    pub zone: &'a TimeZone,
}

impl<'a> Facts<'a> {
    pub fn of(app: &'a App, request: &'a Request<'a>, now: Timestamp) -> Self {
        Self { request, rules: app.paths, now, zone: &app.shared.zone }
    }
}

impl Matcher {
    pub fn fits(&self, facts: &Facts<'_>) -> bool {
        self.conditions.iter().all(|condition| condition.holds(facts))
    }

    /// The keys of the conditions that do not hold.
    pub fn misses(&self, facts: &Facts<'_>) -> Vec<&'static str> {
        let failing = self.conditions.iter().filter(|condition| !condition.holds(facts));
        failing.map(Condition::key).collect()
    }
}

impl Condition {
    fn holds(&self, facts: &Facts<'_>) -> bool {
        self.negated != self.fact.holds(facts)
    }

    pub fn key(&self) -> &'static str {
        let [key, not_key] = match self.fact {
            Fact::Path(_) => ["path", "not_path"],
            Fact::PathRe(_) => ["path_re", "not_path_re"],
            Fact::Method(_) => ["method", "not_method"],
            Fact::Header(_) => ["header", "not_header"],
            Fact::Query(_) => ["query", "not_query"],
            Fact::Network(_) => ["network", "not_network"],
            Fact::Time(_) => ["time", "not_time"],
            Fact::Device(_) => ["device", "not_device"],
            Fact::Protocol(_) => ["protocol", "not_protocol"],
        };
        if self.negated { not_key } else { key }
    }
}

impl Fact {
    fn holds(&self, facts: &Facts<'_>) -> bool {
        let request = facts.request;
        match self {
            Self::Path(patterns) => patterns.iter().any(|pattern| pattern.fits(request.path, facts.rules)),
            Self::PathRe(list) => list.iter().any(|regex| regex.fits(request.path, facts.rules)),
            Self::Method(methods) => methods.iter().any(|method| method == request.method),
            Self::Header(header) => {
                let found = request.headers.map(|headers| headers.get_all(&header.name));
                found.into_iter().flatten().any(|value| header.takes(value.as_bytes()))
            }
            Self::Query(parameter) => {
                let pairs = form_urlencoded::parse(request.query.unwrap_or_default().as_bytes());
                pairs
                    .into_iter()
                    .any(|(name, value)| name == parameter.name.as_str() && parameter.takes(value.as_bytes()))
            }
            Self::Network(networks) => {
                request.address.is_some_and(|a| networks.iter().any(|n| n.contains(a)))
            }
            Self::Time(schedules) => schedules.iter().any(|hours| hours.holds(facts.now, facts.zone)),
            Self::Device(device) => (*device == Device::Shared) == request.shared_device,
            Self::Protocol(protocols) => protocols.contains(&request.protocol),
        }
    }
}

impl<N> Named<N> {
    fn takes(&self, found: &[u8]) -> bool {
        self.values.as_ref().is_none_or(|values| values.iter().any(|value| value.as_bytes() == found))
    }
}

impl Network {
    /// An IPv4 address that came mapped into IPv6 is the IPv4 address.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.ranges.iter().any(|range| range.contains(&address))
    }
}

impl PathRegex {
    pub fn parse(text: &str) -> Result<Self, regex::Error> {
        let build = |ignore_case| {
            let mut builder = regex::RegexBuilder::new(&format!(r"\A(?:{text})\z"));
            builder.case_insensitive(ignore_case).size_limit(1 << 20).build()
        };
        // Alone first, so that `a)|(b` cannot break out of the anchors.
        Regex::new(text)?;
        Ok(Self { text: text.to_owned(), sensitive: build(false)?, insensitive: build(true)? })
    }

    pub fn as_str(&self) -> &str {
        &self.text
    }

    fn fits(&self, path: &str, rules: PathRules) -> bool {
        let plain = plain(path, rules);
        if rules.ignore_case { self.insensitive.is_match(&plain) } else { self.sensitive.is_match(&plain) }
    }
}

impl PartialEq for PathRegex {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

/// The path as patterns see it: decoded but for encoded slashes, without parameters and without a last slash.
fn plain(path: &str, rules: PathRules) -> Cow<'_, str> {
    let trimmed = if path.len() > 1 { path.strip_suffix('/').unwrap_or(path) } else { path };
    if !trimmed.contains(['%', ';']) {
        return Cow::Borrowed(trimmed);
    }
    let decode = |segment: &str| {
        let segment = if rules.matrix { without_parameters(segment) } else { segment };
        let decoded = percent_decode_str(segment).decode_utf8_lossy();
        decoded.replace('/', "%2F")
    };
    Cow::Owned(trimmed.split('/').map(decode).collect::<Vec<_>>().join("/"))
}

#[cfg(test)]
#[path = "matcher_tests.rs"]
mod tests;
