//! What live sessions cost: `live-sessions COUNT [HOSTS]` has a store with COUNT of them written, loads all, and prints
//! what memory each took, how long loading took, and what finding one costs. A person, whose signing in has a session
//! at each of HOSTS hosts (1), has a name, three groups and an address, and has proven a password and a key.
//!
//! A process of its own writes, `live-sessions write FOLDER COUNT HOSTS`: memory it had would be used again.
//!
//! `live-sessions into CONFIG HOST COUNT` has them in the store of an installation, begun now, and prints a cookie a line.

use std::hint::black_box;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use sluse::config::{Config, StoreLocation};
use sluse::random::{self, Random, SeededRandom};
use sluse::secret::{Keys, Secret};
use sluse::server::World;
use sluse::session::cookie::{self, SessionToken};
use sluse::session::{Lifetimes, Parts, Sessions};
use sluse::store::Store as _;
use sluse::store::sqlite::Sqlite;
use sluse::time::{ManualClock, Timestamp};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{Connection as _, QueryBuilder};

const NOW: Timestamp = Timestamp::from_seconds(1_795_337_696);
const KEY: Secret<[u8; 32]> = Secret::new([7; 32]);

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    match &arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [count] => measure(count.parse()?, 1).await,
        [count, hosts] => measure(count.parse()?, hosts.parse()?).await,
        ["write", folder, count, hosts] => {
            let (folder, count, hosts): (&Path, usize, usize) =
                (folder.as_ref(), count.parse()?, hosts.parse()?);
            let hosts: Vec<_> = (0..hosts).map(|host| format!("app-{host}.kommune.example")).collect();
            let written = Written { people: count / hosts.len(), hosts: &hosts, key: KEY, now: NOW };
            Ok(std::fs::write(folder.join("cookies"), written.into(&folder.join("sluse.db")).await?)?)
        }
        ["into", config, host, count] => into(Path::new(config), host, count.parse()?).await,
        _ => anyhow::bail!("live-sessions COUNT [HOSTS]"),
    }
}

async fn into(config: &Path, host: &str, people: usize) -> anyhow::Result<()> {
    let config = Config::load(config).map_err(|problems| anyhow::anyhow!("{problems:?}"))?;
    let StoreLocation::Sqlite(store) = &config.store;
    let (key, now) = (Keys::load(&config.key_file)?.token, World::system().clock.now());
    let written = Written { people, hosts: &[host.to_owned()], key, now };
    for line in written.into(store).await?.lines() {
        let (value, _) = line.split_once(' ').context("a cookie has no host")?;
        println!("{}={value}", cookie::SESSION);
    }
    Ok(())
}

async fn measure(count: usize, hosts: usize) -> anyhow::Result<()> {
    // In memory where there is such a folder: every write waits for the disk, and none is measured.
    let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir())?;
    let mut writer = Command::new(std::env::current_exe()?);
    writer.arg("write").arg(folder.path()).args([count.to_string(), hosts.to_string()]);
    anyhow::ensure!(writer.status()?.success(), "nothing was written");
    let cookies = cookies(&std::fs::read_to_string(folder.path().join("cookies"))?)?;
    let store = Sqlite::open(&folder.path().join("sluse.db")).await?;

    let lifetimes = Lifetimes { idle: Duration::from_mins(15), absolute: Duration::from_hours(12) };
    let (sessions, _touches) = Sessions::new(Parts {
        store: Arc::new(store),
        // It stands still: the revocations that were heard once stay heard.
        clock: Arc::new(ManualClock::at(NOW)),
        random: Arc::new(SeededRandom::new(2)),
        token_key: KEY,
        lifetimes,
        shared_lifetimes: lifetimes,
    });
    sessions.hear(None).await?;

    let (before, began) = (resident()?, Instant::now());
    let loaded = sessions.preload().await?;
    let took = began.elapsed();
    anyhow::ensure!(loaded == count as u64, "{loaded} of {count} were loaded");
    println!("{count} sessions at {hosts} host(s) a signing in");
    println!("{:>8.2} s to load", took.as_secs_f64());
    println!("{:>8.0} bytes a session at rest", (resident()? - before) / count as f64);

    let few = cookies.len().min(1_000);
    for _ in 0..3 {
        println!("{:>8.0} ns to find one of {few}", find(&sessions, &cookies[..few], 1_000_000).await?);
        println!("{:>8.0} ns to find one of {count}", find(&sessions, &cookies, 1_000_000).await?);
    }
    println!("{:>8.0} bytes a session, as many in use as may be", (resident()? - before) / count as f64);
    anyhow::ensure!(sessions.cache_counts().1 == 0, "a look-up asked the store");
    Ok(())
}

/// Finds `times`, one after the other in the order given, from the cookie's value; nanoseconds each.
async fn find(sessions: &Sessions, cookies: &[(String, String)], times: u32) -> anyhow::Result<f64> {
    let began = Instant::now();
    for (value, host) in cookies.iter().cycle().take(times as usize) {
        black_box(sessions.find(value, host).await?).context("it is not there")?;
    }
    Ok(began.elapsed().as_nanos() as f64 / f64::from(times))
}

/// Bytes of memory that this process has (proc_pid_statm(5); pages are of 4 KiB).
fn resident() -> anyhow::Result<f64> {
    let statm = std::fs::read_to_string("/proc/self/statm")?;
    let pages: u32 = statm.split(' ').nth(1).context("statm has no second field")?.parse()?;
    Ok(f64::from(pages) * 4096.0)
}

/// A cookie's value and its host, a line each.
fn cookies(text: &str) -> anyhow::Result<Vec<(String, String)>> {
    let pair = |line: &str| line.split_once(' ').map(|(value, host)| (value.to_owned(), host.to_owned()));
    text.lines().map(pair).collect::<Option<_>>().context("a cookie has no host")
}

/// People in a statement: SQLite takes 32 766 values.
const BATCH: usize = 1_000;

/// Sessions to be written: one of each of so many people at each of the hosts.
struct Written<'a> {
    people: usize,
    hosts: &'a [String],
    key: Secret<[u8; 32]>,
    now: Timestamp,
}

impl Written<'_> {
    /// Writes them to a store. The cookies' values and their hosts, a line each, in no order: tokens are random.
    async fn into(self, path: &Path) -> anyhow::Result<String> {
        let Self { people, hosts, key, now } = self;
        Sqlite::open(path).await?.close().await;
        let random = SeededRandom::new(1);
        let mut cookies = Vec::with_capacity(people * hosts.len());
        // Identifiers are random: a row goes to any page, and a small cache would give up each and read it again.
        let options = SqliteConnectOptions::new().filename(path).pragma("cache_size", "-4000000");
        let mut connection = SqliteConnection::connect_with(&options).await?;
        let mut write = connection.begin().await?;
        let (now, end) = (now.as_millis(), now.plus(Duration::from_hours(12)).as_millis());
        let numbers: Vec<usize> = (0..people).collect();
        for numbers in numbers.chunks(BATCH) {
            let people: Vec<_> =
                numbers.iter().map(|n| (n, random::uuid(&random), random::uuid(&random))).collect();
            QueryBuilder::new(
                "INSERT INTO users (id, username, name, group_names, claims, disabled, created_at) ",
            )
            .push_values(&people, |mut row, (n, user, _)| {
                row.push_bind(user.as_bytes().as_slice())
                    .push_bind(format!("a{n:07}"))
                    .push_bind(format!("Anna Hansen {n:07}"))
                    .push_bind(r#"["care-staff","evening-shift","area-north"]"#)
                    .push_bind(format!(r#"[["email","a{n:07}@kommune.example"]]"#))
                    .push_bind(0)
                    .push_bind(now);
            })
            .build()
            .execute(&mut *write)
            .await?;
            QueryBuilder::new("INSERT INTO sign_ins (id, user, started_at, ends_at, seen_at) ")
                .push_values(&people, |mut row, (_, user, sign_in)| {
                    let [user, sign_in] = [user, sign_in].map(|id| id.as_bytes().as_slice());
                    row.push_bind(sign_in).push_bind(user).push_bind(now).push_bind(end).push_bind(now);
                })
                .build()
                .execute(&mut *write)
                .await?;
            for host in hosts {
                let tokens: Vec<_> = people.iter().map(|_| SessionToken::new(&random, &key, host)).collect();
                QueryBuilder::new("INSERT INTO sessions (token, host, sign_in, password_at, key_at, key_credential, key_user_verified) ")
                .push_values(people.iter().zip(&tokens), |mut row, ((_, _, sign_in), token)| {
                    row.push_bind(token.hash().0.to_vec())
                        .push_bind(host)
                        .push_bind(sign_in.as_bytes().as_slice())
                        .push_bind(now)
                        .push_bind(now)
                        .push_bind(random::bytes::<64>(&random).to_vec())
                        .push_bind(0);
                })
                .build()
                .execute(&mut *write)
                .await?;
                cookies.extend(tokens.iter().map(|token| format!("{} {host}\n", token.value())));
            }
        }
        write.commit().await?;
        shuffle(&mut cookies, &random);
        Ok(cookies.concat())
    }
}

/// Fisher and Yates: neighbours in memory must not be neighbours in time.
fn shuffle<T>(values: &mut [T], random: &dyn Random) {
    for last in (1..values.len()).rev() {
        let mut bytes = [0; 8];
        random.fill(&mut bytes);
        let other = usize::try_from(u64::from_ne_bytes(bytes) % (last as u64 + 1));
        values.swap(last, other.unwrap_or(last));
    }
}
