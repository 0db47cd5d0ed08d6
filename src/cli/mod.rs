//! The commands: one file each. Data goes to stdout, the log and errors to stderr.

pub mod audit;
pub mod bench;
pub mod check;
mod context;
pub mod demo;
pub mod device;
pub mod diff;
pub mod explain;
#[cfg(test)]
mod fixture;
pub mod input;
pub mod invite;
pub mod key;
mod log;
pub mod routes;
mod sarif;
pub mod schema;
pub mod serve;
pub mod session;
#[cfg(test)]
mod shipped;
mod spare;
mod table;
mod texts;
mod trace;
pub mod user;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Parser, Subcommand};

use self::bench::Bench;
use self::context::count;
pub use self::context::{Context, Format, Refused};
use crate::authn::password::{Cost, Passwords};
use crate::config::Config;
use crate::date;
use crate::policy::problem::Problem;
use crate::random::SystemRandom;
use crate::secret::Keys;
use crate::server::{self, World};
use crate::time::{Clock as _, SystemClock};

/// A step-up authentication gateway
#[derive(Debug, Parser)]
#[command(name = "sluse", version, propagate_version = true)]
struct Arguments {
    /// The configuration [default: sluse.yaml here, else /etc/sluse/sluse.yaml]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the gateway
    Serve,
    /// Try all of it on this machine, with stand-ins for an app and for MitID
    Demo(demo::DemoArgs),
    /// Read the configuration and the policies, and run their tests
    Check(check::CheckArgs),
    /// Say what a request would get, and why; or why one got what it got, by the code it showed
    Explain(explain::ExplainArgs),
    /// Show every rule on a line
    Routes(routes::RoutesArgs),
    /// Say which requests another policy would treat differently
    Diff(diff::DiffArgs),
    /// Print the JSON Schema of the files, for editors
    Schema(schema::SchemaArgs),
    /// Print what the pages say, a line a text, as the folder at `appearance` takes it
    Texts(texts::TextsArgs),
    /// People and their passwords
    #[command(subcommand)]
    User(user::Command),
    /// People's security keys
    #[command(subcommand)]
    Key(key::Command),
    /// What people have open
    #[command(subcommand)]
    Session(session::Command),
    /// Make a one-time code for registering a first key
    Invite(invite::Invite),
    /// Devices that many people use
    #[command(subcommand)]
    Device(device::Command),
    /// Security events
    #[command(subcommand)]
    Audit(audit::Audit),
    /// Measure this machine
    #[command(subcommand)]
    Bench(Bench),
}

/// How a command ends: 0, 1 or 2 to whoever called it.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Exit {
    Yes,
    /// The answer is no.
    No,
    /// The arguments or the configuration are of no use.
    Unusable,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Yes => 0,
            Exit::No => 1,
            Exit::Unusable => 2,
        })
    }
}

/// The configuration or a policy is of no use; every problem is told.
#[derive(Debug, thiserror::Error)]
#[error("{}", problems(.0))]
struct Misconfigured(Vec<Problem>);

/// The whole command.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let config = arguments.config.unwrap_or_else(default_config);
    match run(&config, arguments.command) {
        Ok(exit) => exit.into(),
        Err(error) if is_closed_pipe(&error) => Exit::Yes.into(),
        Err(error) => {
            let unusable = error.is::<Misconfigured>();
            let refused = error.is::<Refused>();
            eprintln!("{}{error:#}", if unusable { "" } else { "error: " });
            if refused { Exit::No.into() } else { Exit::Unusable.into() }
        }
    }
}

fn run(config: &Path, command: Command) -> anyhow::Result<Exit> {
    let mut out = std::io::stdout().lock();
    match command {
        Command::Serve => {
            drop(out);
            serve::run(config)?;
        }
        Command::Demo(args) => {
            drop(out);
            demo::run(&args)?;
        }
        Command::Check(args) => return Ok(check::check(config, &args, &mut out)?),
        Command::Explain(args) if args.url.is_none() => {
            on_the_store(config, Command::Explain(args), &mut out)?;
        }
        Command::Explain(args) => return Ok(explain::explain(config, &args, SystemClock.now(), &mut out)?),
        Command::Routes(args) => return Ok(routes::routes(config, &args, &mut out)?),
        Command::Diff(args) => return diff::diff(config, &args, &mut out),
        Command::Schema(args) => schema::print(&args, &mut out)?,
        Command::Texts(args) => texts::print(&args, &mut out)?,
        Command::Bench(Bench::Assertions(args)) => bench::assertions::run(&args, &mut out)?,
        Command::Bench(Bench::Login(args)) => on_the_network(bench::login::run(&args, &mut out))?,
        Command::Bench(Bench::Proxy(args)) => on_the_network(bench::proxy::run(&args, &mut out))?,
        Command::User(_)
        | Command::Key(_)
        | Command::Session(_)
        | Command::Invite(_)
        | Command::Device(_)
        | Command::Bench(Bench::Prepare(_))
        | Command::Audit(_) => {
            on_the_store(config, command, &mut out)?;
        }
    }
    Ok(Exit::Yes)
}

/// The commands that load a gateway from outside.
fn on_the_network(command: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(command)
}

/// The commands that open the store and are done.
fn on_the_store(config: &Path, command: Command, out: &mut impl std::io::Write) -> anyhow::Result<()> {
    let config = Config::load(config).map_err(Misconfigured)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    runtime.block_on(async {
        let keys = Keys::load(&config.key_file)?;
        let World { clock, random } = World::system();
        let store = server::open_store(&config.store).await?;
        let context = Context {
            store: store.clone(),
            keys: &keys,
            passwords: &Passwords::new(Cost::default()),
            rules: config.methods.password_rules.clone(),
            loans: config.spare_keys,
            clock: clock.as_ref(),
            random: random.as_ref(),
            input: &input::Stdin,
            operator: &operator(),
        };
        let done = match command {
            Command::User(command) => user::run(command, &context, out).await,
            Command::Invite(invite) => invite::run(invite, &context, out).await,
            Command::Key(command) => key::run(command, &context, out).await,
            Command::Session(command) => session::run(command, &context, out).await,
            Command::Device(command) => device::run(command, &context, &config.login, out).await,
            Command::Audit(command) => audit::run(command, &context, out).await,
            Command::Bench(Bench::Prepare(args)) => bench::people::prepare(&args, &context, out).await,
            Command::Explain(args) => trace::run((&args.method, args.format), &context, out).await,
            _ => Ok(()),
        };
        // However it went: a log that is left behind would be written back into whatever file is there next.
        store.close().await;
        done?;
        out.flush()?;
        Ok(())
    })
}

impl World {
    /// The machine's own clock and generator.
    pub fn system() -> Self {
        Self { clock: Arc::new(SystemClock), random: Arc::new(SystemRandom) }
    }
}

fn default_config() -> PathBuf {
    let here = PathBuf::from("sluse.yaml");
    if here.exists() { here } else { PathBuf::from("/etc/sluse/sluse.yaml") }
}

fn operator() -> String {
    std::env::var("SUDO_USER").or_else(|_| std::env::var("USER")).unwrap_or_else(|_| "unknown".to_owned())
}

fn problems(problems: &[Problem]) -> String {
    let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
    format!("{}\n{}", told.join("\n"), count(problems.len(), "problem"))
}

/// `sluse user list | head` is no error.
fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}
