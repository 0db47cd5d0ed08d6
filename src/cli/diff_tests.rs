use super::*;
use crate::cli::shipped::{CURA, Installation};

fn run(new: &str, log: Option<&str>, format: Format) -> (String, Exit) {
    let installation = Installation::new();
    let args = DiffArgs {
        old: installation.path().join("policies"),
        new: installation.write("new/cura.yaml", new),
        replay: log.map(|log| installation.write("access.log", log)),
        format,
    };
    let mut out = Vec::new();
    let exit = diff(&installation.config(), &args, &mut out).unwrap();
    (installation.told(out), exit)
}

fn line(method: &str, path: &str, outcome: &str, more: &str) -> String {
    format!(
        r#"{{"timestamp":"2026-11-22T08:54:56.007Z","level":"INFO","reference":"7F3K-92QD","address":"10.20.1.1","host":"cura.kommune.example","method":"{method}","path":"{path}","status":200,"app":"cura","outcome":"{outcome}","code":""{more},"bytes":7,"micros":9,"target":"sluse::request"}}"#
    ) + "\n"
}

fn log() -> String {
    let nurse = r#","user":"anna","groups":"care-staff,nurses,choir","proofs":"password=2h key=4m,pin""#;
    [
        line("GET", "/home", "allow", nurse),
        line("POST", "/medication/7", "allow", nurse),
        line("POST", "/medication/8", "allow", nurse),
        line("GET", "/home", "login", ""),
        line("GET", "/assets/a.js", "allow", ""),
        line("GET", "/.sluse/session", "page", nurse),
        // Written before proofs were.
        line("GET", "/home", "allow", r#","user":"anna""#),
        "{\"level\":\"INFO\",\"message\":\"serving\",\"target\":\"sluse\"}\n".to_owned(),
        "\"sluse::request\" and no JSON\n".to_owned(),
    ]
    .concat()
}

#[test]
fn nothing_changes() {
    assert_eq!(run(CURA, None, Format::Human), ("no request would change\n".to_owned(), Exit::Yes));
    let (text, exit) = run(CURA, Some(&log()), Format::Human);
    assert_eq!(text, "0 of 5 requests would change\n2 lines not decided again: they say too little\n");
    assert_eq!(exit, Exit::Yes);
}

#[test]
fn a_log_decided_on_again() {
    let tighter = CURA
        .replace("fresh: 5m", "fresh: 2m")
        .replace("    expect: allow prescribe\n", "    expect: step_up\n");
    let (text, exit) = run(&tighter, Some(&log()), Format::Human);
    insta::assert_snapshot!(text, @r"
    APP   GROUPS             OLD              NEW                   RULE       SUCH AS             REQUESTS
    cura  care-staff+nurses  allow prescribe  step_up key or mitid  prescribe  POST /medication/7  2

    2 of 5 requests would change
    2 lines not decided again: they say too little
    ");
    assert_eq!(exit, Exit::Yes);
    let closed = tighter.replace("groups: [nurses, doctors], fresh: 2m", "groups: [doctors]").replace("    expect: step_up\n", "    expect: deny\n").replace("expect: step_up key\n  - as: { groups: [care-staff, nurses], proofs: { password: 2h, key: 4m } }", "expect: deny\n  - as: { groups: [care-staff, nurses], proofs: { password: 2h, key: 4m } }");
    let (text, exit) = run(&closed, Some(&log()), Format::Json);
    let json: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        json["changes"][0],
        json!({
            "app": "cura",
            "groups": "care-staff+nurses",
            "old": "allow prescribe",
            "new": "deny groups",
            "old_rule": "prescribe",
            "new_rule": "prescribe",
            "requests": 2,
            "example": "POST /medication/7",
        })
    );
    assert_eq!((&json["closes"], exit), (&json!(true), Exit::No));
    insta::assert_snapshot!("replay_json", text);
    insta::assert_snapshot!("probe_json", run(&closed, None, Format::Json).0);
}

#[test]
fn made_up_requests_find_what_changes() {
    let looser = CURA
        .replace("groups: [nurses, doctors], fresh: 5m", "fresh: 5m")
        .replace("expect: deny groups", "expect: allow");
    let (text, exit) = run(&looser, None, Format::Human);
    insta::assert_snapshot!(text, @r"
    APP   GROUPS      OLD          NEW                                         RULE       SUCH AS
    cura  care-staff  deny groups  allow prescribe                             prescribe  POST /medication
    cura  care-staff  deny groups  step_up key or mitid                        prescribe  POST /medication
    cura  care-staff  deny groups  step_up password + key or password + mitid  prescribe  POST /medication
    ");
    assert_eq!(exit, Exit::Yes);
    let closed = CURA.replace("hosts: [cura.kommune.example]", "hosts: [care.kommune.example]");
    let (text, exit) = run(&closed, None, Format::Human);
    assert!(text.contains("refuse unknown-host"), "{text}");
    assert_eq!(exit, Exit::No);
}

#[test]
fn policies_that_are_of_no_use() {
    let (text, exit) = run(&CURA.replace("fresh: 5m", "fresh: 5"), None, Format::Human);
    assert!(text.starts_with("error: the duration `5` has no unit"), "{text}");
    assert_eq!(exit, Exit::Unusable);
}

#[test]
fn who_may_break_glass_is_not_simply_denied_and_who_has_not_simply_allowed() {
    let require = "    require: { groups: [nurses, doctors], fresh: 5m }";
    let glass = "    break_glass: { groups: [care-staff] }\n";
    assert!(CURA.contains(require));
    let offers = CURA.replace(require, &format!("{glass}{require}"));
    let (text, exit) = run(&offers, None, Format::Human);
    assert!(text.contains("deny groups  deny groups, break_glass for 30m  prescribe"), "{text}");
    assert_eq!(exit, Exit::Yes);

    let person = r#","user":"bo","groups":"care-staff","proofs":"password=2h key=4m","rule":"prescribe""#;
    let broken = format!(r#"{person},"break_glass":true"#);
    let log =
        [line("POST", "/medication/7", "allow", &broken), line("POST", "/medication/8", "deny", person)];
    let (text, _) = run(&offers, Some(&log.concat()), Format::Human);
    assert!(text.contains("deny groups  allow prescribe by break_glass"), "{text}");
    assert!(text.contains("2 of 2 requests would change"), "{text}");
}
