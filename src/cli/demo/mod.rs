//! `sluse demo`: all of it on one machine, with nothing else installed.
//!
//! The gateway is the real one, from a configuration and a policy in a temporary folder. Two things stand in:
//! Cura, and a MitID broker that believes whoever presses a button. Both live here and on loopback alone.

pub mod broker;
mod cura;

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use pingora::server::RunArgs;
use tempfile::TempDir;
use url::Url;

use self::broker::{Broker, BrokerPerson};
use super::Misconfigured;
use super::log::Log;
use crate::authn::mitid::{Http, Issuer};
use crate::authn::password::{Cost, Passwords};
use crate::config::Config;
use crate::policy::file;
use crate::random;
use crate::secret::{Keys, Secret};
use crate::server::{self, Extras, Gateway, World};
use crate::user::{Cpr, User, UserId, Username};

#[derive(Debug, clap::Args)]
pub struct DemoArgs {
    /// Where to listen; loopback only
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
}

/// The password of everybody in the demo.
const PASSWORD: &str = "sluse-demo-2026";

/// User name, name, CPR number (not in use: the day is past 60, as in MitID's own test data) and groups.
const PEOPLE: [(&str, &str, &str, &[&str]); 3] = [
    ("nez", "Nez Olsen", "610190-1234", &["care-staff", "nurses"]),
    ("ole", "Ole Hansen", "620285-2345", &["care-staff"]),
    ("kim", "Kim Holm", "630370-3456", &[]),
];

const POLICY: &str = include_str!("../../../policies/demo/cura.yaml");

/// The address the demo's policy names for Cura, replaced by the one that was free.
const POLICY_UPSTREAM: &str = "http://127.0.0.1:8081";

const CLIENT_ID: &str = "sluse-demo";

/// Runs until it is stopped.
pub fn run(args: &DemoArgs) -> anyhow::Result<()> {
    let log = Log::start("warn")?;
    ensure!(args.listen.ip().is_loopback(), "the demo believes anybody: it listens on loopback only");
    let folder = TempDir::new().context("no temporary folder can be made")?;
    let cura = free_address()?;
    let demo = Demo { listen: args.listen, cura, folder: folder.path() };
    demo.write()?;
    let path = folder.path().join("sluse.yaml");
    let config = Config::load(&path).map_err(Misconfigured)?;
    let policy = file::load(&config.policies, &config).map_err(Misconfigured)?;
    let world = World::system();
    seed(&config, &world)?;
    let extras = demo.extras(&world)?;
    let gateway = Gateway::build(&config, policy, world, extras)?;
    let at_last = log.clone();
    gateway.leave_when_idle(move || at_last.flush());
    greet_when_open(args.listen, demo.greeting());
    gateway.run(RunArgs::default());
    Ok(())
}

struct Demo<'a> {
    listen: SocketAddr,
    cura: SocketAddr,
    folder: &'a Path,
}

impl Demo<'_> {
    fn url(&self, host: &str) -> String {
        match self.listen.port() {
            80 => format!("http://{host}.localhost"),
            port => format!("http://{host}.localhost:{port}"),
        }
    }

    fn write(&self) -> anyhow::Result<()> {
        let Self { listen, cura, folder } = self;
        let admin = free_address()?;
        let (login, mitid) = (self.url("login"), self.url("mitid"));
        let config = format!(
            "login: {login}\n\
             listen: [{listen}]\n\
             admin: {admin}\n\
             store: sqlite:sluse.db\n\
             key_file: sluse.key\n\
             methods:\n\
             \x20 password: {{}}\n\
             \x20 key: {{ rp_id: login.localhost }}\n\
             \x20 mitid: {{ preset: neb, issuer: \"{mitid}\", client_id: {CLIENT_ID} }}\n\
             levels:\n\
             \x20 basic: password\n\
             \x20 strong: password + (key | mitid)\n"
        );
        std::fs::write(folder.join("sluse.yaml"), config)?;
        std::fs::create_dir(folder.join("policies"))?;
        let policy = POLICY.replace(POLICY_UPSTREAM, &format!("http://{cura}"));
        std::fs::write(folder.join("policies/cura.yaml"), policy)?;
        std::fs::write(folder.join("sluse.key"), random::nonce(&crate::random::SystemRandom))?;
        Ok(())
    }

    fn extras(&self, world: &World) -> anyhow::Result<Extras> {
        let people = PEOPLE.iter().map(|(username, name, cpr, _)| {
            Ok(BrokerPerson {
                username: (*username).to_owned(),
                name: (*name).to_owned(),
                cpr: Cpr::parse(cpr)?,
            })
        });
        let broker = Broker {
            issuer: Issuer::parse(&self.url("mitid"))?,
            client_id: CLIENT_ID.to_owned(),
            redirect_uri: Url::parse(&format!("{}/mitid/callback", self.url("login")))?,
            people: people.collect::<anyhow::Result<_>>()?,
        };
        let router = broker::router(broker, world.clock.clone(), world.random.clone());
        Ok(Extras {
            sites: [("mitid.localhost".to_owned(), router)].into(),
            listeners: vec![(self.cura.to_string(), cura::router())],
            broker_http: Some(Http::pinned("mitid.localhost", self.listen.ip())?),
        })
    }

    fn greeting(&self) -> String {
        let (login, cura) = (self.url("login"), self.url("cura"));
        format!(
            "Sluse demo\n\n\
             \x20 Open       {cura}\n\
             \x20 or start   {login}\n\
             \x20 User       nez\n\
             \x20 Password   {PASSWORD}\n\n\
             DEMO ONLY: Cura and MitID are stand-ins in this process. The stand-in for MitID\n\
             believes whoever presses a button. Everything is forgotten when the demo stops.\n"
        )
    }
}

/// Prints the greeting once somebody who follows it is let in.
fn greet_when_open(address: SocketAddr, greeting: String) {
    std::thread::spawn(move || {
        while TcpStream::connect(address).is_err() {
            std::thread::sleep(Duration::from_millis(10));
        }
        println!("{greeting}");
    });
}

/// Adds the people of the demo.
fn seed(config: &Config, world: &World) -> anyhow::Result<()> {
    let keys = Keys::load(&config.key_file)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let store = server::open_store(&config.store).await?;
        let passwords = Passwords::new(Cost::default());
        for (username, name, cpr, groups) in PEOPLE {
            let user = User {
                id: UserId(random::uuid(world.random.as_ref())),
                username: Username::parse(username)?,
                name: name.to_owned(),
                groups: groups.iter().map(|group| (*group).to_owned()).collect(),
                claims: Vec::new(),
                cpr: Some(keys.cpr_hash(&Cpr::parse(cpr)?)),
                disabled: false,
                expires_at: None,
                created_at: world.clock.now(),
            };
            store.add_user(&user).await?;
            let phc = passwords.hash(&Secret::new(PASSWORD.to_owned()), world.random.as_ref()).await?;
            store.set_password(user.id, &phc).await?;
        }
        Ok(())
    })
}

/// A loopback address that nobody listens on just now. Not on 127.0.0.1 where the system has others: its ports
/// are also those of connections that come and go.
fn free_address() -> anyhow::Result<SocketAddr> {
    let hosts = [Ipv4Addr::new(127, 0, 0, 2), Ipv4Addr::LOCALHOST];
    let listener = hosts.iter().find_map(|host| TcpListener::bind((*host, 0)).ok());
    Ok(listener.context("no port is free")?.local_addr()?)
}
