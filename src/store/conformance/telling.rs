use super::{Subject, at};
use crate::store::AuditRecord;
use crate::store::telling::Message;

fn message(position: i64, channel: &str) -> Message {
    let content = format!("{{\"event\":{position}}}");
    Message { position, channel: channel.to_owned(), at: at(position), content, attempts: 0 }
}

pub(crate) async fn what_is_to_be_told_is_claimed_until_it_is_told(subject: &dyn Subject) {
    let store = subject.open().await;
    assert_eq!(store.told().await.unwrap(), None);
    let messages = [message(1, "person"), message(1, "webhook:desk"), message(2, "person")];
    assert!(store.tell(None, 7, &messages).await.unwrap());
    let store = subject.open().await;
    assert_eq!((store.told().await.unwrap(), store.messages_waiting().await.unwrap()), (Some(7), 3));
    assert_eq!(store.oldest_message().await.unwrap().map(|message| message.position), Some(1));
    assert_eq!(store.claim_message(&["administrators"], at(10), at(20)).await.unwrap(), None);
    assert!(store.tell(Some(7), 8, &[message(8, "administrators")]).await.unwrap());
    let ahead = store.claim_message(&["administrators"], at(7), at(20)).await.unwrap().unwrap();
    assert!(store.finish_message(&ahead, None).await.unwrap(), "by a clock that is ahead of this one");

    let first = store.claim_message(&["administrators", "person"], at(10), at(20)).await.unwrap().unwrap();
    assert_eq!(first, Message { attempts: 1, ..message(1, "person") });
    let second = store.claim_message(&["person"], at(10), at(20)).await.unwrap().unwrap();
    assert_eq!(second.position, 2);
    assert_eq!(store.claim_message(&["person"], at(19), at(29)).await.unwrap(), None, "claimed");

    assert!(store.finish_message(&first, None).await.unwrap());
    store.postpone_message(&second, at(100)).await.unwrap();
    assert_eq!(store.claim_message(&["person"], at(99), at(109)).await.unwrap(), None, "postponed");
    let again = store.claim_message(&["person"], at(100), at(110)).await.unwrap().unwrap();
    assert_eq!((again.position, again.attempts), (2, 2));
    // Whoever claimed it is gone.
    let again = store.claim_message(&["person"], at(110), at(120)).await.unwrap().unwrap();
    assert_eq!((again.position, again.attempts), (2, 3));
    assert_eq!(store.messages_waiting().await.unwrap(), 2);
}

pub(crate) async fn of_two_who_follow_the_audit_one_moves_on(subject: &dyn Subject) {
    let store = subject.open().await;
    assert!(store.tell(None, 3, &[]).await.unwrap());
    assert!(!store.tell(None, 3, &[message(1, "person")]).await.unwrap());
    assert!(store.tell(Some(3), 5, &[message(4, "person")]).await.unwrap());
    assert!(!store.tell(Some(3), 5, &[message(4, "person"), message(5, "person")]).await.unwrap());
    assert_eq!((store.told().await.unwrap(), store.messages_waiting().await.unwrap()), (Some(5), 1));
}

pub(crate) async fn of_many_who_claim_a_message_one_gets_it(subject: &dyn Subject) {
    let store = subject.open().await;
    store.tell(None, 1, &[message(1, "person")]).await.unwrap();
    let claims = (0..8).map(|_| {
        let store = store.clone();
        tokio::spawn(async move { store.claim_message(&["person"], at(10), at(20)).await.unwrap() })
    });
    let mut got = 0;
    for claim in claims.collect::<Vec<_>>() {
        got += usize::from(claim.await.unwrap().is_some());
    }
    assert_eq!(got, 1);
}

pub(crate) async fn what_is_given_up_is_in_the_audit(subject: &dyn Subject) {
    let store = subject.open().await;
    store.tell(None, 1, &[message(1, "person")]).await.unwrap();
    let message = store.oldest_message().await.unwrap().unwrap();
    let record = AuditRecord {
        at: at(5),
        event: "telling-given-up".to_owned(),
        user: None,
        username: None,
        address: None,
        correlation: String::new(),
        detail: "{}".to_owned(),
    };
    assert!(store.finish_message(&message, Some(&record)).await.unwrap());
    assert!(!store.finish_message(&message, Some(&record)).await.unwrap(), "gone already");
    let rows = store.audit(&super::super::AuditQuery { limit: 9, ..Default::default() }).await.unwrap();
    assert_eq!(rows.into_iter().map(|row| row.record).collect::<Vec<_>>(), [record]);
    assert_eq!(store.oldest_message().await.unwrap(), None);
}
