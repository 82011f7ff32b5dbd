//! Writing to stdout and stderr; a reader that has seen enough is no error.

use std::io::{ErrorKind, Write};

use anyhow::Context;

/// Writes a result to stdout. Where the reader has closed the pipe (`| head`), the program ends quietly.
pub(super) fn print(text: &str) -> anyhow::Result<()> {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => std::process::exit(0),
        result => result.context("the result cannot be written to stdout"),
    }
}

/// Tells a person something that is not the result.
pub(super) fn complain(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}
