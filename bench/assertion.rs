//! One assertion, from the bytes a browser sends to the verdict.

use criterion::Criterion;
use sluse::authn::webauthn::Algorithm;
use sluse::cli::bench::Pool;
use sluse::random::SystemRandom;

pub fn bench(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("assertion");
    for algorithm in Algorithm::ALL {
        let pool = Pool::new(algorithm, 8, &SystemRandom).expect("the software authenticator answers");
        let mut items = pool.items.iter().cycle();
        group.bench_function(algorithm.name(), |bencher| {
            bencher.iter(|| pool.verify(items.next().expect("a cycle never ends")).expect("it verifies"));
        });
    }
    group.finish();
}
