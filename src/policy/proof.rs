//! What was proven, measured against what is asked and against the ages that count.

use std::sync::Arc;
use std::time::Duration;

use super::expression::{MethodSet, Need};
use super::{Level, Shared, Stated};
use crate::authn::{Assurance, Method};
use crate::time::Timestamp;

/// Where a part of the requirement was stated.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    Floor,
    Rule,
}

/// The smallest stated ages.
#[derive(Default)]
pub(super) struct Bounds {
    pub max_age: Option<(Origin, Stated<Duration>)>,
    pub fresh: Option<(Origin, Stated<Duration>)>,
    /// Where `fresh: once` stands.
    pub once: Option<(Origin, usize)>,
    /// What `once` asks for is there.
    pub approved: bool,
}

impl Bounds {
    /// How old a proof may be; the ages that are stated replace the default lifetime.
    fn of(&self, method: Method, last: bool, shared: &Shared) -> Duration {
        let fresh = self.fresh.filter(|_| last);
        let stated = self.max_age.into_iter().chain(fresh).map(|(_, stated)| stated.value).min();
        stated.unwrap_or(match method {
            Method::Password => shared.lifetimes.password,
            Method::Key | Method::MitId => shared.lifetimes.strong,
        })
    }

    /// Whatever was proven does not do for the last method: this request is still to be approved.
    fn wants_approval(&self) -> bool {
        self.once.is_some() && !self.approved
    }
}

/// How far ahead of our clock a proof may be dated: a broker's clock differs from ours.
const SKEW: Duration = Duration::from_secs(60);

/// What was proven, against the ages that count.
pub(super) struct Proofs<'a> {
    pub assurance: &'a Assurance,
    pub now: Timestamp,
    pub bounds: Bounds,
    pub shared: &'a Shared,
}

impl Shared {
    /// The strongest level held by the methods' default lifetimes: what a person is told who asks, without
    /// any route in mind.
    pub fn level_held(&self, assurance: &Assurance, now: Timestamp) -> Option<Arc<Level>> {
        let bounds = Bounds::default();
        Proofs { assurance, now, bounds, shared: self }.level()
    }
}

/// One proof and its age.
#[derive(Copy, Clone, Debug)]
pub(super) struct Proof {
    pub method: Method,
    pub age: Duration,
}

/// How a set fares. Ordered: the nearer to being met, the less.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Verdict {
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
pub(super) struct Judged<'a> {
    pub set: &'a MethodSet,
    pub verdict: Verdict,
    pub oldest: Option<Proof>,
    pub last: Option<Proof>,
}

/// The proofs the ages are told of.
#[derive(Default)]
pub(super) struct Found {
    pub verdict: Verdict,
    pub oldest: Option<Proof>,
    pub last: Option<Proof>,
}

impl Found {
    pub fn note(&mut self, judged: &Judged<'_>) {
        self.verdict.too_old |= judged.verdict.too_old;
        self.verdict.stale = judged.verdict.stale;
        self.oldest = self.oldest.into_iter().chain(judged.oldest).max_by_key(|proof| proof.age);
        self.last = judged.last;
    }
}

impl Proofs<'_> {
    /// The age of the method's proof, strong enough or not. One from the future counts for nothing, nor does
    /// that of a key whose loan has ended.
    fn age(&self, method: Method) -> Option<Duration> {
        let at = self.assurance.proven_at(method)?;
        let lent =
            method == Method::Key && self.assurance.key.as_ref().is_some_and(|key| !key.counts(self.now));
        (!lent && at <= self.now.plus(SKEW)).then(|| self.now.since(at))
    }

    pub fn any(&self) -> bool {
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
                Some(_) => judged.verdict.stale |= is_last && self.bounds.wants_approval(),
            }
            judged.oldest = judged.oldest.into_iter().chain(proof).max_by_key(|proof| proof.age);
            judged.last = proof;
        }
        judged
    }

    /// The first set that is met, or else the nearest.
    pub fn nearest<'s>(&self, level: &'s Level, fresh: bool) -> Judged<'s> {
        let judged = level.expression.sets().iter().map(|set| self.judge(set, fresh));
        judged.min_by_key(|judged| judged.verdict).expect("an expression has at least one set")
    }

    pub fn missing(&self, set: &MethodSet) -> Vec<Need> {
        let last = set.needs().last();
        let lacking = set.needs().iter().filter(|need| {
            let is_last = Some(*need) == last;
            let most = self.bounds.of(need.method(), is_last, self.shared);
            let wanted = is_last && self.bounds.wants_approval();
            wanted || self.proof(**need).is_none_or(|proof| proof.age > most)
        });
        lacking.copied().collect()
    }

    pub fn level(&self) -> Option<Arc<Level>> {
        let met = |set: &MethodSet| self.judge(set, false).verdict.met();
        let held = |level: &&Arc<Level>| level.expression.sets().iter().any(met);
        self.shared.levels.iter().rev().find(held).map(Arc::clone)
    }
}
