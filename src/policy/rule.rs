//! Floors, denies and rules, read and checked against each other.

use std::sync::Arc;

use super::app::{identifier, text};
use super::decide::{MOST_FLOORS, Reason};
use super::document::Node;
use super::expression::Expression;
use super::matcher::{Condition, Device, Fact, Matcher, Network, Pattern};
use super::problem::Span;
use super::reader::{Fields, Report, nearest};
use super::{Deny, Floor, Level, Requirement, Rule, SessionLimits, Shared, Stated};
use crate::user::Username;

pub(super) struct RuleReader<'a> {
    pub report: &'a Report<'a>,
    pub shared: &'a Shared,
}

/// Keys of the language that this version does not support: an error, since the policy would not do what it
/// says.
const LATER_MATCH: &[&str] = &[
    "path_re",
    "not_path_re",
    "header",
    "not_header",
    "query",
    "not_query",
    "time",
    "not_time",
    "protocol",
    "not_protocol",
];
const LATER_RULE: &[&str] = &["mode", "overlap"];

impl RuleReader<'_> {
    pub fn floors(&self, node: &Node) -> Vec<Floor> {
        let read = |node| {
            Fields::read(self.report, node, &[], |fields| Floor {
                matcher: fields.optional("match").map(|node| self.matcher(node)).unwrap_or_default(),
                require: fields.optional("require").map(|node| self.requirement(node)).unwrap_or_default(),
                session: fields.optional("session").map(|node| self.session(node)).unwrap_or_default(),
                line: node.span.line,
            })
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
            let deny = Fields::read(self.report, item, LATER_RULE, |fields| {
                let name = fields.required("name");
                let matcher = fields.required("match").map(|node| self.matcher(node));
                let say = fields.optional("say").and_then(|node| text(self.report, node));
                let name = self.name(name?, denies.iter().map(|deny| deny.name.as_str()))?;
                Some(Deny { name, matcher: matcher?, say, line: item.span.line })
            });
            denies.extend(deny);
        }
        denies
    }

    pub fn rules(&self, node: &Node) -> Vec<Rule> {
        let mut rules: Vec<Rule> = Vec::new();
        for item in self.report.items(node) {
            if let Some((rule, span)) = self.rule(item, &rules) {
                self.can_match(&rule, span, &rules);
                rules.push(rule);
            }
        }
        rules
    }

    fn rule(&self, item: &Node, earlier: &[Rule]) -> Option<(Rule, Span)> {
        Fields::read(self.report, item, LATER_RULE, |fields| {
            let name = fields.required("name");
            let matcher = fields.required("match").map(|node| self.matcher(node));
            let public =
                fields.optional("public").and_then(|node| Some((self.report.flag(node)?, node.span)));
            let require = fields.optional("require").map(|node| self.requirement(node));
            let step_up_text = fields.optional("on_step_up").and_then(|node| {
                Fields::read(self.report, node, &["park_body"], |fields| {
                    fields.required("text").and_then(|node| text(self.report, node))
                })
            });
            let say = fields.optional("say").and_then(|node| text(self.report, node));
            let span = name.map_or(item.span, |node| node.span);
            let matcher = matcher?;
            if let Some((true, span)) = public {
                self.public(&matcher, require.is_some(), span);
            }
            let rule = Rule {
                name: self.name(name?, earlier.iter().map(|rule| rule.name.as_str()))?,
                matcher,
                public: public.is_some_and(|(public, _)| public),
                require: require.unwrap_or_default(),
                step_up_text,
                say,
                line: item.span.line,
            };
            Some((rule, span))
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

    fn public(&self, matcher: &Matcher, requires: bool, span: Span) {
        if matcher.patterns().any(Pattern::is_everything) || matcher.patterns().next().is_none() {
            let help = "name the paths that are open to everybody";
            self.report.add(span, "`public` opens every path of the app", help);
        }
        if requires {
            let help = "remove `require`, or `public`";
            self.report.add(span, "a public rule requires nothing, and this one has a `require`", help);
        }
    }

    fn can_match(&self, rule: &Rule, span: Span, earlier: &[Rule]) {
        if let Some(first) = earlier.iter().find(|earlier| earlier.matcher.covers(&rule.matcher)) {
            let (name, other, line) = (&rule.name, &first.name, first.line);
            let message =
                format!("`{name}` can never match: `{other}` on line {line} takes all its requests");
            self.report.add(span, message, format!("move it above `{other}`, or remove it"));
        }
    }

    fn session(&self, node: &Node) -> SessionLimits {
        Fields::read(self.report, node, &[], |fields| SessionLimits {
            idle: fields.optional("idle").and_then(|node| self.report.duration(node)),
            absolute: fields.optional("absolute").and_then(|node| self.report.duration(node)),
            forget: fields
                .optional("remember")
                .and_then(|node| self.report.choice(node, &[("never", true), ("allow", false)]))
                .unwrap_or(false),
        })
    }

    fn requirement(&self, node: &Node) -> Requirement {
        Fields::read(self.report, node, &["claims"], |fields| {
            let stated = |node: &Node, list: Vec<String>| Some(Stated { value: list, line: node.span.line });
            let level = fields.optional("level").and_then(|node| self.level(node));
            let groups = fields.optional("groups").and_then(|node| stated(node, self.report.texts(node)));
            let all = fields.optional("all_groups").and_then(|node| stated(node, self.report.texts(node)));
            let users = fields.optional("users").and_then(|node| {
                let help = "write the name people log in with";
                let parse = |text: &str| Username::parse(text).map(|name| name.as_str().to_owned());
                stated(node, self.report.parse_all(node, help, parse))
            });
            let duration = |node: &Node| {
                let value = self.report.duration(node)?;
                Some(Stated { value, line: node.span.line })
            };
            let max_age = fields.optional("max_age").and_then(duration);
            let fresh = fields.optional("fresh");
            if let Some(once) = fresh.filter(|node| node.is("once")) {
                let help = "write an age, such as `fresh: 1m`";
                self.report.add(once.span, "`fresh: once` is not supported by this version", help);
            }
            let fresh = fresh.filter(|node| !node.is("once")).and_then(duration);
            Requirement { level, groups, all_groups: all, users, max_age, fresh }
        })
    }

    /// A level's name, or an expression.
    fn level(&self, node: &Node) -> Option<Stated<Arc<Level>>> {
        let text = self.report.text(node)?;
        let named = self.shared.levels.iter().find(|level| level.name == text);
        let level = match named {
            Some(level) => Arc::clone(level),
            None => {
                let names: Vec<&str> = self.shared.levels.iter().map(|level| level.name.as_str()).collect();
                let help = match nearest(text, &names) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!(
                        "write one of {}, or an expression: `password + (key | mitid)`",
                        names.join(", ")
                    ),
                };
                let expression = self.report.parse(node, &help, Expression::parse)?;
                self.report.methods_exist(node.span, &expression, &self.shared.methods);
                Arc::new(Level { name: text.to_owned(), expression })
            }
        };
        Some(Stated { value: level, line: node.span.line })
    }

    fn matcher(&self, node: &Node) -> Matcher {
        Fields::read(self.report, node, LATER_MATCH, |fields| {
            let mut conditions = Vec::new();
            let mut read = |names: [&'static str; 2], read: &dyn Fn(&Node) -> Option<Fact>| {
                for (name, negated) in names.into_iter().zip([false, true]) {
                    let fact = fields.optional(name).and_then(read);
                    conditions.extend(fact.map(|fact| Condition { fact, negated }));
                }
            };
            read(["path", "not_path"], &|node| Some(Fact::Path(self.patterns(node))));
            read(["method", "not_method"], &|node| Some(Fact::Method(self.methods(node))));
            read(["network", "not_network"], &|node| Some(Fact::Network(self.networks(node))));
            let devices = [("shared", Device::Shared), ("personal", Device::Personal)];
            read(["device", "not_device"], &|node| self.report.choice(node, &devices).map(Fact::Device));
            Matcher { conditions }
        })
    }

    fn patterns(&self, node: &Node) -> Vec<Pattern> {
        let help =
            "write `/a/b`, `/a/*/b` (`*` is one whole segment) or `/a/**` (everything below, and `/a`)";
        self.report.parse_all(node, help, Pattern::parse)
    }

    fn methods(&self, node: &Node) -> Vec<String> {
        let help = format!("the methods are {}", METHODS.join(", "));
        self.report.parse_all(node, &help, |text| match METHODS.contains(&text) {
            true => Ok(text.to_owned()),
            false => Err(format!("there is no method `{text}`")),
        })
    }

    fn networks(&self, node: &Node) -> Vec<Arc<Network>> {
        let known: Vec<&str> = self.shared.networks.iter().map(|network| network.name.as_str()).collect();
        let help = match known.as_slice() {
            [] => "define it under `networks:` in sluse.yaml".to_owned(),
            known => format!("define it under `networks:` in sluse.yaml, which has: {}", known.join(", ")),
        };
        self.report.parse_all(node, &help, |text| {
            let network = self.shared.networks.iter().find(|network| network.name == text);
            network.map(Arc::clone).ok_or_else(|| format!("there is no network `{text}`"))
        })
    }
}

/// The methods a rule may name: RFC 9110 but for CONNECT and TRACE, which are never let through, RFC 5789,
/// and WebDAV's (RFC 4918).
const METHODS: [&str; 14] = [
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
