//! The head of a request as a browser sends it, read into the one target that is decided on and forwarded.

use std::hint::black_box;

use criterion::Criterion;
use sluse::policy::path::{CanonicalPath, PathRules};
use sluse::proxy::request;

use crate::heads::{ENCODED, PLAIN, browser};

pub fn bench(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("canonicalise");
    for (name, path) in [("path/plain", PLAIN), ("path/encoded", ENCODED)] {
        let parse = || CanonicalPath::parse(black_box(path).as_bytes(), PathRules::default());
        parse().expect("the path is let through");
        group.bench_function(name, |bencher| bencher.iter(parse));
    }
    let head = browser();
    group.bench_function("head", |bencher| {
        bencher.iter(|| request::read(black_box(&head)).expect("the head is let through"));
    });
    group.finish();
}
