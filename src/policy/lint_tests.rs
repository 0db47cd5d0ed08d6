use crate::config::Config;
use crate::policy::file;
use crate::policy::problem::{Problem, Source};

/// What is wrong with a policy whose rules are `rules`; they begin on line 7. The floor asks for `strong`.
fn problems(rules: &str) -> Vec<Problem> {
    let folder = tempfile::tempdir().unwrap();
    let head = "version: 1\napp: a\nhosts: [a.example]\nupstream: http://u:1\nfloor: [{ require: { level: strong } }]\n";
    std::fs::write(folder.path().join("a.yaml"), format!("{head}{rules}")).unwrap();
    let text = include_str!("../../deploy/sluse.yaml").to_owned();
    let config = Config::parse(&Source { name: String::new(), text }, folder.path()).unwrap();
    match file::load(folder.path(), &config) {
        Ok(_) => Vec::new(),
        Err(problems) => problems,
    }
}

fn messages(rules: &str) -> Vec<String> {
    problems(rules).into_iter().map(|problem| problem.message).collect()
}

#[test]
fn a_rule_that_can_never_match() {
    for (rules, message) in [
        (
            "rules: [{ name: a, match: { path: /** } }, { name: b, match: { path: /x } }]",
            "`b` can never match: `a` on line 6 takes all its requests",
        ),
        // No single rule takes all of it; together they do.
        (
            "rules: [{ name: a, match: { path: /x, method: [GET, HEAD] } }, { name: b, match: { path: /x, not_method: GET } }, { name: c, match: { path: /x } }]",
            "`c` can never match: `a` (line 6) and `b` (line 6) together take all its requests",
        ),
        (
            "rules: [{ name: a, match: { path: [/, /*] } }, { name: b, match: { path: /*/*/** } }, { name: c, match: { method: POST } }]",
            "`c` can never match: `a` (line 6) and `b` (line 6) together take all its requests",
        ),
        (
            "rules: [{ name: a, match: { device: shared } }, { name: b, match: { device: personal } }, { name: c, match: { path: /c } }]",
            "`c` can never match: `a` (line 6) and `b` (line 6) together take all its requests",
        ),
        (
            "rules: [{ name: a, match: { time: mon-fri } }, { name: b, match: { time: sat-sun } }, { name: c, match: { path: /c } }]",
            "`c` can never match: `a` (line 6) and `b` (line 6) together take all its requests",
        ),
        (
            "rules: [{ name: a, match: { header: { X: present } } }, { name: b, match: { not_header: { X: one } } }, { name: c, match: { path: /c } }]",
            "`c` can never match: `a` (line 6) and `b` (line 6) together take all its requests",
        ),
        // What a deny takes never reaches a rule.
        (
            "deny: [{ name: closed, match: { path: /x/** } }]\nrules: [{ name: a, match: { path: /x/y } }]",
            "`a` can never match: `closed` on line 6 takes all its requests",
        ),
        (
            "rules: [{ name: a, match: { path: /x/*, not_path: /x/** } }]",
            "`a` can never match: its conditions exclude each other",
        ),
        (
            "rules: [{ name: a, match: { header: { X: one }, not_header: { X: present } } }]",
            "`a` can never match: its conditions exclude each other",
        ),
        (
            "deny: [{ name: d, match: { method: GET, not_method: GET } }]\nrules: [{ name: a, match: { path: /x } }]",
            "`d` can never match: its conditions exclude each other",
        ),
    ] {
        assert_eq!(messages(rules), [message], "{rules}");
    }
}

#[test]
fn rules_that_can_match_after_all() {
    for rules in [
        "rules: [{ name: a, match: { path: /x, method: GET } }, { name: b, match: { path: /x } }]",
        "rules: [{ name: a, match: { path: /x/* } }, { name: b, match: { path: /x/** } }]",
        "rules: [{ name: a, match: { network: kommune-lan } }, { name: b, match: { path: /x } }]",
        "rules: [{ name: a, match: { header: { X: one } } }, { name: b, match: { header: { X: present } } }]",
        "rules: [{ name: a, match: { time: mon-fri } }, { name: b, match: { time: fri-sat } }]",
        // Whether the one contains the other is not known.
        "rules: [{ name: a, match: { path_re: '/x.*' } }, { name: b, match: { path: /x } }]",
    ] {
        assert_eq!(messages(rules), [""; 0], "{rules}");
    }
}

#[test]
fn a_later_rule_that_asks_for_more() {
    for (rules, other) in [
        (
            "rules: [{ name: a, match: { method: GET } }, { name: b, match: { path: /x }, require: { level: pin } }]",
            "/x",
        ),
        (
            "rules: [{ name: a, match: { path: /x } }, { name: b, match: { path: /** }, require: { fresh: 5m } }]",
            "/x",
        ),
        (
            "rules: [{ name: a, match: { path: /x/** }, require: { fresh: 1h } }, { name: b, match: { path: /*/y }, require: { fresh: once } }]",
            "/x/y",
        ),
        (
            "rules: [{ name: a, match: { path: /x, method: GET }, public: true }, { name: b, match: { path: /x, not_device: shared }, require: { level: strong } }]",
            "/x",
        ),
        // Neither asks for all the other does, and neither is part of the other.
        (
            "rules: [{ name: a, match: { method: GET }, require: { groups: [nurses] } }, { name: b, match: { path: /x }, require: { level: pin } }]",
            "/x",
        ),
    ] {
        let found = problems(rules);
        assert_eq!(found.len(), 1, "{rules}\n{found:?}");
        let message = "`b` asks for more than `a` on line 6, which decides on some of its requests first";
        assert_eq!(found[0].message, message, "{rules}");
        let help = format!("such as GET {other}: move `b` above `a`, or say `overlap: ok` if that is meant");
        assert_eq!(found[0].help, help, "{rules}");
        let meant = rules.replace("{ name: b,", "{ name: b, overlap: ok,");
        assert_eq!(messages(&meant), [""; 0], "{meant}");
    }
}

#[test]
fn rules_that_may_follow_one_another() {
    for rules in [
        // The later asks for no more.
        "rules: [{ name: a, match: { path: /x }, require: { level: pin } }, { name: b, match: { path: /** } }]",
        "rules: [{ name: a, match: { path: /x }, require: { max_age: 5m } }, { name: b, match: { path: /** }, require: { max_age: 1h } }]",
        // They have no request in common, or none that the earlier decides on.
        "rules: [{ name: a, match: { path: /x } }, { name: b, match: { path: /y }, require: { level: pin } }]",
        "rules: [{ name: a, match: { path: /x, method: GET } }, { name: b, match: { path: /x, not_method: GET }, require: { level: pin } }]",
        "deny: [{ name: d, match: { path: /x/y } }]\nrules: [{ name: a, match: { path: /x/* } }, { name: b, match: { path: /*/y }, require: { level: pin } }]",
        // An opening in a wider rule, and another requirement for a part of it.
        "rules: [{ name: a, match: { path: /x, method: GET }, public: true }, { name: b, match: { path: /** }, require: { level: pin } }]",
        "rules: [{ name: a, match: { path: /x }, require: { groups: [nurses] } }, { name: b, match: { path: /** }, require: { level: pin } }]",
    ] {
        assert_eq!(messages(rules), [""; 0], "{rules}");
    }
}

#[test]
fn public_never_opens_everything() {
    for matcher in [
        "path: /**",
        "path: [/, /*, /*/*/**]",
        "method: GET",
        "not_path: /admin/**",
        "path: [/a, /**], method: GET",
    ] {
        let rules = format!("rules: [{{ name: a, match: {{ {matcher} }}, public: true }}]");
        assert_eq!(messages(&rules), ["`public` opens every path of the app"], "{matcher}");
    }
    assert_eq!(messages("rules: [{ name: a, match: { path: /*/** }, public: true }]"), [""; 0]);
}

/// What is wrong in itself says nothing of the others.
#[test]
fn broken_rules_are_not_compared() {
    let rules = "rules: [{ name: a, match: { path: '/*.js' } }, { name: b, match: { path: /** } }, { name: c, match: { path: /c } }]";
    assert_eq!(
        messages(rules),
        [
            "`*` stands for a whole segment; `*.js` mixes it with other characters",
            "`c` can never match: `b` on line 6 takes all its requests"
        ]
    );
}

#[test]
fn what_takes_too_long_to_compare_is_refused() {
    let matcher = |n: usize| {
        let headers: Vec<String> = (0..14).map(|h| format!("X{}: [a{n}, b{n}]", (h * 7 + n) % 40)).collect();
        format!("{{ name: r{n}, match: {{ not_header: {{ {} }} }} }}", headers.join(", "))
    };
    let rules: Vec<String> = (0..40).map(matcher).collect();
    let rules = format!("rules: [{}]", rules.join(", "));
    let found = messages(&rules);
    assert!(found.iter().all(|message| message.contains("too intertwined")), "{found:?}");
}
