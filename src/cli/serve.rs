//! `sluse serve`: the gateway.

use std::path::Path;

use pingora::server::RunArgs;

use super::Misconfigured;
use super::log::Log;
use crate::config::Config;
use crate::pages::appearance::Kept;
use crate::policy::file;
use crate::server::{Extras, Gateway, World, appearance};

/// Serves until told to stop. Refuses to start with a configuration, a policy or a store that is of no use.
pub fn run(path: &Path) -> anyhow::Result<()> {
    let log = Log::start("info")?;
    let config = Config::load(path).map_err(Misconfigured)?;
    let unreadable = config.unreadable_files();
    if !unreadable.is_empty() {
        return Err(Misconfigured(unreadable).into());
    }
    appearance(&config, &Kept::default()).map_err(Misconfigured)?;
    let policy = file::load(&config.policies, &config).map_err(Misconfigured)?;
    let gateway = Gateway::build(&config, policy, World::system(), Extras::default())?;
    let at_last = log.clone();
    gateway.leave_when_idle(move || at_last.flush());
    let listen: Vec<String> = config.listen.iter().map(|listener| listener.address.to_string()).collect();
    tracing::info!(login = %config.login, listen = listen.join(" "), admin = %config.admin, "serving");
    gateway.follow(path, config);
    gateway.run(RunArgs::default());
    Ok(())
}
