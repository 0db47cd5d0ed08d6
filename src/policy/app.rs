//! One policy file, read.

use std::path::Path;
use std::sync::Arc;

use url::Url;

use super::document::Node;
use super::index::Index;
use super::path::PathRules;
use super::problem::{Problem, Source, Span};
use super::reader::{Fields, Report};
use super::rule::RuleReader;
use super::tests_block::{self, Test};
use super::{App, SessionLimits, Shared, Text, shape};

/// A file as far as it could be read.
pub(super) struct Draft<'s> {
    pub report: Report<'s>,
    pub name: Option<(String, Span)>,
    pub hosts: Vec<(String, Span)>,
    pub app: Option<App>,
    pub tests: Vec<Test>,
}

pub(super) fn read<'s>(source: &'s Source, shared: &Arc<Shared>) -> Draft<'s> {
    let (tree, yaml) = source.parse();
    let report = Report::with(source, yaml);
    let Some(tree) = tree else {
        if report.is_fine() {
            let help = "begin with `version: 1` and `app: NAME`";
            report.push(Problem::of_file(Path::new(&source.name), "the file is empty", help));
        }
        return Draft { report, name: None, hosts: Vec::new(), app: None, tests: Vec::new() };
    };
    let (name, hosts, app, tests) =
        Fields::read(&report, &tree, &shape::POLICY, |fields| read_app(&report, fields, source, shared));
    Draft { report, name, hosts, app, tests }
}

type Parts = (Option<(String, Span)>, Vec<(String, Span)>, Option<App>, Vec<Test>);

fn read_app<'n>(
    report: &Report<'_>,
    fields: &mut Fields<'n, '_>,
    source: &Source,
    shared: &Arc<Shared>,
) -> Parts {
    if let Some(node) = fields.required("version") {
        report.choice(node, &[("1", ())]);
    }
    let name = fields.required("app").and_then(|node| Some((identifier(report, node)?, node.span)));
    let title = fields.optional("title").and_then(|node| text(report, node));
    let hosts = fields.required("hosts").map(|node| hosts(report, node)).unwrap_or_default();
    let upstream = fields.required("upstream").and_then(|node| upstream(report, node));
    let paths = fields.optional("paths").map(|node| path_rules(report, node)).unwrap_or_default();
    let mode = fields.optional("mode").and_then(|node| report.choice(node, &shape::MODE));
    let reader = RuleReader { report, shared };
    let floors = fields.optional("floor").map(|node| reader.floors(node)).unwrap_or_default();
    let denies = fields.optional("deny").map(|node| reader.denies(node)).unwrap_or_default();
    let rules = fields.required("rules").map(|node| reader.rules(node)).unwrap_or_default();
    let tests =
        fields.optional("tests").map(|node| tests_block::read(report, node, shared)).unwrap_or_default();
    let app = name.clone().zip(upstream).map(|((name, _), upstream)| App {
        title: title.unwrap_or_else(|| Text { da: name.clone(), en: name.clone() }),
        name,
        hosts: hosts.iter().map(|(host, _)| host.clone()).collect(),
        upstream,
        paths,
        denies_by_path: Index::of(denies.iter().map(|deny| &deny.matcher), paths),
        rules_by_path: Index::of(rules.iter().map(|rule| &rule.matcher), paths),
        rules_limit: rules.iter().any(|rule| rule.session.limits != SessionLimits::default()),
        floors,
        denies,
        rules,
        file: source.name.clone(),
        tests: tests.len(),
        observe: mode.unwrap_or(false),
        previous: None,
        shared: Arc::clone(shared),
    });
    (name, hosts, app, tests)
}

/// A name for logs, headers and commands: lower-case letters, digits and `-`.
pub(super) fn identifier(report: &Report<'_>, node: &Node) -> Option<String> {
    report.parse(node, "use lower-case letters, digits and `-`: `rest`, `export-journal`", |text| {
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let first = text.starts_with(|c: char| c.is_ascii_lowercase());
        let fine = first && text.len() <= 64 && text.chars().all(fits);
        if fine { Ok(text.to_owned()) } else { Err(format!("`{text}` is not a name")) }
    })
}

/// Words in both languages.
pub(super) fn text(report: &Report<'_>, node: &Node) -> Option<Text> {
    Fields::read(report, node, &shape::WORDS, |fields| {
        let da = fields.required("da").and_then(|node| report.text(node));
        let en = fields.required("en").and_then(|node| report.text(node));
        Some(Text { da: da?.to_owned(), en: en?.to_owned() })
    })
}

fn hosts(report: &Report<'_>, node: &Node) -> Vec<(String, Span)> {
    let help = "write a host name in lower case without scheme and port: `cura.kommune.example`, or `*.x` for one label";
    let mut hosts: Vec<(String, Span)> = Vec::new();
    for item in report.items(node) {
        let Some(host) = report.parse(item, help, host) else { continue };
        if hosts.iter().any(|(known, _)| *known == host) {
            report.add(item.span, format!("the host `{host}` is here twice"), "remove one of them");
        } else {
            hosts.push((host, item.span));
        }
    }
    hosts
}

fn host(text: &str) -> Result<String, String> {
    let name = text.strip_prefix("*.").unwrap_or(text);
    let wildcard = name.len() < text.len();
    let labels = || name.split('.');
    let label = |label: &str| {
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        (1..=63).contains(&label.len())
            && label.chars().all(fits)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let fine = name.len() <= 253 && labels().all(label) && (!wildcard || labels().count() > 1);
    if fine { Ok(text.to_owned()) } else { Err(format!("`{text}` is not a host name")) }
}

fn upstream(report: &Report<'_>, node: &Node) -> Option<Url> {
    let help = "write scheme, host and, if need be, port: `https://cura-int.kommune.example:8443`";
    report.parse(node, help, |text| {
        let url = Url::parse(text).map_err(|error| format!("`{text}` is not a URL: {error}"))?;
        if is_origin(&url) { Ok(url) } else { Err(format!("`{text}` is more, or less, than an origin")) }
    })
}

/// Scheme, host and port, and nothing else.
pub(crate) fn is_origin(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https")
        && url.has_host()
        && url.path() == "/"
        && url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none()
}

fn path_rules(report: &Report<'_>, node: &Node) -> PathRules {
    Fields::read(report, node, &shape::PATHS, |fields| {
        let mut rules = PathRules::default();
        let allow = fields.optional("allow").map(|node| report.items(node)).unwrap_or_default();
        for item in allow {
            match report.choice(item, &shape::PATHS_ALLOW) {
                Some(0) => rules.encoded_slash = true,
                Some(1) => rules.matrix = true,
                Some(_) => rules.space = true,
                None => {}
            }
        }
        let case = fields.optional("case");
        let case = case.and_then(|node| report.choice(node, &shape::CASE));
        rules.ignore_case = case.unwrap_or(false);
        rules
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_names() {
        for text in ["cura.kommune.example", "*.kommune.example", "cura.localhost", "localhost"] {
            assert_eq!(host(text), Ok(text.to_owned()));
        }
        for text in [
            "",
            "Cura.example",
            "a.b:443",
            "a..b",
            "*",
            "*.example",
            "*.*.b.c",
            "a.b.",
            "-a.b",
            "a/b",
            "a.*.b",
        ] {
            assert!(host(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_origin_is_nothing_more() {
        let origin = |text: &str| is_origin(&Url::parse(text).unwrap());
        assert!(origin("https://a.example:8443") && origin("http://127.0.0.1/"));
        for text in ["https://a/x", "https://a/?q", "https://a/#f", "https://u@a", "ftp://a", "unix:/x"] {
            assert!(!origin(text), "{text}");
        }
    }
}
