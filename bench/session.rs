//! From a Cookie header to the live session, all of them in memory and each looked up in turn.

use criterion::{Criterion, Throughput};
use sluse::session::cookie;
use tokio::runtime::Runtime;

use crate::heads::HOST;
use crate::sessions::House;

pub fn bench(criterion: &mut Criterion) {
    let runtime = Runtime::new().expect("a runtime starts");
    let mut group = criterion.benchmark_group("session");
    group.throughput(Throughput::Elements(1));
    for (name, count) in [("1 000", 1_000), ("100 000", 100_000)] {
        // Made only if it is asked for: a hundred thousand take a while to write.
        let mut house = None;
        group.bench_function(name, |bencher| {
            let House { sessions, cookies, .. } =
                &*house.get_or_insert_with(|| runtime.block_on(House::with(count)));
            let mut cookies = cookies.iter().cycle();
            bencher.to_async(&runtime).iter(|| {
                let header = cookies.next().expect("a cycle never ends").as_bytes();
                async move {
                    let value = cookie::read(std::iter::once(header), cookie::SESSION).expect("it is there");
                    let found = sessions.find(value, HOST).await.expect("memory answers");
                    assert!(found.is_some());
                    found
                }
            });
        });
        if let Some(House { sessions, .. }) = house {
            assert_eq!(sessions.cache_counts().1, 0, "a look-up asked the store");
        }
    }
    group.finish();
}
