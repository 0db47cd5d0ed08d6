//! A configuration or a policy that is of no use is never served from; each problem is told, with its place.

use std::net::TcpListener;

use crate::harness::Installation;
use crate::origin::Origin;

#[tokio::test]
async fn a_broken_configuration_tells_every_problem_and_where_it_is() {
    let installation = Installation::new(&Origin::echo().await);
    installation.change("sluse.yaml", &format!("login: {}", installation.login("")), "login: nowhere");
    installation.change("sluse.yaml", "rp_id: login.localhost", "rp_id: elsewhere.example");
    installation.change("sluse.yaml", "basic: password", "basic: pasword");
    refuses(&installation, &["sluse.yaml:1:8", "sluse.yaml:10:10"]).await;
}

#[tokio::test]
async fn a_broken_policy_tells_every_problem_and_where_it_is() {
    let installation = Installation::new(&Origin::echo().await);
    installation.change("policies/cura.yaml", "level: strong", "level: stong, fresh: 5");
    installation.policy(
        "archive",
        "version: 1\napp: archive\ntitle: { da: Arkiv, en: Archive }\nhosts: [cura.localhost]\n\
         upstream: http://127.0.0.1:9\nrules:\n  - { name: rest, match: { path: /** }, public: true }\n",
    );
    let places = ["cura.yaml:4:9", "cura.yaml:7:23", "cura.yaml:7:37", "archive.yaml:7:49"];
    refuses(&installation, &places).await;
}

#[tokio::test]
async fn a_policy_that_fails_its_own_test_is_not_served() {
    let installation = Installation::new(&Origin::echo().await);
    let policy = "name: rest\n    match: { path: /** }\n";
    let tests = "tests:\n  - { as: anonymous, do: GET /, expect: allow rest }\n";
    installation.change("policies/cura.yaml", policy, &format!("{policy}{tests}"));
    refuses(&installation, &["cura.yaml:15:41"]).await;
}

#[tokio::test]
async fn a_key_file_that_is_missing_or_too_short_is_told() {
    let installation = Installation::new(&Origin::echo().await);
    installation.write("sluse.key", "short");
    let (code, said) = installation.serve_in_vain().await;
    assert_eq!((code, said.contains("must hold 32 or more")), (Some(2), true), "{said}");
    std::fs::remove_file(installation.path().join("sluse.key")).expect("it was there");
    let (code, said) = installation.serve_in_vain().await;
    assert_eq!((code, said.contains("sluse.yaml:5:11")), (Some(2), true), "{said}");
}

#[tokio::test]
async fn an_address_that_is_taken_is_told() {
    let installation = Installation::new(&Origin::echo().await);
    let _taken = TcpListener::bind(installation.listen).expect("it was free");
    let (code, said) = installation.serve_in_vain().await;
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains(&installation.listen.to_string()), "{said}");
}

/// `serve` ends with 2, `check` with 1, and both tell every one of the problems.
async fn refuses(installation: &Installation, places: &[&str]) {
    let (code, served) = installation.serve_in_vain().await;
    let checked = installation.sluse(["check"], "");
    assert_eq!((code, checked.status.code()), (Some(2), Some(1)), "{served}");
    let checked = String::from_utf8(checked.stdout).expect("sluse writes UTF-8");
    for said in [&served, &checked] {
        for place in places {
            let told = said.lines().any(|line| line.contains("--> ") && line.contains(place));
            assert!(told, "nothing about {place}:\n{said}");
        }
        assert_eq!(said.matches("error: ").count(), places.len(), "{said}");
    }
}
