//! The `sluse` command.

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// A request makes dozens of small allocations: bench/README.md has what this one saves.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    sluse::cli::main()
}
