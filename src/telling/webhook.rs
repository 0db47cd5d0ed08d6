//! Webhooks as <https://www.standardwebhooks.com> has them: JSON, signed with HMAC-SHA-256 over its id, the time
//! and the body, so that whoever receives it knows that it is ours, whole, and of now.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::json;
use sha2::Sha256;
use url::Url;

use super::notice::Notice;
use crate::config::Webhook;
use crate::secret::{self, Secret};
use crate::time::Clock;

const TIMEOUT: Duration = Duration::from_secs(10);

/// The shortest secret, in bytes, that the specification has.
const SHORTEST_SECRET: usize = 24;

/// Posts to one address.
pub(super) struct Poster {
    http: reqwest::Client,
    url: Url,
    secret: Secret<Vec<u8>>,
    /// Which installation it is, as the origin of its login host.
    installation: String,
    clock: Arc<dyn Clock>,
}

impl Poster {
    pub fn new(settings: &Webhook, installation: &str, clock: Arc<dyn Clock>) -> anyhow::Result<Self> {
        let path = &settings.secret_file;
        let text = secret::load_text(path).with_context(|| format!("`{}` cannot be read", path.display()))?;
        let text = text.expose().trim();
        let secret = STANDARD.decode(text.strip_prefix("whsec_").unwrap_or(text)).unwrap_or_default();
        anyhow::ensure!(
            secret.len() >= SHORTEST_SECRET,
            "`{0}` must hold {SHORTEST_SECRET} bytes or more in base64 (make it: `head -c 32 /dev/urandom | base64 > {0}`)",
            path.display()
        );
        let mut http =
            reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).timeout(TIMEOUT);
        if let Some(path) = &settings.ca {
            let pem = std::fs::read(path).with_context(|| format!("`{}` cannot be read", path.display()))?;
            let roots = reqwest::Certificate::from_pem_bundle(&pem)?;
            anyhow::ensure!(!roots.is_empty(), "`{}` holds no certificate", path.display());
            http = http.tls_built_in_root_certs(false);
            http = roots.into_iter().fold(http, reqwest::ClientBuilder::add_root_certificate);
        }
        if settings.is_local() {
            http = http.no_proxy();
        }
        Ok(Self {
            http: http.build()?,
            url: settings.url.clone(),
            secret: Secret::new(secret),
            installation: installation.to_owned(),
            clock,
        })
    }

    /// An error unless it was taken, as a 2xx says.
    pub async fn post(&self, notice: &Notice) -> anyhow::Result<()> {
        let body = self.body(notice);
        let seconds = self.clock.now().as_seconds().to_string();
        let request = self
            .http
            .post(self.url.clone())
            .header("content-type", "application/json")
            .header("webhook-id", &notice.id)
            .header("webhook-timestamp", &seconds)
            .header("webhook-signature", self.signature(&notice.id, &seconds, &body))
            .body(body);
        // The address may hold a token: it is not for the log.
        let answer = request.send().await.map_err(reqwest::Error::without_url)?;
        anyhow::ensure!(answer.status().is_success(), "the answer is {}", answer.status());
        Ok(())
    }

    fn body(&self, notice: &Notice) -> String {
        let Notice { position, user, username, address, correlation, detail, .. } = notice;
        json!({
            "type": notice.event,
            "timestamp": notice.at().to_rfc3339(),
            "data": {
                "installation": self.installation,
                "position": position,
                "user": user,
                "username": username,
                "address": address,
                "correlation": correlation,
                "detail": detail,
            },
        })
        .to_string()
    }

    fn signature(&self, id: &str, seconds: &str, body: &str) -> String {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(self.secret.expose()).expect("HMAC takes a key of any length");
        for part in [id, ".", seconds, ".", body] {
            mac.update(part.as_bytes());
        }
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::{ManualClock, Timestamp};

    #[test]
    fn the_specifications_own_example() {
        // standard-webhooks, spec, "Signature scheme", and its libraries' test vector.
        let folder = tempfile::tempdir().unwrap();
        let secret_file = folder.path().join("secret");
        std::fs::write(&secret_file, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n").unwrap();
        let settings = Webhook {
            name: "desk".to_owned(),
            url: "https://desk.example/".parse().unwrap(),
            secret_file: secret_file.clone(),
            ca: None,
            events: Vec::new(),
        };
        let clock = Arc::new(ManualClock::at(Timestamp::EPOCH));
        let poster = Poster::new(&settings, "https://login.example", clock.clone()).unwrap();
        let signature =
            poster.signature("msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", "{\"test\": 2432232314}");
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        std::fs::write(&secret_file, "c2hvcnQ=").unwrap();
        assert!(Poster::new(&settings, "https://login.example", clock).is_err());
    }
}
