//! `sluse bench assertions`: how many assertions a core verifies.

use std::io::Write;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

use super::chart::{self, Line};
use super::comparison;
use super::pool::{Item, Pool};
use super::progress::Progress;
use super::times;
use crate::allocator::allocations;
use crate::authn::webauthn::Algorithm;
use crate::random::SystemRandom;

/// Whole verifications and bare signatures take turns this long, so that both meet the same machine.
const SLICE: Duration = Duration::from_millis(50);

/// Measure how many security-key assertions a core verifies in a second
///
/// Each verification goes the whole way, from the JSON a browser sends to the verdict, by a key that was read
/// before. In turns with them the signature alone is verified: `of raw` says how much of that rate is left.
#[derive(Debug, clap::Args)]
pub struct AssertionsArgs {
    /// The algorithms, separated by commas [default: all]
    #[arg(long, value_name = "ALG", value_delimiter = ',', value_parser = algorithm)]
    alg: Vec<Algorithm>,
    /// Software keys to make of each algorithm
    #[arg(long, value_name = "N", default_value = "8")]
    keys: NonZeroUsize,
    /// How long to measure each algorithm
    #[arg(long, value_name = "N", default_value = "5", value_parser = clap::value_parser!(u64).range(1..=3600))]
    seconds: u64,
    /// Threads that verify, each on its own: one number, or one after another `1,2,4`; more than there are cores tells nothing
    #[arg(long, value_name = "N", default_value = "1", value_delimiter = ',')]
    threads: Vec<NonZeroUsize>,
    #[arg(long, default_value = "human")]
    format: Format,
    /// Keep the figures, for `--compare`
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,
    /// Say how much has changed since these were saved
    #[arg(long, value_name = "FILE")]
    compare: Option<PathBuf>,
    /// Draw the time taken by percentile, and of more than one number of threads the throughput
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
}

#[derive(Copy, Clone, Debug, clap::ValueEnum)]
enum Format {
    Human,
    /// One object an algorithm, one a line
    Json,
}

fn algorithm(name: &str) -> Result<Algorithm, String> {
    let found = Algorithm::ALL.into_iter().find(|algorithm| algorithm.name() == name);
    found.ok_or_else(|| {
        let names = Algorithm::ALL.map(Algorithm::name).join(", ");
        format!("there are {names}")
    })
}

/// Measures, and writes one line an algorithm.
pub fn run(args: &AssertionsArgs, out: &mut impl Write) -> anyhow::Result<()> {
    let before = args.compare.as_deref().map(comparison::load::<Figures>).transpose()?;
    let algorithms = if args.alg.is_empty() { &Algorithm::ALL[..] } else { &args.alg };
    if matches!(args.format, Format::Human) {
        writeln!(out, "{HEAD}{}", if before.is_some() { "   change" } else { "" })?;
    }
    let (mut measured, mut drawn) = (Vec::new(), Drawn::default());
    for algorithm in algorithms {
        let pool = Pool::new(*algorithm, args.keys.get(), &SystemRandom)?;
        for threads in &args.threads {
            let lap = measure(*algorithm, &pool, *threads, Duration::from_secs(args.seconds))?;
            let figures = lap.figures(*algorithm, *threads);
            let is_same =
                |before: &&Figures| (&before.alg, before.threads) == (&figures.alg, figures.threads);
            figures.write(args.format, before.iter().flatten().find(is_same), out)?;
            out.flush()?;
            drawn.add(&figures, &lap, args.threads.len() > 1);
            measured.push(figures);
        }
    }
    if let Some(path) = &args.save {
        comparison::save(path, &measured)?;
    }
    if let Some(path) = &args.svg {
        std::fs::write(path, drawn.svg())
            .with_context(|| format!("`{}` cannot be written", path.display()))?;
    }
    Ok(())
}

const HEAD: &str = "alg    threads per s and core   of raw   p50 µs   p99 µs p99.9 µs   allocs";

/// What one algorithm came to.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Figures {
    alg: String,
    threads: NonZeroUsize,
    per_second_per_core: f64,
    /// Signatures alone, in turns with the whole verifications.
    raw_per_second_per_core: f64,
    of_raw: f64,
    p50_us: f64,
    p99_us: f64,
    p999_us: f64,
    /// A verification's. Counted only by a build that does: see [`crate::allocator`].
    allocations: Option<f64>,
}

impl Figures {
    fn write(&self, format: Format, before: Option<&Self>, out: &mut impl Write) -> anyhow::Result<()> {
        let Self { alg, threads, per_second_per_core: rate, of_raw, p50_us, p99_us, p999_us, .. } = self;
        match format {
            Format::Json => writeln!(out, "{}", serde_json::to_string(self)?)?,
            Format::Human => {
                let change = before.map(|before| comparison::change(before.per_second_per_core, *rate));
                let change = change.map(|change| format!(" {change:>8}")).unwrap_or_default();
                let allocations = self.allocations.map_or("–".to_owned(), |count| format!("{count:.1}"));
                writeln!(
                    out,
                    "{alg:<6} {threads:>7} {rate:>14.0} {of_raw:>8.2} {p50_us:>8.1} {p99_us:>8.1} {p999_us:>8.1} \
                     {allocations:>8}{change}"
                )?;
            }
        }
        Ok(())
    }
}

/// What was measured of one algorithm.
struct Lap {
    /// Of one whole verification, in nanoseconds.
    times: Histogram<u64>,
    whole: Slices,
    raw: Slices,
    /// A verification's, where they are counted.
    allocations: Option<f64>,
}

/// So many in so long.
#[derive(Default)]
struct Slices {
    count: u64,
    elapsed: Duration,
}

impl Slices {
    fn rate(&self) -> f64 {
        self.count as f64 / self.elapsed.as_secs_f64()
    }
}

impl Lap {
    fn new() -> anyhow::Result<Self> {
        let (whole, raw) = (Slices::default(), Slices::default());
        Ok(Self { times: Histogram::new(3)?, whole, raw, allocations: None })
    }

    fn add(&mut self, other: &Self) -> anyhow::Result<()> {
        self.times.add(&other.times)?;
        for (mine, theirs) in [(&mut self.whole, &other.whole), (&mut self.raw, &other.raw)] {
            mine.count += theirs.count;
            mine.elapsed += theirs.elapsed;
        }
        Ok(())
    }

    fn figures(&self, algorithm: Algorithm, threads: NonZeroUsize) -> Figures {
        let micros = |quantile| self.times.value_at_quantile(quantile) as f64 / 1000.0;
        Figures {
            alg: algorithm.name().to_owned(),
            threads,
            per_second_per_core: self.whole.rate(),
            raw_per_second_per_core: self.raw.rate(),
            of_raw: self.whole.rate() / self.raw.rate(),
            p50_us: micros(0.5),
            p99_us: micros(0.99),
            p999_us: micros(0.999),
            allocations: self.allocations,
        }
    }
}

/// What is drawn of it.
#[derive(Default)]
struct Drawn {
    percentiles: Vec<Line>,
    /// A line an algorithm.
    throughput: Vec<Line>,
}

impl Drawn {
    fn add(&mut self, figures: &Figures, lap: &Lap, one_of_many: bool) {
        let Figures { alg, threads, .. } = figures;
        let name = if one_of_many { format!("{alg}, {threads}") } else { alg.clone() };
        self.percentiles.push(Line { name, points: times::percentiles(&lap.times, 1e3) });
        if one_of_many {
            let threads = threads.get() as f64;
            let point = (threads, figures.per_second_per_core * threads);
            match self.throughput.iter_mut().find(|line| line.name == *alg) {
                Some(line) => line.points.push(point),
                None => self.throughput.push(Line { name: alg.clone(), points: vec![point] }),
            }
        }
    }

    fn svg(self) -> String {
        let marks = [10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0];
        let mut charts =
            vec![times::by_percentile("Verifying an assertion", ("µs", &marks), self.percentiles)];
        if !self.throughput.is_empty() {
            charts.push(times::by_concurrency("Throughput", "threads", self.throughput));
        }
        chart::svg(&charts)
    }
}

fn measure(
    algorithm: Algorithm,
    pool: &Pool,
    threads: NonZeroUsize,
    window: Duration,
) -> anyhow::Result<Lap> {
    let progress = Progress::new();
    progress.show(algorithm.name(), 0.0);
    let allocations = allocations_of_one(pool)?;
    let laps = std::thread::scope(|scope| {
        let run = |first: bool| {
            let progress = &progress;
            let show = move |part| {
                if first {
                    progress.show(algorithm.name(), part);
                }
            };
            scope.spawn(move || verify_for(pool, window, show))
        };
        let threads: Vec<_> = (0..threads.get()).map(|thread| run(thread == 0)).collect();
        let joined =
            threads.into_iter().map(|thread| thread.join().expect("a measuring thread never panics"));
        joined.collect::<anyhow::Result<Vec<_>>>()
    })?;
    progress.clear();
    let mut all = Lap { allocations, ..Lap::new()? };
    for lap in &laps {
        all.add(lap)?;
    }
    Ok(all)
}

/// Before any other thread allocates.
fn allocations_of_one(pool: &Pool) -> anyhow::Result<Option<f64>> {
    let before = allocations();
    for item in &pool.items {
        pool.verify(item)?;
    }
    let counted = allocations().zip(before).map(|(after, before)| after - before);
    Ok(counted.map(|counted| counted as f64 / pool.items.len() as f64))
}

/// Measures until whole verifications have had `window`.
fn verify_for(pool: &Pool, window: Duration, show: impl Fn(f64)) -> anyhow::Result<Lap> {
    // The first time round warms caches and is not counted.
    for item in &pool.items {
        pool.verify(item)?;
        pool.verify_signature(item)?;
    }
    let mut lap = Lap::new()?;
    let mut none = Histogram::new(3)?;
    let (mut items, mut same) = (pool.items.iter().cycle(), pool.items.iter().cycle());
    while lap.whole.elapsed < window {
        slice(&mut lap.whole, &mut lap.times, &mut items, |item| pool.verify(item))?;
        slice(&mut lap.raw, &mut none, &mut same, |item| pool.verify_signature(item))?;
        show(lap.whole.elapsed.as_secs_f64() / window.as_secs_f64());
    }
    Ok(lap)
}

/// Both kinds are timed alike: what timing costs is in both.
fn slice<'p>(
    slices: &mut Slices,
    times: &mut Histogram<u64>,
    items: &mut impl Iterator<Item = &'p Item>,
    verify: impl Fn(&Item) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let start = Instant::now();
    let mut before = start;
    for item in items {
        verify(item)?;
        let after = Instant::now();
        times.record(u64::try_from((after - before).as_nanos())?)?;
        slices.count += 1;
        before = after;
        if after - start >= SLICE {
            break;
        }
    }
    slices.elapsed += before - start;
    Ok(())
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
        let folder = tempfile::tempdir().unwrap();
        let [saved, drawn] = ["figures", "chart.svg"].map(|name| folder.path().join(name));
        let mut args =
            parse(&["--alg", "es256,eddsa", "--keys", "2", "--seconds", "1", "--threads", "1,2"]).unwrap();
        args.format = Format::Json;
        (args.save, args.svg) = (Some(saved.clone()), Some(drawn.clone()));
        let mut out = Vec::new();
        run(&args, &mut out).unwrap();
        let out = String::from_utf8(out).unwrap();
        let figures: Vec<Figures> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let each: Vec<_> = figures.iter().map(|one| (one.alg.as_str(), one.threads.get())).collect();
        assert_eq!(each, [("es256", 1), ("es256", 2), ("eddsa", 1), ("eddsa", 2)]);
        for one in &figures {
            assert!(one.per_second_per_core > 0.0 && one.raw_per_second_per_core > 0.0, "{one:?}");
            assert!(one.allocations.is_some_and(|count| (1.0..1000.0).contains(&count)), "{one:?}");
            assert!(0.0 < one.p50_us && one.p50_us <= one.p99_us && one.p99_us <= one.p999_us, "{one:?}");
        }
        assert_eq!(comparison::load::<Figures>(&saved).unwrap(), figures);
        let drawn = std::fs::read_to_string(drawn).unwrap();
        for line in ["eddsa, 1", "eddsa, 2", "eddsa"] {
            assert!(drawn.contains(&format!(">{line}</text>")), "{drawn}");
        }
    }

    #[test]
    fn a_table_for_people() {
        let figures = |rate, allocations| Figures {
            alg: "es256".to_owned(),
            threads: NonZeroUsize::MIN,
            per_second_per_core: rate,
            raw_per_second_per_core: 4500.0,
            of_raw: 0.96,
            p50_us: 229.04,
            p99_us: 301.0,
            p999_us: 402.5,
            allocations,
        };
        let mut out = Vec::new();
        figures(4321.9, Some(11.0)).write(Format::Human, None, &mut out).unwrap();
        figures(4321.9, None).write(Format::Human, Some(&figures(4000.0, None)), &mut out).unwrap();
        let row = "es256        1           4322     0.96    229.0    301.0    402.5 ";
        let [counted, not] = ["    11.0", "       –"];
        assert_eq!(String::from_utf8(out).unwrap(), format!("{row}{counted}\n{row}{not}   +8.0 %\n"));
        assert_eq!(HEAD.chars().count(), format!("{row}{counted}").chars().count());
    }

    #[test]
    fn what_cannot_be_measured_is_refused() {
        for arguments in [&["--seconds", "0"], &["--threads", "0"], &["--alg", "es512"], &["--keys", "0"]] {
            assert!(parse(arguments).is_err(), "{arguments:?}");
        }
    }
}
