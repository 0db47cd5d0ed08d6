//! Assertions made beforehand, so that signing them is not measured.

use anyhow::Context as _;
use url::Url;

use crate::authn::authenticator::SoftwareAuthenticator;
use crate::authn::webauthn::{Algorithm, Assertion, Credential, RelyingParty, Verification};
use crate::random::{self, Random};
use crate::store::{Key, RegisteredWith};
use crate::time::Timestamp;
use crate::user::UserId;

/// How many assertions each key makes.
const OF_EACH_KEY: usize = 32;

/// Assertions by keys of one algorithm. Each may be verified again and again: the caller, not the verification,
/// is who takes a ceremony once.
pub struct Pool {
    relying_party: RelyingParty,
    credentials: Vec<Credential>,
    pub items: Vec<Item>,
}

/// One assertion: our state of the ceremony, and the browser's answer.
pub struct Item {
    /// Which of the pool's.
    credential: usize,
    assertion: Assertion,
    response: String,
    signed: Vec<u8>,
    signature: Vec<u8>,
}

impl Pool {
    /// Of so many software keys, drawn from `random`.
    pub fn new(algorithm: Algorithm, keys: usize, random: &dyn Random) -> anyhow::Result<Self> {
        let origin = "http://login.localhost:8080";
        let relying_party = RelyingParty::new("login.localhost", &Url::parse(origin)?, "Sluse")?;
        let (mut credentials, mut items) = (Vec::new(), Vec::new());
        for at in 0..keys {
            let mut authenticator = SoftwareAuthenticator::new(random);
            authenticator.algorithm = algorithm;
            let key = made(&mut authenticator, random);
            let keys = std::slice::from_ref(&key);
            for _ in 0..OF_EACH_KEY {
                let (options, assertion) =
                    relying_party.begin_assertion(key.user, keys, Verification::Discouraged)?;
                let draft = authenticator.draft_assertion(&options, origin)?;
                let (signed, signature) = (draft.signed(), authenticator.sign_bytes(&draft)?);
                let response = draft.response(&signature).to_string();
                items.push(Item { credential: at, assertion, response, signed, signature });
            }
            credentials.push(Credential::of(&key).context("a key of our own cannot be read")?);
        }
        Ok(Self { relying_party, credentials, items })
    }

    /// The whole way, from the bytes a browser sends to the verdict.
    pub fn verify(&self, item: &Item) -> anyhow::Result<()> {
        let credential = &self.credentials[item.credential];
        self.relying_party
            .verify(&item.assertion, credential, item.response.as_bytes())
            .map(|_| ())
            .context("an assertion of our own was refused")
    }

    /// The signature and nothing else: what no verification can be faster than.
    pub fn verify_signature(&self, item: &Item) -> anyhow::Result<()> {
        let good = self.credentials[item.credential].has_signed(&item.signed, &item.signature);
        anyhow::ensure!(good, "a signature of our own was refused");
        Ok(())
    }
}

fn made(authenticator: &mut SoftwareAuthenticator<'_>, random: &dyn Random) -> Key {
    // What is stored of it counts from zero, below whatever it says.
    let count = authenticator.sign_count.take();
    let (credential, passkey) = authenticator.make_credential();
    authenticator.sign_count = count;
    Key {
        credential,
        user: UserId(random::uuid(random)),
        name: "a software key".to_owned(),
        passkey,
        registered_at: Timestamp::EPOCH,
        registered_with: RegisteredWith::Code,
        used_at: None,
        suspect: false,
        loan: None,
    }
}
