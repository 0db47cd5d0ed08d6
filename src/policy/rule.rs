//! Floors, denies and rules, read.

use super::app::{identifier, text};
use super::decide::Reason;
use super::document::Node;
use super::effective::MOST_FLOORS;
use super::matcher::Pattern;
use super::reader::{Fields, Report};
use super::{Deny, Floor, OnStepUp, Rule, SessionLimits, SessionSettings, Shared, Written, shape};

pub(super) struct RuleReader<'a> {
    pub report: &'a Report<'a>,
    pub shared: &'a Shared,
}

/// The largest body that may be parked.
const MOST_PARKED: u64 = 1 << 20;

impl RuleReader<'_> {
    pub fn floors(&self, node: &Node) -> Vec<Floor> {
        let read = |node: &Node| {
            let errors = self.report.errors();
            let mut floor = Fields::read(self.report, node, &shape::FLOOR, |fields| Floor {
                matcher: fields.optional("match").map(|node| self.matcher(node)).unwrap_or_default(),
                require: fields.optional("require").map(|node| self.requirement(node)).unwrap_or_default(),
                session: fields.optional("session").map(|node| self.session(node)).unwrap_or_default(),
                line: node.span.line,
                written: Written::default(),
            });
            let sound = self.report.errors() == errors;
            floor.written = Written { span: node.span, sound, ..Written::default() };
            floor
        };
        let items = self.report.items(node);
        if let Some(extra) = items.get(MOST_FLOORS) {
            let message = format!("an app has at most {MOST_FLOORS} floors");
            self.report.add(extra.span, message, "join floors that have the same match");
        }
        items.iter().map(read).collect()
    }

    pub fn denies(&self, node: &Node) -> Vec<Deny> {
        let mut denies: Vec<Deny> = Vec::new();
        for item in self.report.items(node) {
            let errors = self.report.errors();
            let deny = Fields::read(self.report, item, &shape::DENY, |fields| {
                let name = fields.required("name");
                let matcher = fields.required("match").map(|node| self.matcher(node));
                let say = fields.optional("say").and_then(|node| text(self.report, node));
                let span = name.map_or(item.span, |node| node.span);
                let name = self.name(name?, denies.iter().map(|deny| deny.name.as_str()))?;
                let written = Written { span, ..Written::default() };
                Some(Deny { name, matcher: matcher?, say, line: item.span.line, written })
            });
            denies.extend(deny.map(|mut deny| {
                deny.written.sound = self.report.errors() == errors;
                deny
            }));
        }
        denies
    }

    pub fn rules(&self, node: &Node) -> Vec<Rule> {
        let mut rules: Vec<Rule> = Vec::new();
        for item in self.report.items(node) {
            let errors = self.report.errors();
            if let Some(mut rule) = self.rule(item, &rules) {
                rule.written.sound = self.report.errors() == errors;
                rules.push(rule);
            }
        }
        rules
    }

    fn rule(&self, item: &Node, earlier: &[Rule]) -> Option<Rule> {
        Fields::read(self.report, item, &shape::RULE, |fields| {
            let name = fields.required("name");
            let matcher = fields.required("match").map(|node| self.matcher(node));
            let public =
                fields.optional("public").and_then(|node| Some((self.report.flag(node)?, node.span)));
            let require = fields.optional("require");
            let requirement = require.map(|node| self.requirement(node));
            let session = fields.optional("session").map(|node| self.session(node)).unwrap_or_default();
            let on_step_up = fields.optional("on_step_up").map(|node| self.on_step_up(node));
            let break_glass = fields.optional("break_glass");
            let say = fields.optional("say").and_then(|node| text(self.report, node));
            let choice = |node: Option<&Node>, words: &[(&str, bool)]| {
                node.and_then(|node| self.report.choice(node, words)).unwrap_or(false)
            };
            let observe = choice(fields.optional("mode"), &shape::MODE);
            let overlap = choice(fields.optional("overlap"), &shape::OVERLAP);
            if let Some((true, span)) = public.filter(|_| require.is_some()) {
                let message = "a public rule requires nothing, and this one has a `require`";
                self.report.add(span, message, "remove `require`, or `public`");
            }
            let is_public = public.is_some_and(|(public, _)| public);
            let requirement = requirement.unwrap_or_default();
            let break_glass = break_glass.and_then(|node| self.break_glass(node, is_public, &requirement));
            let span = name.map_or(item.span, |node| node.span);
            Some(Rule {
                name: self.name(name?, earlier.iter().map(|rule| rule.name.as_str()))?,
                matcher: matcher?,
                public: is_public,
                require: requirement,
                session,
                on_step_up: on_step_up.unwrap_or_default(),
                break_glass,
                say,
                observe,
                line: item.span.line,
                written: Written { span, public: public.map(|(_, span)| span), sound: false, overlap },
            })
        })
    }

    fn name<'k>(&self, node: &Node, mut known: impl Iterator<Item = &'k str>) -> Option<String> {
        let name = identifier(self.report, node)?;
        if known.any(|known| known == name) {
            self.report.add(node.span, format!("the name `{name}` is taken"), "give each a name of its own");
        }
        if Reason::CODES.contains(&name.as_str()) {
            let message = format!("`{name}` is the code of another kind of denial");
            self.report.add(node.span, message, "choose another name");
        }
        Some(name)
    }

    fn on_step_up(&self, node: &Node) -> OnStepUp {
        Fields::read(self.report, node, &shape::ON_STEP_UP, |fields| OnStepUp {
            text: fields.optional("text").and_then(|node| text(self.report, node)),
            park_body: fields.optional("park_body").and_then(|node| self.report.size(node, MOST_PARKED)),
        })
    }

    fn session(&self, node: &Node) -> SessionSettings {
        Fields::read(self.report, node, &shape::SESSION, |fields| {
            let limits = SessionLimits {
                idle: fields.optional("idle").and_then(|node| self.report.duration(node)),
                absolute: fields.optional("absolute").and_then(|node| self.report.duration(node)),
                forget: fields
                    .optional("remember")
                    .and_then(|node| self.report.choice(node, &shape::REMEMBER))
                    .unwrap_or(false),
            };
            let not_activity: Option<Vec<Pattern>> =
                fields.optional("not_activity").map(|node| self.patterns(node));
            SessionSettings { limits, not_activity: not_activity.unwrap_or_default() }
        })
    }
}

/// The methods a rule may name: RFC 9110 but for CONNECT and TRACE, which are never let through, RFC 5789,
/// and WebDAV's (RFC 4918).
pub(super) const METHODS: [&str; 14] = [
    "GET",
    "HEAD",
    "POST",
    "PUT",
    "PATCH",
    "DELETE",
    "OPTIONS",
    "PROPFIND",
    "PROPPATCH",
    "MKCOL",
    "COPY",
    "MOVE",
    "LOCK",
    "UNLOCK",
];
