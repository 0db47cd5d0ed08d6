//! What live sessions cost: `live-sessions COUNT [HOSTS]` writes a store with COUNT of them, loads all, and prints what
//! memory each took, how long loading took, and what finding one costs. A person, whose signing in has a session at
//! each of HOSTS hosts (1), has a name, three groups and an address, and has proven a password and a key.

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use sluse::random::{self, Random, SeededRandom};
use sluse::secret::Secret;
use sluse::session::cookie::SessionToken;
use sluse::session::{Lifetimes, Parts, Sessions};
use sluse::store::sqlite::Sqlite;
use sluse::time::{ManualClock, Timestamp};
use sqlx::Connection as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};

const NOW: Timestamp = Timestamp::from_seconds(1_795_337_696);
const KEY: Secret<[u8; 32]> = Secret::new([7; 32]);

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let count: usize = arguments.next().context("COUNT is missing")?.parse()?;
    let hosts: usize = arguments.next().map_or(Ok(1), |hosts| hosts.parse())?;
    // In memory where there is such a folder: every write waits for the disk, and none is measured.
    let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir())?;
    let path = folder.path().join("sluse.db");
    let store = Sqlite::open(&path).await?;
    let cookies = write(&path, count, hosts).await?;

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

/// Answers the cookies' values and their hosts, in no order: tokens are random.
async fn write(path: &Path, count: usize, hosts: usize) -> anyhow::Result<Vec<(String, String)>> {
    let random = SeededRandom::new(1);
    let mut cookies = Vec::with_capacity(count);
    let mut connection = SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(path)).await?;
    let mut write = connection.begin().await?;
    let (now, end) = (NOW.as_millis(), NOW.plus(Duration::from_hours(12)).as_millis());
    for n in 0..count / hosts {
        let [user, sign_in] = [random::uuid(&random), random::uuid(&random)];
        sqlx::query("INSERT INTO users (id, username, name, group_names, claims, disabled, created_at) VALUES (?, ?, ?, ?, ?, 0, ?)")
            .bind(user.as_bytes().as_slice())
            .bind(format!("a{n:07}"))
            .bind(format!("Anna Hansen {n:07}"))
            .bind(r#"["care-staff","evening-shift","area-north"]"#)
            .bind(format!(r#"[["email","a{n:07}@kommune.example"]]"#))
            .bind(now)
            .execute(&mut *write)
            .await?;
        sqlx::query("INSERT INTO sign_ins (id, user, started_at, ends_at, seen_at) VALUES (?, ?, ?, ?, ?)")
            .bind(sign_in.as_bytes().as_slice())
            .bind(user.as_bytes().as_slice())
            .bind(now)
            .bind(end)
            .bind(now)
            .execute(&mut *write)
            .await?;
        let credential: [u8; 64] = random::bytes(&random);
        for host in 0..hosts {
            let host = format!("app-{host}.kommune.example");
            let token = SessionToken::new(&random, &KEY, &host);
            sqlx::query("INSERT INTO sessions (token, host, sign_in, password_at, key_at, key_credential, key_user_verified) VALUES (?, ?, ?, ?, ?, ?, 0)")
                .bind(token.hash().0.as_slice())
                .bind(&host)
                .bind(sign_in.as_bytes().as_slice())
                .bind(now)
                .bind(now)
                .bind(credential.as_slice())
                .execute(&mut *write)
                .await?;
            cookies.push((token.value(), host));
        }
    }
    write.commit().await?;
    shuffle(&mut cookies, &random);
    Ok(cookies)
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
