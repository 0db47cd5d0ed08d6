//! Parked requests over a real store: every step once, in one browser, for one person.

use super::*;
use crate::session::Seat;
use crate::session::cookie::RETURNING;
use crate::session::handoff::{self, Bearer};
use crate::session::tests::World;

const ASK: &str = "the nonce of one browser";
const HOST: &str = "cura.example";

fn dose() -> Request {
    let body = Bytes::from_static(b"dose=2");
    let identity = Identity {
        host: HOST.to_owned(),
        method: "POST".to_owned(),
        target: "/medication/7?unit=mg".to_owned(),
        body: *blake3::hash(&body).as_bytes(),
    };
    let kept = Kept { content_type: "application/x-www-form-urlencoded".to_owned(), body };
    Request { identity, asker: Asker::Page, user: None, kept: Some(kept) }
}

/// Nez at Cura, and the session at the login host.
async fn nez(world: &World) -> (std::sync::Arc<Session>, std::sync::Arc<Session>) {
    let login = world.signed_in().await.session;
    let ask = Browser::of(ASK);
    let code = handoff::offer(&world.ceremonies, &login, ask, HOST, "/").await.unwrap();
    let bearer = Bearer { ask, host: HOST, session: None };
    let entered = handoff::enter(&world.ceremonies, &world.sessions, &code, &bearer).await.unwrap().unwrap();
    (entered.opened.session, login)
}

async fn back(world: &World, id: &str, session: &Session) -> Resumed {
    match resume(&world.ceremonies, ASK, id, session).await.unwrap() {
        Resumption::Resumed(resumed) => resumed,
        other => panic!("{other:?}"),
    }
}

async fn is_gone(world: &World, ask: &str, id: &str, session: &Session) -> bool {
    matches!(resume(&world.ceremonies, ask, id, session).await.unwrap(), Resumption::Gone)
}

#[tokio::test]
async fn what_was_parked_comes_back_whole_and_approved_once() {
    let world = World::new().await;
    let (cura, login) = nez(&world).await;
    let id = park(&world.ceremonies, ASK, dose()).await.unwrap();
    approve(&world.ceremonies, Browser::of(ASK), &id, &login).await.unwrap();
    // A second touch, before the first was used.
    approve(&world.ceremonies, Browser::of(ASK), &id, &login).await.unwrap();
    let resumed = back(&world, &id, &cura).await;
    assert_eq!((resumed.method.as_str(), resumed.target.as_str()), ("POST", "/medication/7?unit=mg"));
    assert!(resumed.kept && !resumed.same_person);
    assert!(is_gone(&world, ASK, &id, &cura).await, "resumed twice");
    assert!(is_meant(&resumed.cookie, "POST", "/medication/7?unit=mg", true));
    assert!(!is_meant(&resumed.cookie, "POST", "/medication/7?unit=mg", false), "filled in anew");
    assert!(!is_meant(&resumed.cookie, "GET", "/medication/7?unit=mg", true));
    assert!(!is_meant(&resumed.cookie, "POST", "/medication/7", true));
    assert!(!is_meant(RETURNING, "POST", "/medication/7?unit=mg", true));
    let taken = take(&world.ceremonies, ASK, &resumed.cookie, &cura).await.unwrap().unwrap();
    assert!(taken.approved);
    assert_eq!((Some(taken.identity), taken.kept), (Some(dose().identity), dose().kept));
    assert!(take(&world.ceremonies, ASK, &resumed.cookie, &cura).await.unwrap().is_none(), "taken twice");
}

#[tokio::test]
async fn another_browser_gets_nothing() {
    let world = World::new().await;
    let (cura, login) = nez(&world).await;
    let id = park(&world.ceremonies, ASK, dose()).await.unwrap();
    assert!(is_gone(&world, "another", &id, &cura).await);
    approve(&world.ceremonies, Browser::of("another"), &id, &login).await.unwrap();
    let resumed = back(&world, &id, &cura).await;
    assert!(take(&world.ceremonies, "another", &resumed.cookie, &cura).await.unwrap().is_none());
    let taken = take(&world.ceremonies, ASK, &resumed.cookie, &cura).await.unwrap().unwrap();
    assert!(!taken.approved, "approved in another browser");
}

#[tokio::test]
async fn another_person_gets_nothing_and_it_is_gone() {
    let world = World::new().await;
    let (cura, _) = nez(&world).await;
    let oles = UserId(Uuid::from_u128(2));
    let id = park(&world.ceremonies, ASK, Request { user: Some(oles), ..dose() }).await.unwrap();
    let anothers = resume(&world.ceremonies, ASK, &id, &cura).await.unwrap();
    assert!(matches!(anothers, Resumption::Anothers));
    assert!(is_gone(&world, ASK, &id, &cura).await);
    let nezs = Some(cura.user.id);
    let id = park(&world.ceremonies, ASK, Request { user: nezs, ..dose() }).await.unwrap();
    let resumed = back(&world, &id, &cura).await;
    assert!(resumed.same_person);
}

#[tokio::test]
async fn an_approval_and_a_return_belong_to_one_signing_in() {
    let world = World::new().await;
    let (first, login) = nez(&world).await;
    let (second, _) = nez(&world).await;
    let id = park(&world.ceremonies, ASK, dose()).await.unwrap();
    approve(&world.ceremonies, Browser::of(ASK), &id, &login).await.unwrap();
    let resumed = back(&world, &id, &second).await;
    assert!(take(&world.ceremonies, ASK, &resumed.cookie, &first).await.unwrap().is_none());
    let id = park(&world.ceremonies, ASK, dose()).await.unwrap();
    approve(&world.ceremonies, Browser::of(ASK), &id, &login).await.unwrap();
    let resumed = back(&world, &id, &second).await;
    let taken = take(&world.ceremonies, ASK, &resumed.cookie, &second).await.unwrap().unwrap();
    assert!(!taken.approved, "approved by another signing in");
}

#[tokio::test]
async fn another_hosts_session_does_not_resume() {
    let world = World::new().await;
    let (_, login) = nez(&world).await;
    let id = park(&world.ceremonies, ASK, dose()).await.unwrap();
    assert!(is_gone(&world, ASK, &id, &login).await);
}

#[tokio::test]
async fn what_waits_is_forgotten_in_time() {
    let world = World::new().await;
    let (cura, login) = nez(&world).await;
    let id = park(&world.ceremonies, ASK, dose()).await.unwrap();
    approve(&world.ceremonies, Browser::of(ASK), &id, &login).await.unwrap();
    world.clock.advance(Approval::LIFETIME);
    let resumed = back(&world, &id, &cura).await;
    world.clock.advance(Returning::LIFETIME);
    assert!(take(&world.ceremonies, ASK, &resumed.cookie, &cura).await.unwrap().is_none());
    let id = park(&world.ceremonies, ASK, dose()).await.unwrap();
    world.clock.advance(Parked::LIFETIME);
    assert!(is_gone(&world, ASK, &id, &cura).await);
    let id = park(&world.ceremonies, ASK, dose()).await.unwrap();
    let resumed = back(&world, &id, &cura).await;
    let taken = take(&world.ceremonies, ASK, &resumed.cookie, &cura).await.unwrap().unwrap();
    assert!(!taken.approved, "approved by what was given for another");
}

#[tokio::test]
async fn where_many_people_sit_what_nobody_is_known_to_have_sent_is_nobodys() {
    let world = World::new().await;
    let session = |seat| world.sessions.start(world.user.clone(), world.password(), HOST, seat);
    let id = park(&world.ceremonies, ASK, dose()).await.unwrap();
    let shared = session(Seat::Shared).await.unwrap().session;
    let anothers = resume(&world.ceremonies, ASK, &id, &shared).await.unwrap();
    assert!(matches!(anothers, Resumption::Anothers));
    let id = park(&world.ceremonies, ASK, dose()).await.unwrap();
    back(&world, &id, &session(Seat::Own).await.unwrap().session).await;
}
