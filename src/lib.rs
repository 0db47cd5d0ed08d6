//! Sluse, a step-up authentication gateway.
//!
//! # Layout
//!
//! A request's way, outermost last:
//!
//! - [`time`], [`random`], [`secret`], [`user`]: the values everything is made of.
//! - [`authn`]: what was proven and when; below it each ceremony that proves something.
//! - [`policy`]: the administrator's files, and the decision.
//! - [`store`]: what is kept. [`directory`]: who has an account and which password is theirs.
//! - [`session`]: tokens, and the live sessions in memory.
//! - [`pages`]: the gateway's own pages. [`proxy`]: everything on the wire.
//! - [`server`]: puts it together. [`cli`]: the commands.

pub mod audit;
pub mod authn;
pub mod cli;
pub mod config;
pub mod policy;
pub mod random;
pub mod secret;
pub mod store;
pub mod time;
pub mod user;
