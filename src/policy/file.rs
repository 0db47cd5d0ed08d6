//! A folder of YAML files as a [`Policy`].

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::app::{self, Draft};
use super::problem::{Problem, Source};
use super::{App, Policy};
use crate::config::Config;

/// Reads every `*.yaml` and `*.yml` of the folder, by name, and runs their tests. Either there is nothing
/// wrong at all, or no policy.
pub fn load(folder: &Path, config: &Config) -> Result<Policy, Vec<Problem>> {
    let shared = Arc::new(config.shared());
    let mut problems = Vec::new();
    let mut sources = Vec::new();
    for path in files(folder).map_err(|problem| vec![problem])? {
        match Source::load(&path) {
            Ok(source) => sources.push(source),
            Err(problem) => problems.push(problem),
        }
    }
    let drafts: Vec<Draft<'_>> = sources.iter().map(|source| app::read(source, &shared)).collect();
    claimed_twice(&drafts, config);
    let mut apps = Vec::new();
    for draft in drafts {
        let app = finish(draft, &mut problems);
        apps.extend(app);
    }
    if problems.is_empty() { Ok(Policy::new(apps)) } else { Err(problems) }
}

/// The app, if nothing is wrong with its file and every test of it passes.
fn finish(draft: Draft<'_>, problems: &mut Vec<Problem>) -> Option<Arc<App>> {
    let app = draft.app.filter(|_| draft.report.is_empty()).map(Arc::new);
    if let Some(app) = &app {
        for test in &draft.tests {
            test.run(app, &draft.report);
        }
    }
    problems.extend(draft.report.into_problems());
    app
}

fn files(folder: &Path) -> Result<Vec<PathBuf>, Problem> {
    let help = "name the folder of the policies with `policies: DIR` in sluse.yaml";
    let unreadable =
        |error: std::io::Error| Problem::of_file(folder, format!("cannot read the folder: {error}"), help);
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
    for (index, draft) in drafts.iter().enumerate() {
        let earlier = &drafts[..index];
        let named = |name: &str| earlier.iter().find(|o| o.name.as_ref().is_some_and(|(n, _)| n == name));
        if let Some((name, span)) = &draft.name
            && let Some(other) = named(name)
        {
            let message = format!("`{}` has an app named `{name}` too", other.report.source.name);
            draft.report.add(*span, message, "give each app a name of its own");
        }
        for (host, span) in &draft.hosts {
            if let Some(other) = earlier.iter().find(|o| o.hosts.iter().any(|(h, _)| h == host)) {
                let message = format!("the host `{host}` belongs to `{}` already", other.report.source.name);
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
