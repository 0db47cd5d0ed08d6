use super::audit::{event, records};
use super::{Subject, added, at, hash, key, person, session};
use crate::user::{User, Username};

pub(crate) async fn a_change_and_what_is_told_of_it_are_written_together(subject: &dyn Subject) {
    let store = subject.open().await;
    let [nez, other] = [added(&*store, "nez").await, added(&*store, "other").await];
    let (live, theirs) = (session(&nez, "live", "live"), session(&other, "theirs", "theirs"));
    for session in [&live, &theirs] {
        assert!(store.put_session(session, None).await.unwrap());
    }
    let told = event(20, Some(nez.id));
    // What a session was opened for is as it was: it goes on.
    let renamed = User { name: "Nez Nielsen".to_owned(), ..nez.clone() };
    assert_eq!(store.change_user(&renamed, &told).await.unwrap(), Some(0));
    assert!(store.session(&live.token).await.unwrap().is_some());
    let closed = User { disabled: true, ..renamed };
    assert_eq!(store.change_user(&closed, &told).await.unwrap(), Some(1));
    assert_eq!(store.user(nez.id).await.unwrap(), Some(closed));
    assert_eq!(store.session(&live.token).await.unwrap(), None);
    let feed = store.revocations(Some(0)).await.unwrap();
    assert_eq!(feed.iter().map(|entry| entry.sign_in).collect::<Vec<_>>(), [live.sign_in.id]);
    assert_eq!(store.change_user(&person("nobody"), &told).await.unwrap(), None);
    let expected = [told.clone().with("ended", 0), told.with("ended", 1)];
    assert_eq!(records(&*store).await, expected, "of nobody nothing is told");
    assert!(store.session(&theirs.token).await.unwrap().is_some());
}

pub(crate) async fn whatever_a_session_was_opened_for_ends_it(subject: &dyn Subject) {
    let store = subject.open().await;
    let nez = added(&*store, "nez").await;
    let changes: [fn(&mut User); 3] = [
        |user| user.groups.push("nat".to_owned()),
        |user| user.set_claim("unit", &["syd".to_owned()]),
        |user| user.expires_at = Some(at(900)),
    ];
    let mut user = nez.clone();
    for (n, change) in changes.iter().enumerate() {
        let live = session(&nez, &n.to_string(), &n.to_string());
        assert!(store.put_session(&live, None).await.unwrap());
        change(&mut user);
        // The name is not what is changed here.
        let named = User { username: Username::parse("another").unwrap(), ..user.clone() };
        assert_eq!(store.change_user(&named, &event(20, None)).await.unwrap(), Some(1), "{n}");
        assert_eq!(store.change_user(&named, &event(20, None)).await.unwrap(), Some(0), "{n}, as it was");
    }
    assert_eq!(store.user(nez.id).await.unwrap(), Some(user));
}

pub(crate) async fn a_password_and_what_is_told_of_it_are_written_together(subject: &dyn Subject) {
    let store = subject.open().await;
    let nez = added(&*store, "nez").await;
    let live = session(&nez, "live", "live");
    assert!(store.put_session(&live, None).await.unwrap());
    store.add_code(nez.id, &hash("code"), at(100)).await.unwrap();
    let told = event(20, Some(nez.id));
    assert_eq!(store.reset_password(nez.id, "$phc", &told).await.unwrap(), 1);
    assert_eq!(store.password(nez.id).await.unwrap().as_deref(), Some("$phc"));
    assert!(!store.code_is_live(nez.id, &hash("code"), at(50)).await.unwrap());
    assert!(store.reset_password(person("nobody").id, "$phc", &told).await.is_err());
    assert_eq!(records(&*store).await, [told.with("ended", 1)]);
}

pub(crate) async fn of_who_is_gone_the_audit_alone_tells(subject: &dyn Subject) {
    let store = subject.open().await;
    let [nez, other] = [added(&*store, "nez").await, added(&*store, "other").await];
    for user in [&nez, &other] {
        let name = user.username.as_str();
        store.set_password(user.id, "$phc").await.unwrap();
        store.add_key(&key(user, name), None, &event(1, Some(user.id))).await.unwrap();
        store.add_code(user.id, &hash(name), at(100)).await.unwrap();
        assert!(store.put_session(&session(user, name, name), None).await.unwrap());
    }
    let told = event(20, Some(nez.id));
    assert_eq!(store.remove_user(nez.id, &told).await.unwrap(), Some(1));
    assert_eq!(store.user(nez.id).await.unwrap(), None);
    assert_eq!(store.password(nez.id).await.unwrap(), None);
    assert_eq!(store.keys(nez.id).await.unwrap(), []);
    assert!(!store.code_is_live(nez.id, &hash("nez"), at(50)).await.unwrap());
    let gone = session(&nez, "nez", "nez");
    assert_eq!(store.session(&gone.token).await.unwrap(), None);
    assert_eq!(store.revocations(Some(0)).await.unwrap().len(), 1, "every node hears of it");
    // A login that was under way comes too late.
    assert!(!store.put_session(&session(&nez, "late", "late"), None).await.unwrap());
    assert_eq!(store.remove_user(nez.id, &told).await.unwrap(), None);
    assert_eq!(records(&*store).await.last(), Some(&told.with("ended", 1)));
    assert_eq!(records(&*store).await.len(), 3);
    assert_eq!(store.keys(other.id).await.unwrap().len(), 1);
    // The name may be somebody else's now.
    assert!(store.add_user(&User { id: person("new").id, ..nez }).await.unwrap());
}
