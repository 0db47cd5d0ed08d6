//! Sluse, a step-up authentication gateway.
//!
//! # Layout
//!
//! A request's way, outermost last:
//!
//! - [`time`], [`date`], [`random`], [`secret`], [`user`], [`role`]: the values everything is made of.
//! - [`authn`]: what was proven and when; below it each ceremony that proves something.
//! - [`policy`], [`config`]: the administrator's files, and the decision.
//! - [`store`]: what is kept. [`audit`], [`metrics`]: what is told. [`desk`]: what is done for other people.
//! - [`directory`]: who has an account and which password is theirs.
//! - [`provisioning`]: people and groups brought by another system (SCIM).
//! - [`session`]: tokens, and the live sessions in memory. [`assertion`]: what upstreams are told of them.
//! - [`trace`]: why a request was not let through, kept for a day.
//! - [`telling`]: mails and webhooks about what happened, in the audit's wake.
//! - [`pages`]: the gateway's own pages. [`proxy`]: everything on the wire. [`arrival`]: what passes between.
//! - [`server`]: puts it together. [`cli`]: the commands. [`allocator`]: what memory comes from.

pub mod allocator;
pub mod arrival;
pub mod assertion;
pub mod audit;
pub mod authn;
pub mod cli;
pub mod config;
pub mod date;
pub mod desk;
pub mod directory;
pub mod metrics;
pub mod pages;
pub mod policy;
pub mod provisioning;
pub mod proxy;
pub mod random;
pub mod role;
pub mod secret;
pub mod server;
pub mod session;
pub mod store;
pub mod telling;
pub mod time;
pub mod trace;
pub mod user;
