//! `directories:`, where people come from beside the local accounts.

use url::Url;

use crate::directory::ldap;
use crate::policy::document::{Key, Node};
use crate::policy::reader::Fields;

use super::read::{FileKind, Reader, is_secure};
use super::shape;

pub(super) fn read(reader: &Reader<'_>, node: &Node) -> Vec<ldap::Settings> {
    let mut directories: Vec<ldap::Settings> = Vec::new();
    for (key, node) in reader.report.entries(node) {
        let Some(directory) = directory(reader, key, node) else { continue };
        let taken = |other: &&ldap::Settings| {
            other.domains.iter().any(|domain| directory.domains.contains(domain))
                || (other.default && directory.default)
        };
        if let Some(other) = directories.iter().find(taken) {
            let message = format!("`{}` and `{}` would have the same names", other.name, key.name);
            reader.report.add(key.span, message, "give each its own `domains`, and one of them `default`");
        }
        directories.push(directory);
    }
    directories
}

fn directory(reader: &Reader<'_>, key: &Key, node: &Node) -> Option<ldap::Settings> {
    let report = reader.report;
    Fields::read(report, node, &shape::DIRECTORY, |fields| {
        let help = "write `ldaps://HOST`, or `ldap://HOST` for StartTLS";
        let servers = fields.required("servers").map(|node| report.parse_all(node, help, server));
        let ca = fields.required("ca").and_then(|node| reader.file(node, FileKind::Authority));
        let bind_dn = fields.required("bind_dn").and_then(|node| report.text(node));
        let password_file =
            fields.required("password_file").and_then(|node| reader.file(node, FileKind::Password));
        let base = fields.required("base").and_then(|node| report.text(node));
        let help = "an attribute's name has letters, digits and hyphens: `sAMAccountName`";
        let attribute = |node| report.parse(node, help, attribute);
        let username = fields.required("username").and_then(attribute);
        let display_name = fields.optional("display_name").map(attribute);
        let help = "write what people write: `kommune.example` for `nez@kommune.example`";
        let domains = fields.required("domains").map(|node| report.parse_all(node, help, domain));
        let default = fields.optional("default").and_then(|node| report.flag(node));
        let help = "write where people change their password: `https://kodeord.kommune.example`";
        let change_password = fields.optional("change_password").map(|node| report.parse(node, help, page));
        let claims = fields.optional("claims").map(|node| report.entries(node)).unwrap_or_default();
        let claims = claims.iter().filter_map(|(key, node)| Some((key.name.clone(), attribute(node)?)));
        let settings = ldap::Settings {
            name: key.name.clone(),
            servers: servers?,
            ca: ca?,
            bind_dn: bind_dn?.to_owned(),
            password_file: password_file?,
            base: base?.to_owned(),
            username: username?,
            display_name: display_name.unwrap_or_else(|| Some("displayName".to_owned()))?,
            domains: domains?,
            default: default.unwrap_or(false),
            change_password: change_password.flatten(),
            claims: claims.collect(),
        };
        // What could not be read is a problem already; nothing at all would be none.
        (!settings.servers.is_empty() && !settings.domains.is_empty()).then_some(settings)
    })
}

fn server(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| format!("`{text}` is not a URL: {error}"))?;
    let bare = url.path().trim_end_matches('/').is_empty() && url.query().is_none();
    let named = url.host_str().is_some_and(|host| !host.is_empty()) && url.username().is_empty();
    match matches!(url.scheme(), "ldap" | "ldaps") && bare && named {
        true => Ok(url),
        false => Err(format!("`{text}` is not an LDAP server")),
    }
}

fn page(text: &str) -> Result<Url, String> {
    match Url::parse(text) {
        Ok(url) if is_secure(&url) => Ok(url),
        _ => Err(format!("`{text}` is not the address of a page")),
    }
}

/// It becomes part of a filter.
fn attribute(text: &str) -> Result<String, String> {
    let fits = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    if fits { Ok(text.to_owned()) } else { Err(format!("`{text}` is no attribute")) }
}

fn domain(text: &str) -> Result<String, String> {
    let domain = text.to_lowercase();
    match domain.is_empty() || domain.contains(|c: char| c.is_whitespace() || matches!(c, '@' | '\\')) {
        true => Err(format!("`{text}` is no domain")),
        false => Ok(domain),
    }
}
