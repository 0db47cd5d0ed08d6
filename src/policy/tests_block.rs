//! `tests:` of a policy: who does what from where, and what must come of it.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use super::decide::{Decision, Person, Request, decide};
use super::document::Node;
use super::explain::{joined, outcome};
use super::path::CanonicalPath;
use super::problem::Span;
use super::reader::{Fields, Report, parse_duration};
use super::{App, Shared};
use crate::authn::{
    Assurance, CredentialId, Evidence, KeyEvidence, Method, MitIdEvidence, MitIdLevel, MitIdSubject,
    PasswordEvidence,
};
use crate::time::Timestamp;
use crate::user::Username;

/// One test, as it was written.
pub(super) struct Test {
    username: String,
    groups: Vec<String>,
    assurance: Assurance,
    method: String,
    path: String,
    address: Option<IpAddr>,
    shared_device: bool,
    expect: String,
    span: Span,
}

/// Tests run at this moment; what counts are ages.
const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

impl Test {
    pub fn run(&self, app: &Arc<App>, report: &Report<'_>) {
        let outcomes = self.outcomes(app);
        let kind = outcomes[0].split(' ').next().unwrap_or_default();
        if self.expect == kind || outcomes.contains(&self.expect) {
            return;
        }
        let message = format!("this test expects `{}`, and what happens is `{}`", self.expect, outcomes[0]);
        let help = format!("see why: sluse explain {} https://{}{}", self.method, app.hosts[0], self.path);
        report.add(self.span, message, help);
    }

    /// What happens: the first as it is shown, then every way in which a test may write it.
    fn outcomes(&self, app: &Arc<App>) -> Vec<String> {
        let path = match CanonicalPath::parse(self.path.as_bytes(), app.paths) {
            Ok(path) => path,
            Err(refusal) => return vec![format!("refuse {}", refusal.code())],
        };
        let request = Request {
            method: &self.method,
            path: path.as_str(),
            address: self.address,
            shared_device: self.shared_device,
        };
        let person = Person { username: &self.username, groups: &self.groups, assurance: &self.assurance };
        let person = Some(&person).filter(|_| !self.assurance.is_empty());
        let decision = decide(app, &request, person, NOW);
        let mut outcomes = vec![outcome(&decision)];
        if let Decision::StepUp(demand) = &decision {
            outcomes.extend(demand.alternatives.iter().map(|needs| format!("step_up {}", joined(needs))));
        }
        outcomes
    }
}

pub(super) fn read(report: &Report<'_>, node: &Node, shared: &Shared) -> Vec<Test> {
    report.items(node).iter().filter_map(|item| read_test(report, item, shared)).collect()
}

fn read_test(report: &Report<'_>, node: &Node, shared: &Shared) -> Option<Test> {
    Fields::read(report, node, &[], |fields| {
        let who = fields.required("as").map(|node| who(report, node));
        let what = fields.required("do").and_then(|node| {
            report.parse(node, "write a method and a path: `do: POST /medication/7`", |text| {
                let (method, target) = text.split_once(' ').ok_or("a method and a path are expected here")?;
                let path = target.split('?').next().unwrap_or_default();
                Ok::<_, &str>((method.to_owned(), path.to_owned()))
            })
        });
        let address = match fields.optional("from") {
            None => address("internet", shared).ok(),
            Some(node) => {
                let help = "write a network's name, `internet`, or an address";
                report.parse(node, help, |text| address(text, shared))
            }
        };
        let devices = [("shared", true), ("personal", false)];
        let shared_device = fields.optional("device").and_then(|node| report.choice(node, &devices));
        let expect = fields.required("expect");
        let (username, groups, assurance) = who??;
        let (method, path) = what?;
        let expect = expect?;
        Some(Test {
            username,
            groups,
            assurance,
            method,
            path,
            address: address?,
            shared_device: shared_device.unwrap_or(false),
            expect: expectation(report, expect)?,
            span: expect.span,
        })
    })
}

fn expectation(report: &Report<'_>, node: &Node) -> Option<String> {
    let help = "write `allow RULE`, `login LEVEL`, `step_up METHOD`, `deny CODE` or `refuse CODE`";
    report.parse(node, help, |text| {
        let words: Vec<&str> = text.split_whitespace().collect();
        match words.first() {
            Some(&("allow" | "login" | "step_up" | "deny" | "refuse")) => Ok(words.join(" ")),
            _ => Err(format!("`{text}` is not an outcome")),
        }
    })
}

type Who = (String, Vec<String>, Assurance);

fn who(report: &Report<'_>, node: &Node) -> Option<Who> {
    if node.is("anonymous") {
        return Some((String::new(), Vec::new(), Assurance::default()));
    }
    Fields::read(report, node, &["claims"], |fields| {
        let user = fields.optional("user").map(|node| {
            report.parse(node, "write the name people log in with", |text| {
                Username::parse(text).map(|name| name.as_str().to_owned())
            })
        });
        let groups = fields.optional("groups").map(|node| report.texts(node)).unwrap_or_default();
        let mut assurance = Assurance::default();
        let entries = fields.required("proofs").map(|node| report.entries(node)).unwrap_or_default();
        for (key, node) in entries {
            let Some(method) = Method::ALL.into_iter().find(|method| method.name() == key.name) else {
                report.add(
                    key.span,
                    format!("there is no method `{}`", key.name),
                    "write password, key or mitid",
                );
                continue;
            };
            let help = "write an age, and for more than the least `key: 4m pin` or `mitid: 4m high`";
            let evidence = report.parse(node, help, |text| proof(method, text, NOW));
            assurance = evidence.into_iter().fold(assurance, Assurance::with);
        }
        Some((user.unwrap_or_else(|| Some("someone".to_owned()))?, groups, assurance))
    })
}

/// A proof as tests and `sluse explain` write it: its age, then `pin` for a key that verified its user, or
/// the level of a MitID (`substantial` where none is written).
pub(crate) fn proof(method: Method, text: &str, now: Timestamp) -> Result<Evidence, String> {
    let mut words = text.split([' ', ',']).filter(|word| !word.is_empty());
    let age = parse_duration(words.next().unwrap_or_default())?;
    let strength = words.next();
    let at = now.minus(age);
    let unknown = || Err(format!("`{text}` is not a proof of {method}"));
    if words.next().is_some() {
        return unknown();
    }
    Ok(match (method, strength) {
        (Method::Password, None) => Evidence::Password(PasswordEvidence { at }),
        (Method::Key, None | Some("pin")) => {
            let credential = CredentialId(Vec::new());
            Evidence::Key(KeyEvidence { at, credential, user_verified: strength.is_some() })
        }
        (Method::MitId, level) => {
            let Some(level) = MitIdLevel::parse(level.unwrap_or("substantial")) else { return unknown() };
            let subject = MitIdSubject { issuer: String::new(), subject: String::new() };
            Evidence::MitId(MitIdEvidence { at, subject, level })
        }
        _ => return unknown(),
    })
}

/// An address of the internet (RFC 5737's documentation range).
const OUTSIDE: IpAddr = IpAddr::V4(Ipv4Addr::new(203, 0, 113, 1));

/// The address a test or `sluse explain` means by `from`: of a network its first. `None` if `internet` is
/// asked for and the documentation address is in a network.
pub(crate) fn address(text: &str, shared: &Shared) -> Result<Option<IpAddr>, String> {
    if text == "internet" {
        let inside = shared.networks.iter().any(|network| network.contains(OUTSIDE));
        return Ok(Some(OUTSIDE).filter(|_| !inside));
    }
    if let Ok(address) = text.parse() {
        return Ok(Some(address));
    }
    let network = shared.networks.iter().find(|network| network.name == text);
    let range = network.and_then(|network| network.ranges.first());
    range.map(|range| Some(range.network())).ok_or_else(|| format!("there is no network `{text}`"))
}
