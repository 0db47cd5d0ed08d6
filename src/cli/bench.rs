//! `sluse bench`: what this machine can verify.

use std::io::Write;
use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use serde::Serialize;
use url::Url;

use crate::authn::authenticator::SoftwareAuthenticator;
use crate::authn::webauthn::{Algorithm, Assertion, RelyingParty, Verification};
use crate::random::{self, Random, SystemRandom};
use crate::store::{Key, RegisteredWith};
use crate::time::Timestamp;
use crate::user::{User, UserId, Username};

/// Measure how many security-key assertions a core verifies in a second
#[derive(Debug, clap::Args)]
pub struct AssertionsArgs {
    /// Measure one algorithm only [default: both]
    #[arg(long, value_name = "ALG")]
    alg: Option<AlgorithmArg>,
    /// How long to measure each algorithm
    #[arg(long, value_name = "N", default_value = "5", value_parser = clap::value_parser!(u64).range(1..=3600))]
    seconds: u64,
    /// Threads that verify, each on its own; more than there are cores tells nothing
    #[arg(long, value_name = "N", default_value = "1")]
    threads: NonZeroUsize,
    #[arg(long, default_value = "human")]
    format: Format,
}

#[derive(Copy, Clone, Debug, clap::ValueEnum)]
enum AlgorithmArg {
    Es256,
    Rs256,
}

#[derive(Copy, Clone, Debug, clap::ValueEnum)]
enum Format {
    Human,
    /// One object an algorithm, one a line
    Json,
}

/// Measures, and writes one line an algorithm.
pub fn run(args: &AssertionsArgs, out: &mut impl Write) -> anyhow::Result<()> {
    let algorithms = match args.alg {
        Some(AlgorithmArg::Es256) => vec![Algorithm::Es256],
        Some(AlgorithmArg::Rs256) => vec![Algorithm::Rs256],
        None => Algorithm::ALL.to_vec(),
    };
    if matches!(args.format, Format::Human) {
        writeln!(out, "{:<6} {:>14} {:>8} {:>8}", "alg", "per s and core", "p50 µs", "p99 µs")?;
    }
    for algorithm in algorithms {
        measure(algorithm, args)?.write(args.format, out)?;
        out.flush()?;
    }
    Ok(())
}

#[derive(Serialize)]
struct Figures {
    alg: &'static str,
    per_second_per_core: f64,
    p50_us: f64,
    p99_us: f64,
}

impl Figures {
    fn write(&self, format: Format, out: &mut impl Write) -> anyhow::Result<()> {
        let Self { alg, per_second_per_core, p50_us, p99_us } = self;
        match format {
            Format::Json => writeln!(out, "{}", serde_json::to_string(self)?)?,
            Format::Human => {
                writeln!(out, "{alg:<6} {per_second_per_core:>14.0} {p50_us:>8.1} {p99_us:>8.1}")?;
            }
        }
        Ok(())
    }
}

fn measure(algorithm: Algorithm, args: &AssertionsArgs) -> anyhow::Result<Figures> {
    let pool = Pool::new(algorithm)?;
    let window = Duration::from_secs(args.seconds);
    let laps = std::thread::scope(|scope| {
        let threads: Vec<_> =
            (0..args.threads.get()).map(|_| scope.spawn(|| verify_for(&pool, window))).collect();
        let joined =
            threads.into_iter().map(|thread| thread.join().expect("a measuring thread never panics"));
        joined.collect::<anyhow::Result<Vec<_>>>()
    })?;
    let rates = laps.iter().map(|lap| lap.nanos.len() as f64 / lap.elapsed.as_secs_f64());
    let per_second_per_core = rates.sum::<f64>() / args.threads.get() as f64;
    let mut nanos: Vec<u32> = laps.into_iter().flat_map(|lap| lap.nanos).collect();
    nanos.sort_unstable();
    let micros = |percent: usize| f64::from(nanos[(nanos.len() - 1) * percent / 100]) / 1000.0;
    Ok(Figures { alg: algorithm.name(), per_second_per_core, p50_us: micros(50), p99_us: micros(99) })
}

/// What one thread did: how long each verification took, and all of them.
struct Lap {
    nanos: Vec<u32>,
    elapsed: Duration,
}

fn verify_for(pool: &Pool, window: Duration) -> anyhow::Result<Lap> {
    // The first time round warms caches and is not counted.
    for item in &pool.items {
        pool.verify(item)?;
    }
    let mut nanos = Vec::new();
    let start = Instant::now();
    let mut before = start;
    for item in pool.items.iter().cycle() {
        pool.verify(item)?;
        let after = Instant::now();
        nanos.push(u32::try_from((after - before).as_nanos()).unwrap_or(u32::MAX));
        before = after;
        if after - start >= window {
            break;
        }
    }
    Ok(Lap { nanos, elapsed: before - start })
}

/// Assertions made beforehand, so that signing them is not measured. Each may be verified again and again:
/// the caller, not the verification, is who takes a ceremony once.
pub struct Pool {
    relying_party: RelyingParty,
    keys: [Key; 1],
    pub items: Vec<Item>,
}

/// One assertion: our state of the ceremony, and the browser's answer.
pub struct Item {
    assertion: Assertion,
    response: String,
}

const ITEMS: usize = 256;

impl Pool {
    pub fn new(algorithm: Algorithm) -> anyhow::Result<Self> {
        Self::of(algorithm, ITEMS, &SystemRandom)
    }

    /// Of so many items, by a key that is drawn from `random`.
    pub fn of(algorithm: Algorithm, count: usize, random: &dyn Random) -> anyhow::Result<Self> {
        let origin = "http://login.localhost:8080";
        let relying_party = RelyingParty::new("login.localhost", &Url::parse(origin)?, "Sluse")?;
        let mut authenticator = SoftwareAuthenticator::new(random);
        authenticator.algorithm = algorithm;
        let user = somebody()?;
        let (options, registration) =
            relying_party.begin_registration(&user, &[], Verification::Discouraged)?;
        let response = authenticator.register(&options, origin)?;
        let new = relying_party.finish_registration(registration, user.id, response.as_bytes())?;
        let keys = [Key {
            credential: new.credential,
            user: user.id,
            name: "a software key".to_owned(),
            passkey: new.passkey,
            registered_at: Timestamp::EPOCH,
            registered_with: RegisteredWith::Code,
            used_at: None,
            suspect: false,
            loan: None,
        }];
        let mut items = Vec::new();
        for _ in 0..count {
            let (options, assertion) =
                relying_party.begin_assertion(user.id, &keys, Verification::Discouraged)?;
            let response = authenticator.assert(&options, origin)?;
            items.push(Item { assertion, response });
        }
        Ok(Self { relying_party, keys, items })
    }

    /// The whole way, from the bytes a browser sends to the verdict.
    pub fn verify(&self, item: &Item) -> anyhow::Result<()> {
        self.relying_party
            .finish_assertion(item.assertion.clone(), &self.keys, item.response.as_bytes(), Timestamp::EPOCH)
            .map(|_| ())
            .context("an assertion of our own was refused")
    }
}

fn somebody() -> anyhow::Result<User> {
    Ok(User {
        id: UserId(random::uuid(&SystemRandom)),
        username: Username::parse("somebody")?,
        name: "Somebody".to_owned(),
        groups: Vec::new(),
        claims: Vec::new(),
        cpr: None,
        disabled: false,
        expires_at: None,
        created_at: Timestamp::EPOCH,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(clap::Parser)]
    struct Cli {
        #[command(flatten)]
        args: AssertionsArgs,
    }

    fn parse(arguments: &[&str]) -> Result<AssertionsArgs, clap::Error> {
        use clap::Parser as _;
        Cli::try_parse_from(["assertions"].iter().chain(arguments)).map(|cli| cli.args)
    }

    #[test]
    fn one_object_an_algorithm() {
        let args =
            parse(&["--alg", "es256", "--seconds", "1", "--threads", "2", "--format", "json"]).unwrap();
        let mut out = Vec::new();
        run(&args, &mut out).unwrap();
        let figures: serde_json::Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(figures["alg"], "es256");
        for name in ["per_second_per_core", "p50_us", "p99_us"] {
            assert!(figures[name].as_f64().unwrap() > 0.0, "{name}");
        }
        assert_eq!(figures.as_object().unwrap().len(), 4);
    }

    #[test]
    fn a_table_for_people() {
        let figures = Figures { alg: "es256", per_second_per_core: 4321.9, p50_us: 229.04, p99_us: 301.0 };
        let mut out = Vec::new();
        figures.write(Format::Human, &mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "es256            4322    229.0    301.0\n");
    }

    #[test]
    fn what_cannot_be_measured_is_refused() {
        for arguments in [&["--seconds", "0"], &["--threads", "0"], &["--alg", "ed25519"]] {
            assert!(parse(arguments).is_err(), "{arguments:?}");
        }
    }
}
