//! `tests:` of a policy: who does what from where, and what must come of it.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use uuid::Uuid;

use super::app::identifier;
use super::decide::{Decision, Denial, Person, Reason, Request, Rules, decide_with};
use super::document::{Key, Node};
use super::explain::{Silent, joined, outcome};
use super::matcher::{Device, Protocol};
use super::path::CanonicalPath;
use super::problem::Span;
use super::reader::{Fields, Report, format_duration, parse_duration};
use super::require::groups;
use super::{App, Shared, schedule, shape};
use crate::authn::glass::BrokenGlass;
use crate::authn::{
    Assurance, CredentialId, Evidence, KeyEvidence, Method, MitIdEvidence, MitIdLevel, MitIdSubject,
    PasswordEvidence,
};
use crate::time::Timestamp;
use crate::user::Username;

/// One test, as it was written.
pub(super) struct Test {
    who: Who,
    method: String,
    path: String,
    query: Option<String>,
    headers: HeaderMap,
    address: Option<IpAddr>,
    shared_device: bool,
    protocol: Protocol,
    approved: bool,
    at: Timestamp,
    expect: String,
    span: Span,
}

/// Tests run at this moment where they do not name another: a Friday, 09:00 in Denmark.
const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

impl Test {
    /// Runs it; the name of the rule or `deny` entry that decided.
    pub fn run(&self, app: &Arc<App>, report: &Report<'_>) -> Option<String> {
        let (outcomes, by) = self.outcomes(app);
        let kind = outcomes[0].split(' ').next().unwrap_or_default();
        if self.expect != kind && !outcomes.contains(&self.expect) {
            let message =
                format!("this test expects `{}`, and what happens is `{}`", self.expect, outcomes[0]);
            let help =
                format!("see why: sluse explain {} https://{}{}", self.method, app.hosts[0], self.path);
            report.add(self.span, message, help);
        }
        by
    }

    /// What happens: the first as it is shown, then every way in which a test may write it. By the policy as
    /// it is written, whether it observes or not.
    fn outcomes(&self, app: &Arc<App>) -> (Vec<String>, Option<String>) {
        let path = match CanonicalPath::parse(self.path.as_bytes(), app.paths) {
            Ok(path) => path,
            Err(refusal) => return (vec![format!("refuse {}", refusal.code())], None),
        };
        let broken = self.who.broken_glass.iter().map(|rule| BrokenGlass {
            id: Uuid::nil(),
            app: app.name.clone(),
            rule: rule.clone(),
            broken_at: self.at,
            until: self.at.plus(Duration::from_hours(24)),
        });
        let glass: Vec<BrokenGlass> = broken.collect();
        let request = Request {
            query: self.query.as_deref(),
            headers: Some(&self.headers),
            address: self.address,
            shared_device: self.shared_device,
            protocol: self.protocol,
            approved_once: self.approved,
            glass: &glass,
            ..Request::new(&self.method, path.as_str())
        };
        let Who { username, groups, claims, assurance, .. } = &self.who;
        let person = Person { username, groups, claims, assurance };
        let person = Some(&person).filter(|_| !assurance.is_empty());
        let decision = decide_with(app, &request, person, self.at, Rules::Written, &mut Silent);
        let mut outcomes = vec![outcome(&decision)];
        if let Decision::StepUp(demand) = &decision {
            outcomes.extend(demand.alternatives.iter().map(|needs| format!("step_up {}", joined(needs))));
        }
        if let Decision::Deny(Denial { rule: Some(rule), glass: Some(_), .. }) = &decision {
            outcomes.extend(["break_glass".to_owned(), format!("break_glass {rule}")]);
        }
        let by = match &decision {
            Decision::Allow(permit) => Some(permit.rule().to_owned()),
            Decision::Login(demand) | Decision::StepUp(demand) => Some(demand.rule.clone()),
            Decision::Deny(Denial { reason: Reason::Deny(name), .. }) => Some(name.clone()),
            Decision::Deny(denial) => denial.rule.clone(),
        };
        (outcomes, by)
    }
}

pub(super) fn read(report: &Report<'_>, node: &Node, shared: &Shared) -> Vec<Test> {
    report.items(node).iter().filter_map(|item| read_test(report, item, shared)).collect()
}

fn read_test(report: &Report<'_>, node: &Node, shared: &Shared) -> Option<Test> {
    Fields::read(report, node, &shape::TEST, |fields| {
        let at = fields.optional("at").map(|node| {
            report.parse(node, "write a day and an hour: `mon 09:30`", |text| moment(text, NOW, shared))
        });
        let at = at.unwrap_or(Some(NOW)).unwrap_or(NOW);
        let who = fields.required("as").map(|node| who(report, node, shared, at));
        let what = fields.required("do").and_then(|node| {
            report.parse(node, "write a method and a path: `do: POST /medication/7`", |text| {
                let (method, target) = text.split_once(' ').ok_or("a method and a path are expected here")?;
                let (path, query) = match target.split_once('?') {
                    Some((path, query)) => (path, Some(query.to_owned())),
                    None => (target, None),
                };
                Ok::<_, &str>((method.to_owned(), path.to_owned(), query))
            })
        });
        let address = match fields.optional("from") {
            None => address("internet", shared).ok(),
            Some(node) => {
                let help = "write a network's name, `internet`, or an address";
                report.parse(node, help, |text| address(text, shared))
            }
        };
        let device = fields.optional("device").and_then(|node| report.choice(node, &Device::WORDS));
        let protocol = fields.optional("protocol").and_then(|node| report.choice(node, &Protocol::WORDS));
        let headers = fields.optional("header").map(|node| headers(report, node)).unwrap_or_default();
        let approved = fields.optional("approved").and_then(|node| report.flag(node));
        let expect = fields.required("expect");
        let who = who??;
        let (method, path, query) = what?;
        let expect = expect?;
        Some(Test {
            who,
            method,
            path,
            query,
            headers,
            address: address?,
            shared_device: device == Some(Device::Shared),
            protocol: protocol.unwrap_or_default(),
            approved: approved.unwrap_or(false),
            at,
            expect: expectation(report, expect)?,
            span: expect.span,
        })
    })
}

fn headers(report: &Report<'_>, node: &Node) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (key, node) in report.entries(node) {
        let name = HeaderName::from_bytes(key.name.as_bytes());
        let value = report.parse(node, "write the header's value", HeaderValue::from_str);
        match (name, value) {
            (Ok(name), Some(value)) => _ = headers.append(name, value),
            (Ok(_), None) => {}
            (Err(_), _) => {
                let message = format!("`{}` is not the name of a header", key.name);
                report.add(key.span, message, "write a name such as `Accept`");
            }
        }
    }
    headers
}

fn expectation(report: &Report<'_>, node: &Node) -> Option<String> {
    let help = "write `allow RULE`, `login LEVEL`, `step_up METHOD`, `deny CODE`, `break_glass RULE` or `refuse CODE`";
    report.parse(node, help, |text| {
        let words: Vec<&str> = text.split_whitespace().collect();
        match words.first() {
            Some(&("allow" | "login" | "step_up" | "deny" | "break_glass" | "refuse")) => Ok(words.join(" ")),
            _ => Err(format!("`{text}` is not an outcome")),
        }
    })
}

#[derive(Default)]
struct Who {
    username: String,
    groups: Vec<String>,
    claims: Vec<(String, String)>,
    /// The rule whose glass the person has just broken.
    broken_glass: Option<String>,
    assurance: Assurance,
}

fn who(report: &Report<'_>, node: &Node, shared: &Shared, at: Timestamp) -> Option<Who> {
    if node.is("anonymous") {
        return Some(Who::default());
    }
    Fields::read(report, node, &shape::WHO, |fields| {
        let user = fields.optional("user").map(|node| {
            report.parse(node, "write the name people log in with", |text| {
                Username::parse(text).map(|name| name.as_str().to_owned())
            })
        });
        let groups = fields.optional("groups").map(|node| groups(report, node, shared)).unwrap_or_default();
        let entries = fields.optional("claims").map(|node| report.entries(node)).unwrap_or_default();
        let values = |(key, node): &(Key, Node)| {
            report.texts(node).into_iter().map(|value| (key.name.clone(), value)).collect::<Vec<_>>()
        };
        let claims = entries.iter().flat_map(values).collect();
        let broken_glass = fields.optional("broken_glass").and_then(|node| identifier(report, node));
        let assurance = fields.required("proofs").map(|node| proofs(report, node, at)).unwrap_or_default();
        let username = user.unwrap_or_else(|| Some("someone".to_owned()))?;
        Some(Who { username, groups, claims, broken_glass, assurance })
    })
}

/// Ages are counted back from `at`.
fn proofs(report: &Report<'_>, node: &Node, at: Timestamp) -> Assurance {
    Fields::read(report, node, &shape::PROOFS, |fields| {
        Method::ALL.into_iter().fold(Assurance::default(), |assurance, method| {
            let help = "write an age, and for more than the least `key: 4m pin` or `mitid: 4m high`";
            let evidence = fields.optional(method.name());
            let evidence = evidence.and_then(|node| report.parse(node, help, |text| proof(method, text, at)));
            evidence.into_iter().fold(assurance, Assurance::with)
        })
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
            Evidence::Key(KeyEvidence { at, credential, user_verified: strength.is_some(), until: None })
        }
        (Method::MitId, level) => {
            let Some(level) = MitIdLevel::parse(level.unwrap_or("substantial")) else { return unknown() };
            let subject = MitIdSubject { issuer: String::new(), subject: String::new() };
            Evidence::MitId(MitIdEvidence { at, subject, level })
        }
        _ => return unknown(),
    })
}

/// The moment a test or `sluse explain` means by `at`: the next such, as in `mon 09:30`.
pub(crate) fn moment(text: &str, now: Timestamp, shared: &Shared) -> Result<Timestamp, String> {
    schedule::next(text, now, &shared.zone).map_err(|error| error.to_string())
}

/// All proofs, as [`proof`] reads them: `password=2h key=12m,pin`. For the request log, and for reading it again.
pub(crate) fn proofs_of(assurance: &Assurance, now: Timestamp) -> String {
    let mut proofs = String::with_capacity(48);
    for method in Method::ALL {
        let Some(at) = assurance.proven_at(method) else { continue };
        let strength = match method {
            Method::Key => assurance.key.as_ref().filter(|key| key.user_verified).map(|_| "pin"),
            Method::MitId => assurance.mitid.as_ref().map(|mitid| mitid.level.name()),
            Method::Password => None,
        };
        let age = format_duration(now.since(at).max(Duration::from_secs(1)));
        let between = if proofs.is_empty() { "" } else { " " };
        for part in [between, method.name(), "=", &age] {
            proofs.push_str(part);
        }
        if let Some(strength) = strength {
            proofs.push(',');
            proofs.push_str(strength);
        }
    }
    proofs
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
