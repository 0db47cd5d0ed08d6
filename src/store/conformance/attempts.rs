use std::sync::Arc;

use super::{Subject, added, at, hash, winners};
use crate::authn::lockout::{Attempts, EVER, LOCK, Lock, RUN};
use crate::store::{Begun, Settled, Store};
use crate::user::Username;

pub(crate) async fn five_wrong_lock_a_name_whoever_has_it(subject: &dyn Subject) {
    let store = subject.open().await;
    added(&*store, "nez").await;
    for name in ["nez", "nobody"] {
        let name = Username::parse(name).unwrap();
        for run in 1..=RUN {
            let begun = store.begin_attempt(&name, None, at(10)).await.unwrap().unwrap();
            assert_eq!((begun.attempts.run, begun.attempts.total, begun.device), (run, run, None));
        }
        let until = at(10).plus(LOCK);
        assert_eq!(store.begin_attempt(&name, None, at(309)).await.unwrap(), Err(Lock::Until(until)));
        let begun = store.begin_attempt(&name, None, at(310)).await.unwrap().unwrap();
        assert_eq!(begun.attempts, Attempts { run: 1, total: RUN + 1, locked_until: None });
    }
}

pub(crate) async fn of_many_guesses_at_once_only_so_many_are_looked_at(subject: &dyn Subject) {
    let store = subject.open().await;
    let nez = added(&*store, "nez").await;
    for round in 0..EVER / RUN {
        let now = at(1000 * i64::from(round));
        let looked_at = winners(|_| {
            let (store, name) = (Arc::clone(&store), nez.username.clone());
            async move { store.begin_attempt(&name, None, now).await.unwrap().is_ok() }
        });
        assert_eq!(looked_at.await, 5, "round {round}");
    }
    let now = at(1_000_000_000);
    assert_eq!(store.begin_attempt(&nez.username, None, now).await.unwrap(), Err(Lock::ForGood));
    assert!(store.reset_attempts(nez.id, now).await.unwrap());
    assert_eq!(guess(&*store, &nez.username, 1_000_000_000).await.unwrap().attempts.total, 1);
}

pub(crate) async fn a_known_browser_counts_by_itself(subject: &dyn Subject) {
    let store = subject.open().await;
    let nez = added(&*store, "nez").await;
    let (name, tablet) = (&nez.username, hash("tablet"));
    assert!(!store.knows_device(name, &tablet).await.unwrap());
    // Not known yet: it counts with all others.
    let begun = store.begin_attempt(name, Some(&tablet), at(1)).await.unwrap().unwrap();
    assert_eq!(begun.device, None);
    store.settle_attempt(name, &begun, Settled::Right { device: tablet }, at(1)).await.unwrap();
    assert!(store.knows_device(name, &tablet).await.unwrap());
    assert!(!store.knows_device(&Username::parse("other").unwrap(), &tablet).await.unwrap());

    for _ in 0..RUN {
        guess(&*store, name, 2).await.unwrap();
    }
    assert!(guess(&*store, name, 3).await.is_none());
    assert!(store.begin_attempt(name, Some(&hash("made up")), at(3)).await.unwrap().is_err());
    let begun = store.begin_attempt(name, Some(&tablet), at(3)).await.unwrap().unwrap();
    assert_eq!((begun.device, begun.attempts.run), (Some(tablet), 1), "a stranger's are not its own");
    for _ in 1..RUN {
        store.begin_attempt(name, Some(&tablet), at(3)).await.unwrap().unwrap();
    }
    assert!(store.begin_attempt(name, Some(&tablet), at(3)).await.unwrap().is_err());

    store.set_password(nez.id, "$new").await.unwrap();
    assert!(!store.knows_device(name, &tablet).await.unwrap(), "known by the old password");
    assert!(guess(&*store, name, 3).await.is_some());
}

pub(crate) async fn what_was_not_wrong_is_taken_back(subject: &dyn Subject) {
    let store = subject.open().await;
    let nez = added(&*store, "nez").await;
    for _ in 0..10 {
        let begun = guess(&*store, &nez.username, 1).await.unwrap();
        store.settle_attempt(&nez.username, &begun, Settled::Void, at(1)).await.unwrap();
    }
    for _ in 0..3 {
        for _ in 1..RUN {
            guess(&*store, &nez.username, 1).await.unwrap();
        }
        let begun = guess(&*store, &nez.username, 1).await.unwrap();
        let settled = Settled::Right { device: hash("tablet") };
        store.settle_attempt(&nez.username, &begun, settled, at(1)).await.unwrap();
    }
    assert_eq!(guess(&*store, &nez.username, 1).await.unwrap().attempts.total, 13);
    assert!(!store.reset_attempts(nez.id, at(1)).await.unwrap(), "nothing was locked");
    assert!(store.knows_device(&nez.username, &hash("tablet")).await.unwrap(), "a reset forgets no browser");
    assert_eq!(guess(&*store, &nez.username, 1).await.unwrap().attempts.total, 1);
}

pub(crate) async fn old_attempts_at_nobody_are_forgotten(subject: &dyn Subject) {
    let store = subject.open().await;
    let nez = added(&*store, "nez").await;
    let nobody = Username::parse("nobody").unwrap();
    for name in [&nez.username, &nobody] {
        let begun = guess(&*store, name, 1).await.unwrap();
        store.settle_attempt(name, &begun, Settled::Right { device: hash("tablet") }, at(1)).await.unwrap();
        guess(&*store, name, 1).await.unwrap();
    }
    store.purge(at(2 * 86_400)).await.unwrap();
    assert_eq!(guess(&*store, &nez.username, 2).await.unwrap().attempts.run, 2);
    assert_eq!(guess(&*store, &nobody, 2).await.unwrap().attempts.run, 1);
    assert!(store.knows_device(&nez.username, &hash("tablet")).await.unwrap());
    store.purge(at(366 * 86_400)).await.unwrap();
    assert!(!store.knows_device(&nez.username, &hash("tablet")).await.unwrap());
}

async fn guess(store: &dyn Store, name: &Username, seconds: i64) -> Option<Begun> {
    store.begin_attempt(name, None, at(seconds)).await.unwrap().ok()
}
