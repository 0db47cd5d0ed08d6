use std::sync::Arc;

use super::audit::{event, records};
use super::{Subject, added, at, hash, key, person, session, uuid, winners};
use crate::authn::lockout::Lock;
use crate::store::desk::{AccountLock, Closed, OpenQuery, PeopleQuery};
use crate::store::requests::{Request, RequestId};
use crate::store::{Key, SignInId, Store};
use crate::time::Timestamp;
use crate::user::{User, UserId, Username};

async fn named(store: &dyn Store, username: &str, name: &str, groups: &[&str]) -> User {
    let groups = groups.iter().map(|group| (*group).to_owned()).collect();
    let user = User { name: name.to_owned(), groups, ..person(username) };
    assert!(store.add_user(&user).await.unwrap());
    user
}

pub(crate) async fn people_are_found_by_the_beginnings_of_words(subject: &dyn Subject) {
    let store = subject.open().await;
    named(&*store, "nez", "Nez Ærø Olsen", &["care-staff"]).await;
    let ole = named(&*store, "ole@kommune.example", "Ole Ågård", &["nurses", "nord"]).await;
    named(&*store, "oline", "Oline André", &["care-staff", "nord"]).await;
    let search = async |text: &str, after: Option<&str>, limit| {
        let after = after.map(|name| Username::parse(name).unwrap());
        let people = store.search_people(&PeopleQuery { text: text.to_owned(), after, limit }).await.unwrap();
        people.into_iter().map(|user| user.username.to_string()).collect::<Vec<_>>()
    };
    for (text, found) in [
        ("", &["nez", "ole@kommune.example", "oline"][..]),
        ("ol", &["nez", "ole@kommune.example", "oline"]),
        ("OLI", &["oline"]),
        ("kommune", &["ole@kommune.example"]),
        ("ole@kommune.example", &["ole@kommune.example"]),
        ("ærø", &["nez"]),
        ("ÆRØ", &["nez"]),
        ("andre", &["oline"]),
        ("care nord", &["oline"]),
        ("care-staff", &["nez", "oline"]),
        ("lsen", &[]),
        ("\"*' OR NEAR(", &[]),
        ("-", &[]),
    ] {
        assert_eq!(search(text, None, 10).await, found, "{text:?}");
    }
    assert_eq!(search("", None, 2).await, ["nez", "ole@kommune.example"]);
    assert_eq!(search("ol", Some("ole@kommune.example"), 2).await, ["oline"]);

    // A change is found, and what was there before is not.
    store.update_user(&User { name: "Ole Berg".to_owned(), groups: vec![], ..ole }).await.unwrap();
    assert_eq!(search("berg", None, 10).await, ["ole@kommune.example"]);
    assert_eq!(search("nurses", None, 10).await, Vec::<String>::new());
}

fn why(by: &str) -> AccountLock {
    AccountLock { reason: "mistet telefon".to_owned(), by: by.to_owned(), at: at(20) }
}

pub(crate) async fn a_lock_says_why_and_ends_what_is_open(subject: &dyn Subject) {
    let store = subject.open().await;
    let [nez, ole] = [added(&*store, "nez").await, added(&*store, "ole").await];
    for (user, sign_in) in [(&nez, "a"), (&nez, "b"), (&ole, "c")] {
        assert!(store.put_session(&session(user, sign_in, sign_in), None).await.unwrap());
    }
    assert_eq!(store.account_lock(nez.id).await.unwrap(), None);
    let told = event(1, Some(nez.id));
    let Closed::Closed(mut ended) = store.lock_account(nez.id, &why("anna"), &[], &told).await.unwrap()
    else {
        panic!("it was open");
    };
    ended.sort();
    let mut both = ["a", "b"].map(|name| SignInId(uuid(name)));
    both.sort();
    assert_eq!(ended, both);
    assert!(store.user(nez.id).await.unwrap().unwrap().disabled);
    assert_eq!(store.account_lock(nez.id).await.unwrap(), Some(why("anna")));
    assert!(store.session(&hash("a")).await.unwrap().is_none());
    assert!(store.session(&hash("c")).await.unwrap().is_some());
    assert_eq!(records(&*store).await, std::slice::from_ref(&told));

    let unknown = UserId(uuid("nobody"));
    assert_eq!(store.lock_account(unknown, &why("anna"), &[], &told).await.unwrap(), Closed::Unknown);
    assert!(store.unlock_account(nez.id, &event(2, Some(nez.id))).await.unwrap());
    assert!(!store.unlock_account(unknown, &told).await.unwrap());
    assert!(!store.user(nez.id).await.unwrap().unwrap().disabled);
    assert_eq!(store.account_lock(nez.id).await.unwrap(), None);
    assert_eq!(records(&*store).await.len(), 2);
}

pub(crate) async fn the_last_of_a_group_stays(subject: &dyn Subject) {
    let store = subject.open().await;
    let keep = ["admins".to_owned()];
    let anna = named(&*store, "anna", "Anna", &["admins"]).await;
    let told = event(1, None);
    let gone = User { expires_at: Some(at(20)), groups: keep.to_vec(), ..person("gone") };
    assert!(store.add_user(&gone).await.unwrap());
    assert_eq!(store.lock_account(anna.id, &why("x"), &keep, &told).await.unwrap(), Closed::LastOne);
    assert!(!store.user(anna.id).await.unwrap().unwrap().disabled);
    assert_eq!(records(&*store).await, []);

    let bo = named(&*store, "bo", "Bo", &["admins"]).await;
    // Of two who lock each other at once, one is left.
    let locked = winners(|n| {
        let (store, keep) = (Arc::clone(&store), keep.clone());
        let who = [anna.id, bo.id][n % 2];
        async move {
            matches!(store.lock_account(who, &why("x"), &keep, &event(2, None)).await, Ok(Closed::Closed(_)))
        }
    })
    .await;
    assert!(locked >= 1);
    let mut left = 0;
    for id in [anna.id, bo.id] {
        left += usize::from(!store.user(id).await.unwrap().unwrap().disabled);
    }
    assert_eq!(left, 1);
    let nez = added(&*store, "nez").await;
    assert!(matches!(store.lock_account(nez.id, &why("x"), &keep, &told).await.unwrap(), Closed::Closed(_)));
}

pub(crate) async fn an_earlier_end_ends_what_is_open(subject: &dyn Subject) {
    let store = subject.open().await;
    let nez = added(&*store, "nez").await;
    let end = async |end: Option<i64>| {
        let end = end.map(Timestamp::from_seconds);
        match store.set_expiry(nez.id, end, at(20), &event(1, Some(nez.id))).await.unwrap() {
            Closed::Closed(ended) => ended.len(),
            other => panic!("{other:?}"),
        }
    };
    for (new, ended) in [(Some(500), 1), (Some(600), 0), (Some(599), 1), (None, 0)] {
        store.put_session(&session(&nez, &format!("{new:?}"), &format!("{new:?}")), None).await.unwrap();
        let before = store.end_sign_ins(nez.id, Some(SignInId(uuid(&format!("{new:?}")))), at(20)).await;
        before.unwrap();
        assert_eq!(end(new).await, ended, "{new:?}");
        let now = store.user(nez.id).await.unwrap().unwrap().expires_at;
        assert_eq!(now, new.map(Timestamp::from_seconds));
    }
    assert_eq!(records(&*store).await.len(), 4);
    let nobody = store.set_expiry(UserId(uuid("nobody")), None, at(20), &event(1, None)).await.unwrap();
    assert_eq!(nobody, Closed::Unknown);
}

pub(crate) async fn a_locked_password_is_seen_and_opened(subject: &dyn Subject) {
    let store = subject.open().await;
    let nez = added(&*store, "nez").await;
    assert_eq!(store.password_lock(nez.id, at(1)).await.unwrap(), None);
    for _ in 0..5 {
        store.begin_attempt(&nez.username, None, at(1)).await.unwrap().unwrap();
    }
    assert!(matches!(store.password_lock(nez.id, at(2)).await.unwrap(), Some(Lock::Until(_))));
    assert!(store.unlock_password(nez.id, at(2), &event(1, Some(nez.id))).await.unwrap());
    assert_eq!(store.password_lock(nez.id, at(2)).await.unwrap(), None);
    assert!(!store.unlock_password(nez.id, at(2), &event(2, Some(nez.id))).await.unwrap());
    assert_eq!(records(&*store).await.len(), 2);
}

pub(crate) async fn what_is_open_is_found_and_ended_by_whose_it_is(subject: &dyn Subject) {
    let store = subject.open().await;
    let [nez, ole] = [added(&*store, "nez").await, added(&*store, "ole").await];
    for (user, sign_in) in [(&nez, "a"), (&nez, "b"), (&ole, "c")] {
        assert!(store.put_session(&session(user, sign_in, sign_in), None).await.unwrap());
    }
    store.touch(&[(SignInId(uuid("b")), at(50))]).await.unwrap();
    store.invite_device("Tablet 3, Nord", &hash("link"), at(100)).await.unwrap();
    store.mark_device(&hash("link"), &hash("t"), at(1)).await.unwrap();
    store.occupy_device(&hash("t"), SignInId(uuid("c"))).await.unwrap();
    let all = OpenQuery {
        user: None,
        text: String::new(),
        now: at(60),
        own_since: at(5),
        shared_since: at(5),
        limit: 10,
    };
    let open = async |query: OpenQuery| {
        let found = store.search_open(&query).await.unwrap();
        found.into_iter().map(|open| (open.username, open.seen_at.as_seconds())).collect::<Vec<_>>()
    };
    let entry = |name: &str, seen| (name.to_owned(), seen);
    assert_eq!(open(all.clone()).await.len(), 3);
    assert_eq!(open(all.clone()).await[0], entry("nez", 50), "the latest active first");
    let of_nez = OpenQuery { user: Some(nez.id), ..all.clone() };
    assert_eq!(open(of_nez.clone()).await, [entry("nez", 50), entry("nez", 10)]);
    for text in ["ole", "tablet", "nord"] {
        assert_eq!(
            open(OpenQuery { text: text.to_owned(), ..all.clone() }).await,
            [entry("ole", 10)],
            "{text}"
        );
    }
    assert_eq!(open(OpenQuery { own_since: at(10), ..all.clone() }).await, [entry("nez", 50)], "idle");
    assert_eq!(open(OpenQuery { now: at(1000), ..all.clone() }).await, [], "over");
    let whole = store.search_open(&OpenQuery { user: Some(ole.id), ..all.clone() }).await.unwrap();
    assert_eq!(whole[0].device.as_deref(), Some("Tablet 3, Nord"));
    assert_eq!(whole[0].hosts, ["cura.localhost"]);

    let end = async |user: &User, one: Option<&str>| {
        let one = one.map(|name| SignInId(uuid(name)));
        store.end_sign_ins_of(user.id, one, at(60), &event(1, Some(user.id))).await.unwrap().len()
    };
    assert_eq!(end(&nez, Some("c")).await, 0, "another's");
    assert_eq!(records(&*store).await, [], "nothing happened");
    assert_eq!(end(&nez, Some("a")).await, 1);
    assert_eq!(open(of_nez).await, [entry("nez", 50)]);
    assert_eq!(end(&nez, None).await, 1);
    assert_eq!(records(&*store).await.len(), 2);
    assert_eq!(open(all).await, [entry("ole", 10)]);
}

pub(crate) async fn keys_are_found_suspect_ones_first(subject: &dyn Subject) {
    let store = subject.open().await;
    let [nez, ole] = [added(&*store, "nez").await, added(&*store, "ole").await];
    for key in [
        Key { registered_at: at(30), ..key(&nez, "new") },
        Key { suspect: true, ..key(&nez, "copied") },
        Key { name: "100 % blå_nøgle".to_owned(), ..key(&ole, "ole's") },
    ] {
        store.add_key(&key, None, &event(1, None)).await.unwrap();
    }
    let found = async |text: &str, limit| {
        let keys = store.find_keys(text, limit).await.unwrap();
        keys.into_iter().map(|owned| (owned.username, owned.key.name)).collect::<Vec<_>>()
    };
    let entry = |user: &str, name: &str| (user.to_owned(), name.to_owned());
    let all = [entry("nez", "Nøgle copied"), entry("nez", "Nøgle new"), entry("ole", "100 % blå_nøgle")];
    assert_eq!(found("", 10).await, all);
    assert_eq!(found("", 1).await, all[..1]);
    assert_eq!(found("ole", 10).await, all[2..]);
    assert_eq!(found("% blå_", 10).await, all[2..]);
    assert_eq!(found("nøgle_new", 10).await, []);
}

fn request(n: u128, user: &User, asked_by: &User) -> Request {
    Request {
        id: RequestId(uuid::Uuid::from_u128(n)),
        action: "unlock".to_owned(),
        target: String::new(),
        user: user.id,
        asked_by: asked_by.id,
        asked_at: at(10),
        expires_at: at(100),
    }
}

pub(crate) async fn a_request_is_answered_once_by_another(subject: &dyn Subject) {
    let store = subject.open().await;
    let [nez, anna, bo] =
        [added(&*store, "nez").await, added(&*store, "anna").await, added(&*store, "bo").await];
    let asked = request(1, &nez, &anna);
    assert!(store.ask(&asked, &event(1, None)).await.unwrap());
    assert!(!store.ask(&request(2, &nez, &bo), &event(1, None)).await.unwrap(), "the same is waiting");
    assert_eq!(store.requests(at(99)).await.unwrap(), std::slice::from_ref(&asked));
    assert_eq!(store.requests(at(100)).await.unwrap(), [], "too old");
    let told = event(2, None);
    let take = async |who: &User, now| store.take_request(asked.id, who.id, at(now), &told).await.unwrap();
    assert_eq!(take(&anna, 20).await, None, "one's own");
    assert_eq!(take(&bo, 100).await, None, "too late");
    assert_eq!(records(&*store).await.len(), 1, "nothing happened");
    let once = winners(|_| {
        let (store, id, bo, told) = (Arc::clone(&store), asked.id, bo.id, told.clone());
        async move { store.take_request(id, bo, at(20), &told).await.unwrap().is_some() }
    })
    .await;
    assert_eq!(once, 1);
    assert_eq!(records(&*store).await.len(), 2);

    // What nobody answered in time is in nobody's way.
    assert!(store.ask(&request(3, &nez, &anna), &event(3, None)).await.unwrap());
    let later = Request { asked_at: at(100), expires_at: at(200), ..request(4, &nez, &bo) };
    assert!(store.ask(&later, &event(3, None)).await.unwrap());
    assert!(!store.withdraw_request(later.id, anna.id, &event(4, None)).await.unwrap(), "another's");
    assert!(store.withdraw_request(later.id, bo.id, &event(4, None)).await.unwrap());
    assert!(!store.withdraw_request(later.id, bo.id, &event(4, None)).await.unwrap());
    assert_eq!(store.requests(at(110)).await.unwrap(), []);
}
