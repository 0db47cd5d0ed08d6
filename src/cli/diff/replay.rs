//! The requests of a log, decided on again.

use std::borrow::Cow;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use serde::Deserialize;
use uuid::Uuid;

use super::{Change, Changes, Outcome, Policies, Seen, rule, same};
use crate::authn::glass::BrokenGlass;
use crate::authn::{Assurance, Method};
use crate::policy::matcher::{Fact, Protocol};
use crate::policy::path::CanonicalPath;
use crate::policy::{self, App, Decision, Person, Policy, Request, decide};
use crate::time::Timestamp;

/// The fields of a request's line that are of use here: see `logging` of the proxy.
#[derive(Deserialize)]
struct Line<'l> {
    #[serde(borrow, default)]
    target: Cow<'l, str>,
    #[serde(borrow, default)]
    timestamp: Cow<'l, str>,
    #[serde(borrow, default)]
    host: Cow<'l, str>,
    #[serde(borrow, default)]
    method: Cow<'l, str>,
    #[serde(borrow, default)]
    path: Cow<'l, str>,
    #[serde(borrow, default)]
    outcome: Cow<'l, str>,
    #[serde(borrow, default)]
    rule: Cow<'l, str>,
    #[serde(default)]
    break_glass: bool,
    #[serde(borrow, default)]
    address: Option<Cow<'l, str>>,
    #[serde(borrow, default)]
    user: Option<Cow<'l, str>>,
    /// Separated by commas.
    #[serde(borrow, default)]
    groups: Option<Cow<'l, str>>,
    /// `password=2h key=12m,pin`.
    #[serde(borrow, default)]
    proofs: Option<Cow<'l, str>>,
    #[serde(borrow, default)]
    protocol: Option<Cow<'l, str>>,
    #[serde(borrow, default)]
    device: Option<Cow<'l, str>>,
}

/// The target of a request's line, and of no other.
const TARGET: &str = "sluse::request";

pub(super) fn replay(old: &Policy, new: &Policy, log: &Path) -> anyhow::Result<(Changes, Seen)> {
    let mut lines: Box<dyn BufRead> = if log == Path::new("-") {
        Box::new(BufReader::new(std::io::stdin()))
    } else {
        let file = File::open(log).with_context(|| format!("`{}` cannot be read", log.display()))?;
        Box::new(BufReader::with_capacity(1 << 18, file))
    };
    let policies = Policies { old, new };
    let mut changes = Changes::default();
    let mut seen = Seen { blind: policies.blind(), ..Seen::default() };
    let mut line = Vec::new();
    while lines.read_until(b'\n', &mut line).with_context(|| format!("`{}`", log.display()))? > 0 {
        match serde_json::from_slice::<Line<'_>>(&line) {
            Ok(line) if line.target == TARGET => policies.again(&line, &mut changes, &mut seen),
            Ok(_) => {}
            // Cut short, as the last one may be.
            Err(_) => seen.skipped += u64::from(String::from_utf8_lossy(&line).contains(TARGET)),
        }
        line.clear();
    }
    Ok((changes, seen))
}

impl Policies<'_> {
    /// Whether a condition looks at what no line holds.
    fn blind(&self) -> bool {
        let apps = self.old.apps().iter().chain(self.new.apps());
        let rules = apps.flat_map(|app| {
            app.rules.iter().map(|rule| &rule.matcher).chain(app.denies.iter().map(|deny| &deny.matcher))
        });
        let mut facts = rules.flat_map(|matcher| &matcher.conditions).map(|condition| &condition.fact);
        facts.any(|fact| matches!(fact, Fact::Header(_) | Fact::Query(_)))
    }

    fn again(&self, line: &Line<'_>, changes: &mut Changes, seen: &mut Seen) {
        // The gateway's own pages, and what was refused before any rule.
        if !matches!(&*line.outcome, "allow" | "login" | "step_up" | "deny") {
            return;
        }
        let Some(asked) = Asked::of(line) else {
            seen.skipped += 1;
            return;
        };
        seen.requests += 1;
        let (old, new) = (asked.decide(self.old), asked.decide(self.new));
        if let Ok(old) = &old {
            seen.otherwise += u64::from(kind(&old.1) != line.outcome);
        }
        if let (Ok((_, old)), Ok((_, new))) = (&old, &new)
            && same(old, new)
        {
            return;
        }
        if let (Err(old), Err(new)) = (&old, &new)
            && old == new
        {
            return;
        }
        let apps = [&old, &new].map(|decided| decided.as_ref().ok().map(|(app, _)| *app));
        let outcome = |decided: &Result<(&Arc<App>, Decision), &'static str>| match decided {
            Ok((_, decision)) => (Outcome::of(decision), rule(decision).to_owned()),
            Err(code) => (Outcome::refuse(code), String::new()),
        };
        let ((old, old_rule), (new, new_rule)) = (outcome(&old), outcome(&new));
        let change = Change {
            app: apps[1].or(apps[0]).map_or_else(|| line.host.to_string(), |app| app.name.clone()),
            old,
            new,
            rules: [old_rule, new_rule],
            groups: asked.relevant_groups(apps),
        };
        changes.note(change, || format!("{} {}", line.method, line.path));
    }
}

fn kind(decision: &Decision) -> &'static str {
    match decision {
        Decision::Allow(_) => "allow",
        Decision::Login(_) => "login",
        Decision::StepUp(_) => "step_up",
        Decision::Deny(_) => "deny",
    }
}

/// A line, understood.
struct Asked<'l> {
    line: &'l Line<'l>,
    now: Timestamp,
    address: Option<IpAddr>,
    groups: Vec<String>,
    /// `None`: nobody was signed in.
    assurance: Option<Assurance>,
}

impl<'l> Asked<'l> {
    /// `None` if a person asked and the line does not say what they had proven.
    fn of(line: &'l Line<'l>) -> Option<Self> {
        let now: jiff::Timestamp = line.timestamp.parse().ok()?;
        let now = Timestamp::from_millis(now.as_millisecond());
        let assurance = match (&line.user, &line.proofs) {
            (None, _) => None,
            (Some(_), None) => return None,
            (Some(_), Some(proofs)) => Some(assurance(proofs, now)?),
        };
        let groups = line.groups.as_deref().unwrap_or_default().split(',').filter(|group| !group.is_empty());
        Some(Self {
            line,
            now,
            address: line.address.as_deref().and_then(|address| address.parse().ok()),
            groups: groups.map(str::to_owned).collect(),
            assurance,
        })
    }

    fn decide<'p>(&self, policy: &'p Policy) -> Result<(&'p Arc<App>, Decision), &'static str> {
        let app = policy.app(&self.line.host).ok_or("unknown-host")?;
        let path =
            CanonicalPath::parse(self.line.path.as_bytes(), app.paths).map_err(|refusal| refusal.code())?;
        let protocol =
            Protocol::WORDS.into_iter().find(|(word, _)| Some(*word) == self.line.protocol.as_deref());
        // What was let in by glass had that.
        let broken = self.line.break_glass.then(|| BrokenGlass {
            id: Uuid::nil(),
            app: app.name.clone(),
            rule: self.line.rule.to_string(),
            broken_at: self.now,
            until: self.now.plus(Duration::from_secs(1)),
        });
        let glass: Vec<BrokenGlass> = broken.into_iter().collect();
        let request = Request {
            address: self.address,
            shared_device: self.line.device.as_deref() == Some("shared"),
            protocol: protocol.map_or(Protocol::Http, |(_, protocol)| protocol),
            // What was allowed had its approval.
            approved_once: self.line.outcome == "allow",
            glass: &glass,
            ..Request::new(&self.line.method, path.as_str())
        };
        let person = self.assurance.as_ref().map(|assurance| Person {
            username: self.line.user.as_deref().unwrap_or_default(),
            groups: &self.groups,
            claims: &[],
            assurance,
        });
        Ok((app, decide(app, &request, person.as_ref(), self.now)))
    }

    /// The person's groups that either policy asks for.
    fn relevant_groups(&self, apps: [Option<&Arc<App>>; 2]) -> String {
        if self.assurance.is_none() {
            return "anonymous".to_owned();
        }
        let asked =
            |group: &&String| apps.into_iter().flatten().any(|app| app.groups().contains(group.as_str()));
        match self.groups.iter().filter(asked).map(String::as_str).collect::<Vec<_>>().join("+") {
            none if none.is_empty() => "-".to_owned(),
            groups => groups,
        }
    }
}

fn assurance(proofs: &str, now: Timestamp) -> Option<Assurance> {
    proofs.split_whitespace().try_fold(Assurance::default(), |assurance, text| {
        let (name, proof) = text.split_once('=')?;
        let method = Method::ALL.into_iter().find(|method| method.name() == name)?;
        Some(assurance.with(policy::proof_of(method, proof, now).ok()?))
    })
}
