//! The gateway's own pages: signing in, step-up, and *Min identitet*.

mod admin;
mod agent;
mod app;
pub mod appearance;
pub mod asset;
mod attempt;
mod client;
mod device;
mod duty;
mod events;
mod front;
mod glass;
mod idle;
mod key;
mod keys;
mod lend;
mod log_out;
mod login;
mod me;
mod mitid;
mod onward;
mod password;
mod reply;
mod resume;
mod sessions;
mod terms;
pub mod text;
pub mod view;
mod visitor;
mod vouch;

use std::sync::Arc;

use arc_swap::ArcSwap;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use http::{HeaderName, HeaderValue, StatusCode, header};
use ipnet::IpNet;

use self::appearance::Appearance;
use self::visitor::Visitor;
use crate::arrival::Public;
use crate::assertion::AssertionKey;
use crate::audit::AuditLog;
use crate::authn::MitIdLevel;
use crate::authn::ceremony::Ceremonies;
use crate::authn::loan;
use crate::authn::mitid::MitId;
use crate::authn::password::{Passwords, Rules};
use crate::authn::throttle::Throttles;
use crate::authn::webauthn::RelyingParty;
use crate::directory::Directory;
use crate::metrics::Metrics;
use crate::policy::{Policy, Text};
use crate::random::Random;
use crate::role::{self, Roles};
use crate::secret::Keys;
use crate::session::Sessions;
use crate::store::{Store, StoreError};
use crate::time::Clock;

/// What the pages work with.
pub struct Pages {
    pub policy: Arc<ArcSwap<Policy>>,
    pub store: Arc<dyn Store>,
    pub directory: Arc<dyn Directory>,
    /// Hashes local accounts' new ones.
    pub passwords: Passwords,
    pub throttles: Throttles,
    /// Of logins by a key alone: a flood of one kind slows nobody down at the other.
    pub key_throttles: Throttles,
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
    pub password_rules: Rules,
    /// Where people of a directory change theirs.
    pub directory_change: Option<String>,
    pub relying_party: RelyingParty,
    /// Absent where no broker is set up.
    pub mitid: Option<Arc<MitId>>,
    /// Asked of the broker, unless a policy asks for more.
    pub mitid_level: MitIdLevel,
    /// What the pages are offered in; the first is the default.
    pub languages: Vec<text::Lang>,
    /// Where the pages do not look as ours do.
    pub appearance: Option<Arc<Appearance>>,
    pub content_security_policy: HeaderValue,
    /// Who may do what for other people.
    pub roles: Roles,
    /// Whose gateway it is.
    pub organisation: Option<Text>,
    /// The accessibility statement's address.
    pub accessibility: Option<Text>,
    /// The privacy policy's.
    pub privacy: Option<Text>,
    /// Accepted before anybody goes on to an app.
    pub terms: Option<Terms>,
    /// How long units lend their spare keys.
    pub spare_keys: loan::Terms,
    /// The level of a key that is registered on identity papers.
    pub papers: MitIdLevel,
    /// What the admin pages ask for.
    pub desk: role::Rules,
}

impl Pages {
    /// As they are now. What needs two of them to fit asks once.
    pub fn settings(&self) -> Arc<Settings> {
        self.live.load_full()
    }
}

pub use reply::content_security_policy;
pub use terms::Terms;

/// The login host.
pub fn login_host(pages: &Arc<Pages>) -> Router {
    let routes = Router::new()
        .route("/", get(front::show))
        .route("/help", get(front::help))
        .route("/abort", get(front::abort))
        .route("/login", get(login::show).post(login::submit))
        .route("/login/key", get(login::key::form).post(login::key::begin))
        .route("/login/key/finish", post(login::key::finish))
        .route("/login/password", post(login::step_up::submit))
        .route("/mitid", post(mitid::begin))
        .route("/mitid/callback", get(mitid::callback))
        .route("/key", get(key::show))
        .route("/key/finish", post(key::finish))
        .route("/glass", get(glass::show))
        .route(crate::arrival::BREAK_GLASS, get(glass::ask).post(glass::give))
        .route("/glass/finish", post(glass::finish))
        .route("/glass/close", post(glass::close))
        .route("/code", post(keys::code))
        .route("/me", get(me::show))
        .route("/me/events", get(events::show))
        .route("/me/password", get(password::show).post(password::submit))
        .route("/me/sessions", get(sessions::show))
        .route("/me/sessions/{id}/end", post(sessions::end))
        .route("/me/elsewhere", post(events::log_out_elsewhere))
        .route("/keys/new", get(keys::name).post(keys::begin))
        .route("/keys/finish", post(keys::finish))
        .route("/keys/registered", get(keys::registered))
        .route("/keys/{id}/rename", get(me::rename).post(me::renamed))
        .route("/keys/{id}/prefer", post(me::prefer))
        .route("/keys/{id}/delete", get(me::delete).post(me::deleted))
        .route("/terms", get(terms::show).post(terms::accept))
        .merge(lend::routes())
        .route("/vouch", get(vouch::show).post(vouch::vouched))
        .route("/device", get(device::ask).post(device::mark))
        .route("/logout", post(log_out::everywhere))
        .route("/logged-out", get(front::logged_out))
        .merge(admin::routes());
    finished(routes, pages)
}

/// The gateway's own paths on an app's host.
pub fn app_host(pages: &Arc<Pages>) -> Router {
    let routes = Router::new()
        .route("/.sluse/enter", get(app::enter))
        .route("/.sluse/resume", get(resume::show))
        .route("/.sluse/logout", get(log_out::ask).post(log_out::from_app))
        .route(log_out::LEAVE, get(log_out::leave))
        .route(app::SESSION_PATH, get(app::session))
        .route(app::JWKS_PATH, get(app::jwks))
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

async fn asset_file(
    State(pages): State<Arc<Pages>>,
    Path(name): Path<String>,
    Query(asked): Query<Version>,
) -> Response {
    if let Some(asset) = asset::asset(&name) {
        return ([(header::CONTENT_TYPE, asset.content_type), FOR_GOOD], asset.bytes).into_response();
    }
    let settings = pages.settings();
    let Some(own) = settings.appearance.as_ref().and_then(|appearance| appearance.file(&name)) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let headers = [
        (header::CONTENT_TYPE, own.content_type),
        // Somebody else's drawing: opened by itself, it is a page of this origin.
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'; sandbox"),
    ];
    let mut response = (headers, own.bytes.clone()).into_response();
    // A page of before the last reload asks for what is not there any more.
    if own.is_version(&asked.v) {
        response.headers_mut().insert(FOR_GOOD.0, HeaderValue::from_static(FOR_GOOD.1));
    }
    response
}

#[derive(serde::Deserialize)]
struct Version {
    #[serde(default)]
    v: String,
}

const FOR_GOOD: (HeaderName, &str) = (header::CACHE_CONTROL, "public, max-age=31536000, immutable");

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
