//! Figures that were saved, and what has changed since.

use std::path::Path;

use anyhow::Context as _;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Writes one JSON object a line.
pub fn save<T: Serialize>(path: &Path, figures: &[T]) -> anyhow::Result<()> {
    let lines: Result<String, _> =
        figures.iter().map(|one| serde_json::to_string(one).map(|line| line + "\n")).collect();
    std::fs::write(path, lines?).with_context(|| format!("`{}` cannot be written", path.display()))
}

/// Reads what [`save`] wrote.
pub fn load<T: DeserializeOwned>(path: &Path) -> anyhow::Result<Vec<T>> {
    let text =
        std::fs::read_to_string(path).with_context(|| format!("`{}` cannot be read", path.display()))?;
    let read = |(at, line): (usize, &str)| {
        let place = || format!("`{}`, line {}, holds no figures", path.display(), at + 1);
        serde_json::from_str(line).with_context(place)
    };
    text.lines().enumerate().map(read).collect()
}

/// From `before` to `now`, in per cent.
pub fn change(before: f64, now: f64) -> String {
    format!("{:+.1} %", (now / before - 1.0) * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_saved_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("figures");
        save(&path, &[1.5, 2.0]).unwrap();
        assert_eq!(load::<f64>(&path).unwrap(), [1.5, 2.0]);
        std::fs::write(&path, "1.5\nmany\n").unwrap();
        let told = format!("{:#}", load::<f64>(&path).unwrap_err());
        assert!(told.contains("figures`, line 2, holds no figures"), "{told}");
    }

    #[test]
    fn a_change_has_a_sign() {
        assert_eq!(change(100.0, 103.04), "+3.0 %");
        assert_eq!(change(100.0, 90.0), "-10.0 %");
    }
}
