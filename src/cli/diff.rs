//! `sluse diff OLD NEW`: which requests another policy treats differently.

mod probe;
mod replay;

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::check::complain;
use super::{Exit, Format, count, table};
use crate::config::Config;
use crate::policy::{Decision, Policy, file};

#[derive(Debug, clap::Args)]
pub struct DiffArgs {
    /// The policies now: a folder, or one file
    #[arg(value_name = "OLD")]
    pub old: PathBuf,
    /// The policies to be: a folder, or one file
    #[arg(value_name = "NEW")]
    pub new: PathBuf,
    /// Decide on the requests of this log again, as `sluse serve` writes it, `-` for standard input; without
    /// it, on made-up requests, one for every way in which the two can differ
    #[arg(long, value_name = "FILE")]
    pub replay: Option<PathBuf>,
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Prints every kind of change. The answer is no if anything that was allowed is denied.
pub fn diff(config: &Path, args: &DiffArgs, out: &mut impl Write) -> anyhow::Result<Exit> {
    let loaded = Config::load(config).and_then(|config| {
        let (old, new) = (file::load(&args.old, &config), file::load(&args.new, &config));
        match (old, new) {
            (Ok(old), Ok(new)) => Ok((old, new)),
            (old, new) => Err([old.err(), new.err()].into_iter().flatten().flatten().collect()),
        }
    });
    let (old, new) = match loaded {
        Ok(loaded) => loaded,
        Err(problems) => {
            complain(&problems, args.format, out)?;
            return Ok(Exit::Unusable);
        }
    };
    let (changes, seen) = match &args.replay {
        Some(log) => replay::replay(&old, &new, log)?,
        None => (probe::probe(&old, &new), Seen::default()),
    };
    match args.format {
        Format::Human => changes.table(&seen, args.replay.is_some(), out)?,
        Format::Json => writeln!(out, "{:#}", changes.object(&seen))?,
    }
    Ok(if changes.closes() { Exit::No } else { Exit::Yes })
}

/// Before and after.
struct Policies<'a> {
    old: &'a Policy,
    new: &'a Policy,
}

/// What becomes of a request, in the words of a test's `expect`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Outcome {
    kind: Kind,
    told: String,
}

#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Allow,
    Login,
    StepUp,
    Deny,
    /// 400 or 421: before any rule.
    Refuse,
}

impl Outcome {
    fn of(decision: &Decision) -> Self {
        let kind = match decision {
            Decision::Allow(_) => Kind::Allow,
            Decision::Login(_) => Kind::Login,
            Decision::StepUp(_) => Kind::StepUp,
            Decision::Deny(_) => Kind::Deny,
        };
        let told = crate::policy::explain::outcome(decision);
        let offer = match decision {
            Decision::Deny(denial) => denial.glass.as_ref(),
            _ => None,
        };
        let told = offer.map_or(told.clone(), |offer| format!("{told}, {offer}"));
        Self { kind, told }
    }

    fn refuse(code: &str) -> Self {
        Self { kind: Kind::Refuse, told: format!("refuse {code}") }
    }
}

/// Whether a person notices: the same kind, asking for the same.
fn same(old: &Decision, new: &Decision) -> bool {
    match (old, new) {
        (Decision::Allow(old), Decision::Allow(new)) => old.glass().is_some() == new.glass().is_some(),
        // Who may break the glass is not simply kept out.
        (Decision::Deny(old), Decision::Deny(new)) => old.glass == new.glass,
        (Decision::Login(old), Decision::Login(new)) | (Decision::StepUp(old), Decision::StepUp(new)) => {
            old.alternatives == new.alternatives
        }
        _ => false,
    }
}

/// Changes of one kind.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Change {
    app: String,
    old: Outcome,
    new: Outcome,
    /// The rules that decided before and after, where they were reached.
    rules: [String; 2],
    /// The person's groups that either policy asks for.
    groups: String,
}

#[derive(Debug, Default)]
struct Changes(BTreeMap<Change, Found>);

#[derive(Debug)]
struct Found {
    requests: u64,
    /// The first of them.
    example: String,
}

/// What was read of a log.
#[derive(Debug, Default)]
struct Seen {
    requests: u64,
    /// Lines of requests that say too little to be decided on again.
    skipped: u64,
    /// Requests that the old policy decides otherwise than the log says.
    otherwise: u64,
    /// Conditions look at what no log holds.
    blind: bool,
}

impl Changes {
    fn note(&mut self, change: Change, example: impl FnOnce() -> String) {
        self.0.entry(change).or_insert_with(|| Found { requests: 0, example: example() }).requests += 1;
    }

    /// Whether anything that was allowed is denied.
    fn closes(&self) -> bool {
        self.0.keys().any(|change| change.old.kind == Kind::Allow && change.new.kind >= Kind::Deny)
    }

    fn table(&self, seen: &Seen, replayed: bool, out: &mut impl Write) -> std::io::Result<()> {
        if !self.0.is_empty() {
            let rows: Vec<_> = self.0.iter().map(|(change, found)| change.row(found, replayed)).collect();
            let heads =
                ["APP", "GROUPS", "OLD", "NEW", "RULE", "SUCH AS", if replayed { "REQUESTS" } else { "" }];
            table::write(out, heads, &rows)?;
            writeln!(out)?;
        }
        let changed: u64 = self.0.values().map(|found| found.requests).sum();
        if replayed {
            writeln!(out, "{changed} of {} would change", count(seen.requests as usize, "request"))?;
        } else if self.0.is_empty() {
            writeln!(out, "no request would change")?;
        }
        if seen.skipped > 0 {
            writeln!(out, "{} not decided again: they say too little", count(seen.skipped as usize, "line"))?;
        }
        if seen.otherwise > 0 {
            let requests = count(seen.otherwise as usize, "request");
            writeln!(
                out,
                "{requests} went otherwise then than OLD says: another policy was live, or a fact is not in the log"
            )?;
        }
        if seen.blind {
            writeln!(
                out,
                "headers and queries are not in the log: conditions on them were taken as not met"
            )?;
        }
        Ok(())
    }

    fn object(&self, seen: &Seen) -> Value {
        let change = |(change, found): (&Change, &Found)| {
            json!({
                "app": change.app,
                "groups": change.groups,
                "old": change.old.told,
                "new": change.new.told,
                "old_rule": change.rules[0],
                "new_rule": change.rules[1],
                "requests": found.requests,
                "example": found.example,
            })
        };
        json!({
            "changes": self.0.iter().map(change).collect::<Vec<_>>(),
            "requests": seen.requests,
            "skipped": seen.skipped,
            "otherwise": seen.otherwise,
            "closes": self.closes(),
        })
    }
}

impl Change {
    fn row(&self, found: &Found, replayed: bool) -> [String; 7] {
        let [old, new] = &self.rules;
        let rule = match (old.as_str(), new.as_str()) {
            ("", "") => "-".to_owned(),
            (old, new) if old == new => new.to_owned(),
            (old, "") => format!("{old} -> -"),
            ("", new) => format!("- -> {new}"),
            (old, new) => format!("{old} -> {new}"),
        };
        [
            self.app.clone(),
            self.groups.clone(),
            self.old.told.clone(),
            self.new.told.clone(),
            rule,
            found.example.clone(),
            if replayed { found.requests.to_string() } else { String::new() },
        ]
    }
}

/// The rule that decided, if one was reached.
fn rule(decision: &Decision) -> &str {
    match decision {
        Decision::Allow(permit) => permit.rule(),
        Decision::Login(demand) | Decision::StepUp(demand) => &demand.rule,
        Decision::Deny(denial) => denial.rule.as_deref().unwrap_or_default(),
    }
}

#[cfg(test)]
#[path = "diff_tests.rs"]
mod tests;
