//! A folder of YAML files as a [`Policy`].

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::app::{self, Draft};
use super::lint::lint;
use super::problem::{Problem, Source};
use super::reader::Report;
use super::{App, Policy};
use crate::config::Config;

/// Reads every `*.yaml` and `*.yml` of the folder, by name, or the one file that it is, compares their rules and runs their tests. Either
/// there is nothing wrong at all, or no policy.
pub fn load(folder: &Path, config: &Config) -> Result<Policy, Vec<Problem>> {
    load_after(folder, config, &Policy::default())
}

/// As [`load`], for a policy that takes over from `live`: what observes leaves the decision to it.
pub fn load_after(folder: &Path, config: &Config, live: &Policy) -> Result<Policy, Vec<Problem>> {
    let mut problems = Vec::new();
    let mut sources = Vec::new();
    for path in files(folder).map_err(|problem| vec![problem])? {
        match Source::load(&path) {
            Ok(source) => sources.push(source),
            Err(problem) => problems.push(problem),
        }
    }
    read(&sources, problems, config, live)
}

/// As [`load`], of files that were read already.
pub fn parse(sources: &[Source], config: &Config) -> Result<Policy, Vec<Problem>> {
    read(sources, Vec::new(), config, &Policy::default())
}

fn read(
    sources: &[Source],
    mut problems: Vec<Problem>,
    config: &Config,
    live: &Policy,
) -> Result<Policy, Vec<Problem>> {
    let shared = Arc::new(config.shared());
    let drafts: Vec<Draft<'_>> = sources.iter().map(|source| app::read(source, &shared)).collect();
    claimed_twice(&drafts, config);
    let mut apps = Vec::new();
    for draft in drafts {
        let (app, told) = finish(draft, live);
        apps.extend(app);
        problems.extend(told);
    }
    if problems.iter().any(Problem::is_error) {
        problems.retain(Problem::is_error);
        return Err(problems);
    }
    Ok(Policy::new(apps, problems))
}

/// The app, if nothing is wrong with its file and every test of it passes; and whatever is to be told.
fn finish(draft: Draft<'_>, live: &Policy) -> (Option<Arc<App>>, Vec<Problem>) {
    let Draft { report, app, tests, .. } = draft;
    if let Some(app) = &app {
        lint(app, &report);
    }
    let mut app = app.filter(|_| report.is_fine()).map(Arc::new);
    if let Some(app) = &app {
        let reached: Vec<String> = tests.iter().filter_map(|test| test.run(app, &report)).collect();
        untested(app, &reached, &report);
    }
    if let Some(app) = app.as_mut().and_then(Arc::get_mut) {
        app.previous = live.apps.iter().find(|live| live.name == app.name).and_then(before);
    }
    (app, report.into_problems())
}

/// What was live before anything of the app began to observe.
fn before(live: &Arc<App>) -> Option<Arc<App>> {
    if live.observes() { live.previous.clone() } else { Some(Arc::clone(live)) }
}

fn untested(app: &App, reached: &[String], report: &Report<'_>) {
    let denies = app.denies.iter().map(|deny| (&deny.name, deny.written.span));
    let rules = app.rules.iter().map(|rule| (&rule.name, rule.written.span));
    for (name, span) in denies.chain(rules).filter(|(name, _)| !reached.contains(name)) {
        report.notice(
            span,
            format!("no test reaches `{name}`"),
            "add one under `tests:`, so that it stays as it is meant",
        );
    }
}

fn files(folder: &Path) -> Result<Vec<PathBuf>, Problem> {
    let help = "name the folder of the policies with `policies: DIR` in sluse.yaml";
    let unreadable =
        |error: std::io::Error| Problem::of_file(folder, format!("cannot read the folder: {error}"), help);
    if folder.is_file() {
        return Ok(vec![folder.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        let yaml = path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml");
        if yaml && !hidden {
            files.push(path);
        }
    }
    files.sort();
    if files.is_empty() {
        return Err(Problem::of_file(folder, "there is no policy in this folder", help));
    }
    Ok(files)
}

/// Names and hosts belong to one app; the login host to none.
fn claimed_twice(drafts: &[Draft<'_>], config: &Config) {
    let (mut names, mut hosts) = (HashMap::new(), HashMap::new());
    for draft in drafts {
        let file = draft.report.source.name.as_str();
        if let Some((name, span)) = &draft.name
            && let Some(other) = names.insert(name, file)
        {
            let message = format!("`{other}` has an app named `{name}` too");
            draft.report.add(*span, message, "give each app a name of its own");
        }
        for (host, span) in &draft.hosts {
            if let Some(other) = hosts.insert(host, file) {
                let message = format!("the host `{host}` belongs to `{other}` already");
                draft.report.add(*span, message, "one host belongs to one app: remove it from one of them");
            }
            if Some(host.as_str()) == config.login.host_str() {
                let message = format!("`{host}` is the login host");
                draft.report.add(*span, message, "apps need hosts of their own: see `login:` in sluse.yaml");
            }
        }
    }
}

#[cfg(test)]
#[path = "file_tests.rs"]
mod tests;
