//! What the pages take from the configuration, made at start and made again when it has changed.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use arc_swap::ArcSwap;

use super::World;
use crate::arrival::Public;
use crate::authn::MitIdLevel;
use crate::authn::mitid::{Http, MitId};
use crate::authn::webauthn::RelyingParty;
use crate::config::{Config, Language};
use crate::pages::text::Lang;
use crate::pages::{self, Settings};
use crate::policy::Policy;
use crate::policy::problem::Problem;
use crate::policy::reload::{GoLive, SetUp};
use crate::secret;

/// What stays as it was at start.
#[derive(Clone)]
pub(super) struct Making {
    pub public: Public,
    pub world: World,
    /// How the broker is reached, where the resolver does not know.
    pub broker_http: Option<Http>,
}

impl Making {
    /// The settings; `before` gives its broker on, if it is still the same.
    pub fn settings(
        &self,
        config: &Config,
        policy: &Policy,
        before: Option<&Settings>,
    ) -> anyhow::Result<Settings> {
        let targets = form_targets(&self.public, policy, config);
        Ok(Settings {
            password: config.methods.password,
            relying_party: relying_party(config)?,
            mitid: self.broker(config, before)?,
            mitid_level: config.methods.mitid.as_ref().map_or(MitIdLevel::Substantial, |mitid| mitid.level),
            languages: config.languages.iter().map(language).collect(),
            content_security_policy: pages::content_security_policy(&targets),
        })
    }

    /// Makes them again whenever the configuration at `path` has changed.
    pub fn set_up(self, path: PathBuf, live: Arc<ArcSwap<Settings>>) -> SetUp {
        Box::new(move |config, policy| {
            let made = self.settings(config, policy, Some(&live.load()));
            let settings = made.map_err(|error| {
                let help = "mend it, or put back what was there; until then everything stays as it is";
                Problem::of_file(&path, format!("`methods` cannot be set up: {error:#}"), help)
            })?;
            let live = live.clone();
            Ok(Box::new(move || live.store(Arc::new(settings))) as GoLive)
        })
    }

    fn broker(&self, config: &Config, before: Option<&Settings>) -> anyhow::Result<Option<Arc<MitId>>> {
        let Some(settings) = &config.methods.mitid else { return Ok(None) };
        let mut broker = settings.broker.clone();
        if let Some(path) = &settings.client_secret_file {
            let secret =
                secret::load_text(path).with_context(|| format!("`{}` cannot be read", path.display()))?;
            broker.client_secret = Some(secret);
        }
        // One that is at work has learnt the broker's addresses and keys, and may outlive an outage by them.
        if let Some(same) = before.and_then(|before| before.mitid.as_ref()).filter(|it| it.is_of(&broker)) {
            return Ok(Some(same.clone()));
        }
        let redirect_uri = format!("{}/mitid/callback", self.public.login()).parse()?;
        let http = match &self.broker_http {
            Some(http) => http.clone(),
            None => Http::new()?,
        };
        let World { clock, random } = self.world.clone();
        Ok(Some(Arc::new(MitId::new(broker, redirect_uri, http, clock, random)?)))
    }
}

fn relying_party(config: &Config) -> anyhow::Result<RelyingParty> {
    let host = config.login.host_str().context("`login` has no host")?;
    let rp_id = config.methods.key.as_ref().map_or(host, |key| key.rp_id.as_str());
    Ok(RelyingParty::new(rp_id, &config.login, "Sluse")?)
}

fn language(language: &Language) -> Lang {
    match language {
        Language::Da => Lang::Da,
        Language::En => Lang::En,
    }
}

/// A login ends at an app or at the broker, and the broker may send people further on: any https address.
/// What is on plain HTTP, which only this machine's own hosts are, is named.
fn form_targets(public: &Public, policy: &Policy, config: &Config) -> String {
    let mut targets = "https:".to_owned();
    if public.scheme != "https" {
        let hosts = policy.apps().iter().flat_map(|app| &app.hosts);
        let broker = config.methods.mitid.as_ref().map(|mitid| mitid.broker.issuer.origin());
        for origin in hosts.map(|host| public.origin(host)).chain(broker).chain([public.login()]) {
            targets.push(' ');
            targets.push_str(&origin);
        }
    }
    targets
}
