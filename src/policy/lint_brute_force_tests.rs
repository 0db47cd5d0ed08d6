//! What lint says of small policies, against every request that could make a difference.

use std::net::IpAddr;
use std::path::Path;
use std::sync::{Arc, LazyLock};

use proptest::prelude::*;

use super::*;
use crate::config::Config;
use crate::policy::matcher::{Condition, Facts};
use crate::policy::problem::Source;
use crate::policy::{Request, Shared, app};
use crate::time::Timestamp;

fn any_match() -> impl Strategy<Value = String> {
    let path = proptest::sample::select(
        &[
            "path: /a",
            "path: /a/*",
            "path: [/a/**, /b]",
            "path: /*/b",
            "path: '/*'",
            "path: /a/b/**",
            "not_path: /a/**",
            "not_path: [/a, /b/**]",
            "path: /**",
        ][..],
    );
    let other = proptest::sample::select(
        &[
            "",
            "",
            "",
            ", method: GET",
            ", method: [GET, POST]",
            ", not_method: GET",
            ", network: kommune-lan",
            ", not_network: kommune-lan",
        ][..],
    );
    (path, other).prop_map(|(path, other)| format!("match: {{ {path}{other} }}"))
}

fn any_rule() -> impl Strategy<Value = String> {
    let rest = proptest::sample::select(
        &[
            "require: { level: basic }",
            "require: { level: strong }",
            "require: { groups: [nurses] }",
            "require: { level: strong, groups: [nurses] }",
            "require: { fresh: 5m }",
            "require: { level: strong }, overlap: ok",
            "public: true",
        ][..],
    );
    (any_match(), rest).prop_map(|(matcher, rest)| format!("{matcher}, {rest}"))
}

/// What the file says, however little sense it makes; and what lint says to that.
fn linted(text: &str) -> (App, Vec<String>) {
    static SHARED: LazyLock<Arc<Shared>> = LazyLock::new(|| {
        let text = include_str!("../../deploy/sluse.yaml").to_owned();
        Arc::new(Config::parse(&Source { name: String::new(), text }, Path::new("")).unwrap().shared())
    });
    let head = "version: 1\napp: a\nhosts: [a.example]\nupstream: http://u:1\n";
    let source = Source { name: "a.yaml".to_owned(), text: format!("{head}{text}") };
    let draft = app::read(&source, &SHARED);
    assert!(draft.report.is_fine(), "{text}");
    let app = draft.app.unwrap();
    lint(&app, &draft.report);
    let told = draft.report.into_problems().into_iter().map(|problem| problem.message);
    (app, told.collect())
}

/// Which requests of all that could make a difference each matcher fits.
struct Tried {
    requests: Vec<(String, &'static str, Option<IpAddr>)>,
}

impl Tried {
    fn all() -> Self {
        let names = ["a", "b", "x"];
        let mut paths = vec!["/".to_owned()];
        for one in names {
            paths.push(format!("/{one}"));
            for two in names {
                paths.push(format!("/{one}/{two}"));
                paths.extend(names.map(|three| format!("/{one}/{two}/{three}")));
            }
        }
        let addresses = [Some(IpAddr::from([10, 20, 0, 1])), Some(IpAddr::from([203, 0, 113, 1])), None];
        let mut requests = Vec::new();
        for path in &paths {
            for method in ["GET", "POST", "DELETE"] {
                requests.extend(addresses.map(|address| (path.clone(), method, address)));
            }
        }
        Self { requests }
    }

    fn fits(&self, app: &App, matcher: &Matcher) -> Vec<bool> {
        let fits = |(path, method, address): &(String, &'static str, Option<IpAddr>)| {
            let request = Request { address: *address, ..Request::new(method, path) };
            matcher.fits(&Facts::of(app, &request, Timestamp::EPOCH))
        };
        self.requests.iter().map(fits).collect()
    }

    /// The paths of which some request fits.
    fn paths(&self, fits: &[bool]) -> Vec<&str> {
        let paths = self.requests.iter().zip(fits).filter(|(_, fits)| **fits).map(|((path, ..), _)| &**path);
        let mut paths: Vec<&str> = paths.collect();
        paths.dedup();
        paths
    }
}

fn within<T: PartialEq>(small: &[T], large: &[T]) -> bool {
    small.iter().all(|item| large.contains(item))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn lint_agrees_with_trying_everything(
        denies in proptest::collection::vec(any_match(), 0..2),
        rules in proptest::collection::vec(any_rule(), 1..5),
    ) {
        let entries = |key: &str, letter: char, list: &[String]| {
            let each = |(n, entry): (usize, &String)| format!("  - {{ name: {letter}{n}, {entry} }}\n");
            let text: String = list.iter().enumerate().map(each).collect();
            if text.is_empty() { text } else { format!("{key}:\n{text}") }
        };
        let (app, told) = linted(&(entries("deny", 'd', &denies) + &entries("rules", 'r', &rules)));
        let says = |name: &str, what: &str| told.iter().any(|told| told.starts_with(&format!("`{name}` {what}")));
        let tried = Tried::all();
        let opens_all = |rule: &Rule, fits: &[bool]| {
            let names = |condition: &Condition| {
                !condition.negated && matches!(condition.fact, Fact::Path(_))
            };
            let every = tried.paths(fits).len() == tried.paths(&vec![true; fits.len()]).len();
            rule.public && (every || !rule.matcher.conditions.iter().any(names))
        };
        let mut free = vec![true; tried.requests.len()];
        for deny in &app.denies {
            let fits = tried.fits(&app, &deny.matcher);
            prop_assert_eq!(says(&deny.name, "can never match"), !fits.contains(&true));
            free.iter_mut().zip(fits).for_each(|(free, fits)| *free &= !fits);
        }
        // Of each rule above: what it fits, what it decides on, and whether what it opens is wrong in itself.
        let mut above: Vec<(&Rule, Vec<bool>, Vec<bool>, bool)> = Vec::new();
        for rule in &app.rules {
            let fits = tried.fits(&app, &rule.matcher);
            let decides: Vec<bool> = fits.iter().zip(&free).map(|(fits, free)| *fits && *free).collect();
            let unreachable = !decides.contains(&true);
            prop_assert_eq!(says(&rule.name, "can never match"), unreachable, "{:?}", told);
            let loosened = !unreachable && !rule.public && !rule.written.overlap && above.iter().any(|(lax, lax_fits, lax_decides, wrong)| {
                let crosswise = lax.require.asks_more_than(&rule.require, &app.shared);
                let (few, many) = (tried.paths(lax_fits), tried.paths(&fits));
                let part = within(&few, &many) && few.len() < many.len();
                let inside = lax_fits.iter().zip(&fits).all(|(lax, fits)| !lax || *fits);
                let exception = (lax.public || crosswise) && (part || inside);
                let shared = lax_decides.iter().zip(&fits).any(|(lax, fits)| *lax && *fits);
                !wrong && shared && !exception && rule.require.asks_more_than(&lax.require, &app.shared)
            });
            prop_assert_eq!(says(&rule.name, "asks for more than"), loosened, "{:?}", told);
            let wrong = opens_all(rule, &fits);
            prop_assert!(!wrong || told.iter().any(|told| told.starts_with("`public` opens")));
            if !wrong {
                free.iter_mut().zip(&fits).for_each(|(free, fits)| *free &= !fits);
            }
            above.push((rule, fits, decides, wrong));
        }
        prop_assert!(told.iter().all(|told| ["can never match", "asks for more", "opens every"].iter().any(|known| told.contains(known))));
    }
}
