//! `sluse.yaml`: one per installation.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use jiff::tz::TimeZone;
use url::Url;

use crate::authn::loan;
use crate::authn::{Method, MitIdLevel};
use crate::directory::ldap;
use crate::policy::expression::Expression;
use crate::policy::matcher::Network;
use crate::policy::problem::{Problem, Source};
use crate::policy::{Level, Lifetimes, Shared};
use crate::role::{Roles, Rules};

mod desk;
mod directories;
mod house;
mod methods;
mod provisioning;
mod read;
mod roles;
pub mod shape;
mod telling;
mod temps;

pub use house::{House, Terms};
pub use methods::{KeySettings, Methods, MitIdSettings};
pub use provisioning::Provisioning;
pub use telling::{Mail, MailLogin, MailServer, Security, Webhook};

/// The configuration of one installation. Paths are absolute, or relative to where the process runs.
#[derive(Debug)]
pub struct Config {
    /// The origin of the login host: scheme, host and port.
    pub login: Url,
    pub listen: Vec<Listen>,
    /// Chosen by the name a client asks for; one that asks for none gets none.
    pub certificates: Vec<CertificateFiles>,
    /// `/metrics`, `/health`, `/ready`.
    pub admin: SocketAddr,
    pub store: StoreLocation,
    pub key_file: PathBuf,
    /// The folder of the policies.
    pub policies: PathBuf,
    pub sessions: Sessions,
    pub shared_devices: SharedDevices,
    pub audit: Audit,
    /// How people are told what happens to their account; `None`: they are not.
    pub mail: Option<Mail>,
    pub webhooks: Vec<Webhook>,
    /// Who may do what for other people.
    pub roles: Roles,
    /// Whose gateway it is, and what people are told there.
    pub house: House,
    /// How long units lend their spare keys.
    pub spare_keys: loan::Terms,
    /// The level of a key that was registered on identity papers.
    pub papers: MitIdLevel,
    /// What the admin pages ask for.
    pub desk: Rules,
    pub methods: Methods,
    /// Beside local accounts.
    pub directories: Vec<ldap::Settings>,
    /// `None`: nobody brings people.
    pub provisioning: Option<Provisioning>,
    /// Weakest first.
    pub levels: Vec<Arc<Level>>,
    pub networks: Vec<Arc<Network>>,
    /// Whose `X-Forwarded-For`, or PROXY header, is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// The groups policies may name; `None`: any.
    pub groups: Option<Vec<String>>,
    /// Whose hours policies mean.
    pub zone: TimeZone,
    /// Never empty. The first is the default.
    pub languages: Vec<Language>,
    /// The folder of texts, colours and a logo instead of ours.
    pub appearance: Option<PathBuf>,
    /// Files the configuration names, each with the problem that it cannot be read.
    files: Vec<(PathBuf, Problem)>,
}

#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Listen {
    pub address: SocketAddr,
    pub protocol: Protocol,
    /// Reached through `trusted_proxies` alone, each of which begins with a PROXY header.
    pub proxy_protocol: bool,
}

#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// Only on loopback addresses.
    Http,
    Https,
    /// Plain HTTP that answers every request with a 308 to https.
    Redirect,
}

/// PEM files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateFiles {
    /// The chain, the certificate itself first.
    pub cert: PathBuf,
    pub key: PathBuf,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreLocation {
    Sqlite(PathBuf),
}

/// How long proofs and sessions last where no policy says otherwise.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Sessions {
    pub password: Duration,
    /// Keys and MitID.
    pub strong: Duration,
    pub idle: Duration,
    pub absolute: Duration,
    /// All that are live are brought to memory before the first request.
    pub preload: bool,
}

impl Default for Sessions {
    fn default() -> Self {
        let minutes = |count: u64| Duration::from_secs(count * 60);
        Self {
            password: minutes(180),
            strong: minutes(60),
            idle: minutes(15),
            absolute: minutes(12 * 60),
            preload: false,
        }
    }
}

/// Devices that many people use: those that were marked, and all in these networks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedDevices {
    pub networks: Vec<IpNet>,
    pub idle: Duration,
    /// A shift: however active, a signing in ends then.
    pub absolute: Duration,
}

impl Default for SharedDevices {
    fn default() -> Self {
        let minutes = |count: u64| Duration::from_secs(count * 60);
        Self { networks: Vec::new(), idle: minutes(3), absolute: minutes(9 * 60) }
    }
}

/// What becomes of security events.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Audit {
    /// How long they are kept; `None`: for good. At least a day.
    pub keep: Option<Duration>,
    /// The file of the token that opens `/audit` on the admin listener; `None`: there is no such page.
    pub token_file: Option<PathBuf>,
    /// The database of countries; `None`: nobody's journeys are noticed.
    pub geoip: Option<PathBuf>,
}

#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Language {
    Da,
    En,
}

impl Config {
    /// Reads the file, all that is wrong with it at once. The files it names are not opened: see
    /// [`Self::unreadable_files`].
    pub fn load(path: &Path) -> Result<Self, Vec<Problem>> {
        let source = Source::load(path).map_err(|problem| vec![problem])?;
        let folder = path.parent().unwrap_or(Path::new(""));
        Self::parse(&source, folder)
    }

    /// `folder` is what relative paths are relative to.
    pub fn parse(source: &Source, folder: &Path) -> Result<Self, Vec<Problem>> {
        read::config(source, folder)
    }

    /// Keys, secrets and certificates that are not there or that we may not read.
    pub fn unreadable_files(&self) -> Vec<Problem> {
        let unreadable = self.files.iter().filter(|(path, _)| std::fs::File::open(path).is_err());
        unreadable.map(|(_, problem)| problem.clone()).collect()
    }

    /// The keys whose change from here to `new` only counts from the next start.
    pub fn needs_restart(&self, new: &Self) -> Vec<&'static str> {
        let life = |config: &Self| (config.sessions.idle, config.sessions.absolute, config.sessions.preload);
        let changed = [
            ("login", self.login != new.login),
            ("listen", self.listen != new.listen),
            ("tls", self.certificates != new.certificates),
            ("admin", self.admin != new.admin),
            ("store", self.store != new.store),
            ("key_file", self.key_file != new.key_file),
            ("sessions", life(self) != life(new)),
            ("audit", self.audit != new.audit),
            ("mail", self.mail != new.mail),
            ("webhooks", self.webhooks != new.webhooks),
            ("directories", self.directories != new.directories),
            ("provisioning", self.provisioning != new.provisioning),
            ("trusted_proxies", self.trusted_proxies != new.trusted_proxies),
            ("shared_devices", self.shared_devices != new.shared_devices),
        ];
        changed.into_iter().filter(|(_, changed)| *changed).map(|(key, _)| key).collect()
    }

    /// What policies refer to.
    pub fn shared(&self) -> Shared {
        Shared {
            levels: self.levels.clone(),
            networks: self.networks.clone(),
            methods: self.methods.offered(),
            lifetimes: Lifetimes { password: self.sessions.password, strong: self.sessions.strong },
            groups: self.groups.clone(),
            zone: self.zone.clone(),
            any: Arc::new(Level { name: "any".to_owned(), expression: Expression::any_method() }),
        }
    }
}

impl Methods {
    pub fn offered(&self) -> Vec<Method> {
        let offered = [
            (Method::Password, self.password),
            (Method::Key, self.key.is_some()),
            (Method::MitId, self.mitid.is_some()),
        ];
        offered.into_iter().filter(|(_, on)| *on).map(|(method, _)| method).collect()
    }
}

#[cfg(test)]
mod tests;
