//! `shufflescope`: no arguments open the window; otherwise the command line.

use std::process::ExitCode;

fn main() -> ExitCode {
    shufflescope::cli::main()
}
