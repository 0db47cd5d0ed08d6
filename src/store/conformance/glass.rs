use std::sync::Arc;

use super::{Subject, added, at, hash, session, uuid};
use crate::authn::glass::BrokenGlass;
use crate::store::glass::Pane;
use crate::store::{AuditQuery, AuditRecord, SessionRecord, SignInId, Store};

pub(super) fn pane(name: &str, sign_in: &str) -> Pane {
    let (app, rule) = ("cura".to_owned(), "journal".to_owned());
    let glass = BrokenGlass { id: uuid(name), app, rule, broken_at: at(20), until: at(50) };
    Pane { sign_in: SignInId(uuid(sign_in)), host: "cura.localhost".to_owned(), glass }
}

pub(super) fn told(event: &str, seconds: i64) -> AuditRecord {
    AuditRecord {
        at: at(seconds),
        event: event.to_owned(),
        user: None,
        username: None,
        address: None,
        correlation: String::new(),
        detail: "{}".to_owned(),
    }
}

/// Two hosts' sessions of the signing in `s`, and one of another.
async fn signed_in(subject: &dyn Subject) -> Arc<dyn Store> {
    let store = subject.open().await;
    let nez = added(&*store, "nez").await;
    let elsewhere = SessionRecord { host: "mail.localhost".to_owned(), ..session(&nez, "s", "mail") };
    for session in [session(&nez, "s", "cura"), elsewhere, session(&nez, "other", "other")] {
        assert!(store.put_session(&session, None).await.unwrap());
    }
    store
}

async fn events(store: &dyn Store) -> Vec<String> {
    let rows = store.audit(&AuditQuery { limit: 100, ..AuditQuery::default() }).await.unwrap();
    rows.into_iter().map(|row| row.record.event).collect()
}

pub(crate) async fn broken_glass_comes_back_whole_until_it_is_over(subject: &dyn Subject) {
    let store = signed_in(subject).await;
    let (first, sign_in) = (pane("first", "s"), SignInId(uuid("s")));
    let concerned = store.break_glass(&first, &told("broken", 20)).await.unwrap();
    assert_eq!(concerned, Some(vec![hash("cura")]), "that host's session of that signing in");
    let later = BrokenGlass { broken_at: at(30), until: at(60), ..pane("later", "s").glass };
    let later = Pane { glass: later, ..first.clone() };
    let later = Pane { glass: BrokenGlass { id: uuid("later"), ..later.glass }, ..later };
    assert!(store.break_glass(&later, &told("broken", 30)).await.unwrap().is_some());
    drop(store);

    let store = subject.open().await;
    assert_eq!(store.glass(sign_in, at(49)).await.unwrap(), vec![first, later.clone()]);
    assert_eq!(store.glass(sign_in, at(50)).await.unwrap(), vec![later]);
    assert_eq!(store.glass(sign_in, at(60)).await.unwrap(), vec![]);
    assert_eq!(store.glass(SignInId(uuid("other")), at(30)).await.unwrap(), vec![]);
    assert_eq!(events(&*store).await, ["broken", "broken"]);
    store.purge(at(60)).await.unwrap();
    assert_eq!(store.glass(sign_in, at(30)).await.unwrap(), vec![]);
}

pub(crate) async fn glass_is_closed_once_by_its_own_signing_in(subject: &dyn Subject) {
    let store = signed_in(subject).await;
    let (id, sign_in, other) = (uuid("g"), SignInId(uuid("s")), SignInId(uuid("other")));
    store.break_glass(&pane("g", "s"), &told("broken", 20)).await.unwrap();
    assert_eq!(store.close_glass(id, other, &told("closed", 30)).await.unwrap(), None);
    assert_eq!(store.close_glass(id, sign_in, &told("closed", 50)).await.unwrap(), None, "over");
    let concerned = store.close_glass(id, sign_in, &told("closed", 30)).await.unwrap();
    assert_eq!(concerned, Some(vec![hash("cura")]));
    assert_eq!(store.close_glass(id, sign_in, &told("closed", 30)).await.unwrap(), None);
    assert_eq!(store.glass(sign_in, at(30)).await.unwrap(), vec![]);
    assert_eq!(events(&*store).await, ["broken", "closed"]);
}

pub(crate) async fn glass_ends_with_its_signing_in(subject: &dyn Subject) {
    let store = signed_in(subject).await;
    let sign_in = SignInId(uuid("s"));
    assert!(store.end_sign_in(sign_in, at(20)).await.unwrap());
    assert_eq!(store.break_glass(&pane("g", "s"), &told("broken", 20)).await.unwrap(), None);
    assert_eq!(store.break_glass(&pane("g", "nobody"), &told("broken", 20)).await.unwrap(), None);
    assert!(events(&*store).await.is_empty(), "nothing has happened");
}

pub(crate) async fn the_first_use_of_glass_is_told_once(subject: &dyn Subject) {
    let store = signed_in(subject).await;
    store.break_glass(&pane("g", "s"), &told("broken", 20)).await.unwrap();
    let uses = super::winners(|_| {
        let store = store.clone();
        async move { store.use_glass(uuid("g"), &told("used", 21)).await.unwrap() }
    });
    assert_eq!(uses.await, 1);
    assert!(!store.use_glass(uuid("unknown"), &told("used", 21)).await.unwrap());
    assert_eq!(events(&*store).await, ["broken", "used"]);
}
