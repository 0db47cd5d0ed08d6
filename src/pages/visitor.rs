//! Who asks for a page: established once, before any page's own code.

use std::sync::Arc;

use axum::extract::{FromRequestParts, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use ipnet::IpNet;

use super::appearance::Appearance;
use super::reply::{self, add_cookie};
use super::text::{Lang, Texts};
use super::{Pages, Settings, view};
use crate::arrival::Arrival;
use crate::audit::{Entry, Event, Origin};
use crate::authn::ceremony::Browser;
use crate::policy::Text;
use crate::random;
use crate::session::cookie::{self, Keep, SessionToken};
use crate::session::{Seat, Session};
use crate::store::{StoreError, TokenHash};
use crate::user::User;

/// Who asks, from where, in which language.
#[derive(Clone)]
pub struct Visitor {
    pub arrival: Arrival,
    pub lang: Lang,
    /// Whether the pages are offered in another language as well.
    bilingual: bool,
    appearance: Option<Arc<Appearance>>,
    /// What ceremonies begun by this browser are bound to.
    pub browser: Browser,
    pub session: Option<Arc<Session>>,
    pub seat: Seat,
    /// The mark of the shared device it is, if it was marked.
    pub mark: Option<TokenHash>,
    /// As the browser sent them.
    pub headers: Arc<HeaderMap>,
    /// By which the browser is known, if anybody has logged in with it.
    pub device: Option<SessionToken>,
    /// The path and query asked for.
    target: String,
    /// The login host's front page.
    home: String,
    /// As they were when the request came.
    settings: Arc<Settings>,
}

impl Visitor {
    pub fn origin(&self) -> Origin {
        self.arrival.origin()
    }

    /// The path and query asked for.
    pub fn target(&self) -> &str {
        &self.target
    }

    /// The path asked for.
    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// A record in the making, about whoever is signed in.
    pub fn entry(&self, event: Event) -> Entry {
        let entry = Entry::new(event, &self.origin());
        match &self.session {
            Some(session) => entry.user(&session.user),
            None => entry,
        }
    }

    /// A record in the making, about somebody for whom another did something.
    pub fn entry_about(&self, event: Event, about: &User, by: &User) -> Entry {
        Entry::new(event, &self.origin()).user(about).with("by", by.username.as_str())
    }

    /// An administrator's words, in the visitor's language.
    pub fn words(&self, text: &Text) -> String {
        match self.lang {
            Lang::Da => text.da.clone(),
            Lang::En => text.en.clone(),
        }
    }

    /// The pages' words, in the visitor's language.
    pub fn texts(&self) -> &Texts {
        self.appearance.as_ref().map_or(self.lang.texts(), |appearance| appearance.texts(self.lang))
    }

    /// The same visitor with another session: the one just opened.
    pub fn with(&self, session: Arc<Session>) -> Self {
        Self { session: Some(session), ..self.clone() }
    }

    /// What goes around the page.
    pub fn frame(&self) -> view::Frame {
        let banner = self.texts().common.banner;
        view::Frame {
            lang: self.lang,
            appearance: self.appearance.clone(),
            banner: (!banner.is_empty()).then(|| banner.to_owned()),
            switch_url: match self.bilingual {
                true => with_lang(&self.target, self.lang.other()),
                false => String::new(),
            },
            shared: self.seat == Seat::Shared,
            user: self.session.as_ref().map(|session| session.user.name.clone()),
            log_out: if self.arrival.app.is_some() { "/.sluse/logout" } else { "/logout" },
            home: self.home.clone(),
            organisation: self.settings.organisation.as_ref().map(|text| self.words(text)),
            links: self.links(),
            ..view::Frame::default()
        }
    }

    fn links(&self) -> view::FooterLinks {
        let Settings { accessibility, privacy, terms, .. } = &*self.settings;
        view::FooterLinks {
            accessibility: accessibility.as_ref().map(|text| self.words(text)),
            privacy: privacy.as_ref().map(|text| self.words(text)),
            terms: terms.as_ref().map(|_| format!("{}terms", self.home)),
        }
    }

    /// The same, with the code a service desk can look up.
    pub fn frame_with_code(&self) -> view::Frame {
        view::Frame { code: Some(self.arrival.correlation.clone()), ..self.frame() }
    }

    /// A page that says that something went wrong.
    pub fn error(&self, status: StatusCode) -> Response {
        let page = view::ErrorPage { frame: self.frame_with_code(), status: status.as_u16(), retry: None };
        (status, reply::html(&page)).into_response()
    }
}

impl<S: Sync> FromRequestParts<S> for Visitor {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, StatusCode> {
        parts.extensions.get().cloned().ok_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

/// Establishes the visitor, refuses cross-site state changes, and gives the browser its id.
pub async fn establish(State(pages): State<Arc<Pages>>, mut request: Request, next: Next) -> Response {
    let Some(arrival) = request.extensions().get::<Arrival>().cloned() else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let headers = request.headers();
    if let Some(chosen) = chosen_language(request.uri().query()) {
        let mut response = reply::see_other(&without_lang(request.uri()));
        add_cookie(&mut response, cookie::LANGUAGE, chosen.tag(), Keep::Year);
        return response;
    }
    let cookie = |name| cookie::read(headers.get_all(header::COOKIE).iter().map(HeaderValue::as_bytes), name);
    let known = cookie(cookie::BROWSER).filter(|value| value.len() == 43).map(str::to_owned);
    let fresh = known.is_none().then(|| random::nonce(pages.random.as_ref()));
    let id = known.or_else(|| fresh.clone()).unwrap_or_default();
    let accepted = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    let settings = pages.settings();
    let mut visitor = Visitor {
        lang: Lang::of_visitor(cookie(cookie::LANGUAGE), accepted, &settings.languages),
        bilingual: settings.languages.len() > 1,
        appearance: settings.appearance.clone(),
        browser: Browser::of(&id),
        session: None,
        seat: Seat::Own,
        mark: None,
        headers: Arc::new(headers.clone()),
        device: cookie(cookie::DEVICE)
            .and_then(|value| SessionToken::parse(value, &pages.keys.device, &arrival.host)),
        target: request.uri().to_string(),
        home: format!("{}/", pages.public.login()),
        settings: pages.settings(),
        arrival,
    };
    if let Some(value) = cookie(cookie::SESSION) {
        match pages.sessions.find(value, &visitor.arrival.host).await {
            Ok(session) => visitor.session = session,
            Err(error) => {
                tracing::error!(%error, "no session can be checked");
                return visitor.error(StatusCode::SERVICE_UNAVAILABLE);
            }
        }
    }
    match seat(&pages, &visitor, cookie(cookie::SHARED)).await {
        Ok((seat, mark)) => (visitor.seat, visitor.mark) = (seat, mark),
        Err(error) => {
            tracing::error!(%error, "no device can be checked");
            return visitor.error(StatusCode::SERVICE_UNAVAILABLE);
        }
    }
    if !may_change_state(&request, &pages.public.origin(&visitor.arrival.host)) {
        let entry = visitor.entry(Event::CrossSiteRefused).with("path", request.uri().path());
        pages.audit.record(entry).await;
        return visitor.error(StatusCode::FORBIDDEN);
    }
    if let Some(session) = visitor.session.as_ref().filter(|_| is_activity(&request)) {
        pages.sessions.touch(session);
    }
    let json = wants_json(headers);
    request.extensions_mut().insert(visitor.clone());
    let mut response = next.run(request).await;
    if is_bare(&response) {
        response = match json {
            true => super::key::refused(&visitor, response.status()),
            false => visitor.error(response.status()),
        };
    }
    if let Some(id) = fresh {
        add_cookie(&mut response, cookie::BROWSER, &id, Keep::Session);
    }
    response
}

/// Where the visitor sits: by the session, by the mark of the device, or by the network.
async fn seat(
    pages: &Pages,
    visitor: &Visitor,
    mark: Option<&str>,
) -> Result<(Seat, Option<TokenHash>), StoreError> {
    let mark = mark.map(|mark| TokenHash::of(mark.as_bytes()));
    let device = match mark {
        Some(mark) => pages.store.device(&mark).await?.map(|_| mark),
        None => None,
    };
    let address = visitor.arrival.address;
    let here = |network: &IpNet| address.is_some_and(|address| network.contains(&address));
    let shared = device.is_some()
        || pages.shared_networks.iter().any(here)
        || visitor.session.as_ref().is_some_and(|session| session.seat() == Seat::Shared);
    Ok((if shared { Seat::Shared } else { Seat::Own }, device))
}

/// An error that says no more than its status: from a store that did not answer, or a form nobody could read.
fn is_bare(response: &Response) -> bool {
    let told = response.headers().get(header::CONTENT_TYPE);
    let plain = told.is_none_or(|kind| kind.as_bytes().starts_with(b"text/plain"));
    plain && (response.status().is_client_error() || response.status().is_server_error())
}

fn wants_json(headers: &HeaderMap) -> bool {
    headers.get(header::ACCEPT).is_some_and(|accept| accept.as_bytes().starts_with(b"application/json"))
}

/// Scripts that ask who is in, and for how long, are nobody.
fn is_activity(request: &Request) -> bool {
    const ASKED: [&str; 3] = [super::idle::PATH, super::app::SESSION_PATH, super::app::JWKS_PATH];
    let asks = ASKED.contains(&request.uri().path());
    !(asks && *request.method() == Method::GET)
}

/// Only our own pages may change anything: a foreign page can make a browser send a request, but not with
/// our `Origin` (RFC 6454, section 7). A request without any is no browser's form.
fn may_change_state(request: &Request, ours: &str) -> bool {
    if matches!(*request.method(), Method::GET | Method::HEAD) {
        return true;
    }
    let headers = request.headers();
    let same_site = site(headers).is_none_or(|site| site == "same-origin");
    let mut origins = headers.get_all(header::ORIGIN).iter();
    let origin = origins.next().is_some_and(|origin| origin.as_bytes() == ours.as_bytes());
    same_site && origin && origins.next().is_none()
}

fn site(headers: &HeaderMap) -> Option<&str> {
    headers.get("sec-fetch-site").map(|site| site.to_str().unwrap_or("unreadable"))
}

fn chosen_language(query: Option<&str>) -> Option<Lang> {
    let pairs = form_urlencoded::parse(query?.as_bytes());
    pairs.into_iter().find(|(name, _)| name == "lang").and_then(|(_, tag)| Lang::parse(&tag))
}

fn without_lang(uri: &http::Uri) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    let pairs = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    query.extend_pairs(pairs.filter(|(name, _)| name != "lang"));
    let query = query.finish();
    if query.is_empty() { uri.path().to_owned() } else { format!("{}?{query}", uri.path()) }
}

fn with_lang(target: &str, lang: Lang) -> String {
    let mark = if target.contains('?') { '&' } else { '?' };
    format!("{target}{mark}lang={}", lang.tag())
}
