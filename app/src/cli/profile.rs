//! `shufflescope profile`: how long a network takes on this machine, or on others.

use std::path::{Path, PathBuf};

use anyhow::Context;
use shufflescope_engine::classify::PreprocessingOptions;
use shufflescope_engine::clock::ClockDomain;
use shufflescope_engine::design::{Batch, InputSize};
use shufflescope_engine::device::DeviceId;
use shufflescope_engine::files::check_writable;
use shufflescope_engine::graph::Graph;
use shufflescope_engine::measure::{Breakdown, Measurement, Mode, Protocol};
use shufflescope_engine::model::Model;
use shufflescope_engine::report::{Format, Profile, on_device};
use shufflescope_engine::runtime::cpu::quantise;
use shufflescope_engine::runtime::{Isa, Precision, RunOptions, Runtime};
use shufflescope_engine::weights::{RangesFrom, save_safetensors};

use super::both::{Both, RuntimeChoice};
use super::calibration::{Calibration, CalibrationArguments};
use super::measuring::Measuring;
use super::output::print;
use super::resolve::{self, UsageError};
use super::side_by_side;
use super::site::{ProgramThere, Site};
use super::table::{Align, Table};
use super::words::{layers_of, where_it_ran};
use crate::target::Target;
use crate::worker::Job;

pub(super) const EXAMPLES: &str = "\
Examples:
  shufflescope profile shufflenet-v2-x1.0
  shufflescope profile shufflenet-v2-x1.0 --threads 1 --batch 8 --input 160
  shufflescope profile my-design.toml --mode rigorous --output profile.json --output report.html
  shufflescope profile shufflenet-v2-x1.0 --runtime both
  shufflescope profile shufflenet-v2-x1.0 --device gpu --precision f16
  shufflescope profile shufflenet-v2-x1.0 --weights trained.pth --precision int8 --calibrate-with photos
  shufflescope profile shufflenet-v2-x1.0 --apart               where the time goes inside fused kernels
  shufflescope profile model.onnx --output report.html
  shufflescope profile shufflenet-v2-x1.0 --target ssh://pi@board
  shufflescope profile my-design.toml --target local --target ssh://pi@board    side by side
  shufflescope profile mobilenet-v2-x1.0 --json | jq .measurement.whole.median_ns";

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// A preset's or network's name (see `shufflescope designs`), a TOML file, or an ONNX model
    #[arg(value_name = "MODEL")]
    model: String,
    /// cpu, gpu:N (see `shufflescope devices`), gpu:software, cuda:N or metal:N
    #[arg(long, value_name = "DEVICE", default_value = "cpu")]
    device: DeviceId,
    /// tuned (our kernels: cpu, gpu:N, cuda:N), candle (stock operations: cpu, cuda:N, metal:N), or both side by side [default:
    /// tuned where it runs]
    #[arg(long, value_name = "NAME")]
    runtime: Option<RuntimeChoice>,
    /// f32, or int8: 8-bit integers, on cpu, or f16: half the memory, on GPUs (gpu:N, cuda:N) that have it, or tf32: on
    /// NVIDIA's tensor cores (cuda:N)
    #[arg(long, value_name = "NAME", default_value_t)]
    precision: Precision,
    /// Force the tuned kernels' instruction set: portable, neon, avx2, avx512vl, avx512 [default: the widest there is]
    #[arg(long, value_name = "NAME")]
    instruction_set: Option<Isa>,
    /// CPU threads at most: those that do not help are left out [default: one per core]
    #[arg(long, value_name = "N", value_parser = resolve::threads)]
    threads: Option<usize>,
    /// Images per run
    #[arg(long, value_name = "N", default_value = "1", value_parser = resolve::batch)]
    batch: Batch,
    /// Input size in place of the model's own: a side such as 224, or WIDTHxHEIGHT
    #[arg(long, value_name = "SIZE")]
    input: Option<InputSize>,
    /// live: half a second in one process; rigorous: 8 to 30 s in several
    #[arg(long, value_name = "MODE", default_value_t)]
    mode: Mode,
    /// Also run every layer as a kernel of its own: fused kernels' times are split in that proportion
    #[arg(long)]
    apart: bool,
    /// Measure there: ssh://[user@]host[:port], or local; several times: side by side, with where each guideline's remedy
    /// makes the design faster [default: local]
    #[arg(long = "target", value_name = "TARGET")]
    targets: Vec<Target>,
    #[command(flatten)]
    program: ProgramThere,
    /// Weights to run with, .safetensors or .pth [default: an ONNX model's own, otherwise random, seeded]
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,
    #[command(flatten)]
    calibration: CalibrationArguments,
    /// Print the profile as JSON
    #[arg(long)]
    json: bool,
    /// Write the profile to this file, in the format its name ends in: .json .html .csv .md .tex .trace.json; repeatable
    #[arg(long, value_name = "FILE")]
    output: Vec<PathBuf>,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let model = resolve::model(&arguments.model, arguments.input)?;
    arguments.weights.as_deref().map(resolve::weights).transpose()?;
    let formats = arguments.output.iter().map(|path| check_output(path)).collect::<anyhow::Result<Vec<Format>>>()?;
    // Everything that can be told without a measurement is told before one is waited for.
    let calibrated = calibrated(arguments, &model)?;
    let wanted = Wanted { graph: model.graph(arguments.batch)?, model, calibrated, arguments };
    if arguments.targets.len() > 1 {
        return side_by_side::run(&wanted, arguments);
    }
    let site = Site::at(arguments.targets.first().unwrap_or(&Target::Here), &arguments.program)?;
    let (options, choice) = wanted.options(&site)?;
    let mut measuring = Measuring::new("shufflescope profile", &site);
    let mut profile_with = |runtime: Runtime| {
        wanted.profile(&site, &mut measuring, RunOptions { runtime, ..options.clone() }, "measuring")
    };
    let runtime = match choice {
        RuntimeChoice::One(runtime) => runtime,
        RuntimeChoice::Both if !arguments.output.is_empty() => {
            return Err(UsageError("--output takes one profile: choose --runtime tuned or candle".into()).into());
        }
        RuntimeChoice::Both => {
            let both = Both { tuned: profile_with(Runtime::Tuned)?, candle: profile_with(Runtime::Candle)? };
            return print(&if arguments.json { site.json(&both)? } else { site.text(both.report()) });
        }
    };
    let profile = profile_with(runtime)?;
    for (path, format) in arguments.output.iter().zip(formats) {
        profile.export(format, path)?;
    }
    match (&profile.measurement, arguments.json) {
        (Some(measurement), false) => print(&site.text(report(&profile, measurement))),
        _ => print(&profile.to_json()?),
    }
}

/// What is profiled.
pub(super) struct Wanted<'a> {
    pub model: Model,
    graph: Graph,
    /// The weights with the ranges that pictures gave them.
    calibrated: Option<Calibrated>,
    arguments: &'a Arguments,
}

/// Weights with the ranges of values that pictures gave them, in a file that is there as long as this is.
struct Calibrated {
    file: tempfile::TempPath,
    from: RangesFrom,
}

/// The model's weights with the ranges that the pictures asked for give them.
fn calibrated(arguments: &Arguments, model: &Model) -> anyhow::Result<Option<Calibrated>> {
    let usual = PreprocessingOptions::default();
    let made = arguments.calibration.inputs(arguments.precision, (model.input(), &usual))?;
    let Some(Calibration { inputs, from }) = made else { return Ok(None) };
    let graph = model.graph(Batch(1))?;
    let weights = model.weights(&graph, arguments.weights.as_deref())?;
    let threads = arguments.threads.unwrap_or_else(resolve::default_threads);
    let weights = quantise(&graph, &weights, threads, Some(&mut inputs.into_iter()))?;
    let file = tempfile::Builder::new().prefix("calibrated").suffix(".safetensors").tempfile()?.into_temp_path();
    save_safetensors(&weights, &file)?;
    Ok(Some(Calibrated { file, from }))
}

impl Wanted<'_> {
    /// How it runs at a site; refuses what cannot run there.
    pub(super) fn options(&self, site: &Site) -> anyhow::Result<(RunOptions, RuntimeChoice)> {
        let Arguments { device, runtime, precision, instruction_set, threads, batch, .. } = self.arguments;
        let mut options = RunOptions::new(*device, threads.unwrap_or_else(|| site.threads()), batch.0);
        (options.instruction_set, options.precision) = (*instruction_set, *precision);
        let choice = runtime.unwrap_or(RuntimeChoice::One(options.runtime));
        for &runtime in choice.runtimes() {
            site.can_run(&RunOptions { runtime, ..options.clone() })?;
        }
        Ok((options, choice))
    }

    /// Measures it at a site; the profile tells that machine.
    pub(super) fn profile(
        &self,
        site: &Site,
        measuring: &mut Measuring,
        options: RunOptions,
        what: &str,
    ) -> anyhow::Result<Profile> {
        let Arguments { mode, weights, apart, .. } = self.arguments;
        let weights = self.calibrated.as_ref().map(|calibrated| calibrated.file.to_path_buf()).or(weights.clone());
        let protocol = Protocol::of(*mode);
        let job = Job { design: self.model.clone(), options, protocol, weights, scatter: None };
        let mut measurement = measuring.measure(what, job.clone())?;
        if *apart {
            measurement.apart = Some(measuring.take_apart("taking kernels apart", job)?);
        }
        if let (Some(effect), Some(calibrated)) = (&mut measurement.precision_effect, &self.calibrated) {
            effect.ranges = Some(calibrated.from.to_string());
        }
        let mut profile = Profile::of_graph(&self.model, &self.graph, Some(measurement));
        if let Some(machine) = site.machine() {
            profile.machine = machine.clone();
        }
        Ok(profile)
    }
}

impl Arguments {
    /// The targets, where there are several, and the program on those behind SSH.
    pub(super) fn targets(&self) -> (&[Target], &ProgramThere) {
        (&self.targets, &self.program)
    }

    /// Refuses what is of one target only; says whether JSON is asked for.
    pub(super) fn of_several(&self) -> Result<bool, UsageError> {
        if !self.output.is_empty() {
            return Err(UsageError("--output takes one profile: name one --target, or use --json".into()));
        }
        if self.runtime == Some(RuntimeChoice::Both) {
            return Err(UsageError("--runtime both takes one --target: choose --runtime tuned or candle".into()));
        }
        Ok(self.json)
    }
}

/// The format that an output file's name asks for; refuses what cannot be written now rather than after the measurement.
fn check_output(path: &Path) -> anyhow::Result<Format> {
    let Some(format) = Format::from_path(path) else {
        let endings: Vec<_> = Format::ALL.iter().flat_map(|format| format.endings()).copied().collect();
        let problem = format!("--output {}: its name must end in one of {}", path.display(), endings.join(" "));
        return Err(UsageError(problem).into());
    };
    check_writable(path).with_context(|| format!("--output {} cannot be written", path.display()))?;
    Ok(format)
}

fn report(profile: &Profile, measurement: &Measurement) -> String {
    let Profile { design, cost, findings, .. } = profile;
    let whole = &measurement.whole;
    let mut text = super::cost::headline(design, cost);
    let gflops = 2.0 * cost.total.mult_adds.as_f64() / whole.median.as_f64().max(1.0);
    text += &format!(
        "\n{}, batch {}, {} mode\n  latency         {} ({})\n  interval        {} to {}, {}\n  \
         fastest         {}{}\n  rate            {:.1} images/s, {gflops:.1} GFLOP/s\n  samples         {} unmarked, warm-up {} runs in {}\n",
        where_it_ran(measurement),
        measurement.batch,
        measurement.mode,
        whole.median,
        whole.certainty(),
        whole.low,
        whole.high,
        measurement.interval_rests_on(),
        whole.min,
        whole.p90.map(|p90| format!(", 90 % within {p90}")).unwrap_or_default(),
        f64::from(measurement.batch) / whole.median.as_secs_f64().max(1e-12),
        whole.samples,
        measurement.warm_up.runs,
        measurement.warm_up.time,
    );
    for fact in on_device(measurement) {
        text += &format!("  {:<16}{} ({})\n", fact.name, fact.value, fact.detail);
    }
    for (cause, count) in &measurement.discarded {
        text += &format!("  set aside       {count}: {}\n", cause.name());
    }
    if let Some(breakdown) = &measurement.breakdown {
        text += &format!("\n{}", kernels(breakdown));
        text += &format!(
            "{}sum {} + unaccounted {} = marked whole {}; marking overhead {}\n",
            match breakdown.clock {
                ClockDomain::Host => "",
                ClockDomain::Device => "by the device's clock: ",
            },
            breakdown.sum,
            breakdown.unaccounted,
            breakdown.marked_whole,
            breakdown.marking_overhead.map_or_else(|| "unknown".into(), |ratio| format!("{ratio:.3}")),
        );
    }
    text += &super::apart::report(profile);
    text += &super::cost::findings(findings);
    for warning in &measurement.warnings {
        text += &format!("\nwarning: {warning}\n");
    }
    text
}

fn kernels(breakdown: &Breakdown) -> Table {
    let mut table = Table::new(&[
        ("layers", Align::Left),
        ("kernel", Align::Left),
        ("median", Align::Right),
        ("share", Align::Right),
    ]);
    for kernel in &breakdown.kernels {
        let share = kernel.median.share_of(breakdown.marked_whole);
        table.row([layers_of(kernel), kernel.what(), kernel.median.to_string(), format!("{:.1} %", 100.0 * share)]);
    }
    table
}
