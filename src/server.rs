//! The composition root: configuration and policy in, a running gateway out.

mod reloading;

use std::collections::HashMap;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use arc_swap::ArcSwap;
use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use http::{StatusCode, header};
use pingora::apps::HttpServerOptions;
use pingora::listeners::tls::TlsSettings;
use pingora::server::configuration::ServerConf;
use pingora::server::{RunArgs, Server};
use pingora::services::listening::Service;
use tokio::runtime::Runtime;

use crate::arrival::Public;
use crate::assertion::AssertionKey;
use crate::audit::{AuditLog, CorrelationIds};
use crate::authn::MitIdLevel;
use crate::authn::ceremony::Ceremonies;
use crate::authn::mitid::{self, MitId};
use crate::authn::password::{Cost, Passwords};
use crate::authn::throttle::Throttles;
use crate::authn::webauthn::RelyingParty;
use crate::config::{Config, Language, Protocol, StoreLocation};
use crate::directory::{Domains, Ldap, Local, ldap};
use crate::metrics::Metrics;
use crate::pages::text::Lang;
use crate::pages::{self, Pages};
use crate::policy::Policy;
use crate::policy::reload::Reloader;
use crate::proxy::Proxy;
use crate::proxy::entrance::Entrance;
use crate::proxy::site::Site;
use crate::proxy::tls::{CertificateFiles, Certificates, KeepName};
use crate::proxy::upstream::Upstreams;
use crate::random::Random;
use crate::secret::{self, Keys};
use crate::session::{Lifetimes, Parts, Sessions, revoke};
use crate::store::Store;
use crate::store::sqlite::Sqlite;
use crate::time::Clock;

/// How long requests in flight may take to finish once the gateway is told to stop.
pub const GRACE: Duration = Duration::from_secs(10);

/// Connections are closed after this many requests, so that none lives for ever.
const REQUESTS_PER_CONNECTION: u32 = 10_000;
const H2_IDLE: Duration = Duration::from_secs(120);

/// What is injected.
#[derive(Clone)]
pub struct World {
    pub clock: Arc<dyn Clock>,
    pub random: Arc<dyn Random>,
}

/// Stand-ins that answer in process: the demo has some, an installation has none.
#[derive(Default)]
pub struct Extras {
    /// Routers by host, reached through the gateway's own listener.
    pub sites: HashMap<String, Router>,
    /// Routers with a listener of their own.
    pub listeners: Vec<(String, Router)>,
    /// How the MitID broker is reached, where the resolver does not know.
    pub broker_http: Option<mitid::Http>,
}

/// A gateway that is ready to run.
pub struct Gateway {
    server: Server,
    policy: Arc<ArcSwap<Policy>>,
    audit: AuditLog,
    world: World,
    pub metrics: Arc<Metrics>,
    /// Keeps the store's runtime alive for as long as the services ask it.
    runtime: Runtime,
}

impl Gateway {
    /// Opens the store, loads everything else, and binds nothing yet.
    pub fn build(config: &Config, policy: Policy, world: World, extras: Extras) -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("sluse-store")
            .enable_all()
            .build()
            .context("no runtime can be started")?;
        let World { clock, random } = world.clone();
        let keys = Arc::new(Keys::load(&config.key_file)?);
        let store: Arc<dyn Store> = runtime.block_on(open_store(&config.store))?;
        runtime.block_on(store.check()).context("the store does not work")?;
        let metrics = Arc::new(Metrics::new()?);
        metrics.policy_loaded.set(clock.now().as_seconds());
        let policy = Arc::new(ArcSwap::from_pointee(policy));
        let public = public(config)?;

        let lifetimes = Lifetimes { idle: config.sessions.idle, absolute: config.sessions.absolute };
        let (sessions, touches) = Sessions::new(Parts {
            store: store.clone(),
            clock: clock.clone(),
            random: random.clone(),
            token_key: keys.token.clone(),
            lifetimes,
        });
        let position = runtime.block_on(sessions.hear(None)).context("the store does not work")?;
        runtime.spawn(revoke::keep(sessions.clone(), position, touches));

        let audit = AuditLog::new(store.clone());
        let assertion = Arc::new(AssertionKey::derive(&keys.assertion, public.login()));
        let form_targets = form_targets(&public, &policy.load(), config);
        let pages = Arc::new(Pages {
            policy: policy.clone(),
            store: store.clone(),
            directory: Arc::new(directories(config, &store, &world)?),
            throttles: Throttles::default(),
            sessions: sessions.clone(),
            ceremonies: Ceremonies { store: store.clone(), clock: clock.clone(), random: random.clone() },
            relying_party: relying_party(config)?,
            mitid: broker(config, &public, &world, extras.broker_http)?,
            mitid_level: config.methods.mitid.as_ref().map_or(MitIdLevel::Substantial, |mitid| mitid.level),
            assertion: assertion.clone(),
            keys,
            audit: audit.clone(),
            metrics: metrics.clone(),
            clock: clock.clone(),
            random: random.clone(),
            languages: config.languages.iter().map(language).collect(),
            content_security_policy: pages::content_security_policy(&form_targets),
            public: public.clone(),
        });
        let certificates = certificates(config, &policy.load())?;
        let proxy = Proxy {
            policy: policy.clone(),
            sessions: sessions.clone(),
            upstreams: Upstreams::new(clock.clone()),
            audit: audit.clone(),
            metrics: metrics.clone(),
            clock,
            assertion,
            correlation: CorrelationIds::new(random.as_ref()),
            random,
            public,
            certificates: certificates.clone(),
            trusted_proxies: config.trusted_proxies.clone(),
            login_pages: pages::login_host(&pages),
            app_pages: pages::app_host(&pages),
            sites: extras.sites,
        };

        let mut server = Server::new_with_opt_and_conf(None, server_conf());
        server.bootstrap();
        let mut options = HttpServerOptions::default();
        options.keepalive_request_limit = Some(REQUESTS_PER_CONNECTION);
        options.h2_idle_timeout = Some(H2_IDLE);
        let mut proxy = pingora::proxy::http_proxy(&server.configuration, proxy);
        proxy.server_options = Some(options);
        let entrance = Entrance::new(proxy, config.trusted_proxies.clone());
        let mut service = Service::new("proxy".to_owned(), entrance);
        for address in config.listen.iter().map(|listener| listener.address).chain([config.admin]) {
            can_listen(address)?;
        }
        for listener in &config.listen {
            let address = listener.address.to_string();
            match (&certificates, listener.protocol) {
                (Some(certificates), Protocol::Https) => {
                    // The resolver stands in for the files: pingora panics over files.
                    let mut tls = TlsSettings::with_callbacks(Box::new(KeepName))
                        .map_err(|error| anyhow::anyhow!("{error}"))?;
                    tls.set_cert_resolver(certificates.clone());
                    tls.enable_h2();
                    service.add_tls_with_settings(&address, None, tls);
                }
                (None, Protocol::Https) => {
                    anyhow::bail!("`listen` asks for TLS on {address}, and there is no certificate")
                }
                (_, Protocol::Http | Protocol::Redirect) => service.add_tcp(&address),
            }
        }
        server.add_service(service);
        let admin = Admin { metrics: metrics.clone(), sessions, store };
        server.add_service(site("admin", &config.admin.to_string(), admin_router(admin)));
        for (address, router) in extras.listeners {
            server.add_service(site("stand-in", &address, router));
        }
        Ok(Self { server, policy, audit, world, metrics, runtime })
    }
}

impl Gateway {
    /// Serves until told to stop: SIGTERM lets requests in flight finish, SIGINT does not.
    pub fn run(self, stop: RunArgs) {
        let Self { server, runtime, .. } = self;
        server.run(stop);
        runtime.shutdown_timeout(Duration::from_secs(1));
    }

    /// Reloads the policies from now on: at SIGHUP, and when a file has changed. `path` is where `config` was
    /// read from.
    pub fn follow(&self, path: &Path, config: Config) {
        let reloader = Reloader::new(path, config, self.policy.clone());
        let telling = reloading::Telling {
            audit: self.audit.clone(),
            metrics: self.metrics.clone(),
            world: self.world.clone(),
        };
        self.runtime.spawn(reloading::follow(Arc::new(reloader), telling));
    }

    /// Ends the process once the last request in flight has been answered after SIGTERM, at most [`GRACE`]
    /// later: pingora itself would sleep that long however idle it is.
    pub fn leave_when_idle(&self) {
        let mut phases = self.server.watch_execution_phase();
        let in_flight = self.metrics.in_flight.clone();
        self.runtime.spawn(async move {
            loop {
                match phases.recv().await {
                    Ok(pingora::server::ExecutionPhase::GracefulTerminate) => break,
                    Ok(_) => {}
                    Err(_) => return,
                }
            }
            // A connection accepted just now has its request counted by the next look.
            let mut idle_looks = 0;
            while idle_looks < 3 {
                tokio::time::sleep(Duration::from_millis(50)).await;
                idle_looks = if in_flight.get() == 0 { idle_looks + 1 } else { 0 };
            }
            std::process::exit(0);
        });
    }
}

/// pingora panics over an address it cannot have: better to say which and why, before.
fn can_listen(address: SocketAddr) -> anyhow::Result<()> {
    TcpListener::bind(address).map(drop).with_context(|| format!("cannot listen on {address}"))
}

/// Opens the store the configuration names.
pub async fn open_store(location: &StoreLocation) -> anyhow::Result<Arc<dyn Store>> {
    match location {
        StoreLocation::Sqlite(path) => Ok(Arc::new(Sqlite::open(path).await?)),
    }
}

/// Local accounts, and what the configuration names beside them.
fn directories(config: &Config, store: &Arc<dyn Store>, world: &World) -> anyhow::Result<Domains> {
    let World { clock, random } = world.clone();
    let connected = |settings: &ldap::Settings| {
        let directory = Ldap::new(settings.clone(), store.clone(), clock.clone(), random.clone());
        directory.with_context(|| format!("the directory `{}` cannot be used", settings.name))
    };
    let others = config.directories.iter().map(connected).collect::<anyhow::Result<_>>()?;
    let passwords = Passwords::new(Cost::default());
    Ok(Domains {
        local: Local { store: store.clone(), passwords, clock, random },
        store: store.clone(),
        others,
    })
}

fn server_conf() -> ServerConf {
    ServerConf {
        threads: std::thread::available_parallelism().map_or(2, usize::from),
        grace_period_seconds: Some(GRACE.as_secs()),
        graceful_shutdown_timeout_seconds: Some(1),
        upstream_keepalive_pool_size: 512,
        ..ServerConf::default()
    }
}

fn public(config: &Config) -> anyhow::Result<Public> {
    let login_host = config.login.host_str().context("`login` has no host")?.to_owned();
    let redirects = config.listen.iter().filter(|listener| listener.protocol == Protocol::Redirect);
    Ok(Public {
        scheme: config.login.scheme().to_owned(),
        port: config.login.port().map(|port| format!(":{port}")).unwrap_or_default(),
        login_host,
        redirect_ports: redirects.map(|listener| listener.address.port()).collect(),
    })
}

fn language(language: &Language) -> Lang {
    match language {
        Language::Da => Lang::Da,
        Language::En => Lang::En,
    }
}

fn relying_party(config: &Config) -> anyhow::Result<RelyingParty> {
    let host = config.login.host_str().context("`login` has no host")?;
    let rp_id = config.methods.key.as_ref().map_or(host, |key| key.rp_id.as_str());
    Ok(RelyingParty::new(rp_id, &config.login, "Sluse")?)
}

fn broker(
    config: &Config,
    public: &Public,
    world: &World,
    http: Option<mitid::Http>,
) -> anyhow::Result<Option<MitId>> {
    let Some(settings) = &config.methods.mitid else { return Ok(None) };
    let redirect_uri = format!("{}/mitid/callback", public.login()).parse()?;
    let http = match http {
        Some(http) => http,
        None => mitid::Http::new()?,
    };
    let (clock, random) = (world.clock.clone(), world.random.clone());
    let mut broker = settings.broker.clone();
    if let Some(path) = &settings.client_secret_file {
        let secret =
            secret::load_text(path).with_context(|| format!("`{}` cannot be read", path.display()))?;
        broker.client_secret = Some(secret);
    }
    Ok(Some(MitId::new(broker, redirect_uri, http, clock, random)?))
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

fn certificates(config: &Config, policy: &Policy) -> anyhow::Result<Option<Arc<Certificates>>> {
    if config.certificates.is_empty() {
        return Ok(None);
    }
    let login = config.login.host_str().into_iter().map(str::to_owned);
    let hosts: Vec<String> =
        login.chain(policy.apps().iter().flat_map(|app| app.hosts.iter().cloned())).collect();
    let files: Vec<_> = config
        .certificates
        .iter()
        .map(|files| CertificateFiles { certificate: files.cert.clone(), key: files.key.clone() })
        .collect();
    Ok(Some(Arc::new(Certificates::load(&files, &hosts)?)))
}

fn site(name: &str, address: &str, router: Router) -> Service<Site> {
    let mut service = Service::new(name.to_owned(), Site(router));
    service.add_tcp(address);
    service
}

/// What the admin listener tells.
#[derive(Clone)]
struct Admin {
    metrics: Arc<Metrics>,
    sessions: Arc<Sessions>,
    store: Arc<dyn Store>,
}

fn admin_router(admin: Admin) -> Router {
    Router::new()
        .route("/health", get(async || "ok\n"))
        .route("/ready", get(ready))
        .route("/metrics", get(metrics))
        .with_state(admin)
}

async fn ready(State(admin): State<Admin>) -> Response {
    match admin.store.check().await {
        Ok(()) if admin.metrics.policy_reload_failed.get() > 0 => {
            "ready, with a stale policy: its files could not be loaded, see the log\n".into_response()
        }
        Ok(()) => "ready\n".into_response(),
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, format!("{error}\n")).into_response(),
    }
}

async fn metrics(State(admin): State<Admin>) -> Response {
    let Admin { metrics, sessions, .. } = admin;
    let (hits, misses) = sessions.cache_counts();
    for (result, total) in [("hit", hits), ("miss", misses)] {
        let counter = metrics.session_lookups.with_label_values(&[result]);
        counter.inc_by(total.saturating_sub(counter.get()));
    }
    metrics.sessions.set(i64::try_from(sessions.live()).unwrap_or(i64::MAX));
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], metrics.render()).into_response()
}
