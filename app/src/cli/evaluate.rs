//! `shufflescope evaluate`: how many of a folder's pictures weights tell right.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::PathBuf;

use anyhow::{Context, bail};
use serde::Serialize;
use shufflescope_engine::classify::{Labels, demo};
use shufflescope_engine::design::{Batch, Design};
use shufflescope_engine::device::{DeviceId, Precision};
use shufflescope_engine::graph::lower;
use shufflescope_engine::model::{fitted, fitting};
use shufflescope_engine::runtime::RunOptions;
use shufflescope_engine::runtime::cpu::quantise;
use shufflescope_engine::training::pictures::Pictures;
use shufflescope_engine::training::{Accuracy, Passport, told_right};
use shufflescope_engine::weights::{Weights, WeightsFile};

use super::calibration::{Calibration, CalibrationArguments};
use super::output::{complain, print};
use super::preprocessing::PreprocessingArguments;
use super::resolve;
use super::teaching::{AccuracyJson, bar, read_pictures};
use super::trained::{DEMO, no_network, weights_file};

pub(super) const EXAMPLES: &str = "\
Examples:
  shufflescope evaluate mine.safetensors --data other-pictures
  shufflescope evaluate demo --data drawings --json
  shufflescope evaluate trained.pth --design my-design.toml --labels names.txt --data pictures
  shufflescope evaluate mine.safetensors --data other-pictures --precision int8 --calibrate-with pictures

FOLDER has one folder of pictures for each class, called as the weights call the class; there may be fewer folders than
classes. All of its pictures are classified: give pictures that were not trained on. Weights that `train` wrote know their
design, the names of their classes and what is done to pictures.";

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// A file of weights, the name of downloaded ones, or `demo`
    weights: String,
    /// The pictures, one folder for each class
    #[arg(long, value_name = "FOLDER")]
    data: PathBuf,
    /// The network that the weights are of [default: what their file says, else the built-in one that they fit]
    #[arg(long, value_name = "DESIGN")]
    design: Option<String>,
    /// Names of the classes, one a line [default: what the file says, else ImageNet's for 1000 classes]
    #[arg(long, value_name = "FILE")]
    labels: Option<PathBuf>,
    /// f32, or int8: 8-bit integers, or bf16 or f16: matrices multiplied in 16 bits, where the processor does so
    #[arg(long, value_name = "NAME", default_value_t)]
    precision: Precision,
    #[command(flatten)]
    calibration: CalibrationArguments,
    /// CPU threads [default: one per core]
    #[arg(long, value_name = "N", value_parser = resolve::threads)]
    threads: Option<usize>,
    #[command(flatten)]
    preprocessing: PreprocessingArguments,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Report {
    accuracy: AccuracyJson,
    classes: Vec<String>,
    design: String,
    precision: Precision,
    broken: Vec<String>,
}

/// A network, its weights, what its classes are called, and what it says of itself.
struct Network {
    design: Design,
    weights: Weights,
    classes: Vec<String>,
    passport: Option<Passport>,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let mut network = network(arguments)?;
    let threads = arguments.threads.unwrap_or_else(resolve::default_threads);
    let run = RunOptions { precision: arguments.precision, ..RunOptions::new(DeviceId::Cpu, threads, 1) };
    resolve::can_run(&run)?;
    rayon::ThreadPoolBuilder::new().num_threads(threads).build_global().context("the threads cannot be started")?;
    let mut options = arguments.preprocessing.options(network.design.input, None);
    if let Some(passport) = network.passport.as_ref().filter(|_| options.is_usual()) {
        options = passport.preprocessing;
    }
    let pictures = renamed(read_pictures(&arguments.data, network.design.input, &options)?, &network.classes)?;
    if network.passport.as_ref().is_some_and(|of| *of.accuracy.data() == pictures.data_name()) {
        complain(
            "note: the weights were trained on data of this name and size: on those pictures they do better than on new ones",
        );
    }
    let graph = lower(&network.design, Batch(1))?;
    let made = arguments.calibration.inputs(arguments.precision, (network.design.input, &options))?;
    if let Some(Calibration { inputs, from }) = made {
        complain(&format!("note: ranges of values in 8 bits are from {from}"));
        network.weights = quantise(&graph, &network.weights, threads, Some(&mut inputs.into_iter()))?;
    }
    let all: Vec<usize> = (0..pictures.samples().len()).collect();
    let bar = bar("classifying {bar:30} {pos} of {len}");
    bar.set_length(all.len() as u64);
    let correct = told_right(&graph, &network.weights, &pictures, &all, &run, &mut |share| {
        bar.set_position((share * all.len() as f64) as u64);
        ControlFlow::Continue(())
    });
    bar.finish_and_clear();
    let accuracy = Accuracy::new(correct?, all.len() as u64, pictures.data_name())?;
    if arguments.json {
        let report = Report {
            accuracy: (&accuracy).into(),
            classes: network.classes,
            design: network.design.name,
            precision: arguments.precision,
            broken: pictures.broken().iter().map(ToString::to_string).collect(),
        };
        return print(&(serde_json::to_string_pretty(&report)? + "\n"));
    }
    let plural = if accuracy.held_out() == 1 { "" } else { "s" };
    print(&format!("{accuracy}: {} of {} picture{plural} told right\n", accuracy.correct(), accuracy.held_out()))
}

fn network(arguments: &Arguments) -> anyhow::Result<Network> {
    let named =
        arguments.design.as_deref().map(|word| resolve::design(word, ": `evaluate` takes designs")).transpose()?;
    let labels = arguments.labels.as_deref().map(Labels::read).transpose()?;
    let names = |classes: u32| {
        labels.as_ref().map(|labels| (0..classes as usize).map(|i| labels.name(i).into_owned()).collect())
    };
    if arguments.weights == DEMO {
        let design = demo::design();
        let classes = names(design.classes).unwrap_or_else(|| demo::labels().map(str::to_owned).collect());
        return Ok(Network { design, weights: demo::weights(), classes, passport: None });
    }
    let (path, _) = weights_file(&arguments.weights)?;
    let mut file = WeightsFile::open(&path)?;
    let passport = Passport::in_file(&file);
    let design = match (named, &passport) {
        (Some(design), _) => fitted(&file, &design)?,
        (None, Some(passport)) => fitted(&file, &passport.design)?,
        (None, None) => match fitting(&file).into_iter().next() {
            Some(design) => design,
            None => bail!(no_network(&file)),
        },
    };
    let weights = file.load(&lower(&design, Batch(1))?)?;
    let known = passport.as_ref().map(|passport| passport.classes.clone());
    let classes = match names(design.classes).or(known) {
        Some(classes) => classes,
        None => {
            let usual = Labels::usual(design.classes as usize);
            (0..design.classes as usize).map(|index| usual.name(index).into_owned()).collect()
        }
    };
    Ok(Network { design, weights, classes, passport })
}

/// The pictures with the classes' positions among the network's.
fn renamed(pictures: Pictures, classes: &[String]) -> anyhow::Result<Pictures> {
    let positions: BTreeMap<&str, usize> = classes.iter().enumerate().map(|(at, name)| (name.as_str(), at)).collect();
    let unknown: Vec<&str> =
        pictures.classes().iter().map(String::as_str).filter(|name| !positions.contains_key(name)).collect();
    if !unknown.is_empty() {
        let shown: Vec<&str> = classes.iter().take(20).map(String::as_str).collect();
        bail!(
            "the weights have no class {}; they tell apart {}{}: rename the folders, or name the classes with --labels",
            unknown.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "),
            shown.join(", "),
            if classes.len() > shown.len() { " and others" } else { "" }
        );
    }
    if pictures.samples().is_empty() {
        bail!("there are no pictures that can be read in the folder");
    }
    let to: Vec<usize> =
        pictures.classes().iter().map(|name| positions.get(name.as_str()).copied().unwrap_or_default()).collect();
    Ok(pictures.with_classes(classes.to_vec(), &to))
}
