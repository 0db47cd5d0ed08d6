//! `sluse check`: reads the configuration and every policy, and runs their tests.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::sarif::sarif;
use super::{Exit, Format};
use crate::config::Config;
use crate::pages::appearance::Kept;
use crate::policy::problem::Problem;
use crate::policy::{Policy, file};
use crate::server;

#[derive(Debug, clap::Args)]
pub struct CheckArgs {
    /// Check the policies of this folder instead of the configuration's
    #[arg(long, value_name = "DIR")]
    pub policies: Option<PathBuf>,
    #[arg(long, value_enum, default_value_t)]
    pub format: CheckFormat,
}

/// How the problems are told.
#[derive(Copy, Clone, Debug, Default, Eq, PartialEq, clap::ValueEnum)]
pub enum CheckFormat {
    /// For people.
    #[default]
    Human,
    /// For scripts.
    Json,
    /// For code hosts: SARIF 2.1.0.
    Sarif,
}

/// Tells every problem; without any, a line an app, and what is worth a look.
pub fn check(config: &Path, args: &CheckArgs, out: &mut impl Write) -> io::Result<Exit> {
    let loaded = load(config, args.policies.as_deref()).and_then(|(config, policy)| {
        server::appearance(&config, &Kept::default())?;
        Ok(policy)
    });
    match loaded {
        Ok(policy) => {
            match args.format {
                CheckFormat::Human => told(&policy, out)?,
                CheckFormat::Json => json(out, &object(&policy))?,
                CheckFormat::Sarif => json(out, &sarif(policy.notices()))?,
            }
            Ok(Exit::Yes)
        }
        Err(problems) => {
            match args.format {
                CheckFormat::Human => complain(&problems, Format::Human, out)?,
                CheckFormat::Json => complain(&problems, Format::Json, out)?,
                CheckFormat::Sarif => json(out, &sarif(&problems))?,
            }
            // A file that cannot be read is no answer about it.
            Ok(if problems.iter().all(|problem| problem.line == 0) { Exit::Unusable } else { Exit::No })
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

fn told(policy: &Policy, out: &mut impl Write) -> io::Result<()> {
    for notice in policy.notices() {
        writeln!(out, "{notice}")?;
    }
    let width = policy.apps().iter().map(|app| app.name.len()).max().unwrap_or(0);
    for app in policy.apps() {
        let (rules, tests) = (counted(app.rules.len(), "rule"), counted(app.tests, "test"));
        writeln!(out, "ok  {:width$}  {}: {rules}, {tests} passed", app.name, app.file)?;
    }
    Ok(())
}

fn object(policy: &Policy) -> serde_json::Value {
    let apps = policy.apps().iter().map(|app| {
        serde_json::json!({ "app": app.name, "file": app.file, "rules": app.rules.len(), "tests": app.tests })
    });
    serde_json::json!({ "problems": [], "notices": policy.notices(), "apps": apps.collect::<Vec<_>>() })
}

fn json(out: &mut impl Write, value: &serde_json::Value) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, value)?;
    writeln!(out)
}

fn counted(count: usize, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::shipped::{CURA, Installation};

    fn run(policy: &str, format: CheckFormat) -> (String, Exit) {
        let installation = Installation::with(policy);
        let args = CheckArgs { policies: None, format };
        let mut out = Vec::new();
        let exit = check(&installation.config(), &args, &mut out).unwrap();
        (installation.told(out), exit)
    }

    #[test]
    fn a_line_an_app_or_every_problem() {
        let told = "ok  cura  policies/cura.yaml: 4 rules, 15 tests passed\n".to_owned();
        assert_eq!(run(CURA, CheckFormat::Human), (told, Exit::Yes));
        let (text, exit) = run(&CURA.replace("fresh: 5m", "fresh: 5"), CheckFormat::Human);
        assert!(text.starts_with("error: the duration `5` has no unit\n"), "{text}");
        assert!(text.ends_with("\n\n1 problem\n"), "{text}");
        assert_eq!(exit, Exit::No);
    }

    #[test]
    fn the_same_as_json() {
        let (text, _) = run(&CURA.replace("fresh: 5m", "fresh: 5"), CheckFormat::Json);
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(json["problems"][0]["line"], 37);
        assert_eq!(json["problems"][0]["file"], "policies/cura.yaml");
        let (text, _) = run(CURA, CheckFormat::Json);
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(json["apps"][0]["rules"], 4);
    }

    /// Two mistakes and a rule without a test, in each form.
    #[test]
    fn what_is_told_in_each_form() {
        let mistaken =
            CURA.replace("fresh: 5m", "fresh: 5").replace("not_network: [kommune-lan]", "not_networks: lan");
        let untested = CURA.replace(
            "  - name: rest\n",
            "  - name: print\n    match: { path: /print/**, method: POST }\n    require: { fresh: 1h }\n\n  - name: rest\n",
        );
        for (name, policy) in [("mistakes", &mistaken), ("notice", &untested)] {
            for (form, format) in
                [("human", CheckFormat::Human), ("json", CheckFormat::Json), ("sarif", CheckFormat::Sarif)]
            {
                let (text, _) = run(policy, format);
                let version = format!("\"version\": \"{}\"", env!("CARGO_PKG_VERSION"));
                insta::assert_snapshot!(
                    format!("{name}_{form}"),
                    text.replace(&version, "\"version\": \"…\"")
                );
            }
        }
    }

    #[test]
    fn a_configuration_that_is_not_there() {
        let args = CheckArgs { policies: None, format: CheckFormat::Human };
        let mut out = Vec::new();
        assert_eq!(check(Path::new("/nonexistent.yaml"), &args, &mut out).unwrap(), Exit::Unusable);
    }
}
