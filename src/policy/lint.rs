//! What is wrong with rules that are each right: some can never match, some do not guard what they name.
//!
//! Exact over paths, methods, networks, hours, devices, protocols, headers and parameters. A regular
//! expression counts as a fact of its own: what it has in common with paths is not known.

use super::matcher::{Fact, Matcher};
use super::problem::Span;
use super::reader::Report;
use super::region::paths::Paths;
use super::region::{Intertwined, Region};
use super::{App, Rule};

/// Tells of every floor, `deny` and rule that is of no use or of less use than it says. What is wrong in
/// itself is left out.
pub(super) fn lint(app: &App, report: &Report<'_>) {
    let floors = app.floors.iter().map(|floor| &floor.matcher);
    let denies = app.denies.iter().map(|deny| &deny.matcher);
    let matchers = floors.chain(denies).chain(app.rules.iter().map(|rule| &rule.matcher));
    let impossible = Region::impossible(matchers);
    let regions = |matcher: &Matcher| Region::of(matcher, app.paths);
    let rules: Vec<Vec<Region>> = app.rules.iter().map(|rule| regions(&rule.matcher)).collect();
    let open = app.rules.iter().zip(&rules).map(|(rule, regions)| opens_everything(rule, regions)).collect();
    let lint = Lint {
        app,
        report,
        denies: app
            .denies
            .iter()
            .filter(|deny| deny.written.sound)
            .map(|deny| regions(&deny.matcher))
            .collect(),
        rules,
        open,
        impossible,
    };
    for floor in app.floors.iter().filter(|floor| floor.written.sound) {
        lint.can_fit(&regions(&floor.matcher), "this floor", floor.written.span);
    }
    for deny in app.denies.iter().filter(|deny| deny.written.sound) {
        lint.can_fit(&regions(&deny.matcher), &format!("`{}`", deny.name), deny.written.span);
    }
    for (index, rule) in app.rules.iter().enumerate().filter(|(_, rule)| rule.written.sound) {
        if lint.rule(index, rule).is_err() {
            let message =
                format!("`{}` and what stands above it are too intertwined to be compared", rule.name);
            let help = "use fewer headers, parameters and `not_` forms, or make two apps of it";
            report.add(rule.written.span, message, help);
        }
    }
}

struct Lint<'a> {
    app: &'a App,
    report: &'a Report<'a>,
    denies: Vec<Vec<Region>>,
    rules: Vec<Vec<Region>>,
    /// Of each rule, whether it opens everything.
    open: Vec<bool>,
    impossible: Vec<Region>,
}

impl Lint<'_> {
    fn rule(&self, index: usize, rule: &Rule) -> Result<(), Intertwined> {
        if self.open[index] {
            let help = "name the paths that are open to everybody";
            let span = rule.written.public.unwrap_or(rule.written.span);
            self.report.add(span, "`public` opens every path of the app", help);
        }
        if !self.can_fit(&self.rules[index], &format!("`{}`", rule.name), rule.written.span) {
            return Ok(());
        }
        if !self.can_match(index, rule)? {
            return Ok(());
        }
        if rule.public || rule.written.overlap {
            return Ok(());
        }
        for earlier in 0..index {
            if self.loosens(earlier, index, rule)? {
                break;
            }
        }
        Ok(())
    }

    /// Whether its own conditions leave anything.
    fn can_fit(&self, own: &[Region], what: &str, span: Span) -> bool {
        let fits = self.left(own, &self.impossible.iter().collect::<Vec<_>>()) != Ok(None);
        if !fits {
            let message = format!("{what} can never match: its conditions exclude each other");
            self.report.add(span, message, "no request meets all of them: remove one");
        }
        fits
    }

    /// Whether what stands above leaves anything.
    fn can_match(&self, index: usize, rule: &Rule) -> Result<bool, Intertwined> {
        let own = &self.rules[index];
        let mut takers: Vec<Taker<'_>> =
            self.takers(index).filter(|taker| meet(taker.regions, own)).collect();
        if self.left(own, &self.covers(&takers))?.is_some() {
            return Ok(true);
        }
        // Only those without which something would be left; a rule that takes all alone is the best answer.
        if let Some(alone) = takers
            .iter()
            .position(|taker| self.left(own, &self.covers(std::slice::from_ref(taker))) == Ok(None))
        {
            takers = vec![takers.swap_remove(alone)];
        }
        let mut checked = 0;
        while checked < takers.len() && takers.len() > 1 {
            let without = takers.remove(checked);
            if self.left(own, &self.covers(&takers)) != Ok(None) {
                takers.insert(checked, without);
                checked += 1;
            }
        }
        let (name, names) = (&rule.name, Taker::names(&takers));
        let message = match takers.as_slice() {
            [taker] => {
                format!("`{name}` can never match: {names} on line {} takes all its requests", taker.line)
            }
            _ => format!("`{name}` can never match: {names} together take all its requests"),
        };
        let first = takers.first().map_or("", |taker| taker.name);
        self.report.add(rule.written.span, message, format!("move it above `{first}`, or remove it"));
        Ok(false)
    }

    /// Whether `earlier` decides on requests of the stricter, later rule: an error, and told.
    fn loosens(&self, earlier: usize, later: usize, rule: &Rule) -> Result<bool, Intertwined> {
        let lax = &self.app.rules[earlier];
        if !lax.written.sound
            || self.open[earlier]
            || !meet(&self.rules[earlier], &self.rules[later])
            || !rule.asks_more_than(lax, &self.app.shared)
        {
            return Ok(false);
        }
        // What stands above a rule of more paths is an exception from it, if it is public or asks for something
        // else. Only where the later rule asks for all that the earlier one does, and for more, or is the one of
        // fewer paths, does it look as though the two stood in the wrong order.
        let crosswise = lax.asks_more_than(rule, &self.app.shared);
        if (lax.public || crosswise) && self.is_exception(earlier, later)? {
            return Ok(false);
        }
        let takers: Vec<Taker<'_>> = self.takers(earlier).collect();
        let covers = self.covers(&takers);
        let pairs =
            self.rules[later].iter().flat_map(|own| self.rules[earlier].iter().map(move |lax| own.and(lax)));
        for common in pairs.flatten() {
            let Some(left) = common.left_by(&covers)? else { continue };
            let (name, other, line) = (&rule.name, &lax.name, lax.line);
            let message = format!(
                "`{name}` asks for more than `{other}` on line {line}, which decides on some of its requests first"
            );
            let help = format!(
                "such as {}: move `{name}` above `{other}`, or say `overlap: ok` if that is meant",
                left.example()
            );
            self.report.add(rule.written.span, message, help);
            return Ok(true);
        }
        Ok(false)
    }

    /// Whether `earlier` is about a part of the paths, or of the requests, of `later`.
    fn is_exception(&self, earlier: usize, later: usize) -> Result<bool, Intertwined> {
        let (few, many) = (paths(&self.rules[earlier]), paths(&self.rules[later]));
        let fewer = few != many && few.minus(&many) == Paths::None;
        let wider: Vec<&Region> = self.rules[later].iter().chain(&self.impossible).collect();
        Ok(fewer || self.left(&self.rules[earlier], &wider)?.is_none())
    }

    fn left(&self, own: &[Region], covers: &[&Region]) -> Result<Option<Region>, Intertwined> {
        for region in own {
            if let Some(left) = region.left_by(covers)? {
                return Ok(Some(left));
            }
        }
        Ok(None)
    }

    /// What takes requests before the rule at `index` can.
    fn takers(&self, index: usize) -> impl Iterator<Item = Taker<'_>> {
        let denies = self.app.denies.iter().filter(|deny| deny.written.sound).zip(&self.denies);
        let denies = denies.map(|(deny, regions)| Taker { name: &deny.name, line: deny.line, regions });
        // What opens everything is wrong in itself, too.
        let fine = |earlier: &usize| self.app.rules[*earlier].written.sound && !self.open[*earlier];
        let rules = (0..index).filter(fine).map(|earlier| (&self.app.rules[earlier], &self.rules[earlier]));
        denies.chain(rules.map(|(rule, regions)| Taker { name: &rule.name, line: rule.line, regions }))
    }

    fn covers<'l>(&'l self, takers: &[Taker<'l>]) -> Vec<&'l Region> {
        takers.iter().flat_map(|taker| taker.regions).chain(&self.impossible).collect()
    }
}

/// Whether the rule is public and names no paths, or all.
fn opens_everything(rule: &Rule, regions: &[Region]) -> bool {
    let named = |wanted: fn(&Fact) -> bool| {
        rule.matcher.conditions.iter().any(|condition| !condition.negated && wanted(&condition.fact))
    };
    let by_regex = named(|fact| matches!(fact, Fact::PathRe(_)));
    let by_path = named(|fact| matches!(fact, Fact::Path(_)));
    rule.public && !by_regex && (!by_path || paths(regions) == Paths::All)
}

/// Whether they have a request in common.
fn meet(some: &[Region], others: &[Region]) -> bool {
    some.iter().any(|one| others.iter().any(|other| one.meets(other)))
}

/// All paths of a rule.
fn paths(regions: &[Region]) -> Paths {
    regions.iter().fold(Paths::None, |paths, region| paths.or(&region.paths()))
}

struct Taker<'l> {
    name: &'l str,
    line: usize,
    regions: &'l [Region],
}

impl Taker<'_> {
    /// `a`, or `a` (line 3) and `b` (line 4).
    fn names(takers: &[Self]) -> String {
        match takers {
            [taker] => format!("`{}`", taker.name),
            takers => {
                let each = takers.iter().map(|taker| format!("`{}` (line {})", taker.name, taker.line));
                each.collect::<Vec<_>>().join(" and ")
            }
        }
    }
}

#[cfg(test)]
#[path = "lint_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "lint_brute_force_tests.rs"]
mod brute_force;
