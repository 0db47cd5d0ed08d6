//! `methods:`, what people can prove who they are with.

use std::collections::BTreeMap;
use std::path::PathBuf;

use url::Url;

use crate::authn::mitid::{Algorithm, ClaimOverrides, Issuer, Preset, Settings};
use crate::authn::password::Rules;
use crate::authn::{Method, MitIdLevel};
use crate::policy::document::Node;
use crate::policy::reader::{Fields, Report};

use super::read::{FileKind, Reader};
use super::{house, shape};

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Methods {
    pub password: bool,
    pub password_rules: Rules,
    /// Where people of a directory change theirs.
    pub directory_change: Option<Url>,
    pub key: Option<KeySettings>,
    pub mitid: Option<MitIdSettings>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeySettings {
    /// The WebAuthn RP ID: the login host, or a parent of it.
    pub rp_id: String,
    /// What authenticators show. The RP ID where it is not stated.
    pub name: String,
    /// A key may say by itself whose it is: a login by key needs no user name.
    pub discoverable: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MitIdSettings {
    /// The broker, and our registration with it; its secret is still in the file.
    pub broker: Settings,
    /// `None` for a public client, which has PKCE alone.
    pub client_secret_file: Option<PathBuf>,
    /// What is asked for, and the least that is accepted.
    pub level: MitIdLevel,
}

pub(super) const LEVELS: [(&str, MitIdLevel); 3] =
    [("low", MitIdLevel::Low), ("substantial", MitIdLevel::Substantial), ("high", MitIdLevel::High)];

pub(super) fn read(reader: &Reader<'_>, node: &Node, login: Option<&Url>) -> (Methods, Vec<Method>) {
    let report = reader.report;
    let names = report.entries(node).iter().map(|(key, _)| key.name.as_str());
    let named =
        names.filter_map(|name| Method::ALL.into_iter().find(|method| method.name() == name)).collect();
    let methods = Fields::read(report, node, &shape::METHODS, |fields| {
        let named = fields.optional("password");
        let (password_rules, directory_change) = named.map(|node| password(reader, node)).unwrap_or_default();
        Methods {
            password: named.is_some(),
            password_rules,
            directory_change,
            key: fields.optional("key").and_then(|node| key(report, node, login)),
            mitid: fields.optional("mitid").and_then(|node| mitid(reader, node)),
        }
    });
    (methods, named)
}

fn password(reader: &Reader<'_>, node: &Node) -> (Rules, Option<Url>) {
    let report = reader.report;
    Fields::read(report, node, &shape::PASSWORD, |fields| {
        let least = Rules::LEAST;
        let minimum = fields.optional("min_length").and_then(|node| {
            report.parse(node, "write how many characters: `15`", |text| {
                let rules = text.parse().ok().and_then(Rules::at_least);
                rules.ok_or_else(|| format!("`{text}` is not a number of characters, {least} or more"))
            })
        });
        let history = fields.optional("history").and_then(|node| {
            report.parse(node, "write how many: `8`; 0 for none", |text| {
                let number = text.parse().ok().filter(|number| *number <= Rules::MOST_HISTORY);
                number.ok_or_else(|| format!("`{text}` is not a number up to {}", Rules::MOST_HISTORY))
            })
        });
        let forbidden = fields.optional("forbidden").map(|node| report.texts(node)).unwrap_or_default();
        let mut rules = minimum.unwrap_or_default().forbidding(forbidden);
        rules.history = history.unwrap_or(rules.history);
        let change = fields.optional("directory_change").and_then(|node| house::address(reader, node));
        (rules, change)
    })
}

fn key(report: &Report<'_>, node: &Node, login: Option<&Url>) -> Option<KeySettings> {
    Fields::read(report, node, &shape::KEY, |fields| {
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
        let discoverable = fields.optional("discoverable").and_then(|node| report.flag(node));
        let rp_id = rp_id?;
        Some(KeySettings {
            name: name.unwrap_or(&rp_id).to_owned(),
            rp_id,
            discoverable: discoverable.unwrap_or(false),
        })
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
    Fields::read(report, node, &shape::MITID, |fields| {
        let presets = Preset::ALL.map(|preset| (preset.name(), preset));
        let preset = fields.required("preset").and_then(|node| report.choice(node, &presets));
        let issuer = fields.required("issuer").and_then(|node| issuer(report, node));
        let client_id = fields.required("client_id").and_then(|node| report.text(node));
        let client_secret_file =
            fields.optional("client_secret_file").and_then(|node| reader.file(node, FileKind::ClientSecret));
        let level = fields.optional("level").and_then(|node| report.choice(node, &LEVELS));
        let algorithms = fields.optional("algorithms").map(|node| {
            let names: Vec<&str> = Algorithm::names().collect();
            report.parse_all(node, &format!("the algorithms are {}", names.join(", ")), |text| {
                Algorithm::parse(text).ok_or_else(|| format!("`{text}` is not accepted"))
            })
        });
        let scopes = fields.optional("scopes").map(|node| report.texts(node));
        let params = fields.optional("params").map(|node| texts_by_name(report, node)).unwrap_or_default();
        let claims = fields.optional("claims").map(|node| claims(report, node)).unwrap_or_default();
        let mut broker = Settings::new(preset?, issuer?, client_id?);
        broker.scopes = scopes;
        broker.params = params;
        broker.claims = claims;
        broker.algorithms = algorithms.unwrap_or(broker.algorithms);
        Some(MitIdSettings { broker, client_secret_file, level: level.unwrap_or(MitIdLevel::Substantial) })
    })
}

fn issuer(report: &Report<'_>, node: &Node) -> Option<Issuer> {
    let help = "write it as the broker's `.well-known/openid-configuration` has it: `https://…`";
    report.parse(node, help, |text| Issuer::parse(text).map_err(|_| format!("`{text}` is not an issuer")))
}

fn texts_by_name(report: &Report<'_>, node: &Node) -> BTreeMap<String, String> {
    let entries = report.entries(node).iter();
    entries.filter_map(|(key, node)| Some((key.name.clone(), report.text(node)?.to_owned()))).collect()
}

fn claims(report: &Report<'_>, node: &Node) -> ClaimOverrides {
    Fields::read(report, node, &shape::CLAIMS, |fields| {
        let name = |node| report.text(node).map(str::to_owned);
        let levels = fields.optional("levels").map(|node| report.entries(node).iter());
        let level = |(key, node): &(crate::policy::document::Key, Node)| {
            Some((key.name.clone(), report.choice(node, &LEVELS)?))
        };
        ClaimOverrides {
            cpr: fields.optional("cpr").and_then(name),
            level: fields.optional("level").and_then(name),
            levels: levels.map(|levels| levels.filter_map(level).collect()),
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
