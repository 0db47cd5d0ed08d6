use std::net::IpAddr;
use std::sync::Arc;

use super::audit::event;
use super::{Subject, added, at, hash, key, person, session, uuid, winners};
use crate::store::self_service::{KeyHabit, PasswordChange, Whereabouts};
use crate::store::{AuditQuery, AuditRecord, SessionRecord, SignInId, Store};
use crate::user::User;

async fn told(store: &dyn Store) -> usize {
    let all = AuditQuery { limit: 100, ..AuditQuery::default() };
    store.audit(&all).await.unwrap().len()
}

fn change<'a>(user: &User, [old, new]: [&'a str; 2], told: &'a AuditRecord) -> PasswordChange<'a> {
    PasswordChange { user: user.id, old, new, at: at(50), kept: SignInId(uuid("here")), told }
}

pub(crate) async fn a_password_is_changed_with_all_that_follows(subject: &dyn Subject) {
    let store = subject.open().await;
    let [nez, other] = [added(&*store, "nez").await, added(&*store, "other").await];
    store.set_password(nez.id, "$old").await.unwrap();
    assert_eq!(store.own_password(nez.id).await.unwrap().unwrap().chosen_at, None, "somebody else's choice");
    store.add_code(nez.id, &hash("code"), at(900)).await.unwrap();
    let sessions = [(&nez, "here"), (&nez, "there"), (&other, "others")];
    for (user, name) in sessions {
        assert!(store.put_session(&session(user, name, name), None).await.unwrap());
    }
    let record = event(50, Some(nez.id));
    let stale = change(&nez, ["$older", "$new"], &record);
    assert_eq!(store.change_password(&stale).await.unwrap(), None);
    assert_eq!(store.password(nez.id).await.unwrap().as_deref(), Some("$old"));
    assert_eq!(told(&*store).await, 0, "told of what was not done");
    assert!(store.code_is_live(nez.id, &hash("code"), at(50)).await.unwrap());

    let ended = store.change_password(&change(&nez, ["$old", "$new"], &record)).await.unwrap();
    assert_eq!(ended, Some(vec![SignInId(uuid("there"))]));
    let own = store.own_password(nez.id).await.unwrap().unwrap();
    assert_eq!((own.phc.as_str(), own.chosen_at), ("$new", Some(at(50))));
    assert_eq!(told(&*store).await, 1);
    assert!(!store.code_is_live(nez.id, &hash("code"), at(50)).await.unwrap());
    for (token, lives) in [("here", true), ("there", false), ("others", true)] {
        assert_eq!(store.session(&hash(token)).await.unwrap().is_some(), lives, "{token}");
    }
    assert_eq!(store.own_password(other.id).await.unwrap(), None);
}

pub(crate) async fn of_many_changes_of_a_password_one_succeeds(subject: &dyn Subject) {
    let store = subject.open().await;
    let nez = added(&*store, "nez").await;
    store.set_password(nez.id, "$old").await.unwrap();
    let won = winners(|n| {
        let (store, nez) = (Arc::clone(&store), nez.clone());
        async move {
            let record = event(50, None);
            let new = format!("${n}");
            store.change_password(&change(&nez, ["$old", &new], &record)).await.unwrap().is_some()
        }
    });
    assert_eq!(won.await, 1);
    assert_eq!(told(&*store).await, 1);
}

pub(crate) async fn former_passwords_come_latest_first_and_not_for_ever(subject: &dyn Subject) {
    let store = subject.open().await;
    let [nez, other] = [added(&*store, "nez").await, added(&*store, "other").await];
    for n in 0..30 {
        store.set_password(nez.id, &format!("${n}")).await.unwrap();
    }
    let former = store.former_passwords(nez.id, 3).await.unwrap();
    assert_eq!(former, ["$28", "$27", "$26"], "the one that is there is no former one");
    assert_eq!(store.former_passwords(nez.id, 100).await.unwrap().len(), 24);
    assert!(store.former_passwords(other.id, 8).await.unwrap().is_empty());
}

pub(crate) async fn one_key_is_preferred_by_its_owner_alone(subject: &dyn Subject) {
    let store = subject.open().await;
    let [nez, other] = [added(&*store, "nez").await, added(&*store, "other").await];
    let [a, b, theirs] = [key(&nez, "a"), key(&nez, "b"), key(&other, "c")];
    for key in [&a, &b, &theirs] {
        store.add_key(key, None, &event(1, None)).await.unwrap();
    }
    let before = told(&*store).await;
    assert!(!store.prefer_key(nez.id, &theirs.credential, &event(2, None)).await.unwrap());
    assert_eq!(told(&*store).await, before);
    for chosen in [&a, &b] {
        assert!(store.prefer_key(nez.id, &chosen.credential, &event(2, None)).await.unwrap());
        assert_eq!(store.keys(nez.id).await.unwrap()[0], *chosen);
    }
    assert_eq!(told(&*store).await, before + 2);
    let from: IpAddr = "10.20.3.7".parse().unwrap();
    store.note_key_use(nez.id, &b.credential, Some(from)).await.unwrap();
    store.note_key_use(other.id, &a.credential, Some(from)).await.unwrap();
    let habits = store.key_habits(nez.id).await.unwrap();
    let habit = |key: &crate::store::Key, used_from, preferred| KeyHabit {
        credential: key.credential.clone(),
        used_from,
        preferred,
    };
    assert_eq!(habits, [habit(&b, Some(from), true), habit(&a, None, false)]);
}

pub(crate) async fn open_signings_in_say_where_they_were_begun(subject: &dyn Subject) {
    let store = subject.open().await;
    let [nez, other] = [added(&*store, "nez").await, added(&*store, "other").await];
    for (user, name) in [(&nez, "first"), (&nez, "second"), (&nez, "ended"), (&other, "others")] {
        store.put_session(&session(user, name, name), None).await.unwrap();
    }
    let begun = Whereabouts { address: "2001:db8::7".parse().ok(), browser: Some("Chrome, Android".into()) };
    let elsewhere = SessionRecord { host: "a.localhost".to_owned(), ..session(&nez, "first", "elsewhere") };
    store.put_session(&elsewhere, None).await.unwrap();
    let again = SessionRecord { host: "a.localhost".to_owned(), ..session(&nez, "first", "again") };
    store.put_session(&again, None).await.unwrap();
    let hosts = store.hosts_of(SignInId(uuid("first"))).await.unwrap();
    assert_eq!(hosts, ["a.localhost", "cura.localhost"]);
    assert!(store.hosts_of(SignInId(uuid("nobody's"))).await.unwrap().is_empty());
    store.note_sign_in(SignInId(uuid("first")), &begun).await.unwrap();
    store.touch(&[(SignInId(uuid("first")), at(60))]).await.unwrap();
    store.end_sign_in(SignInId(uuid("ended")), at(20)).await.unwrap();
    let open = store.open_sign_ins(nez.id, at(100)).await.unwrap();
    let seen: Vec<_> = open.iter().map(|open| (open.sign_in.id, open.begun.clone())).collect();
    let [first, second] = ["first", "second"].map(|name| SignInId(uuid(name)));
    assert_eq!(seen, [(first, begun), (second, Whereabouts::default())]);
    assert_eq!(open[0].sign_in.seen_at, at(60));
    assert!(store.open_sign_ins(nez.id, at(1000)).await.unwrap().is_empty(), "past their time");
    assert!(store.open_sign_ins(person("nobody").id, at(100)).await.unwrap().is_empty());
}

pub(crate) async fn terms_are_accepted_once_a_version(subject: &dyn Subject) {
    let store = subject.open().await;
    let [nez, other] = [added(&*store, "nez").await, added(&*store, "other").await];
    assert_eq!(store.accepted_terms(nez.id, 1).await.unwrap(), None);
    assert!(store.accept_terms(nez.id, 2, at(10), &event(10, None)).await.unwrap());
    assert!(!store.accept_terms(nez.id, 2, at(20), &event(20, None)).await.unwrap());
    assert_eq!(told(&*store).await, 1);
    assert_eq!(store.accepted_terms(nez.id, 2).await.unwrap(), Some(at(10)), "the first time stands");
    assert_eq!(store.accepted_terms(nez.id, 1).await.unwrap(), Some(at(10)), "a later one will do");
    assert_eq!(store.accepted_terms(nez.id, 3).await.unwrap(), None);
    assert_eq!(store.accepted_terms(other.id, 1).await.unwrap(), None);
}
