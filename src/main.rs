//! The `vigie` program: the command line of the engine.

use std::process::ExitCode;

fn main() -> ExitCode {
    vigie::cli::main()
}
