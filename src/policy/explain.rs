//! The decision, told: the same code, with a listener.

use std::borrow::Cow;
use std::fmt::{self, Write as _};
use std::sync::Arc;
use std::time::Duration;

use super::decide::{Rules, decide_with};
use super::expression::Need;
use super::observe;
use super::path::CanonicalPath;
use super::proof::{Found, Judged, Origin, Proof};
use super::reader::format_duration;
use serde::{Deserialize, Serialize};

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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "step")]
pub enum Line {
    /// A `deny` or a rule: hit if it misses nothing.
    Entry { kind: Word, name: String, line: usize, misses: Vec<Word> },
    /// A part of the requirement.
    Check { key: Word, value: String, from: Option<(Word, usize)>, met: bool, detail: String },
}

/// A word of the language: borrowed where it is told, owned where it is read back.
type Word = Cow<'static, str>;

impl Line {
    pub(super) fn deny(deny: &Deny, misses: &[&'static str]) -> Self {
        Self::entry("deny", &deny.name, deny.line, misses)
    }

    pub(super) fn rule(rule: &Rule, misses: &[&'static str]) -> Self {
        Self::entry("rule", &rule.name, rule.line, misses)
    }

    fn entry(kind: &'static str, name: &str, line: usize, misses: &[&'static str]) -> Self {
        let misses = misses.iter().copied().map(Word::from).collect();
        Self::Entry { kind: kind.into(), name: name.to_owned(), line, misses }
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
        Self::check(key, stated.value.join(joint), from(origin, stated.line), met, detail)
    }

    pub(super) fn users(origin: Origin, stated: &Stated<Vec<String>>, met: bool) -> Self {
        let value = stated.value.join("|");
        Self::check("users", value, from(origin, stated.line), met, String::new())
    }

    pub(super) fn claim(origin: Origin, name: &str, stated: &Stated<Vec<String>>, met: bool) -> Self {
        let value = format!("{name}={}", stated.value.join("|"));
        Self::check("claims", value, from(origin, stated.line), met, String::new())
    }

    pub(super) fn level(stated: Option<(Origin, usize)>, level: &Level, judged: &Judged<'_>) -> Self {
        let from = stated.and_then(|(origin, line)| from(origin, line));
        let met = !judged.verdict.missing;
        let detail = if met { judged.set.to_string() } else { format!("not proven: {}", level.expression) };
        Self::check("level", level.name.clone(), from, met, detail)
    }

    pub(super) fn max_age(stated: Option<(Origin, Stated<Duration>)>, found: &Found) -> Self {
        let value = stated.map_or("default".to_owned(), |(_, stated)| format_duration(stated.value));
        let from = stated.and_then(|(origin, stated)| from(origin, stated.line));
        Self::check("max_age", value, from, !found.verdict.too_old, age(found.oldest))
    }

    pub(super) fn fresh((origin, stated): (Origin, Stated<Duration>), found: &Found) -> Self {
        let value = format_duration(stated.value);
        let met = !found.verdict.stale && found.last.is_some();
        Self::check("fresh", value, from(origin, stated.line), met, age(found.last))
    }

    pub(super) fn once((origin, line): (Origin, usize), approved: bool) -> Self {
        let detail = if approved { "approved" } else { "not approved" }.to_owned();
        Self::check("fresh", "once".to_owned(), from(origin, line), approved, detail)
    }

    pub(super) fn break_glass(stated: &Stated<Vec<String>>, open: bool, detail: String) -> Self {
        Self::check("break_glass", stated.value.join("|"), from(Origin::Rule, stated.line), open, detail)
    }

    fn check(
        key: &'static str,
        value: String,
        from: Option<(Word, usize)>,
        met: bool,
        detail: String,
    ) -> Self {
        Self::Check { key: key.into(), value, from, met, detail }
    }

    /// The order checks are shown in.
    fn rank(&self) -> usize {
        match self {
            Self::Entry { .. } => 0,
            Self::Check { key, .. } => match &**key {
                "level" => 1,
                "max_age" => 3,
                "fresh" => 4,
                _ => 2,
            },
        }
    }
}

fn from(origin: Origin, line: usize) -> Option<(Word, usize)> {
    Some((Word::from(if origin == Origin::Floor { "floor" } else { "rule" }), line))
}

fn age(proof: Option<Proof>) -> String {
    proof.map_or("no proof".to_owned(), |proof| format!("{} {}", proof.method, format_duration(proof.age)))
}

/// A decision and how it came about.
#[derive(Debug)]
pub struct Explanation {
    pub decision: Decision,
    pub transcript: Transcript,
}

/// How a decision came about, to be kept or shown: nothing in it is a secret of the request's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transcript {
    pub app: String,
    /// The file of the app's policy, as shown.
    pub file: String,
    /// In its canonical form.
    pub path: String,
    /// The path as it was asked for.
    pub asked: String,
    pub steps: Vec<Line>,
    /// How many entries that missed were left out: see [`Self::shorten`].
    #[serde(default, skip_serializing_if = "is_zero")]
    pub left_out: usize,
    /// What of the policy observes, and so decided without effect.
    pub observes: Option<String>,
    /// In the words of a test's `expect`.
    pub outcome: String,
    /// The level held, if it was allowed; else what each kind of client gets.
    pub answers: String,
}

/// Decides by the policy as it is written, observing or not, and tells how. `request.path` is replaced by
/// `path`, which was `asked`.
pub fn explain(
    app: &Arc<App>,
    path: &CanonicalPath,
    asked: &str,
    request: Request<'_>,
    person: Option<&Person<'_>>,
    now: Timestamp,
) -> Explanation {
    let mut lines = Vec::new();
    let request = Request { path: path.as_str(), ..request };
    let decision = decide_with(app, &request, person, now, Rules::Written, &mut lines);
    let observes = observing(app, &lines);
    let observes = observes.map(|entry| format!("({entry}): only told; what was live before decides"));
    Explanation { transcript: Transcript::of(app, (&request, asked), lines, &decision, observes), decision }
}

/// Decides exactly as [`super::decide()`] does, and tells how what has effect came about. `request.path` is
/// canonical.
pub fn explain_enforced(
    app: &Arc<App>,
    request: &Request<'_>,
    person: Option<&Person<'_>>,
    now: Timestamp,
) -> Explanation {
    let mut lines = Vec::new();
    let mut decision = decide_with(app, request, person, now, Rules::Written, &mut lines);
    if app.observes() {
        let mut effective = Vec::new();
        decision = observe::enforced(app, request, person, now, decision, &mut effective);
        if decision.observed().is_some() {
            lines = effective;
        }
    }
    let observes = decision.observed().map(|observed| {
        let rule = observed.rule.as_ref().map_or(String::new(), |rule| format!(" by rule {rule}"));
        format!("would have decided {}{rule}; this is what was live before", observed.told)
    });
    let transcript = Transcript::of(app, (request, request.path), lines, &decision, observes);
    Explanation { transcript, decision }
}

/// The decision in the words of a test's `expect`.
pub fn outcome(decision: &Decision) -> String {
    match decision {
        Decision::Allow(permit) if permit.glass().is_some() => {
            format!("allow {} by break_glass", permit.rule())
        }
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

impl fmt::Display for Transcript {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { app, file, path, asked, .. } = self;
        let change = if asked == path {
            "unchanged by normalisation".to_owned()
        } else {
            format!("normalised from {asked}")
        };
        writeln!(f, "app {app}   {file}   path {path} ({change})")?;
        self.entries(f)?;
        self.checks(f)?;
        if let Some(observes) = &self.observes {
            writeln!(f, "mode observe {observes}")?;
        }
        writeln!(f, "=> {}{}", self.outcome, self.answers)
    }
}

impl Transcript {
    /// Keeps of the entries that missed the last `most`, those nearest to what decided.
    pub fn shorten(&mut self, most: usize) {
        let is_miss = |line: &Line| matches!(line, Line::Entry { misses, .. } if !misses.is_empty());
        let surplus = self.steps.iter().filter(|line| is_miss(line)).count().saturating_sub(most);
        let mut left_out = 0;
        self.steps.retain(|line| {
            let drop = left_out < surplus && is_miss(line);
            left_out += usize::from(drop);
            !drop
        });
        self.left_out += left_out;
    }

    fn of(
        app: &App,
        (request, asked): (&Request<'_>, &str),
        mut steps: Vec<Line>,
        decision: &Decision,
        observes: Option<String>,
    ) -> Self {
        steps.sort_by_key(Line::rank);
        Self {
            app: app.name.clone(),
            file: app.file.clone(),
            path: request.path.to_owned(),
            asked: asked.to_owned(),
            steps,
            left_out: 0,
            observes,
            outcome: outcome(decision),
            answers: answers(decision),
        }
    }

    fn entries(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.steps.iter().map(|line| match line {
            Line::Entry { name, .. } => name.chars().count(),
            Line::Check { .. } => 0,
        });
        let width = names.max().unwrap_or(0);
        if self.left_out > 0 {
            writeln!(f, " ({} more that missed)", self.left_out)?;
        }
        for line in &self.steps {
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
        let values = self.steps.iter().map(|line| match line {
            Line::Check { value, .. } => value.chars().count(),
            Line::Entry { .. } => 0,
        });
        let width = values.max().unwrap_or(0);
        let keys = self.steps.iter().filter_map(|line| match line {
            Line::Check { key, .. } => Some(key.chars().count()),
            Line::Entry { .. } => None,
        });
        // The usual ones stand in one column wherever they are shown.
        let widest = keys.max().unwrap_or(0).max("max_age".len());
        for line in &self.steps {
            let Line::Check { key, value, from, met, detail } = line else { continue };
            let (origin, number) =
                from.as_ref().map_or(("-", String::new()), |(o, line)| (o, format!("line {line}")));
            let result = if *met { "ok" } else { "FAIL" };
            let mut text = format!("   {key:<widest$} {value:width$}  {origin:<6}  {number:<8}  ");
            write!(text, "{result:<4}  {detail}")?;
            writeln!(f, "{}", text.trim_end())?;
        }
        Ok(())
    }
}

fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// What of the policy as it is written observes.
fn observing(app: &App, lines: &[Line]) -> Option<String> {
    let hit = |rule: &&Rule| {
        let is_hit = |line: &Line| match line {
            Line::Entry { kind, name, misses, .. } => {
                kind == "rule" && *name == rule.name && misses.is_empty()
            }
            Line::Check { .. } => false,
        };
        rule.observe && lines.iter().any(is_hit)
    };
    let rule = app.rules.iter().find(hit).map(|rule| format!("rule {}", rule.name));
    if app.observe { Some(format!("app {}", app.name)) } else { rule }
}

/// After the outcome: the level, or how soon more is due and what each kind of client gets.
fn answers(decision: &Decision) -> String {
    match decision {
        Decision::Allow(permit) => {
            permit.level().map_or(String::new(), |level| format!("     level {level}"))
        }
        Decision::Deny(denial) => {
            let offer = denial.glass.as_ref().map_or(String::new(), |offer| format!("     {offer}"));
            format!("     browser: 403    API: 403    WebSocket: 403{offer}")
        }
        Decision::Login(demand) | Decision::StepUp(demand) => demanded(demand),
    }
}

fn demanded(demand: &Demand) -> String {
    let age = demand.max_age.filter(|_| !demand.once);
    let within = age.map_or(String::new(), |age| format!(" within {}", format_duration(age)));
    let max_age = demand.max_age.map_or(String::new(), |age| format!(" max_age={}", age.as_secs()));
    let once = if demand.once { " for this request" } else { "" };
    format!("{within}{once}     browser: 303 to the login host    API: 401{max_age}    WebSocket: 401")
}
