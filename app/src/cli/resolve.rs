//! From the words on the command line to designs and numbers.

use std::path::Path;

use anyhow::Context;
use shufflescope_engine::design::{Batch, Design, Edit, InputSize, limits};
use shufflescope_engine::zoo;
use thiserror::Error;

/// The command line is wrong: exit code 2.
#[derive(Debug, Error)]
#[error("{0}")]
pub(super) struct UsageError(pub String);

/// The design that `word` means, a preset's name or a TOML file, with the input size replaced where one is given.
pub(super) fn design(word: &str, input: Option<InputSize>) -> anyhow::Result<Design> {
    let design = named(word)?;
    Ok(match input {
        Some(size) => design.apply(&Edit::Input(size)),
        None => design,
    })
}

fn named(word: &str) -> anyhow::Result<Design> {
    if let Some(design) = zoo::preset(word) {
        return Ok(design);
    }
    let path = Path::new(word);
    let looks_like_a_file = path.extension().is_some_and(|extension| extension == "toml") || word.contains(['/', '\\']);
    if looks_like_a_file || path.is_file() {
        return Design::read(path).context("the design cannot be used");
    }
    let meant = match zoo::similar(word).as_slice() {
        [] => String::new(),
        names => format!(" Did you mean {}?", names.join(", ")),
    };
    Err(UsageError(format!(
        "there is no preset and no design file `{word}`.{meant} `shufflescope designs` lists the presets."
    ))
    .into())
}

/// A number of threads, from 1 up.
pub(super) fn threads(text: &str) -> Result<usize, String> {
    match text.parse::<usize>() {
        Ok(threads @ 1..=1024) => Ok(threads),
        _ => Err("must be from 1 to 1024".into()),
    }
}

/// A batch within the design limits.
pub(super) fn batch(text: &str) -> Result<Batch, String> {
    match text.parse::<u32>() {
        Ok(batch) if limits::BATCH.contains(&batch) => Ok(Batch(batch)),
        _ => Err(format!("must be from {} to {}", limits::BATCH.start(), limits::BATCH.end())),
    }
}

/// Threads that are used where nothing else is asked for: one per core that this process may use.
pub(super) fn default_threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}
