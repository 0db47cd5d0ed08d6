//! Writing entries down, and noticing too many of a kind.

use std::sync::{Arc, Mutex, PoisonError};

use super::alarm::{self, Alarms, Suspect};
use super::{Entry, Event};
use crate::metrics::Metrics;
use crate::store::{AuditRecord, Store};
use crate::user::Username;

/// Where entries go, and where too many of a kind are noticed.
#[derive(Clone)]
pub struct AuditLog {
    store: Arc<dyn Store>,
    metrics: Arc<Metrics>,
    alarms: Arc<Mutex<Alarms>>,
}

impl AuditLog {
    pub fn new(store: Arc<dyn Store>, metrics: Arc<Metrics>) -> Self {
        Self { store, metrics, alarms: Arc::default() }
    }

    /// Writes the entry, and says so in the log if it cannot be. One wrong password too many is an alarm, and
    /// so is one locked account: in the log, the audit and the metrics.
    pub async fn record(&self, entry: Entry) {
        let record = entry.into_record();
        self.append(&record).await;
        if record.event == Event::PasswordWrong.code() {
            for (suspect, wrong) in self.alarms_over(&record) {
                self.raise(&record, suspect.kind(), wrong).await;
            }
        }
        if record.event == Event::AccountLocked.code()
            && let Some(user) = record.user
        {
            let alarm = self.alarms.lock().unwrap_or_else(PoisonError::into_inner).locked(user, record.at);
            if let Some(locked) = alarm {
                self.raise_over_lockouts(&record, locked).await;
            }
        }
    }

    fn alarms_over(&self, record: &AuditRecord) -> Vec<(Suspect, u32)> {
        // One spelling a name, so that capitals are no second try; what is no name is counted as it is.
        let name = record.username.as_deref().map(|typed| {
            Suspect::Name(Username::parse(typed).map_or_else(|_| typed.to_owned(), |name| name.to_string()))
        });
        let address = record.address.map(Suspect::Address);
        // Counters have no half-made state to fear.
        let mut alarms = self.alarms.lock().unwrap_or_else(PoisonError::into_inner);
        let suspects = name.into_iter().chain(address);
        suspects
            .filter_map(|suspect| alarms.wrong(suspect.clone(), record.at).map(|wrong| (suspect, wrong)))
            .collect()
    }

    async fn raise(&self, record: &AuditRecord, by: &str, wrong: u32) {
        let minutes = alarm::WINDOW.as_secs() / 60;
        let AuditRecord { username, address, .. } = record;
        let address = address.map(tracing::field::display);
        tracing::warn!(by, wrong, minutes, user = username, address, "many wrong passwords");
        self.metrics.password_alarms.with_label_values(&[by]).inc();
        let detail = serde_json::json!({ "by": by, "wrong": wrong, "minutes": minutes }).to_string();
        let event = Event::PasswordGuessing.code().to_owned();
        self.append(&AuditRecord { event, detail, ..record.clone() }).await;
    }

    /// It is about nobody: the last of them is no more to blame than the first.
    async fn raise_over_lockouts(&self, record: &AuditRecord, locked: usize) {
        let minutes = alarm::WINDOW.as_secs() / 60;
        tracing::warn!(locked, minutes, "many accounts are locked");
        self.metrics.lockout_alarms.inc();
        let detail = serde_json::json!({ "locked": locked, "minutes": minutes }).to_string();
        let event = Event::ManyLockouts.code().to_owned();
        let (user, username, address) = (None, None, None);
        self.append(&AuditRecord { event, detail, user, username, address, ..record.clone() }).await;
    }

    async fn append(&self, record: &AuditRecord) {
        let (event, reference) = (&record.event, &record.correlation);
        match self.store.append_audit(record).await {
            Ok(()) => self.written(record),
            Err(error) => tracing::error!(%error, event, reference, "an audit record was not written"),
        }
    }

    /// Says in the log what the store has written together with that which it tells of.
    pub fn written(&self, record: &AuditRecord) {
        say(record);
    }
}

/// Says in the log what was written.
pub fn say(record: &AuditRecord) {
    let AuditRecord { event, correlation: reference, .. } = record;
    tracing::info!(event, reference, user = record.username, "audit");
}
