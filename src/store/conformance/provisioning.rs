use std::sync::Arc;

use super::audit::{event, records};
use super::{Subject, added, at, person, session, uuid, winners};
use crate::store::Store;
use crate::store::provisioning::{
    Group, GroupChange, GroupId, GroupQuery, Members, Page, PeopleQuery, Provision, Provisioned,
};
use crate::user::{User, UserId, Username};

const ALL: Page = Page { offset: 0, limit: 100 };

fn provisioned(user: User, external_id: &str) -> Provisioned {
    let external_id = Some(external_id.to_owned());
    Provisioned { user, external_id, given_name: Some("Nez".to_owned()), family_name: None }
}

fn group(name: &str) -> Group {
    let external_id = Some(format!("external {name}"));
    Group { id: GroupId(uuid(name)), name: name.to_owned(), external_id, created_at: at(1) }
}

async fn put(store: &dyn Store, group: &Group, members: &[UserId]) {
    let done =
        store.add_group(group, &Members::All(members.to_vec()), &event(1, None), &event(2, None)).await;
    assert!(matches!(done, Ok(Provision::Done { .. })), "{done:?}");
}

async fn members(store: &dyn Store, name: &str) -> Vec<UserId> {
    let found = store.members(&[name.to_owned()]).await.unwrap();
    assert!(found.iter().all(|member| member.group == name));
    found.into_iter().map(|member| member.user).collect()
}

const DONE: Provision = Provision::Done { ended: 0 };

pub(crate) async fn a_provisioned_person_comes_back_whole(subject: &dyn Subject) {
    let store = subject.open().await;
    let by_hand = added(&*store, "by-hand").await;
    let bare = Provisioned { user: by_hand.clone(), external_id: None, given_name: None, family_name: None };
    assert_eq!(store.provisioned(by_hand.id).await.unwrap(), Some(bare.clone()), "whoever brought them");
    let nez = provisioned(person("nez"), "e1");
    assert_eq!(store.add_provisioned(&nez, &event(1, None)).await.unwrap(), DONE);
    assert_eq!(store.provisioned(nez.user.id).await.unwrap(), Some(nez.clone()));
    let taken = provisioned(User { id: person("x").id, ..person("nez") }, "e2");
    assert_eq!(store.add_provisioned(&taken, &event(2, None)).await.unwrap(), Provision::NameTaken);
    let taken = provisioned(person("x"), "e1");
    assert_eq!(store.add_provisioned(&taken, &event(2, None)).await.unwrap(), Provision::ExternalIdTaken);
    assert_eq!(store.user(taken.user.id).await.unwrap(), None, "all or nothing");
    let adopted = Provisioned { external_id: Some("e1".to_owned()), ..bare.clone() };
    let refused = store.change_provisioned(&bare, &adopted, &event(2, None)).await.unwrap();
    assert_eq!(refused, Provision::ExternalIdTaken);
    assert_eq!(records(&*store).await, [event(1, None)]);
}

pub(crate) async fn a_change_is_made_to_what_was_read_or_not_at_all(subject: &dyn Subject) {
    let store = subject.open().await;
    let before = provisioned(person("nez"), "e1");
    store.add_provisioned(&before, &event(1, None)).await.unwrap();
    let live = session(&before.user, "live", "live");
    assert!(store.put_session(&live, None).await.unwrap());
    added(&*store, "taken").await;
    let named = |name: &str| Provisioned {
        user: User { username: Username::parse(name).unwrap(), ..before.user.clone() },
        ..before.clone()
    };
    let refused = store.change_provisioned(&before, &named("taken"), &event(2, None)).await.unwrap();
    assert_eq!(refused, Provision::NameTaken);
    let changed = store.change_provisioned(&before, &named("new"), &event(20, None)).await.unwrap();
    assert_eq!(changed, Provision::Done { ended: 1 }, "sessions have the old name");
    assert_eq!(store.provisioned(before.user.id).await.unwrap(), Some(named("new")));
    let stale = store.change_provisioned(&before, &named("again"), &event(21, None)).await.unwrap();
    assert_eq!(stale, Provision::Stale);
    store.remove_user(before.user.id, &event(22, None)).await.unwrap();
    let gone = store.change_provisioned(&named("new"), &before, &event(23, None)).await.unwrap();
    assert_eq!(gone, Provision::Gone);
    let told = [event(1, None), event(20, None).with("ended", 1), event(22, None).with("ended", 0)];
    assert_eq!(records(&*store).await, told);
}

pub(crate) async fn wrong_passwords_go_along_with_a_new_name(subject: &dyn Subject) {
    let store = subject.open().await;
    let before = provisioned(person("nez"), "e1");
    store.add_provisioned(&before, &event(1, None)).await.unwrap();
    let new = Username::parse("new").unwrap();
    for _ in 0..5 {
        store.begin_attempt(&before.user.username, None, at(1)).await.unwrap().unwrap();
    }
    store.begin_attempt(&new, None, at(1)).await.unwrap().unwrap();
    let after = Provisioned { user: User { username: new.clone(), ..before.user.clone() }, ..before.clone() };
    assert_eq!(store.change_provisioned(&before, &after, &event(2, None)).await.unwrap(), DONE);
    assert!(store.begin_attempt(&new, None, at(2)).await.unwrap().is_err(), "it is locked as it was");
    assert!(store.begin_attempt(&before.user.username, None, at(2)).await.unwrap().is_ok());
}

pub(crate) async fn people_are_found_in_pages(subject: &dyn Subject) {
    let store = subject.open().await;
    for (n, name) in ["d", "a", "c", "b", "e"].iter().enumerate() {
        let mut user = User { disabled: n == 0, ..person(name) };
        user.set_claim("email", &[format!("{name}@kommune.example")]);
        store.add_provisioned(&provisioned(user, &format!("e{n}")), &event(1, None)).await.unwrap();
    }
    let all = PeopleQuery { page: ALL, ..PeopleQuery::default() };
    for (query, total, names) in [
        (all.clone(), 5, "abcde"),
        (PeopleQuery { page: Page { offset: 1, limit: 2 }, ..all.clone() }, 5, "bc"),
        (PeopleQuery { page: Page { offset: 9, limit: 2 }, ..all.clone() }, 5, ""),
        (PeopleQuery { page: Page { offset: 0, limit: 0 }, ..all.clone() }, 5, ""),
        (PeopleQuery { id: Some(person("c").id), ..all.clone() }, 1, "c"),
        (PeopleQuery { username: Some(person("c").username), ..all.clone() }, 1, "c"),
        (PeopleQuery { external_id: Some("e1".to_owned()), ..all.clone() }, 1, "a"),
        (PeopleQuery { external_id: Some("E1".to_owned()), ..all.clone() }, 0, ""),
        (PeopleQuery { name: Some("a".to_owned()), ..all.clone() }, 1, "a"),
        (PeopleQuery { email: Some("B@kommune.example".to_owned()), ..all.clone() }, 1, "b"),
        (PeopleQuery { disabled: Some(true), ..all.clone() }, 1, "d"),
        (PeopleQuery { disabled: Some(true), username: Some(person("c").username), ..all }, 0, ""),
    ] {
        let (count, found) = store.find_people(&query).await.unwrap();
        let found: String = found.iter().map(|person| person.user.username.as_str()).collect();
        assert_eq!((count, found.as_str()), (total, names), "{query:?}");
    }
}

pub(crate) async fn who_is_in_a_group_is_said_by_the_person(subject: &dyn Subject) {
    let store = subject.open().await;
    let by_hand = User { groups: vec!["nurses".to_owned()], ..person("by-hand") };
    assert!(store.add_user(&by_hand).await.unwrap());
    let [nez, ole] = [added(&*store, "nez").await, added(&*store, "ole").await];
    let live = session(&nez, "live", "live");
    assert!(store.put_session(&live, None).await.unwrap());
    let nurses = group("nurses");
    let joining = Members::Change { joining: vec![nez.id], leaving: vec![] };
    let done = store.add_group(&nurses, &joining, &event(20, None), &event(20, None)).await.unwrap();
    assert_eq!(done, Provision::Done { ended: 1 });
    assert_eq!(store.session(&live.token).await.unwrap(), None);
    assert_eq!(members(&*store, "nurses").await, [by_hand.id, nez.id]);
    assert_eq!(store.user(nez.id).await.unwrap().unwrap().groups, ["nurses"]);
    // Everybody whose groups change is told of, and nobody else.
    let of_nez = event(20, Some(nez.id)).with("joined", vec!["nurses"]).with("left", Vec::<String>::new());
    let of_nez = crate::store::AuditRecord {
        username: Some("nez".to_owned()),
        address: None,
        ..of_nez.with("ended", 1)
    };
    let of_group = event(20, None).with("joined", 1).with("left", 0).with("ended", 1);
    assert_eq!(records(&*store).await, [of_nez, of_group]);

    // A new name is everybody's, and what the directory or a hand does counts at once.
    let renamed = GroupChange { name: Some("carers".to_owned()), ..GroupChange::default() };
    store.change_group(nurses.id, &renamed, &event(21, None), &event(21, None)).await.unwrap();
    assert_eq!(store.user(by_hand.id).await.unwrap().unwrap().groups, ["carers"]);
    let ole = User { groups: vec!["carers".to_owned(), "other".to_owned()], ..ole };
    assert!(store.update_user(&ole).await.unwrap());
    assert_eq!(members(&*store, "carers").await, [by_hand.id, nez.id, ole.id]);
    let only = GroupChange { members: Members::All(vec![ole.id]), ..GroupChange::default() };
    store.change_group(nurses.id, &only, &event(22, None), &event(22, None)).await.unwrap();
    assert_eq!(members(&*store, "carers").await, [ole.id]);
    let done = store.remove_group(nurses.id, &event(23, None), &event(23, None)).await.unwrap();
    assert_eq!(done, DONE);
    assert_eq!(store.user(ole.id).await.unwrap().unwrap().groups, ["other"]);
    let gone = store.remove_group(nurses.id, &event(24, None), &event(24, None)).await.unwrap();
    assert_eq!(gone, Provision::Gone);
    let gone = store.change_group(nurses.id, &only, &event(24, None), &event(24, None)).await.unwrap();
    assert_eq!(gone, Provision::Gone);
    assert_eq!(store.verify_audit(None).await.unwrap().faults, []);
}

pub(crate) async fn a_group_is_changed_in_full_or_not_at_all(subject: &dyn Subject) {
    let store = subject.open().await;
    let nez = added(&*store, "nez").await;
    let (nurses, doctors) = (group("nurses"), group("doctors"));
    put(&*store, &nurses, &[nez.id]).await;
    put(&*store, &doctors, &[]).await;
    let told = records(&*store).await;
    let nobody = person("nobody").id;
    let change = |change: GroupChange| {
        let (store, id) = (Arc::clone(&store), nurses.id);
        async move { store.change_group(id, &change, &event(3, None), &event(3, None)).await.unwrap() }
    };
    let members_of = |members| GroupChange { name: Some("x".to_owned()), members, ..GroupChange::default() };
    let joining = Members::Change { joining: vec![nobody], leaving: vec![nez.id] };
    assert_eq!(change(members_of(joining)).await, Provision::NoSuchMember(nobody));
    assert_eq!(change(members_of(Members::All(vec![nobody]))).await, Provision::NoSuchMember(nobody));
    let name = Some("doctors".to_owned());
    assert_eq!(change(GroupChange { name, ..GroupChange::default() }).await, Provision::NameTaken);
    let external_id = Some(doctors.external_id.clone());
    let taken = change(GroupChange { external_id, ..GroupChange::default() }).await;
    assert_eq!(taken, Provision::ExternalIdTaken);
    let again = Group { id: GroupId(uuid("again")), external_id: None, ..nurses.clone() };
    let taken = store.add_group(&again, &Members::default(), &event(3, None), &event(3, None)).await.unwrap();
    assert_eq!(taken, Provision::NameTaken);
    assert_eq!(members(&*store, "nurses").await, [nez.id]);
    assert_eq!(records(&*store).await, told);
    // Who is nobody can leave, and a copy of what is there changes nothing.
    let leaving = Members::Change { joining: vec![nez.id], leaving: vec![nobody] };
    assert_eq!(change(GroupChange { members: leaving, ..GroupChange::default() }).await, DONE);
    assert_eq!(members(&*store, "nurses").await, [nez.id]);
}

pub(crate) async fn groups_are_found_in_pages(subject: &dyn Subject) {
    let store = subject.open().await;
    let nez = added(&*store, "nez").await;
    for name in ["c", "a", "b"] {
        put(&*store, &group(name), if name == "a" { &[] } else { std::slice::from_ref(&nez.id) }).await;
    }
    let all = GroupQuery { page: ALL, ..GroupQuery::default() };
    for (query, total, names) in [
        (all.clone(), 3, "abc"),
        (GroupQuery { page: Page { offset: 1, limit: 1 }, ..all.clone() }, 3, "b"),
        (GroupQuery { id: Some(group("c").id), ..all.clone() }, 1, "c"),
        (GroupQuery { name: Some("C".to_owned()), ..all.clone() }, 1, "c"),
        (GroupQuery { external_id: Some("external a".to_owned()), ..all.clone() }, 1, "a"),
        (GroupQuery { member: Some(nez.id), ..all.clone() }, 2, "bc"),
        (GroupQuery { member: Some(nez.id), id: Some(group("a").id), ..all }, 0, ""),
    ] {
        let (count, found) = store.find_groups(&query).await.unwrap();
        let found: String = found.iter().map(|group| group.name.as_str()).collect();
        assert_eq!((count, found.as_str()), (total, names), "{query:?}");
    }
    let named = store.groups_named(&["b".to_owned(), "unknown".to_owned()]).await.unwrap();
    assert_eq!(named, [group("b")]);
}

pub(crate) async fn of_many_who_join_nobody_is_lost(subject: &dyn Subject) {
    let store = subject.open().await;
    put(&*store, &group("nurses"), &[]).await;
    let mut people = Vec::new();
    for n in 0..16 {
        people.push(added(&*store, &format!("n{n}")).await.id);
    }
    let won = winners(|n| {
        let (store, id) = (Arc::clone(&store), people[n]);
        async move {
            let members = Members::Change { joining: vec![id], leaving: vec![] };
            let change = GroupChange { members, ..GroupChange::default() };
            let nurses = group("nurses").id;
            store.change_group(nurses, &change, &event(3, None), &event(3, None)).await.unwrap() == DONE
        }
    });
    assert_eq!(won.await, 16);
    assert_eq!(members(&*store, "nurses").await.len(), 16);
}
