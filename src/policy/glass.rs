//! `break_glass`, *nødadgang*: who may enter by a rule that is not for them, on a reason and a key.
//!
//! It takes the place of what the rule itself asks of the person (groups, all_groups, users, claims), and of
//! nothing else: floors, denies, levels and ages stay.

use std::fmt;
use std::time::Duration;

use uuid::Uuid;

use super::app::text;
use super::decide::Person;
use super::document::Node;
use super::effective::{Effective, Outside};
use super::explain::{Line, Trace};
use super::reader::{Fields, format_duration};
use super::require::groups;
use super::rule::RuleReader;
use super::{Requirement, Rule, Stated, Text, shape};
use crate::time::Timestamp;

/// What a rule says of it.
#[derive(Clone, Debug, PartialEq)]
pub struct BreakGlass {
    /// Who may: people in one of these.
    pub groups: Stated<Vec<String>>,
    pub lasts: Duration,
    /// What people are told it is for.
    pub text: Option<Text>,
}

/// What a denial offers to somebody who may.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    pub lasts: Duration,
    pub text: Option<Text>,
}

/// Glass by which a request is let in.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct OpenGlass {
    pub id: Uuid,
    pub until: Timestamp,
}

/// Whether glass helps somebody whom the rule is not for.
pub(super) enum Glass {
    Open(OpenGlass),
    Offered(Offer),
    No,
}

const DEFAULT: Duration = Duration::from_secs(30 * 60);
const SHORTEST: Duration = Duration::from_secs(60);
const LONGEST: Duration = Duration::from_hours(4);

impl Effective<'_> {
    pub fn glass(
        &self,
        outside: &Outside,
        person: Option<&Person<'_>>,
        now: Timestamp,
        trace: &mut impl Trace,
    ) -> Glass {
        let (Some(glass), Some(person)) = (&self.rule.break_glass, person) else { return Glass::No };
        let may = glass.groups.value.iter().any(|group| person.groups.contains(group));
        let broken = self.request.glass.iter().filter(|broken| {
            broken.app == self.app.name
                && broken.rule == self.rule.name
                // Whatever was promised then, no longer than the rule now says.
                && now.since(broken.broken_at) < glass.lasts
                && now < broken.until
        });
        let open = broken.map(|broken| {
            let until = broken.until.min(broken.broken_at.plus(glass.lasts));
            OpenGlass { id: broken.id, until }
        });
        let answer = match open.max_by_key(|open| open.until) {
            _ if outside.by_floor || !may => Glass::No,
            Some(open) => Glass::Open(open),
            None => Glass::Offered(Offer { lasts: glass.lasts, text: glass.text.clone() }),
        };
        trace.tell(|| {
            let detail = match &answer {
                Glass::Open(open) => format!("open for {} more", format_duration(open.until.since(now))),
                Glass::Offered(offer) => format!("offered, for {}", format_duration(offer.lasts)),
                Glass::No if may => "not past a floor".to_owned(),
                Glass::No => String::new(),
            };
            Line::break_glass(&glass.groups, matches!(answer, Glass::Open(_)), detail)
        });
        answer
    }
}

impl BreakGlass {
    /// What it asks of people.
    fn asks(&self) -> Requirement {
        Requirement { groups: Some(self.groups.clone()), ..Requirement::default() }
    }
}

impl Rule {
    /// Whether it keeps anybody out whom `other` lets in, whether or not by glass; or asks for more proof.
    pub(super) fn asks_more_than(&self, other: &Self, shared: &super::Shared) -> bool {
        let by_glass = other.break_glass.as_ref().is_some_and(|theirs| {
            let own = self.break_glass.as_ref().is_some_and(|own| !own.asks().people_more(&theirs.asks()));
            !own && self.require.people_more(&theirs.asks())
        });
        by_glass || self.require.asks_more_than(&other.require, shared)
    }
}

impl RuleReader<'_> {
    /// `None` if it cannot be read, and where it would be of no use to anybody.
    pub(super) fn break_glass(&self, node: &Node, public: bool, require: &Requirement) -> Option<BreakGlass> {
        let glass = Fields::read(self.report, node, &shape::BREAK_GLASS, |fields| {
            let who = fields.required("groups");
            let value = who.map(|node| groups(self.report, node, self.shared)).unwrap_or_default();
            let lasts = fields.optional("for").map_or(Some(DEFAULT), |node| self.lasts(node));
            let text = fields.optional("text").and_then(|node| text(self.report, node));
            let groups = Stated { value, line: who?.span.line };
            Some(BreakGlass { groups, lasts: lasts?, text })
        })?;
        if public {
            let message = "a public rule denies nobody, and this one has a `break_glass`";
            self.report.add(node.span, message, "remove `break_glass`, or `public`");
            return None;
        }
        if !require.people_more(&glass.asks()) {
            let message = "`break_glass` never helps: the rule lets in everybody who may break the glass";
            let help = "ask for groups, users or claims under `require` that they do not have, or remove it";
            self.report.add(node.span, message, help);
            return None;
        }
        Some(glass)
    }

    fn lasts(&self, node: &Node) -> Option<Duration> {
        let lasts = self.report.duration(node)?;
        if (SHORTEST..=LONGEST).contains(&lasts) {
            return Some(lasts);
        }
        let message = format!("`{}` is too {}", format_duration(lasts), short_or_long(lasts));
        self.report.add(node.span, message, "write a time from 1m to 4h: `30m`");
        None
    }
}

fn short_or_long(lasts: Duration) -> &'static str {
    if lasts < SHORTEST { "short" } else { "long" }
}

/// As in `break_glass for 30m`.
impl fmt::Display for Offer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "break_glass for {}", format_duration(self.lasts))
    }
}

/// As in `break_glass care-staff 30m`.
impl fmt::Display for BreakGlass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "break_glass {} {}", self.groups.value.join("|"), format_duration(self.lasts))
    }
}

#[cfg(test)]
#[path = "glass_tests.rs"]
mod tests;
