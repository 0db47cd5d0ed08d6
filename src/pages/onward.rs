//! Where a person was going, and what still stands between: what is missing is asked of the same `decide` that guards the app; whatever is claimed here, the app's
//! host decides again.

mod destination;
mod own;
mod ways;

use std::sync::Arc;

use uuid::Uuid;

pub use self::destination::{Destination, Fields};
pub use self::own::{SELF_SERVICE_FRESH, has_fresh_own_key, is_fresh, may_act_for_others};
pub use self::ways::{Ways, ways};
use super::visitor::Visitor;
use super::{Pages, terms};
use crate::authn::glass::BrokenGlass;
use crate::authn::{Method, MitIdLevel};
use crate::policy::expression::Need;
use crate::policy::{self, App, Decision, Demand, Denial, Offer, Person};
use crate::session::{Session, handoff, parked};
use crate::store::{Key, StoreError};
use crate::user::UserId;

/// What comes next.
#[derive(Clone, Debug)]
pub enum Step {
    /// The password; of somebody who is not signed in, whatever logs them in: see [`ways`].
    Password,
    /// A touch of a key; or MitID, where that does as well.
    Key { pin: bool, mitid: bool, purpose: Option<policy::Text>, once: bool },
    /// MitID, at least at this level; the person has no key that would do.
    MitId { level: Option<MitIdLevel> },
    /// Nothing is missing, or nothing more can be done here: the address to go to.
    Go(String),
}

/// What comes next for this person on the way to that destination.
pub async fn step(pages: &Pages, visitor: &Visitor, destination: &Destination) -> Result<Step, StoreError> {
    let Some(session) = &visitor.session else { return Ok(Step::Password) };
    match destination {
        Destination::Own(target) => match own::missing(pages, visitor, session, destination).await? {
            Some(step) => Ok(step),
            None => Ok(Step::Go(target.clone())),
        },
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
    let behind = decide_with(pages, visitor, Some(session), destination, (false, &[broken]));
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

/// The keys that would do on the way there: those that are lent to a person open apps, and nothing of ours. A
/// key whose counter went backwards may have a copy: it proves nothing until it is replaced.
pub async fn usable_keys(
    pages: &Pages,
    session: &Session,
    destination: &Destination,
) -> Result<Vec<Key>, StoreError> {
    keys_of(pages, session.user.id, destination).await
}

/// The same of somebody who is not signed in.
pub async fn keys_of(pages: &Pages, user: UserId, destination: &Destination) -> Result<Vec<Key>, StoreError> {
    let mut keys = pages.store.keys(user).await?;
    if matches!(destination, Destination::App { .. }) {
        keys.extend(pages.store.lent_keys(user, pages.clock.now()).await?);
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
            pin_of(demand.alternatives.iter().filter(|way| is_open(way)).flatten()).unwrap_or(false)
        }
        Some(Decision::Allow(_) | Decision::Deny(_)) | None => false,
    })
}

/// As the app's host will, with the glass that is broken there.
async fn decide(
    pages: &Pages,
    visitor: &Visitor,
    session: &Session,
    destination: &Destination,
    approved_once: bool,
) -> Result<Option<Decision>, StoreError> {
    let decision = decide_with(pages, visitor, Some(session), destination, (approved_once, &[]));
    let Destination::App { host, .. } = destination else { return Ok(decision) };
    // Only who may break glass can have broken any.
    if !matches!(&decision, Some(Decision::Deny(denial)) if denial.glass.is_some()) {
        return Ok(decision);
    }
    let mut open = pages.sessions.open_glass(session.sign_in.id, pages.clock.now()).await?;
    open.retain(|pane| pane.host == *host);
    let glass: Vec<BrokenGlass> = open.into_iter().map(|pane| pane.glass).collect();
    Ok(decide_with(pages, visitor, Some(session), destination, (approved_once, &glass)))
}

fn decide_with(
    pages: &Pages,
    visitor: &Visitor,
    session: Option<&Session>,
    destination: &Destination,
    (approved_once, glass): (bool, &[BrokenGlass]),
) -> Option<Decision> {
    let (app, path) = destination.canonical()?;
    let request = policy::Request { approved_once, glass, ..destination.asked(visitor, path.as_str()) };
    let person = session.map(|session| Person {
        username: session.user.username.as_str(),
        groups: &session.user.groups,
        claims: &session.user.claims,
        assurance: &session.assurance,
    });
    let now = pages.clock.now();
    Some(policy::decide(app, &request, person.as_ref(), now))
}

/// The first way that is open to the person, in the order of the policy's own alternatives.
async fn demanded(
    pages: &Pages,
    session: &Session,
    destination: &Destination,
    demand: &Demand,
) -> Result<Step, StoreError> {
    let open = demand.alternatives.iter().filter(|way| is_open(way));
    let needs: Vec<Need> = open.filter_map(|way| way.first().copied()).collect();
    if needs.is_empty() {
        return Ok(Step::Password);
    }
    let mut step = second_factor(pages, session, destination, (&needs, demand.text.clone())).await?;
    match &mut step {
        Step::Key { once, .. } => *once = demand.once,
        // Whoever came in by a key alone has a password as a rule, and always at hand.
        Step::MitId { .. } if session.assurance.key.is_some() && lacks_password_alone(demand) => {
            return Ok(Step::Password);
        }
        _ => {}
    }
    Ok(step)
}

/// Whether no password is a part of it.
fn is_open(way: &[Need]) -> bool {
    !way.contains(&Need::Password)
}

/// Whether a key must verify its user, if any is asked for: not where a touch is enough, as it is beside a password
/// for `key(pin) | password + key`.
fn pin_of<'a>(needs: impl Iterator<Item = &'a Need>) -> Option<bool> {
    let pins = needs.filter_map(|need| match need {
        Need::Key { pin } => Some(*pin),
        _ => None,
    });
    pins.reduce(|one, other| one && other)
}

fn lacks_password_alone(demand: &Demand) -> bool {
    demand.alternatives.iter().any(|way| matches!(way[..], [Need::Password]))
}

async fn second_factor(
    pages: &Pages,
    session: &Session,
    destination: &Destination,
    (needs, purpose): (&[Need], Option<policy::Text>),
) -> Result<Step, StoreError> {
    let key = pin_of(needs.iter());
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
