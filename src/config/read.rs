//! Reading `sluse.yaml`.

use std::cell::RefCell;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use jiff::tz::TimeZone;
use url::{Host, Url};

use super::{
    Audit, CertificateFiles, Config, Language, Listen, Protocol, Sessions, SharedDevices, StoreLocation,
};
use super::{desk, directories, house, methods, provisioning, roles, shape, telling, temps};
use crate::authn::{Method, MitIdLevel};
use crate::policy::Level;
use crate::policy::document::{Node, Value};
use crate::policy::expression::Expression;
use crate::policy::matcher::Network;
use crate::policy::problem::{Problem, Source};
use crate::policy::reader::{Fields, Report};

/// A shorter time is a slip: nobody would have looked.
const LEAST_KEPT: Duration = Duration::from_hours(24);

/// A file being read: what is wrong with it, and the files it names.
pub(super) struct Reader<'a> {
    pub report: &'a Report<'a>,
    folder: &'a Path,
    files: RefCell<Vec<(PathBuf, Problem)>>,
}

pub(super) fn config(source: &Source, folder: &Path) -> Result<Config, Vec<Problem>> {
    let (tree, yaml) = source.parse();
    let report = Report::with(source, yaml);
    let config = match tree {
        Some(tree) => {
            let reader = Reader { report: &report, folder, files: RefCell::default() };
            Fields::read(&report, &tree, &shape::CONFIG, |fields| reader.config(fields))
        }
        None if report.is_fine() => {
            let file = Path::new(&source.name);
            report.push(Problem::of_file(file, "the file is empty", "begin with `login: https://…`"));
            None
        }
        None => None,
    };
    let problems = report.into_problems();
    config.filter(|_| problems.is_empty()).ok_or(problems)
}

impl Reader<'_> {
    fn config(&self, fields: &mut Fields<'_, '_>) -> Option<Config> {
        let report = self.report;
        let login = fields.required("login").and_then(|node| self.login(node));
        let tls = fields.optional("tls").map(|node| self.certificates(node)).unwrap_or_default();
        let listen_at = fields.required("listen");
        let listen = listen_at.map(|node| self.listeners(node, !tls.is_empty()));
        let admin = fields.optional("admin").and_then(|node| self.address(node));
        let store = fields.required("store").and_then(|node| self.store(node));
        let key_file = fields.required("key_file").and_then(|node| self.file(node, FileKind::Key));
        let policies = fields.optional("policies").and_then(|node| report.text(node)).unwrap_or("policies");
        let sessions = fields.optional("sessions").map(|node| self.sessions(node)).unwrap_or_default();
        let shared_devices =
            fields.optional("shared_devices").map(|node| self.shared_devices(node)).unwrap_or_default();
        let audit = fields.optional("audit").map(|node| self.audit(node)).unwrap_or_default();
        let roles = fields.optional("roles").map(|node| roles::read(self, node)).unwrap_or_default();
        let mail = fields.optional("mail").and_then(|node| telling::mail(self, node));
        let webhooks = fields.optional("webhooks").map(|node| telling::webhooks(self, node));
        let house = ["organisation", "links", "terms"].map(|name| fields.optional(name));
        let house = house::read(self, house);
        let spare_keys =
            fields.optional("spare_keys").map(|node| temps::spare_keys(self, node)).unwrap_or_default();
        let papers = fields.optional("papers").map_or(MitIdLevel::Low, |node| temps::papers(self, node));
        let desk = fields.optional("desk").map(|node| desk::read(self, node)).unwrap_or_default();
        let methods = fields.required("methods").map(|node| methods::read(self, node, login.as_ref()));
        let (methods, named) = methods.unwrap_or_default();
        let directories = fields.optional("directories");
        let directories = directories.map(|node| directories::read(self, node)).unwrap_or_default();
        let provisioning = fields.optional("provisioning").and_then(|node| provisioning::read(self, node));
        let levels = fields.optional("levels").map(|node| self.levels(node, &named)).unwrap_or_default();
        let networks = fields.optional("networks").map(|node| self.networks(node)).unwrap_or_default();
        let proxies = fields.optional("trusted_proxies").map(|node| self.ranges(node)).unwrap_or_default();
        let alone = proxies.is_empty() && listen.iter().flatten().any(|listener| listener.proxy_protocol);
        if let Some(node) = listen_at.filter(|_| alone) {
            let message = "`proxy_protocol` is for trusted proxies alone, and there are none";
            report.add(node.span, message, "name them: `trusted_proxies: [10.20.0.5/32]`");
        }
        let groups = fields.optional("groups").map(|node| report.texts(node));
        let zone = fields.optional("timezone").and_then(|node| self.zone(node));
        let appearance = fields.optional("appearance").and_then(|node| report.text(node));
        let languages = fields.optional("languages").map(|node| self.languages(node));
        Some(Config {
            login: login?,
            listen: listen?,
            certificates: tls,
            admin: admin.unwrap_or_else(|| SocketAddr::from((Ipv4Addr::LOCALHOST, 9464))),
            store: store?,
            key_file: key_file?,
            policies: self.folder.join(policies),
            sessions,
            shared_devices,
            audit,
            mail,
            webhooks: webhooks.unwrap_or_default(),
            roles,
            house,
            spare_keys,
            papers,
            desk,
            methods,
            directories,
            provisioning,
            levels,
            networks,
            trusted_proxies: proxies,
            groups,
            zone: zone.unwrap_or_else(denmark),
            languages: languages.unwrap_or_else(|| vec![Language::Da, Language::En]),
            appearance: appearance.map(|folder| self.folder.join(folder)),
            files: self.files.take(),
        })
    }

    /// The path of a file that must be readable once the gateway serves.
    pub fn file(&self, node: &Node, kind: FileKind) -> Option<PathBuf> {
        let path = self.folder.join(self.report.text(node)?);
        let message = format!("the file `{}` cannot be read", path.display());
        let problem = Problem::at(self.report.source, node.span, message, kind.help(&path));
        self.files.borrow_mut().push((path.clone(), problem));
        Some(path)
    }

    fn login(&self, node: &Node) -> Option<Url> {
        let help = "write scheme and host: `https://login.kommune.example`; `http` only for `localhost` and `*.localhost`";
        self.report.parse(node, help, |text| {
            let url = Url::parse(text).map_err(|error| format!("`{text}` is not a URL: {error}"))?;
            // WebAuthn needs a name: an address has no RP ID.
            let named = matches!(url.host(), Some(Host::Domain(_)));
            let fine = named && crate::policy::is_origin(&url) && is_secure(&url);
            if fine { Ok(url) } else { Err(format!("`{text}` cannot be the login host's address")) }
        })
    }

    fn certificates(&self, node: &Node) -> Vec<CertificateFiles> {
        let pair = |node: &Node| {
            Fields::read(self.report, node, &shape::CERTIFICATE, |fields| {
                let cert = fields.required("cert").and_then(|node| self.file(node, FileKind::Certificate));
                let key = fields.required("key").and_then(|node| self.file(node, FileKind::CertificateKey));
                Some(CertificateFiles { cert: cert?, key: key? })
            })
        };
        Fields::read(self.report, node, &shape::TLS, |fields| {
            let list =
                fields.required("certificates").map(|node| self.report.items(node)).unwrap_or_default();
            list.iter().filter_map(pair).collect()
        })
    }

    fn listeners(&self, node: &Node, certificates: bool) -> Vec<Listen> {
        self.report.items(node).iter().filter_map(|item| self.listener(item, certificates)).collect()
    }

    /// An address, or keys. Plain HTTP that leaves the machine would show cookies and passwords.
    fn listener(&self, node: &Node, certificates: bool) -> Option<Listen> {
        let Flags { address, tls, redirect, proxy_protocol } = match &node.value {
            Value::Map(_) => Fields::read(self.report, node, &shape::LISTENER, |fields| {
                let address = fields.required("address").and_then(|node| self.address(node));
                let flag =
                    |node: Option<&Node>| node.and_then(|node| self.report.flag(node)).unwrap_or(false);
                Flags {
                    address,
                    tls: flag(fields.optional("tls")),
                    redirect: flag(fields.optional("redirect")),
                    proxy_protocol: flag(fields.optional("proxy_protocol")),
                }
            }),
            _ => Flags { address: self.address(node), ..Flags::default() },
        };
        let address = address?;
        let (message, help) = match (tls, redirect) {
            (true, true) => ("`redirect` answers plain HTTP only", "remove `tls`, or `redirect`"),
            (true, false) if !certificates => (
                "there is no certificate for this listener",
                "add `tls: { certificates: [{ cert: …, key: … }] }`",
            ),
            (false, false) if !address.ip().is_loopback() => (
                "plain HTTP is only for loopback addresses",
                "add `tls: true`, or `redirect: true` to send every request on to https",
            ),
            (true, false) => return Some(Listen { address, protocol: Protocol::Https, proxy_protocol }),
            (false, true) => return Some(Listen { address, protocol: Protocol::Redirect, proxy_protocol }),
            (false, false) => return Some(Listen { address, protocol: Protocol::Http, proxy_protocol }),
        };
        self.report.add(node.span, message, help);
        None
    }

    fn address(&self, node: &Node) -> Option<SocketAddr> {
        let help = "write an address and a port: `127.0.0.1:8080`, `0.0.0.0:443` or `[::]:443`";
        self.report.parse(node, help, |text| {
            text.parse().map_err(|_| format!("`{text}` is not an address with a port"))
        })
    }

    fn store(&self, node: &Node) -> Option<StoreLocation> {
        self.report.parse(node, "write `sqlite:PATH`", |text| match text.strip_prefix("sqlite:") {
            Some(path) if !path.is_empty() => Ok(StoreLocation::Sqlite(self.folder.join(path))),
            _ => Err(format!("`{text}` is not a store of this version")),
        })
    }

    fn audit(&self, node: &Node) -> Audit {
        Fields::read(self.report, node, &shape::AUDIT, |fields| {
            let keep = fields.optional("keep").and_then(|node| {
                let keep = self.report.duration(node)?;
                if keep < LEAST_KEPT {
                    let message = "security events are kept for a day at least";
                    self.report.add(
                        node.span,
                        message,
                        "write `keep: 400d`, or leave it out to keep them for good",
                    );
                }
                Some(keep)
            });
            Audit {
                keep,
                token_file: fields.optional("token_file").and_then(|node| self.file(node, FileKind::Token)),
                geoip: fields.optional("geoip").and_then(|node| self.file(node, FileKind::Countries)),
            }
        })
    }

    fn sessions(&self, node: &Node) -> Sessions {
        let default = Sessions::default();
        Fields::read(self.report, node, &shape::SESSIONS, |fields| {
            let mut duration = |name, default| {
                fields.optional(name).and_then(|node| self.report.duration(node)).unwrap_or(default)
            };
            Sessions {
                password: duration("password", default.password),
                strong: duration("strong", default.strong),
                idle: duration("idle", default.idle),
                absolute: duration("absolute", default.absolute),
                preload: fields
                    .optional("preload")
                    .and_then(|node| self.report.flag(node))
                    .unwrap_or(default.preload),
            }
        })
    }

    fn shared_devices(&self, node: &Node) -> SharedDevices {
        let default = SharedDevices::default();
        Fields::read(self.report, node, &shape::SHARED_DEVICES, |fields| {
            let networks = fields.optional("networks").map(|node| self.ranges(node)).unwrap_or_default();
            let mut duration = |name, default| {
                fields.optional(name).and_then(|node| self.report.duration(node)).unwrap_or(default)
            };
            SharedDevices {
                networks,
                idle: duration("idle", default.idle),
                absolute: duration("absolute", default.absolute),
            }
        })
    }

    fn levels(&self, node: &Node, named: &[Method]) -> Vec<Arc<Level>> {
        let mut levels = Vec::new();
        for (key, node) in self.report.entries(node) {
            let name = key.name.as_str();
            let help = "write an expression over methods: `password + (key | mitid)`";
            let expression = self.report.parse(node, help, Expression::parse);
            let Some(expression) = expression else { continue };
            self.report.methods_exist(node.span, &expression, named);
            if name == "any" || Method::ALL.iter().any(|method| method.name() == name) {
                let help = "choose another: `basic`, `strong`";
                self.report.add(key.span, format!("`{name}` is no name for a level: it has a meaning"), help);
            }
            levels.push(Arc::new(Level { name: name.to_owned(), expression }));
        }
        levels
    }

    fn networks(&self, node: &Node) -> Vec<Arc<Network>> {
        let mut networks = Vec::new();
        for (key, node) in self.report.entries(node) {
            if key.name == "internet" {
                let message = "`internet` is everything outside the networks";
                self.report.add(key.span, message, "choose another name");
            }
            networks.push(Arc::new(Network { name: key.name.clone(), ranges: self.ranges(node) }));
        }
        networks
    }

    fn ranges(&self, node: &Node) -> Vec<IpNet> {
        let help = "write ranges: `[10.20.0.0/16, 2001:db8:20::/48]`; a single address is `/32` or `/128`";
        self.report.parse_all(node, help, |text| {
            let range: IpNet = text.parse().map_err(|_| format!("`{text}` is not an address range"))?;
            if range.trunc() == range {
                return Ok(range);
            }
            Err(format!("`{text}` is not a range: its first address is {}", range.trunc()))
        })
    }

    fn zone(&self, node: &Node) -> Option<TimeZone> {
        let help = "write a name of the time zone database: `Europe/Copenhagen`";
        self.report.parse(node, help, |text| {
            TimeZone::get(text).map_err(|_| format!("there is no time zone `{text}`"))
        })
    }

    fn languages(&self, node: &Node) -> Vec<Language> {
        self.report.items(node).iter().filter_map(|item| self.report.choice(item, &LANGUAGES)).collect()
    }
}

/// What a file is for: who makes it, and how.
#[derive(Copy, Clone)]
pub(super) enum FileKind {
    Key,
    Certificate,
    CertificateKey,
    ClientSecret,
    /// Of `/audit`, and of whoever brings people.
    Token,
    /// The certificate that a directory's own is checked by.
    Authority,
    /// Of whoever searches a directory.
    Password,
    /// Of who we are to the mail server.
    MailPassword,
    /// What signs webhooks.
    WebhookSecret,
    /// The certificate that another server's own is checked by.
    ServerAuthority,
    /// Of use, as people read them.
    Terms,
    /// Which countries addresses are in.
    Countries,
}

impl FileKind {
    fn help(self, path: &Path) -> String {
        let how = match self {
            Self::Key => {
                return format!(
                    "make one: `head -c 48 /dev/urandom | base64 > {}`; if it is there, let the user the gateway runs as read it",
                    path.display()
                );
            }
            Self::Certificate => "the certificate and its chain, in PEM, from whoever issues yours",
            Self::Token | Self::WebhookSecret => {
                return format!(
                    "make one: `head -c 32 /dev/urandom | base64 > {}`; if it is there, let the user the gateway runs as read it",
                    path.display()
                );
            }
            Self::CertificateKey => "the private key the certificate was issued for, in PEM",
            Self::Authority => "the certificate of whoever issues the directory's, in PEM",
            Self::MailPassword => "the password of `username`, and nothing else",
            Self::Countries => "a database in MaxMind's format, such as GeoLite2-Country.mmdb",
            Self::ServerAuthority => "the certificate of whoever issues the server's, in PEM",
            Self::Terms => "the terms of use as plain text: paragraphs with an empty line between them",
            Self::Password => "the password of `bind_dn`, and nothing else",
            Self::ClientSecret => "the secret the MitID broker gave you with the client id, and nothing else",
        };
        format!("put there {how}; if it is there, let the user the gateway runs as read it")
    }
}

/// A listener's keys.
#[derive(Default)]
struct Flags {
    address: Option<SocketAddr>,
    tls: bool,
    redirect: bool,
    proxy_protocol: bool,
}

fn denmark() -> TimeZone {
    TimeZone::get("Europe/Copenhagen").expect("the time zone database is part of the program")
}

pub(super) const LANGUAGES: [(&str, Language); 2] = [("da", Language::Da), ("en", Language::En)];

/// https, or http to a name that by definition never leaves the machine (RFC 6761, section 6.3).
pub(super) fn is_secure(url: &Url) -> bool {
    let local = url.host_str().is_some_and(|host| host == "localhost" || host.ends_with(".localhost"));
    url.scheme() == "https" || (url.scheme() == "http" && local)
}
