use std::sync::Arc;

use super::{Subject, at, hash, winners};
use crate::store::CeremonyRecord;

pub(crate) async fn a_ceremony_is_taken_once(subject: &dyn Subject) {
    let store = subject.open().await;
    let [first, second] = [ceremony("first"), ceremony("second")];
    for ceremony in [&first, &second] {
        store.put_ceremony(ceremony).await.unwrap();
    }
    for expected in [Some(first.clone()), None] {
        let taken = store.take_ceremony(&first.id, "login", &first.browser, at(99)).await.unwrap();
        assert_eq!(taken, expected);
    }
    let taken = store.take_ceremony(&second.id, "login", &second.browser, at(99)).await.unwrap();
    assert_eq!(taken, Some(second));
}

pub(crate) async fn a_misfit_takes_nothing(subject: &dyn Subject) {
    let store = subject.open().await;
    let c = ceremony("c");
    store.put_ceremony(&c).await.unwrap();
    for (id, kind, browser) in [
        (hash("another"), "login", c.browser),
        (c.id, "register", c.browser),
        (c.id, "LOGIN", c.browser),
        (c.id, "login", hash("another")),
    ] {
        assert_eq!(store.take_ceremony(&id, kind, &browser, at(50)).await.unwrap(), None, "{kind}");
    }
    assert_eq!(store.take_ceremony(&c.id, "login", &c.browser, at(50)).await.unwrap(), Some(c));
}

pub(crate) async fn an_expired_ceremony_is_not_taken(subject: &dyn Subject) {
    let store = subject.open().await;
    let c = ceremony("c");
    store.put_ceremony(&c).await.unwrap();
    assert_eq!(store.take_ceremony(&c.id, "login", &c.browser, at(100)).await.unwrap(), None);
    assert_eq!(store.take_ceremony(&c.id, "login", &c.browser, at(99)).await.unwrap(), Some(c));
}

pub(crate) async fn of_many_takers_one_gets_it(subject: &dyn Subject) {
    let store = subject.open().await;
    let c = ceremony("c");
    store.put_ceremony(&c).await.unwrap();
    let won = winners(|_| {
        let (store, c) = (Arc::clone(&store), c.clone());
        async move { store.take_ceremony(&c.id, "login", &c.browser, at(50)).await.unwrap().is_some() }
    });
    assert_eq!(won.await, 1);
}

pub(crate) async fn an_id_is_used_once(subject: &dyn Subject) {
    let store = subject.open().await;
    let c = ceremony("c");
    store.put_ceremony(&c).await.unwrap();
    let other = CeremonyRecord { browser: hash("thief"), ..c.clone() };
    assert!(store.put_ceremony(&other).await.is_err());
    assert_eq!(store.take_ceremony(&c.id, "login", &c.browser, at(50)).await.unwrap(), Some(c));
}

fn ceremony(id: &str) -> CeremonyRecord {
    CeremonyRecord {
        id: hash(id),
        kind: "login".to_owned(),
        browser: hash("browser"),
        state: format!("{{\"id\":\"{id}\"}}"),
        expires_at: at(100),
    }
}
