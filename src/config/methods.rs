//! `methods:`, what people can prove who they are with.

use std::collections::BTreeMap;
use std::path::PathBuf;

use url::Url;

use crate::authn::{Method, MitIdLevel};
use crate::policy::document::Node;
use crate::policy::reader::{Fields, Report};

use super::read::Reader;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Methods {
    pub password: bool,
    pub key: Option<KeySettings>,
    pub mitid: Option<MitIdSettings>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeySettings {
    /// The WebAuthn RP ID: the login host, or a parent of it.
    pub rp_id: String,
    /// What authenticators show. The RP ID where it is not stated.
    pub name: String,
}

/// The broker's kind: what it calls its claims.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Preset {
    Neb,
    Idura,
    Signicat,
    Generic,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MitIdSettings {
    pub preset: Preset,
    /// Exactly as the broker's discovery document has it (OpenID Connect Discovery, section 3).
    pub issuer: Url,
    pub client_id: String,
    /// `None` for a public client, which has PKCE alone.
    pub client_secret_file: Option<PathBuf>,
    /// What is asked for, and the least that is accepted.
    pub level: MitIdLevel,
    /// Signature algorithms an ID token may have (RFC 7518), never `none`.
    pub algorithms: Vec<String>,
    /// Beside `openid` and what the preset asks for.
    pub scopes: Vec<String>,
    /// More parameters of the authorization request.
    pub params: BTreeMap<String, String>,
    pub claims: ClaimNames,
}

/// Names that differ from the preset's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClaimNames {
    /// The claim that holds the CPR number.
    pub cpr: Option<String>,
    /// The claim that holds the level.
    pub level: Option<String>,
    /// The level's values, and what they mean.
    pub levels: BTreeMap<String, MitIdLevel>,
}

const LEVELS: [(&str, MitIdLevel); 3] =
    [("low", MitIdLevel::Low), ("substantial", MitIdLevel::Substantial), ("high", MitIdLevel::High)];

const PRESETS: [(&str, Preset); 4] = [
    ("neb", Preset::Neb),
    ("idura", Preset::Idura),
    ("signicat", Preset::Signicat),
    ("generic", Preset::Generic),
];

/// Asymmetric ones: with an HMAC the broker's secret would be enough to forge a token.
const ALGORITHMS: [&str; 9] =
    ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"];

/// Also which methods are there at all, so that a mistake in one is told once.
pub(super) fn read(reader: &Reader<'_>, node: &Node, login: Option<&Url>) -> (Methods, Vec<Method>) {
    let report = reader.report;
    let names = report.entries(node).iter().map(|(key, _)| key.name.as_str());
    let named =
        names.filter_map(|name| Method::ALL.into_iter().find(|method| method.name() == name)).collect();
    let methods = Fields::read(report, node, &[], |fields| Methods {
        password: fields.optional("password").map(|node| Fields::read(report, node, &[], |_| ())).is_some(),
        key: fields.optional("key").and_then(|node| key(report, node, login)),
        mitid: fields.optional("mitid").and_then(|node| mitid(reader, node)),
    });
    (methods, named)
}

fn key(report: &Report<'_>, node: &Node, login: Option<&Url>) -> Option<KeySettings> {
    Fields::read(report, node, &[], |fields| {
        let help = "write the login host, or a parent domain of it that you own";
        let host = login.and_then(Url::host_str);
        let rp_id = fields.required("rp_id").and_then(|node| {
            report.parse(node, help, |text| match host {
                Some(host) if !is_host_or_parent(text, host) => {
                    Err(format!("keys registered for `{text}` cannot be used on the login host `{host}`"))
                }
                _ => Ok(text.to_owned()),
            })
        });
        let name = fields.optional("name").and_then(|node| report.text(node));
        let rp_id = rp_id?;
        Some(KeySettings { name: name.unwrap_or(&rp_id).to_owned(), rp_id })
    })
}

/// WebAuthn Level 3, section 5.1.3: the RP ID is the host, or a registrable suffix of it. A single label is
/// never registrable.
fn is_host_or_parent(rp_id: &str, host: &str) -> bool {
    let parent = host.strip_suffix(rp_id).is_some_and(|rest| rest.ends_with('.'));
    rp_id == host || (parent && rp_id.contains('.') && !rp_id.starts_with('.'))
}

fn mitid(reader: &Reader<'_>, node: &Node) -> Option<MitIdSettings> {
    let report = reader.report;
    Fields::read(report, node, &[], |fields| {
        let preset = fields.required("preset").and_then(|node| report.choice(node, &PRESETS));
        let issuer = fields.required("issuer").and_then(|node| issuer(report, node));
        let client_id = fields.required("client_id").and_then(|node| report.text(node));
        let secret = fields.optional("client_secret_file").and_then(|node| reader.file(node));
        let level = fields.optional("level").and_then(|node| report.choice(node, &LEVELS));
        let algorithms = fields.optional("algorithms").map(|node| {
            report.parse_all(node, &format!("the algorithms are {}", ALGORITHMS.join(", ")), |text| {
                let known = ALGORITHMS.contains(&text);
                if known { Ok(text.to_owned()) } else { Err(format!("`{text}` is not accepted")) }
            })
        });
        let scopes = fields.optional("scopes").map(|node| report.texts(node)).unwrap_or_default();
        let params = fields.optional("params").map(|node| texts_by_name(report, node)).unwrap_or_default();
        let claims = fields.optional("claims").map(|node| claims(report, node)).unwrap_or_default();
        Some(MitIdSettings {
            preset: preset?,
            issuer: issuer?,
            client_id: client_id?.to_owned(),
            client_secret_file: secret,
            level: level.unwrap_or(MitIdLevel::Substantial),
            algorithms: algorithms.unwrap_or_else(|| vec!["RS256".to_owned(), "ES256".to_owned()]),
            scopes,
            params,
            claims,
        })
    })
}

fn issuer(report: &Report<'_>, node: &Node) -> Option<Url> {
    let help = "write it as the broker's `.well-known/openid-configuration` has it: `https://…`";
    report.parse(node, help, |text| {
        let url = Url::parse(text).map_err(|error| format!("`{text}` is not a URL: {error}"))?;
        let plain = url.query().is_none() && url.fragment().is_none() && url.has_host();
        let fine = plain && super::read::is_secure(&url);
        if fine { Ok(url) } else { Err(format!("`{text}` is not an issuer")) }
    })
}

fn texts_by_name(report: &Report<'_>, node: &Node) -> BTreeMap<String, String> {
    let entries = report.entries(node).iter();
    entries.filter_map(|(key, node)| Some((key.name.clone(), report.text(node)?.to_owned()))).collect()
}

fn claims(report: &Report<'_>, node: &Node) -> ClaimNames {
    Fields::read(report, node, &[], |fields| {
        let name = |node| report.text(node).map(str::to_owned);
        let levels = fields.optional("levels").map(|node| report.entries(node)).unwrap_or_default().iter();
        let level = |(key, node): &(crate::policy::document::Key, Node)| {
            Some((key.name.clone(), report.choice(node, &LEVELS)?))
        };
        ClaimNames {
            cpr: fields.optional("cpr").and_then(name),
            level: fields.optional("level").and_then(name),
            levels: levels.filter_map(level).collect(),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_rp_id_is_the_host_or_its_parent() {
        let host = "login.kommune.example";
        assert!(is_host_or_parent(host, host) && is_host_or_parent("kommune.example", host));
        for rp_id in
            ["example", "mune.example", ".kommune.example", "", "x.login.kommune.example", "other.example"]
        {
            assert!(!is_host_or_parent(rp_id, host), "{rp_id}");
        }
    }
}
