use std::sync::Arc;

use super::{Subject, at, uuid, winners};
use crate::store::{AuditQuery, AuditRecord, Store};
use crate::user::UserId;

pub(crate) async fn rows_are_found_by_what_they_say(subject: &dyn Subject) {
    let store = subject.open().await;
    let [nez, other] = ["nez", "other"].map(|name| Some(UserId(uuid(name))));
    let written = [event(1, nez), event(2, None), event(3, other), event(3, nez), event(4, nez)];
    for record in &written {
        store.append_audit(record).await.unwrap();
    }
    let all = AuditQuery { limit: 10, ..AuditQuery::default() };
    let newest = AuditQuery { newest_first: true, ..all.clone() };
    let newest_of_all = newest.clone();
    for (query, rows) in [
        (all.clone(), &[0, 1, 2, 3, 4][..]),
        (newest.clone(), &[4, 3, 2, 1, 0]),
        (AuditQuery { limit: 2, ..newest.clone() }, &[4, 3]),
        (AuditQuery { limit: 0, ..newest.clone() }, &[]),
        (AuditQuery { user: nez, ..newest.clone() }, &[4, 3, 0]),
        (AuditQuery { user: nez, limit: 1, ..newest }, &[4]),
        (AuditQuery { user: Some(UserId(uuid("nobody"))), ..all.clone() }, &[]),
        (AuditQuery { username: Some("typed 3".to_owned()), ..all.clone() }, &[2, 3]),
        (AuditQuery { event: Some("password-wrong".to_owned()), user: other, ..all.clone() }, &[2]),
        (AuditQuery { event: Some("password-set".to_owned()), ..all.clone() }, &[]),
        (AuditQuery { address: Some("2001:db8:0::1".parse().unwrap()), ..all.clone() }, &[0, 2, 3, 4]),
        (AuditQuery { address: Some("10.0.0.1".parse().unwrap()), ..all.clone() }, &[]),
        (AuditQuery { correlation: Some("c2".to_owned()), ..all.clone() }, &[1]),
        (AuditQuery { from: Some(at(2)), until: Some(at(4)), ..all.clone() }, &[1, 2, 3]),
        (AuditQuery { before: Some(3), ..newest_of_all }, &[1, 0]),
        (AuditQuery { by: Some("anna".to_owned()), ..all.clone() }, &[]),
        (AuditQuery { from: Some(at(5)), ..all }, &[]),
    ] {
        let found = store.audit(&query).await.unwrap().into_iter().map(|row| row.record);
        let expected = rows.iter().map(|n| written[*n].clone());
        assert_eq!(found.collect::<Vec<_>>(), expected.collect::<Vec<_>>(), "{query:?}");
    }
}

pub(crate) async fn the_cursor_misses_nothing(subject: &dyn Subject) {
    let store = subject.open().await;
    let mut heard = Vec::new();
    let mut after = None;
    for round in 0..3 {
        for n in 0..5 {
            store.append_audit(&event(round * 10 + n, None)).await.unwrap();
        }
        loop {
            let query = AuditQuery { after, limit: 2, ..AuditQuery::default() };
            let rows = store.audit(&query).await.unwrap();
            let Some(last) = rows.last() else { break };
            assert!(last.position > after.unwrap_or(0));
            after = Some(last.position);
            heard.extend(rows.into_iter().map(|row| row.record));
        }
    }
    assert_eq!(heard, records(&*store).await);
    assert_eq!(heard.len(), 15);
}

pub(crate) async fn nodes_append_to_one_chain(subject: &dyn Subject) {
    let nodes = [subject.open().await, subject.open().await];
    let won = winners(|n| {
        let node = Arc::clone(&nodes[n % 2]);
        async move {
            for round in 0..8 {
                node.append_audit(&event(round, None)).await.unwrap();
            }
            true
        }
    });
    assert_eq!(won.await, 16);
    for node in nodes {
        let found = node.verify_audit(None).await.unwrap();
        assert_eq!((found.rows, found.faults), (128, Vec::new()));
    }
}

pub(crate) async fn forgetting_leaves_a_chain(subject: &dyn Subject) {
    let store = subject.open().await;
    // The clock went back once: what stands before a row to keep is forgotten, what stands after it is not.
    for seconds in [10, 20, 40, 30, 50] {
        store.append_audit(&event(seconds, None)).await.unwrap();
    }
    let head = store.verify_audit(None).await.unwrap().head;
    assert_eq!(store.forget_audit(at(10)).await.unwrap(), 0);
    assert_eq!(store.forget_audit(at(35)).await.unwrap(), 2);
    assert_eq!(records(&*store).await, [40, 30, 50].map(|seconds| event(seconds, None)));
    let found = store.verify_audit(Some(head)).await.unwrap();
    assert_eq!((found.rows, found.anchor.position + 3, found.head), (3, head.position, head));
    assert_eq!(found.faults, []);
    assert_eq!(store.forget_audit(at(1000)).await.unwrap(), 3);
    assert_eq!(store.verify_audit(Some(head)).await.unwrap().faults, []);
    store.append_audit(&event(60, None)).await.unwrap();
    let found = store.verify_audit(Some(head)).await.unwrap();
    assert_eq!((found.rows, found.head.position, found.faults), (1, head.position + 1, Vec::new()));
}

/// All of them, oldest first.
pub(super) async fn records(store: &dyn Store) -> Vec<AuditRecord> {
    let query = AuditQuery { limit: 1000, ..AuditQuery::default() };
    store.audit(&query).await.unwrap().into_iter().map(|row| row.record).collect()
}

pub(super) fn event(seconds: i64, user: Option<UserId>) -> AuditRecord {
    AuditRecord {
        at: at(seconds),
        event: "password-wrong".to_owned(),
        user,
        username: Some(format!("typed {seconds}")),
        address: user.map(|_| "2001:db8::1".parse().expect("an address")),
        correlation: format!("c{seconds}"),
        detail: "{\"n\":1}".to_owned(),
    }
}
