//! Sessions over a real store, under a clock that stands still.

use std::time::Duration;

use tempfile::TempDir;

use super::handoff::Bearer;
use super::*;
use crate::authn::ceremony::{Browser, Ceremonies};
use crate::authn::{CredentialId, KeyEvidence, Method, PasswordEvidence};
use crate::random::SeededRandom;
use crate::store::sqlite::Sqlite;
use crate::time::ManualClock;
use crate::user::{UserId, Username};

pub(super) const LOGIN: &str = "login.example";
const CURA: &str = "cura.example";
const IDLE: Duration = Duration::from_secs(15 * 60);
const ABSOLUTE: Duration = Duration::from_secs(12 * 3600);

pub(super) struct World {
    pub sessions: Arc<Sessions>,
    pub ceremonies: Ceremonies,
    pub clock: Arc<ManualClock>,
    pub store: Arc<dyn Store>,
    pub user: Arc<User>,
    pub sqlite: Arc<Sqlite>,
    pub touches: Touches,
    _folder: TempDir,
}

impl World {
    pub async fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let sqlite = Arc::new(Sqlite::open(&folder.path().join("s.db")).await.unwrap());
        let store: Arc<dyn Store> = sqlite.clone();
        let clock = Arc::new(ManualClock::at(Timestamp::from_seconds(1_000_000)));
        let random: Arc<dyn Random> = Arc::new(SeededRandom::new(7));
        let user = User {
            id: UserId(uuid::Uuid::from_u128(1)),
            username: Username::parse("nez").unwrap(),
            name: "Nez".to_owned(),
            groups: vec!["care-staff".to_owned()],
            claims: Vec::new(),
            cpr: None,
            disabled: false,
            expires_at: None,
            created_at: clock.now(),
        };
        assert!(store.add_user(&user).await.unwrap());
        let ceremonies = Ceremonies { store: store.clone(), clock: clock.clone(), random: random.clone() };
        let (sessions, touches) = node(&store, &clock, random);
        let world = Self {
            sessions,
            ceremonies,
            clock,
            store,
            user: Arc::new(user),
            sqlite,
            touches,
            _folder: folder,
        };
        world.hear().await;
        world
    }

    /// The feed is heard: what is in memory is trusted for a lease.
    pub async fn hear(&self) {
        self.sessions.hear(Some(0)).await.unwrap();
    }

    pub async fn signed_in(&self) -> Opened {
        self.sessions.start(self.user.clone(), self.password(), LOGIN, Seat::Own).await.unwrap()
    }

    pub fn password(&self) -> Evidence {
        Evidence::Password(PasswordEvidence { at: self.clock.now() })
    }

    fn key(&self) -> Evidence {
        let credential = CredentialId(vec![1]);
        Evidence::Key(KeyEvidence { at: self.clock.now(), credential, user_verified: false, until: None })
    }

    pub async fn find(&self, opened: &Opened) -> Option<Arc<Session>> {
        self.sessions.find(&opened.token.value(), &opened.session.host).await.unwrap()
    }
}

type Touches = mpsc::Receiver<(SignInId, Timestamp)>;

pub(super) fn another_node(
    store: &Arc<dyn Store>,
    clock: &Arc<ManualClock>,
    random: Arc<dyn Random>,
) -> Arc<Sessions> {
    node(store, clock, random).0
}

fn node(
    store: &Arc<dyn Store>,
    clock: &Arc<ManualClock>,
    random: Arc<dyn Random>,
) -> (Arc<Sessions>, Touches) {
    Sessions::new(Parts {
        store: store.clone(),
        clock: clock.clone(),
        random,
        token_key: Secret::new([1; 32]),
        lifetimes: Lifetimes { idle: IDLE, absolute: ABSOLUTE },
        shared_lifetimes: Lifetimes { idle: IDLE / 5, absolute: ABSOLUTE / 2 },
    })
}

#[tokio::test]
async fn a_session_in_memory_costs_no_store_call() {
    let world = World::new().await;
    let opened = world.signed_in().await;
    for _ in 0..100 {
        assert!(world.find(&opened).await.is_some());
    }
    assert_eq!(world.sessions.cache_counts(), (100, 0));
}

#[tokio::test]
async fn a_token_is_good_at_its_own_host_alone() {
    let world = World::new().await;
    let opened = world.signed_in().await;
    assert!(world.sessions.find(&opened.token.value(), CURA).await.unwrap().is_none());
}

#[tokio::test]
async fn a_step_up_kills_the_token_it_came_with() {
    let world = World::new().await;
    let before = world.signed_in().await;
    let raised = world.sessions.raise(&before.session, world.key()).await.unwrap().unwrap();
    assert!(world.find(&before).await.is_none());
    let session = world.find(&raised).await.unwrap();
    assert!(session.assurance.proven_at(Method::Key).is_some());
    assert!(session.assurance.proven_at(Method::Password).is_some());
    // Of two step-ups from one token, one gains nothing.
    assert!(world.sessions.raise(&before.session, world.key()).await.unwrap().is_none());
}

#[tokio::test]
async fn what_a_lent_key_has_proven_leaves_every_session_at_that_moment() {
    let world = World::new().await;
    let login = world.signed_in().await;
    let until = world.clock.now().plus(Duration::from_secs(5));
    let Evidence::Key(key) = world.key() else { unreachable!("it is a key") };
    let lent = Evidence::Key(KeyEvidence { until: Some(until), ..key });
    let login = world.sessions.raise(&login.session, lent).await.unwrap().unwrap();
    let (ask, target) = (Browser::of("nonce"), "https://cura.example/");
    let code = handoff::offer(&world.ceremonies, &login.session, ask, CURA, target).await.unwrap();
    let bearer = Bearer { ask, host: CURA, session: None };
    let app =
        handoff::enter(&world.ceremonies, &world.sessions, &code, &bearer).await.unwrap().unwrap().opened;
    let cold = another_node(&world.store, &world.clock, Arc::new(SeededRandom::new(9)));
    for (wait, proven) in [(4, true), (1, false)] {
        world.clock.advance(Duration::from_secs(wait));
        world.hear().await;
        for opened in [&login, &app] {
            let session = world.find(opened).await.unwrap();
            assert_eq!(session.assurance.key.is_some(), proven);
            assert!(session.assurance.password.is_some(), "and nothing else with it");
            let loaded = cold.find(&opened.token.value(), &opened.session.host).await.unwrap().unwrap();
            assert_eq!(loaded.assurance, session.assurance, "the store keeps the end");
        }
    }
}

#[tokio::test]
async fn an_apps_session_has_the_evidence_it_was_handed_and_no_more() {
    let world = World::new().await;
    let login = world.signed_in().await;
    let ask = Browser::of("nonce");
    let enter = async |session: &Session, had: Option<&Session>| {
        let target = "https://cura.example/x?y=1";
        let code = handoff::offer(&world.ceremonies, session, ask, CURA, target).await.unwrap();
        let bearer = Bearer { ask, host: CURA, session: had };
        let entered = handoff::enter(&world.ceremonies, &world.sessions, &code, &bearer).await.unwrap();
        let entered = entered.unwrap();
        assert_eq!(entered.target, target);
        entered.opened
    };
    let before = enter(&login.session, None).await;
    let raised = world.sessions.raise(&login.session, world.key()).await.unwrap().unwrap();
    assert!(world.find(&before).await.unwrap().assurance.key.is_none(), "a stolen token is not raised");
    let after = enter(&raised.session, Some(&before.session)).await;
    assert!(world.find(&after).await.unwrap().assurance.key.is_some());
    assert!(world.find(&before).await.is_none(), "the new session takes the old one's place");
    let again = enter(&raised.session, Some(&before.session)).await;
    assert!(world.find(&again).await.is_some() && world.find(&after).await.is_some(), "two tabs at once");

    let other = world.signed_in().await;
    let switched = enter(&other.session, Some(&after.session)).await;
    assert!(world.find(&switched).await.is_some());
    assert!(world.find(&raised).await.is_none(), "whoever sat there before is logged out");
}

#[tokio::test]
async fn a_hand_off_is_for_one_browser_one_host_once_and_briefly() {
    let world = World::new().await;
    let login = world.signed_in().await;
    let (ask, other) = (Browser::of("nonce"), Browser::of("somebody else's"));
    let offer = async || {
        handoff::offer(&world.ceremonies, &login.session, ask, CURA, "https://cura.example/").await.unwrap()
    };
    let enter = async |code: &str, browser, host| {
        let bearer = Bearer { ask: browser, host, session: None };
        handoff::enter(&world.ceremonies, &world.sessions, code, &bearer).await.unwrap().is_some()
    };
    let code = offer().await;
    assert!(!enter(&code, other, CURA).await, "another browser");
    assert!(enter(&code, ask, CURA).await, "and that spent nothing");
    assert!(!enter(&code, ask, CURA).await, "a second time");
    assert!(!enter(&offer().await, ask, "other.example").await, "another host");
    let code = offer().await;
    world.clock.advance(Duration::from_secs(30));
    assert!(!enter(&code, ask, CURA).await, "too late");
    let code = offer().await;
    world.sessions.end(&login.session).await.unwrap();
    assert!(!enter(&code, ask, CURA).await, "logged out meanwhile");
}

#[tokio::test]
async fn logging_out_ends_every_hosts_session_at_once() {
    let world = World::new().await;
    let login = world.signed_in().await;
    let ask = Browser::of("nonce");
    let code =
        handoff::offer(&world.ceremonies, &login.session, ask, CURA, "https://cura.example/").await.unwrap();
    let bearer = Bearer { ask, host: CURA, session: None };
    let cura = handoff::enter(&world.ceremonies, &world.sessions, &code, &bearer).await.unwrap().unwrap();
    world.sessions.end(&cura.opened.session).await.unwrap();
    assert!(world.find(&login).await.is_none());
    assert!(world.find(&cura.opened).await.is_none());
    assert!(world.sessions.raise(&login.session, world.key()).await.unwrap().is_none());
}

#[tokio::test]
async fn another_process_can_end_a_session_and_the_feed_tells_of_it() {
    let world = World::new().await;
    let opened = world.signed_in().await;
    world.store.end_sign_ins(world.user.id, None, world.clock.now()).await.unwrap();
    world.hear().await;
    assert!(world.find(&opened).await.is_none());
}

#[tokio::test]
async fn without_the_feed_the_store_is_asked_and_without_the_store_nothing_is_known() {
    let world = World::new().await;
    let opened = world.signed_in().await;
    world.store.end_sign_ins(world.user.id, None, world.clock.now()).await.unwrap();
    assert!(world.find(&opened).await.is_some(), "trusted for the lease");
    world.clock.advance(revoke::LEASE + Duration::from_millis(1));
    assert!(world.find(&opened).await.is_none(), "asked after it");

    let opened = world.signed_in().await;
    world.clock.advance(revoke::LEASE + Duration::from_millis(1));
    world.sqlite.close().await;
    assert!(world.sessions.find(&opened.token.value(), LOGIN).await.is_err(), "fails closed");
}

/// Whatever is ready is what would be found; what is not may be found all the same, by waiting.
#[tokio::test]
async fn what_is_ready_is_in_memory_and_alive_and_known_not_to_be_revoked() {
    let world = World::new().await;
    let opened = world.signed_in().await;
    let value = opened.token.value();
    let ready = |host| world.sessions.ready(&value, host).is_some();
    assert!(ready(LOGIN));
    assert!(!ready(CURA), "another host's");
    let restarted = another_node(&world.store, &world.clock, Arc::new(SeededRandom::new(8)));
    restarted.hear(Some(0)).await.unwrap();
    assert!(restarted.ready(&value, LOGIN).is_none(), "not in memory");

    world.clock.advance(revoke::LEASE + Duration::from_millis(1));
    assert!(!ready(LOGIN), "revocations were not heard of");
    world.hear().await;
    assert!(ready(LOGIN));
    world.clock.advance(IDLE);
    world.hear().await;
    assert!(!ready(LOGIN), "idle");

    let opened = world.signed_in().await;
    world.sessions.end(&opened.session).await.unwrap();
    assert!(world.sessions.ready(&opened.token.value(), LOGIN).is_none(), "ended");
}

#[tokio::test]
async fn sessions_end_idle_and_end_at_last() {
    let world = World::new().await;
    let opened = world.signed_in().await;
    let mut passed = Duration::ZERO;
    while passed + IDLE < ABSOLUTE {
        let step = IDLE - Duration::from_millis(1);
        world.clock.advance(step);
        passed += step;
        let session = world.find(&opened).await.expect("active, and within its time");
        world.sessions.touch(&session);
    }
    world.clock.advance(ABSOLUTE - passed);
    assert!(world.find(&opened).await.is_none(), "activity never moves the end");

    let idle = world.signed_in().await;
    world.clock.advance(IDLE);
    assert!(world.find(&idle).await.is_none());
    assert!(
        world.store.session(&idle.token.hash()).await.unwrap().is_none(),
        "and it is gone from the store"
    );
}

#[tokio::test]
async fn an_account_that_ends_takes_its_sessions_along() {
    let world = World::new().await;
    let opened = world.signed_in().await;
    let end = world.clock.now().plus(Duration::from_secs(60));
    let user = User { expires_at: Some(end), ..(*world.user).clone() };
    assert!(world.store.update_user(&user).await.unwrap());
    world.clock.advance(Duration::from_secs(61));
    assert!(world.find(&opened).await.is_none());
}

#[tokio::test]
async fn sessions_outlive_the_process() {
    let world = World::new().await;
    let opened = world.signed_in().await;
    let restarted = another_node(&world.store, &world.clock, Arc::new(SeededRandom::new(8)));
    let session = restarted.find(&opened.token.value(), LOGIN).await.unwrap().unwrap();
    assert_eq!(session.user.username.as_str(), "nez");
}

#[tokio::test]
async fn a_signing_in_on_a_shared_device_is_shorter() {
    let world = World::new().await;
    let start = async || {
        world.sessions.start(world.user.clone(), world.password(), LOGIN, Seat::Shared).await.unwrap()
    };
    let idle = start().await;
    world.clock.advance(IDLE / 5 - Duration::from_secs(1));
    assert!(world.find(&idle).await.is_some());
    world.clock.advance(Duration::from_secs(1));
    assert!(world.find(&idle).await.is_none());
    let active = start().await;
    assert_eq!(active.session.sign_in.expires_at, world.clock.now().plus(ABSOLUTE / 2));
    // As another node reads it from the store.
    let random: Arc<dyn Random> = Arc::new(SeededRandom::new(8));
    let node = another_node(&world.store, &world.clock, random);
    let there = node.find(&active.token.value(), LOGIN).await.unwrap().unwrap();
    assert!(there.sign_in.shared);
}
