//! What the pages take from the configuration, made at start and made again when it has changed.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use arc_swap::ArcSwap;

use super::World;
use crate::arrival::Public;
use crate::authn::MitIdLevel;
use crate::authn::mitid::{Http, MitId};
use crate::authn::webauthn::RelyingParty;
use crate::config::{self, Config, Language};
use crate::pages::appearance::{Appearance, Kept};
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
    /// Texts of the configuration's, for as long as the gateway runs.
    pub kept: Arc<Kept>,
}

/// Texts, colours and logo instead of ours; `None` where the configuration names no folder.
pub fn appearance(config: &Config, kept: &Kept) -> Result<Option<Arc<Appearance>>, Vec<Problem>> {
    let Some(folder) = &config.appearance else { return Ok(None) };
    let languages: Vec<Lang> = config.languages.iter().map(language).collect();
    Ok(Some(Arc::new(Appearance::load(folder, &languages, kept)?)))
}

impl Making {
    /// The settings; `before` gives its broker on, if it is still the same.
    pub fn settings(
        &self,
        config: &Config,
        policy: &Policy,
        before: Option<&Settings>,
    ) -> Result<Settings, NotSetUp> {
        let targets = form_targets(&self.public, policy, config);
        Ok(Settings {
            password: config.methods.password,
            password_rules: config.methods.password_rules.clone(),
            directory_change: config.methods.directory_change.as_ref().map(ToString::to_string),
            relying_party: relying_party(config)?,
            mitid: self.broker(config, before)?,
            mitid_level: config.methods.mitid.as_ref().map_or(MitIdLevel::Substantial, |mitid| mitid.level),
            languages: config.languages.iter().map(language).collect(),
            content_security_policy: pages::content_security_policy(&targets),
            appearance: appearance(config, &self.kept)?,
            roles: config.roles.clone(),
            organisation: config.house.organisation.clone(),
            accessibility: config.house.accessibility.clone(),
            privacy: config.house.privacy.clone(),
            terms: config.house.terms.as_ref().map(terms).transpose()?,
            spare_keys: config.spare_keys,
            papers: config.papers,
            desk: config.desk.clone(),
        })
    }

    /// Makes them again whenever the configuration at `path` has changed.
    pub fn set_up(self, path: PathBuf, live: Arc<ArcSwap<Settings>>) -> SetUp {
        Box::new(move |config, policy| {
            let made = self.settings(config, policy, Some(&live.load()));
            let settings = made.map_err(|refused| match refused {
                NotSetUp::Appearance(problems) => problems,
                NotSetUp::Methods(error) => {
                    let help = "mend it, or put back what was there; until then everything stays as it is";
                    vec![Problem::of_file(&path, format!("`methods` cannot be set up: {error:#}"), help)]
                }
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

/// Why settings could not be made.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotSetUp {
    #[error(transparent)]
    Methods(#[from] anyhow::Error),
    #[error("`appearance` is of no use: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Appearance(Vec<Problem>),
}

impl From<Vec<Problem>> for NotSetUp {
    fn from(problems: Vec<Problem>) -> Self {
        Self::Appearance(problems)
    }
}

fn terms(terms: &config::Terms) -> anyhow::Result<pages::Terms> {
    let text = |path: &Path| {
        std::fs::read_to_string(path).with_context(|| format!("`{}` cannot be read", path.display()))
    };
    Ok(pages::Terms { version: terms.version, da: text(&terms.da)?, en: text(&terms.en)? })
}

fn relying_party(config: &Config) -> anyhow::Result<RelyingParty> {
    let host = config.login.host_str().context("`login` has no host")?;
    let rp_id = config.methods.key.as_ref().map_or(host, |key| key.rp_id.as_str());
    let discoverable = config.methods.key.as_ref().is_some_and(|key| key.discoverable);
    Ok(RelyingParty::new(rp_id, &config.login, "Sluse")?.with_discoverable(discoverable))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::file;

    const CONFIG: &str = "\
login: http://login.localhost:8080
listen: 127.0.0.1:8080
store: sqlite:a.db
key_file: key
methods:
  password: {}
  mitid: { preset: neb, issuer: \"https://broker.example\", client_id: us, client_secret_file: secret }
levels: { basic: password }
";

    struct Installation(tempfile::TempDir);

    impl Installation {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            std::fs::create_dir(folder.path().join("policies")).unwrap();
            let app = "version: 1\napp: a\nhosts: [a.localhost]\nupstream: http://u:1\nrules: [{ name: r, match: { path: /** } }]\n";
            std::fs::write(folder.path().join("policies/a.yaml"), app).unwrap();
            std::fs::write(folder.path().join("secret"), "hush\n").unwrap();
            Self(folder)
        }

        fn settings(&self, config: &str, before: Option<&Settings>) -> anyhow::Result<Settings> {
            let path = self.0.path().join("sluse.yaml");
            std::fs::write(&path, config)?;
            let config = Config::load(&path).unwrap();
            let policy = file::load(&config.policies, &config).unwrap();
            let public = Public {
                scheme: "http",
                port: ":8080".to_owned(),
                login_host: "login.localhost".to_owned(),
                redirect_ports: Vec::new(),
            };
            let making = Making { public, world: World::system(), broker_http: None, kept: Arc::default() };
            Ok(making.settings(&config, &policy, before)?)
        }

        fn path(&self) -> &Path {
            self.0.path()
        }
    }

    #[test]
    fn a_broker_outlives_a_reload_that_leaves_it_as_it_is() {
        let installation = Installation::new();
        let first = installation.settings(CONFIG, None).unwrap();
        let same = |one: &Settings, other: &Settings| {
            Arc::ptr_eq(one.mitid.as_ref().unwrap(), other.mitid.as_ref().unwrap())
        };
        let again = installation.settings(&CONFIG.replace("levels", "languages: en\nlevels"), Some(&first));
        let again = again.unwrap();
        assert!(same(&first, &again));
        assert_eq!((first.languages.len(), again.languages.len()), (2, 1));
        let other = installation.settings(&CONFIG.replace("client_id: us", "client_id: them"), Some(&first));
        assert!(!same(&first, &other.unwrap()));
        std::fs::write(installation.path().join("secret"), "another\n").unwrap();
        assert!(!same(&first, &installation.settings(CONFIG, Some(&first)).unwrap()), "a new secret");
        std::fs::remove_file(installation.path().join("secret")).unwrap();
        assert!(installation.settings(CONFIG, Some(&first)).is_err());
    }

    #[test]
    fn forms_may_lead_where_the_configuration_says() {
        let installation = Installation::new();
        let targets = |config: &str| {
            let settings = installation.settings(config, None).unwrap();
            settings.content_security_policy.to_str().unwrap().to_owned()
        };
        assert!(targets(CONFIG).contains(" https://broker.example "));
        let local = CONFIG.replace("https://broker.example", "http://broker.localhost:9");
        assert!(
            targets(&local).contains(" http://broker.localhost:9 ")
                && targets(&local).contains("a.localhost")
        );
    }
}
