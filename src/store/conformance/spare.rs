use std::sync::Arc;

use super::audit::{event, records};
use super::{Subject, added, at, hash, key, person, uuid, winners};
use crate::authn::{CredentialId, MitIdLevel};
use crate::store::{Key, KeyAdded, Lent, Loan, RegisteredWith, SpareKey};

fn spare(name: &str) -> SpareKey {
    SpareKey {
        credential: CredentialId(name.as_bytes().to_vec()),
        handle: uuid(name),
        unit: "Nord".to_owned(),
        name: name.to_owned(),
        passkey: "{}".to_owned(),
        registered_at: at(10),
        used_at: None,
        suspect: false,
        lent: None,
    }
}

pub(crate) async fn a_spare_key_comes_back_whole(subject: &dyn Subject) {
    let store = subject.open().await;
    for name in ["b", "a"] {
        assert!(store.add_spare_key(&spare(name), &event(1, None)).await.unwrap());
    }
    assert_eq!(store.spare_keys().await.unwrap(), [spare("a"), spare("b")], "by name");
    let twice = SpareKey { name: "c".to_owned(), ..spare("a") };
    assert!(!store.add_spare_key(&twice, &event(2, None)).await.unwrap(), "the credential is taken");
    let same_name = SpareKey { name: "a".to_owned(), ..spare("c") };
    assert!(!store.add_spare_key(&same_name, &event(2, None)).await.unwrap(), "the name is taken");
    assert_eq!(records(&*store).await.len(), 2, "what did not happen is not told");
    assert!(store.remove_spare_key(&spare("a").credential, &event(3, None)).await.unwrap());
    assert!(!store.remove_spare_key(&spare("a").credential, &event(3, None)).await.unwrap());
    assert_eq!(store.spare_keys().await.unwrap(), [spare("b")]);
    assert_eq!(records(&*store).await.len(), 3);
}

pub(crate) async fn a_credential_is_one_persons_or_one_units(subject: &dyn Subject) {
    let store = subject.open().await;
    let nez = added(&*store, "nez").await;
    assert_eq!(store.add_key(&key(&nez, "own"), None, &event(1, None)).await.unwrap(), KeyAdded::Added);
    assert!(!store.add_spare_key(&spare("own"), &event(2, None)).await.unwrap());
    assert!(store.add_spare_key(&spare("units"), &event(3, None)).await.unwrap());
    let theirs = store.add_key(&key(&nez, "units"), None, &event(4, None)).await.unwrap();
    assert_eq!(theirs, KeyAdded::CredentialTaken);
    assert_eq!(store.keys(nez.id).await.unwrap(), [key(&nez, "own")]);
}

pub(crate) async fn a_loan_ends_by_itself(subject: &dyn Subject) {
    let store = subject.open().await;
    let [nez, ole] = [added(&*store, "nez").await, added(&*store, "ole").await];
    let k = spare("k");
    store.add_spare_key(&k, &event(1, None)).await.unwrap();
    let lend = async |holder, from, until| {
        store.lend_spare_key(&k.credential, holder, (at(from), at(until)), &event(2, None)).await.unwrap()
    };
    assert_eq!(lend(person("nobody").id, 20, 30).await, Lent::Gone);
    assert_eq!(lend(nez.id, 20, 30).await, Lent::Lent);
    let mine = k.lent_to(nez.id, at(30));
    assert_eq!(mine.loan, Some(Loan { handle: k.handle, until: at(30) }));
    assert_eq!(store.lent_keys(nez.id, at(29)).await.unwrap(), std::slice::from_ref(&mine));
    assert_eq!(store.lent_keys(ole.id, at(29)).await.unwrap(), []);
    assert_eq!(store.keys(nez.id).await.unwrap(), [], "it is not their own");
    assert_eq!(lend(ole.id, 29, 40).await, Lent::Out);
    assert!(store.update_key(&Key { used_at: Some(at(25)), ..mine.clone() }).await.unwrap());

    assert_eq!(store.lent_keys(nez.id, at(30)).await.unwrap(), [], "back in the drawer");
    assert_eq!(lend(ole.id, 30, 40).await, Lent::Lent);
    assert!(!store.update_key(&mine).await.unwrap(), "it is another's now");
    assert!(!store.return_spare_key(&k.credential, nez.id, at(35), &event(3, None)).await.unwrap());
    assert!(store.return_spare_key(&k.credential, ole.id, at(35), &event(3, None)).await.unwrap());
    assert!(!store.return_spare_key(&k.credential, ole.id, at(35), &event(3, None)).await.unwrap());
    assert_eq!(store.lent_keys(ole.id, at(35)).await.unwrap(), []);
    let back = SpareKey { used_at: Some(at(25)), ..k.clone() };
    assert_eq!(store.spare_keys().await.unwrap(), [back]);
    assert_eq!(records(&*store).await.len(), 4, "added, lent twice, returned");
    let unknown = CredentialId(vec![9]);
    let lent = store.lend_spare_key(&unknown, nez.id, (at(1), at(2)), &event(4, None)).await.unwrap();
    assert_eq!(lent, Lent::Gone);
}

pub(crate) async fn of_many_who_borrow_a_key_one_gets_it(subject: &dyn Subject) {
    let store = subject.open().await;
    let users = [added(&*store, "nez").await, added(&*store, "ole").await];
    store.add_spare_key(&spare("k"), &event(1, None)).await.unwrap();
    let won = winners(|n| {
        let (store, holder) = (Arc::clone(&store), users[n % 2].id);
        async move {
            let term = (at(20), at(30));
            store.lend_spare_key(&spare("k").credential, holder, term, &event(2, None)).await.unwrap()
                == Lent::Lent
        }
    });
    assert_eq!(won.await, 1);
    assert_eq!(records(&*store).await.len(), 2);
}

pub(crate) async fn a_suspect_key_is_not_lent(subject: &dyn Subject) {
    let store = subject.open().await;
    let nez = added(&*store, "nez").await;
    for name in ["a", "b"] {
        store.add_spare_key(&spare(name), &event(1, None)).await.unwrap();
    }
    let lend = async |name| {
        let term = (at(20), at(30));
        store.lend_spare_key(&spare(name).credential, nez.id, term, &event(2, None)).await.unwrap()
    };
    store.suspect_spare_key(&spare("a").credential).await.unwrap();
    assert_eq!(lend("a").await, Lent::Suspect);
    assert_eq!(lend("b").await, Lent::Lent);
    let copied = Key { suspect: true, ..spare("b").lent_to(nez.id, at(30)) };
    assert!(store.update_key(&copied).await.unwrap());
    assert!(store.lent_keys(nez.id, at(25)).await.unwrap()[0].suspect);
    assert!(store.return_spare_key(&spare("b").credential, nez.id, at(25), &event(3, None)).await.unwrap());
    assert_eq!(lend("b").await, Lent::Suspect);
}

pub(crate) async fn a_key_has_the_level_of_its_papers(subject: &dyn Subject) {
    let store = subject.open().await;
    let nez = added(&*store, "nez").await;
    let (code, level) = (hash("code"), MitIdLevel::Low);
    store.add_code(nez.id, &hash("before"), at(100)).await.unwrap();
    store.add_code_on_papers(nez.id, (&code, at(100)), level, &event(1, None)).await.unwrap();
    assert_eq!(records(&*store).await.len(), 1, "the papers are told with the code");
    assert!(!store.code_is_live(nez.id, &hash("before"), at(50)).await.unwrap(), "replaced");
    assert_eq!(store.papers_of_code(nez.id, &code).await.unwrap(), Some(level));
    assert_eq!(store.papers_of_code(nez.id, &hash("before")).await.unwrap(), None);
    let with = |registered_with| Key { registered_with, ..key(&nez, "k") };
    for wrong in [RegisteredWith::Code, RegisteredWith::Papers(MitIdLevel::High)] {
        let refused = store.add_key(&with(wrong), Some(&code), &event(2, None)).await.unwrap();
        assert_eq!(refused, KeyAdded::CodeSpent, "{wrong:?}");
    }
    let right = with(RegisteredWith::Papers(level));
    assert_eq!(store.add_key(&right, Some(&code), &event(2, None)).await.unwrap(), KeyAdded::Added);
    assert_eq!(store.keys(nez.id).await.unwrap(), [right]);

    store.add_code_on_papers(nez.id, (&code, at(100)), level, &event(3, None)).await.unwrap();
    store.add_code(nez.id, &code, at(100)).await.unwrap();
    assert_eq!(store.papers_of_code(nez.id, &code).await.unwrap(), None, "the service desk's own");
}
