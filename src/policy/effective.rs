//! What a request asks of a person: the deciding rule and the floors, together.

use std::sync::Arc;
use std::time::Duration;

use super::decide::{Demand, Person, Reason, Request};
use super::explain::{Line, Trace};
use super::expression::{MethodSet, Need};
use super::matcher::Facts;
use super::proof::{Bounds, Found, Origin, Proofs};
use super::{App, Floor, Fresh, Level, OnStepUp, Requirement, Rule, Stated};

/// The deciding rule AND every floor that fits.
pub(super) struct Effective<'a> {
    pub app: &'a Arc<App>,
    pub rule: &'a Rule,
    /// A bit a floor: whether it fits.
    fitting: u64,
    pub request: &'a Request<'a>,
}

/// Why the person is none of those the request is for.
pub(super) struct Outside {
    pub reason: Reason,
    /// A floor says so, whatever the rule says.
    pub by_floor: bool,
}

/// As many floors as an app may have: a bit each.
pub(super) const MOST_FLOORS: usize = 64;

impl<'a> Effective<'a> {
    pub fn of(app: &'a Arc<App>, rule: &'a Rule, facts: &Facts<'a>) -> Self {
        let floors = app.floors.iter().take(MOST_FLOORS).enumerate();
        let fitting = floors.filter(|(_, floor)| floor.matcher.fits(facts));
        let fitting = fitting.fold(0, |fitting, (index, _)| fitting | 1 << index);
        Self { app, rule, fitting, request: facts.request }
    }

    fn floors(&self) -> impl Iterator<Item = &'a Floor> + use<'a> {
        let fitting = self.fitting;
        let floors = self.app.floors.iter().take(MOST_FLOORS).enumerate();
        floors.filter(move |(index, _)| fitting >> index & 1 == 1).map(|(_, floor)| floor)
    }

    pub fn activity(&self) -> bool {
        let settings = self.floors().map(|floor| &floor.session).chain([&self.rule.session]);
        let mut idle = settings.flat_map(|settings| &settings.not_activity);
        !idle.any(|pattern| pattern.fits(self.request.path, self.app.paths))
    }

    /// Floors first: so the rule's level comes last, and `fresh` bounds its last method.
    fn parts(&self) -> impl Iterator<Item = (Origin, &'a Requirement)> + use<'a> {
        let floors = self.floors().map(|floor| (Origin::Floor, &floor.require));
        floors.chain([(Origin::Rule, &self.rule.require)])
    }

    pub fn membership(&self, person: Option<&Person<'_>>, trace: &mut impl Trace) -> Result<(), Outside> {
        let mut result = Ok(());
        for (origin, part) in self.parts() {
            let groups = [(&part.groups, false), (&part.all_groups, true)];
            for (stated, all) in groups.into_iter().filter_map(|(stated, all)| Some((stated.as_ref()?, all)))
            {
                let has = |group: &String| person.is_some_and(|person| person.groups.contains(group));
                let met = if all { stated.value.iter().all(has) } else { stated.value.iter().any(has) };
                trace.tell(|| Line::groups(origin, stated, all, met, person));
                if !met {
                    Outside::note(&mut result, origin, Reason::Groups);
                }
            }
        }
        for (origin, part) in self.parts() {
            let Some(stated) = &part.users else { continue };
            let met = person.is_some_and(|person| stated.value.iter().any(|user| user == person.username));
            trace.tell(|| Line::users(origin, stated, met));
            if !met {
                Outside::note(&mut result, origin, Reason::Users);
            }
        }
        for (origin, part) in self.parts() {
            for (name, stated) in &part.claims {
                let fits = |(known, value): &(String, String)| known == name && stated.value.contains(value);
                let met = person.is_some_and(|person| person.claims.iter().any(fits));
                trace.tell(|| Line::claim(origin, name, stated, met));
                if !met {
                    Outside::note(&mut result, origin, Reason::Claims);
                }
            }
        }
        result
    }

    pub fn bounds(&self) -> Bounds {
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

    pub fn proven(&self, proofs: &Proofs<'_>, trace: &mut impl Trace) -> bool {
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

    pub fn demand(&self, proofs: &Proofs<'_>) -> Demand {
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

impl Outside {
    /// The first reason stays.
    fn note(result: &mut Result<(), Self>, origin: Origin, reason: Reason) {
        let by_floor = origin == Origin::Floor;
        match result {
            Ok(()) => *result = Err(Self { reason, by_floor }),
            Err(outside) => outside.by_floor |= by_floor,
        }
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
