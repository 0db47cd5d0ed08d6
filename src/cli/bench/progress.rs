//! How far a measurement has come, for whoever watches it.

use std::io::{IsTerminal as _, Write as _};

/// A line on stderr that is written over; nothing where nobody sees it.
pub struct Progress {
    shown: bool,
}

impl Progress {
    pub fn new() -> Self {
        Self { shown: std::io::stderr().is_terminal() }
    }

    /// `part` of 1 is done.
    pub fn show(&self, what: &str, part: f64) {
        if self.shown {
            // Nobody's measurement ends because a terminal went away.
            let _ = write!(std::io::stderr(), "\r{}", line(what, part));
        }
    }

    pub fn clear(&self) {
        if self.shown {
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
    }
}

fn line(what: &str, part: f64) -> String {
    const WIDTH: usize = 30;
    let done = (part.clamp(0.0, 1.0) * WIDTH as f64).round() as usize;
    format!(
        "{what:<8} {}{} {:>3.0} %",
        "█".repeat(done),
        "░".repeat(WIDTH - done),
        part.clamp(0.0, 1.0) * 100.0
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_as_long_however_far_it_is() {
        for part in [-1.0, 0.0, 0.5, 1.0, 7.0] {
            assert_eq!(line("es256", part).chars().count(), 45, "{part}");
        }
        assert!(line("es256", 0.5).ends_with(" 50 %"));
    }
}
