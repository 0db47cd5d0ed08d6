use super::sessions::everything;
use super::{Subject, added, at, glass, session, uuid};
use crate::store::{SessionRecord, SignInId, TokenHash};

pub(crate) async fn live_sessions_come_in_order(subject: &dyn Subject) {
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

    let page = async |from, now, limit| store.live_sessions(from, now, limit).await.unwrap();
    let expected = |mut records: Vec<SessionRecord>| {
        records.sort_by_key(|record| record.token.0);
        records.into_iter().map(|record| (record, nez.clone())).collect::<Vec<_>>()
    };
    let first = TokenHash([0; 32]);
    let all = expected(live.clone());
    assert_eq!(page(&first, at(49), 100).await, all);
    assert_eq!(page(&first, at(49), 4).await, all[..4]);
    assert_eq!(page(&all[3].0.token, at(49), 4).await, all[3..7]);
    live.push(broken);
    assert_eq!(page(&first, at(50), 100).await, expected(live));
    assert_eq!(page(&first, at(1000), 100).await, [], "their time is up");
}
