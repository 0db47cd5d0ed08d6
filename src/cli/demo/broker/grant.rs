//! Logins under way, codes, and access tokens: each good for a short while.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

use super::{Broker, BrokerPerson};
use crate::authn::MitIdLevel;
use crate::random::{self, Random};
use crate::time::{Clock, Timestamp};

/// A page may lie open for a while.
const LOGIN_LASTS: Duration = Duration::from_secs(600);
const CODE_LASTS: Duration = Duration::from_secs(30);
const TOKEN_LASTS: Duration = Duration::from_secs(300);

/// An authorization request, from our one client.
#[derive(Clone)]
pub(super) struct Login {
    pub state: String,
    pub nonce: String,
    pub level: MitIdLevel,
    /// Scope `ssn`.
    pub wants_cpr: bool,
    challenge: String,
}

impl Login {
    /// Reads a raw query string. The error is a sentence for the person.
    pub fn parse(query: &str, broker: &Broker) -> Result<Self, &'static str> {
        let mut parameters = HashMap::new();
        for (name, value) in form_urlencoded::parse(query.as_bytes()).into_owned() {
            if parameters.insert(name, value).is_some() {
                return Err("En parameter er gentaget.");
            }
        }
        let says = |name: &str, value: &str| parameters.get(name).is_some_and(|said| said == value);
        if !says("client_id", &broker.client_id) || !says("redirect_uri", broker.redirect_uri.as_str()) {
            return Err("Tjenesten er ukendt.");
        }
        if !says("response_type", "code")
            || !says("code_challenge_method", "S256")
            || !says("idp_values", "mitid")
        {
            return Err("Tjenesten beder om noget, som denne stedfortræder ikke kan.");
        }
        let take = |name: &str| parameters.get(name).filter(|value| !value.is_empty()).cloned();
        let required = |name: &str| take(name).ok_or("Tjenestens forespørgsel er ufuldstændig.");
        let scopes = required("scope")?;
        Ok(Self {
            state: required("state")?,
            nonce: required("nonce")?,
            level: take("idp_params")
                .map_or(Some(MitIdLevel::Substantial), |params| level(&params))
                .ok_or("Tjenesten beder om et ukendt sikringsniveau.")?,
            wants_cpr: scopes.split(' ').any(|scope| scope == "ssn"),
            challenge: required("code_challenge")?,
        })
    }
}

/// `{"mitid":{"loa_value":"substantial"}}`
fn level(params: &str) -> Option<MitIdLevel> {
    let params: serde_json::Value = serde_json::from_str(params).ok()?;
    match params.get("mitid").and_then(|mitid| mitid.get("loa_value")) {
        Some(level) => MitIdLevel::parse(level.as_str()?),
        None => Some(MitIdLevel::Substantial),
    }
}

/// A login that somebody completed.
#[derive(Clone)]
pub(super) struct Grant {
    pub login: Login,
    pub person: BrokerPerson,
    pub authenticated_at: Timestamp,
    /// MitID's id of it, for audits.
    pub transaction: uuid::Uuid,
}

pub(super) struct Redeemed {
    pub access_token: String,
    pub grant: Grant,
}

pub(super) struct Grants {
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    logins: Lasting<Login>,
    codes: Lasting<Grant>,
    tokens: Lasting<Grant>,
}

impl Grants {
    pub fn new(clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Self {
        Self { clock, random, open: Mutex::default() }
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The login's id, good for one choice.
    pub fn open(&self, login: Login) -> String {
        let id = random::nonce(self.random.as_ref());
        self.lock().logins.insert(&id, login, self.now(), LOGIN_LASTS);
        id
    }

    pub fn close(&self, id: &str) -> Option<Login> {
        let now = self.now();
        self.lock().logins.take(id, now)
    }

    /// The code for what `person` agreed to.
    pub fn grant(&self, login: Login, person: BrokerPerson) -> String {
        let random = self.random.as_ref();
        let (code, now) = (random::nonce(random), self.now());
        let grant = Grant { login, person, authenticated_at: now, transaction: random::uuid(random) };
        self.lock().codes.insert(&code, grant, now, CODE_LASTS);
        code
    }

    /// Takes the code. Nothing comes of it without the verifier (RFC 7636, section 4.6).
    pub fn redeem(&self, code: &str, verifier: &str) -> Option<Redeemed> {
        let now = self.now();
        let grant = self.lock().codes.take(code, now)?;
        if URL_SAFE_NO_PAD.encode(Sha256::digest(verifier)) != grant.login.challenge {
            return None;
        }
        let access_token = random::nonce(self.random.as_ref());
        self.lock().tokens.insert(&access_token, grant.clone(), now, TOKEN_LASTS);
        Some(Redeemed { access_token, grant })
    }

    pub fn bearer(&self, access_token: &str) -> Option<Grant> {
        let now = self.now();
        self.lock().tokens.find(access_token, now).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Things that end by themselves.
struct Lasting<T>(HashMap<String, (Timestamp, T)>);

impl<T> Default for Lasting<T> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<T> Lasting<T> {
    fn insert(&mut self, id: &str, value: T, now: Timestamp, lasts: Duration) {
        self.0.retain(|_, (end, _)| now < *end);
        self.0.insert(id.to_owned(), (now.plus(lasts), value));
    }

    fn find(&self, id: &str, now: Timestamp) -> Option<&T> {
        self.0.get(id).filter(|(end, _)| now < *end).map(|(_, value)| value)
    }

    fn take(&mut self, id: &str, now: Timestamp) -> Option<T> {
        self.0.remove(id).filter(|(end, _)| now < *end).map(|(_, value)| value)
    }
}
