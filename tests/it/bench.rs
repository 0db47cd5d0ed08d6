//! `sluse bench` against a gateway that runs: people are made, log in, and are let through.

use serde_json::Value;

use crate::harness::Installation;
use crate::origin::Origin;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn logins_and_requests_are_measured() {
    let origin = Origin::echo().await;
    let installation = Installation::new(&origin);
    let _gateway = installation.serve().await;
    let folder = installation.path();
    let [people, sessions] = ["people", "sessions"].map(|name| folder.join(name).display().to_string());
    installation
        .succeed(["bench", "prepare", "--people", "3", "--group", "care-staff", "--out", &people], "");

    let app = installation.cura("/home");
    let short = ["--warm-up", "0", "--seconds", "1", "--format", "json"];
    let login = ["bench", "login", "--people", &people, "--app", &app, "--rate", "5"];
    let logins: Value = serde_json::from_str(&measured(&installation, &login, &short)).unwrap();
    assert_eq!((&logins["count"], &logins["failed"]), (&5.into(), &0.into()), "{logins}");
    assert_eq!(installation.events("key-verified").len(), 5);

    let upstream = format!("{}/home", origin.url());
    let proxy = ["bench", "proxy", "--people", &people, "--app", &app, "--upstream", &upstream];
    let svg = folder.join("requests.svg").display().to_string();
    let more =
        ["--turns", "1", "--signed-in", "2", "--export", &sessions, "--concurrency", "1,2", "--svg", &svg];
    let figures = measured(&installation, &[&proxy[..], &more].concat(), &short);
    let figures: Vec<Value> = figures.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(figures.len(), 2, "{figures:?}");
    for (figures, at_once) in figures.iter().zip([1, 2]) {
        for way in ["through", "direct"] {
            assert!(figures[way]["count"].as_u64().unwrap() > 0, "{figures}");
            assert_eq!((&figures[way]["failed"], &figures[way]["at_once"]), (&0.into(), &at_once.into()));
        }
    }
    let drawn = std::fs::read_to_string(svg).unwrap();
    for line in ["through Sluse, 1", "direct, 2", "Throughput"] {
        assert!(drawn.contains(&format!(">{line}</text>")), "{line}: {drawn}");
    }
    // What was exported is a session.
    let script = std::fs::read_to_string(folder.join("sessions/k6.js")).unwrap();
    let cookies = script.lines().find_map(|line| line.strip_prefix("const cookies = ")).unwrap();
    let cookies: Vec<String> = serde_json::from_str(cookies.trim_end_matches(';')).unwrap();
    assert_eq!(cookies.len(), 2);
    assert!(cookies.iter().all(|cookie| cookie.starts_with("__Host-sluse")), "{cookies:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_login_that_fails_is_told() {
    let origin = Origin::echo().await;
    let installation = Installation::new(&origin);
    let _gateway = installation.serve().await;
    let people = installation.path().join("people").display().to_string();
    installation.succeed(["bench", "prepare", "--people", "1", "--out", &people], "");
    installation.change("people", "\"password\":\"", "\"password\":\"not ");
    let app = installation.cura("/home");
    let output = installation.sluse(
        [
            "bench",
            "login",
            "--people",
            &people,
            "--app",
            &app,
            "--rate",
            "2",
            "--warm-up",
            "0",
            "--seconds",
            "1",
        ],
        "",
    );
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("2 of the logins failed") && told.contains("401"), "{told}");
}

#[test]
fn somebody_elses_host_is_not_loaded_by_mistake() {
    let folder = tempfile::tempdir().unwrap();
    let people = folder.path().join("people");
    std::fs::write(&people, "{\"username\":\"a\",\"password\":\"b\",\"seed\":1}\n").unwrap();
    let people = people.display().to_string();
    let output = crate::harness::sluse([
        "bench",
        "login",
        "--people",
        &people,
        "--app",
        "https://cura.kommune.example/",
    ]);
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && told.contains("--i-own-this-host"), "{told}");
}

/// The upstream answers in this process, while the command runs beside it.
fn measured(installation: &Installation, command: &[&str], how: &[&str]) -> String {
    tokio::task::block_in_place(|| installation.succeed([command, how].concat(), ""))
}
