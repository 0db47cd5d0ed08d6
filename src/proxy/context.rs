//! What is known of one request, from its first byte to its line in the log.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use super::client;
use super::entrance::Served;
use crate::policy::matcher::Protocol;
use crate::policy::{self, App, Observed, Permit};
use crate::session::parked::Taken;
use crate::session::{Seat, Sender, Session};
use crate::time::Timestamp;

/// One request.
pub struct Context {
    /// The context is made once the head is read.
    _served: Served,
    pub(super) started: Instant,
    pub(super) correlation: String,
    /// Where it comes from, once that was asked.
    pub(super) address: Option<IpAddr>,
    /// The same as text.
    pub(super) from: Option<String>,
    pub(super) protocol: Protocol,
    pub(super) host: String,
    pub(super) path: String,
    pub(super) query: Option<String>,
    pub(super) app: Option<Arc<App>>,
    pub(super) session: Option<Arc<Session>>,
    /// Whose request it is, as far as that is known: also of somebody whose session is over.
    pub(super) sender: Option<Sender>,
    /// The parked request that this one is the return of.
    pub(super) returning: Option<Taken>,
    pub(super) permit: Option<Permit>,
    /// For the log: what became of it, and by which rule.
    pub(super) outcome: &'static str,
    pub(super) rule: String,
    pub(super) code: Cow<'static, str>,
    /// When the decision was made: what ages of proofs are told from.
    pub(super) decided_at: Option<Timestamp>,
    /// What an observing rule or app would have decided.
    pub(super) observed: Option<Observed>,
    pub(super) body: u64,
    /// With what status and code the upstream was asked already, in vain.
    pub(super) failed: Option<(u16, Cow<'static, str>)>,
}

/// A request that could not be forwarded, and what its person is told.
pub(super) struct Failed {
    pub(super) started: Instant,
    pub(super) correlation: String,
    pub(super) status: u16,
    pub(super) code: Cow<'static, str>,
}

impl Context {
    pub(super) fn new(correlation: String) -> Self {
        Self {
            _served: Served::begin(),
            started: Instant::now(),
            correlation,
            address: None,
            from: None,
            protocol: Protocol::Http,
            host: String::new(),
            path: String::new(),
            query: None,
            app: None,
            session: None,
            sender: None,
            returning: None,
            permit: None,
            outcome: "error",
            rule: String::new(),
            code: Cow::Borrowed(""),
            decided_at: None,
            observed: None,
            body: 0,
            failed: None,
        }
    }

    /// It is one that failed already.
    pub(super) fn resume(&mut self, failed: Failed) {
        let Failed { started, correlation, status, code } = failed;
        (self.started, self.correlation, self.failed) = (started, correlation, Some((status, code)));
    }

    pub(super) fn comes_from(&mut self, address: Option<IpAddr>) {
        self.address = address;
        self.from = address.map(client::spelled);
    }

    /// Whether the answer is somebody's alone on a device that many people use: the next one's back button must not
    /// show it (RFC 9111, section 5.2.2.5).
    pub(super) fn is_private(&self) -> bool {
        self.sender.is_some_and(|sender| sender.seat == Seat::Shared)
            && self.permit.as_ref().is_some_and(|permit| !permit.is_public())
    }

    /// For `sluse diff --replay`: what had been proven when it was decided, and how long before.
    pub(super) fn proofs(&self) -> Option<String> {
        let (session, at) = (self.session.as_ref()?, self.decided_at);
        Some(at.map(|at| policy::proofs_of(&session.assurance, at)).unwrap_or_default())
    }

    pub(super) fn path_and_query(&self) -> String {
        match &self.query {
            Some(query) => format!("{}?{query}", self.path),
            None => self.path.clone(),
        }
    }
}
