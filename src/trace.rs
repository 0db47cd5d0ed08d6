//! Why a request was not let through, kept for a day: for whoever is asked about the code on the page.
//!
//! The facts are put on a queue as they are; what follows from them by the policy that was live is worked out
//! and written in the background. A full queue, or more than is allowed for a minute, drops traces and counts
//! them: a flood of denials costs neither requests nor disk.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use crate::metrics::Metrics;
use crate::policy::explain::{Transcript, explain_enforced};
use crate::policy::matcher::Protocol;
use crate::policy::{self, App, Person, Request};
use crate::session::Session;
use crate::store::{Store, TraceRecord};
use crate::time::Timestamp;

/// How long a trace is kept.
pub const KEPT: Duration = Duration::from_hours(24);

/// Facts waiting to be worked out. They may hold a head each, which is at most 64 KiB.
const PENDING: usize = 256;

/// Written at a time.
const BATCH: usize = 32;

/// Entries that missed, of the largest policies, in a trace.
const MOST_MISSES: usize = 200;

/// What is told of one request. No header, no cookie and no query is in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trace {
    pub method: String,
    pub host: String,
    /// The user name, if somebody was signed in.
    pub user: Option<String>,
    pub groups: Vec<String>,
    /// As the request log has them: `password=2h key=12m`.
    pub proofs: String,
    pub address: Option<IpAddr>,
    pub transcript: Transcript,
}

/// Where traces begin: on a request's path, which they never hold up.
#[derive(Clone)]
pub struct Traces {
    queue: mpsc::Sender<Facts>,
    metrics: Arc<Metrics>,
}

/// Where they go on: see [`Writer::run`].
pub struct Writer {
    queue: mpsc::Receiver<Facts>,
    store: Arc<dyn Store>,
    metrics: Arc<Metrics>,
    allowance: Allowance,
}

/// A request, as the decision saw it.
struct Facts {
    code: String,
    host: String,
    app: Arc<App>,
    session: Option<Arc<Session>>,
    method: String,
    path: String,
    query: Option<String>,
    headers: Option<HeaderMap>,
    address: Option<IpAddr>,
    shared_device: bool,
    protocol: Protocol,
    approved_once: bool,
    now: Timestamp,
}

/// The two ends. Until the writer runs, traces wait; past what can wait they are dropped.
pub fn traces(store: Arc<dyn Store>, metrics: Arc<Metrics>) -> (Traces, Writer) {
    let (sender, queue) = mpsc::channel(PENDING);
    let writer = Writer { queue, store, metrics: metrics.clone(), allowance: Allowance::default() };
    (Traces { queue: sender, metrics }, writer)
}

impl Traces {
    /// Keeps why `request` to `host`, which is shown as `code`, gets what it gets. Copies the facts if there
    /// is room for them, and returns at once.
    pub fn keep(
        &self,
        (code, host): (&str, &str),
        app: &Arc<App>,
        request: &Request<'_>,
        session: Option<&Arc<Session>>,
        now: Timestamp,
    ) {
        let Ok(place) = self.queue.try_reserve() else {
            return self.metrics.trace("dropped", 1);
        };
        place.send(Facts {
            code: code.to_owned(),
            host: host.to_owned(),
            app: Arc::clone(app),
            session: session.cloned(),
            method: request.method.to_owned(),
            path: request.path.to_owned(),
            query: request.query.map(str::to_owned),
            headers: request.headers.cloned(),
            address: request.address,
            shared_device: request.shared_device,
            protocol: request.protocol,
            approved_once: request.approved_once,
            now,
        });
    }
}

impl Writer {
    /// Works out and writes what is kept, until the last [`Traces`] is gone.
    pub async fn run(mut self) {
        let mut batch = Vec::with_capacity(BATCH);
        while self.queue.recv_many(&mut batch, BATCH).await > 0 {
            let before = batch.len();
            batch.retain(|facts| self.allowance.allows(facts.session.is_some(), facts.now));
            let records: Vec<TraceRecord> = batch.iter().map(Facts::record).collect();
            self.metrics.trace("dropped", before - records.len());
            batch.clear();
            if records.is_empty() {
                continue;
            }
            match self.store.put_traces(&records).await {
                Ok(()) => self.metrics.trace("kept", records.len()),
                Err(error) => {
                    tracing::warn!(%error, "traces were not written");
                    self.metrics.trace("dropped", records.len());
                }
            }
        }
    }
}

impl Facts {
    fn record(&self) -> TraceRecord {
        let request = Request {
            query: self.query.as_deref(),
            headers: self.headers.as_ref(),
            address: self.address,
            shared_device: self.shared_device,
            protocol: self.protocol,
            approved_once: self.approved_once,
            glass: self.session.as_ref().map_or(&[], |session| session.glass.broken()),
            ..Request::new(&self.method, &self.path)
        };
        let session = self.session.as_deref();
        let person = session.map(|session| Person {
            username: session.user.username.as_str(),
            groups: &session.user.groups,
            claims: &session.user.claims,
            assurance: &session.assurance,
        });
        let mut transcript = explain_enforced(&self.app, &request, person.as_ref(), self.now).transcript;
        transcript.shorten(MOST_MISSES);
        let trace = Trace {
            method: self.method.clone(),
            host: self.host.clone(),
            user: session.map(|session| session.user.username.to_string()),
            groups: session.map(|session| session.user.groups.clone()).unwrap_or_default(),
            proofs: person.map(|person| policy::proofs_of(person.assurance, self.now)).unwrap_or_default(),
            address: self.address,
            transcript,
        };
        TraceRecord {
            code: self.code.clone(),
            at: self.now,
            expires_at: self.now.plus(KEPT),
            trace: serde_json::to_string(&trace).expect("names and numbers are JSON"),
        }
    }
}

/// How many traces a minute may have. Strangers have their own share, so that they cannot use up that of the
/// people who will call the service desk.
#[derive(Debug, Default)]
struct Allowance {
    minute: i64,
    strangers: u32,
    signed_in: u32,
}

impl Allowance {
    const STRANGERS: u32 = 60;
    const SIGNED_IN: u32 = 600;

    fn allows(&mut self, signed_in: bool, now: Timestamp) -> bool {
        let minute = now.as_seconds().div_euclid(60);
        if minute != self.minute {
            *self = Self { minute, ..Self::default() };
        }
        let (used, most) = match signed_in {
            true => (&mut self.signed_in, Self::SIGNED_IN),
            false => (&mut self.strangers, Self::STRANGERS),
        };
        *used += 1;
        *used <= most
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_use_up_their_own_share() {
        let mut allowance = Allowance::default();
        let now = Timestamp::from_seconds(1_000 * 60);
        let allowed = |allowance: &mut Allowance, signed_in, now| {
            (0..10_000).filter(|_| allowance.allows(signed_in, now)).count()
        };
        assert_eq!(allowed(&mut allowance, false, now), 60);
        assert_eq!(allowed(&mut allowance, true, now.plus(Duration::from_secs(59))), 600);
        assert_eq!(allowed(&mut allowance, false, now.plus(Duration::from_secs(59))), 0);
        assert_eq!(allowed(&mut allowance, false, now.plus(Duration::from_secs(60))), 60);
    }
}
