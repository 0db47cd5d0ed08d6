//! Mail, over SMTP with TLS.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use lettre::address::Envelope;
use lettre::message::header::{ContentType, Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{Address, AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor};
use url::Url;

use super::letter::{self, Letter};
use super::notice::Notice;
use crate::config::{Mail, Security};
use crate::pages::text::Lang;
use crate::secret;
use crate::store::Store;
use crate::user::UserId;

/// For each step of the conversation.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The claim that holds a person's addresses.
const CLAIM: &str = "email";

/// Sends mail by one server.
pub(super) struct Mailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    languages: Vec<Lang>,
    phone: Option<String>,
    alarms: Vec<Address>,
    store: Arc<dyn Store>,
}

impl Mailer {
    pub fn new(
        settings: &Mail,
        installation: &str,
        languages: Vec<Lang>,
        store: Arc<dyn Store>,
    ) -> anyhow::Result<Self> {
        let server = &settings.server;
        let tls = match server.security {
            Security::Tls => Tls::Wrapper(tls(&server.host, settings.ca.as_deref())?),
            Security::StartTls => Tls::Required(tls(&server.host, settings.ca.as_deref())?),
            Security::None => Tls::None,
        };
        // Servers look at whom they talk to; the machine's own name would tell more than they need.
        let own = Url::parse(installation).ok().and_then(|url| url.host_str().map(str::to_owned));
        let mut transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&server.host)
            .port(server.port)
            .tls(tls)
            .hello_name(ClientId::Domain(own.unwrap_or_else(|| "localhost".to_owned())))
            .timeout(Some(TIMEOUT));
        if let Some(login) = &settings.login {
            let path = &login.password_file;
            let password =
                secret::load_text(path).with_context(|| format!("`{}` cannot be read", path.display()))?;
            let credentials = Credentials::new(login.username.clone(), password.expose().clone());
            transport = transport.credentials(credentials);
        }
        Ok(Self {
            transport: transport.build(),
            from: settings.from.clone(),
            languages,
            phone: settings.phone.clone(),
            alarms: settings.alarms.clone(),
            store,
        })
    }

    /// `false` if the person has no address, or is gone.
    pub async fn to_person(&self, notice: &Notice) -> anyhow::Result<bool> {
        let Some(user) = notice.user else { return Ok(false) };
        let Some(user) = self.store.user(UserId(user)).await? else { return Ok(false) };
        let addresses = user.claims.iter().filter(|(name, _)| name == CLAIM);
        let addresses: Vec<Address> = addresses.filter_map(|(_, value)| value.trim().parse().ok()).collect();
        match letter::to_person(notice, &user, &self.languages, self.phone.as_deref()) {
            Some(letter) => self.send(notice, letter, &addresses).await,
            None => Ok(false),
        }
    }

    pub async fn to_administrators(&self, notice: &Notice) -> anyhow::Result<bool> {
        match letter::to_administrators(notice, &self.languages) {
            Some(letter) => self.send(notice, letter, &self.alarms).await,
            None => Ok(false),
        }
    }

    async fn send(&self, notice: &Notice, letter: Letter, to: &[Address]) -> anyhow::Result<bool> {
        if to.is_empty() {
            return Ok(false);
        }
        let from = &self.from;
        let sent_at = SystemTime::UNIX_EPOCH
            + Duration::from_millis(u64::try_from(notice.at().as_millis()).unwrap_or_default());
        // Addresses alone: no name that somebody could choose stands in a header.
        let message = to
            .iter()
            .fold(Message::builder(), |message, address| message.to(Mailbox::new(None, address.clone())))
            .from(from.clone())
            .subject(letter.subject)
            .date(sent_at)
            .message_id(Some(format!("<{}@{}>", notice.id, from.email.domain())))
            .header(AutoSubmitted)
            .header(ContentType::TEXT_PLAIN)
            .envelope(Envelope::new(Some(from.email.clone()), to.to_vec())?)
            .body(letter.body)?;
        self.transport.send(message).await?;
        Ok(true)
    }
}

fn tls(host: &str, ca: Option<&Path>) -> anyhow::Result<TlsParameters> {
    let mut tls = TlsParameters::builder(host.to_owned());
    if let Some(path) = ca {
        let pem = std::fs::read(path).with_context(|| format!("`{}` cannot be read", path.display()))?;
        let holds_one = rustls_pemfile::certs(&mut pem.as_slice()).flatten().next().is_some();
        anyhow::ensure!(holds_one, "`{}` holds no certificate", path.display());
        tls =
            tls.certificate_store(CertificateStore::None).add_root_certificate(Certificate::from_pem(&pem)?);
    }
    Ok(tls.build()?)
}

/// Nobody's out-of-office answers it (RFC 3834, section 5).
#[derive(Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}
