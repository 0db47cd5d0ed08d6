use super::*;

const CONFIG: &str = include_str!("../../deploy/sluse.yaml");
const CURA: &str = include_str!("../../policies/cura.yaml");

fn config() -> Config {
    let source = Source { name: "sluse.yaml".to_owned(), text: CONFIG.to_owned() };
    Config::parse(&source, Path::new("")).unwrap_or_else(|problems| panic!("{problems:?}"))
}

/// The folder's policy, or its problems without the folder's name.
fn load_texts(files: &[(&str, &str)]) -> Result<Policy, Vec<String>> {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let shown = format!("{}/", folder.path().display());
    load(folder.path(), &config()).map_err(|problems| {
        let problems = problems.iter().map(|problem| problem.to_string().replace(&shown, ""));
        problems.collect()
    })
}

fn first_lines(problems: Vec<String>) -> Vec<String> {
    let first = |problem: &String| {
        let lines: Vec<&str> = problem.lines().take(2).map(str::trim).collect();
        lines.join(" ")
    };
    problems.iter().map(first).collect()
}

/// A policy whose rules are `rules`; they begin on line 6.
fn with_rules(rules: &str) -> String {
    format!("version: 1\napp: a\nhosts: [a.example]\nupstream: http://u:1\nrules:\n{rules}")
}

fn problems_of(text: &str) -> Vec<String> {
    load_texts(&[("a.yaml", text)]).map(|_| ()).map_err(first_lines).unwrap_err()
}

#[test]
fn the_shipped_policy_loads_and_its_tests_pass() {
    let policy =
        load_texts(&[("cura.yaml", CURA)]).unwrap_or_else(|problems| panic!("{}", problems.join("\n")));
    let app = policy.app("cura.kommune.example").unwrap();
    assert_eq!((app.rules.len(), app.tests), (4, 15));
    assert_eq!(policy.notices(), []);
    assert!(policy.app("kommune.example").is_none());
}

#[test]
fn wildcards_stand_for_one_label() {
    let exact = with_rules("  - { name: r, match: { path: /** } }");
    let wild = exact.replace("[a.example]", "['*.a.example']").replace("app: a", "app: b");
    let policy = load_texts(&[("a.yaml", &exact), ("b.yaml", &wild)]).unwrap();
    let app = |host: &str| policy.app(host).map(|app| app.name.as_str());
    assert_eq!((app("a.example"), app("x.a.example")), (Some("a"), Some("b")));
    assert_eq!((app("y.x.a.example"), app(".a.example"), app("xa.example")), (None, None, None));
    assert!(policy.has_host("a.example") && policy.has_host("x.a.example"));
    for label in ["evil/", "evil@x", "evil:1", "evil?", "evil#", "evil\\", "Evil", "evil\t", " ", ""] {
        assert!(!policy.has_host(&format!("{label}.a.example")), "{label:?}");
    }
    assert!(!policy.has_host("a.example:1") && !policy.has_host("b.example") && !policy.has_host(""));
}

#[test]
fn a_failing_test_shows_its_line() {
    let text = CURA.replace("expect: allow prescribe", "expect: deny groups");
    insta::assert_snapshot!(load_texts(&[("cura.yaml", &text)]).unwrap_err()[0], @r"
    error: this test expects `deny groups`, and what happens is `allow prescribe`
      --> cura.yaml:56:13
       |
    56 |     expect: deny groups
       |             ^^^^^^^^^^^
       = help: see why: sluse explain POST https://cura.kommune.example/medication/7
    ");
}

#[test]
fn every_problem_of_every_file_is_told() {
    let text = "\
version: 2
app: Cura
hosts: [https://cura.example, a.b, a.b]
upstream: https://u/path
pahts: {}
mode: watch
floor:
  - require: { level: stong, max_age: 10, groups: [] }
deny:
  - { name: groups, match: { path: '/*.js', network: lan } }
rules:
  - name: r
    match: { method: get, query: x }
    requre: { fresh: once }
    public: yes
  - { name: r, match: { path: /** }, require: { level: 'key | sms', fresh: once, claims: x } }
tests:
  - { as: anonymous, do: GET, expect: maybe }
";
    let problems = load_texts(&[("a.yaml", text), ("b.yaml", "a: [1")]).map(|_| ()).unwrap_err();
    insta::assert_snapshot!(first_lines(problems).join("\n"), @r"
    error: `2` is not known here --> a.yaml:1:10
    error: `Cura` is not a name --> a.yaml:2:6
    error: `https://cura.example` is not a host name --> a.yaml:3:9
    error: the host `a.b` is here twice --> a.yaml:3:36
    error: `https://u/path` is more, or less, than an origin --> a.yaml:4:11
    error: unknown key `pahts` --> a.yaml:5:1
    error: `watch` is not known here --> a.yaml:6:7
    error: there is no method or level `stong` --> a.yaml:8:23
    error: the duration `10` has no unit --> a.yaml:8:39
    error: the list is empty --> a.yaml:8:51
    error: `groups` is the code of another kind of denial --> a.yaml:10:13
    error: `*` stands for a whole segment; `*.js` mixes it with other characters --> a.yaml:10:36
    error: there is no network `lan` --> a.yaml:10:54
    error: there is no method `get` --> a.yaml:13:22
    error: names and values are expected here --> a.yaml:13:34
    error: unknown key `requre` --> a.yaml:14:5
    error: YAML 1.1 and YAML 1.2 read a plain `yes` differently --> a.yaml:15:13
    error: the name `r` is taken --> a.yaml:16:13
    error: there is no method or level `sms` --> a.yaml:16:56
    error: names and values are expected here --> a.yaml:16:90
    error: a method and a path are expected here --> a.yaml:18:26
    error: this is not YAML: unclosed bracket '[' --> b.yaml:1:4
    ");
}

#[test]
fn rules_that_mean_something_else_than_they_say() {
    for (rules, problem) in [
        (
            "  - { name: all, match: { path: /** } }\n  - { name: late, match: { path: /a } }",
            "error: `late` can never match: `all` on line 6 takes all its requests --> a.yaml:7:13",
        ),
        (
            "  - { name: one, match: { path: /a/**, method: GET } }\n  - { name: two, match: { path: /a/b, method: GET } }",
            "error: `two` can never match: `one` on line 6 takes all its requests --> a.yaml:7:13",
        ),
        (
            "  - { name: all, match: { path: [/a, /**] }, public: true }",
            "error: `public` opens every path of the app --> a.yaml:6:54",
        ),
        (
            "  - { name: all, match: { method: GET }, public: true }",
            "error: `public` opens every path of the app --> a.yaml:6:50",
        ),
        (
            "  - { name: a, match: { path: /a }, public: true, require: { level: basic } }",
            "error: a public rule requires nothing, and this one has a `require` --> a.yaml:6:45",
        ),
        (
            "  - { name: a, match: { path: /a } }\n  - { name: a, match: { path: /b } }",
            "error: the name `a` is taken --> a.yaml:7:13",
        ),
        ("  - { name: a }", "error: the key `match` is missing --> a.yaml:6:5"),
        ("  - name: a\n    match:\n    require: { level: pin }", "error: a value is missing --> a.yaml:7:10"),
        ("  - { name: a, match: { path: /a }, require: }", "error: a value is missing --> a.yaml:6:44"),
        ("  - { name: a, match: { path: /a, header: {} } }", "error: nothing is named here --> a.yaml:6:43"),
    ] {
        assert_eq!(problems_of(&with_rules(rules)), [problem], "{rules}");
    }
}

#[test]
fn a_host_and_a_name_belong_to_one_app() {
    let rules = with_rules("  - { name: r, match: { path: /** } }");
    let login = rules.replace("a.example", "login.kommune.example").replace("app: a", "app: b");
    let problems = load_texts(&[("a.yaml", &rules), ("b.yaml", &rules), ("c.yaml", &login)]).map(|_| ());
    let told = first_lines(problems.unwrap_err()).join("\n");
    for part in [
        "has an app named `a` too",
        "the host `a.example` belongs to",
        "`login.kommune.example` is the login host",
    ] {
        assert!(told.contains(part), "{part} in {told}");
    }
}

#[test]
fn an_empty_folder_or_file_is_no_policy() {
    assert!(load_texts(&[]).unwrap_err()[0].contains("there is no policy in this folder"));
    assert!(problems_of("# nothing\n")[0].contains("the file is empty"));
    let missing = load(Path::new("/nonexistent/policies"), &config()).unwrap_err();
    assert!(missing[0].message.starts_with("cannot read the folder"));
}

/// The files of the policy language's own description, as they stand there.
#[test]
fn the_described_policy_loads_and_its_tests_pass() {
    let excerpt = include_str!("example/sluse.yaml");
    let text = format!("{excerpt}listen: 127.0.0.1:8080\nstore: sqlite:a.db\nkey_file: key\n");
    let config = Config::parse(&Source { name: "sluse.yaml".to_owned(), text }, Path::new("")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("cura.yaml"), include_str!("example/cura.yaml")).unwrap();
    let policy = load(folder.path(), &config).unwrap_or_else(|problems| panic!("{problems:#?}"));
    let app = policy.app("cura.kommune.example").unwrap();
    assert_eq!((app.floors.len(), app.denies.len(), app.rules.len(), app.tests), (2, 1, 4, 8));
    assert_eq!(app.rules[1].on_step_up.park_body, Some(256 << 10));
    // Its tests leave out the export, and nothing else.
    let notices: Vec<&str> = policy.notices().iter().map(|notice| notice.message.as_str()).collect();
    assert_eq!(notices, ["no test reaches `export-journal`"]);
}

/// All of them beside one another, each rule reached by a test.
#[test]
fn the_starters_load_and_their_tests_pass() {
    let policy = load(Path::new("policies"), &config()).unwrap_or_else(|problems| panic!("{problems:#?}"));
    assert_eq!(policy.notices(), []);
    let apps: Vec<&str> = policy.apps().iter().map(|app| app.name.as_str()).collect();
    assert_eq!(apps, ["api", "archive", "board", "cura", "intranet"]);
    assert!(policy.apps().iter().all(|app| app.tests >= app.rules.len()));
}

#[path = "hostile_tests.rs"]
mod hostile;

#[path = "readers_tests.rs"]
mod readers;

#[path = "mistakes_tests.rs"]
mod mistakes;

mod properties {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// A shipped policy with any line replaced by anything.
        #[test]
        fn no_policy_panics_the_loader(line in 0_usize..90, junk in "[-a-z0-9:{}\\[\\]/*, '\"|+()%é]{0,40}") {
            let mut lines: Vec<&str> = CURA.lines().collect();
            let line = line % lines.len();
            lines[line] = &junk;
            let source = Source { name: "a.yaml".to_owned(), text: lines.join("\n") };
            let draft = app::read(&source, &Arc::new(config().shared()));
            let mut problems = Vec::new();
            problems.extend(finish(draft, &Policy::default()).1);
            for problem in problems {
                prop_assert!(problem.to_string().contains("= help: "));
            }
        }
    }
}
