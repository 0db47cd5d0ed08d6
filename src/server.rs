//! The composition root: configuration and policy in, a running gateway out.

mod address;
mod admin;
mod making;
mod reloading;
mod retention;

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use arc_swap::ArcSwap;
use axum::Router;
use pingora::apps::HttpServerOptions;
use pingora::listeners::tls::TlsSettings;
use pingora::server::configuration::ServerConf;
use pingora::server::{RunArgs, Server};
use pingora::services::listening::Service;
use tokio::runtime::Runtime;

use self::admin::Admin;
use self::making::Making;
pub use self::making::appearance;
use self::retention::Retention;
use crate::arrival::Public;
use crate::assertion::AssertionKey;
use crate::audit::atlas::Atlas;
use crate::audit::{AuditLog, CorrelationIds};
use crate::authn::ceremony::Ceremonies;
use crate::authn::mitid;
use crate::authn::password::{Cost, Passwords};
use crate::authn::throttle::Throttles;
use crate::config::{Config, Protocol, StoreLocation};
use crate::directory::{Domains, Ldap, Local, ldap};
use crate::metrics::Metrics;
use crate::pages::{self, Pages, Settings};
use crate::policy::Policy;
use crate::policy::reload::Reloader;
use crate::provisioning::endpoint::{self, Endpoint};
use crate::proxy::behind::Behind;
use crate::proxy::entrance::Entrance;
use crate::proxy::site::Site;
use crate::proxy::tls::{CertificateFiles, Certificates, KeepName};
use crate::proxy::upstream::Upstreams;
use crate::proxy::{Phases, Proxy, Room};
use crate::random::Random;
use crate::secret::{Bearer, Keys};
use crate::session::{Lifetimes, Parts, Sessions, revoke};
use crate::store::Store;
use crate::store::sqlite::Sqlite;
use crate::telling::{self, Telling};
use crate::time::Clock;
use crate::trace;

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
    settings: Arc<ArcSwap<Settings>>,
    making: Making,
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
        let shared = &config.shared_devices;
        let shared_lifetimes = Lifetimes {
            idle: shared.idle.min(lifetimes.idle),
            absolute: shared.absolute.min(lifetimes.absolute),
        };
        let (sessions, touches) = Sessions::new(Parts {
            store: store.clone(),
            clock: clock.clone(),
            random: random.clone(),
            token_key: keys.token.clone(),
            lifetimes,
            shared_lifetimes,
        });
        let position = runtime.block_on(sessions.hear(None)).context("the store does not work")?;
        if config.sessions.preload {
            let loaded = runtime.block_on(sessions.preload()).context("the sessions cannot be loaded")?;
            tracing::info!(sessions = loaded, "all live sessions are in memory");
        }
        runtime.spawn(revoke::keep(sessions.clone(), position, touches));

        let audit = AuditLog::new(store.clone(), metrics.clone());
        let audit = match &config.audit.geoip {
            Some(file) => audit.knowing(Atlas::load(file)?),
            None => audit,
        };
        let (traces, writer) = trace::traces(store.clone(), metrics.clone());
        runtime.spawn(writer.run());
        if let Some(keep) = config.audit.keep {
            let (store, audit, world) = (store.clone(), audit.clone(), world.clone());
            runtime.spawn(Retention { store, audit, world, keep }.run());
        }
        let told = audit.clone();
        let parts = telling::Parts {
            store: store.clone(),
            audit: told,
            metrics: metrics.clone(),
            clock: clock.clone(),
        };
        if let Some(telling) = Telling::set_up(config, parts)? {
            runtime.block_on(telling.begin()).context("the store does not work")?;
            runtime.spawn(telling.run());
        }
        let assertion = Arc::new(AssertionKey::derive(&keys.assertion, public.login()));
        let making = Making {
            public: public.clone(),
            world: world.clone(),
            broker_http: extras.broker_http,
            kept: Arc::default(),
        };
        let settings = making.settings(config, &policy.load(), None)?;
        let settings = Arc::new(ArcSwap::from_pointee(settings));
        let passwords = Passwords::new(Cost::default());
        let pages = Arc::new(Pages {
            policy: policy.clone(),
            store: store.clone(),
            directory: Arc::new(directories(config, &store, &world, passwords.clone())?),
            passwords,
            throttles: Throttles::default(),
            key_throttles: Throttles::default(),
            sessions: sessions.clone(),
            ceremonies: Ceremonies { store: store.clone(), clock: clock.clone(), random: random.clone() },
            live: settings.clone(),
            assertion: assertion.clone(),
            keys,
            audit: audit.clone(),
            metrics: metrics.clone(),
            clock: clock.clone(),
            random: random.clone(),
            shared_networks: config.shared_devices.networks.clone(),
            public: public.clone(),
        });
        let certificates = certificates(config, &policy.load())?;
        let upstreams = Arc::new(Upstreams::new(&server_conf()));
        runtime.spawn(upstreams.clone().tidy());
        let proxy = Arc::new(Proxy {
            policy: policy.clone(),
            sessions: sessions.clone(),
            ceremonies: pages.ceremonies.clone(),
            room: Room::default(),
            upstreams,
            audit: audit.clone(),
            traces,
            metrics: metrics.clone(),
            clock,
            assertion,
            correlation: CorrelationIds::new(random.as_ref()),
            random,
            public,
            certificates: certificates.clone(),
            trusted_proxies: config.trusted_proxies.clone(),
            shared_networks: config.shared_devices.networks.clone(),
            login_pages: pages::login_host(&pages),
            app_pages: pages::app_host(&pages),
            sites: extras.sites,
        });

        let mut server = Server::new_with_opt_and_conf(None, server_conf());
        server.bootstrap();
        let mut options = HttpServerOptions::default();
        options.keepalive_request_limit = Some(REQUESTS_PER_CONNECTION);
        options.h2_idle_timeout = Some(H2_IDLE);
        let mut pingora = pingora::proxy::http_proxy(&server.configuration, Phases(proxy.clone()));
        pingora.server_options = Some(options);
        let entrance = Entrance::new(proxy, pingora);
        for address in config.listen.iter().map(|listener| listener.address).chain([config.admin]) {
            address::can_listen(address)?;
        }
        for service in proxy_services(entrance, config, &certificates)? {
            server.add_service(service);
        }
        let audit_token = config.audit.token_file.as_deref().map(Bearer::load).transpose()?;
        let provisioning = match &config.provisioning {
            Some(provisioning) => endpoint::router(Arc::new(Endpoint {
                store: store.clone(),
                audit: audit.clone(),
                clock: world.clock.clone(),
                random: world.random.clone(),
                keys: pages.keys.clone(),
                settings: provisioning.settings.clone(),
                token: Bearer::load(&provisioning.token_file)?,
                correlation: CorrelationIds::new(world.random.as_ref()),
            })),
            None => Router::new(),
        };
        let admin = Admin { metrics: metrics.clone(), sessions, store, audit_token };
        let admin = admin::router(admin).merge(provisioning);
        server.add_service(site("admin", &config.admin.to_string(), admin));
        for (address, router) in extras.listeners {
            server.add_service(site("stand-in", &address, router));
        }
        Ok(Self { server, policy, settings, making, audit, world, metrics, runtime })
    }
}

impl Gateway {
    /// Serves until told to stop: SIGTERM lets requests in flight finish, SIGINT does not.
    pub fn run(self, stop: RunArgs) {
        let Self { server, runtime, .. } = self;
        server.run(stop);
        runtime.shutdown_timeout(Duration::from_secs(1));
    }

    /// Reloads the configuration and the policies from now on: at SIGHUP, and when a file has changed. `path` is
    /// where `config` was read from.
    pub fn follow(&self, path: &Path, config: Config) {
        let set_up = self.making.clone().set_up(path.to_owned(), self.settings.clone());
        let reloader = Reloader::new(path, config, self.policy.clone(), set_up);
        let telling = reloading::Telling {
            audit: self.audit.clone(),
            metrics: self.metrics.clone(),
            world: self.world.clone(),
        };
        self.runtime.spawn(reloading::follow(Arc::new(reloader), telling));
    }

    /// Ends the process once the last request in flight has been answered after SIGTERM, at most [`GRACE`]
    /// later: pingora itself would sleep that long however idle it is. `at_last` is done before.
    pub fn leave_when_idle(&self, at_last: impl FnOnce() + Send + 'static) {
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
            at_last();
            std::process::exit(0);
        });
    }
}

/// One service for the listeners that people reach, and one for those that load balancers announce them to:
/// what is read before TLS is a service's own.
fn proxy_services(
    entrance: Entrance,
    config: &Config,
    certificates: &Option<Arc<Certificates>>,
) -> anyhow::Result<Vec<Service<Entrance>>> {
    let behind = Arc::new(Behind { trusted: config.trusted_proxies.clone() });
    let mut announced = Service::new("announced".to_owned(), entrance.behind(behind.clone()));
    let mut open = Service::new("proxy".to_owned(), entrance);
    announced.endpoints().set_pre_tls_callback(behind);
    for listener in &config.listen {
        let address = listener.address.to_string();
        let service = if listener.proxy_protocol { &mut announced } else { &mut open };
        match (certificates, listener.protocol) {
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
    let services = [open, announced].into_iter();
    Ok(services
        .filter_map(|mut service| (!service.endpoints().addresses().is_empty()).then_some(service))
        .collect())
}

/// Opens the store the configuration names.
pub async fn open_store(location: &StoreLocation) -> anyhow::Result<Arc<dyn Store>> {
    match location {
        StoreLocation::Sqlite(path) => Ok(Arc::new(Sqlite::open(path).await?)),
    }
}

/// Local accounts, and what the configuration names beside them.
fn directories(
    config: &Config,
    store: &Arc<dyn Store>,
    world: &World,
    passwords: Passwords,
) -> anyhow::Result<Domains> {
    let World { clock, random } = world.clone();
    let connected = |settings: &ldap::Settings| {
        let directory = Ldap::new(settings.clone(), store.clone(), clock.clone(), random.clone());
        directory.with_context(|| format!("the directory `{}` cannot be used", settings.name))
    };
    let others = config.directories.iter().map(connected).collect::<anyhow::Result<_>>()?;
    Ok(Domains {
        local: Local { store: store.clone(), passwords, clock, random },
        store: store.clone(),
        others,
    })
}

fn server_conf() -> ServerConf {
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    ServerConf {
        threads,
        // Alone there is nobody to take work from, and looking for it costs.
        work_stealing: threads > 1,
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
        scheme: if config.login.scheme() == "https" { "https" } else { "http" },
        port: config.login.port().map(|port| format!(":{port}")).unwrap_or_default(),
        login_host,
        redirect_ports: redirects.map(|listener| listener.address.port()).collect(),
    })
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
