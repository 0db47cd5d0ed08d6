//! Certificates, chosen by the name the client asks for, and loaded before pingora would panic over them.

use std::any::Any;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use async_trait::async_trait;
use pingora::listeners::TlsAccept;
use pingora::protocols::tls::TlsRef;
use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::{ClientHello, ParsedCertificate, ResolvesServerCert};
use rustls::sign::CertifiedKey;

/// A certificate chain and its key, in PEM files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateFiles {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

/// Why certificates are of no use.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    #[error("`{path}` holds no certificate that can be read: {source}")]
    Certificate { path: String, source: rustls::pki_types::pem::Error },
    #[error("`{path}` holds no certificate at all")]
    Empty { path: String },
    #[error("`{path}` holds no private key that can be read: {source}")]
    Key { path: String, source: rustls::pki_types::pem::Error },
    #[error("the key in `{key}` does not fit the certificate in `{certificate}`: {source}")]
    Mismatch { certificate: String, key: String, source: rustls::Error },
    #[error("no certificate is valid for `{host}`")]
    Uncovered { host: String },
}

/// The certificates in use; [`Certificates::reload`] replaces them all, or none.
#[derive(Debug)]
pub struct Certificates {
    files: Vec<CertificateFiles>,
    by_host: ArcSwap<HashMap<String, Arc<CertifiedKey>>>,
}

impl Certificates {
    /// For `hosts`, each of which one of the certificates must be valid for.
    pub fn load(files: &[CertificateFiles], hosts: &[String]) -> Result<Self, CertificateError> {
        let by_host = ArcSwap::from_pointee(choose(files, hosts)?);
        Ok(Self { files: files.to_vec(), by_host })
    }

    /// Whether a connection that was opened for `name` may carry requests for `host`: they have one
    /// certificate. Browsers share HTTP/2 connections so (RFC 9113, section 9.1.1).
    pub fn are_shared(&self, name: &str, host: &str) -> bool {
        match (self.find(name), self.find(host)) {
            (Some(shown), Some(due)) => Arc::ptr_eq(&shown, &due),
            _ => false,
        }
    }

    fn find(&self, name: &str) -> Option<Arc<CertifiedKey>> {
        let by_host = self.by_host.load();
        let found = by_host.get(name).or_else(|| {
            let (_, parent) = name.split_once('.')?;
            by_host.get(&format!("*.{parent}"))
        });
        found.cloned()
    }

    pub fn reload(&self, hosts: &[String]) -> Result<(), CertificateError> {
        self.by_host.store(Arc::new(choose(&self.files, hosts)?));
        Ok(())
    }
}

impl ResolvesServerCert for Certificates {
    /// No name, or one that is not ours, gets no certificate: there is no default site.
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.find(&hello.server_name()?.to_ascii_lowercase())
    }
}

/// The name a connection was opened for.
pub struct OpenedFor(pub String);

/// Keeps that name with the connection.
pub struct KeepName;

#[async_trait]
impl TlsAccept for KeepName {
    async fn handshake_complete_callback(&self, tls: &TlsRef) -> Option<Arc<dyn Any + Send + Sync>> {
        Some(Arc::new(OpenedFor(tls.server_name()?.to_ascii_lowercase())))
    }
}

fn choose(
    files: &[CertificateFiles],
    hosts: &[String],
) -> Result<HashMap<String, Arc<CertifiedKey>>, CertificateError> {
    let keys = files.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    let covers = |key: &CertifiedKey, host: &str| {
        // A wildcard host needs a wildcard certificate: any one label stands for all.
        let sample = host.strip_prefix("*.").map_or_else(|| host.to_owned(), |rest| format!("any.{rest}"));
        let (Ok(name), Some(leaf)) = (ServerName::try_from(sample), key.cert.first()) else { return false };
        ParsedCertificate::try_from(leaf)
            .is_ok_and(|leaf| rustls::client::verify_server_name(&leaf, &name).is_ok())
    };
    hosts
        .iter()
        .map(|host| {
            let key = keys.iter().find(|key| covers(key, host));
            let key = key.ok_or_else(|| CertificateError::Uncovered { host: host.clone() })?;
            Ok((host.to_ascii_lowercase(), key.clone()))
        })
        .collect()
}

fn read(files: &CertificateFiles) -> Result<Arc<CertifiedKey>, CertificateError> {
    let shown = |path: &Path| path.display().to_string();
    let chain = CertificateDer::pem_file_iter(&files.certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|source| CertificateError::Certificate { path: shown(&files.certificate), source })?;
    if chain.is_empty() {
        return Err(CertificateError::Empty { path: shown(&files.certificate) });
    }
    let key = PrivateKeyDer::from_pem_file(&files.key)
        .map_err(|source| CertificateError::Key { path: shown(&files.key), source })?;
    let mismatch = |source| CertificateError::Mismatch {
        certificate: shown(&files.certificate),
        key: shown(&files.key),
        source,
    };
    let certified = CertifiedKey::new(chain, any_supported_type(&key).map_err(mismatch)?);
    certified.keys_match().map_err(mismatch)?;
    Ok(Arc::new(certified))
}
