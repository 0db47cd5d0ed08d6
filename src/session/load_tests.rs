//! Sessions that are not in memory, or packed there, over a real store.

use std::time::Duration;

use super::*;
use crate::random::SeededRandom;
use crate::secret::Secret;
use crate::session::Opened;
use crate::session::cookie::SessionToken;
use crate::session::tests::{LOGIN, World, another_node};
use crate::time::Clock;

/// A node with nothing in memory, and as many tokens whose sessions the store has.
async fn beside_a_cold_node(world: &World, sessions: u64) -> (Arc<Sessions>, Vec<SessionToken>) {
    let first = world.signed_in().await.session;
    let random = SeededRandom::new(3);
    let tokens: Vec<_> =
        (0..sessions).map(|_| SessionToken::new(&random, &Secret::new([1; 32]), LOGIN)).collect();
    let hashes: Vec<_> = tokens.iter().map(SessionToken::hash).collect();
    world.sqlite.copy_session(&first.token, &hashes).await;
    let node = another_node(&world.store, &world.clock, Arc::new(SeededRandom::new(9)));
    node.hear(None).await.unwrap();
    (node, tokens)
}

#[tokio::test]
async fn a_cold_token_is_loaded_once_however_many_wait() {
    let world = World::new().await;
    let opened = world.signed_in().await;
    let node = another_node(&world.store, &world.clock, Arc::new(SeededRandom::new(9)));
    node.hear(None).await.unwrap();
    let asked: Vec<_> = (0..50)
        .map(|_| {
            let (node, value) = (node.clone(), opened.token.value());
            tokio::spawn(async move { node.find(&value, LOGIN).await.unwrap().unwrap() })
        })
        .collect();
    let mut found = Vec::new();
    for task in asked {
        found.push(task.await.unwrap());
    }
    assert!(found.iter().all(|session| Arc::ptr_eq(session, &found[0])), "one load serves all who wait");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cold_node_asks_once_for_each_of_ten_thousand() {
    const SESSIONS: u64 = 10_000;
    let world = World::new().await;
    let (node, tokens) = beside_a_cold_node(&world, SESSIONS).await;
    let mut asked = tokio::task::JoinSet::new();
    for token in &tokens {
        for _ in 0..3 {
            let (node, value) = (node.clone(), token.value());
            asked.spawn(async move { node.find(&value, LOGIN).await.unwrap().is_some() });
        }
    }
    assert!(asked.join_all().await.into_iter().all(|found| found));
    assert_eq!(node.cache_counts(), (2 * SESSIONS, SESSIONS), "one load a session");
}

#[tokio::test]
async fn what_is_loaded_beforehand_costs_no_store_call() {
    let world = World::new().await;
    let opened = world.signed_in().await;
    let ended = world.signed_in().await;
    let node = another_node(&world.store, &world.clock, Arc::new(SeededRandom::new(9)));
    let position = node.hear(None).await.unwrap();
    assert_eq!(node.preload().await.unwrap(), 2);
    // Ended elsewhere, after the load and before anybody asks.
    world.store.end_sign_in(ended.session.sign_in.id, world.clock.now()).await.unwrap();
    node.hear(position).await.unwrap();
    let find = async |opened: &Opened| node.find(&opened.token.value(), LOGIN).await.unwrap();
    let found = find(&opened).await.unwrap();
    assert_eq!((&found.user, &found.assurance), (&opened.session.user, &opened.session.assurance));
    assert!(find(&ended).await.is_none());
    assert_eq!(node.cache_counts(), (2, 0));
}

#[tokio::test]
async fn all_are_loaded_beforehand_however_many() {
    const SESSIONS: u64 = 20_000;
    let world = World::new().await;
    let (node, tokens) = beside_a_cold_node(&world, SESSIONS).await;
    assert_eq!(node.preload().await.unwrap(), SESSIONS + 1);
    for token in &tokens {
        assert!(node.find(&token.value(), LOGIN).await.unwrap().is_some());
    }
    assert_eq!(node.cache_counts(), (SESSIONS, 0));
}

#[tokio::test]
async fn a_session_that_rests_is_found_again() {
    let world = World::new().await;
    let opened = world.signed_in().await;
    let before = world.find(&opened).await.unwrap();
    world.clock.advance(Duration::from_secs(60));
    world.hear().await;
    world.sessions.rest(world.clock.now()).await;
    let after = world.find(&opened).await.unwrap();
    assert!(!Arc::ptr_eq(&before, &after), "it was packed");
    assert_eq!((&before.user, &before.assurance), (&after.user, &after.assurance));
    assert_eq!(world.sessions.cache_counts(), (2, 0));
    assert!(Arc::ptr_eq(&after, &world.find(&opened).await.unwrap()), "and is in use again");
    world.sessions.end(&before).await.unwrap();
    assert!(world.find(&opened).await.is_none(), "whole or packed, it has the same signing in");
}
