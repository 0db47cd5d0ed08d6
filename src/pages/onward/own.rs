//! What our own pages ask for before they show or do something.

use std::time::Duration;

use super::{Destination, Step, second_factor};
use crate::authn::{Assurance, Method, MitIdLevel};
use crate::pages::Pages;
use crate::pages::visitor::Visitor;
use crate::policy::expression::Need;
use crate::session::Session;
use crate::store::StoreError;

/// How recent a second factor must be before keys may be changed, or something is done for others.
pub const SELF_SERVICE_FRESH: Duration = Duration::from_secs(10 * 60);

/// What this person must prove before that page of ours; `None`: nothing.
pub(super) async fn missing(
    pages: &Pages,
    visitor: &Visitor,
    session: &Session,
    destination: &Destination,
) -> Result<Option<Step>, StoreError> {
    let Destination::Own(target) = destination else { return Ok(None) };
    if acts_for_others(target) && !may_act_for_others(pages, session, visitor) {
        return prove_for_others(pages, session, destination).await.map(Some);
    }
    let any = [Need::Key { pin: false }, Need::MitId(MitIdLevel::Low)];
    let needs = if is_for_others(target) && !has_fresh_own_key(session, visitor) {
        &any[..1]
    } else if !is_fresh(session, visitor)
        && (changes_keys(target)
            || (destination.changes_password() && !pages.store.keys(session.user.id).await?.is_empty()))
    {
        &any
    } else {
        return Ok(None);
    };
    second_factor(pages, session, destination, (needs, None)).await.map(Some)
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
