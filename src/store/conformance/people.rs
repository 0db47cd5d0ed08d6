use std::sync::Arc;

use super::audit::event;
use super::{Subject, added, at, hash, key, person, winners};
use crate::authn::MitIdSubject;
use crate::user::{CprHash, User, UserId, Username};

pub(crate) async fn a_user_comes_back_whole(subject: &dyn Subject) {
    let store = subject.open().await;
    let full = User {
        name: "Søren; \"Øster\" 'Å'".to_owned(),
        groups: vec!["hjemmepleje".to_owned(), "nat, øst".to_owned()],
        claims: vec![("unit".to_owned(), "nord; \"øst\"".to_owned()), ("unit".to_owned(), "syd".to_owned())],
        cpr: Some(CprHash::from_bytes([7; 32])),
        disabled: true,
        expires_at: Some(at(5000)),
        ..person("søren")
    };
    assert!(store.add_user(&full).await.unwrap());
    let plain = added(&*store, "nez").await;
    for user in [&full, &plain] {
        assert_eq!(store.user(user.id).await.unwrap().as_ref(), Some(user));
        assert_eq!(store.user_by_name(&user.username).await.unwrap().as_ref(), Some(user));
    }
    assert_eq!(store.users().await.unwrap(), [plain, full]);
    assert_eq!(store.user(person("nobody").id).await.unwrap(), None);
    assert_eq!(store.user_by_name(&Username::parse("nobody").unwrap()).await.unwrap(), None);
}

pub(crate) async fn a_user_name_is_taken_once(subject: &dyn Subject) {
    let store = subject.open().await;
    let first = added(&*store, "nez").await;
    let second = User { id: person("other").id, name: "Other".to_owned(), ..first.clone() };
    assert!(!store.add_user(&second).await.unwrap());
    assert_eq!(store.users().await.unwrap(), [first]);
}

pub(crate) async fn of_many_who_add_a_name_one_succeeds(subject: &dyn Subject) {
    let store = subject.open().await;
    let won = winners(|n| {
        let store = Arc::clone(&store);
        let user = User { id: person(&n.to_string()).id, ..person("nez") };
        async move { store.add_user(&user).await.unwrap() }
    });
    assert_eq!(won.await, 1);
}

pub(crate) async fn an_update_keeps_identity(subject: &dyn Subject) {
    let store = subject.open().await;
    let before = added(&*store, "nez").await;
    let other = added(&*store, "other").await;
    let wanted = User {
        username: Username::parse("other").unwrap(),
        name: "Nez Nielsen".to_owned(),
        groups: vec!["nat".to_owned()],
        claims: vec![("unit".to_owned(), "syd".to_owned())],
        cpr: Some(CprHash::from_bytes([1; 32])),
        disabled: true,
        expires_at: Some(at(9)),
        created_at: at(777),
        ..before.clone()
    };
    assert!(store.update_user(&wanted).await.unwrap());
    let expected = User { username: before.username, created_at: before.created_at, ..wanted };
    assert_eq!(store.user(before.id).await.unwrap(), Some(expected));
    assert_eq!(store.user(other.id).await.unwrap(), Some(other));
    assert!(!store.update_user(&person("nobody")).await.unwrap());
    assert_eq!(store.user(person("nobody").id).await.unwrap(), None);
}

pub(crate) async fn one_number_several_accounts(subject: &dyn Subject) {
    let store = subject.open().await;
    let cpr = CprHash::from_bytes([1; 32]);
    let [a, b] = ["a", "b"].map(|name| User { cpr: Some(cpr), ..person(name) });
    for user in [&b, &a, &person("none"), &User { cpr: Some(CprHash::from_bytes([2; 32])), ..person("c") }] {
        assert!(store.add_user(user).await.unwrap());
    }
    assert_eq!(store.users_by_cpr(&cpr).await.unwrap(), [a, b]);
    assert_eq!(store.users_by_cpr(&CprHash::from_bytes([3; 32])).await.unwrap(), []);
}

pub(crate) async fn a_password_is_set_and_replaced(subject: &dyn Subject) {
    let store = subject.open().await;
    let [nez, other] = [added(&*store, "nez").await, added(&*store, "other").await];
    assert_eq!(store.password(nez.id).await.unwrap(), None);
    for user in [&nez, &other] {
        store.add_code(user.id, &hash(user.username.as_str()), at(100)).await.unwrap();
    }
    for phc in ["$first", "$second"] {
        store.set_password(nez.id, phc).await.unwrap();
        assert_eq!(store.password(nez.id).await.unwrap().as_deref(), Some(phc));
    }
    assert_eq!(store.password(other.id).await.unwrap(), None);
    assert!(!store.code_is_live(nez.id, &hash("nez"), at(10)).await.unwrap(), "a new password spends codes");
    assert!(store.code_is_live(other.id, &hash("other"), at(10)).await.unwrap(), "but nobody else's");
}

pub(crate) async fn a_rehash_never_undoes_a_change(subject: &dyn Subject) {
    let store = subject.open().await;
    let nez = added(&*store, "nez").await;
    store.set_password(nez.id, "$old").await.unwrap();
    store.add_code(nez.id, &hash("code"), at(100)).await.unwrap();
    store.rehash_password(nez.id, "$old", "$stronger").await.unwrap();
    assert_eq!(store.password(nez.id).await.unwrap().as_deref(), Some("$stronger"));
    assert!(store.code_is_live(nez.id, &hash("code"), at(10)).await.unwrap(), "a rehash spends no code");
    store.rehash_password(nez.id, "$old", "$late").await.unwrap();
    assert_eq!(store.password(nez.id).await.unwrap().as_deref(), Some("$stronger"));
    store.rehash_password(UserId(super::uuid("nobody")), "$old", "$new").await.unwrap();
    assert_eq!(store.password(UserId(super::uuid("nobody"))).await.unwrap(), None);
}

pub(crate) async fn a_subject_is_one_persons(subject: &dyn Subject) {
    let store = subject.open().await;
    let [nez, other] = [added(&*store, "nez").await, added(&*store, "other").await];
    let [first, second] = ["first", "second"].map(mitid);
    assert_eq!(store.user_by_mitid(&first).await.unwrap(), None);
    assert_eq!(store.mitid_subject(nez.id, &first.issuer).await.unwrap(), None);

    assert!(store.bind_mitid(nez.id, &first, at(1)).await.unwrap());
    assert!(store.bind_mitid(nez.id, &first, at(2)).await.unwrap(), "binding again is no change");
    assert!(!store.bind_mitid(other.id, &first, at(2)).await.unwrap());
    assert_eq!(store.user_by_mitid(&first).await.unwrap(), Some(nez.clone()));
    assert_eq!(store.mitid_subject(other.id, &first.issuer).await.unwrap(), None);

    assert!(store.bind_mitid(nez.id, &second, at(3)).await.unwrap(), "in place of the first");
    assert_eq!(store.mitid_subject(nez.id, &first.issuer).await.unwrap(), Some(second));
    assert_eq!(store.user_by_mitid(&first).await.unwrap(), None);

    let elsewhere = MitIdSubject { issuer: "https://elsewhere".to_owned(), ..first.clone() };
    assert!(store.bind_mitid(other.id, &elsewhere, at(4)).await.unwrap(), "a subject is its issuer's");
    assert_eq!(store.mitid_subject(nez.id, &elsewhere.issuer).await.unwrap(), None);
    assert!(store.bind_mitid(other.id, &first, at(5)).await.unwrap(), "free again");
}

pub(crate) async fn of_two_who_bind_a_subject_one_succeeds(subject: &dyn Subject) {
    let store = subject.open().await;
    let mut users = Vec::new();
    for n in 0..16 {
        users.push(added(&*store, &format!("user{n}")).await.id);
    }
    let won = winners(|n| {
        let (store, user) = (Arc::clone(&store), users[n]);
        async move { store.bind_mitid(user, &mitid("one"), at(1)).await.unwrap() }
    });
    assert_eq!(won.await, 1);
}

pub(crate) async fn nobodys_password_is_an_error(subject: &dyn Subject) {
    let store = subject.open().await;
    let nobody = person("nobody");
    assert!(store.set_password(nobody.id, "$phc").await.is_err());
    assert!(store.add_code(nobody.id, &hash("code"), at(100)).await.is_err());
    assert!(store.add_key(&key(&nobody, "k"), None, &event(1, None)).await.is_err());
    assert!(store.bind_mitid(nobody.id, &mitid("one"), at(1)).await.is_err());
    assert_eq!(store.password(nobody.id).await.unwrap(), None);
    store.check().await.unwrap();
}

fn mitid(subject: &str) -> MitIdSubject {
    MitIdSubject { issuer: "https://broker.example".to_owned(), subject: subject.to_owned() }
}
