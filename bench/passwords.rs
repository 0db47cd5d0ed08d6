//! What checking a password costs beside the bare Argon2id of the same parameters: `passwords [SECONDS]` lets both take
//! turns of a second, SECONDS (10) of each, and prints their CPU time.

use std::hint::black_box;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use argon2::{Algorithm, Argon2, Block, Params, Version};
use sluse::authn::password::{Cost, Passwords, Verdict};
use sluse::random::SeededRandom;
use sluse::secret::Secret;

/// What [`Cost::default`] is.
const PARAMS: (u32, u32, u32) = (19_456, 2, 1);

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let seconds: u32 = std::env::args().nth(1).map_or(Ok(10), |seconds| seconds.parse())?;
    let (memory_cost, passes, lanes) = PARAMS;
    let params =
        Params::new(memory_cost, passes, lanes, Some(32)).map_err(|error| anyhow::anyhow!("{error}"))?;
    let mut memory = vec![Block::default(); params.block_count()];
    let raw = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let passwords = Passwords::new(Cost::default());
    let typed = Secret::new("rigtig hest batteri".to_owned());
    let stored = passwords.hash(&typed, &SeededRandom::new(1)).await?;
    anyhow::ensure!(stored.contains("m=19456,t=2,p=1"), "the cost is another: {stored}");

    let (mut bare, mut checked) = (Spent::default(), Spent::default());
    for _ in 0..seconds {
        let turn = Turn::begin()?;
        while turn.goes_on() {
            let mut output = [0; 32];
            raw.hash_password_into_with_memory(typed.expose().as_bytes(), &[7; 16], &mut output, &mut memory)
                .map_err(|error| anyhow::anyhow!("{error}"))?;
            black_box(output);
            bare.count += 1;
        }
        bare.cpu += turn.cpu()?;
        let turn = Turn::begin()?;
        while turn.goes_on() {
            let verdict = passwords.verify(Some(&stored), &typed).await?;
            anyhow::ensure!(verdict == Verdict::Right { rehash: false }, "it is the right one");
            checked.count += 1;
        }
        checked.cpu += turn.cpu()?;
    }
    println!("{:>8.2} ms of CPU a bare hash, of {}", bare.each(), bare.count);
    println!("{:>8.2} ms of CPU a check, of {}", checked.each(), checked.count);
    println!("{:>8.3} of the bare rate", bare.each() / checked.each());
    Ok(())
}

#[derive(Default)]
struct Spent {
    count: u32,
    /// In clock ticks of 10 ms.
    cpu: u32,
}

impl Spent {
    /// Milliseconds.
    fn each(&self) -> f64 {
        f64::from(self.cpu) * 10.0 / f64::from(self.count)
    }
}

struct Turn {
    began: Instant,
    cpu: u32,
}

impl Turn {
    fn begin() -> anyhow::Result<Self> {
        Ok(Self { began: Instant::now(), cpu: cpu()? })
    }

    fn goes_on(&self) -> bool {
        self.began.elapsed() < Duration::from_secs(1)
    }

    fn cpu(&self) -> anyhow::Result<u32> {
        Ok(cpu()? - self.cpu)
    }
}

/// The process's user and system time, all its threads' (proc_pid_stat(5), fields 14 and 15; the name has no blank).
fn cpu() -> anyhow::Result<u32> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let field =
        |n: usize| stat.split(' ').nth(n).context("stat is too short")?.parse::<u32>().context("a number");
    Ok(field(13)? + field(14)?)
}
