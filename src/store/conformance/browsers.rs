use super::{Subject, added, at, hash};
use crate::authn::lockout::RUN;
use crate::user::Username;

pub(crate) async fn a_browser_is_known_without_a_password(subject: &dyn Subject) {
    let store = subject.open().await;
    let nez = added(&*store, "nez").await;
    let (name, tablet) = (&nez.username, hash("tablet"));
    for _ in 0..RUN {
        store.begin_attempt(name, None, at(1)).await.unwrap().unwrap();
    }
    assert!(store.know_browser(name, &tablet, at(1)).await.unwrap());
    assert!(!store.know_browser(name, &tablet, at(2)).await.unwrap(), "it is");
    assert!(store.knows_device(name, &tablet).await.unwrap());
    assert!(!store.knows_device(&Username::parse("other").unwrap(), &tablet).await.unwrap());
    assert!(store.begin_attempt(name, None, at(3)).await.unwrap().is_err(), "no guess is taken back");
    let begun = store.begin_attempt(name, Some(&tablet), at(3)).await.unwrap().unwrap();
    assert_eq!((begun.device, begun.attempts.run), (Some(tablet), 1));
    assert!(!store.know_browser(name, &tablet, at(3)).await.unwrap());
    let begun = store.begin_attempt(name, Some(&tablet), at(3)).await.unwrap().unwrap();
    assert_eq!(begun.attempts.run, 2, "nor one of its own");
}

pub(crate) async fn of_too_many_the_oldest_is_forgotten(subject: &dyn Subject) {
    let store = subject.open().await;
    let nez = added(&*store, "nez").await;
    for n in 0..51 {
        assert!(store.know_browser(&nez.username, &hash(&n.to_string()), at(n)).await.unwrap());
    }
    assert!(!store.knows_device(&nez.username, &hash("0")).await.unwrap());
    assert!(store.knows_device(&nez.username, &hash("1")).await.unwrap());
}
