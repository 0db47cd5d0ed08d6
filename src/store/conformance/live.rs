use std::sync::Arc;

use super::sessions::everything;
use super::{Subject, added, at, glass, session, uuid};
use crate::store::{SessionRecord, SignInId};
use crate::user::User;

pub(crate) async fn every_live_session_is_handed_over(subject: &dyn Subject) {
    let store = subject.open().await;
    let nez = added(&*store, "nez").await;
    let mut live: Vec<_> = (0..9).map(|n| session(&nez, &format!("s{}", n % 3), &n.to_string())).collect();
    live.push(SessionRecord { assurance: everything(), ..session(&nez, "s1", "whole") });
    let others = [("ended", "t1"), ("broken", "t2")].map(|(sign_in, token)| session(&nez, sign_in, token));
    for record in live.iter().chain(&others) {
        assert!(store.put_session(record, None).await.unwrap());
    }
    assert!(store.end_sign_in(SignInId(uuid("ended")), at(20)).await.unwrap());
    // Open until 50.
    let pane = glass::pane("first", "broken");
    assert!(store.break_glass(&pane, &glass::told("broken", 20)).await.unwrap().is_some());
    let [_, broken] = others;

    let all = async |now| {
        let (sender, taken) = std::sync::mpsc::channel();
        let take = move |record, user| sender.send((record, user)).unwrap();
        store.live_sessions(now, Arc::new(take)).await.unwrap();
        let mut taken: Vec<(SessionRecord, User)> = taken.into_iter().collect();
        taken.sort_by_key(|(record, _)| record.token.0);
        taken
    };
    let expected = |mut records: Vec<SessionRecord>| {
        records.sort_by_key(|record| record.token.0);
        records.into_iter().map(|record| (record, nez.clone())).collect::<Vec<_>>()
    };
    assert_eq!(all(at(49)).await, expected(live.clone()));
    live.push(broken);
    assert_eq!(all(at(50)).await, expected(live));
    assert_eq!(all(at(1000)).await, [], "their time is up");
}
