//! The `sluse` command.

use std::process::ExitCode;

/// In two thirds of the instructions of the system's: a request through pingora allocates some eighty times.
/// Without huge pages, which would double what it takes when nobody is there.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    sluse::cli::main()
}
