//! The decision alone: the shipped policy, and one of ten and one of a thousand rules whose last one fits.

use std::fmt::Write as _;
use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use criterion::Criterion;
use sluse::authn::{Assurance, CredentialId, Evidence, KeyEvidence, PasswordEvidence};
use sluse::config::Config;
use sluse::policy::{App, Decision, Person, Request, decide, file};
use sluse::time::Timestamp;

const NOW: Timestamp = Timestamp::from_seconds(1_795_337_696);

pub fn bench(criterion: &mut Criterion) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let config = Config::load(&root.join("deploy/sluse.yaml")).expect("the shipped configuration is sound");
    let cura = std::fs::read_to_string(root.join("policies/cura.yaml")).expect("the policy is there");
    let cura = app(&config, &cura);
    let groups = ["care-staff".to_owned()];
    let nurse = [groups[0].clone(), "nurses".to_owned()];
    let assurance = proven();
    let carer = Person { username: "nez", groups: &groups, claims: &[], assurance: &assurance };
    let nurse = Person { groups: &nurse, ..carer };

    let mut group = criterion.benchmark_group("decide");
    for (name, method, path, person) in [
        ("cura/allow", "GET", "/citizens/4711/journal", carer),
        ("cura/step-up", "POST", "/medication/7", nurse),
        ("cura/deny", "POST", "/medication/7", carer),
    ] {
        let decide = || decide(&cura, black_box(&request(method, path)), Some(&person), NOW);
        let outcome = match decide() {
            Decision::Allow(_) => "cura/allow",
            Decision::StepUp(_) => "cura/step-up",
            Decision::Deny(_) => "cura/deny",
            Decision::Login(_) => "login",
        };
        assert_eq!(outcome, name);
        group.bench_function(name, |bencher| bencher.iter(decide));
    }
    for count in [10, 1000] {
        let app = app(&config, &policy(count));
        let decide = || decide(&app, black_box(&request("GET", "/citizens/4711/journal")), Some(&carer), NOW);
        assert!(matches!(decide(), Decision::Allow(permit) if permit.rule() == "rest"));
        group.bench_function(format!("rules/{count}"), |bencher| bencher.iter(decide));
    }
    group.finish();
}

fn app(config: &Config, policy: &str) -> Arc<App> {
    let folder = tempfile::tempdir().expect("there is a folder for temporary files");
    std::fs::write(folder.path().join("app.yaml"), policy).expect("the folder is ours");
    let policy = file::load(folder.path(), config).unwrap_or_else(|problems| panic!("{problems:#?}"));
    policy.apps()[0].clone()
}

/// `count` rules, of which the last is the first that fits.
fn policy(count: usize) -> String {
    let mut text =
        "version: 1\napp: a\nhosts: [a.example]\nupstream: http://127.0.0.1:1\nrules:\n".to_owned();
    for rule in 1..count {
        writeln!(text, "  - {{ name: r{rule}, match: {{ path: /part-{rule}/*/journal, method: GET }}, require: {{ level: basic }} }}")
            .expect("a string takes any text");
    }
    text + "  - { name: rest, match: { path: /** }, require: { level: strong, groups: [care-staff] } }\n"
}

fn request<'a>(method: &'a str, path: &'a str) -> Request<'a> {
    Request { address: Some([10, 20, 0, 7].into()), ..Request::new(method, path) }
}

/// Password and key, twenty minutes ago.
fn proven() -> Assurance {
    let at = NOW.minus(Duration::from_secs(20 * 60));
    let key = KeyEvidence { at, credential: CredentialId(vec![7; 32]), user_verified: false };
    Assurance::default().with(Evidence::Password(PasswordEvidence { at })).with(Evidence::Key(key))
}
