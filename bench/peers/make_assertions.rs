//! Assertions for every verifier alike: `make-assertions KEYS` prints, as JSON, that many registered software keys
//! of each algorithm that is offered, with what each has signed.

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use sluse::authn::authenticator::SoftwareAuthenticator;
use sluse::authn::webauthn::{Algorithm, RelyingParty, Verification};
use sluse::random::{self, Random, SystemRandom};
use sluse::store::{Key, RegisteredWith};
use sluse::time::Timestamp;
use sluse::user::{User, UserId, Username};
use url::Url;

const RP_ID: &str = "login.localhost";
const ORIGIN: &str = "http://login.localhost:8080";
const OF_EACH_KEY: usize = 32;
/// Where a credential's public key begins in authenticator data (WebAuthn L3, section 6.1): the hash of the RP ID,
/// flags, the count, the AAGUID, and an id of 32 bytes with its length.
const PUBLIC_KEY: usize = 32 + 1 + 4 + 16 + 2 + 32;

fn main() -> anyhow::Result<()> {
    let keys: usize = std::env::args().nth(1).context("KEYS is missing")?.parse()?;
    let relying_party = RelyingParty::new(RP_ID, &Url::parse(ORIGIN)?, "Sluse")?;
    let made = |algorithm| -> anyhow::Result<Value> {
        (0..keys).map(|_| key(&relying_party, algorithm, &SystemRandom)).collect()
    };
    let algorithms = json!({ "es256": made(Algorithm::Es256)?, "rs256": made(Algorithm::Rs256)? });
    println!("{}", json!({ "rp_id": RP_ID, "origin": ORIGIN, "algorithms": algorithms }));
    Ok(())
}

/// Registered as any key is, so that each verifier gets of it what a registration says.
fn key(relying_party: &RelyingParty, algorithm: Algorithm, random: &dyn Random) -> anyhow::Result<Value> {
    let user = user(UserId(random::uuid(random)))?;
    let mut authenticator = SoftwareAuthenticator::new(random);
    authenticator.algorithm = algorithm;
    let (options, registration) = relying_party.begin_registration(&user, &[], Verification::Discouraged)?;
    let draft = authenticator.draft_registration(&options, ORIGIN)?;
    let response = draft.response().to_string();
    let registered = relying_party.finish_registration(registration, user.id, response.as_bytes())?;
    let key = Key {
        credential: registered.credential,
        user: user.id,
        name: "a software key".to_owned(),
        passkey: registered.passkey,
        registered_at: Timestamp::EPOCH,
        registered_with: RegisteredWith::Code,
        used_at: None,
        suspect: false,
        loan: None,
    };
    let assertions: anyhow::Result<Value> = (0..OF_EACH_KEY)
        .map(|_| {
            let keys = std::slice::from_ref(&key);
            let (options, ceremony) =
                relying_party.begin_assertion(user.id, keys, Verification::Discouraged)?;
            let response = authenticator.assert(&options, ORIGIN)?;
            Ok(json!({ "ceremony": serde_json::to_value(&ceremony)?, "response": response }))
        })
        .collect();
    Ok(json!({
        "id": URL_SAFE_NO_PAD.encode(&key.credential.0),
        "user": user.id.0,
        "passkey": key.passkey,
        "public_key": URL_SAFE_NO_PAD.encode(&draft.authenticator_data[PUBLIC_KEY..]),
        "assertions": assertions?,
    }))
}

fn user(id: UserId) -> anyhow::Result<User> {
    Ok(User {
        id,
        username: Username::parse(&format!("bench-{id}"))?,
        name: String::new(),
        groups: Vec::new(),
        claims: Vec::new(),
        cpr: None,
        disabled: false,
        expires_at: None,
        created_at: Timestamp::EPOCH,
    })
}
