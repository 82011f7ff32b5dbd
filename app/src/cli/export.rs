//! `shufflescope export`: a network or a saved profile in a form that other programs read.

use std::borrow::Cow;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::Context;
use shufflescope_engine::classify::PreprocessingOptions;
use shufflescope_engine::design::{Batch, InputSize};
use shufflescope_engine::device::Precision;
use shufflescope_engine::files::check_writable;
use shufflescope_engine::model::Model;
use shufflescope_engine::model_file::onnx::{BatchNorm, write_onnx, write_onnx_in_bytes};
use shufflescope_engine::model_file::pytorch::write_pytorch;
use shufflescope_engine::report::{Format, Profile};
use shufflescope_engine::runtime::cpu::{in_bytes, quantise};
use shufflescope_engine::weights::{RangesFrom, Weights, save_safetensors};

use super::calibration::{Calibration, CalibrationArguments};
use super::output::complain;
use super::resolve::{self, UsageError};

pub(super) const EXAMPLES: &str = "\
Examples:
  shufflescope export profile.json -o report.html
  shufflescope export profile.json -o kernels.trace.json        open it at ui.perfetto.dev
  shufflescope export shufflenet-v2-x1.0 -o layers.csv
  shufflescope export my-design.toml --weights trained.safetensors --fold-batch-norm -o network.onnx
  shufflescope export my-design.toml --weights trained.safetensors --precision int8 --calibrate-with photos -o q.onnx
  shufflescope export model.onnx -o report.html
  shufflescope export my-design.toml -o network.py              then train it in PyTorch";

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// A preset's or network's name (see `shufflescope designs`), a TOML file, an ONNX model, or a saved profile (.json)
    #[arg(value_name = "MODEL|PROFILE")]
    subject: String,
    /// The file to write
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// json, html, csv, md, latex, trace, model-explorer, onnx, safetensors or pytorch [default: by the file's name]
    #[arg(long, value_name = "NAME")]
    format: Option<Target>,
    /// Replace the file where it exists
    #[arg(long)]
    force: bool,
    /// Images per run [default: 1; of a saved profile its own]
    #[arg(long, value_name = "N", value_parser = resolve::batch)]
    batch: Option<Batch>,
    /// Input size in place of the model's own: a side such as 224, or WIDTHxHEIGHT
    #[arg(long, value_name = "SIZE")]
    input: Option<InputSize>,
    /// Weights to put into models, .safetensors or .pth [default: an ONNX model's own, otherwise random, seeded]
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,
    /// Merge batch normalisations into the convolutions before them (ONNX)
    #[arg(long)]
    fold_batch_norm: bool,
    /// f32, or int8: ONNX in 8 bits as runtimes know it (QuantizeLinear, DequantizeLinear), or safetensors with how bytes
    /// stand for numbers beside the weights
    #[arg(long, value_name = "NAME", default_value_t)]
    precision: Precision,
    #[command(flatten)]
    calibration: CalibrationArguments,
}

/// What is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Target {
    /// What is known about the network.
    Report(Format),
    /// The network with its weights.
    Onnx,
    /// The weights alone.
    Safetensors,
    /// The network's source.
    Pytorch,
}

impl Target {
    const MODELS: [(Self, &'static str, &'static str); 3] = [
        (Self::Onnx, "onnx", ".onnx"),
        (Self::Safetensors, "safetensors", ".safetensors"),
        (Self::Pytorch, "pytorch", ".py"),
    ];

    fn from_path(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_string_lossy().to_lowercase();
        let model = Self::MODELS.iter().find(|(_, _, ending)| name.ends_with(ending)).map(|(target, ..)| *target);
        model.or_else(|| Format::from_path(path).map(Self::Report))
    }
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match Self::MODELS.iter().find(|(_, name, _)| *name == text) {
            Some((target, ..)) => Ok(*target),
            None => text.parse().map(Self::Report).map_err(|known| format!("{known}, onnx, safetensors, pytorch")),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Report(format) => format.fmt(f),
            model => f.pad(Self::MODELS.iter().find(|(target, ..)| target == model).map_or("", |(_, name, _)| name)),
        }
    }
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let path = &arguments.output;
    let target = match arguments.format.or_else(|| Target::from_path(path)) {
        Some(target) => target,
        None => {
            let problem = format!("{}: its name does not say what to write: give --format", path.display());
            return Err(UsageError(problem).into());
        }
    };
    check_options(arguments, target)?;
    arguments.weights.as_deref().map(resolve::weights).transpose()?;
    if path.exists() && !path.is_dir() && !arguments.force {
        anyhow::bail!("{} exists; --force replaces it", path.display());
    }
    check_writable(path).with_context(|| format!("{}", path.display()))?;
    match target {
        Target::Report(format) => profile(arguments)?.export(format, path)?,
        model => write_model(arguments, model)?,
    }
    Ok(())
}

/// Refuses options that would be without effect.
fn check_options(arguments: &Arguments, target: Target) -> Result<(), UsageError> {
    let refuse = |option: &str, reason: &str| Err(UsageError(format!("{option}: {reason}")));
    match target {
        Target::Report(_) if arguments.weights.is_some() => refuse("--weights", "reports hold no weights"),
        Target::Pytorch if arguments.weights.is_some() => {
            refuse("--weights", "source holds no weights; export .safetensors too")
        }
        _ if !matches!(arguments.precision, Precision::F32 | Precision::Int8) => {
            refuse("--precision", "files are written in f32 or int8")
        }
        Target::Report(_) | Target::Pytorch if arguments.precision == Precision::Int8 => {
            refuse("--precision int8", "only ONNX models and safetensors are written in 8 bits")
        }
        target if arguments.fold_batch_norm && target != Target::Onnx => {
            refuse("--fold-batch-norm", "only ONNX models are written folded")
        }
        Target::Report(_) if is_profile(&arguments.subject) && (arguments.batch, arguments.input) != (None, None) => {
            refuse("--batch, --input", "a saved profile has its own; name its model instead")
        }
        _ => Ok(()),
    }
}

fn is_profile(subject: &str) -> bool {
    Path::new(subject).extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json"))
}

fn profile(arguments: &Arguments) -> anyhow::Result<Profile> {
    if is_profile(&arguments.subject) {
        return Ok(Profile::read(Path::new(&arguments.subject))?);
    }
    let model = resolve::model(&arguments.subject, arguments.input)?;
    Ok(Profile::new(model, arguments.batch.unwrap_or(Batch(1)), None)?)
}

fn model(arguments: &Arguments) -> anyhow::Result<Model> {
    if !is_profile(&arguments.subject) {
        return resolve::model(&arguments.subject, arguments.input);
    }
    let model = Profile::read(Path::new(&arguments.subject))?.design;
    Ok(match arguments.input {
        Some(size) => model.with_input(size),
        None => model,
    })
}

fn write_model(arguments: &Arguments, target: Target) -> anyhow::Result<()> {
    let model = model(arguments)?;
    let graph = model.graph(arguments.batch.unwrap_or(Batch(1)))?;
    let weights = || -> anyhow::Result<Cow<'_, Weights>> {
        if arguments.weights.is_none() && !model.has_weights() {
            complain("note: the weights are random; --weights FILE takes trained ones");
        }
        Ok(model.weights(&graph, arguments.weights.as_deref())?)
    };
    let path = &arguments.output;
    let batch_norm = if arguments.fold_batch_norm { BatchNorm::Fold } else { BatchNorm::Keep };
    if arguments.precision == Precision::Int8 {
        return write_in_int8(arguments, target, &model, &*weights()?);
    }
    match target {
        Target::Onnx => write_onnx(&graph, &*weights()?, batch_norm, path)?,
        Target::Pytorch => write_pytorch(&graph, path)?,
        Target::Safetensors | Target::Report(_) => save_safetensors(&*weights()?, path)?,
    }
    Ok(())
}

/// Writes a model in 8 bits, or its weights with what bytes of it stand for.
fn write_in_int8(arguments: &Arguments, target: Target, model: &Model, weights: &Weights) -> anyhow::Result<()> {
    // Values have the same ranges in every batch.
    let graph = model.graph(Batch(1))?;
    let (path, threads) = (&arguments.output, resolve::default_threads());
    let usual = PreprocessingOptions::default();
    let made = arguments.calibration.inputs(arguments.precision, (model.input(), &usual))?;
    let from = made.as_ref().map_or_else(|| RangesFrom::of(weights), |made| made.from.clone());
    let quantised = match made {
        Some(Calibration { inputs, .. }) => quantise(&graph, weights, threads, Some(&mut inputs.into_iter()))?,
        None => quantise(&graph, weights, threads, None)?,
    };
    complain(&format!("note: ranges of values in 8 bits are from {from}"));
    match target {
        Target::Onnx => write_onnx_in_bytes(&graph, &quantised, &in_bytes(&graph, &quantised, threads)?, path)?,
        _ => save_safetensors(&quantised, path)?,
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_name_says_what_to_write_and_every_target_reads_back_from_its_name() {
        let target = |name: &str| Target::from_path(Path::new(name));
        assert_eq!(target("a.onnx"), Some(Target::Onnx));
        assert_eq!(target("b/a.SAFETENSORS"), Some(Target::Safetensors));
        assert_eq!(target("a.py"), Some(Target::Pytorch));
        assert_eq!(target("a.trace.json"), Some(Target::Report(Format::Trace)));
        assert_eq!((target("a.zip"), target("onnx")), (None, None));
        let models = Target::MODELS.into_iter().map(|(target, ..)| target);
        for target in Format::ALL.into_iter().map(Target::Report).chain(models) {
            assert_eq!(target.to_string().parse(), Ok(target));
        }
        assert!("docx".parse::<Target>().unwrap_err().ends_with("onnx, safetensors, pytorch"));
    }
}
