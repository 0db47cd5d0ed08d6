//! `sluse bench`: what this machine can do.

pub mod assertions;
mod chart;
mod comparison;
mod pool;
mod progress;

use std::io::Write;

pub use self::pool::{Item, Pool};

#[derive(Debug, clap::Subcommand)]
pub enum Bench {
    /// Verifications of security-key assertions, per second and core
    Assertions(assertions::AssertionsArgs),
}

pub fn run(bench: &Bench, out: &mut impl Write) -> anyhow::Result<()> {
    match bench {
        Bench::Assertions(args) => assertions::run(args, out),
    }
}
