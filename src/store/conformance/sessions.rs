use std::sync::Arc;

use super::{Subject, added, at, hash, person, session, uuid, winners};
use crate::authn::{Assurance, CredentialId, Evidence, KeyEvidence, MitIdEvidence, MitIdLevel, MitIdSubject};
use crate::store::{SessionRecord, SignIn, SignInId};
use crate::time::Timestamp;
use crate::user::User;

pub(crate) async fn a_session_comes_back_with_its_person(subject: &dyn Subject) {
    let store = subject.open().await;
    let [nez, other] = [added(&*store, "nez").await, added(&*store, "other").await];
    let whole = SessionRecord { assurance: everything(), ..session(&nez, "s1", "t1") };
    let mut bare = SessionRecord { assurance: Assurance::default(), ..session(&other, "s2", "t2") };
    bare.sign_in.shared = true;
    for (record, user) in [(whole, nez), (bare, other)] {
        assert!(store.put_session(&record, None).await.unwrap());
        assert_eq!(store.session(&record.token).await.unwrap(), Some((record, user)));
    }
    assert_eq!(store.session(&hash("t3")).await.unwrap(), None);
}

pub(crate) async fn rotation_kills_the_old_token(subject: &dyn Subject) {
    let store = subject.open().await;
    let nez = added(&*store, "nez").await;
    let [old, new, later] = ["old", "new", "later"].map(|token| session(&nez, "s", token));
    assert!(store.put_session(&old, None).await.unwrap());
    assert!(store.put_session(&new, Some(&old.token)).await.unwrap());
    assert_eq!(store.session(&old.token).await.unwrap(), None);
    assert_eq!(store.session(&new.token).await.unwrap(), Some((new.clone(), nez.clone())));
    assert!(!store.put_session(&later, Some(&old.token)).await.unwrap(), "dead already");
    assert_eq!(store.session(&later.token).await.unwrap(), None);
    assert!(!store.put_session(&later, Some(&hash("never was"))).await.unwrap());

    let another = session(&nez, "another signing in", "later");
    assert!(store.put_session(&another, Some(&new.token)).await.unwrap(), "a new signing in may replace");
    assert_eq!(store.session(&new.token).await.unwrap(), None);
}

pub(crate) async fn of_many_rotations_one_succeeds(subject: &dyn Subject) {
    let store = subject.open().await;
    let nez = added(&*store, "nez").await;
    assert!(store.put_session(&session(&nez, "s", "old"), None).await.unwrap());
    let won = winners(|n| {
        let (store, new) = (Arc::clone(&store), session(&nez, "s", &n.to_string()));
        async move { store.put_session(&new, Some(&hash("old"))).await.unwrap() }
    });
    assert_eq!(won.await, 1);
}

pub(crate) async fn a_refused_rotation_changes_nothing(subject: &dyn Subject) {
    let store = subject.open().await;
    let nez = added(&*store, "nez").await;
    let kept = session(&nez, "going on", "kept");
    assert!(store.put_session(&kept, None).await.unwrap());
    assert!(store.put_session(&session(&nez, "ended", "gone"), None).await.unwrap());
    assert!(store.end_sign_in(SignInId(uuid("ended")), at(20)).await.unwrap());

    let refused = session(&nez, "ended", "refused");
    assert!(!store.put_session(&refused, Some(&kept.token)).await.unwrap());
    assert_eq!(store.session(&kept.token).await.unwrap(), Some((kept.clone(), nez.clone())));

    let other = session(&nez, "other", "other");
    assert!(store.put_session(&other, None).await.unwrap());
    let collision = session(&nez, "third", "other");
    assert!(!store.put_session(&collision, Some(&kept.token)).await.unwrap(), "a token is used once");
    assert_eq!(store.session(&kept.token).await.unwrap(), Some((kept, nez.clone())));
    assert_eq!(store.session(&other.token).await.unwrap(), Some((other, nez)));
    assert!(!store.end_sign_in(SignInId(uuid("third")), at(20)).await.unwrap(), "it never began");
}

pub(crate) async fn hosts_share_a_signing_in(subject: &dyn Subject) {
    let store = subject.open().await;
    let nez = added(&*store, "nez").await;
    let login = session(&nez, "s", "login");
    assert!(store.put_session(&login, None).await.unwrap());
    store.touch(&[(login.sign_in.id, at(40))]).await.unwrap();
    let app = SessionRecord { host: "mail.localhost".to_owned(), ..session(&nez, "s", "app") };
    let longer = SignIn { expires_at: at(9999), seen_at: at(10), ..app.sign_in.clone() };
    assert!(store.put_session(&SessionRecord { sign_in: longer, ..app.clone() }, None).await.unwrap());
    let (stored, _) = store.session(&app.token).await.unwrap().unwrap();
    assert_eq!(stored.host, "mail.localhost");
    assert_eq!(stored.sign_in, SignIn { seen_at: at(40), ..login.sign_in }, "the first writing stands");
}

pub(crate) async fn an_ended_signing_in_stays_ended(subject: &dyn Subject) {
    let store = subject.open().await;
    let [nez, other] = [added(&*store, "nez").await, added(&*store, "other").await];
    let [login, app] = ["login", "app"].map(|token| session(&nez, "s", token));
    let bystander = session(&other, "s2", "bystander");
    for record in [&login, &app, &bystander] {
        assert!(store.put_session(record, None).await.unwrap());
    }
    assert!(store.end_sign_in(login.sign_in.id, at(20)).await.unwrap());
    assert!(!store.end_sign_in(login.sign_in.id, at(21)).await.unwrap());
    assert!(!store.end_sign_in(SignInId(uuid("never was")), at(21)).await.unwrap());
    for token in [&login.token, &app.token] {
        assert_eq!(store.session(token).await.unwrap(), None);
    }
    assert!(!store.put_session(&session(&nez, "s", "late"), None).await.unwrap(), "a late hand-off");
    assert!(!store.put_session(&session(&nez, "s", "late"), Some(&app.token)).await.unwrap());
    assert_eq!(store.session(&hash("late")).await.unwrap(), None);
    assert!(store.session(&bystander.token).await.unwrap().is_some());
    assert_eq!(ended(&store.revocations(Some(0)).await.unwrap()), [login.sign_in.id], "told of once");
}

pub(crate) async fn ending_all_spares_the_exception(subject: &dyn Subject) {
    let store = subject.open().await;
    let [nez, other] = [added(&*store, "nez").await, added(&*store, "other").await];
    for (user, name) in [(&nez, "a"), (&nez, "b"), (&nez, "c"), (&other, "d")] {
        assert!(store.put_session(&session(user, name, name), None).await.unwrap());
    }
    let kept = SignInId(uuid("b"));
    let mut gone = store.end_sign_ins(nez.id, Some(kept), at(20)).await.unwrap();
    gone.sort();
    let mut expected = [SignInId(uuid("a")), SignInId(uuid("c"))];
    expected.sort();
    assert_eq!(gone, expected);
    let mut told = ended(&store.revocations(Some(0)).await.unwrap());
    told.sort();
    assert_eq!(told, expected);
    for (token, lives) in [("a", false), ("b", true), ("c", false), ("d", true)] {
        assert_eq!(store.session(&hash(token)).await.unwrap().is_some(), lives, "{token}");
    }
    assert_eq!(store.end_sign_ins(nez.id, None, at(21)).await.unwrap(), [kept]);
    assert_eq!(store.end_sign_ins(nez.id, None, at(22)).await.unwrap(), []);
    assert_eq!(store.end_sign_ins(person("nobody").id, None, at(22)).await.unwrap(), []);
}

pub(crate) async fn activity_never_moves_back(subject: &dyn Subject) {
    let store = subject.open().await;
    let nez = added(&*store, "nez").await;
    let record = session(&nez, "s", "t");
    let unrelated = session(&nez, "u", "u");
    assert!(store.put_session(&record, None).await.unwrap());
    assert!(store.put_session(&unrelated, None).await.unwrap());
    for (touched, seen) in [(30, 30), (20, 30), (40, 40)] {
        store.touch(&[(record.sign_in.id, at(touched))]).await.unwrap();
        assert_eq!(seen_at(&*store, "t").await, at(seen));
    }
    assert_eq!(seen_at(&*store, "u").await, at(10));
    let many = [("s", 20), ("never was", 70), ("u", 50), ("s", 60), ("u", 30), ("s", 55)];
    store.touch(&many.map(|(name, seen)| (SignInId(uuid(name)), at(seen)))).await.unwrap();
    assert_eq!((seen_at(&*store, "t").await, seen_at(&*store, "u").await), (at(60), at(50)));
    store.touch(&[]).await.unwrap();
}

pub(crate) async fn the_feed_tells_in_order(subject: &dyn Subject) {
    let store = subject.open().await;
    let nez = added(&*store, "nez").await;
    assert_eq!(store.revocations(None).await.unwrap(), []);
    assert_eq!(store.revocations(Some(0)).await.unwrap(), []);
    let names = ["c", "a", "b"];
    for name in names {
        assert!(store.put_session(&session(&nez, name, name), None).await.unwrap());
        assert!(store.end_sign_in(SignInId(uuid(name)), at(20)).await.unwrap());
    }
    let all = store.revocations(Some(0)).await.unwrap();
    assert_eq!(ended(&all), names.map(|name| SignInId(uuid(name))));
    assert!(all.is_sorted_by(|a, b| a.position < b.position));
    assert_eq!(store.revocations(None).await.unwrap(), all[2..], "where the feed stands");
    assert_eq!(store.revocations(Some(all[0].position)).await.unwrap(), all[1..]);
    assert_eq!(store.revocations(Some(all[2].position)).await.unwrap(), []);
}

pub(crate) async fn a_session_needs_a_person(subject: &dyn Subject) {
    let store = subject.open().await;
    let [nez, other] = [added(&*store, "nez").await, added(&*store, "other").await];
    assert!(!store.put_session(&session(&person("nobody"), "s", "t"), None).await.unwrap());
    assert_eq!(store.session(&hash("t")).await.unwrap(), None);
    assert!(store.put_session(&session(&nez, "s", "t"), None).await.unwrap());
    assert!(!store.put_session(&session(&other, "s", "u"), None).await.unwrap(), "somebody else's");
    assert_eq!(store.session(&hash("u")).await.unwrap(), None);
    let renamed = User { name: "Nyt navn".to_owned(), disabled: true, ..nez };
    store.update_user(&renamed).await.unwrap();
    let (_, user) = store.session(&hash("t")).await.unwrap().expect("disabling ends no session by itself");
    assert_eq!(user, renamed, "but the session shows the person as they are now");
}

pub(super) fn everything() -> Assurance {
    session(&person("x"), "x", "x")
        .assurance
        .with(Evidence::Key(KeyEvidence {
            at: at(11),
            credential: CredentialId(vec![0, 1, 255]),
            user_verified: true,
            until: Some(at(900)),
        }))
        .with(Evidence::MitId(MitIdEvidence {
            at: at(12),
            subject: MitIdSubject { issuer: "https://broker".to_owned(), subject: "sub".to_owned() },
            level: MitIdLevel::Substantial,
        }))
}

fn ended(feed: &[crate::store::Revocation]) -> Vec<SignInId> {
    feed.iter().map(|entry| entry.sign_in).collect()
}

async fn seen_at(store: &dyn crate::store::Store, token: &str) -> Timestamp {
    store.session(&hash(token)).await.unwrap().expect("it lives").0.sign_in.seen_at
}
