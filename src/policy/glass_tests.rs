//! Glass: whom it helps, with what, for how long.

use std::sync::Arc;

use super::*;
use crate::authn::glass::BrokenGlass;
use crate::authn::{Assurance, Evidence, KeyEvidence, PasswordEvidence};
use crate::config::Config;
use crate::policy::explain::{explain_enforced, outcome};
use crate::policy::problem::{Problem, Source};
use crate::policy::{App, Decision, Policy, Request, decide, file};

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
const MINUTE: Duration = Duration::from_secs(60);

fn load(policy: &str) -> Result<Policy, Vec<Problem>> {
    let folder = tempfile::tempdir().unwrap();
    let head = "version: 1\napp: a\nhosts: [a.example]\nupstream: http://u:1\n";
    std::fs::write(folder.path().join("a.yaml"), format!("{head}{policy}")).unwrap();
    let text = include_str!("../../deploy/sluse.yaml").replace("groups: [", "groups: [north, a, b, c, ");
    let config = Config::parse(&Source { name: String::new(), text }, folder.path()).unwrap();
    file::load(folder.path(), &config)
}

fn app(policy: &str) -> Arc<App> {
    let policy = load(policy).unwrap_or_else(|problems| panic!("{problems:#?}"));
    Arc::clone(policy.app("a.example").unwrap())
}

const JOURNAL: &str = "
floor: [{ require: { level: strong, groups: [staff, care-staff] } }]
deny: [{ name: closed, match: { path: /closed } }]
rules:
  - name: journal
    match: { path: [/journal, /closed] }
    require: { groups: [north], fresh: 5m }
    break_glass: { groups: [care-staff], for: 20m }
  - { name: other, match: { path: /other }, require: { groups: [north] }, break_glass: { groups: care-staff } }
  - { name: rest, match: { path: /** } }
";

/// Broken `minutes` ago, for half an hour.
fn broken(rule: &str, minutes: u32) -> BrokenGlass {
    let broken_at = NOW.minus(MINUTE * minutes);
    let (id, app) = (Uuid::nil(), "a".to_owned());
    BrokenGlass { id, app, rule: rule.to_owned(), broken_at, until: broken_at.plus(MINUTE * 30) }
}

fn proven(minutes: u32) -> Assurance {
    let at = NOW.minus(MINUTE * minutes);
    let key = KeyEvidence {
        at,
        credential: crate::authn::CredentialId(Vec::new()),
        user_verified: false,
        until: None,
    };
    Assurance::default().with(Evidence::Password(PasswordEvidence { at })).with(Evidence::Key(key))
}

fn decided(app: &Arc<App>, path: &str, groups: &[&str], key: u32, glass: &[BrokenGlass]) -> Decision {
    let groups: Vec<String> = groups.iter().map(|&group| group.to_owned()).collect();
    let assurance = proven(key);
    let person = Person { username: "anna", groups: &groups, claims: &[], assurance: &assurance };
    decide(app, &Request { glass, ..Request::new("GET", path) }, Some(&person), NOW)
}

#[test]
fn glass_stands_in_for_what_its_own_rule_asks_of_the_person() {
    let app = app(JOURNAL);
    for (path, groups, key, glass, expected, offered) in [
        // To those who may, and who are let in nowhere else.
        ("/journal", &["care-staff"][..], 1, vec![], "deny groups", true),
        ("/journal", &["staff"], 1, vec![], "deny groups", false),
        ("/journal", &["north", "care-staff"], 1, vec![], "allow journal", false),
        ("/journal", &["care-staff"], 1, vec![broken("journal", 1)], "allow journal by break_glass", false),
        ("/journal", &["north", "care-staff"], 1, vec![broken("journal", 1)], "allow journal", false),
        // Somebody who lost the group meanwhile.
        ("/journal", &["staff"], 1, vec![broken("journal", 1)], "deny groups", false),
        // Ages and levels stay.
        ("/journal", &["care-staff"], 6, vec![broken("journal", 1)], "step_up key or mitid", false),
        // So do floors and denies.
        ("/journal", &["north"], 1, vec![broken("journal", 1)], "deny groups", false),
        ("/journal", &[], 1, vec![broken("journal", 1)], "deny groups", false),
        ("/closed", &["care-staff"], 1, vec![broken("journal", 1)], "deny closed", false),
        // One rule's is not another's.
        ("/other", &["care-staff"], 1, vec![broken("journal", 1)], "deny groups", true),
        ("/journal", &["care-staff"], 1, vec![broken("other", 1)], "deny groups", true),
        // It ends when the rule says, however long it was promised for; and else as it was promised.
        ("/journal", &["care-staff"], 1, vec![broken("journal", 19)], "allow journal by break_glass", false),
        ("/journal", &["care-staff"], 1, vec![broken("journal", 20)], "deny groups", true),
        ("/other", &["care-staff"], 1, vec![broken("other", 29)], "allow other by break_glass", false),
        ("/other", &["care-staff"], 1, vec![broken("other", 30)], "deny groups", true),
        (
            "/journal",
            &["care-staff"],
            1,
            vec![broken("journal", 25), broken("journal", 2)],
            "allow journal by break_glass",
            false,
        ),
    ] {
        let decision = decided(&app, path, groups, key, &glass);
        assert_eq!(outcome(&decision), expected, "{path} {groups:?} {glass:?}");
        let offer = match decision {
            Decision::Deny(denial) => denial.glass,
            _ => None,
        };
        assert_eq!(offer.is_some(), offered, "{path} {groups:?} {glass:?}");
    }
}

#[test]
fn glass_is_another_apps_and_nobodys_who_has_proven_nothing() {
    let app = app(JOURNAL);
    let elsewhere = BrokenGlass { app: "b".to_owned(), ..broken("journal", 1) };
    assert_eq!(outcome(&decided(&app, "/journal", &["care-staff"], 1, &[elsewhere])), "deny groups");
    let glass = [broken("journal", 1)];
    let request = Request { glass: &glass, ..Request::new("GET", "/journal") };
    assert_eq!(outcome(&decide(&app, &request, None, NOW)), "login strong");
}

#[test]
fn a_permit_tells_by_which_glass_and_until_when() {
    let app = app(JOURNAL);
    let Decision::Allow(permit) = decided(&app, "/journal", &["care-staff"], 1, &[broken("journal", 5)])
    else {
        panic!("denied")
    };
    assert_eq!(permit.glass(), Some(OpenGlass { id: Uuid::nil(), until: NOW.plus(MINUTE * 15) }));
}

#[test]
fn an_explanation_tells_of_glass() {
    let app = app(JOURNAL);
    let told = |groups: &[&str], glass: &[BrokenGlass]| {
        let groups: Vec<String> = groups.iter().map(|&group| group.to_owned()).collect();
        let assurance = proven(1);
        let person = Person { username: "anna", groups: &groups, claims: &[], assurance: &assurance };
        let request = Request { glass, ..Request::new("GET", "/journal") };
        explain_enforced(&app, &request, Some(&person), NOW).transcript.to_string()
    };
    let offered = told(&["care-staff"], &[]);
    assert!(
        offered.contains("break_glass care-staff        rule    line 12   FAIL  offered, for 20m"),
        "{offered}"
    );
    assert!(
        offered.ends_with(
            "=> deny groups     browser: 403    API: 403    WebSocket: 403     break_glass for 20m\n"
        ),
        "{offered}"
    );
    let open = told(&["care-staff"], &[broken("journal", 5)]);
    assert!(open.contains("line 12   ok    open for 15m more"), "{open}");
    assert!(open.contains("=> allow journal by break_glass     level strong"), "{open}");
    assert!(told(&["staff"], &[]).contains("line 12   FAIL\n"));
    assert!(told(&["north"], &[broken("journal", 5)]).contains("line 12   FAIL\n"));
    assert!(!told(&["north", "staff"], &[]).contains("break_glass"));
}

#[test]
fn glass_that_is_of_no_use_is_refused() {
    for (rule, message, help) in [
        (
            "public: true, break_glass: { groups: a }",
            "a public rule denies nobody, and this one has a `break_glass`",
            "remove `break_glass`, or `public`",
        ),
        (
            "break_glass: { groups: a }",
            "`break_glass` never helps: the rule lets in everybody who may break the glass",
            "ask for groups, users or claims under `require` that they do not have, or remove it",
        ),
        (
            "require: { level: strong, fresh: 5m }, break_glass: { groups: a }",
            "`break_glass` never helps: the rule lets in everybody who may break the glass",
            "ask for groups",
        ),
        (
            "require: { groups: [a, b] }, break_glass: { groups: a }",
            "`break_glass` never helps: the rule lets in everybody who may break the glass",
            "ask for groups",
        ),
        ("require: { groups: a }, break_glass: { for: 30m }", "the key `groups` is missing", ""),
        (
            "require: { groups: a }, break_glass: { groups: b, for: 5h }",
            "`5h` is too long",
            "write a time from 1m to 4h: `30m`",
        ),
        (
            "require: { groups: a }, break_glass: { groups: b, for: 59s }",
            "`59s` is too short",
            "write a time from 1m to 4h: `30m`",
        ),
        ("require: { groups: a }, break_glass: { groups: b, floor: off }", "unknown key `floor`", ""),
    ] {
        let policy = format!("rules: [{{ name: r, match: {{ path: /x }}, {rule} }}]");
        let problems = load(&policy).expect_err(rule);
        let found = problems.iter().find(|problem| problem.message.starts_with(message));
        let found = found.unwrap_or_else(|| panic!("{rule}: {problems:#?}"));
        assert_eq!(found.line, 5);
        assert!(found.help.starts_with(help), "{rule}: {found:#?}");
    }
    for rule in ["groups: [a]", "all_groups: [a, b]", "users: bo", "claims: { unit: north }"] {
        app(&format!(
            "rules: [{{ name: r, match: {{ path: /x }}, require: {{ {rule} }}, break_glass: {{ groups: b }} }}]"
        ));
    }
}

/// Whoever breaks the glass of the first would be past the second.
#[test]
fn a_rule_with_glass_is_laxer_than_one_without() {
    let rules = |first: &str, second: &str| {
        let policy = format!(
            "rules:\n  - {{ name: first, match: {{ path: /x/**, method: GET }}, require: {{ groups: a }}{first} }}\n  \
             - {{ name: second, match: {{ path: /x/y }}, require: {{ groups: a }}{second} }}"
        );
        load(&policy).err().map(|problems| problems[0].message.clone())
    };
    let glass = ", break_glass: { groups: b }";
    let wider = ", break_glass: { groups: [b, c] }";
    assert_eq!(rules("", ""), None);
    assert_eq!(rules("", glass), None);
    assert_eq!(rules(glass, glass), None);
    assert_eq!(rules(glass, wider), None);
    for (first, second) in [(glass, ""), (wider, glass)] {
        let message = rules(first, second).expect("an error");
        assert!(message.starts_with("`second` asks for more than `first` on line 6"), "{message}");
    }
}

#[test]
fn tests_of_a_policy_expect_glass() {
    let tests = |test: &str| {
        let proofs = "proofs: { password: 1m, key: 1m }";
        let test = test.replace("PROOFS", proofs);
        load(&format!("{JOURNAL}tests: [{{ {test} }}]")).err().map(|problems| problems[0].message.clone())
    };
    for fine in [
        "as: { groups: [care-staff], PROOFS }, do: GET /journal, expect: deny groups",
        "as: { groups: [care-staff], PROOFS }, do: GET /journal, expect: break_glass",
        "as: { groups: [care-staff], PROOFS }, do: GET /journal, expect: break_glass journal",
        "as: { groups: [care-staff], broken_glass: journal, PROOFS }, do: GET /journal, expect: allow",
        "as: { groups: [care-staff], broken_glass: journal, PROOFS }, do: GET /journal, expect: allow journal by break_glass",
    ] {
        assert_eq!(tests(fine), None, "{fine}");
    }
    for wrong in [
        "as: { groups: [staff], PROOFS }, do: GET /journal, expect: break_glass journal",
        "as: { groups: [care-staff], PROOFS }, do: GET /journal, expect: break_glass other",
        "as: { groups: [care-staff], broken_glass: journal, PROOFS }, do: GET /journal, expect: allow journal",
    ] {
        assert!(tests(wrong).expect("it fails").starts_with("this test expects"), "{wrong}");
    }
}
