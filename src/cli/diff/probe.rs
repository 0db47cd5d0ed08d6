//! Made-up requests, by people with one group each and with proofs of every age that matters.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::{Change, Changes, Outcome, Policies, rule, same};
use crate::authn::{Assurance, Method};
use crate::policy::probe::{Probe, probes};
use crate::policy::reader::format_duration;
use crate::policy::{self, App, Person, Policy, decide};
use crate::time::Timestamp;

/// A Monday, 00:00 in Denmark.
const MONDAY: Timestamp = Timestamp::from_seconds(1_799_622_000);

pub(super) fn probe(old: &Policy, new: &Policy) -> Changes {
    let mut changes = Changes::default();
    let policies = Policies { old, new };
    let hosts: BTreeSet<&String> = old.apps().iter().chain(new.apps()).flat_map(|app| &app.hosts).collect();
    let mut pairs: Vec<[&Arc<App>; 2]> = Vec::new();
    for host in hosts {
        let host = host.replace("*.", "any.");
        match (policies.old.app(&host), policies.new.app(&host)) {
            (Some(old), Some(new)) => {
                let known = |[one, two]: &[&Arc<App>; 2]| Arc::ptr_eq(one, old) && Arc::ptr_eq(two, new);
                if !pairs.iter().any(known) {
                    pairs.push([old, new]);
                }
            }
            (Some(app), None) => changes.note(moved(app, true), || format!("https://{host}/")),
            (None, Some(app)) => changes.note(moved(app, false), || format!("https://{host}/")),
            (None, None) => {}
        }
    }
    for [old, new] in pairs {
        compare(old, new, &mut changes);
    }
    changes
}

/// A host that belongs to an app only before, or only after.
fn moved(app: &App, gone: bool) -> Change {
    let rules = Outcome { kind: super::Kind::Allow, told: "by its rules".to_owned() };
    let unknown = Outcome::refuse("unknown-host");
    let (old, new) = if gone { (rules, unknown) } else { (unknown, rules) };
    Change { app: app.name.clone(), old, new, rules: [String::new(), String::new()], groups: "-".to_owned() }
}

fn compare(old: &Arc<App>, new: &Arc<App>, changes: &mut Changes) {
    let groups: BTreeSet<&str> = old.groups().union(&new.groups()).copied().collect();
    let everybody = groups.iter().copied().collect::<Vec<_>>();
    let mut crowds: Vec<Vec<&str>> = groups.iter().map(|group| vec![*group]).collect();
    crowds.push(everybody);
    let ages: BTreeSet<Duration> = old.ages().union(&new.ages()).copied().collect();
    for probe in probes(old, new) {
        for (groups, assurance) in people(&crowds, &ages, probe_time(&probe)) {
            decide_both([old, new], &probe, &groups, assurance.as_ref(), changes);
        }
    }
}

fn probe_time(probe: &Probe) -> Timestamp {
    MONDAY.plus(Duration::from_secs(probe.minute() * 60))
}

/// Nobody, and everybody with proofs just made, with some of them, and with all just too old.
fn people(
    crowds: &[Vec<&str>],
    ages: &BTreeSet<Duration>,
    now: Timestamp,
) -> Vec<(Vec<String>, Option<Assurance>)> {
    let assurance = |methods: &[(Method, &str)], age: Duration| {
        let age = format_duration(age);
        methods.iter().fold(Assurance::default(), |assurance, (method, strength)| {
            // The methods and their strengths are ours, and the age has more than none.
            let evidence = policy::proof_of(*method, &format!("{age}{strength}"), now);
            evidence.into_iter().fold(assurance, Assurance::with)
        })
    };
    const ALL: [(Method, &str); 3] =
        [(Method::Password, ""), (Method::Key, ",pin"), (Method::MitId, ",high")];
    const KEY: [(Method, &str); 2] = [(Method::Password, ""), (Method::Key, "")];
    let second = Duration::from_secs(1);
    let mut assurances = vec![assurance(&ALL, second), assurance(&KEY, second), assurance(&ALL[..1], second)];
    assurances.extend(ages.iter().map(|age| assurance(&ALL, *age + second)));
    let mut people = vec![(Vec::new(), None)];
    for groups in crowds.iter().map(Vec::as_slice).chain([&[][..]]) {
        let groups: Vec<String> = groups.iter().map(|&group| group.to_owned()).collect();
        people.extend(assurances.iter().map(|assurance| (groups.clone(), Some(assurance.clone()))));
    }
    people
}

fn decide_both(
    [old, new]: [&Arc<App>; 2],
    probe: &Probe,
    groups: &[String],
    assurance: Option<&Assurance>,
    changes: &mut Changes,
) {
    let request = probe.request();
    let now = probe_time(probe);
    let person = assurance.map(|assurance| Person { username: "someone", groups, claims: &[], assurance });
    let before = decide(old, &request, person.as_ref(), now);
    let after = decide(new, &request, person.as_ref(), now);
    if same(&before, &after) {
        return;
    }
    let change = Change {
        app: new.name.clone(),
        old: Outcome::of(&before),
        new: Outcome::of(&after),
        rules: [rule(&before).to_owned(), rule(&after).to_owned()],
        groups: match person {
            None => "anonymous".to_owned(),
            Some(_) if groups.is_empty() => "-".to_owned(),
            Some(_) => groups.join("+"),
        },
    };
    changes.note(change, || format!("{} {}", request.method, request.path));
}
