//! The demo's stand-in for a care system: an app that shows what it is told.

use axum::Router;
use axum::extract::{Path, Request};
use axum::response::{Html, IntoResponse as _, Response};
use axum::routing::get;
use http::{HeaderMap, StatusCode, header};

use crate::pages::asset;
use crate::pages::text::Lang;
use crate::pages::view::demo::Cura;

/// Answers every path with a page.
pub fn router() -> Router {
    Router::new().route("/assets/{name}", get(asset_file)).fallback(page)
}

async fn page(request: Request) -> Response {
    use askama::Template as _;
    let told = |name: &str| told(request.headers(), name);
    let accepted = request.headers().get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    let groups = told("x-sluse-groups");
    let page = Cura {
        lang: Lang::of_visitor(None, accepted, &Lang::ALL),
        username: told("x-sluse-user"),
        name: None,
        groups: groups.split(',').filter(|group| !group.is_empty()).map(str::to_owned).collect(),
        level: told("x-sluse-level"),
        method: request.method().to_string(),
        path: request.uri().to_string(),
    };
    match page.render() {
        Ok(html) => Html(html).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

async fn asset_file(Path(name): Path<String>) -> Response {
    match asset::asset(&name) {
        Some(asset) => ([(header::CONTENT_TYPE, asset.content_type)], asset.bytes).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

fn told(headers: &HeaderMap, name: &str) -> String {
    headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).unwrap_or_default()
}
