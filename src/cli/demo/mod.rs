//! All of it on one machine, with nothing else installed.

pub mod broker;
