//! The decision on one request. Pure: the same facts give the same answer.

use std::cmp::Reverse;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use super::explain::{Line, Silent, Trace};
use super::expression::{MethodSet, Need};
use super::{App, Deny, Level, Requirement, Rule, Shared, Stated, Text};
use crate::authn::{Assurance, Method};
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
            return by_rule(&Effective { app, rule, request }, index, person, now, trace);
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
    request: &'a Request<'a>,
}

/// Where a part of the requirement was stated.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    Floor,
    Rule,
}

impl<'a> Effective<'a> {
    /// Floors first: so the rule's level comes last, and `fresh` bounds its last method.
    fn parts(&self) -> impl Iterator<Item = (Origin, &'a Requirement)> + use<'a> {
        let (app, request) = (self.app, self.request);
        let floors = app.floors.iter().filter(move |floor| floor.matcher.fits(request, app.paths));
        let floors = floors.map(|floor| (Origin::Floor, &floor.require));
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

/// The smallest stated ages.
struct Bounds<'a> {
    max_age: Option<(Origin, &'a Stated<Duration>)>,
    fresh: Option<(Origin, &'a Stated<Duration>)>,
}

impl Bounds<'_> {
    /// How old a proof may be; the ages that are stated replace the default lifetime.
    fn of(&self, method: Method, last: bool, shared: &Shared) -> Duration {
        let fresh = self.fresh.filter(|_| last);
        let stated = self.max_age.into_iter().chain(fresh).map(|(_, stated)| stated.value).min();
        stated.unwrap_or(match method {
            Method::Password => shared.lifetimes.password,
            Method::Key | Method::MitId => shared.lifetimes.strong,
        })
    }
}

/// How far ahead of our clock a proof may be dated: a broker's clock differs from ours.
const SKEW: Duration = Duration::from_secs(60);

/// What was proven, against the ages that count.
struct Proofs<'a> {
    assurance: &'a Assurance,
    now: Timestamp,
    bounds: Bounds<'a>,
    shared: &'a Shared,
}

/// One proof and its age.
#[derive(Copy, Clone, Debug)]
pub struct Proof {
    pub method: Method,
    pub age: Duration,
}

/// How a set fares. Ordered: the nearer to being met, the less.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Verdict {
    /// A method is not proven, or too weakly.
    pub missing: bool,
    pub too_old: bool,
    /// The last method is older than `fresh` says.
    pub stale: bool,
}

impl Verdict {
    pub fn met(self) -> bool {
        self == Self::default()
    }
}

/// The set of a level that is nearest to being met.
pub struct Judged<'a> {
    pub set: &'a MethodSet,
    pub verdict: Verdict,
    pub oldest: Option<Proof>,
    pub last: Option<Proof>,
}

/// The proofs the ages are told of.
#[derive(Default)]
pub struct Found {
    pub verdict: Verdict,
    pub oldest: Option<Proof>,
    pub last: Option<Proof>,
}

impl Found {
    fn note(&mut self, judged: &Judged<'_>) {
        self.verdict.too_old |= judged.verdict.too_old;
        self.verdict.stale = judged.verdict.stale;
        self.oldest = self.oldest.into_iter().chain(judged.oldest).max_by_key(|proof| proof.age);
        self.last = judged.last;
    }
}

impl Proofs<'_> {
    /// The age of the method's proof, strong enough or not. One from the future counts for nothing.
    fn age(&self, method: Method) -> Option<Duration> {
        let at = self.assurance.proven_at(method)?;
        (at <= self.now.plus(SKEW)).then(|| self.now.since(at))
    }

    fn any(&self) -> bool {
        Method::ALL.iter().any(|method| self.age(*method).is_some())
    }

    fn proof(&self, need: Need) -> Option<Proof> {
        let method = need.method();
        let age = self.age(method).filter(|_| need.met_by(self.assurance))?;
        Some(Proof { method, age })
    }

    fn judge<'s>(&self, set: &'s MethodSet, fresh: bool) -> Judged<'s> {
        let mut judged = Judged { set, verdict: Verdict::default(), oldest: None, last: None };
        let last = set.needs().last();
        for need in set.needs() {
            let proof = self.proof(*need);
            let is_last = fresh && Some(need) == last;
            match proof {
                None => judged.verdict.missing = true,
                Some(Proof { method, age }) if age > self.bounds.of(method, is_last, self.shared) => {
                    let by_age = self.bounds.max_age.is_some_and(|(_, stated)| age > stated.value);
                    let stale = is_last && self.bounds.fresh.is_some_and(|(_, stated)| age > stated.value);
                    judged.verdict.stale |= stale;
                    judged.verdict.too_old |= by_age || !stale;
                }
                Some(_) => {}
            }
            judged.oldest = judged.oldest.into_iter().chain(proof).max_by_key(|proof| proof.age);
            judged.last = proof;
        }
        judged
    }

    /// The first set that is met, or else the nearest.
    fn nearest<'s>(&self, level: &'s Level, fresh: bool) -> Judged<'s> {
        let judged = level.expression.sets().iter().map(|set| self.judge(set, fresh));
        judged.min_by_key(|judged| judged.verdict).expect("an expression has at least one set")
    }

    fn missing(&self, set: &MethodSet) -> Vec<Need> {
        let last = set.needs().last();
        let lacking = set.needs().iter().filter(|need| {
            let most = self.bounds.of(need.method(), Some(*need) == last, self.shared);
            self.proof(**need).is_none_or(|proof| proof.age > most)
        });
        lacking.copied().collect()
    }

    fn level(&self) -> Option<Arc<Level>> {
        let held = |level: &&Arc<Level>| self.nearest(level, false).verdict.met();
        self.shared.levels.iter().rev().find(held).map(Arc::clone)
    }
}

#[cfg(test)]
#[path = "decide_tests.rs"]
mod tests;
