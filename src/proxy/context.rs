//! What is known of one request, from its first byte to its line in the log.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Instant;

use crate::policy::{App, Observed, Permit};
use crate::session::parked::Taken;
use crate::session::{Sender, Session};

/// One request.
pub struct Context {
    pub(super) started: Instant,
    pub(super) correlation: String,
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
    /// For `sluse diff --replay`: what was proven, and how long ago.
    pub(super) proofs: String,
    /// What an observing rule or app would have decided.
    pub(super) observed: Option<Observed>,
    pub(super) body: u64,
}

impl Context {
    pub(super) fn new(correlation: String) -> Self {
        Self {
            started: Instant::now(),
            correlation,
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
            proofs: String::new(),
            observed: None,
            body: 0,
        }
    }

    pub(super) fn path_and_query(&self) -> String {
        match &self.query {
            Some(query) => format!("{}?{query}", self.path),
            None => self.path.clone(),
        }
    }
}
