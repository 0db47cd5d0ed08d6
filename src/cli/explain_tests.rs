use super::*;

fn run(args: &[&str]) -> (String, Exit) {
    #[derive(clap::Parser)]
    struct Command {
        #[command(flatten)]
        explain: ExplainArgs,
    }
    let args = ["explain"].iter().chain(args);
    let command: Command = clap::Parser::try_parse_from(args).unwrap();
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("policies")).unwrap();
    let shipped = [
        ("sluse.yaml", include_str!("../../deploy/sluse.yaml")),
        ("policies/cura.yaml", include_str!("../../policies/cura.yaml")),
        ("policies/archive.yaml", include_str!("../../policies/archive.yaml")),
    ];
    for (name, text) in shipped {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let mut out = Vec::new();
    let now = Timestamp::from_seconds(1_800_000_000);
    let exit = explain(&folder.path().join("sluse.yaml"), &command.explain, now, &mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    (text.replace(&format!("{}/", folder.path().display()), ""), exit)
}

#[test]
fn a_step_up_and_why() {
    let (text, exit) = run(&[
        "POST",
        "https://cura.kommune.example/medication/7",
        "--user=anna",
        "--group=care-staff",
        "--group=nurses",
        "--proof=password=2h",
        "--proof=key=12m",
        "--from=kommune-lan",
    ]);
    insta::assert_snapshot!(text, @r"
    app cura   policies/cura.yaml   path /medication/7 (unchanged by normalisation)
     deny  admin-outside   miss  path, not_network
     rule  assets          miss  path, method
     rule  prescribe       HIT   line 35
       level   strong          floor   line 11   ok    password + key
       groups  care-staff      floor   line 11   ok
       groups  nurses|doctors  rule    line 37   ok    nurses
       max_age 10h             floor   line 11   ok    password 2h
       fresh   5m              rule    line 37   FAIL  key 12m
    => step_up key or mitid within 5m     browser: 303 to the login host    API: 401 max_age=300    WebSocket: 401
    ");
    assert_eq!(exit, Exit::No);
}

#[test]
fn the_same_as_json() {
    let (text, exit) = run(&[
        "POST",
        "https://cura.kommune.example/medication/7",
        "--user=anna",
        "--group=care-staff",
        "--proof=password=2h",
        "--proof=key=12m",
        "--format=json",
    ]);
    insta::assert_snapshot!("explain_json", text);
    assert_eq!(exit, Exit::No);
}

#[test]
fn a_denial_and_why() {
    let (text, exit) = run(&["GET", "https://cura.kommune.example/assets/%2e%2e/admin?x"]);
    insta::assert_snapshot!(text, @r"
    app cura   policies/cura.yaml   path /admin (normalised from /assets/%2e%2e/admin)
     deny  admin-outside   HIT   line 19
    => deny admin-outside     browser: 403    API: 403    WebSocket: 403
    ");
    assert_eq!(exit, Exit::No);
}

#[test]
fn an_allowed_request() {
    let (text, exit) = run(&["GET", "https://CURA.kommune.example:443/assets/app.js"]);
    insta::assert_snapshot!(text, @r"
    app cura   policies/cura.yaml   path /assets/app.js (unchanged by normalisation)
     deny  admin-outside   miss  path
     rule  assets          HIT   line 29
    => allow assets
    ");
    assert_eq!(exit, Exit::Yes);
}

#[test]
fn what_comes_before_any_rule() {
    for (url, exit, told) in [
        ("https://other.example/", Exit::No, "=> 421: no app has the host `other.example`\n"),
        (
            "https://cura.kommune.example/a%2fb",
            Exit::No,
            "=> 400 path-encoded-slash: the path holds an encoded slash or backslash\n",
        ),
        (
            "cura.kommune.example",
            Exit::Unusable,
            "error: `cura.kommune.example` does not begin with http:// or https://\n",
        ),
    ] {
        assert_eq!(run(&["GET", url]), (told.to_owned(), exit));
    }
    assert_eq!(run(&["GET", "https://cura.kommune.example/", "--proof=sms=1m"]).1, Exit::Unusable);
}

#[test]
fn glass_that_may_be_broken_and_that_is() {
    let asked = [
        "GET",
        "https://arkiv.kommune.example/sealed/7",
        "--user=anna",
        "--group=staff",
        "--proof=password=1h",
        "--proof=key=1m",
    ];
    let (text, exit) = run(&asked);
    assert!(
        text.contains("FAIL  offered, for 30m\n") && text.ends_with("     break_glass for 30m\n"),
        "{text}"
    );
    assert_eq!(exit, Exit::No);
    let (text, exit) = run(&[&asked[..], &["--broken-glass=sealed"]].concat());
    assert!(text.contains("ok    open for 30m more\n"), "{text}");
    assert!(text.ends_with("=> allow sealed by break_glass     level strong\n"), "{text}");
    assert_eq!(exit, Exit::Yes);
    assert_eq!(run(&[&asked[..], &["--broken-glass=admin"]].concat()).1, Exit::No);
}
