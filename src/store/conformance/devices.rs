use super::{Subject, at, hash, uuid};
use crate::store::{Device, SignInId};

pub(crate) async fn a_device_is_marked_once_by_its_link(subject: &dyn Subject) {
    let store = subject.open().await;
    store.invite_device("Tablet 3", &hash("link"), at(100)).await.unwrap();
    let waiting = Device { name: "Tablet 3".to_owned(), marked_at: None };
    assert_eq!(store.devices().await.unwrap(), vec![waiting.clone()]);
    assert_eq!(store.mark_device(&hash("link"), &hash("t"), at(100)).await.unwrap(), None, "too late");
    let marked = Device { marked_at: Some(at(99)), ..waiting };
    assert_eq!(store.mark_device(&hash("link"), &hash("t"), at(99)).await.unwrap(), Some(marked.clone()));
    assert_eq!(store.mark_device(&hash("link"), &hash("u"), at(99)).await.unwrap(), None, "spent");
    assert_eq!(store.device(&hash("t")).await.unwrap(), Some(marked.clone()));
    assert_eq!(store.device(&hash("u")).await.unwrap(), None);
    assert_eq!(store.device(&hash("link")).await.unwrap(), None);

    // Its cookies were wiped: a new link marks it anew, and until that is opened the old mark holds.
    store.invite_device("Tablet 3", &hash("again"), at(300)).await.unwrap();
    assert_eq!(store.device(&hash("t")).await.unwrap(), Some(marked));
    assert!(store.mark_device(&hash("again"), &hash("u"), at(200)).await.unwrap().is_some());
    assert_eq!(store.device(&hash("t")).await.unwrap(), None);
    assert!(store.device(&hash("u")).await.unwrap().is_some());
}

pub(crate) async fn a_removed_device_is_nobodys(subject: &dyn Subject) {
    let store = subject.open().await;
    for name in ["b", "a"] {
        store.invite_device(name, &hash(name), at(100)).await.unwrap();
        store.mark_device(&hash(name), &hash(&format!("token of {name}")), at(1)).await.unwrap();
    }
    let names: Vec<_> = store.devices().await.unwrap().into_iter().map(|device| device.name).collect();
    assert_eq!(names, ["a", "b"]);
    assert!(store.remove_device("a").await.unwrap());
    assert!(!store.remove_device("a").await.unwrap());
    assert_eq!(store.device(&hash("token of a")).await.unwrap(), None);
    assert!(store.device(&hash("token of b")).await.unwrap().is_some());
}

pub(crate) async fn whoever_sits_down_follows_somebody(subject: &dyn Subject) {
    let store = subject.open().await;
    store.invite_device("Tablet 3", &hash("link"), at(100)).await.unwrap();
    store.mark_device(&hash("link"), &hash("t"), at(1)).await.unwrap();
    let [first, second] = ["first", "second"].map(|name| SignInId(uuid(name)));
    assert_eq!(store.occupy_device(&hash("t"), first).await.unwrap(), None);
    assert_eq!(store.occupy_device(&hash("t"), first).await.unwrap(), None, "the same once more");
    assert_eq!(store.occupy_device(&hash("t"), second).await.unwrap(), Some(first));
    assert_eq!(store.occupy_device(&hash("unknown"), first).await.unwrap(), None);
}
