//! Where a person was going, and what still stands between.
//!
//! The target travels in the URL and in forms, and is believed only as far as it names one of our own hosts.
//! What is missing is asked of the same `decide` that guards the app; whatever is claimed here, the app's
//! host decides again.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use url::Url;
use uuid::Uuid;

use super::view;
use super::visitor::Visitor;
use super::{Pages, terms};
use crate::authn::ceremony::Browser;
use crate::authn::glass::BrokenGlass;
use crate::authn::{Assurance, Method, MitIdLevel};
use crate::policy::expression::Need;
use crate::policy::path::CanonicalPath;
use crate::policy::{self, App, Decision, Demand, Denial, Offer, Person};
use crate::session::{Seat, Session, handoff, parked};
use crate::store::{Key, StoreError};

/// How recent a second factor must be before keys may be changed.
pub const SELF_SERVICE_FRESH: Duration = Duration::from_secs(10 * 60);

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

/// What comes next.
#[derive(Clone, Debug)]
pub enum Step {
    /// The password form.
    Password,
    /// A touch of a key; or MitID, where that does as well.
    Key { pin: bool, mitid: bool, purpose: Option<policy::Text>, once: bool },
    /// MitID, at least at this level; the person has no key that would do.
    MitId { level: Option<MitIdLevel> },
    /// Nothing is missing, or nothing more can be done here: the address to go to.
    Go(String),
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

    fn canonical(&self) -> Option<(&Arc<App>, CanonicalPath)> {
        let Self::App { app, url, .. } = self else { return None };
        Some((app, CanonicalPath::parse(url.path().as_bytes(), app.paths).ok()?))
    }

    /// The request as the app's host will see it, from this browser.
    fn asked<'a>(&'a self, visitor: &'a Visitor, path: &'a str) -> policy::Request<'a> {
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
    fn fields(&self) -> Fields {
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

/// What comes next for this person on the way to that destination.
pub async fn step(pages: &Pages, visitor: &Visitor, destination: &Destination) -> Result<Step, StoreError> {
    let Some(session) = &visitor.session else { return Ok(Step::Password) };
    match destination {
        Destination::Own(target) if is_for_others(target) && !has_fresh_own_key(session, visitor) => {
            second_factor(pages, session, destination, (&[Need::Key { pin: false }], None)).await
        }
        Destination::Own(target) if changes_keys(target) && !is_fresh(session, visitor) => {
            let needs = [Need::Key { pin: false }, Need::MitId(MitIdLevel::Low)];
            second_factor(pages, session, destination, (&needs, None)).await
        }
        Destination::Own(_)
            if destination.changes_password()
                && !is_fresh(session, visitor)
                && !pages.store.keys(session.user.id).await?.is_empty() =>
        {
            let needs = [Need::Key { pin: false }, Need::MitId(MitIdLevel::Low)];
            second_factor(pages, session, destination, (&needs, None)).await
        }
        Destination::Own(target)
            if acts_for_others(target) && !may_act_for_others(pages, session, visitor) =>
        {
            prove_for_others(pages, session, destination).await
        }
        Destination::Own(target) => Ok(Step::Go(target.clone())),
        Destination::App { ask, parked, .. } => {
            match decide(pages, visitor, session, destination, false).await? {
                // What is approved there must be parked there: the app's host does that, and asks again.
                Some(Decision::StepUp(demand))
                    if demand.once
                        && (ask.is_none() || parked.is_none())
                        && lacks_approval_alone(pages, visitor, session, destination).await? =>
                {
                    go(pages, session, destination).await
                }
                Some(Decision::Login(demand) | Decision::StepUp(demand)) => {
                    demanded(pages, session, destination, &demand).await
                }
                // A denial is the app host's to tell; so is a path it refuses.
                Some(Decision::Allow(_) | Decision::Deny(_)) | None => go(pages, session, destination).await,
            }
        }
    }
}

/// What comes next after a proof by `method` that was just given, and is in the visitor's session. It approves
/// the request that is parked, if it is what that request was short of.
pub async fn step_after(
    pages: &Pages,
    visitor: &Visitor,
    destination: &Destination,
    method: Method,
) -> Result<Step, StoreError> {
    let Some(session) = &visitor.session else { return Ok(Step::Password) };
    if let Destination::App { ask: Some(ask), parked: Some(parked), .. } = destination
        && let Some(Decision::StepUp(demand)) = decide(pages, visitor, session, destination, false).await?
        && demand.once
        && demand.alternatives.iter().any(|way| matches!(way[..], [need] if need.method() == method))
        && lacks_approval_alone(pages, visitor, session, destination).await?
        // Else it is shown them first, and the touch is asked for again: it was for what comes after.
        && !terms::pending(pages, session).await?
    {
        parked::approve(&pages.ceremonies, *ask, parked, session).await?;
        return go(pages, session, destination).await;
    }
    step(pages, visitor, destination).await
}

/// Whether everything is proven, but for this very request.
async fn lacks_approval_alone(
    pages: &Pages,
    visitor: &Visitor,
    session: &Session,
    destination: &Destination,
) -> Result<bool, StoreError> {
    let decision = decide(pages, visitor, session, destination, true).await?;
    Ok(matches!(decision, Some(Decision::Allow(_))))
}

/// Glass that a person may break.
pub struct Offered {
    pub app: Arc<App>,
    pub host: String,
    pub rule: String,
    pub offer: Offer,
    /// Behind it, a key that verifies its user is asked for.
    pub pin: bool,
}

/// What the person may break on the way to that destination: `None` if they are let in, or cannot be.
pub async fn offered(
    pages: &Pages,
    visitor: &Visitor,
    session: &Session,
    destination: &Destination,
) -> Result<Option<Offered>, StoreError> {
    let decision = decide(pages, visitor, session, destination, false).await?;
    let Destination::App { app, host, .. } = destination else { return Ok(None) };
    let Some(Decision::Deny(Denial { rule: Some(rule), glass: Some(offer), .. })) = decision else {
        return Ok(None);
    };
    let now = pages.clock.now();
    let (name, until) = (app.name.clone(), now.plus(offer.lasts));
    let broken = BrokenGlass { id: Uuid::nil(), app: name, rule: rule.clone(), broken_at: now, until };
    let behind = decide_with(pages, visitor, session, destination, (false, &[broken]));
    let pin = match behind {
        Some(Decision::StepUp(demand)) => demand.alternatives.iter().flatten().any(|need| need == &PIN),
        _ => false,
    };
    Ok(Some(Offered { app: app.clone(), host: host.clone(), rule, offer, pin }))
}

const PIN: Need = Need::Key { pin: true };

/// On to where the person was going; through the app's own door, if that is how they came.
async fn go(pages: &Pages, session: &Session, destination: &Destination) -> Result<Step, StoreError> {
    let (host, url, ask, parked) = match destination {
        Destination::Own(target) => return Ok(Step::Go(target.clone())),
        Destination::App { host, url, ask, parked, .. } => (host, url, ask, parked),
    };
    if terms::pending(pages, session).await? {
        return Ok(Step::Go(destination.fields().carried().link("/terms")));
    }
    let Some(ask) = ask else { return Ok(Step::Go(url.to_string())) };
    let origin = pages.public.origin(host);
    let target = match parked {
        Some(id) => format!("{origin}/.sluse/resume?id={}", encode(id)),
        None => url.to_string(),
    };
    let code = handoff::offer(&pages.ceremonies, session, *ask, host, &target).await?;
    Ok(Step::Go(format!("{origin}/.sluse/enter?code={code}")))
}

fn encode(id: &str) -> impl std::fmt::Display {
    percent_encoding::utf8_percent_encode(id, percent_encoding::NON_ALPHANUMERIC)
}

/// The person has a second factor that is recent enough to change keys. A key that is lent to them is none: it
/// would make itself permanent.
pub fn is_fresh(session: &Session, visitor: &Visitor) -> bool {
    let mitid = session.assurance.proven_at(Method::MitId);
    has_fresh_own_key(session, visitor)
        || mitid.is_some_and(|at| visitor.arrival.at.since(at) <= SELF_SERVICE_FRESH)
}

/// The person has touched a key of their own recently enough to do something for others.
pub fn has_fresh_own_key(session: &Session, visitor: &Visitor) -> bool {
    let own = session.assurance.own_key_at();
    own.is_some_and(|at| visitor.arrival.at.since(at) <= SELF_SERVICE_FRESH)
}

/// The keys that would do on the way there: those that are lent to a person open apps, and nothing of ours. A
/// key whose counter went backwards may have a copy: it proves nothing until it is replaced.
pub async fn usable_keys(
    pages: &Pages,
    session: &Session,
    destination: &Destination,
) -> Result<Vec<Key>, StoreError> {
    let mut keys = pages.store.keys(session.user.id).await?;
    if matches!(destination, Destination::App { .. }) {
        keys.extend(pages.store.lent_keys(session.user.id, pages.clock.now()).await?);
    }
    keys.retain(|key| !key.suspect);
    Ok(keys)
}

/// Whether a touch on the way there must come with a PIN, as it stands.
pub async fn wants_pin(
    pages: &Pages,
    visitor: &Visitor,
    destination: &Destination,
) -> Result<bool, StoreError> {
    let Some(session) = &visitor.session else { return Ok(false) };
    Ok(match decide(pages, visitor, session, destination, false).await? {
        Some(Decision::Login(demand) | Decision::StepUp(demand)) => {
            let mut keys = demand.alternatives.iter().flatten().filter(|need| need.method() == Method::Key);
            keys.next().is_some_and(|need| *need == Need::Key { pin: true })
        }
        Some(Decision::Allow(_) | Decision::Deny(_)) | None => false,
    })
}

/// Whether a page of ours does something for other people: see [`super::duty`].
fn is_for_others(target: &str) -> bool {
    let path = target.split('?').next().unwrap_or_default();
    let under =
        |root: &str| path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    under("/vouch") || (under("/lend") && !under("/lend/colleague"))
}

/// Two factors, the second of them a fresh key as the configuration wants it: what the admin pages ask for.
pub fn may_act_for_others(pages: &Pages, session: &Session, visitor: &Visitor) -> bool {
    let rules = &pages.settings().desk;
    let fresh = |at| visitor.arrival.at.since(at) <= SELF_SERVICE_FRESH;
    let key = session
        .assurance
        .key
        .as_ref()
        .is_some_and(|key| key.until.is_none() && fresh(key.at) && (key.user_verified || !rules.pin));
    let mitid = rules.mitid && session.assurance.mitid.as_ref().is_some_and(|mitid| fresh(mitid.at));
    (key || mitid) && has_first_factor(session)
}

/// A key without a PIN is one factor.
fn has_first_factor(session: &Session) -> bool {
    let Assurance { password, key, mitid } = &session.assurance;
    password.is_some() || mitid.is_some() || key.as_ref().is_some_and(|key| key.user_verified)
}

async fn prove_for_others(
    pages: &Pages,
    session: &Session,
    destination: &Destination,
) -> Result<Step, StoreError> {
    if !has_first_factor(session) {
        return Ok(Step::Password);
    }
    let rules = &pages.settings().desk;
    let key = Need::Key { pin: rules.pin };
    let needs = if rules.mitid { vec![key, Need::MitId(MitIdLevel::Substantial)] } else { vec![key] };
    second_factor(pages, session, destination, (&needs, None)).await
}

/// Whether it is a page where something is done for other people.
fn acts_for_others(target: &str) -> bool {
    let path = target.split('?').next().unwrap_or_default();
    path == "/admin" || path.starts_with("/admin/")
}

/// Whether a page of ours shows or does something that needs a fresh second factor.
fn changes_keys(target: &str) -> bool {
    target.starts_with("/keys/")
}

/// As the app's host will, with the glass that is broken there.
async fn decide(
    pages: &Pages,
    visitor: &Visitor,
    session: &Session,
    destination: &Destination,
    approved_once: bool,
) -> Result<Option<Decision>, StoreError> {
    let decision = decide_with(pages, visitor, session, destination, (approved_once, &[]));
    let Destination::App { host, .. } = destination else { return Ok(decision) };
    // Only who may break glass can have broken any.
    if !matches!(&decision, Some(Decision::Deny(denial)) if denial.glass.is_some()) {
        return Ok(decision);
    }
    let mut open = pages.sessions.open_glass(session.sign_in.id, pages.clock.now()).await?;
    open.retain(|pane| pane.host == *host);
    let glass: Vec<BrokenGlass> = open.into_iter().map(|pane| pane.glass).collect();
    Ok(decide_with(pages, visitor, session, destination, (approved_once, &glass)))
}

fn decide_with(
    pages: &Pages,
    visitor: &Visitor,
    session: &Session,
    destination: &Destination,
    (approved_once, glass): (bool, &[BrokenGlass]),
) -> Option<Decision> {
    let (app, path) = destination.canonical()?;
    let request = policy::Request { approved_once, glass, ..destination.asked(visitor, path.as_str()) };
    let person = Person {
        username: session.user.username.as_str(),
        groups: &session.user.groups,
        claims: &session.user.claims,
        assurance: &session.assurance,
    };
    let now = pages.clock.now();
    Some(policy::decide(app, &request, Some(&person), now))
}

/// The first way that is open to the person, in the order of the policy's own alternatives.
async fn demanded(
    pages: &Pages,
    session: &Session,
    destination: &Destination,
    demand: &Demand,
) -> Result<Step, StoreError> {
    let open = |way: &&Vec<Need>| !way.contains(&Need::Password);
    let needs: Vec<Need> =
        demand.alternatives.iter().filter(open).filter_map(|way| way.first().copied()).collect();
    if needs.is_empty() {
        return Ok(Step::Password);
    }
    let mut step = second_factor(pages, session, destination, (&needs, demand.text.clone())).await?;
    if let Step::Key { once, .. } = &mut step {
        *once = demand.once;
    }
    Ok(step)
}

async fn second_factor(
    pages: &Pages,
    session: &Session,
    destination: &Destination,
    (needs, purpose): (&[Need], Option<policy::Text>),
) -> Result<Step, StoreError> {
    let key = needs.iter().find_map(|need| match need {
        Need::Key { pin } => Some(*pin),
        _ => None,
    });
    let mitid = needs.iter().find_map(|need| match need {
        Need::MitId(level) if pages.settings().mitid.is_some() => Some(*level),
        _ => None,
    });
    let usable = !usable_keys(pages, session, destination).await?.is_empty();
    Ok(match key {
        Some(pin) if usable => Step::Key { pin, mitid: mitid.is_some(), purpose, once: false },
        _ => Step::MitId { level: mitid },
    })
}

/// The hash of the nonce that an app's host gave this browser.
fn parse_ask(value: &str) -> Option<Browser> {
    use base64::Engine as _;
    let decoded = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(value).ok()?;
    Some(Browser::from_hash(decoded.try_into().ok()?))
}
