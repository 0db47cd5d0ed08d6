//! Following the policy's files while the gateway runs.

use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::time::MissedTickBehavior;

use super::World;
use crate::audit::{AuditLog, Entry, Event, Origin};
use crate::metrics::Metrics;
use crate::policy::problem::Problem;
use crate::policy::reload::{Reloader, Report};
use crate::random;

/// How often the files are looked at. A change is live within two looks: it must have settled.
const LOOK: Duration = Duration::from_secs(1);

/// Where it is told what became of a reload.
pub(super) struct Telling {
    pub audit: AuditLog,
    pub metrics: Arc<Metrics>,
    pub world: World,
}

/// Reloads at SIGHUP, and once the files have changed and then stayed as they are for one look.
pub(super) async fn follow(reloader: Arc<Reloader>, telling: Telling) {
    let mut hangups = match signal(SignalKind::hangup()) {
        Ok(hangups) => hangups,
        Err(error) => return tracing::error!(%error, "the policy's files are not followed"),
    };
    let mut looks = tokio::time::interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut loaded = reloader.fingerprint();
    let mut before = loaded.clone();
    loop {
        let asked = tokio::select! {
            _ = hangups.recv() => true,
            _ = looks.tick() => false,
        };
        let now = reloader.fingerprint();
        let settled = now == before && now != loaded;
        if asked || settled {
            reload(&reloader, &telling).await;
            loaded = now.clone();
        }
        before = now;
    }
}

async fn reload(reloader: &Arc<Reloader>, telling: &Telling) {
    let own = Arc::clone(reloader);
    let result = tokio::task::spawn_blocking(move || own.reload()).await;
    match result {
        Ok(Ok(report)) => telling.loaded(&report).await,
        Ok(Err(problems)) => telling.refused(&problems).await,
        Err(error) => tracing::error!(%error, "the policy could not be loaded"),
    }
}

impl Telling {
    async fn loaded(&self, report: &Report) {
        let Report { apps, rules, tests, notices, needs_restart } = report;
        tracing::info!(apps, rules, tests, notices = notices.len(), "a new policy is live");
        if !needs_restart.is_empty() {
            tracing::warn!(keys = needs_restart.join(", "), "changes that only count from the next start");
        }
        self.metrics.policy_loaded.set(self.world.clock.now().as_seconds());
        self.metrics.policy_reload_failed.set(0);
        let entry =
            self.entry(Event::PolicyLoaded).with("apps", *apps).with("rules", *rules).with("tests", *tests);
        self.audit.record(entry.with("needs_restart", needs_restart.join(", "))).await;
    }

    async fn refused(&self, problems: &[Problem]) {
        self.metrics.policy_reload_failed.set(1);
        for problem in problems {
            let Problem { file, line, column, message, help, .. } = problem;
            tracing::error!(
                file,
                line,
                column,
                message,
                help,
                "the policy is not loaded; the one before stays"
            );
        }
        let first = problems.first().map_or(String::new(), |problem| {
            format!("{}:{}:{} {}", problem.file, problem.line, problem.column, problem.message)
        });
        let entry = self.entry(Event::PolicyRefused).with("problems", problems.len()).with("first", first);
        self.audit.record(entry).await;
    }

    fn entry(&self, event: Event) -> Entry {
        let correlation = random::nonce(self.world.random.as_ref()).split_off(31);
        Entry::new(event, &Origin { at: self.world.clock.now(), address: None, correlation })
    }
}
