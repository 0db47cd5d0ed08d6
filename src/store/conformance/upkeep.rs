use std::sync::Arc;
use std::time::Duration;

use super::audit::{self, event};
use super::{Subject, added, at, hash, key, session, uuid, winners};
use crate::authn::MitIdSubject;
use crate::store::{CeremonyRecord, SignInId, TraceRecord};
use crate::time::Timestamp;

pub(crate) async fn a_new_store_answers(subject: &dyn Subject) {
    let store = subject.open().await;
    store.check().await.unwrap();
    store.check().await.unwrap();
    assert_eq!(store.users().await.unwrap(), []);
}

pub(crate) async fn everything_survives_a_restart(subject: &dyn Subject) {
    let store = subject.open().await;
    let nez = added(&*store, "nez").await;
    let k = key(&nez, "k");
    let live = session(&nez, "live", "live");
    let ended = session(&nez, "ended", "ended");
    store.set_password(nez.id, "$phc").await.unwrap();
    store.add_code(nez.id, &hash("code"), at(100)).await.unwrap();
    store.add_key(&k, None, &event(1, None)).await.unwrap();
    store.put_ceremony(&ceremony("c", 100)).await.unwrap();
    store.put_session(&live, None).await.unwrap();
    store.put_session(&ended, None).await.unwrap();
    store.end_sign_in(ended.sign_in.id, at(20)).await.unwrap();
    store.append_audit(&event(2, Some(nez.id))).await.unwrap();
    let feed = store.revocations(Some(0)).await.unwrap();
    drop(store);

    let store = subject.open().await;
    assert_eq!(store.user(nez.id).await.unwrap(), Some(nez.clone()));
    assert_eq!(store.password(nez.id).await.unwrap().as_deref(), Some("$phc"));
    assert!(store.code_is_live(nez.id, &hash("code"), at(50)).await.unwrap());
    assert_eq!(store.keys(nez.id).await.unwrap(), [k]);
    assert_eq!(store.session(&live.token).await.unwrap(), Some((live, nez.clone())));
    assert_eq!(store.session(&ended.token).await.unwrap(), None);
    assert!(!store.put_session(&session(&nez, "ended", "late"), None).await.unwrap());
    assert_eq!(store.revocations(Some(0)).await.unwrap(), feed);
    assert_eq!(audit::records(&*store).await, [event(1, None), event(2, Some(nez.id))]);
    assert_eq!(store.verify_audit(None).await.unwrap().faults, []);
    let taken = store.take_ceremony(&hash("c"), "login", &hash("browser"), at(50)).await.unwrap();
    assert_eq!(taken, Some(ceremony("c", 100)));
    drop(store);
    let store = subject.open().await;
    assert_eq!(store.take_ceremony(&hash("c"), "login", &hash("browser"), at(50)).await.unwrap(), None);
}

pub(crate) async fn nodes_write_side_by_side(subject: &dyn Subject) {
    let nodes = [subject.open().await, subject.open().await];
    let mut users = Vec::new();
    for n in 0..16 {
        users.push(added(&*nodes[0], &format!("user{n}")).await);
    }
    let won = winners(|n| {
        let (node, user) = (Arc::clone(&nodes[n % 2]), users[n].clone());
        async move {
            for round in 0..8 {
                let issuer = format!("https://{round}");
                let mitid = MitIdSubject { issuer, subject: user.username.to_string() };
                assert!(node.bind_mitid(user.id, &mitid, at(1)).await.unwrap());
                let session = session(&user, &format!("{n} {round}"), &format!("{n} {round}"));
                assert!(node.put_session(&session, None).await.unwrap());
            }
            node.end_sign_ins(user.id, None, at(20)).await.unwrap().len() == 8
        }
    });
    assert_eq!(won.await, 16);
    for node in nodes {
        assert_eq!(node.revocations(Some(0)).await.unwrap().len(), 128);
    }
}

pub(crate) async fn a_trace_is_found_for_its_time(subject: &dyn Subject) {
    let store = subject.open().await;
    let trace = |code: &str, n: i64| TraceRecord {
        code: code.to_owned(),
        at: at(n),
        expires_at: at(n + 100),
        trace: format!("{{\"n\":{n}}}"),
    };
    let (a, b, again) = (trace("7F3K-92QD", 10), trace("0000-0000", 20), trace("7F3K-92QD", 30));
    store.put_traces(&[a.clone(), b.clone()]).await.unwrap();
    store.put_traces(&[]).await.unwrap();
    assert_eq!(store.trace(&a.code, at(109)).await.unwrap(), Some(a.clone()));
    assert_eq!(store.trace(&a.code, at(110)).await.unwrap(), None, "its time is over");
    assert_eq!(store.trace("7F3K-92QE", at(50)).await.unwrap(), None);
    store.put_traces(std::slice::from_ref(&again)).await.unwrap();
    assert_eq!(store.trace(&a.code, at(50)).await.unwrap(), Some(again.clone()), "the later one");
    store.purge(at(120)).await.unwrap();
    // Asked as of an earlier time, so that only forgetting can make it absent.
    assert_eq!(store.trace(&b.code, at(50)).await.unwrap(), None);
    assert_eq!(store.trace(&a.code, at(50)).await.unwrap(), Some(again));
}

pub(crate) async fn purge_forgets_what_is_past(subject: &dyn Subject) {
    let store = subject.open().await;
    let [nez, other] = [added(&*store, "nez").await, added(&*store, "other").await];
    store.add_code(nez.id, &hash("past"), at(1000)).await.unwrap();
    store.add_code(other.id, &hash("live"), at(1001)).await.unwrap();
    for (id, expires_at) in [("past", 1000), ("live", 1001)] {
        store.put_ceremony(&ceremony(id, expires_at)).await.unwrap();
        let mut record = session(&nez, id, id);
        record.sign_in.expires_at = at(expires_at);
        assert!(store.put_session(&record, None).await.unwrap());
    }
    store.append_audit(&event(1, Some(nez.id))).await.unwrap();
    store.purge(at(1000)).await.unwrap();
    // Asked as of an earlier time, so that only forgetting can make them absent.
    for (name, lives) in [("past", false), ("live", true)] {
        let owner = if lives { other.id } else { nez.id };
        assert_eq!(store.code_is_live(owner, &hash(name), at(50)).await.unwrap(), lives, "{name}");
        assert_eq!(store.session(&hash(name)).await.unwrap().is_some(), lives, "{name}");
        let taken = store.take_ceremony(&hash(name), "login", &hash("browser"), at(50)).await.unwrap();
        assert_eq!(taken.is_some(), lives, "{name}");
    }
    assert!(!store.end_sign_in(SignInId(uuid("past")), at(50)).await.unwrap());
    assert_eq!(audit::records(&*store).await.len(), 1, "the audit is not purge's to forget");
    assert_eq!(store.users().await.unwrap().len(), 2);
}

pub(crate) async fn positions_are_never_given_twice(subject: &dyn Subject) {
    const DAY: Duration = Duration::from_hours(24);
    let store = subject.open().await;
    let nez = added(&*store, "nez").await;
    let end = async |name: &str, when: Timestamp| {
        assert!(store.put_session(&session(&nez, name, name), None).await.unwrap());
        assert!(store.end_sign_in(SignInId(uuid(name)), when).await.unwrap());
    };
    end("first", at(100)).await;
    end("second", at(200)).await;
    let heard = store.revocations(None).await.unwrap()[0].position;
    store.purge(at(100).plus(DAY)).await.unwrap();
    assert_eq!(store.revocations(Some(0)).await.unwrap().len(), 2, "a day old is not older than a day");
    store.purge(at(101).plus(DAY)).await.unwrap();
    assert_eq!(store.revocations(Some(0)).await.unwrap().len(), 1);
    store.purge(at(201).plus(DAY)).await.unwrap();
    assert_eq!(store.revocations(Some(0)).await.unwrap(), []);
    end("third", at(300)).await;
    let news = store.revocations(Some(heard)).await.unwrap();
    assert_eq!(news.len(), 1, "whoever heard the second hears the third");
    assert_eq!(news[0].sign_in, SignInId(uuid("third")));
}

fn ceremony(id: &str, expires_at: i64) -> CeremonyRecord {
    CeremonyRecord {
        id: hash(id),
        kind: "login".to_owned(),
        browser: hash("browser"),
        state: "{}".to_owned(),
        expires_at: at(expires_at),
    }
}
