//! The decision on one request. Pure: the same facts give the same answer.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;

use super::explain::{Line, Silent, Trace};
use super::expression::{MethodSet, Need};
use super::matcher::{Facts, Protocol};
use super::observe::{self, Observed};
use super::proof::{Bounds, Found, Origin, Proofs};
use super::{App, Deny, Fresh, Level, OnStepUp, Requirement, Rule, Stated, Text};
use crate::authn::Assurance;
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

    /// Whether the request shows that somebody is there, and so keeps the session alive.
    pub fn is_activity(&self) -> bool {
        self.activity
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
    if app.observes() { observe::enforced(app, request, person, now, written) } else { written }
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
pub(super) fn decide_with(
    app: &Arc<App>,
    request: &Request<'_>,
    person: Option<&Person<'_>>,
    now: Timestamp,
    rules: Rules,
    trace: &mut impl Trace,
) -> Decision {
    let facts = Facts::of(app, request, now);
    let mut denied = None;
    for deny in &app.denies {
        let fits = deny.matcher.fits(&facts);
        trace.tell(|| Line::deny(deny, &deny.matcher.misses(&facts)));
        if fits && denied.is_none() {
            denied = Some(deny);
        }
    }
    if let Some(deny) = denied {
        return Decision::Deny(Denial::by(deny));
    }
    let counts = |rule: &Rule| rules == Rules::Written || !rule.observe;
    for (index, rule) in app.rules.iter().enumerate().filter(|(_, rule)| counts(rule)) {
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
    let permit = |level| {
        let (app, by) = (Arc::clone(effective.app), Arc::clone(effective.app));
        Decision::Allow(Permit { app, by, rule: index, level, activity: effective.activity(), observed: None })
    };
    if effective.rule.public {
        return permit(None);
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
    if let Err(reason) = membership {
        let rule = effective.rule;
        return Decision::Deny(Denial::new(reason, Some(&rule.name), rule.say.clone()));
    }
    if proven { permit(proofs.level()) } else { Decision::StepUp(effective.demand(&proofs)) }
}

impl Denial {
    pub(super) fn new(reason: Reason, rule: Option<&str>, say: Option<Text>) -> Self {
        Self { reason, rule: rule.map(str::to_owned), say, observed: None }
    }

    fn by(deny: &Deny) -> Self {
        Self::new(Reason::Deny(deny.name.clone()), None, deny.say.clone())
    }
}

/// The deciding rule AND every floor that fits.
struct Effective<'a> {
    app: &'a Arc<App>,
    rule: &'a Rule,
    /// A bit a floor: whether it fits.
    fitting: u64,
    request: &'a Request<'a>,
}

/// As many floors as an app may have: a bit each.
pub(super) const MOST_FLOORS: usize = 64;

impl<'a> Effective<'a> {
    fn of(app: &'a Arc<App>, rule: &'a Rule, facts: &Facts<'a>) -> Self {
        let floors = app.floors.iter().take(MOST_FLOORS).enumerate();
        let fitting = floors.filter(|(_, floor)| floor.matcher.fits(facts));
        let fitting = fitting.fold(0, |fitting, (index, _)| fitting | 1 << index);
        Self { app, rule, fitting, request: facts.request }
    }

    fn floors(&self) -> impl Iterator<Item = &'a super::Floor> + use<'a> {
        let fitting = self.fitting;
        let floors = self.app.floors.iter().take(MOST_FLOORS).enumerate();
        floors.filter(move |(index, _)| fitting >> index & 1 == 1).map(|(_, floor)| floor)
    }

    fn activity(&self) -> bool {
        let settings = self.floors().map(|floor| &floor.session).chain([&self.rule.session]);
        let mut idle = settings.flat_map(|settings| &settings.not_activity);
        !idle.any(|pattern| pattern.fits(self.request.path, self.app.paths))
    }

    /// Floors first: so the rule's level comes last, and `fresh` bounds its last method.
    fn parts(&self) -> impl Iterator<Item = (Origin, &'a Requirement)> + use<'a> {
        let floors = self.floors().map(|floor| (Origin::Floor, &floor.require));
        floors.chain([(Origin::Rule, &self.rule.require)])
    }

    fn membership(&self, person: Option<&Person<'_>>, trace: &mut impl Trace) -> Result<(), Reason> {
        let mut result = Ok(());
        for (origin, part) in self.parts() {
            let groups = [(&part.groups, false), (&part.all_groups, true)];
            for (stated, all) in groups.into_iter().filter_map(|(stated, all)| Some((stated.as_ref()?, all)))
            {
                let has = |group: &String| person.is_some_and(|person| person.groups.contains(group));
                let met = if all { stated.value.iter().all(has) } else { stated.value.iter().any(has) };
                trace.tell(|| Line::groups(origin, stated, all, met, person));
                if !met && result.is_ok() {
                    result = Err(Reason::Groups);
                }
            }
        }
        for (origin, part) in self.parts() {
            let Some(stated) = &part.users else { continue };
            let met = person.is_some_and(|person| stated.value.iter().any(|user| user == person.username));
            trace.tell(|| Line::users(origin, stated, met));
            if !met && result.is_ok() {
                result = Err(Reason::Users);
            }
        }
        for (origin, part) in self.parts() {
            for (name, stated) in &part.claims {
                let fits = |(known, value): &(String, String)| known == name && stated.value.contains(value);
                let met = person.is_some_and(|person| person.claims.iter().any(fits));
                trace.tell(|| Line::claim(origin, name, stated, met));
                if !met && result.is_ok() {
                    result = Err(Reason::Claims);
                }
            }
        }
        result
    }

    fn bounds(&self) -> Bounds {
        let mut bounds = Bounds::default();
        // Of two that say the same, the later.
        let least = |known: &mut Option<(Origin, Stated<Duration>)>, origin, stated: Stated<Duration>| {
            if known.is_none_or(|(_, known)| stated.value <= known.value) {
                *known = Some((origin, stated));
            }
        };
        for (origin, part) in self.parts() {
            if let Some(stated) = part.max_age {
                least(&mut bounds.max_age, origin, stated);
            }
            match part.fresh {
                Some(Stated { value: Fresh::Within(value), line }) => {
                    least(&mut bounds.fresh, origin, Stated { value, line });
                }
                Some(Stated { value: Fresh::Once, line }) => bounds.once = Some((origin, line)),
                None => {}
            }
        }
        bounds.approved = self.request.approved_once;
        bounds
    }

    /// The levels that must hold, each with where it is stated; without any, to be signed in.
    fn levels(&self) -> impl Iterator<Item = (Option<(Origin, usize)>, &'a Level)> + use<'a> {
        let stated = self.parts().filter_map(|(origin, part)| {
            part.level.as_ref().map(|level| (Some((origin, level.line)), &*level.value))
        });
        let none = self.parts().all(|(_, part)| part.level.is_none());
        let any: &'a Level = &self.app.shared.any;
        stated.chain(none.then_some((None, any)))
    }

    fn proven(&self, proofs: &Proofs<'_>, trace: &mut impl Trace) -> bool {
        let count = self.levels().count();
        let mut all = true;
        let mut found = Found::default();
        for (index, (stated, level)) in self.levels().enumerate() {
            let judged = proofs.nearest(level, index + 1 == count);
            trace.tell(|| Line::level(stated, level, &judged));
            all &= judged.verdict.met();
            found.note(&judged);
        }
        trace.tell(|| Line::max_age(proofs.bounds.max_age, &found));
        if let Some(fresh) = proofs.bounds.fresh {
            trace.tell(|| Line::fresh(fresh, &found));
        }
        if let Some(once) = proofs.bounds.once {
            trace.tell(|| Line::once(once, proofs.bounds.approved));
        }
        all
    }

    fn demand(&self, proofs: &Proofs<'_>) -> Demand {
        let mut whole = vec![MethodSet::default()];
        for (_, level) in self.levels() {
            let sets = level.expression.sets();
            whole = whole.iter().flat_map(|known| sets.iter().map(|set| known.and(set))).collect();
            // A hostile pile of levels must not cost memory: what is cut are alternatives, never needs.
            whole.truncate(256);
        }
        let missing = whole.iter().map(|set| proofs.missing(set)).collect();
        let bounds = &proofs.bounds;
        let ages = bounds.max_age.into_iter().chain(bounds.fresh).map(|(_, stated)| stated.value);
        let once = bounds.once.is_some();
        let OnStepUp { text, park_body } = self.rule.on_step_up.clone();
        Demand {
            alternatives: least(missing),
            level: self.strongest().to_owned(),
            max_age: if once { Some(Duration::ZERO) } else { ages.min() },
            once,
            rule: self.rule.name.clone(),
            text,
            park_body,
            observed: None,
        }
    }

    fn strongest(&self) -> &'a str {
        let rank = |level: &Level| self.app.shared.levels.iter().position(|known| known.name == level.name);
        let strongest = self.levels().max_by_key(|(_, level)| rank(level));
        strongest.map_or("", |(_, level)| level.name.as_str())
    }
}

/// Without those that ask for all of another one and more.
fn least(alternatives: Vec<Vec<Need>>) -> Vec<Vec<Need>> {
    let within = |small: &[Need], large: &[Need]| small.iter().all(|need| large.contains(need));
    let keep = |index: usize, own: &Vec<Need>| {
        alternatives.iter().enumerate().all(|(other, needs)| {
            other == index || !within(needs, own) || (within(own, needs) && index < other)
        })
    };
    alternatives
        .iter()
        .enumerate()
        .filter(|(index, own)| keep(*index, own))
        .map(|(_, own)| own.clone())
        .collect()
}

#[cfg(test)]
#[path = "decide_tests.rs"]
mod tests;
