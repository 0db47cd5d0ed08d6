//! Ten mistakes of newcomers. Each is mended by doing what its message says, and nothing else was read.

use super::{CURA, load_texts};

/// The mistake in the shipped policy, the message without the file's line, and what the message leads to.
#[track_caller]
fn mistake(right: &str, wrong: &str, message: &str, mended: &str) {
    assert!(CURA.contains(right), "{right}");
    let text = CURA.replacen(right, wrong, 1);
    let told = load_texts(&[("cura.yaml", &text)]).map(|_| ()).unwrap_err();
    let lines = told[0].lines().enumerate();
    let told_without_source: Vec<&str> =
        lines.filter(|(n, _)| matches!(n, 0 | 5)).map(|(_, line)| line.trim()).collect();
    assert_eq!(told_without_source.join("\n"), message);
    assert_eq!(told.len(), 1, "{told:#?}");
    // The line is shown.
    assert!(wrong.lines().any(|line| told[0].contains(line)), "{}", told[0]);
    let mended = text.replacen(wrong, mended, 1);
    load_texts(&[("cura.yaml", &mended)]).unwrap_or_else(|told| panic!("{}", told.join("\n")));
}

#[test]
fn a_misspelt_key() {
    mistake(
        "    require: { groups: [nurses, doctors], fresh: 5m }",
        "    requires: { groups: [nurses, doctors], fresh: 5m }",
        "error: unknown key `requires`\n= help: did you mean `require`?",
        "    require: { groups: [nurses, doctors], fresh: 5m }",
    );
}

#[test]
fn a_duration_without_a_unit() {
    mistake(
        "fresh: 5m }",
        "fresh: 5 }",
        "error: the duration `5` has no unit\n= help: write a number and a unit: `30s`, `15m`, `10h`, `2d`, or several: `1h30m`",
        "fresh: 5m }",
    );
}

#[test]
fn a_group_that_does_not_exist() {
    mistake(
        "groups: [nurses, doctors]",
        "groups: [nurces, doctors]",
        "error: there is no group `nurces`\n= help: did you mean `nurses`?",
        "groups: [nurses, doctors]",
    );
}

#[test]
fn a_level_that_does_not_exist() {
    mistake(
        "level: strong, groups",
        "level: two-factor, groups",
        "error: there is no method or level `two-factor`\n= help: write one of basic, strong, pin, or an expression: `password + (key | mitid)`",
        "level: strong, groups",
    );
}

#[test]
fn a_pattern_by_extension() {
    mistake(
        "[/assets/**, /favicon.ico,",
        "[/assets/*.js, /assets/**, /favicon.ico,",
        "error: `*` stands for a whole segment; `*.js` mixes it with other characters\n= help: write `/a/b`, `/a/*/b` (`*` is one whole segment) or `/a/**` (everything below, and `/a`)",
        "[/assets/**, /favicon.ico,",
    );
}

#[test]
fn everything_open() {
    mistake(
        "path: [/assets/**, /favicon.ico, /manifest.webmanifest]\n      method: [GET, HEAD]\n    public: true ",
        "path: [/assets/**, /**]\n    public: true ",
        "error: `public` opens every path of the app\n= help: name the paths that are open to everybody",
        "path: [/assets/**, /favicon.ico]\n      method: [GET, HEAD]\n    public: true ",
    );
}

#[test]
fn the_general_rule_first() {
    const EXPORT: &str = "  - name: export-journal
    match: { path: /citizens/*/export }
    require: { level: pin, fresh: once }                # each export is approved by itself
";
    const REST: &str = "  - name: rest\n    match: { path: /** }\n";
    mistake(
        &format!("{EXPORT}\n{REST}"),
        &format!("{REST}\n{EXPORT}"),
        "error: `export-journal` can never match: `rest` on line 42 takes all its requests\n= help: move it above `rest`, or remove it",
        &format!("{EXPORT}\n{REST}"),
    );
}

#[test]
fn yes_and_no() {
    mistake(
        "    public: true                # open",
        "    public: yes                # open",
        "error: YAML 1.1 and YAML 1.2 read a plain `yes` differently\n= help: write `true` or `false`, or, if it is a text, put it in quotes: 'yes'",
        "    public: true                # open",
    );
}

#[test]
fn a_test_that_was_not_thought_through() {
    mistake(
        "    do: GET /home\n    device: shared\n    expect: step_up key",
        "    do: GET /home\n    device: shared\n    expect: allow rest",
        "error: this test expects `allow rest`, and what happens is `step_up key or mitid`\n= help: see why: sluse explain GET https://cura.kommune.example/home",
        "    do: GET /home\n    device: shared\n    expect: step_up key",
    );
}

#[test]
fn a_network_by_its_addresses() {
    mistake(
        "not_network: [kommune-lan]",
        "not_network: [10.20.0.0/16]",
        "error: there is no network `10.20.0.0/16`\n= help: define it under `networks:` in sluse.yaml, which has: kommune-lan",
        "not_network: [kommune-lan]",
    );
}
