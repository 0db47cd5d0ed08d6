//! `sluse schema`: the files' keys for editors, by the table the reader goes by.

use std::io::{self, Write};

use crate::config;
use crate::policy::schema::schema;
use crate::policy::shape;

#[derive(Debug, clap::Args)]
pub struct SchemaArgs {
    /// Which file
    #[arg(value_enum, default_value_t)]
    pub file: File,
}

#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum File {
    /// An app's policy
    #[default]
    Policy,
    /// sluse.yaml
    Config,
}

/// Prints the JSON Schema of the file.
pub fn print(args: &SchemaArgs, out: &mut impl Write) -> io::Result<()> {
    let schema = match args.file {
        File::Policy => schema(&shape::POLICY, "Sluse policy"),
        File::Config => schema(&config::shape::CONFIG, "sluse.yaml"),
    };
    writeln!(out, "{schema:#}")
}
