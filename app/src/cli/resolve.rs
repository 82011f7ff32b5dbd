//! From the words on the command line to models and numbers.

use std::path::Path;

use anyhow::Context;
use shufflescope_engine::design::{Batch, Design, InputSize, limits};
use shufflescope_engine::device::Device;
use shufflescope_engine::model::{Model, ModelFile};
use shufflescope_engine::runtime::RunOptions;
use shufflescope_engine::zoo;
use thiserror::Error;

use super::output::complain;
use crate::target::{find_candle_cuda, needs_candle_cuda};

/// The command line is wrong: exit code 2.
#[derive(Debug, Error)]
#[error("{0}")]
pub(super) struct UsageError(pub String);

/// What `word` means, with the input size replaced where one is given: a preset's name, a network's, a TOML file or an
/// ONNX file. What is otherwise than in an ONNX file is told.
pub(super) fn model(word: &str, input: Option<InputSize>) -> anyhow::Result<Model> {
    model_output(word, input, None)
}

/// As [`model`], with another output of an ONNX file than the classifier's.
pub(super) fn model_output(word: &str, input: Option<InputSize>, output: Option<&str>) -> anyhow::Result<Model> {
    if let Some(output) = output.filter(|_| !is_model_file(word)) {
        return Err(UsageError(format!("--output {output}: only ONNX models have outputs to choose from")).into());
    }
    let model = if let Some(network) = zoo::network(word) {
        Model::from(network)
    } else if is_model_file(word) {
        let file = ModelFile::open_output(Path::new(word), output).context("the model cannot be used")?;
        file.notes().iter().for_each(|note| complain(&format!("note: {word}: {note}")));
        Model::from(file)
    } else {
        Model::from(named(word)?)
    };
    Ok(match input {
        // A file has bounds of its own.
        Some(size) if matches!(model, Model::File(_)) => model.with_input(size),
        Some(size) => model.with_input(input_size(size)?),
        None => model,
    })
}

/// Whether `word` names an ONNX model.
pub(super) fn is_model_file(word: &str) -> bool {
    has_ending(word, "onnx")
}

/// The design that `word` means; `but` goes on after "`word` is a graph and not a design".
pub(super) fn design(word: &str, but: &str) -> anyhow::Result<Design> {
    if zoo::network(word).is_some() || is_model_file(word) {
        return Err(UsageError(format!("`{word}` is a graph and not a design{but}")).into());
    }
    named(word)
}

/// An input size within the limits of designs and networks.
pub(super) fn input_size(size: InputSize) -> Result<InputSize, UsageError> {
    if [size.height, size.width].iter().all(|side| limits::INPUT.contains(side)) {
        return Ok(size);
    }
    let problem = format!("both sides must be from {} to {}", limits::INPUT.start(), limits::INPUT.end());
    Err(UsageError(format!("--input {size}: {problem}")))
}

/// Refuses a file as weights that by its name is something else.
pub(super) fn weights(path: &Path) -> Result<(), UsageError> {
    let word = path.to_string_lossy();
    let kind = if has_ending(&word, "onnx") {
        format!("is a model and not weights; `shufflescope export {word} -o weights.safetensors` writes those in it")
    } else if has_ending(&word, "toml") {
        "is a design and not weights, which are .safetensors or .pth files".to_owned()
    } else {
        return Ok(());
    };
    Err(UsageError(format!("--weights: `{word}` {kind}")))
}

fn has_ending(word: &str, ending: &str) -> bool {
    Path::new(word).extension().is_some_and(|extension| extension.eq_ignore_ascii_case(ending))
}

fn named(word: &str) -> anyhow::Result<Design> {
    if let Some(design) = zoo::preset(word) {
        return Ok(design);
    }
    if ["pth", "pt", "ckpt", "safetensors"].iter().any(|ending| has_ending(word, ending)) {
        let problem = "holds weights and no network: name the preset or TOML file that they were trained with";
        return Err(UsageError(format!("`{word}` {problem}; the weights go to --weights")).into());
    }
    let path = Path::new(word);
    let looks_like_a_file = has_ending(word, "toml") || word.contains(['/', '\\']);
    if looks_like_a_file || path.is_file() {
        return Design::read(path).context("the design cannot be used");
    }
    let meant = match zoo::similar(word).as_slice() {
        [] => String::new(),
        names => format!(" Did you mean {}?", names.join(", ")),
    };
    Err(UsageError(format!(
        "there is no preset, network or file `{word}`.{meant} `shufflescope designs` lists what is built in."
    ))
    .into())
}

/// Refuses what nothing has kernels for, and a device that is not there or lacks the precision.
pub(super) fn can_run(options: &RunOptions) -> anyhow::Result<()> {
    options.check().map_err(|error| UsageError(error.to_string()))?;
    if needs_candle_cuda(options) {
        // What it lacks on this machine it says itself, before it measures.
        find_candle_cuda()?;
        return Ok(());
    }
    let device = Device::open(&options.device)?;
    options.check_on(&device).map_err(|error| UsageError(error.to_string()).into())
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
