//! `sluse check`: reads the configuration and every policy, and runs their tests.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::{Exit, Format};
use crate::config::Config;
use crate::policy::document::Problem;
use crate::policy::{Policy, file};

#[derive(Debug, clap::Args)]
pub struct CheckArgs {
    /// Check the policies of this folder instead of the configuration's
    #[arg(long, value_name = "DIR")]
    pub policies: Option<PathBuf>,
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Tells every problem; without any, a line an app.
pub fn check(config: &Path, args: &CheckArgs, out: &mut impl Write) -> io::Result<Exit> {
    match load(config, args.policies.as_deref()) {
        Ok((_, policy)) => {
            told(&policy, args.format, out)?;
            Ok(Exit::Yes)
        }
        Err(problems) => {
            complain(&problems, args.format, out)?;
            Ok(Exit::No)
        }
    }
}

/// The configuration and the policies, or all that is wrong with either. Policies are read with the
/// configuration's levels and networks, so they wait until it is right.
pub(super) fn load(config: &Path, policies: Option<&Path>) -> Result<(Config, Policy), Vec<Problem>> {
    let config = Config::load(config)?;
    let policy = file::load(policies.unwrap_or(&config.policies), &config)?;
    Ok((config, policy))
}

pub(super) fn complain(problems: &[Problem], format: Format, out: &mut impl Write) -> io::Result<()> {
    if format == Format::Json {
        return json(out, &serde_json::json!({ "problems": problems }));
    }
    for problem in problems {
        writeln!(out, "{problem}")?;
    }
    writeln!(out, "{}", counted(problems.len(), "problem"))
}

fn told(policy: &Policy, format: Format, out: &mut impl Write) -> io::Result<()> {
    if format == Format::Json {
        let apps = policy.apps().iter().map(|app| {
            serde_json::json!({ "app": app.name, "file": app.file, "rules": app.rules.len(), "tests": app.tests })
        });
        return json(out, &serde_json::json!({ "problems": [], "apps": apps.collect::<Vec<_>>() }));
    }
    let width = policy.apps().iter().map(|app| app.name.len()).max().unwrap_or(0);
    for app in policy.apps() {
        let (rules, tests) = (counted(app.rules.len(), "rule"), counted(app.tests, "test"));
        writeln!(out, "ok  {:width$}  {}: {rules}, {tests} passed", app.name, app.file)?;
    }
    Ok(())
}

fn json(out: &mut impl Write, value: &serde_json::Value) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, value)?;
    writeln!(out)
}

fn counted(count: usize, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}
