//! The `sluse` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    sluse::cli::main()
}
