//! What an LDAP directory is set up with.

use std::path::PathBuf;

use url::Url;

/// One directory: any number of servers with the same content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// As the administrator calls it, for the log.
    pub name: String,
    /// `ldaps://` speaks TLS from the start, `ldap://` by StartTLS; plain never. The first that answers.
    pub servers: Vec<Url>,
    /// The roots the servers' certificates end at, in PEM.
    pub ca: PathBuf,
    /// Who searches.
    pub bind_dn: String,
    pub password_file: PathBuf,
    /// Everybody and every group is under here.
    pub base: String,
    /// The attribute of the user name: `sAMAccountName` in AD, often `uid` elsewhere.
    pub username: String,
    /// The attribute of the name shown on pages.
    pub display_name: String,
    /// Names people write: `kommune.example` for `nez@kommune.example`, `KOMMUNE` for `KOMMUNE\nez`. In lower
    /// case, and never none; accounts here are named by the first.
    pub domains: Vec<String>,
    /// A name without a domain is looked for here, unless a local account has it.
    pub default: bool,
    /// Where people change their password, for those who must.
    pub change_password: Option<Url>,
    /// Claims by name, each from an attribute.
    pub claims: Vec<(String, String)>,
}
