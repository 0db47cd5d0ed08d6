//! `sluse explain METHOD URL`: what would be decided, and why.

use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use uuid::Uuid;

use super::check::{complain, load};
use super::{Exit, Format};
use crate::authn::glass::BrokenGlass;
use crate::authn::{Assurance, Method};
use crate::policy::explain::explain as decide;
use crate::policy::matcher::Protocol;
use crate::policy::path::CanonicalPath;
use crate::policy::{self, Decision, Person, Policy, Request, Shared};
use crate::time::Timestamp;
use crate::user::Username;

#[derive(Debug, clap::Args)]
pub struct ExplainArgs {
    /// The request's method, such as GET; or, alone, the code a page showed within the last 24 hours, such as
    /// 7F3K-92QD: then it is told how that very request was decided
    #[arg(value_name = "METHOD|CODE")]
    pub method: String,
    /// The address that is asked for, such as <https://cura.kommune.example/medication/7>
    pub url: Option<String>,
    /// Who asks
    #[arg(long, requires = "url", value_name = "NAME")]
    pub user: Option<String>,
    /// A group the person is in; may be repeated
    #[arg(long = "group", requires = "url", value_name = "GROUP")]
    pub groups: Vec<String>,
    /// What is proven and how long ago: `password=2h`, `key=12m`, `key=12m,pin`, `mitid=4m,high`; may be repeated
    #[arg(long = "proof", requires = "url", value_name = "METHOD=AGE")]
    pub proofs: Vec<String>,
    /// Where the request comes from: an address, a network's name, or `internet` (the default)
    #[arg(long, requires = "url", value_name = "FROM")]
    pub from: Option<String>,
    /// When: `mon 09:30`; now where it is not said
    #[arg(long, requires = "url", value_name = "WHEN")]
    pub at: Option<String>,
    /// A header of the request: `Accept: text/html`; may be repeated
    #[arg(long = "header", requires = "url", value_name = "NAME: VALUE")]
    pub headers: Vec<String>,
    /// A claim of the person: `department=oncology`; may be repeated
    #[arg(long = "claim", requires = "url", value_name = "NAME=VALUE")]
    pub claims: Vec<String>,
    /// http, websocket or grpc
    #[arg(long, requires = "url", value_name = "PROTOCOL")]
    pub protocol: Option<String>,
    /// The request was approved, for `fresh: once`
    #[arg(long, requires = "url")]
    pub approved: bool,
    /// A rule whose glass the person has just broken
    #[arg(long, requires = "url", value_name = "RULE")]
    pub broken_glass: Option<String>,
    /// The device is shared by many
    #[arg(long, requires = "url")]
    pub shared_device: bool,
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Prints the trace. The answer is yes if the request would be allowed.
pub fn explain(config: &Path, args: &ExplainArgs, now: Timestamp, out: &mut impl Write) -> io::Result<Exit> {
    match load(config, None) {
        Ok((config, policy)) => {
            let shared = config.shared();
            explain_with(&policy, &shared, args, now, out)
        }
        Err(problems) => {
            complain(&problems, args.format, out)?;
            Ok(Exit::Unusable)
        }
    }
}

fn explain_with(
    policy: &Policy,
    shared: &Shared,
    args: &ExplainArgs,
    now: Timestamp,
    out: &mut impl Write,
) -> io::Result<Exit> {
    let asked = match Asked::parse(args, shared, now) {
        Ok(asked) => asked,
        Err(message) => {
            writeln!(out, "error: {message}")?;
            return Ok(Exit::Unusable);
        }
    };
    let Some(app) = policy.app(&asked.host) else {
        writeln!(out, "=> 421: no app has the host `{}`", asked.host)?;
        return Ok(Exit::No);
    };
    let path = match CanonicalPath::parse(asked.path.as_bytes(), app.paths) {
        Ok(path) => path,
        Err(refusal) => {
            writeln!(out, "=> 400 {}: {refusal}", refusal.code())?;
            return Ok(Exit::No);
        }
    };
    let person = Person {
        username: &asked.username,
        groups: &args.groups,
        claims: &asked.claims,
        assurance: &asked.assurance,
    };
    let person = Some(&person).filter(|_| !asked.assurance.is_empty());
    let broken = args.broken_glass.as_ref().map(|rule| BrokenGlass {
        id: Uuid::nil(),
        app: app.name.clone(),
        rule: rule.clone(),
        broken_at: asked.now,
        until: asked.now.plus(Duration::from_hours(24)),
    });
    let glass: Vec<BrokenGlass> = broken.into_iter().collect();
    let request = Request {
        query: asked.query.as_deref(),
        headers: Some(&asked.headers),
        address: asked.address,
        shared_device: args.shared_device,
        protocol: asked.protocol,
        approved_once: args.approved,
        glass: &glass,
        ..Request::new(&args.method, "")
    };
    let explanation = decide(app, &path, &asked.path, request, person, asked.now);
    match args.format {
        Format::Human => write!(out, "{}", explanation.transcript)?,
        Format::Json => writeln!(out, "{}", serde_json::to_string_pretty(&explanation.transcript)?)?,
    }
    Ok(if matches!(explanation.decision, Decision::Allow(_)) { Exit::Yes } else { Exit::No })
}

/// The arguments, understood.
struct Asked {
    host: String,
    path: String,
    username: String,
    assurance: Assurance,
    address: Option<std::net::IpAddr>,
    query: Option<String>,
    headers: HeaderMap,
    claims: Vec<(String, String)>,
    protocol: Protocol,
    now: Timestamp,
}

impl Asked {
    fn parse(args: &ExplainArgs, shared: &Shared, now: Timestamp) -> Result<Self, String> {
        // Not by a URL parser: it would normalise the path, which is what is to be seen here.
        let url = args.url.as_deref().unwrap_or_default();
        let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
        let rest = rest.ok_or_else(|| format!("`{url}` does not begin with http:// or https://"))?;
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, target) = rest.split_at(end);
        let host = authority.split(':').next().unwrap_or_default().trim_end_matches('.').to_ascii_lowercase();
        let (path, query) = match target.split_once('?') {
            Some((path, query)) => (path, Some(query.split('#').next().unwrap_or_default().to_owned())),
            None => (target, None),
        };
        let path = if path.is_empty() { "/" } else { path };
        let now = match &args.at {
            Some(at) => policy::moment(at, now, shared)?,
            None => now,
        };
        let name =
            args.user.as_deref().map(Username::parse).transpose().map_err(|error| error.to_string())?;
        Ok(Self {
            host,
            path: path.to_owned(),
            username: name.map_or(String::new(), |name| name.as_str().to_owned()),
            assurance: assurance(&args.proofs, now)?,
            address: policy::address(args.from.as_deref().unwrap_or("internet"), shared)?,
            query,
            headers: args.headers.iter().map(|line| header(line)).collect::<Result<_, _>>()?,
            claims: args.claims.iter().map(|text| claim(text)).collect::<Result<_, _>>()?,
            protocol: protocol(args.protocol.as_deref())?,
            now,
        })
    }
}

fn header(line: &str) -> Result<(HeaderName, HeaderValue), String> {
    let unusable = || format!("`{line}` is not NAME: VALUE");
    let (name, value) = line.split_once(':').ok_or_else(unusable)?;
    let name = HeaderName::from_bytes(name.trim().as_bytes()).map_err(|_| unusable())?;
    Ok((name, HeaderValue::from_str(value.trim()).map_err(|_| unusable())?))
}

fn claim(text: &str) -> Result<(String, String), String> {
    let pair = text.split_once('=').ok_or_else(|| format!("`{text}` is not NAME=VALUE"))?;
    Ok((pair.0.to_owned(), pair.1.to_owned()))
}

fn protocol(word: Option<&str>) -> Result<Protocol, String> {
    let Some(word) = word else { return Ok(Protocol::Http) };
    let found = Protocol::WORDS.into_iter().find(|(known, _)| *known == word);
    found.map(|(_, protocol)| protocol).ok_or_else(|| format!("there is no protocol `{word}`"))
}

fn assurance(proofs: &[String], now: Timestamp) -> Result<Assurance, String> {
    let mut assurance = Assurance::default();
    for text in proofs {
        let (name, proof) = text.split_once('=').ok_or_else(|| format!("`{text}` is not METHOD=AGE"))?;
        let method = Method::ALL.into_iter().find(|method| method.name() == name);
        let method = method.ok_or_else(|| format!("there is no method `{name}`"))?;
        assurance = assurance.with(policy::proof_of(method, proof, now)?);
    }
    Ok(assurance)
}

#[cfg(test)]
#[path = "explain_tests.rs"]
mod tests;
