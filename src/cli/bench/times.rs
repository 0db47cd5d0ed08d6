//! Times as they are told: a row of a table, an object, a line of a chart.

use serde::{Deserialize, Serialize};

use super::chart::{Axis, Chart, Line};
use super::load::Outcome;

/// In microseconds.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Times {
    pub what: String,
    pub count: u64,
    pub failed: u64,
    pub per_second: f64,
    pub p50_us: f64,
    pub p99_us: f64,
    pub p999_us: f64,
}

pub const HEAD: &str = "                      count  failed    per s    p50 ms    p99 ms  p99.9 ms";

impl Times {
    pub fn of(what: &str, outcome: &Outcome) -> Self {
        Self {
            what: what.to_owned(),
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
        let [p50, p99, p999] = [self.p50_us, self.p99_us, self.p999_us].map(|time| time / 1000.0);
        format!("{what:<18} {count:>8} {failed:>7} {per_second:>8.0} {p50:>9.2} {p99:>9.2} {p999:>9.2}")
    }
}

/// Over one in how many is slower, the time taken in milliseconds.
pub fn line(name: &str, outcome: &Outcome) -> Line {
    let rarities = (0..=40).map(|step| 10f64.powf(f64::from(step) / 10.0));
    let enough = rarities.take_while(|rarity| *rarity <= outcome.times.len() as f64);
    let points = enough.map(|rarity| (rarity, outcome.quantile(1.0 - 1.0 / rarity) / 1000.0));
    Line { name: name.to_owned(), points: points.collect() }
}

/// Of lines that [`line`] made.
pub fn by_percentile<'a>(title: &'a str, lines: Vec<Line>) -> Chart<'a> {
    let percentiles = [(1.0, "0"), (2.0, "50"), (10.0, "90"), (100.0, "99"), (1e3, "99.9"), (1e4, "99.99")];
    Chart {
        title,
        x: Axis {
            title: "percentile",
            marks: percentiles.map(|(at, words)| (at, words.to_owned())).into(),
            logarithmic: true,
        },
        y: Axis {
            title: "ms",
            marks: [0.1, 1.0, 10.0, 100.0, 1000.0].map(|time: f64| (time, time.to_string())).into(),
            logarithmic: true,
        },
        lines,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_columns_stand_under_their_heads() {
        let times = Times {
            what: "through Sluse".to_owned(),
            count: 12_345,
            failed: 0,
            per_second: 2_469.0,
            p50_us: 410.0,
            p99_us: 1_234.0,
            p999_us: 5_678.0,
        };
        let row = times.row();
        assert_eq!(row, "through Sluse         12345       0     2469      0.41      1.23      5.68");
        assert_eq!(row.chars().count(), HEAD.chars().count());
    }
}
