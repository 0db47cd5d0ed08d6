//! How long it takes to load a policy: 10 000 rules over 1 000 hosts, read, compared and tested. And that
//! deciding does not take longer for it.

use std::path::Path;
use std::sync::Arc;

use criterion::Criterion;
use sluse::config::Config;
use sluse::policy::problem::Source;
use sluse::policy::{App, Policy, Request, decide, file};
use sluse::time::Timestamp;

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

/// As many apps, of ten rules each.
fn write(folder: &Path, apps: usize) {
    for n in 0..apps {
        let rules: String = (0..8)
            .map(|r| {
                format!(
                    "  - name: part-{r}\n    match: {{ path: [/part-{r}/**, /v2/*/part-{r}], method: [GET, POST] }}\n    require: {{ groups: [nurses], fresh: {}m }}\n",
                    r + 1
                )
            })
            .collect();
        let text = format!(
            "version: 1\napp: app-{n}\nhosts: [app-{n}.kommune.example]\nupstream: http://10.20.0.7:8080\n\
             floor:\n  - require: {{ level: strong, max_age: 10h }}\n\
             deny:\n  - {{ name: admin-outside, match: {{ path: /admin/**, not_network: kommune-lan }} }}\n\
             rules:\n  - {{ name: assets, match: {{ path: /assets/**, method: [GET, HEAD] }}, public: true }}\n{rules}  \
             - {{ name: rest, match: {{ path: /** }} }}\n\
             tests:\n  - {{ as: anonymous, do: GET /assets/a.js, expect: allow assets }}\n"
        );
        std::fs::write(folder.join(format!("app-{n}.yaml")), text).expect("the folder is ours");
    }
}

fn config() -> Config {
    let text = include_str!("../deploy/sluse.yaml").to_owned();
    Config::parse(&Source { name: "sluse.yaml".to_owned(), text }, Path::new(""))
        .expect("the shipped file is right")
}

fn policy(apps: usize) -> Policy {
    let folder = tempfile::tempdir().expect("a temporary folder");
    write(folder.path(), apps);
    file::load(folder.path(), &config()).expect("the policy is right")
}

pub fn bench(criterion: &mut Criterion) {
    load(criterion);
    decide_on(criterion);
}

fn load(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    write(folder.path(), 1_000);
    let config = config();
    criterion.benchmark_group("policy").sample_size(10).bench_function("load 10 000 rules", |bencher| {
        bencher.iter(|| file::load(folder.path(), &config).map(|policy| policy.apps().len()));
    });
}

fn decide_on(criterion: &mut Criterion) {
    let request = Request::new("GET", "/part-7/a/b");
    for apps in [1, 1_000] {
        let policy = policy(apps);
        let host = format!("app-{}.kommune.example", apps - 1);
        criterion.bench_function(&format!("find the app and decide, {} rules", apps * 10), |bencher| {
            bencher.iter(|| {
                let app: &Arc<App> = policy.app(&host).expect("the host is an app's");
                decide(app, &request, None, NOW)
            });
        });
    }
}
