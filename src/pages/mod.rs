//! The gateway's own pages: signing in, step-up, and *Min identitet*.

mod app;
pub mod asset;
mod attempt;
mod device;
mod events;
mod front;
mod idle;
mod key;
mod keys;
mod login;
mod me;
mod mitid;
mod onward;
mod reply;
mod resume;
pub mod text;
pub mod view;
mod visitor;

use std::sync::Arc;

use arc_swap::ArcSwap;
use axum::Router;
use axum::extract::Path;
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use http::{HeaderValue, StatusCode, header};
use ipnet::IpNet;

use self::visitor::Visitor;
use crate::arrival::Public;
use crate::assertion::AssertionKey;
use crate::audit::AuditLog;
use crate::authn::MitIdLevel;
use crate::authn::ceremony::Ceremonies;
use crate::authn::mitid::MitId;
use crate::authn::throttle::Throttles;
use crate::authn::webauthn::RelyingParty;
use crate::directory::Directory;
use crate::metrics::Metrics;
use crate::policy::Policy;
use crate::random::Random;
use crate::role::Roles;
use crate::secret::Keys;
use crate::session::Sessions;
use crate::store::{Store, StoreError};
use crate::time::Clock;

/// What the pages work with.
pub struct Pages {
    pub policy: Arc<ArcSwap<Policy>>,
    pub store: Arc<dyn Store>,
    pub directory: Arc<dyn Directory>,
    pub throttles: Throttles,
    pub sessions: Arc<Sessions>,
    pub ceremonies: Ceremonies,
    /// Replaced when the configuration changes.
    pub live: Arc<ArcSwap<Settings>>,
    pub keys: Arc<Keys>,
    pub assertion: Arc<AssertionKey>,
    pub audit: AuditLog,
    pub metrics: Arc<Metrics>,
    pub clock: Arc<dyn Clock>,
    pub random: Arc<dyn Random>,
    pub public: Public,
    /// Every device in these is one that many people use.
    pub shared_networks: Vec<IpNet>,
}

/// What the pages take from the configuration, and what may change while they serve.
pub struct Settings {
    /// Whether anybody may log in by one.
    pub password: bool,
    pub relying_party: RelyingParty,
    /// Absent where no broker is set up.
    pub mitid: Option<Arc<MitId>>,
    /// Asked of the broker, unless a policy asks for more.
    pub mitid_level: MitIdLevel,
    /// What the pages are offered in; the first is the default.
    pub languages: Vec<text::Lang>,
    pub content_security_policy: HeaderValue,
    /// Who may do what for other people.
    pub roles: Roles,
}

impl Pages {
    /// As they are now. What needs two of them to fit asks once.
    pub fn settings(&self) -> Arc<Settings> {
        self.live.load_full()
    }
}

pub use reply::content_security_policy;

/// The login host.
pub fn login_host(pages: &Arc<Pages>) -> Router {
    let routes = Router::new()
        .route("/", get(front::show))
        .route("/help", get(front::help))
        .route("/abort", get(front::abort))
        .route("/login", get(login::show).post(login::submit))
        .route("/mitid", post(mitid::begin))
        .route("/mitid/callback", get(mitid::callback))
        .route("/key", get(key::show))
        .route("/key/finish", post(key::finish))
        .route("/code", post(keys::code))
        .route("/me", get(me::show))
        .route("/me/events", get(events::show))
        .route("/me/elsewhere", post(events::log_out_elsewhere))
        .route("/keys/new", get(keys::name).post(keys::begin))
        .route("/keys/finish", post(keys::finish))
        .route("/keys/registered", get(keys::registered))
        .route("/keys/{id}/rename", get(me::rename).post(me::renamed))
        .route("/keys/{id}/delete", get(me::delete).post(me::deleted))
        .route("/device", get(device::ask).post(device::mark))
        .route("/logout", post(login::log_out))
        .route("/logged-out", get(front::logged_out));
    finished(routes, pages)
}

/// The gateway's own paths on an app's host.
pub fn app_host(pages: &Arc<Pages>) -> Router {
    let routes = Router::new()
        .route("/.sluse/enter", get(app::enter))
        .route("/.sluse/resume", get(resume::show))
        .route("/.sluse/logout", get(app::ask_log_out).post(app::log_out))
        .route(app::SESSION_PATH, get(app::session))
        .route("/.sluse/jwks.json", get(app::jwks))
        .route(crate::arrival::VERDICT, get(app::verdict));
    finished(routes, pages)
}

fn finished(routes: Router<Arc<Pages>>, pages: &Arc<Pages>) -> Router {
    routes
        .fallback(not_found)
        .method_not_allowed_fallback(not_allowed)
        .route(idle::PATH, get(idle::ask).post(idle::ask))
        .layer(from_fn_with_state(pages.clone(), visitor::establish))
        // Assets need no visitor: the same for everybody, and kept for good.
        .route("/.sluse/static/{name}", get(asset_file))
        .route("/.sluse/idle.js", get(idle::script))
        .layer(from_fn_with_state(pages.clone(), reply::protect))
        .with_state(pages.clone())
}

async fn not_found(visitor: Visitor) -> Response {
    visitor.error(StatusCode::NOT_FOUND)
}

async fn not_allowed(visitor: Visitor) -> Response {
    visitor.error(StatusCode::METHOD_NOT_ALLOWED)
}

async fn asset_file(Path(name): Path<String>) -> Response {
    let Some(asset) = asset::asset(&name) else { return StatusCode::NOT_FOUND.into_response() };
    let headers = [
        (header::CONTENT_TYPE, asset.content_type),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
    ];
    (headers, asset.bytes).into_response()
}

/// The store did not answer: nothing is known, so nothing is done.
struct Unavailable(StoreError);

impl From<StoreError> for Unavailable {
    fn from(error: StoreError) -> Self {
        Self(error)
    }
}

impl axum::response::IntoResponse for Unavailable {
    fn into_response(self) -> Response {
        tracing::error!(error = %self.0, "a page needed the store");
        // Its own layer makes a page of it, in the visitor's language.
        StatusCode::SERVICE_UNAVAILABLE.into_response()
    }
}

type Answer = Result<Response, Unavailable>;
