//! The decision on one request. Pure: the same facts give the same answer.

use std::cmp::Reverse;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use super::explain::{Line, Silent, Trace};
use super::expression::{MethodSet, Need};
use super::proof::{Bounds, Found, Origin, Proofs};
use super::{App, Deny, Level, Requirement, Rule, Stated, Text};
use crate::authn::Assurance;
use crate::time::Timestamp;

/// What is asked.
#[derive(Copy, Clone, Debug)]
pub struct Request<'a> {
    /// The exact method token.
    pub method: &'a str,
    /// In its canonical form: see [`super::path::CanonicalPath`].
    pub path: &'a str,
    /// `None` where it is not known: in no network then.
    pub address: Option<IpAddr>,
    /// The device is registered as used by many.
    pub shared_device: bool,
}

/// Who asks.
#[derive(Copy, Clone, Debug)]
pub struct Person<'a> {
    /// In its one spelling.
    pub username: &'a str,
    pub groups: &'a [String],
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

/// Proof that a request was allowed: no other code makes one.
#[derive(Clone, Debug)]
pub struct Permit {
    app: Arc<App>,
    rule: usize,
    level: Option<Arc<Level>>,
}

impl Permit {
    pub fn app(&self) -> &Arc<App> {
        &self.app
    }

    /// The name of the rule that decided.
    pub fn rule(&self) -> &str {
        &self.app.rules[self.rule].name
    }

    /// The strongest level of sluse.yaml the person holds by the ages that counted here. `None` on a public
    /// rule, and where no level is held.
    pub fn level(&self) -> Option<&str> {
        self.level.as_ref().map(|level| level.name.as_str())
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
    pub rule: String,
    pub text: Option<Text>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Denial {
    pub reason: Reason,
    /// The rule that decided, if one was reached.
    pub rule: Option<String>,
    pub say: Option<Text>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    NoRule,
    /// A `deny` entry, by its name.
    Deny(String),
    Groups,
    Users,
}

impl Reason {
    /// The codes that are not names of `deny` entries.
    pub const CODES: [&str; 3] = ["no-rule", "groups", "users"];

    pub fn code(&self) -> &str {
        match self {
            Self::NoRule => "no-rule",
            Self::Deny(name) => name,
            Self::Groups => "groups",
            Self::Users => "users",
        }
    }
}

/// Decides by all denies, then the first rule that matches together with every floor that fits. `person` is
/// `None` for somebody who is not signed in.
pub fn decide(
    app: &Arc<App>,
    request: &Request<'_>,
    person: Option<&Person<'_>>,
    now: Timestamp,
) -> Decision {
    decide_with(app, request, person, now, &mut Silent)
}

/// As [`decide`], telling `trace` how it came about.
pub(super) fn decide_with(
    app: &Arc<App>,
    request: &Request<'_>,
    person: Option<&Person<'_>>,
    now: Timestamp,
    trace: &mut impl Trace,
) -> Decision {
    let mut denied = None;
    for deny in &app.denies {
        let fits = deny.matcher.fits(request, app.paths);
        trace.tell(|| Line::deny(deny, &deny.matcher.misses(request, app.paths)));
        if fits && denied.is_none() {
            denied = Some(deny);
        }
    }
    if let Some(deny) = denied {
        return Decision::Deny(Denial::by(deny));
    }
    for (index, rule) in app.rules.iter().enumerate() {
        let fits = rule.matcher.fits(request, app.paths);
        trace.tell(|| Line::rule(rule, &rule.matcher.misses(request, app.paths)));
        if fits {
            return by_rule(&Effective::of(app, rule, request), index, person, now, trace);
        }
    }
    Decision::Deny(Denial { reason: Reason::NoRule, rule: None, say: None })
}

fn by_rule(
    effective: &Effective<'_>,
    index: usize,
    person: Option<&Person<'_>>,
    now: Timestamp,
    trace: &mut impl Trace,
) -> Decision {
    let permit = |level| Decision::Allow(Permit { app: Arc::clone(effective.app), rule: index, level });
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
        return Decision::Deny(Denial { reason, rule: Some(rule.name.clone()), say: rule.say.clone() });
    }
    if proven { permit(proofs.level()) } else { Decision::StepUp(effective.demand(&proofs)) }
}

impl Denial {
    fn by(deny: &Deny) -> Self {
        Self { reason: Reason::Deny(deny.name.clone()), rule: None, say: deny.say.clone() }
    }
}

/// The deciding rule AND every floor that fits.
struct Effective<'a> {
    app: &'a Arc<App>,
    rule: &'a Rule,
    /// A bit a floor: whether it fits.
    fitting: u64,
}

/// As many floors as an app may have: a bit each.
pub(super) const MOST_FLOORS: usize = 64;

impl<'a> Effective<'a> {
    fn of(app: &'a Arc<App>, rule: &'a Rule, request: &Request<'_>) -> Self {
        let floors = app.floors.iter().take(MOST_FLOORS).enumerate();
        let fitting = floors.filter(|(_, floor)| floor.matcher.fits(request, app.paths));
        Self { app, rule, fitting: fitting.fold(0, |fitting, (index, _)| fitting | 1 << index) }
    }

    /// Floors first: so the rule's level comes last, and `fresh` bounds its last method.
    fn parts(&self) -> impl Iterator<Item = (Origin, &'a Requirement)> + use<'a> {
        let fitting = self.fitting;
        let floors = self.app.floors.iter().enumerate();
        let floors = floors.filter(move |(index, _)| fitting >> index & 1 == 1);
        let floors = floors.map(|(_, floor)| (Origin::Floor, &floor.require));
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
        result
    }

    fn bounds(&self) -> Bounds<'a> {
        let least = |of: fn(&Requirement) -> &Option<Stated<Duration>>| {
            let stated = self.parts().filter_map(|(origin, part)| Some((origin, of(part).as_ref()?)));
            // Of two that say the same, the later.
            stated.min_by_key(|(origin, stated)| (stated.value, Reverse(*origin == Origin::Rule)))
        };
        Bounds { max_age: least(|part| &part.max_age), fresh: least(|part| &part.fresh) }
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
        Demand {
            alternatives: least(missing),
            level: self.strongest().to_owned(),
            max_age: ages.min(),
            rule: self.rule.name.clone(),
            text: self.rule.step_up_text.clone(),
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
