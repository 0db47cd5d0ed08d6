//! How long it takes to load a policy: 10 000 rules over 1 000 hosts, and 1 000 of one app; read, compared and
//! tested. And that deciding does not take longer for it.

use std::sync::Arc;

use criterion::Criterion;
use sluse::policy::{App, Request, decide, file};

use crate::policies::{NOW, config, load, many_apps, one_app};

pub fn bench(criterion: &mut Criterion) {
    let config = config();
    let mut group = criterion.benchmark_group("policy");
    group.sample_size(10);
    for (name, sources) in
        [("load/10 000 rules", many_apps(1_000)), ("load/1 000 of one app", vec![one_app(1_000)])]
    {
        group.bench_function(name, |bencher| {
            bencher.iter(|| file::parse(&sources, &config).map(|policy| policy.apps().len()));
        });
    }
    group.finish();
    decide_on(criterion);
}

fn decide_on(criterion: &mut Criterion) {
    let request = Request::new("GET", "/part-7/a/b");
    let mut group = criterion.benchmark_group("find the app and decide");
    for apps in [1, 1_000] {
        let policy = load(&many_apps(apps));
        let host = format!("app-{}.kommune.example", apps - 1);
        group.bench_function(format!("{} rules", apps * 10), |bencher| {
            bencher.iter(|| {
                let app: &Arc<App> = policy.app(&host).expect("the host is an app's");
                decide(app, &request, None, NOW)
            });
        });
    }
    group.finish();
}
