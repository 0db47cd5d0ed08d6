//! The router: SCIM's endpoints (RFC 7644, section 3.2) for whoever carries the token.

mod groups;
mod users;

use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, Path, Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use axum::{Json, Router};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::{Map, Value};

use super::refusal::{Kind, Refusal};
use super::{ROOT, Settings, listing, schema};
use crate::audit::{AuditLog, CorrelationIds, Entry, Event, Origin};
use crate::random::Random;
use crate::secret::{Bearer, Keys};
use crate::store::provisioning::Page;
use crate::store::{Store, StoreError};
use crate::time::Clock;

/// What a provisioner is served from.
pub struct Endpoint {
    pub store: Arc<dyn Store>,
    pub audit: AuditLog,
    pub clock: Arc<dyn Clock>,
    pub random: Arc<dyn Random>,
    pub keys: Arc<Keys>,
    pub settings: Settings,
    pub token: Bearer,
    pub correlation: CorrelationIds,
}

/// What a handler answers.
type Answer = Result<Response, Refusal>;

pub fn router(endpoint: Arc<Endpoint>) -> Router {
    let routes = Router::new()
        .route("/Users", get(users::list).post(users::add))
        .route("/Users/{id}", get(users::show).put(users::replace).patch(users::patch).delete(users::remove))
        .route("/Groups", get(groups::list).post(groups::add))
        .route(
            "/Groups/{id}",
            get(groups::show).put(groups::replace).patch(groups::patch).delete(groups::remove),
        )
        .route("/ServiceProviderConfig", get(async || scim(StatusCode::OK, &schema::service_provider())))
        .route("/ResourceTypes", get(async || all(schema::resource_types())))
        .route("/ResourceTypes/{id}", get(async |Path(id): Path<String>| one(schema::resource_types(), &id)))
        .route("/Schemas", get(schemas))
        .route("/Schemas/{id}", get(schema_of))
        .route("/Me", any(not_implemented))
        .route("/Bulk", any(not_implemented))
        .fallback(async || Refusal::new(Kind::NotFound, "there is nothing at this address"))
        // The listener bounds bodies already.
        .layer(DefaultBodyLimit::disable())
        .layer(middleware::from_fn_with_state(endpoint.clone(), let_in))
        .with_state(endpoint);
    Router::new().nest(ROOT, routes)
}

async fn let_in(State(endpoint): State<Arc<Endpoint>>, request: Request, next: Next) -> Response {
    if endpoint.token.lets_in(request.headers()) {
        return next.run(request).await;
    }
    let mut response = Refusal::new(Kind::Unauthorized, "a token is needed").into_response();
    let challenge = HeaderValue::from_static("Bearer realm=\"scim\"");
    response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    response
}

async fn not_implemented() -> Refusal {
    Refusal::new(Kind::NotImplemented, "this is not supported: see ServiceProviderConfig")
}

async fn schemas(State(endpoint): State<Arc<Endpoint>>) -> Response {
    all(schema::schemas(&endpoint.settings))
}

async fn schema_of(State(endpoint): State<Arc<Endpoint>>, Path(id): Path<String>) -> Answer {
    one(schema::schemas(&endpoint.settings), &id)
}

/// All of a list that has no pages.
fn all(resources: Vec<Value>) -> Response {
    let total = resources.len() as u64;
    scim(StatusCode::OK, &listing::list(Page::default(), total, resources))
}

fn one(resources: Vec<Value>, id: &str) -> Answer {
    let found = resources.into_iter().find(|resource| resource["id"] == id);
    found.map(|resource| scim(StatusCode::OK, &resource)).ok_or_else(not_found)
}

fn not_found() -> Refusal {
    Refusal::new(Kind::NotFound, "there is none with this id")
}

/// A resource or a list; its version and its place are in the head, too.
fn scim(status: StatusCode, body: &Value) -> Response {
    let mut response = (status, Json(body)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/scim+json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    for (name, field) in [(header::ETAG, "version"), (header::LOCATION, "location")] {
        let value = body["meta"][field].as_str().and_then(|value| HeaderValue::from_str(value).ok());
        headers.extend(value.map(|value| (name, value)));
    }
    response
}

/// The body, which is an object.
fn object(body: &[u8]) -> Result<Map<String, Value>, Refusal> {
    match serde_json::from_slice(body) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(Refusal::new(Kind::InvalidSyntax, "the body is no JSON object")),
        // Not the text: there may be a CPR number in it.
        Err(error) => {
            let (line, column) = (error.line(), error.column());
            Err(Refusal::new(
                Kind::InvalidSyntax,
                format!("the body is no JSON: line {line}, column {column}"),
            ))
        }
    }
}

/// Whether `If-Match` (RFC 9110, section 13.1.1) lets a resource of this version be changed.
fn check_match(headers: &HeaderMap, version: &str) -> Result<(), Refusal> {
    let Some(wanted) = headers.get(header::IF_MATCH) else { return Ok(()) };
    if names(wanted, version) {
        return Ok(());
    }
    Err(Refusal::new(Kind::Precondition, "it was changed meanwhile: read it again"))
}

/// Whether a list of ETags has this one. Ours are weak, and compared as such (RFC 7644, section 3.14).
fn names(tags: &HeaderValue, version: &str) -> bool {
    let bare = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    let tags = tags.to_str().unwrap_or_default();
    tags.split(',').any(|tag| tag.trim() == "*" || bare(tag) == bare(version))
}

impl Endpoint {
    /// Begins a record of something the provisioner has done.
    fn entry(&self, event: Event) -> Entry {
        let origin = Origin { at: self.clock.now(), address: None, correlation: self.correlation.next() };
        Entry::new(event, &origin).with("performer", "provisioning")
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "a provisioner could not be served");
        Self::new(Kind::Unavailable, "the store does not answer; try again later")
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        scim(self.kind.status(), &self.body())
    }
}
