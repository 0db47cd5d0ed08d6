//! The head of a request as a browser sends it, read into the one target that is decided on and forwarded; and the head
//! of an answer on its way back.

use std::hint::black_box;

use criterion::Criterion;
use http::Method;
use sluse::policy::path::{CanonicalPath, PathRules};
use sluse::proxy::direct::answer::{self, Asker};
use sluse::proxy::direct::head;
use sluse::proxy::request;

use crate::heads::{ANSWER, ENCODED, PLAIN, browser, sent};

pub fn bench(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("canonicalise");
    for (name, path) in [("path/plain", PLAIN), ("path/encoded", ENCODED)] {
        let parse = || CanonicalPath::parse(black_box(path).as_bytes(), PathRules::default());
        parse().expect("the path is let through");
        group.bench_function(name, |bencher| bencher.iter(parse));
    }
    let browser = browser();
    group.bench_function("head", |bencher| {
        bencher.iter(|| request::read(black_box(&browser)).expect("the head is let through"));
    });
    let sent = sent();
    group.bench_function("head/read", |bencher| {
        bencher.iter(|| head::read(black_box(&sent)).expect("it can be read in one way"));
    });
    let asker = Asker { method: Method::GET, kept: true, private: false };
    let mut told = Vec::with_capacity(4096);
    group.bench_function("answer", |bencher| {
        bencher.iter(|| {
            told.clear();
            answer::pass(black_box(ANSWER.as_bytes()), &asker, &mut told)
                .expect("it is one")
                .map(|it| it.status)
        });
    });
    group.finish();
}
