//! The log: to stderr, for people on a terminal and as JSON otherwise; `SLUSE_LOG` filters it.

mod json;
mod lines;

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

use self::lines::Lines;

/// The log that was started. Lines may be on their way until this is told to [`flush`](Self::flush), or dropped.
#[derive(Clone)]
#[must_use = "its last lines are written when it is dropped"]
pub struct Log(Lines);

impl Log {
    /// Starts the log. `SLUSE_LOG` is a filter such as `info` or `sluse=debug,warn`.
    pub fn start(default: &str) -> std::io::Result<Self> {
        let filter = EnvFilter::try_from_env("SLUSE_LOG").unwrap_or_else(|_| EnvFilter::new(default));
        let lines = Lines::to(std::io::stderr())?;
        let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(lines.clone());
        if std::io::stderr().is_terminal() {
            log.compact().init();
        } else {
            log.event_format(json::Json).init();
        }
        Ok(Self(lines))
    }

    /// Returns once every line that was logged before is written, or nobody reads them.
    pub fn flush(&self) {
        self.0.flush();
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.flush();
    }
}
