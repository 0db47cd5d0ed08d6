//! A changed policy, while the gateway runs: all of it, or nothing.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use arc_swap::ArcSwap;

use super::problem::Problem;
use super::{Policy, file};
use crate::config::Config;

/// Reads `sluse.yaml` and the policies again.
pub struct Reloader {
    path: PathBuf,
    started: Config,
    live: Arc<ArcSwap<Policy>>,
    set_up: SetUp,
    /// The folders that were last read.
    folders: Mutex<Vec<PathBuf>>,
}

/// Makes what else of the configuration goes live along with the policy: all that can be wrong with it is known
/// before [`GoLive`] is called, which cannot fail.
pub type SetUp = Box<dyn Fn(&Config, &Policy) -> Result<GoLive, Vec<Problem>> + Send + Sync>;
pub type GoLive = Box<dyn FnOnce()>;

/// What is live now.
#[derive(Debug, PartialEq, Eq)]
pub struct Report {
    pub apps: usize,
    pub rules: usize,
    pub tests: usize,
    pub notices: Vec<Problem>,
    /// Keys of `sluse.yaml` that have changed and only count from the next start.
    pub needs_restart: Vec<&'static str>,
}

/// The state of the files: it differs once one of them may.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fingerprint(Vec<(PathBuf, Option<(SystemTime, u64)>)>);

impl Reloader {
    /// `started` is what the gateway runs with, read from `path`.
    pub fn new(path: &Path, started: Config, live: Arc<ArcSwap<Policy>>, set_up: SetUp) -> Self {
        let folders = Mutex::new(folders(&started));
        Self { path: path.to_owned(), started, live, set_up, folders }
    }

    /// Loads everything and runs the embedded tests; then the new policy is live, at once for every request
    /// that begins. With anything wrong nothing changes. Requests in flight keep what they began with.
    pub fn reload(&self) -> Result<Report, Vec<Problem>> {
        let config = Config::load(&self.path)?;
        let policy = file::load_after(&config.policies, &config, &self.live.load())?;
        let report = Report {
            apps: policy.apps().len(),
            rules: policy.apps().iter().map(|app| app.rules.len()).sum(),
            tests: policy.apps().iter().map(|app| app.tests).sum(),
            notices: policy.notices().to_vec(),
            needs_restart: self.started.needs_restart(&config),
        };
        let go_live = (self.set_up)(&config, &policy)?;
        // In between, a policy may ask for what is not offered any more: nobody gets in by that.
        go_live();
        self.live.store(Arc::new(policy));
        *self.folders.lock().unwrap_or_else(PoisonError::into_inner) = folders(&config);
        Ok(report)
    }

    /// Ask before reading the files, so that a change while they are read is seen.
    pub fn fingerprint(&self) -> Fingerprint {
        let folders = self.folders.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let entries = folders.iter().flat_map(std::fs::read_dir).flatten().flatten();
        let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
        paths.sort();
        paths.push(self.path.clone());
        let state = |path: PathBuf| {
            // Through links, as Kubernetes swaps a folder behind one.
            let state = std::fs::metadata(&path).and_then(|data| Ok((data.modified()?, data.len())));
            (path, state.ok())
        };
        Fingerprint(paths.into_iter().map(state).collect())
    }
}

fn folders(config: &Config) -> Vec<PathBuf> {
    std::iter::once(&config.policies).chain(&config.appearance).cloned().collect()
}

#[cfg(test)]
#[path = "reload_tests.rs"]
mod tests;
