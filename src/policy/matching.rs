//! `match`, read.

use std::sync::Arc;

use http::HeaderName;

use super::document::{Key, Node};
use super::matcher::{Condition, Device, Fact, Matcher, Named, Network, PathRegex, Pattern, Protocol};
use super::reader::Fields;
use super::rule::{METHODS, RuleReader};
use super::schedule::Schedule;
use super::shape;

impl RuleReader<'_> {
    pub(super) fn matcher(&self, node: &Node) -> Matcher {
        self.report.not_null(node);
        Fields::read(self.report, node, &shape::MATCH, |fields| {
            let mut conditions = Vec::new();
            let mut read = |names: [&'static str; 2], read: &dyn Fn(&Node) -> Vec<Fact>| {
                for (name, negated) in names.into_iter().zip([false, true]) {
                    let facts = fields.optional(name).map(read).unwrap_or_default();
                    conditions.extend(facts.into_iter().map(|fact| Condition { fact, negated }));
                }
            };
            read(["path", "not_path"], &|node| vec![Fact::Path(self.patterns(node))]);
            read(["path_re", "not_path_re"], &|node| vec![Fact::PathRe(self.expressions(node))]);
            read(["method", "not_method"], &|node| vec![Fact::Method(self.methods(node))]);
            // A condition each: all headers must be as written, and of those after `not_header` none may be.
            read(["header", "not_header"], &|node| {
                self.headers(node).into_iter().map(Fact::Header).collect()
            });
            read(["query", "not_query"], &|node| {
                self.parameters(node).into_iter().map(Fact::Query).collect()
            });
            read(["network", "not_network"], &|node| vec![Fact::Network(self.networks(node))]);
            read(["time", "not_time"], &|node| vec![Fact::Time(self.schedules(node))]);
            let device = |node: &Node| self.report.choice(node, &Device::WORDS).map(Fact::Device);
            read(["device", "not_device"], &|node| device(node).into_iter().collect());
            read(["protocol", "not_protocol"], &|node| vec![Fact::Protocol(self.protocols(node))]);
            Matcher { conditions }
        })
    }

    pub(super) fn patterns(&self, node: &Node) -> Vec<Pattern> {
        let help =
            "write `/a/b`, `/a/*/b` (`*` is one whole segment) or `/a/**` (everything below, and `/a`)";
        self.report.parse_all(node, help, Pattern::parse)
    }

    fn expressions(&self, node: &Node) -> Vec<PathRegex> {
        let help = "write a regular expression over the whole path: `/report-[0-9]+/.*`";
        for item in self.report.items(node) {
            let message = "a regular expression is not compared with the other rules";
            self.report.notice(item.span, message, "use `path` where a pattern will do");
        }
        self.report.parse_all(node, help, |text| {
            PathRegex::parse(text).map_err(|_| format!("`{text}` is not a regular expression"))
        })
    }

    fn methods(&self, node: &Node) -> Vec<String> {
        let help = format!("the methods are {}", METHODS.join(", "));
        self.report.parse_all(node, &help, |text| match METHODS.contains(&text) {
            true => Ok(text.to_owned()),
            false => Err(format!("there is no method `{text}`")),
        })
    }

    fn headers(&self, node: &Node) -> Vec<Named<HeaderName>> {
        let entries = self.report.some_entries(node).iter();
        entries
            .filter_map(|(key, node)| {
                let name = HeaderName::from_bytes(key.name.as_bytes());
                if name.is_err() {
                    let message = format!("`{}` is not the name of a header", key.name);
                    self.report.add(key.span, message, "write a name such as `Accept`");
                }
                Some(Named { name: name.ok()?, values: self.values(node) })
            })
            .collect()
    }

    fn parameters(&self, node: &Node) -> Vec<Named<String>> {
        let parameter =
            |(key, node): &(Key, Node)| Named { name: key.name.clone(), values: self.values(node) };
        self.report.some_entries(node).iter().map(parameter).collect()
    }

    /// `present`, or the values of which one must be there.
    fn values(&self, node: &Node) -> Option<Vec<String>> {
        if node.is("present") { None } else { Some(self.report.texts(node)) }
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

    fn schedules(&self, node: &Node) -> Vec<Schedule> {
        let help = "write days, hours or both: `mon-fri 07:00-16:00`, `sat,sun`, `22:00-06:00`";
        self.report.parse_all(node, help, Schedule::parse)
    }

    fn protocols(&self, node: &Node) -> Vec<Protocol> {
        let items = self.report.items(node).iter();
        items.filter_map(|item| self.report.choice(item, &Protocol::WORDS)).collect()
    }
}
