//! The log: to stderr, for people on a terminal and as JSON otherwise; `SLUSE_LOG` filters it.

mod json;

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

/// Starts the log. `SLUSE_LOG` is a filter such as `info` or `sluse=debug,warn`.
pub fn start(default: &str) {
    let filter = EnvFilter::try_from_env("SLUSE_LOG").unwrap_or_else(|_| EnvFilter::new(default));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if std::io::stderr().is_terminal() {
        log.compact().init();
    } else {
        log.event_format(json::Json).init();
    }
}
