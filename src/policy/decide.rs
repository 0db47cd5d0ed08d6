//! The decision on one request. Pure: the same facts give the same answer.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;

use super::effective::Effective;
use super::explain::{Line, Silent, Trace};
use super::expression::Need;
use super::glass::{Glass, Offer, OpenGlass};
use super::index::Index;
use super::matcher::{Facts, Protocol};
use super::observe::{self, Observed};
use super::proof::Proofs;
use super::{App, Deny, Level, Text};
use crate::authn::Assurance;
use crate::authn::glass::BrokenGlass;
use crate::time::Timestamp;

/// What is asked.
#[derive(Copy, Clone, Debug)]
pub struct Request<'a> {
    /// The exact method token.
    pub method: &'a str,
    /// In its canonical form: see [`super::path::CanonicalPath`].
    pub path: &'a str,
    /// As it is forwarded, without the `?`.
    pub query: Option<&'a str>,
    /// `None` where there are none to look at: no `header` condition fits then.
    pub headers: Option<&'a HeaderMap>,
    /// `None` where it is not known: in no network then.
    pub address: Option<IpAddr>,
    /// The device is registered as used by many.
    pub shared_device: bool,
    pub protocol: Protocol,
    /// This very request was approved, for `fresh: once`. Whoever says so has just taken (read and deleted) an
    /// approval of this session that is bound to the method, the path and the hash of the body.
    pub approved_once: bool,
    /// Glass that this person broke at this host, in this signing in; some of it may be over.
    pub glass: &'a [BrokenGlass],
}

impl<'a> Request<'a> {
    /// A request of which no more is known.
    pub fn new(method: &'a str, path: &'a str) -> Self {
        Self {
            method,
            path,
            query: None,
            headers: None,
            address: None,
            shared_device: false,
            protocol: Protocol::Http,
            approved_once: false,
            glass: &[],
        }
    }
}

/// Who asks.
#[derive(Copy, Clone, Debug)]
pub struct Person<'a> {
    /// In its one spelling.
    pub username: &'a str,
    pub groups: &'a [String],
    /// Names and values, a name as often as it has values.
    pub claims: &'a [(String, String)],
    pub assurance: &'a Assurance,
}

#[derive(Clone, Debug)]
pub enum Decision {
    Allow(Permit),
    /// Nothing is proven yet.
    Login(Demand),
    /// Something is, but not enough or not recently enough.
    StepUp(Demand),
    Deny(Denial),
}

impl Decision {
    /// What an observing rule or app would have decided.
    pub fn observed(&self) -> Option<&Observed> {
        match self {
            Self::Allow(permit) => permit.observed(),
            Self::Login(demand) | Self::StepUp(demand) => demand.observed.as_ref(),
            Self::Deny(denial) => denial.observed.as_ref(),
        }
    }

    pub(super) fn observing(mut self, observed: Observed) -> Self {
        let place = match &mut self {
            Self::Allow(permit) => &mut permit.observed,
            Self::Login(demand) | Self::StepUp(demand) => &mut demand.observed,
            Self::Deny(denial) => &mut denial.observed,
        };
        *place = Some(observed);
        self
    }

    /// As a decision on a request to `app`, whichever version of it decided.
    pub(super) fn on(mut self, app: &Arc<App>) -> Self {
        if let Self::Allow(permit) = &mut self {
            permit.app = Arc::clone(app);
        }
        self
    }
}

/// Proof that a request was allowed: no other code makes one.
#[derive(Clone, Debug)]
pub struct Permit {
    app: Arc<App>,
    /// The version of the app whose rule decided.
    by: Arc<App>,
    rule: usize,
    level: Option<Arc<Level>>,
    activity: bool,
    glass: Option<OpenGlass>,
    observed: Option<Observed>,
}

impl Permit {
    pub fn app(&self) -> &Arc<App> {
        &self.app
    }

    /// The name of the rule that decided.
    pub fn rule(&self) -> &str {
        &self.by.rules[self.rule].name
    }

    /// The strongest level of sluse.yaml the person holds by the ages that counted here. `None` on a public
    /// rule, and where no level is held.
    pub fn level(&self) -> Option<&str> {
        self.level.as_ref().map(|level| level.name.as_str())
    }

    /// Whether the rule is open to everybody.
    pub fn is_public(&self) -> bool {
        self.by.rules[self.rule].public
    }

    /// Whether the request shows that somebody is there, and so keeps the session alive.
    pub fn is_activity(&self) -> bool {
        self.activity
    }

    /// The glass without which the person would have been denied.
    pub fn glass(&self) -> Option<OpenGlass> {
        self.glass
    }

    /// What an observing rule or app would have decided.
    pub fn observed(&self) -> Option<&Observed> {
        self.observed.as_ref()
    }
}

/// What is still to be proven.
#[derive(Clone, Debug, PartialEq)]
pub struct Demand {
    /// Each is enough. In the order of the level's expression; only what is missing, too weak or too old.
    pub alternatives: Vec<Vec<Need>>,
    /// The level's name (the strongest, where several apply), or its expression.
    pub level: String,
    /// How old what is proven now may be, where the policy states it: for RFC 9470's `max_age`.
    pub max_age: Option<Duration>,
    /// `fresh: once`: what is proven now approves this request alone.
    pub once: bool,
    pub rule: String,
    pub text: Option<Text>,
    /// The largest body, in bytes, to keep until it is done.
    pub park_body: Option<u64>,
    /// What an observing rule or app would have decided.
    pub observed: Option<Observed>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Denial {
    pub reason: Reason,
    /// The rule that decided, if one was reached.
    pub rule: Option<String>,
    pub say: Option<Text>,
    /// The person may break the glass of that rule.
    pub glass: Option<Offer>,
    /// What an observing rule or app would have decided.
    pub observed: Option<Observed>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    NoRule,
    /// A `deny` entry, by its name.
    Deny(String),
    Groups,
    Users,
    Claims,
}

impl Reason {
    /// The codes that are not names of `deny` entries.
    pub const CODES: [&str; 4] = ["no-rule", "groups", "users", "claims"];

    pub fn code(&self) -> &str {
        match self {
            Self::NoRule => "no-rule",
            Self::Deny(name) => name,
            Self::Groups => "groups",
            Self::Users => "users",
            Self::Claims => "claims",
        }
    }
}

/// Decides by all denies, then the first rule that matches together with every floor that fits. Where that
/// rule or the app observes, what was live before it decides, and what it would have decided is told.
///
/// `person` is `None` for somebody who is not signed in.
pub fn decide(
    app: &Arc<App>,
    request: &Request<'_>,
    person: Option<&Person<'_>>,
    now: Timestamp,
) -> Decision {
    let written = decide_with(app, request, person, now, Rules::Written, &mut Silent);
    if app.observes() { observe::enforced(app, request, person, now, written, &mut Silent) } else { written }
}

/// Which of the rules decide.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Rules {
    /// All, as they are written.
    Written,
    /// All that do not merely observe.
    Enforced,
}

/// The decision by the policy as it is written, observing or not, telling `trace` how it came about.
pub(super) fn decide_with<T: Trace>(
    app: &Arc<App>,
    request: &Request<'_>,
    person: Option<&Person<'_>>,
    now: Timestamp,
    rules: Rules,
    trace: &mut T,
) -> Decision {
    let facts = Facts::of(app, request, now);
    // Whoever listens hears of what cannot fit, too.
    let candidates = |index: &Index| match T::HEARS {
        true => index.all(),
        false => index.candidates(request.path, app.paths),
    };
    let mut denied = None;
    for deny in candidates(&app.denies_by_path).map(|index| &app.denies[index]) {
        let fits = deny.matcher.fits(&facts);
        trace.tell(|| Line::deny(deny, &deny.matcher.misses(&facts)));
        if fits && denied.is_none() {
            denied = Some(deny);
        }
    }
    if let Some(deny) = denied {
        return Decision::Deny(Denial::by(deny));
    }
    for index in candidates(&app.rules_by_path) {
        let rule = &app.rules[index];
        if rules == Rules::Enforced && rule.observe {
            continue;
        }
        let fits = rule.matcher.fits(&facts);
        trace.tell(|| Line::rule(rule, &rule.matcher.misses(&facts)));
        if fits {
            return by_rule(&Effective::of(app, rule, &facts), index, person, now, trace);
        }
    }
    Decision::Deny(Denial::new(Reason::NoRule, None, None))
}

fn by_rule(
    effective: &Effective<'_>,
    index: usize,
    person: Option<&Person<'_>>,
    now: Timestamp,
    trace: &mut impl Trace,
) -> Decision {
    let permit = |level, glass| {
        let (app, by) = (Arc::clone(effective.app), Arc::clone(effective.app));
        Decision::Allow(Permit {
            app,
            by,
            rule: index,
            level,
            activity: effective.activity(),
            glass,
            observed: None,
        })
    };
    if effective.rule.public {
        return permit(None, None);
    }
    let nothing = Assurance::default();
    let assurance = person.map_or(&nothing, |person| person.assurance);
    let proofs = Proofs { assurance, now, bounds: effective.bounds(), shared: &effective.app.shared };
    let membership = effective.membership(person, trace);
    let proven = effective.proven(&proofs, trace);
    // Somebody who has proven nothing is not told which groups may enter.
    if !proofs.any() {
        return Decision::Login(effective.demand(&proofs));
    }
    let mut broken = None;
    if let Err(outside) = membership {
        let glass = effective.glass(&outside, person, now, trace);
        let Glass::Open(open) = glass else {
            let rule = effective.rule;
            let denial = Denial::new(outside.reason, Some(&rule.name), rule.say.clone());
            return Decision::Deny(denial.offering(glass));
        };
        broken = Some(open);
    }
    if proven { permit(proofs.level(), broken) } else { Decision::StepUp(effective.demand(&proofs)) }
}

impl Denial {
    pub(super) fn new(reason: Reason, rule: Option<&str>, say: Option<Text>) -> Self {
        Self { reason, rule: rule.map(str::to_owned), say, glass: None, observed: None }
    }

    fn offering(self, glass: Glass) -> Self {
        match glass {
            Glass::Offered(offer) => Self { glass: Some(offer), ..self },
            Glass::Open(_) | Glass::No => self,
        }
    }

    fn by(deny: &Deny) -> Self {
        Self::new(Reason::Deny(deny.name.clone()), None, deny.say.clone())
    }
}

#[cfg(test)]
#[path = "decide_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "floors_tests.rs"]
mod floors_tests;
