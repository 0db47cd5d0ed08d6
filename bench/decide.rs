//! The decision alone: the shipped policy, and one of ten and one of a thousand rules whose last one fits.

use std::hint::black_box;
use std::sync::Arc;

use criterion::Criterion;
use sluse::policy::problem::Source;
use sluse::policy::{App, Decision, Person, decide};

use crate::policies::{NOW, cura, load, one_app, proven, request};

pub fn bench(criterion: &mut Criterion) {
    let cura = app(cura());
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
        let app = app(one_app(count));
        let decide = || decide(&app, black_box(&request("GET", "/citizens/4711/journal")), Some(&carer), NOW);
        assert!(matches!(decide(), Decision::Allow(permit) if permit.rule() == "rest"));
        group.bench_function(format!("rules/{count}"), |bencher| bencher.iter(decide));
    }
    group.finish();
}

fn app(source: Source) -> Arc<App> {
    load(&[source]).apps()[0].clone()
}
