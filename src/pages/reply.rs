//! Answers of the gateway's own pages, and the headers all of them carry.

use askama::Template;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse as _, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use std::sync::Arc;

use super::Pages;
use crate::session::cookie::{self, Keep};

/// A page from its template.
pub fn html(page: &impl Template) -> Response {
    match page.render() {
        Ok(html) => Html(html).into_response(),
        Err(error) => {
            tracing::error!(%error, "a page cannot be shown");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// 303, whatever the method was: a form is never sent on (RFC 9700, section 4.12).
pub fn see_other(location: &str) -> Response {
    let Ok(location) = HeaderValue::from_str(location) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    (StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response()
}

/// Adds a Set-Cookie for one of our cookies.
pub fn add_cookie(response: &mut Response, name: &'static str, value: &str, keep: Keep) {
    // Cookie values are base64url or percent-encoded: always a header value.
    if let Ok(cookie) = HeaderValue::from_str(&cookie::set(name, value, keep)) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
}

/// Adds the headers of every page: nothing is cached, framed, sniffed or loaded from elsewhere.
pub async fn protect(State(pages): State<Arc<Pages>>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    for (name, value) in FIXED {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers
        .entry(header::CONTENT_SECURITY_POLICY)
        .or_insert_with(|| pages.settings().content_security_policy.clone());
    if pages.public.scheme == "https" {
        let year = HeaderValue::from_static("max-age=31536000; includeSubDomains");
        headers.insert(header::STRICT_TRANSPORT_SECURITY, year);
    }
    response
}

const FIXED: [(&str, &str); 6] = [
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    // Not `no-referrer`: under it browsers send `Origin: null` with our own forms (Fetch, 3.1).
    ("referrer-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    (
        "permissions-policy",
        "publickey-credentials-get=(self), publickey-credentials-create=(self), camera=(), microphone=(), geolocation=()",
    ),
];

/// The policy of all pages. A form's redirects count as its targets in Chromium, and a login ends at an app
/// or a broker: hence the wider `form-action`.
pub fn content_security_policy(form_targets: &str) -> HeaderValue {
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
         form-action 'self' {form_targets}; frame-ancestors 'none'; base-uri 'none'; object-src 'none'"
    );
    HeaderValue::from_str(&policy).unwrap_or_else(|_| HeaderValue::from_static("default-src 'none'"))
}

/// What the browser keeps of this host goes, for the next person (Clear Site Data, section 3.1). Not the
/// cookies: that would reach every host of the domain, and the cookie that is just being set.
pub fn clear_site(response: &mut Response) {
    let directives = HeaderValue::from_static("\"cache\", \"storage\"");
    response.headers_mut().insert("clear-site-data", directives);
}

/// Drops the cookies that the app behind this host gave the person before.
pub fn drop_foreign_cookies(response: &mut Response, headers: &HeaderMap) {
    let lines = headers.get_all(header::COOKIE).iter().map(HeaderValue::as_bytes);
    for name in cookie::foreign_names(lines) {
        if let Ok(dropped) = HeaderValue::from_str(&format!("{name}=; Path=/; Max-Age=0")) {
            response.headers_mut().append(header::SET_COOKIE, dropped);
        }
    }
}
