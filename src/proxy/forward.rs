//! What an upstream is told, and what of its answer is kept back.

use std::net::IpAddr;

use http::{HeaderName, HeaderValue, header};
use pingora::http::{RequestHeader, ResponseHeader};
use pingora::{Error, ErrorType};

use super::request::is_managed;
use crate::assertion::{AssertionKey, Statement};
use crate::policy::Permit;
use crate::session::{Session, cookie};
use crate::time::Timestamp;

const USER: HeaderName = HeaderName::from_static("x-sluse-user");
const GROUPS: HeaderName = HeaderName::from_static("x-sluse-groups");
const ASSERTION: HeaderName = HeaderName::from_static("x-sluse-assertion");
const LEVEL: HeaderName = HeaderName::from_static("x-sluse-level");
const BREAK_GLASS: HeaderName = HeaderName::from_static("x-sluse-break-glass");
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// What is said of a request on its way to the upstream.
pub(super) struct Forwarded<'a> {
    /// The host with its port, as the browser addressed it.
    pub authority: &'a str,
    pub scheme: &'a str,
    pub address: Option<IpAddr>,
    pub path: &'a str,
    pub query: Option<&'a str>,
    pub assertion: &'a AssertionKey,
    pub now: Timestamp,
    pub permit: &'a Permit,
    pub session: Option<&'a Session>,
}

impl Forwarded<'_> {
    /// Makes `upstream` say this, and nothing of what the client claimed.
    pub fn write(&self, upstream: &mut RequestHeader) -> pingora::Result<()> {
        self.target(upstream)?;
        strip(upstream);
        cookies(upstream)?;
        let authority = HeaderValue::from_str(self.authority)
            .map_err(|_| Error::explain(ErrorType::InvalidHTTPHeader, "a host that is no header"))?;
        upstream.insert_header(header::HOST, authority.clone())?;
        upstream.insert_header(FORWARDED_HOST, authority)?;
        upstream.insert_header(FORWARDED_PROTO, self.scheme)?;
        if let Some(address) = self.address {
            upstream.insert_header(FORWARDED_FOR, address.to_string())?;
        }
        if let Some(session) = self.session {
            upstream.insert_header(USER, text(session.user.username.as_str()))?;
            upstream.insert_header(GROUPS, text(&session.user.groups.join(",")))?;
            if let Some(level) = self.permit.level() {
                upstream.insert_header(LEVEL, text(level))?;
            }
            let break_glass = self.permit.glass().map(|glass| glass.until);
            if let Some(until) = break_glass {
                upstream.insert_header(BREAK_GLASS, until.as_seconds().to_string())?;
            }
            let statement = Statement {
                app: &self.permit.app().name,
                rule: self.permit.rule(),
                level: self.permit.level(),
                break_glass,
                username: session.user.username.as_str(),
                groups: &session.user.groups,
                assurance: &session.assurance,
            };
            upstream
                .insert_header(ASSERTION, session.told.assertion(self.assertion, &statement, self.now))?;
        }
        Ok(())
    }

    /// The very path that was decided on.
    fn target(&self, upstream: &mut RequestHeader) -> pingora::Result<()> {
        match self.query {
            None => upstream.set_raw_path(self.path.as_bytes()),
            Some(query) => upstream.set_raw_path(format!("{}?{query}", self.path).as_bytes()),
        }
    }
}

/// Tells of a body of this type and length, whatever was told before.
pub(super) fn body_is(
    upstream: &mut RequestHeader,
    content_type: &str,
    length: usize,
) -> pingora::Result<()> {
    upstream.remove_header(&header::TRANSFER_ENCODING);
    upstream.insert_header(header::CONTENT_TYPE, content_type)?;
    upstream.insert_header(header::CONTENT_LENGTH, length)
}

/// Removes every spelling of every header that is ours to set.
fn strip(upstream: &mut RequestHeader) {
    let managed: Vec<HeaderName> =
        upstream.headers.keys().filter(|name| is_managed(name.as_str())).cloned().collect();
    for name in managed {
        upstream.remove_header(&name);
    }
}

/// One Cookie line without ours; nothing is touched where there is nothing to do.
fn cookies(upstream: &mut RequestHeader) -> pingora::Result<()> {
    let lines = || upstream.headers.get_all(header::COOKIE).iter().map(HeaderValue::as_bytes);
    if lines().count() <= 1 && !cookie::carries_ours(lines()) {
        return Ok(());
    }
    match cookie::without_ours(lines()) {
        Some(rest) => upstream.insert_header(header::COOKIE, rest)?,
        None => {
            upstream.remove_header(&header::COOKIE);
        }
    }
    Ok(())
}

/// An upstream can neither speak for the gateway nor plant its cookies.
pub(super) fn clean_response(response: &mut ResponseHeader) -> pingora::Result<()> {
    let plants = |value: &HeaderValue| cookie::carries_ours(std::iter::once(value.as_bytes()));
    if response.headers.get_all(header::SET_COOKIE).iter().any(plants) {
        let kept: Vec<HeaderValue> = response
            .headers
            .get_all(header::SET_COOKIE)
            .iter()
            .filter(|value| !plants(value))
            .cloned()
            .collect();
        response.remove_header(&header::SET_COOKIE);
        for value in kept {
            response.append_header(header::SET_COOKIE, value)?;
        }
    }
    Ok(())
}

/// A header's value in UTF-8, without what would end it.
fn text(value: &str) -> HeaderValue {
    let fine = !value.bytes().any(|b| b.is_ascii_control());
    if let (true, Ok(value)) = (fine, HeaderValue::from_bytes(value.as_bytes())) {
        return value;
    }
    let clean: Vec<u8> = value.bytes().filter(|b| !b.is_ascii_control()).collect();
    HeaderValue::from_bytes(&clean).unwrap_or_else(|_| HeaderValue::from_static(""))
}
