//! Connections: one that searches, which everybody shares, and a few that bind as people, one person at a time.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ldap3::{Ldap, LdapConnAsync, LdapConnSettings, LdapError};
use rustls::{ClientConfig, RootCertStore};
use url::Url;

use super::policy;
use super::state::{self, BindAnswer};
use super::{Outage, Settings};
use crate::secret::{self, Secret};

/// A server that takes longer to answer at all is passed over.
const CONNECT: Duration = Duration::from_secs(3);
/// For one answer.
pub const ANSWER: Duration = Duration::from_secs(5);
/// Connections kept for the next person.
const SPARE: usize = 8;

pub struct Connections {
    servers: Vec<Url>,
    bind_dn: String,
    password: Secret<String>,
    tls: Arc<ClientConfig>,
    /// Bound as ourselves; requests on it do not wait for each other (RFC 4511, 4.1.1.1).
    searching: tokio::sync::Mutex<Option<Ldap>>,
    spare: Mutex<Vec<Ldap>>,
}

/// Why a directory cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum Misfit {
    #[error("`{path}` cannot be read: {source}")]
    Unreadable { path: String, source: std::io::Error },
    #[error("`{path}` holds no certificate that can be a root")]
    NoRoot { path: String },
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
}

impl Connections {
    pub fn new(settings: &Settings) -> Result<Self, Misfit> {
        let unreadable = |path: &std::path::Path| {
            let path = path.display().to_string();
            move |source| Misfit::Unreadable { path, source }
        };
        let pem = std::fs::read(&settings.ca).map_err(unreadable(&settings.ca))?;
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_pemfile::certs(&mut pem.as_slice()).flatten());
        if roots.is_empty() {
            return Err(Misfit::NoRoot { path: settings.ca.display().to_string() });
        }
        let password =
            secret::load_text(&settings.password_file).map_err(unreadable(&settings.password_file))?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self {
            servers: settings.servers.clone(),
            bind_dn: settings.bind_dn.clone(),
            password,
            tls: Arc::new(tls),
            searching: tokio::sync::Mutex::default(),
            spare: Mutex::default(),
        })
    }

    /// The connection that searches, made if there is none that is open.
    pub async fn searching(&self) -> Result<Ldap, Outage> {
        // Held while one is made: of many who find none, one makes it.
        let mut searching = self.searching.lock().await;
        if let Some(open) = searching.as_mut()
            && !open.is_closed()
        {
            return Ok(open.clone());
        }
        let mut ldap = self.connect().await?;
        let answer = ldap.with_timeout(ANSWER).simple_bind(&self.bind_dn, self.password.expose()).await;
        answer.and_then(ldap3::LdapResult::success).map_err(|error| Outage::NotSearching(Box::new(error)))?;
        *searching = Some(ldap.clone());
        Ok(ldap)
    }

    /// The next search makes a connection anew.
    pub async fn forget(&self) {
        *self.searching.lock().await = None;
        self.spare.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// What the server says to this password.
    pub async fn bind(&self, dn: &str, password: &Secret<String>) -> Result<BindAnswer, Outage> {
        // A bind without a password succeeds as nobody (RFC 4513, 5.1.2): it never leaves here.
        if dn.is_empty() || password.expose().is_empty() {
            return Ok(BindAnswer::Wrong);
        }
        let spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner).pop();
        if let Some(mut ldap) = spare
            && let Ok(answer) = self.bind_on(&mut ldap, dn, password).await
        {
            self.keep(ldap);
            return Ok(answer);
        }
        // None to spare, or it had been closed meanwhile.
        let mut ldap = self.connect().await?;
        let answer = self.bind_on(&mut ldap, dn, password).await.map_err(Outage::from)?;
        self.keep(ldap);
        Ok(answer)
    }

    async fn bind_on(
        &self,
        ldap: &mut Ldap,
        dn: &str,
        password: &Secret<String>,
    ) -> Result<BindAnswer, LdapError> {
        let asked = ldap.with_timeout(ANSWER).with_controls(policy::request());
        let result = asked.simple_bind(dn, password.expose()).await?;
        Ok(state::of_bind(result.rc, &result.text, policy::of_response(&result.ctrls)))
    }

    fn keep(&self, ldap: Ldap) {
        let mut spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner);
        if spare.len() < SPARE {
            spare.push(ldap);
        }
    }

    /// To the first server that answers, in the administrator's order.
    async fn connect(&self) -> Result<Ldap, Outage> {
        let mut last = None;
        for server in &self.servers {
            let settings = LdapConnSettings::new()
                .set_conn_timeout(CONNECT)
                .set_config(self.tls.clone())
                .set_starttls(server.scheme() == "ldap");
            match LdapConnAsync::from_url_with_settings(settings, server).await {
                Ok((connection, ldap)) => {
                    tokio::spawn(async move {
                        if let Err(error) = connection.drive().await {
                            tracing::debug!(%error, "a connection to a directory has ended");
                        }
                    });
                    return Ok(ldap);
                }
                Err(error) => {
                    tracing::warn!(%server, %error, "a directory's server does not answer");
                    last = Some(error);
                }
            }
        }
        Err(last.map_or(Outage::NoServer, Outage::from))
    }
}
