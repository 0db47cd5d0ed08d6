//! `require`, read.

use std::sync::Arc;

use super::document::Node;
use super::expression::Expression;
use super::reader::{Fields, nearest};
use super::rule::RuleReader;
use super::{Fresh, Level, Requirement, Stated, shape};
use crate::user::Username;

impl RuleReader<'_> {
    pub(super) fn requirement(&self, node: &Node) -> Requirement {
        self.report.not_null(node);
        let stated = |node: &Node, value: Vec<String>| Stated { value, line: node.span.line };
        Fields::read(self.report, node, &shape::REQUIRE, |fields| Requirement {
            level: fields.optional("level").and_then(|node| self.level(node)),
            groups: fields.optional("groups").map(|node| stated(node, self.groups(node))),
            all_groups: fields.optional("all_groups").map(|node| stated(node, self.groups(node))),
            users: fields.optional("users").map(|node| stated(node, self.users(node))),
            claims: fields.optional("claims").map(|node| self.claims(node)).unwrap_or_default(),
            max_age: fields
                .optional("max_age")
                .and_then(|node| Some(Stated { value: self.report.duration(node)?, line: node.span.line })),
            fresh: fields.optional("fresh").and_then(|node| {
                let value = match node.is("once") {
                    true => Fresh::Once,
                    false => Fresh::Within(self.report.duration(node)?),
                };
                Some(Stated { value, line: node.span.line })
            }),
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

    fn groups(&self, node: &Node) -> Vec<String> {
        groups(self.report, node, self.shared)
    }

    fn users(&self, node: &Node) -> Vec<String> {
        let help = "write the name people log in with";
        let parse = |text: &str| Username::parse(text).map(|name| name.as_str().to_owned());
        self.report.parse_all(node, help, parse)
    }

    fn claims(&self, node: &Node) -> Vec<(String, Stated<Vec<String>>)> {
        let entries = self.report.some_entries(node).iter();
        let claim = |(key, node): &(super::document::Key, Node)| {
            (key.name.clone(), Stated { value: self.report.texts(node), line: node.span.line })
        };
        entries.map(claim).collect()
    }
}

/// Names of groups; where sluse.yaml lists them, of those alone.
pub(super) fn groups(report: &super::reader::Report<'_>, node: &Node, shared: &super::Shared) -> Vec<String> {
    let mut names = Vec::new();
    for item in report.items(node) {
        let Some(name) = report.text(item) else { continue };
        if let Some(known) = shared.groups.as_ref().filter(|known| !known.iter().any(|group| group == name)) {
            let known: Vec<&str> = known.iter().map(String::as_str).collect();
            let help = match nearest(name, &known) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("list it under `groups:` in sluse.yaml, which has: {}", known.join(", ")),
            };
            report.add(item.span, format!("there is no group `{name}`"), help);
        }
        names.push(name.to_owned());
    }
    names
}
