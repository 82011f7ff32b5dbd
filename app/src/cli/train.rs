//! `shufflescope train`: a design learns to tell a folder's pictures apart.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use indicatif::ProgressBar;
use serde::Serialize;
use shufflescope_engine::design::InputSize;
use shufflescope_engine::device::{Device, DeviceId};
use shufflescope_engine::files::check_writable;
use shufflescope_engine::training::pictures::{Broken, HoldOut};
use shufflescope_engine::training::{Budget, Phase, Progress, Start, TrainRequest, Trained, Trainer, save_taught};

use super::output::{complain, print};
use super::preprocessing::PreprocessingArguments;
use super::resolve;
use super::teaching::{AccuracyJson, Source, bar, read_pictures, tell_cut};

pub(super) const EXAMPLES: &str = "\
Examples:
  shufflescope train shufflenet-v2-x0.5 --data pictures --seconds 600 -o mine.safetensors
  shufflescope train my-design.toml --data pictures --from shufflenet-v2-x1.0 -o mine.safetensors
  shufflescope train my-design.toml --data pictures --from demo --epochs 20 --json -o mine.safetensors
  shufflescope classify --weights mine.safetensors photo.jpg

FOLDER has one folder of pictures for each class, called as the class. Pictures that cannot be read are named and left out. A
fifth of every class is held out: the accuracy is measured on it, with the 95 % interval. The network gets as many classes
as there are folders; their names, the design, what is done to pictures and the accuracy travel with the weights.

--from starts from weights of the same design or from those of a wider or deeper one of its family, which are cut to fit;
what was cut is said. The classifier begins anew where there are other classes.

The state is kept every few seconds beside the weights, in FILE.checkpoint: after Ctrl+C the same command goes on where it
was. It is removed when the training is done.";

/// How long, where nothing is said.
const SECONDS: f64 = 300.0;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// What to train: a preset's name or a TOML file
    design: String,
    /// The pictures, one folder for each class
    #[arg(long, value_name = "FOLDER")]
    data: PathBuf,
    /// Start from these weights: a file, the name of downloaded ones, or `demo` [default: made-up ones]
    #[arg(long, value_name = "WEIGHTS")]
    from: Option<String>,
    /// How long, the measuring included [default: 300]
    #[arg(long, value_name = "N", conflicts_with = "epochs", value_parser = positive)]
    seconds: Option<f64>,
    /// How often every picture is shown
    #[arg(long, value_name = "N", value_parser = positive)]
    epochs: Option<f64>,
    /// Decides everything that is left to chance, also which pictures are held out
    #[arg(long, value_name = "N", default_value = "2018")]
    seed: u64,
    /// CPU threads [default: one per core]
    #[arg(long, value_name = "N", value_parser = resolve::threads)]
    threads: Option<usize>,
    /// cpu, or cuda:N and metal:N in builds with Candle's kernels for them
    #[arg(long, value_name = "DEVICE", default_value = "cpu")]
    device: DeviceId,
    /// Input size in place of the design's: a side such as 96, or WIDTHxHEIGHT
    #[arg(long, value_name = "SIZE")]
    input: Option<InputSize>,
    #[command(flatten)]
    preprocessing: PreprocessingArguments,
    /// Where the weights go
    #[arg(short = 'o', long = "output", value_name = "FILE")]
    output: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

fn positive(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() && number > 0.0 && number <= 1e7 => Ok(number),
        _ => Err("must be a number above 0".into()),
    }
}

#[derive(Serialize)]
struct Report {
    accuracy: AccuracyJson,
    classes: Vec<String>,
    seconds: f64,
    epochs: f64,
    steps: usize,
    pictures_per_second: f64,
    design: String,
    weights: String,
    /// What was left of the weights that it started from.
    start: Option<String>,
    /// Pictures that were left out.
    broken: Vec<String>,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let mut design = resolve::design(&arguments.design, ": `train` takes designs")?;
    if let Some(size) = arguments.input {
        design.input = resolve::input_size(size)?;
    }
    check_writable(&arguments.output).with_context(|| format!("cannot write `{}`", arguments.output.display()))?;
    let from = match &arguments.from {
        Some(word) => {
            let Source { design, weights } = Source::of(word, &design).context("--from")?;
            Start::Weights { design: Box::new(design), weights: Arc::new(weights) }
        }
        None => Start::Nothing,
    };
    let threads = arguments.threads.unwrap_or_else(resolve::default_threads);
    // Pictures are decoded on the process's threads.
    rayon::ThreadPoolBuilder::new().num_threads(threads).build_global().context("the threads cannot be started")?;
    let options = arguments.preprocessing.options(design.input, None);
    let pictures = Arc::new(read_pictures(&arguments.data, design.input, &options)?);
    let split = pictures.split(HoldOut { seed: arguments.seed, ..HoldOut::default() })?;
    let budget = match (arguments.seconds, arguments.epochs) {
        (_, Some(epochs)) => Budget::Epochs(epochs),
        (seconds, None) => Budget::Seconds(seconds.unwrap_or(SECONDS)),
    };
    let request = TrainRequest {
        design,
        from,
        pictures: pictures.clone(),
        split,
        budget,
        seed: arguments.seed,
        threads,
        checkpoint: Some(checkpoint(&arguments.output)),
        recipe: None,
    };
    let trainer = Trainer::on(&Device::open(&arguments.device)?, request)?;
    if let Some(report) = trainer.start() {
        tell_cut(report);
    }
    if trainer.steps_before() > 0 {
        complain(&format!("note: going on from step {} of the checkpoint", trainer.steps_before()));
    }
    let trained = learn(trainer)?;
    save_taught(&trained.taught(pictures.classes()), options, &arguments.output)?;
    tell(&trained, pictures.classes(), pictures.broken(), arguments)
}

/// Where the state is kept: beside the weights.
fn checkpoint(output: &Path) -> PathBuf {
    let mut name = output.as_os_str().to_owned();
    name.push(".checkpoint");
    name.into()
}

fn learn(trainer: Trainer) -> anyhow::Result<Trained> {
    let bar = bar("{msg} {bar:24} {percent:>3} %");
    bar.set_length(1000);
    let mut told = Told { quiet: bar.is_hidden(), measured: None };
    let trained = trainer.run(&mut |progress| {
        told.tell(&progress, &bar);
        ControlFlow::Continue(())
    });
    bar.finish_and_clear();
    Ok(trained?)
}

/// What was last told where nobody sees a bar.
struct Told {
    quiet: bool,
    measured: Option<(usize, f64)>,
}

impl Told {
    fn tell(&mut self, progress: &Progress, bar: &ProgressBar) {
        let done = progress.step as f64 / progress.steps.max(1) as f64;
        let held_out = progress.held_out.as_ref().map_or_else(String::new, |accuracy| format!(", held out {accuracy}"));
        let what = match progress.phase {
            Phase::Learning => format!(
                "epoch {:.1}, loss {:.3}{held_out}, {:.0} pictures/s, {} left",
                progress.epochs,
                progress.loss,
                progress.pictures_per_second,
                duration(progress.left)
            ),
            Phase::Averaging => "averaging statistics".to_owned(),
            Phase::Measuring => "measuring accuracy".to_owned(),
        };
        if !self.quiet {
            bar.set_position((1000.0 * done.clamp(0.0, 1.0)) as u64);
            bar.set_message(what);
            return;
        }
        // A line for each measurement.
        let measured = progress.held_out.as_ref().map(|accuracy| (accuracy.correct() as usize, accuracy.low()));
        if progress.phase == Phase::Learning && measured.is_some() && measured != self.measured {
            self.measured = measured;
            complain(&format!("step {} of about {}: {what}", progress.step, progress.steps));
        }
    }
}

fn duration(left: Duration) -> String {
    let seconds = left.as_secs();
    if seconds < 100 { format!("{seconds} s") } else { format!("{} min", seconds.div_ceil(60)) }
}

fn tell(trained: &Trained, classes: &[String], broken: &[Broken], arguments: &Arguments) -> anyhow::Result<()> {
    let output = arguments.output.display().to_string();
    if arguments.json {
        let report = Report {
            accuracy: (&trained.accuracy).into(),
            classes: classes.to_vec(),
            seconds: trained.seconds,
            epochs: trained.epochs,
            steps: trained.steps,
            pictures_per_second: trained.pictures_per_second,
            design: trained.design.name.clone(),
            weights: output,
            start: trained.start.as_ref().map(ToString::to_string),
            broken: broken.iter().map(ToString::to_string).collect(),
        };
        return print(&(serde_json::to_string_pretty(&report)? + "\n"));
    }
    print(&format!(
        "accuracy on held-out pictures: {}\n{} classes, {:.1} epochs in {:.0} s ({:.0} pictures/s)\n{output}\n",
        trained.accuracy.in_full(),
        classes.len(),
        trained.epochs,
        trained.seconds,
        trained.pictures_per_second,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_is_kept_beside_the_weights() {
        assert_eq!(checkpoint(Path::new("a/b.safetensors")), Path::new("a/b.safetensors.checkpoint"));
        assert_eq!((positive("0.5"), positive("0").is_err(), positive("nan").is_err()), (Ok(0.5), true, true));
        assert_eq!(
            (duration(Duration::from_secs(99)), duration(Duration::from_secs(121))),
            ("99 s".into(), "3 min".into())
        );
    }
}
