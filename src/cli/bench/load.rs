//! Doing something often, and how long it took each time.

use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use tokio::task::JoinSet;

/// How often it is done.
#[derive(Copy, Clone, Debug, PartialEq)]
pub enum Pace {
    /// So many at a time, each as soon as the one before it is done: a closed loop.
    Together(NonZeroUsize),
    /// So many begin each second, whether or not those before are done: an open loop. A time is counted from when
    /// it was due, so that what waited for others is not left out.
    PerSecond(f64),
}

impl Pace {
    /// Where so many at a time is what it holds to.
    pub fn at_once(self) -> Option<usize> {
        match self {
            Self::Together(count) => Some(count.get()),
            Self::PerSecond(_) => None,
        }
    }
}

#[derive(Copy, Clone, Debug)]
pub struct Plan {
    pub pace: Pace,
    /// Done, and not counted.
    pub warm_up: Duration,
    pub window: Duration,
}

/// What came of it.
pub struct Outcome {
    /// In microseconds; of those alone that succeeded.
    pub times: Histogram<u64>,
    pub failed: u64,
    /// What the first that failed said.
    pub first_failure: Option<String>,
    pub elapsed: Duration,
}

impl Outcome {
    fn new() -> anyhow::Result<Self> {
        let (failed, first_failure) = (0, None);
        Ok(Self { times: Histogram::new(3)?, failed, first_failure, elapsed: Duration::ZERO })
    }

    pub fn per_second(&self) -> f64 {
        self.times.len() as f64 / self.elapsed.as_secs_f64()
    }

    /// In microseconds.
    pub fn quantile(&self, quantile: f64) -> f64 {
        self.times.value_at_quantile(quantile) as f64
    }

    /// What came of another turn of the same.
    pub fn join(&mut self, other: Self) -> anyhow::Result<()> {
        self.times.add(&other.times)?;
        self.failed += other.failed;
        self.elapsed += other.elapsed;
        self.first_failure = self.first_failure.take().or(other.first_failure);
        Ok(())
    }

    fn add(&mut self, took: Duration, result: anyhow::Result<()>) {
        match result {
            // What is beyond the histogram's reach would have timed out long before.
            Ok(()) => self.times.saturating_record(u64::try_from(took.as_micros()).unwrap_or(u64::MAX)),
            Err(error) => {
                self.failed += 1;
                self.first_failure.get_or_insert_with(|| format!("{error:#}"));
            }
        }
    }
}

/// Does `work`, which is told the how-manyth it is, at that pace.
pub async fn drive<W, F>(plan: Plan, work: W) -> anyhow::Result<Outcome>
where
    W: Fn(usize) -> F + Clone + Send + 'static,
    F: Future<Output = anyhow::Result<()>> + Send + 'static,
{
    match plan.pace {
        Pace::Together(count) => together(plan, count.get(), work).await,
        Pace::PerSecond(rate) => per_second(plan, rate, work).await,
    }
}

async fn together<W, F>(plan: Plan, count: usize, work: W) -> anyhow::Result<Outcome>
where
    W: Fn(usize) -> F + Clone + Send + 'static,
    F: Future<Output = anyhow::Result<()>> + Send + 'static,
{
    let begin = Instant::now() + plan.warm_up;
    let end = begin + plan.window;
    let mut loops = JoinSet::new();
    for first in 0..count {
        let work = work.clone();
        loops.spawn(async move {
            let mut done = Vec::new();
            for nth in (first..).step_by(count) {
                let start = Instant::now();
                if start >= end {
                    break;
                }
                let result = work(nth).await;
                if start >= begin {
                    done.push((start.elapsed(), result));
                }
            }
            done
        });
    }
    let mut outcome = Outcome::new()?;
    while let Some(done) = loops.join_next().await {
        for (took, result) in done? {
            outcome.add(took, result);
        }
    }
    outcome.elapsed = begin.elapsed();
    Ok(outcome)
}

async fn per_second<W, F>(plan: Plan, rate: f64, work: W) -> anyhow::Result<Outcome>
where
    W: Fn(usize) -> F + Clone + Send + 'static,
    F: Future<Output = anyhow::Result<()>> + Send + 'static,
{
    let start = Instant::now();
    let begin = start + plan.warm_up;
    let end = begin + plan.window;
    let (mut running, mut outcome) = (JoinSet::new(), Outcome::new()?);
    for nth in 0usize.. {
        let due = start + Duration::from_secs_f64(nth as f64 / rate);
        if due >= end {
            break;
        }
        tokio::time::sleep_until(due.into()).await;
        let work = work(nth);
        running.spawn(async move { (due, work.await, due.elapsed()) });
        while let Some(done) = running.try_join_next() {
            let (due, result, took) = done?;
            if due >= begin {
                outcome.add(took, result);
            }
        }
    }
    while let Some(done) = running.join_next().await {
        let (due, result, took) = done?;
        if due >= begin {
            outcome.add(took, result);
        }
    }
    outcome.elapsed = begin.elapsed();
    Ok(outcome)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    const WINDOW: Duration = Duration::from_secs(2);

    fn plan(pace: Pace) -> Plan {
        Plan { pace, warm_up: Duration::from_secs(1), window: WINDOW }
    }

    #[tokio::test(start_paused = true)]
    async fn an_open_loop_counts_from_when_it_was_due() {
        // Everything waits for one gate that opens late: with a closed loop one alone would have been slow.
        let gate = Arc::new(tokio::sync::Semaphore::new(1));
        let started = Arc::new(AtomicUsize::new(0));
        let (asked, counted) = (gate.clone(), started.clone());
        let outcome = drive(plan(Pace::PerSecond(100.0)), move |_| {
            let (gate, started) = (asked.clone(), counted.clone());
            async move {
                started.fetch_add(1, Ordering::Relaxed);
                let _turn = gate.acquire().await?;
                Ok(())
            }
        })
        .await
        .unwrap();
        assert_eq!(started.load(Ordering::Relaxed), 300, "the warm-up is done too");
        assert_eq!((outcome.times.len(), outcome.failed), (200, 0));
    }

    #[tokio::test]
    async fn what_fails_is_counted_apart() {
        let short = |pace| Plan { pace, warm_up: Duration::ZERO, window: Duration::from_millis(50) };
        let odd = |nth: usize| async move {
            tokio::task::yield_now().await;
            anyhow::ensure!(nth.is_multiple_of(2), "{nth} is odd");
            Ok(())
        };
        let together = drive(short(Pace::Together(NonZeroUsize::MIN)), odd).await.unwrap();
        assert_eq!(together.first_failure.as_deref(), Some("1 is odd"));
        assert!(together.times.len().abs_diff(together.failed) <= 1);
        let paced = drive(short(Pace::PerSecond(100.0)), odd).await.unwrap();
        assert_eq!(paced.times.len() + paced.failed, 5);
    }
}
