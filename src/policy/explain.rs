//! The decision, told: the same code, with a listener.

use std::fmt::{self, Write as _};
use std::sync::Arc;
use std::time::Duration;

use super::decide::{Rules, decide_with};
use super::expression::Need;
use super::path::CanonicalPath;
use super::proof::{Found, Judged, Origin, Proof};
use super::reader::format_duration;
use super::{App, Decision, Demand, Deny, Level, Person, Request, Rule, Stated};
use crate::time::Timestamp;

/// Hears how a decision comes about. What is told is only made if somebody listens.
pub(super) trait Trace {
    /// Whether anybody does: only then is what cannot fit looked at, too.
    const HEARS: bool = true;

    fn tell(&mut self, line: impl FnOnce() -> Line);
}

/// Nobody listens: nothing is made.
pub(super) struct Silent;

impl Trace for Silent {
    const HEARS: bool = false;

    fn tell(&mut self, _: impl FnOnce() -> Line) {}
}

impl Trace for Vec<Line> {
    fn tell(&mut self, line: impl FnOnce() -> Line) {
        self.push(line());
    }
}

/// A step on the way to a decision.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case", tag = "step")]
pub enum Line {
    /// A `deny` or a rule: hit if it misses nothing.
    Entry { kind: &'static str, name: String, line: usize, misses: Vec<&'static str> },
    /// A part of the requirement.
    Check { key: &'static str, value: String, from: Option<(&'static str, usize)>, met: bool, detail: String },
}

impl Line {
    pub(super) fn deny(deny: &Deny, misses: &[&'static str]) -> Self {
        Self::Entry { kind: "deny", name: deny.name.clone(), line: deny.line, misses: misses.to_vec() }
    }

    pub(super) fn rule(rule: &Rule, misses: &[&'static str]) -> Self {
        Self::Entry { kind: "rule", name: rule.name.clone(), line: rule.line, misses: misses.to_vec() }
    }

    pub(super) fn groups(
        origin: Origin,
        stated: &Stated<Vec<String>>,
        all: bool,
        met: bool,
        person: Option<&Person<'_>>,
    ) -> Self {
        let (key, joint) = if all { ("all_groups", "+") } else { ("groups", "|") };
        let had = stated.value.iter().filter(|group| person.is_some_and(|p| p.groups.contains(group)));
        let had: Vec<&str> = had.map(String::as_str).collect();
        let detail = if stated.value.len() > 1 { had.join(", ") } else { String::new() };
        Self::Check { key, value: stated.value.join(joint), from: from(origin, stated.line), met, detail }
    }

    pub(super) fn users(origin: Origin, stated: &Stated<Vec<String>>, met: bool) -> Self {
        let value = stated.value.join("|");
        Self::Check { key: "users", value, from: from(origin, stated.line), met, detail: String::new() }
    }

    pub(super) fn claim(origin: Origin, name: &str, stated: &Stated<Vec<String>>, met: bool) -> Self {
        let value = format!("{name}={}", stated.value.join("|"));
        Self::Check { key: "claims", value, from: from(origin, stated.line), met, detail: String::new() }
    }

    pub(super) fn level(stated: Option<(Origin, usize)>, level: &Level, judged: &Judged<'_>) -> Self {
        let from = stated.and_then(|(origin, line)| from(origin, line));
        let met = !judged.verdict.missing;
        let detail = if met { judged.set.to_string() } else { format!("not proven: {}", level.expression) };
        Self::Check { key: "level", value: level.name.clone(), from, met, detail }
    }

    pub(super) fn max_age(stated: Option<(Origin, Stated<Duration>)>, found: &Found) -> Self {
        let value = stated.map_or("default".to_owned(), |(_, stated)| format_duration(stated.value));
        let from = stated.and_then(|(origin, stated)| from(origin, stated.line));
        Self::Check { key: "max_age", value, from, met: !found.verdict.too_old, detail: age(found.oldest) }
    }

    pub(super) fn fresh((origin, stated): (Origin, Stated<Duration>), found: &Found) -> Self {
        let value = format_duration(stated.value);
        let met = !found.verdict.stale && found.last.is_some();
        Self::Check { key: "fresh", value, from: from(origin, stated.line), met, detail: age(found.last) }
    }

    pub(super) fn once((origin, line): (Origin, usize), approved: bool) -> Self {
        let detail = if approved { "approved" } else { "not approved" }.to_owned();
        Self::Check {
            key: "fresh",
            value: "once".to_owned(),
            from: from(origin, line),
            met: approved,
            detail,
        }
    }

    /// The order checks are shown in.
    fn rank(&self) -> usize {
        match self {
            Self::Entry { .. } => 0,
            Self::Check { key, .. } => match *key {
                "level" => 1,
                "max_age" => 3,
                "fresh" => 4,
                _ => 2,
            },
        }
    }
}

fn from(origin: Origin, line: usize) -> Option<(&'static str, usize)> {
    Some((if origin == Origin::Floor { "floor" } else { "rule" }, line))
}

fn age(proof: Option<Proof>) -> String {
    proof.map_or("no proof".to_owned(), |proof| format!("{} {}", proof.method, format_duration(proof.age)))
}

/// A decision and how it came about.
#[derive(Debug)]
pub struct Explanation {
    pub app: Arc<App>,
    pub path: CanonicalPath,
    pub lines: Vec<Line>,
    pub decision: Decision,
    typed: String,
}

/// Decides as [`super::decide()`] does, and tells how. `request.path` is replaced by `path`, which was `typed`.
pub fn explain(
    app: &Arc<App>,
    path: CanonicalPath,
    typed: &str,
    request: Request<'_>,
    person: Option<&Person<'_>>,
    now: Timestamp,
) -> Explanation {
    let mut lines = Vec::new();
    let request = Request { path: path.as_str(), ..request };
    let decision = decide_with(app, &request, person, now, Rules::Written, &mut lines);
    lines.sort_by_key(Line::rank);
    Explanation { app: Arc::clone(app), path, lines, decision, typed: typed.to_owned() }
}

/// The decision in the words of a test's `expect`.
pub fn outcome(decision: &Decision) -> String {
    match decision {
        Decision::Allow(permit) => format!("allow {}", permit.rule()),
        Decision::Login(demand) => format!("login {}", demand.level),
        Decision::StepUp(demand) => {
            let sets: Vec<String> = demand.alternatives.iter().map(|needs| joined(needs)).collect();
            format!("step_up {}", sets.join(" or "))
        }
        Decision::Deny(denial) => format!("deny {}", denial.reason.code()),
    }
}

/// `password + key`.
pub(super) fn joined(needs: &[Need]) -> String {
    let needs: Vec<String> = needs.iter().map(Need::to_string).collect();
    needs.join(" + ")
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let App { name, file, .. } = &*self.app;
        let change = if self.typed == self.path.as_str() {
            "unchanged by normalisation".to_owned()
        } else {
            format!("normalised from {}", self.typed)
        };
        writeln!(f, "app {name}   {file}   path {} ({change})", self.path)?;
        self.entries(f)?;
        self.checks(f)?;
        if let Some(entry) = self.observing() {
            writeln!(f, "mode observe ({entry}): only told; what was live before decides")?;
        }
        let outcome = outcome(&self.decision);
        match &self.decision {
            Decision::Allow(permit) => {
                let level = permit.level().map_or(String::new(), |level| format!("     level {level}"));
                writeln!(f, "=> {outcome}{level}")
            }
            Decision::Deny(_) => writeln!(f, "=> {outcome}     browser: 403    API: 403    WebSocket: 403"),
            Decision::Login(demand) | Decision::StepUp(demand) => {
                writeln!(f, "=> {outcome}{}", answers(demand))
            }
        }
    }
}

impl Explanation {
    /// The same for programs.
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::json!({
            "app": self.app.name,
            "file": self.app.file,
            "path": self.path.as_str(),
            "steps": self.lines,
            "observes": self.observing(),
            "outcome": outcome(&self.decision),
        })
    }

    /// What of it observes, and so decides without effect.
    fn observing(&self) -> Option<String> {
        let hit = |rule: &&Rule| {
            let is_hit = |line: &Line| match line {
                Line::Entry { kind, name, misses, .. } => {
                    *kind == "rule" && *name == rule.name && misses.is_empty()
                }
                Line::Check { .. } => false,
            };
            rule.observe && self.lines.iter().any(is_hit)
        };
        let rule = self.app.rules.iter().find(hit).map(|rule| format!("rule {}", rule.name));
        if self.app.observe { Some(format!("app {}", self.app.name)) } else { rule }
    }

    fn entries(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.lines.iter().map(|line| match line {
            Line::Entry { name, .. } => name.chars().count(),
            Line::Check { .. } => 0,
        });
        let width = names.max().unwrap_or(0);
        for line in &self.lines {
            if let Line::Entry { kind, name, line, misses } = line {
                let result = if misses.is_empty() {
                    format!("HIT   line {line}")
                } else {
                    format!("miss  {}", misses.join(", "))
                };
                writeln!(f, " {kind}  {name:width$}   {result}")?;
            }
        }
        Ok(())
    }

    fn checks(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let values = self.lines.iter().map(|line| match line {
            Line::Check { value, .. } => value.chars().count(),
            Line::Entry { .. } => 0,
        });
        let width = values.max().unwrap_or(0);
        for line in &self.lines {
            let Line::Check { key, value, from, met, detail } = line else { continue };
            let (origin, number) = from.map_or(("-", String::new()), |(o, line)| (o, format!("line {line}")));
            let result = if *met { "ok" } else { "FAIL" };
            let mut text = format!("   {key:<7} {value:width$}  {origin:<6}  {number:<8}  ");
            write!(text, "{result:<4}  {detail}")?;
            writeln!(f, "{}", text.trim_end())?;
        }
        Ok(())
    }
}

/// How soon, and what each kind of client gets.
fn answers(demand: &Demand) -> String {
    let age = demand.max_age.filter(|_| !demand.once);
    let within = age.map_or(String::new(), |age| format!(" within {}", format_duration(age)));
    let max_age = demand.max_age.map_or(String::new(), |age| format!(" max_age={}", age.as_secs()));
    let once = if demand.once { " for this request" } else { "" };
    format!("{within}{once}     browser: 303 to the login host    API: 401{max_age}    WebSocket: 401")
}
