//! Reading `mail` and `webhooks`: how people and other programs are told of security events.

use std::path::PathBuf;

use lettre::Address;
use lettre::message::Mailbox;
use url::{Host, Url};

use super::read::{FileKind, Reader};
use super::shape;
use crate::audit::told::TOLD;
use crate::policy::document::{Key, Node};
use crate::policy::reader::Fields;

/// How mail is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    pub server: MailServer,
    pub from: Mailbox,
    pub login: Option<MailLogin>,
    /// The root the server's certificate ends at, in PEM; `None`: the public ones.
    pub ca: Option<PathBuf>,
    /// The service desk's, as people dial it.
    pub phone: Option<String>,
    /// Who is told of alarms.
    pub alarms: Vec<Address>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailServer {
    pub host: String,
    pub port: u16,
    pub security: Security,
}

/// How TLS begins.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Security {
    /// With the connection (RFC 8314, section 3).
    Tls,
    /// By STARTTLS (RFC 3207), and nothing is sent without.
    StartTls,
    /// Never: only to this machine.
    None,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailLogin {
    pub username: String,
    pub password_file: PathBuf,
}

/// One program that is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    pub name: String,
    /// https, or http to this machine.
    pub url: Url,
    pub secret_file: PathBuf,
    /// As [`Mail::ca`].
    pub ca: Option<PathBuf>,
    /// Codes of [`TOLD`].
    pub events: Vec<&'static str>,
}

impl Webhook {
    /// Whether it is on this very machine.
    pub fn is_local(&self) -> bool {
        is_local(&self.url)
    }
}

pub(super) fn mail(reader: &Reader<'_>, node: &Node) -> Option<Mail> {
    let report = reader.report;
    Fields::read(report, node, &shape::MAIL, |fields| {
        let help = "write `smtps://HOST`, or `smtp://HOST` for STARTTLS, with a port if it is another than 465 or 587";
        let server = fields.required("server").and_then(|node| report.parse(node, help, server));
        let help = "write an address, with a name before it if you like: `Sluse <noreply@kommune.example>`";
        let from = fields.required("from").and_then(|node| report.parse(node, help, mailbox));
        let username = fields.optional("username").and_then(|node| report.text(node));
        let password_file = fields.optional("password_file");
        let password_file = password_file.and_then(|node| reader.file(node, FileKind::MailPassword));
        let login = match (username, password_file) {
            (Some(username), Some(password_file)) => {
                Some(MailLogin { username: username.to_owned(), password_file })
            }
            (None, None) => None,
            _ => {
                report.add(node.span, "`username` and `password_file` go together", "write both, or none");
                None
            }
        };
        let ca = fields.optional("ca").map(|node| reader.file(node, FileKind::ServerAuthority));
        let phone = fields.optional("phone").and_then(|node| report.text(node));
        let help = "write addresses: `[it-vagt@kommune.example]`";
        let alarms = fields.optional("alarms").map(|node| report.parse_all(node, help, address));
        Some(Mail {
            server: server?,
            from: from?,
            login,
            ca: ca.flatten(),
            phone: phone.map(str::to_owned),
            alarms: alarms.unwrap_or_default(),
        })
    })
}

pub(super) fn webhooks(reader: &Reader<'_>, node: &Node) -> Vec<Webhook> {
    reader.report.entries(node).iter().filter_map(|(key, node)| webhook(reader, key, node)).collect()
}

fn webhook(reader: &Reader<'_>, key: &Key, node: &Node) -> Option<Webhook> {
    let report = reader.report;
    Fields::read(report, node, &shape::WEBHOOK, |fields| {
        let help = "write an address with https; `http` only for this very machine";
        let url = fields.required("url").and_then(|node| report.parse(node, help, webhook_url));
        let secret_file =
            fields.required("secret_file").and_then(|node| reader.file(node, FileKind::WebhookSecret));
        let ca = fields.optional("ca").map(|node| reader.file(node, FileKind::ServerAuthority));
        let chosen = fields.optional("events").map(|node| {
            let items = report.items(node).iter();
            items.filter_map(|item| report.choice(item, &events())).collect()
        });
        Some(Webhook {
            name: key.name.clone(),
            url: url?,
            secret_file: secret_file?,
            ca: ca.flatten(),
            events: chosen.unwrap_or_else(|| events().into_iter().map(|(code, _)| code).collect()),
        })
    })
}

/// Every event that can be told, by its code.
pub(super) fn events() -> Vec<(&'static str, &'static str)> {
    TOLD.iter().map(|told| (told.event.code(), told.event.code())).collect()
}

fn server(text: &str) -> Result<MailServer, String> {
    let url = Url::parse(text).map_err(|error| format!("`{text}` is not a URL: {error}"))?;
    let (security, port) = match url.scheme() {
        "smtps" => (Security::Tls, 465),
        "smtp" => (Security::StartTls, 587),
        "smtp+plain" => (Security::None, 25),
        _ => return Err(format!("`{text}` is not a mail server")),
    };
    let bare = matches!(url.path(), "" | "/") && url.query().is_none() && url.username().is_empty();
    let host = url.host_str().filter(|host| !host.is_empty() && bare);
    let host = host.ok_or_else(|| format!("`{text}` is not a mail server"))?;
    // Of a scheme it does not know, `Url` has no addresses, only names.
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let local = host == "localhost" || host.parse().is_ok_and(|it: std::net::IpAddr| it.is_loopback());
    if security == Security::None && !local {
        return Err("mail without TLS is only for loopback addresses".to_owned());
    }
    Ok(MailServer { host: host.to_owned(), port: url.port().unwrap_or(port), security })
}

fn mailbox(text: &str) -> Result<Mailbox, String> {
    text.parse().map_err(|_| format!("`{text}` is no mail address"))
}

fn address(text: &str) -> Result<Address, String> {
    text.parse().map_err(|_| format!("`{text}` is no mail address"))
}

fn webhook_url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| format!("`{text}` is not a URL: {error}"))?;
    let secure = url.scheme() == "https" || (url.scheme() == "http" && is_local(&url));
    match secure && url.username().is_empty() && url.password().is_none() && url.fragment().is_none() {
        true => Ok(url),
        false => Err(format!("`{text}` cannot be told of events")),
    }
}

fn is_local(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}
