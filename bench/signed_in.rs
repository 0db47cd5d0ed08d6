//! Signs somebody in without a browser: `signed-in CONFIG HOST GROUP…` adds a person to the installation's
//! store, opens a session at that host, proven by password and key just now, and prints its cookie.
//!
//! It needs what the gateway itself needs, the store and the key file: whoever can read those can be anybody.

use std::path::Path;

use anyhow::Context as _;
use sluse::authn::{CredentialId, Evidence, KeyEvidence, PasswordEvidence};
use sluse::config::Config;
use sluse::random;
use sluse::secret::Keys;
use sluse::server::{World, open_store};
use sluse::session::{Lifetimes, Parts, Seat, Sessions, cookie};
use sluse::user::{User, UserId, Username};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let config = arguments.next().context("CONFIG is missing")?;
    let host = arguments.next().context("HOST is missing")?;
    let config =
        Config::load(Path::new(&config)).map_err(|problems| anyhow::anyhow!("{config}: {problems:?}"))?;

    let World { clock, random } = World::system();
    let now = clock.now();
    let store = open_store(&config.store).await?;
    let id = UserId(random::uuid(random.as_ref()));
    let user = User {
        id,
        username: Username::parse(&format!("bench-{id}"))?,
        name: "Bench".to_owned(),
        groups: arguments.collect(),
        claims: Vec::new(),
        cpr: None,
        disabled: false,
        expires_at: None,
        created_at: now,
    };
    store.add_user(&user).await?;
    let (sessions, _touches) = Sessions::new(Parts {
        store,
        clock,
        random,
        token_key: Keys::load(&config.key_file)?.token,
        lifetimes: Lifetimes { idle: config.sessions.idle, absolute: config.sessions.absolute },
        shared_lifetimes: Lifetimes { idle: config.sessions.idle, absolute: config.sessions.absolute },
    });
    let password = Evidence::Password(PasswordEvidence { at: now });
    let opened = sessions.start(user.into(), password, &host, Seat::Own).await?;
    let credential = CredentialId(b"bench".to_vec());
    let key = Evidence::Key(KeyEvidence { at: now, credential, user_verified: false, until: None });
    let raised =
        sessions.raise(&opened.session, key).await?.context("the session ended while it was made")?;
    println!("{}={}", cookie::SESSION, raised.token.value());
    Ok(())
}
