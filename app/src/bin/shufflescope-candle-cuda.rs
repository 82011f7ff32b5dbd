//! Stock Candle on CUDA, for the `shufflescope` beside it that was built without: the same program under another name.

use std::process::ExitCode;

fn main() -> ExitCode {
    shufflescope::cli::main()
}
