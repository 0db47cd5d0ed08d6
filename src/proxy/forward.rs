//! What an upstream is told, and what of its answer is kept back.

use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use pingora::http::{RequestHeader, ResponseHeader};
use pingora::proxy::Session as Downstream;
use pingora::{Error, ErrorType};

use super::Context;
use super::request::is_managed;
use crate::arrival::Public;
use crate::assertion::{AssertionKey, Statement};
use crate::policy::Permit;
use crate::session::Session;
use crate::session::cookie::{self, Keep};
use crate::time::Timestamp;

const USER: HeaderName = HeaderName::from_static("x-sluse-user");
const GROUPS: HeaderName = HeaderName::from_static("x-sluse-groups");
const ASSERTION: HeaderName = HeaderName::from_static("x-sluse-assertion");
const LEVEL: HeaderName = HeaderName::from_static("x-sluse-level");
const BREAK_GLASS: HeaderName = HeaderName::from_static("x-sluse-break-glass");
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// As many as are set here, at most.
pub(super) const MOST_SET: usize = 11;

/// What is said of a request on its way to the upstream.
pub struct Forwarded<'a> {
    pub host: &'a str,
    /// Where the browser addressed it.
    pub public: &'a Public,
    /// The client's address.
    pub from: Option<&'a str>,
    pub path: &'a str,
    pub query: Option<&'a str>,
    pub assertion: &'a AssertionKey,
    pub now: Timestamp,
    pub permit: &'a Permit,
    pub session: Option<&'a Session>,
}

impl Forwarded<'_> {
    /// What the client asked for, saying this and nothing of what it claimed.
    ///
    /// The fields' names go out in lower case, as by HTTP/2. To keep the client's spelling of each, pingora has a
    /// second map beside the first: with ours in it, it took a sixth of all instructions of a request.
    pub fn write(&self, mut asked: Parts) -> pingora::Result<RequestHeader> {
        let headers = &mut asked.headers;
        strip(headers);
        cookies(headers);
        headers.reserve(MOST_SET);
        if speaks_for_its_connection(headers) {
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        self.addressed(headers)?;
        if let Some(session) = self.session {
            let told = session.told.told(self.assertion, &self.statement(session), self.now);
            headers.insert(USER, told.user);
            headers.insert(GROUPS, told.groups);
            if let Some(level) = told.level {
                headers.insert(LEVEL, level);
            }
            if let Some(until) = told.break_glass {
                headers.insert(BREAK_GLASS, until);
            }
            headers.insert(ASSERTION, told.assertion);
        }
        let mut upstream = RequestHeader::from(asked);
        self.target(&mut upstream)?;
        Ok(upstream)
    }

    /// Where the request came from and went to.
    fn addressed(&self, headers: &mut HeaderMap) -> pingora::Result<()> {
        let Public { scheme, port, .. } = self.public;
        let authority = match headers.get(header::HOST) {
            Some(said) if said.as_bytes().strip_prefix(self.host.as_bytes()) == Some(port.as_bytes()) => {
                said.clone()
            }
            _ => {
                let authority = value(format!("{}{port}", self.host))?;
                headers.insert(header::HOST, authority.clone());
                authority
            }
        };
        headers.insert(FORWARDED_HOST, authority);
        headers.insert(FORWARDED_PROTO, HeaderValue::from_static(scheme));
        if let Some(from) = self.from {
            headers.insert(FORWARDED_FOR, value(from.to_owned())?);
        }
        Ok(())
    }

    fn statement<'a>(&'a self, session: &'a Session) -> Statement<'a> {
        Statement {
            app: &self.permit.app().name,
            rule: self.permit.rule(),
            level: self.permit.level(),
            break_glass: self.permit.glass().map(|glass| glass.until),
            username: session.user.username.as_str(),
            groups: &session.user.groups,
            assurance: &session.assurance,
        }
    }

    /// The very path that was decided on.
    fn target(&self, upstream: &mut RequestHeader) -> pingora::Result<()> {
        let rest = upstream.raw_path().strip_prefix(self.path.as_bytes());
        let as_is = match self.query {
            None => rest == Some(b""),
            Some(query) => rest.and_then(|rest| rest.strip_prefix(b"?")) == Some(query.as_bytes()),
        };
        match self.query {
            _ if as_is => Ok(()),
            None => upstream.set_raw_path(self.path.as_bytes()),
            Some(query) => upstream.set_raw_path(format!("{}?{query}", self.path).as_bytes()),
        }
    }
}

/// A login of Windows (RFC 4559) is by connection: what comes on it next counts as the same person's, whosever it is.
fn speaks_for_its_connection(headers: &HeaderMap) -> bool {
    let scheme = |value: &HeaderValue, scheme: &[u8]| {
        value.as_bytes().get(..scheme.len()).is_some_and(|said| said.eq_ignore_ascii_case(scheme))
    };
    let mut said = headers.get_all(header::AUTHORIZATION).iter();
    said.any(|value| scheme(value, b"NTLM") || scheme(value, b"Negotiate"))
}

fn value(text: String) -> pingora::Result<HeaderValue> {
    HeaderValue::try_from(text)
        .map_err(|_| Error::explain(ErrorType::InvalidHTTPHeader, "a value that no header can have"))
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
fn strip(headers: &mut HeaderMap) {
    let managed: Vec<HeaderName> = headers.keys().filter(|name| is_managed(name.as_str())).cloned().collect();
    for name in managed {
        headers.remove(name);
    }
}

/// One Cookie line without ours; nothing is touched where there is nothing to do.
fn cookies(headers: &mut HeaderMap) {
    let lines = || headers.get_all(header::COOKIE).iter().map(HeaderValue::as_bytes);
    if lines().count() <= 1 && !cookie::carries_ours(lines()) {
        return;
    }
    // What is left of header values is one.
    match cookie::without_ours(lines()).map(HeaderValue::try_from) {
        Some(Ok(rest)) => {
            headers.insert(header::COOKIE, rest);
        }
        Some(Err(_)) | None => {
            headers.remove(header::COOKIE);
        }
    }
}

/// What `Cache-Control` says of an answer that is one person's alone.
pub(super) const PRIVATE: &str = "no-store";

/// Whether a `Set-Cookie` of an upstream would plant a cookie of the gateway's.
pub(super) fn plants(set_cookie: &[u8]) -> bool {
    cookie::carries_ours(std::iter::once(set_cookie))
}

/// What the client is told of an answer, where pingora passes it on.
pub(super) fn answered(
    downstream: &Downstream,
    response: &mut ResponseHeader,
    context: &Context,
) -> pingora::Result<()> {
    if response.status == StatusCode::SWITCHING_PROTOCOLS && !downstream.is_upgrade_req() {
        return Err(Error::explain(ErrorType::HTTPStatus(502), "an upgrade nobody asked for"));
    }
    clean_response(response)?;
    if context.is_private() {
        response.insert_header(header::CACHE_CONTROL, PRIVATE)?;
    }
    if context.returning.is_some() {
        response.append_header(header::SET_COOKIE, cookie::set(cookie::RETURNING, "", Keep::Drop))?;
    }
    Ok(())
}

/// An upstream can neither speak for the gateway nor plant its cookies.
fn clean_response(response: &mut ResponseHeader) -> pingora::Result<()> {
    let plants = |value: &HeaderValue| plants(value.as_bytes());
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
