//! The one place where an outcome other than letting through becomes HTTP.

use std::time::Duration;

use axum::body::Body;
use http::{HeaderValue, Response, StatusCode, header};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::policy::Demand;
use crate::session::cookie::{self, Keep};

/// What a script is told: a status, a code to look up and, where more proof would help, how much.
pub fn json(status: u16, code: &str, correlation: &str) -> Response<Body> {
    let body = serde_json::json!({ "error": code, "reference": correlation });
    let mut response = Response::new(Body::from(format!("{body}\n")));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert("x-content-type-options", HeaderValue::from_static("nosniff"));
    if status == 405 {
        let methods = HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
        headers.insert(header::ALLOW, methods);
    }
    response
}

/// More proof is needed, told to a script (RFC 9470, section 3). Never a redirect: it would end at a login
/// page that no script can use.
///
/// Where the request was parked for `fresh: once`, `approve` is where the person can approve it; then the script
/// sends it again.
pub fn insufficient(
    demand: &Demand,
    code: &str,
    correlation: &str,
    to_login: &ToLogin<'_>,
) -> Response<Body> {
    let mut response = json(401, code, correlation);
    if to_login.parked.is_some() {
        let body = serde_json::json!({
            "error": code,
            "reference": correlation,
            "approve": to_login.location(),
        });
        *response.body_mut() = Body::from(format!("{body}\n"));
        to_login.give_ask(&mut response);
    }
    let mut challenge =
        format!("Bearer error=\"insufficient_user_authentication\", acr_values=\"{}\"", demand.level);
    if let Some(max_age) = demand.max_age {
        challenge.push_str(&format!(", max_age=\"{}\"", max_age.as_secs()));
    }
    if let Ok(challenge) = HeaderValue::from_str(&challenge) {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    }
    response
}

/// A denial, told to a script: `break_glass` is where the person can open all the same.
pub fn denied_but_for_glass(code: &str, correlation: &str, break_glass: &str) -> Response<Body> {
    let body = serde_json::json!({ "error": code, "reference": correlation, "break_glass": break_glass });
    let mut response = json(403, code, correlation);
    *response.body_mut() = Body::from(format!("{body}\n"));
    response
}

/// A browser is sent to the login host, and comes back to `url`.
pub struct ToLogin<'a> {
    pub login: &'a str,
    pub url: &'a str,
    pub method: &'a str,
    /// The nonce that binds the hand-off to this browser, and whether the browser has it already.
    pub ask: &'a str,
    pub ask_is_new: bool,
    /// What names the request, where it was parked.
    pub parked: Option<&'a str>,
}

impl ToLogin<'_> {
    pub fn response(&self) -> Response<Body> {
        let mut response = redirect(&self.location(), StatusCode::SEE_OTHER);
        self.give_ask(&mut response);
        response
    }

    fn location(&self) -> String {
        let parked = self.parked.map(|id| format!("&parked={id}")).unwrap_or_default();
        let login = format!("{}/login", self.login);
        format!("{}{parked}", to_page(&login, self.url, self.method, Some(self.ask)))
    }

    fn give_ask(&self, response: &mut Response<Body>) {
        if self.ask_is_new
            && let Ok(cookie) = HeaderValue::from_str(&cookie::set(cookie::ASK, self.ask, Keep::Session))
        {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
    }
}

/// The address of a page of the login host that leads back to `url`, in the browser that holds the nonce `ask`.
pub fn to_page(page: &str, url: &str, method: &str, ask: Option<&str>) -> String {
    let encode = |value: &str| utf8_percent_encode(value, NON_ALPHANUMERIC).to_string();
    let ask = ask.map(|ask| ask_parameter(&crate::authn::ceremony::Browser::of(ask)));
    let ask = ask.map(|ask| format!("&ask={ask}")).unwrap_or_default();
    format!("{page}?to={}&method={}{ask}", encode(url), encode(method))
}

/// The hash of an ask nonce as it travels in a URL.
pub fn ask_parameter(hash: &crate::authn::ceremony::Browser) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(hash.hash())
}

pub fn redirect(location: &str, status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    match HeaderValue::from_str(location) {
        Ok(location) => {
            response.headers_mut().insert(header::LOCATION, location);
        }
        Err(_) => *response.status_mut() = StatusCode::BAD_REQUEST,
    }
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// How long a client waits before it tries again, in whole seconds.
pub fn retry_after(response: &mut Response<Body>, wait: Duration) {
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(wait.as_secs().max(1)));
}
