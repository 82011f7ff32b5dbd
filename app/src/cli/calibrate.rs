//! `shufflescope calibrate`: measures what predictions rest on.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use shufflescope_engine::design::{Design, Fingerprint, InputSize};
use shufflescope_engine::measure::Protocol;
use shufflescope_engine::model::Model;
use shufflescope_engine::predict::{Draw, Track, most_wanted};
use shufflescope_engine::runtime::RunOptions;
use shufflescope_engine::units::Nanos;

use super::measuring::Measuring;
use super::output::{complain, print};
use super::resolve;
use super::running::{Load, Running};
use super::site::On;
use crate::explain;
use crate::worker::Job;

pub(super) const EXAMPLES: &str = "\
Examples:
  shufflescope calibrate
  shufflescope calibrate --threads 1 --seconds 300
  shufflescope calibrate --device gpu:0 --precision f16

Random designs of ShuffleNet V2, ShuffleNet V1 and MobileNet V2 are measured, every second one the least known of a few,
each with its kernels and as a whole. Everything is kept as it comes: Ctrl+C loses nothing, and the same command goes on
where it was stopped, with designs that were not measured yet.";

/// Networks that one process measures: what differs between processes is part of what a prediction cannot know.
const PER_PROCESS: usize = 20;

/// Networks after which what is known is looked at anew, and the share of all that this is at least.
const LOOK_AFTER: usize = 12;
const LOOK_SHARE: usize = 4;

/// Failures one after the other that are not the designs' fault.
const FAILURES: usize = 4;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    running: Running,
    #[command(flatten)]
    load: Load,
    #[command(flatten)]
    on: On,
    /// Input size of all designs [default: many sizes, mostly 224]
    #[arg(long, value_name = "SIZE")]
    input: Option<InputSize>,
    /// How long to measure
    #[arg(long, value_name = "N", default_value = "60", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    seconds: u64,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let input = arguments.input.map(resolve::input_size).transpose()?;
    let site = arguments.on.site()?;
    let options = arguments.running.options_at(&site, arguments.load.threads, arguments.load.batch)?;
    let mut measuring = Measuring::new("shufflescope calibrate", &site);
    if !measuring.store.is_there() {
        bail!("there is no store to remember kernel times in: make the data folder writable");
    }
    let begin = Instant::now();
    let budget = Duration::from_secs(arguments.seconds);
    if measuring.store.peaks(&options).is_none() {
        let peaks = measuring.peaks("what the device can do", options.device, options.threads);
        let peaks = peaks.context("what the device can do at most cannot be measured")?;
        measuring.store.keep_peaks(&options, peaks);
    }
    let known = measuring.store.kernel_runs(&options);
    let mut seen: HashSet<Fingerprint> = known.iter().map(|run| run.design.clone()).collect();
    let mut draw = Draw::after(known.len(), input);
    let before = known.len();
    drop(known);
    let mut predictor = measuring.store.predictor(&options);
    let (mut measured, mut failures, mut next_look) = (0, 0, LOOK_AFTER);
    while begin.elapsed() < budget && measuring.store.is_there() {
        let choices = draw.choices(measured, |design| seen.insert(design.fingerprint()));
        let Some(index) = most_wanted(&choices, predictor.as_deref(), &options) else { continue };
        let left = Nanos::from(budget.saturating_sub(begin.elapsed()));
        let what = format!("{} networks, {left} left", before + measured);
        match measuring.measure_for_kernels(&what, &job(&choices[index], &options)) {
            Ok(_) => (measured, failures) = (measured + 1, 0),
            Err(error) if failures + 1 >= FAILURES => return Err(error),
            Err(error) => {
                complain(&format!("warning: {}: {}", choices[index].name, explain(&error)));
                failures += 1;
            }
        }
        if measured % PER_PROCESS == 0 {
            measuring.start_anew();
        }
        if measured >= next_look {
            predictor = measuring.store.learn(&options);
            next_look = measured + LOOK_AFTER.max((before + measured) / LOOK_SHARE);
        }
    }
    if !measuring.store.is_there() {
        bail!("the store takes nothing more, so calibrating is of no use");
    }
    let Some(known) = measuring.store.learn(&options) else {
        bail!(
            "none of {measured} networks could be used: either the machine was busy all the time, or the device cuts \
             networks into other kernels than are known beforehand"
        );
    };
    let Track { estimates, held, median_error } = known.track();
    print(&site.text(format!(
        "{options}: {} networks with {} kernels are known, {measured} of them measured now\nof the last {estimates} estimates \
         {held} kept their 90 % band, median error {:.1} %\n",
        known.networks(),
        known.kernels(),
        100.0 * median_error,
    )))
}

fn job(design: &Design, options: &RunOptions) -> Job {
    let protocol = Protocol::calibration().on(options.device);
    Job { design: Model::from(design), options: options.clone(), protocol, weights: None, scatter: None }
}
