//! The stand-in's pages. They say loudly what they are.

use askama::Template;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use url::{Host, Url};

use super::BrokerPerson;

#[derive(Template)]
#[template(
    ext = "html",
    source = r#"<!doctype html>
<html lang="da">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Demo: ikke rigtigt MitID</title>
<link rel="stylesheet" href="/broker.css">
</head>
<body>
<main>
<p class="warning" role="note"><strong>Demo: ikke rigtigt MitID</strong> Denne side er en stedfortræder for en MitID-broker. Den tror på enhver, der trykker på en knap.</p>
{% match content %}
{% when Content::Choice with { login, people } %}
<h1>Hvem er du?</h1>
<form method="post" action="/choose">
<input type="hidden" name="login" value="{{ login }}">
{% for person in people %}
<button name="person" value="{{ person.username }}">{{ person.name }} ({{ person.username }})</button>
{% endfor %}
</form>
<form method="post" action="/choose">
<input type="hidden" name="login" value="{{ login }}">
<button class="abort">Afbryd</button>
</form>
{% when Content::Refusal with { reason } %}
<h1>Noget gik galt</h1>
<p>{{ reason }}</p>
{% endmatch %}
</main>
</body>
</html>
"#
)]
struct Page<'a> {
    content: Content<'a>,
}

enum Content<'a> {
    Choice { login: &'a str, people: &'a [BrokerPerson] },
    Refusal { reason: &'a str },
}

/// One button a person, and one to abort.
pub(super) fn choice(login: &str, people: &[BrokerPerson], security: HeaderValue) -> Response {
    respond(StatusCode::OK, Content::Choice { login, people }, security)
}

pub(super) fn refusal(reason: &str, security: HeaderValue) -> Response {
    respond(StatusCode::BAD_REQUEST, Content::Refusal { reason }, security)
}

fn respond(status: StatusCode, content: Content<'_>, security: HeaderValue) -> Response {
    let headers = [
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (header::CONTENT_SECURITY_POLICY, security),
        (header::REFERRER_POLICY, HeaderValue::from_static("same-origin")),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ];
    match (Page { content }).render() {
        Ok(page) => (status, headers, Html(page)).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// The pages' Content-Security-Policy. Browsers hold every redirect after a form to `form-action`, and the
/// way back leads over the login host to an app's: so it names the redirect address's whole family of hosts.
pub(super) fn policy(redirect_uri: &Url) -> HeaderValue {
    let origin = redirect_uri.origin().ascii_serialization();
    let family = match redirect_uri.host() {
        Some(Host::Domain(name)) => name.split_once('.').map(|(_, parent)| {
            let port = redirect_uri.port().map(|port| format!(":{port}")).unwrap_or_default();
            format!(" {}://*.{parent}{port}", redirect_uri.scheme())
        }),
        _ => None,
    };
    let family = family.unwrap_or_default();
    let policy = format!(
        "default-src 'none'; style-src 'self'; form-action 'self' {origin}{family}; frame-ancestors 'none'; base-uri 'none'"
    );
    HeaderValue::from_str(&policy).expect("a URL's origin is visible ASCII")
}

pub(super) async fn stylesheet() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8"), (header::X_CONTENT_TYPE_OPTIONS, "nosniff")], STYLE)
}

const STYLE: &str = "\
body { margin: 0; font: 1.125rem/1.5 'IBM Plex Sans', system-ui, sans-serif; color: #1a1a1a; background: #f4f6fa }
main { max-width: 26rem; margin: 2rem auto; padding: 1.5rem; background: #fff; border-radius: 8px }
.warning { margin: 0 0 1rem; padding: .75rem 1rem; color: #5c0000; background: #ffe1e1; border-left: 6px solid #b00020 }
.warning strong { display: block }
h1 { font-size: 1.5rem; margin: 0 0 1rem }
button { display: block; width: 100%; min-height: 48px; margin: 0 0 .75rem; padding: 0 1rem; font: inherit; text-align: left;
  color: #fff; background: #0060e6; border: 2px solid #0060e6; border-radius: 4px; cursor: pointer }
button:hover { background: #004cb8 }
button:focus-visible { outline: 3px solid #ffb000; outline-offset: 2px }
.abort { color: #0060e6; background: #fff }
.abort:hover { background: #e8f0fd }
";
