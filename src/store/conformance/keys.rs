use std::sync::Arc;

use super::audit::{event, records};
use super::{Subject, added, at, hash, key, winners};
use crate::authn::{CredentialId, MitIdLevel};
use crate::store::{Key, KeyAdded, RegisteredWith};

pub(crate) async fn a_key_comes_back_whole(subject: &dyn Subject) {
    let store = subject.open().await;
    let [nez, other] = [added(&*store, "nez").await, added(&*store, "other").await];
    let with = [
        RegisteredWith::MitId(MitIdLevel::Low),
        RegisteredWith::MitId(MitIdLevel::Substantial),
        RegisteredWith::MitId(MitIdLevel::High),
        RegisteredWith::Key,
        RegisteredWith::Code,
    ];
    let mut keys: Vec<Key> = (0..5)
        .map(|n| Key {
            credential: CredentialId(vec![0, n, 255]),
            registered_at: at(100 - i64::from(n)),
            registered_with: with[usize::from(n)],
            used_at: (n == 1).then(|| at(200)),
            suspect: n == 2,
            passkey: format!("{{\"cred\":{n}}}"),
            ..key(&nez, "k")
        })
        .collect();
    for key in &keys {
        assert_eq!(store.add_key(key, None, &event(1, None)).await.unwrap(), KeyAdded::Added);
    }
    keys.reverse();
    assert_eq!(store.keys(nez.id).await.unwrap(), keys, "oldest first");
    assert_eq!(store.keys(other.id).await.unwrap(), []);
}

pub(crate) async fn a_credential_is_registered_once(subject: &dyn Subject) {
    let store = subject.open().await;
    let [nez, other] = [added(&*store, "nez").await, added(&*store, "other").await];
    let first = key(&nez, "k");
    assert_eq!(store.add_key(&first, None, &event(1, None)).await.unwrap(), KeyAdded::Added);
    for user in [&nez, &other] {
        let again = Key { name: "Stjålet".to_owned(), ..key(user, "k") };
        assert_eq!(store.add_key(&again, None, &event(1, None)).await.unwrap(), KeyAdded::CredentialTaken);
    }
    assert_eq!(store.keys(nez.id).await.unwrap(), [first]);
    assert_eq!(store.keys(other.id).await.unwrap(), []);
}

pub(crate) async fn of_many_who_register_a_credential_one_succeeds(subject: &dyn Subject) {
    let store = subject.open().await;
    let users = [added(&*store, "nez").await, added(&*store, "other").await];
    let won = winners(|n| {
        let (store, key) = (Arc::clone(&store), key(&users[n % 2], "k"));
        async move { store.add_key(&key, None, &event(1, None)).await.unwrap() == KeyAdded::Added }
    });
    assert_eq!(won.await, 1);
}

pub(crate) async fn keys_are_renamed_and_deleted_by_their_owner_alone(subject: &dyn Subject) {
    let store = subject.open().await;
    let [nez, other] = [added(&*store, "nez").await, added(&*store, "other").await];
    let [kept, k] = [key(&nez, "a"), key(&nez, "k")];
    for key in [&kept, &k] {
        store.add_key(key, None, &event(1, None)).await.unwrap();
    }
    assert!(!store.rename_key(other.id, &k.credential, "Min").await.unwrap());
    assert!(!store.delete_key(other.id, &k.credential, &event(1, None)).await.unwrap());
    assert!(!store.update_key(&Key { user: other.id, suspect: true, ..k.clone() }).await.unwrap());
    assert_eq!(store.keys(nez.id).await.unwrap(), [kept.clone(), k.clone()]);

    assert!(store.rename_key(nez.id, &k.credential, "Tavle 3").await.unwrap());
    let renamed = Key { name: "Tavle 3".to_owned(), ..k.clone() };
    assert_eq!(store.keys(nez.id).await.unwrap(), [kept.clone(), renamed]);

    assert!(store.delete_key(nez.id, &k.credential, &event(1, None)).await.unwrap());
    assert_eq!(store.keys(nez.id).await.unwrap(), [kept]);
    assert!(!store.delete_key(nez.id, &k.credential, &event(1, None)).await.unwrap());
    assert!(!store.rename_key(nez.id, &k.credential, "Væk").await.unwrap());
    assert!(!store.update_key(&k).await.unwrap(), "an assertion does not bring a key back");
    assert_eq!(
        store.add_key(&key(&other, "k"), None, &event(1, None)).await.unwrap(),
        KeyAdded::Added,
        "free again"
    );
}

pub(crate) async fn use_moves_forward_and_suspicion_stays(subject: &dyn Subject) {
    let store = subject.open().await;
    let nez = added(&*store, "nez").await;
    let k = key(&nez, "k");
    store.add_key(&k, None, &event(1, None)).await.unwrap();
    let used = Key { passkey: "{\"n\":1}".to_owned(), used_at: Some(at(50)), suspect: true, ..k.clone() };
    assert!(store.update_key(&Key { name: "not the name".to_owned(), ..used.clone() }).await.unwrap());
    assert_eq!(store.keys(nez.id).await.unwrap(), std::slice::from_ref(&used));
    for used_at in [None, Some(at(40))] {
        assert!(store.update_key(&Key { used_at, suspect: false, ..used.clone() }).await.unwrap());
        assert_eq!(store.keys(nez.id).await.unwrap(), std::slice::from_ref(&used));
    }
    assert!(store.update_key(&Key { used_at: Some(at(60)), ..used.clone() }).await.unwrap());
    assert_eq!(store.keys(nez.id).await.unwrap(), [Key { used_at: Some(at(60)), ..used }]);
}

pub(crate) async fn a_code_is_one_persons_for_its_time(subject: &dyn Subject) {
    let store = subject.open().await;
    let [nez, other] = [added(&*store, "nez").await, added(&*store, "other").await];
    let [first, second] = [hash("first"), hash("second")];
    store.add_code(nez.id, &first, at(100)).await.unwrap();
    assert!(store.code_is_live(nez.id, &first, at(99)).await.unwrap());
    assert!(store.code_is_live(nez.id, &first, at(99)).await.unwrap(), "looking spends nothing");
    assert!(!store.code_is_live(nez.id, &first, at(100)).await.unwrap());
    assert!(!store.code_is_live(nez.id, &second, at(99)).await.unwrap());
    assert!(!store.code_is_live(other.id, &first, at(99)).await.unwrap());
    store.add_code(nez.id, &second, at(200)).await.unwrap();
    assert!(!store.code_is_live(nez.id, &first, at(99)).await.unwrap(), "replaced");
    assert!(store.code_is_live(nez.id, &second, at(199)).await.unwrap());
}

pub(crate) async fn a_code_adds_one_key(subject: &dyn Subject) {
    let store = subject.open().await;
    let [nez, other] = [added(&*store, "nez").await, added(&*store, "other").await];
    let code = hash("code");
    store.add_code(nez.id, &code, at(100)).await.unwrap();
    for (key, code) in [
        (key(&nez, "wrong"), hash("no code")),
        (key(&other, "theirs"), code),
        (Key { registered_at: at(100), ..key(&nez, "late") }, code),
    ] {
        assert_eq!(store.add_key(&key, Some(&code), &event(1, None)).await.unwrap(), KeyAdded::CodeSpent);
        assert_eq!(store.keys(key.user).await.unwrap(), [], "no code, no key");
    }
    let first = Key { registered_at: at(99), ..key(&nez, "first") };
    assert_eq!(store.add_key(&first, Some(&code), &event(1, None)).await.unwrap(), KeyAdded::Added);
    assert!(!store.code_is_live(nez.id, &code, at(50)).await.unwrap());
    assert_eq!(
        store.add_key(&key(&nez, "second"), Some(&code), &event(1, None)).await.unwrap(),
        KeyAdded::CodeSpent
    );
    assert_eq!(store.keys(nez.id).await.unwrap(), [first]);
}

pub(crate) async fn of_many_who_spend_a_code_one_succeeds(subject: &dyn Subject) {
    let store = subject.open().await;
    let nez = added(&*store, "nez").await;
    store.add_code(nez.id, &hash("code"), at(100)).await.unwrap();
    let won = winners(|n| {
        let (store, key) = (Arc::clone(&store), key(&nez, &n.to_string()));
        async move { store.add_key(&key, Some(&hash("code")), &event(1, None)).await.unwrap() == KeyAdded::Added }
    });
    assert_eq!(won.await, 1);
    assert_eq!(store.keys(nez.id).await.unwrap().len(), 1);
}

pub(crate) async fn a_taken_credential_leaves_the_code_unspent(subject: &dyn Subject) {
    let store = subject.open().await;
    let [nez, other] = [added(&*store, "nez").await, added(&*store, "other").await];
    store.add_key(&key(&other, "k"), None, &event(1, None)).await.unwrap();
    store.add_code(nez.id, &hash("code"), at(100)).await.unwrap();
    let refused = store.add_key(&key(&nez, "k"), Some(&hash("code")), &event(1, None)).await.unwrap();
    assert_eq!(refused, KeyAdded::CredentialTaken);
    assert!(store.code_is_live(nez.id, &hash("code"), at(50)).await.unwrap());
}

pub(crate) async fn a_key_and_what_is_told_of_it_are_written_together(subject: &dyn Subject) {
    let store = subject.open().await;
    let [nez, other] = [added(&*store, "nez").await, added(&*store, "other").await];
    let k = key(&nez, "k");
    let refused = store.add_key(&k, Some(&hash("no code")), &event(1, None)).await.unwrap();
    assert_eq!(refused, KeyAdded::CodeSpent);
    assert_eq!(records(&*store).await, [], "nothing happened");
    assert_eq!(store.add_key(&k, None, &event(2, None)).await.unwrap(), KeyAdded::Added);
    let refused = store.add_key(&key(&other, "k"), None, &event(3, None)).await.unwrap();
    assert_eq!(refused, KeyAdded::CredentialTaken);
    assert!(!store.delete_key(other.id, &k.credential, &event(4, None)).await.unwrap());
    assert_eq!(records(&*store).await, [event(2, None)]);
    assert!(store.delete_key(nez.id, &k.credential, &event(5, None)).await.unwrap());
    assert!(!store.delete_key(nez.id, &k.credential, &event(6, None)).await.unwrap());
    assert_eq!(records(&*store).await, [event(2, None), event(5, None)]);
    assert_eq!(store.verify_audit(None).await.unwrap().faults, []);
}
