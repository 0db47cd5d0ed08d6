//! Live sessions, all of them in memory.

use std::sync::Arc;
use std::time::Duration;

use sluse::authn::{Evidence, PasswordEvidence};
use sluse::random::{self, Random as _, SeededRandom};
use sluse::secret::Secret;
use sluse::session::{Lifetimes, Parts, Seat, Sessions, cookie};
use sluse::store::Store as _;
use sluse::store::sqlite::Sqlite;
use sluse::time::{Clock as _, ManualClock, Timestamp};
use sluse::user::{User, UserId, Username};
use tempfile::TempDir;

use crate::heads::HOST;

/// Sessions in memory, and a Cookie header for each, in no order.
pub struct House {
    pub sessions: Arc<Sessions>,
    pub cookies: Vec<String>,
    _folder: TempDir,
}

impl House {
    pub async fn with(count: usize) -> Self {
        // In memory where there is such a folder: every write waits for the disk, and none is measured.
        let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
        let folder = folder.expect("there is a folder for temporary files");
        let store = Sqlite::open(&folder.path().join("sluse.db")).await.expect("the store opens");
        let store = Arc::new(store);
        // It stands still: the revocations that were heard once stay heard.
        let clock = Arc::new(ManualClock::at(Timestamp::from_seconds(1_795_337_696)));
        let random = Arc::new(SeededRandom::new(1));
        let now = clock.now();
        let (sessions, _touches) = Sessions::new(Parts {
            store: store.clone(),
            clock,
            random: random.clone(),
            token_key: Secret::new([7; 32]),
            lifetimes: Lifetimes { idle: Duration::from_mins(15), absolute: Duration::from_hours(12) },
            shared_lifetimes: Lifetimes { idle: Duration::from_mins(15), absolute: Duration::from_hours(12) },
        });
        sessions.hear(None).await.expect("the store answers");
        let user = Arc::new(User {
            id: UserId(random::uuid(random.as_ref())),
            username: Username::parse("nez").expect("it is a name"),
            name: "Nez Perce".to_owned(),
            groups: vec!["care-staff".to_owned()],
            claims: Vec::new(),
            cpr: None,
            disabled: false,
            expires_at: None,
            created_at: now,
        });
        assert!(store.add_user(&user).await.expect("the store answers"));
        let mut cookies = Vec::with_capacity(count);
        for _ in 0..count {
            let evidence = Evidence::Password(PasswordEvidence { at: now });
            let opened =
                sessions.start(user.clone(), evidence, HOST, Seat::Own).await.expect("the store answers");
            cookies.push(format!("theme=dark; {}={}", cookie::SESSION, opened.token.value()));
        }
        shuffle(&mut cookies, &random);
        Self { sessions, cookies, _folder: folder }
    }
}

/// Fisher and Yates: neighbours in memory must not be neighbours in time.
fn shuffle(cookies: &mut [String], random: &SeededRandom) {
    for last in (1..cookies.len()).rev() {
        let mut bytes = [0; 8];
        random.fill(&mut bytes);
        let other =
            usize::try_from(u64::from_ne_bytes(bytes) % (last as u64 + 1)).expect("it is at most `last`");
        cookies.swap(last, other);
    }
}
