//! `sluse bench`: what this machine can do.

pub mod assertions;
mod chart;
mod comparison;
mod export;
mod load;
pub mod login;
pub mod people;
mod pool;
mod progress;
pub mod proxy;
mod target;
mod times;
mod visit;

pub use self::pool::{Item, Pool};

#[derive(Debug, clap::Subcommand)]
pub enum Bench {
    /// Verifications of security-key assertions, per second and core
    Assertions(assertions::AssertionsArgs),
    /// Add people to measure with, who are gone in a day
    Prepare(people::PrepareArgs),
    /// Whole logins against a running gateway
    Login(login::LoginArgs),
    /// What the gateway adds to a signed-in request
    Proxy(proxy::ProxyArgs),
}
