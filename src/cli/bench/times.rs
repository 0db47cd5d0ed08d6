//! What was measured, as it is told: a row of a table, an object, a picture.

use std::path::Path;

use anyhow::Context as _;
use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

use super::chart::{self, Axis, Chart, Line};
use super::load::{Outcome, Pace};

/// In microseconds.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Times {
    pub what: String,
    /// Nothing where that was not held.
    pub at_once: Option<usize>,
    pub count: u64,
    pub failed: u64,
    pub per_second: f64,
    pub p50_us: f64,
    pub p99_us: f64,
    pub p999_us: f64,
}

pub const HEAD: &str = "                   at once    count  failed    per s    p50 ms    p99 ms  p99.9 ms";

impl Times {
    pub fn of(Measured { what, pace, outcome }: &Measured) -> Self {
        Self {
            what: (*what).to_owned(),
            at_once: pace.at_once(),
            count: outcome.times.len(),
            failed: outcome.failed,
            per_second: outcome.per_second(),
            p50_us: outcome.quantile(0.5),
            p99_us: outcome.quantile(0.99),
            p999_us: outcome.quantile(0.999),
        }
    }

    pub fn row(&self) -> String {
        let Self { what, count, failed, per_second, .. } = self;
        let at_once = self.at_once.map_or("–".to_owned(), |count| count.to_string());
        let [p50, p99, p999] = [self.p50_us, self.p99_us, self.p999_us].map(|time| time / 1000.0);
        format!(
            "{what:<18} {at_once:>7} {count:>8} {failed:>7} {per_second:>8.0} {p50:>9.2} {p99:>9.2} {p999:>9.2}"
        )
    }
}

/// What was done, and what came of it.
pub struct Measured {
    pub what: &'static str,
    pub pace: Pace,
    pub outcome: Outcome,
}

/// The time taken by percentile; and where it was done at more than one pace, the throughput by concurrency.
pub fn draw(path: &Path, title: &str, all: &[Measured]) -> anyhow::Result<()> {
    std::fs::write(path, svg(title, all)).with_context(|| format!("`{}` cannot be written", path.display()))
}

fn svg(title: &str, all: &[Measured]) -> String {
    let paces_differ = all.iter().any(|one| one.pace != all[0].pace);
    let line = |Measured { what, pace, outcome }: &Measured| Line {
        name: match pace.at_once() {
            Some(count) if paces_differ => format!("{what}, {count}"),
            _ => (*what).to_owned(),
        },
        points: percentiles(&outcome.times, 1e3),
    };
    let marks = [0.1, 1.0, 10.0, 100.0, 1000.0];
    let mut charts = vec![by_percentile(title, ("ms", &marks), all.iter().map(line).collect())];
    if paces_differ {
        let at = |one: &Measured| Some((one.pace.at_once()? as f64, one.outcome.per_second()));
        let mut lines: Vec<Line> = Vec::new();
        for one in all {
            match lines.iter_mut().find(|line| line.name == one.what) {
                Some(line) => line.points.extend(at(one)),
                None => lines.push(Line { name: one.what.to_owned(), points: at(one).into_iter().collect() }),
            }
        }
        charts.push(by_concurrency("Throughput", "at once", lines));
    }
    chart::svg(&charts)
}

/// Over one in how many is slower, the time taken, by so many of the histogram's units.
pub fn percentiles(times: &Histogram<u64>, unit: f64) -> Vec<(f64, f64)> {
    let rarities = (0..=40).map(|step| 10f64.powf(f64::from(step) / 10.0));
    let enough = rarities.take_while(|rarity| *rarity <= times.len() as f64);
    enough.map(|rarity| (rarity, times.value_at_quantile(1.0 - 1.0 / rarity) as f64 / unit)).collect()
}

/// Of lines whose points are [`percentiles`].
pub fn by_percentile<'a>(title: &'a str, (unit, marks): (&'a str, &[f64]), lines: Vec<Line>) -> Chart<'a> {
    let percentiles = [(1.0, "0"), (2.0, "50"), (10.0, "90"), (100.0, "99"), (1e3, "99.9"), (1e4, "99.99")];
    Chart {
        title,
        x: Axis {
            title: "percentile",
            marks: percentiles.map(|(at, words)| (at, words.to_owned())).into(),
            logarithmic: true,
        },
        y: Axis {
            title: unit,
            marks: marks.iter().map(|time| (*time, time.to_string())).collect(),
            logarithmic: true,
        },
        lines,
    }
}

/// Of lines whose points are how many at once, and how many a second.
pub fn by_concurrency<'a>(title: &'a str, at_once: &'a str, mut lines: Vec<Line>) -> Chart<'a> {
    for line in &mut lines {
        line.points.sort_by(|a, b| a.0.total_cmp(&b.0));
    }
    let points = || lines.iter().flat_map(|line| &line.points);
    let mut counts: Vec<f64> = points().map(|point| point.0).collect();
    counts.sort_by(f64::total_cmp);
    counts.dedup();
    let x = counts.into_iter().map(|count| (count, count.to_string())).collect();
    let y = round_numbers(points().fold(1.0, |most, point| most.max(point.1)));
    Chart {
        title,
        x: Axis { title: at_once, marks: x, logarithmic: true },
        y: Axis { title: "per second", marks: y, logarithmic: false },
        lines,
    }
}

/// From zero to what is not above `most`, six steps at the most.
fn round_numbers(most: f64) -> Vec<(f64, String)> {
    let power = 10f64.powf(most.log10().floor());
    let steps = [0.2, 0.5, 1.0, 2.0].map(|step| step * power);
    let step = steps.into_iter().find(|step| most / step <= 6.0).unwrap_or(most);
    let marks = (0..=6).map(|count| f64::from(count) * step).take_while(|mark| *mark <= most);
    marks.map(|mark| (mark, format!("{mark:.*}", usize::from(step < 1.0)))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_columns_stand_under_their_heads() {
        let times = Times {
            what: "through Sluse".to_owned(),
            at_once: Some(64),
            count: 12_345,
            failed: 0,
            per_second: 2_469.0,
            p50_us: 410.0,
            p99_us: 1_234.0,
            p999_us: 5_678.0,
        };
        let row = times.row();
        assert_eq!(row, "through Sluse           64    12345       0     2469      0.41      1.23      5.68");
        assert_eq!(row.chars().count(), HEAD.chars().count());
        let open = Times { at_once: None, ..times };
        assert_eq!(open.row().chars().count(), HEAD.chars().count());
    }

    #[test]
    fn marks_are_round() {
        let marks = |most| round_numbers(most).into_iter().map(|mark| mark.1).collect::<Vec<_>>().join(" ");
        assert_eq!(marks(1.0), "0.0 0.2 0.4 0.6 0.8 1.0");
        assert_eq!(marks(29.0), "0 5 10 15 20 25");
        assert_eq!(marks(36_412.0), "0 10000 20000 30000");
        assert_eq!(marks(99.0), "0 20 40 60 80");
    }
}
