//! The commands: one file a subcommand.

pub mod bench;
//! The commands: one file each.
pub mod demo;
