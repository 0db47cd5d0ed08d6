//! Verifies what `make-assertions` wrote: `verify-assertions sluse|webauthn-rs FILE ALGORITHM SECONDS` prints how
//! many it verified, and the CPU seconds they took.

use std::time::Duration;

use anyhow::Context as _;
use serde::Deserialize;
use serde_json::{Value, json};
use sluse::authn::CredentialId;
use sluse::authn::webauthn::{Assertion, Credential, RelyingParty};
use sluse::store::{Key, RegisteredWith};
use sluse::time::Timestamp;
use sluse::user::UserId;
use url::Url;
use webauthn_rs_core::WebauthnCore;
use webauthn_rs_core::proto::{self, AuthenticationState, PublicKeyCredential};

#[derive(Deserialize)]
struct File {
    rp_id: String,
    origin: Url,
    algorithms: std::collections::HashMap<String, Vec<Made>>,
}

/// A key, and what it signed.
#[derive(Deserialize)]
struct Made {
    user: uuid::Uuid,
    passkey: String,
    assertions: Vec<Signed>,
}

#[derive(Deserialize)]
struct Signed {
    ceremony: Value,
    response: String,
}

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [who, path, algorithm, seconds] = &arguments[..] else {
        anyhow::bail!("verify-assertions sluse|webauthn-rs FILE ALGORITHM SECONDS");
    };
    let mut file: File = serde_json::from_slice(&std::fs::read(path)?)?;
    let keys = file.algorithms.remove(algorithm).context("the file has no such algorithm")?;
    let window = Duration::from_secs(seconds.parse()?);
    let (verified, took) = match who.as_str() {
        "sluse" => measure(&by_sluse(&file, &keys)?, window)?,
        "webauthn-rs" => measure(&by_webauthn_rs(&file, &keys)?, window)?,
        _ => anyhow::bail!("`{who}` is neither sluse nor webauthn-rs"),
    };
    println!("{verified} {:.6}", took.as_secs_f64());
    Ok(())
}

/// Whatever takes time before a response is there is done: what is left begins with its bytes.
type Verification<'f> = Box<dyn Fn() -> anyhow::Result<()> + 'f>;

fn by_sluse<'f>(file: &File, keys: &'f [Made]) -> anyhow::Result<Vec<Verification<'f>>> {
    let relying_party = std::rc::Rc::new(RelyingParty::new(&file.rp_id, &file.origin, "Sluse")?);
    let mut all: Vec<Verification<'f>> = Vec::new();
    for made in keys {
        let passkey: proto::Credential = serde_json::from_str(&made.passkey)?;
        let key = Key {
            credential: CredentialId(passkey.cred_id.to_vec()),
            user: UserId(made.user),
            name: String::new(),
            passkey: made.passkey.clone(),
            registered_at: Timestamp::EPOCH,
            registered_with: RegisteredWith::Code,
            used_at: None,
            suspect: false,
            loan: None,
        };
        let credential = std::rc::Rc::new(Credential::of(&key).context("a key cannot be read")?);
        for signed in &made.assertions {
            let ceremony: Assertion = serde_json::from_value(signed.ceremony.clone())?;
            let (relying_party, credential) = (relying_party.clone(), credential.clone());
            all.push(Box::new(move || {
                relying_party.verify(&ceremony, &credential, signed.response.as_bytes())?;
                Ok(())
            }));
        }
    }
    Ok(all)
}

fn by_webauthn_rs<'f>(file: &File, keys: &'f [Made]) -> anyhow::Result<Vec<Verification<'f>>> {
    let timeout = Duration::from_secs(300);
    let origins = vec![file.origin.clone()];
    let core = WebauthnCore::new_unsafe_experts_only("Sluse", &file.rp_id, origins, timeout, None, None);
    let core = std::rc::Rc::new(core);
    let mut all: Vec<Verification<'f>> = Vec::new();
    for made in keys {
        let credential: Value = serde_json::from_str(&made.passkey)?;
        for signed in &made.assertions {
            let state: AuthenticationState = serde_json::from_value(json!({
                "credentials": [credential],
                "policy": proto::UserVerificationPolicy::Discouraged_DO_NOT_USE,
                "challenge": signed.ceremony["challenge"],
                "appid": null,
                "allow_backup_eligible_upgrade": false,
            }))?;
            let core = core.clone();
            all.push(Box::new(move || {
                let response: PublicKeyCredential = serde_json::from_str(&signed.response)?;
                core.authenticate_credential(&response, &state)?;
                Ok(())
            }));
        }
    }
    Ok(all)
}

/// How many in how much CPU time, once all were verified to warm caches.
fn measure(all: &[Verification<'_>], window: Duration) -> anyhow::Result<(u64, Duration)> {
    all.iter().try_for_each(|verify| verify())?;
    let (mut verified, before) = (0, cpu_time()?);
    loop {
        for verify in all {
            verify()?;
        }
        verified += all.len() as u64;
        let took = cpu_time()?.saturating_sub(before);
        if took >= window {
            return Ok((verified, took));
        }
    }
}

/// Of this thread, by the kernel's scheduler.
fn cpu_time() -> anyhow::Result<Duration> {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    let nanos = stat.split(' ').next().context("the kernel counts no CPU time")?;
    Ok(Duration::from_nanos(nanos.parse()?))
}
