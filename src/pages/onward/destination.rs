//! Where a person was going. The target travels in the URL and in forms, and is believed only as far as it names
//! one of our own hosts.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use url::Url;

use crate::authn::ceremony::Browser;
use crate::pages::visitor::Visitor;
use crate::pages::{Pages, view};
use crate::policy::path::CanonicalPath;
use crate::policy::{self, App};
use crate::session::Seat;

/// The fields that carry the target, as they arrive.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Fields {
    #[serde(default)]
    pub to: String,
    #[serde(default)]
    pub ask: String,
    #[serde(default)]
    pub method: String,
    #[serde(default)]
    pub parked: String,
}

/// A target that is one of ours.
#[derive(Clone, Debug)]
pub enum Destination {
    App {
        app: Arc<App>,
        host: String,
        url: Url,
        method: String,
        ask: Option<Browser>,
        /// What names the request that waits at the app's host.
        parked: Option<String>,
    },
    /// A page of the login host: path and query.
    Own(String),
}

impl Destination {
    /// Reads the fields; with none, or with somebody else's address, where people go by default: the only
    /// app there is, else *Min identitet*.
    pub fn parse(pages: &Pages, fields: &Fields) -> Self {
        Self::named(pages, fields).unwrap_or_else(|| Self::default_for(pages))
    }

    fn named(pages: &Pages, fields: &Fields) -> Option<Self> {
        // One length for all: no header of ours outgrows what browsers and upstreams take.
        if fields.to.is_empty() || fields.to.len() > 4096 {
            return None;
        }
        let url = Url::parse(&fields.to).ok()?;
        let host = url.host_str()?.to_owned();
        // The exact form we give out ourselves: nothing that a browser and this parser might read apart.
        let origin = pages.public.origin(&host);
        let rest = fields.to.strip_prefix(&origin)?;
        // `//x` would be another host to a browser, and so might a backslash.
        let odd = rest.starts_with("//") || rest.contains(['\\', '#']);
        if !rest.starts_with('/') || odd || rest.bytes().any(|b| !b.is_ascii_graphic()) {
            return None;
        }
        if host == pages.public.login_host {
            return Some(Self::Own(rest.to_owned()));
        }
        let app = pages.policy.load().app(&host)?.clone();
        let ask = parse_ask(&fields.ask);
        let method = if fields.method.is_empty() { "GET".to_owned() } else { fields.method.clone() };
        let parked = Some(fields.parked.clone()).filter(|id| !id.is_empty());
        Some(Self::App { app, host, url, method, ask, parked })
    }

    fn default_for(pages: &Pages) -> Self {
        let policy = pages.policy.load();
        let mut apps = policy.apps().iter();
        if let (Some(app), None) = (apps.next(), apps.next())
            && let Some(host) = app.exact_host()
            && let Ok(url) = Url::parse(&format!("{}/", pages.public.origin(host)))
        {
            let (app, host, method) = (app.clone(), host.to_owned(), "GET".to_owned());
            return Self::App { app, host, url, method, ask: None, parked: None };
        }
        Self::Own("/me".to_owned())
    }

    /// Whether a browser that goes there may keep a user name: by the policy, and never where many people sit.
    pub fn remembers(&self, visitor: &Visitor) -> bool {
        if visitor.seat == Seat::Shared {
            return false;
        }
        let Some((app, path)) = self.canonical() else { return true };
        !app.session_limits(&self.asked(visitor, path.as_str()), visitor.arrival.at).forget
    }

    pub(super) fn canonical(&self) -> Option<(&Arc<App>, CanonicalPath)> {
        let Self::App { app, url, .. } = self else { return None };
        Some((app, CanonicalPath::parse(url.path().as_bytes(), app.paths).ok()?))
    }

    /// The request as the app's host will see it, from this browser.
    pub(super) fn asked<'a>(&'a self, visitor: &'a Visitor, path: &'a str) -> policy::Request<'a> {
        let (method, query) = match self {
            Self::App { method, url, .. } => (method.as_str(), url.query()),
            Self::Own(_) => ("GET", None),
        };
        policy::Request {
            query,
            headers: Some(&visitor.headers),
            address: visitor.arrival.address,
            shared_device: visitor.seat == Seat::Shared,
            ..policy::Request::new(method, path)
        }
    }

    /// Whether a password is to be changed there.
    pub fn changes_password(&self) -> bool {
        matches!(self, Self::Own(target) if target.split('?').next() == Some("/me/password"))
    }

    /// The fields it was read from, for an app's address.
    pub(super) fn fields(&self) -> Fields {
        use base64::Engine as _;
        let Self::App { url, method, ask, parked, .. } = self else { return Fields::default() };
        let ask = ask.map(|ask| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(ask.hash()));
        Fields {
            to: url.to_string(),
            ask: ask.unwrap_or_default(),
            method: method.clone(),
            parked: parked.clone().unwrap_or_default(),
        }
    }

    /// The app's title, for a page that says what the login is for.
    pub fn title(&self, visitor: &Visitor) -> Option<String> {
        match self {
            Self::App { app, .. } => Some(visitor.words(&app.title)),
            Self::Own(_) => None,
        }
    }
}

impl Fields {
    /// As the pages carry them on.
    pub fn carried(&self) -> view::Continue {
        let Self { to, ask, method, parked } = self.clone();
        view::Continue { to, ask, method, parked }
    }

    /// The front page of where these lead, and nothing of what was done there: for somebody else.
    pub fn for_another(self) -> Self {
        let to = Url::parse(&self.to).ok().map(|url| format!("{}/", url.origin().ascii_serialization()));
        Self { to: to.unwrap_or_default(), ask: self.ask, ..Self::default() }
    }

    /// On to a page of our own first.
    pub fn own(pages: &Pages, path: &str) -> Self {
        Self { to: format!("{}{path}", pages.public.login()), ..Self::default() }
    }
}

/// The hash of the nonce that an app's host gave this browser.
fn parse_ask(value: &str) -> Option<Browser> {
    use base64::Engine as _;
    let decoded = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(value).ok()?;
    Some(Browser::from_hash(decoded.try_into().ok()?))
}
