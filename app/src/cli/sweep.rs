//! `shufflescope sweep`: a design at many widths, groups, batches and threads.

use std::path::PathBuf;

use serde::Serialize;
use shufflescope_engine::measure::{MeasureKey, Mode};
use shufflescope_engine::model::Model;
use shufflescope_engine::store::RunContext;
use shufflescope_engine::sweep::view::{Figure, ViewPoint, scatter};
use shufflescope_engine::sweep::{
    AxisError, PointResult, ResultsFile, ResultsFileError, Skipped, Sweep, parse_counts, parse_numbers, run_key,
};

use super::measuring::Measuring;
use super::output::{complain, print};
use super::resolve::{self, UsageError};
use super::running::{Running, patient};
use super::site::On;
use super::table::{Align, Table};
use super::user_store::UserStore;
use crate::explain;
use crate::worker::Job;

pub(super) const EXAMPLES: &str = "\
Examples:
  shufflescope sweep shufflenet-v2-x1.0 --width 0.5..2.0:0.25
  shufflescope sweep shufflenet-v1-g3-x1.0 --groups 1,2,3,4,8 --batch 1,8 --threads 1,2
  shufflescope sweep my-design.toml --batch 1,8 --results sweep.jsonl --json

Finished points are kept as they come; the same command goes on where it was stopped. Points of another machine, program
version or way of running are measured again.";

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// A preset's name or a TOML file
    design: String,
    /// Widths: 0.5,1.0 or 0.5..2.0:0.25
    #[arg(long, value_name = "LIST", value_parser = numbers)]
    width: Option<List<f64>>,
    /// Groups of the 1x1 convolutions: 1,2,4
    #[arg(long, value_name = "LIST", value_parser = counts)]
    groups: Option<List<u32>>,
    /// Images per run: 1,8
    #[arg(long, value_name = "LIST", default_value = "1", value_parser = counts)]
    batch: List<u32>,
    /// CPU threads: 1,2 or 1..4 [default: one per core]
    #[arg(long, value_name = "LIST", value_parser = counts)]
    threads: Option<List<u32>>,
    #[command(flatten)]
    running: Running,
    #[command(flatten)]
    on: On,
    /// live: up to five seconds a point; rigorous: 8 to 30 s a point, in several processes
    #[arg(long, value_name = "MODE", default_value_t)]
    mode: Mode,
    /// A file of its own to keep finished points in [default: the store in the user's data folder]
    #[arg(long, value_name = "FILE")]
    results: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// The values of an axis.
#[derive(Clone, Debug)]
struct List<T>(Vec<T>);

fn numbers(text: &str) -> Result<List<f64>, AxisError> {
    parse_numbers(text).map(List)
}

fn counts(text: &str) -> Result<List<u32>, AxisError> {
    parse_counts(text).map(List)
}

impl Arguments {
    fn axes(&self) -> Sweep {
        let list = |list: &Option<List<u32>>| list.clone().map(|List(counts)| counts).unwrap_or_default();
        Sweep {
            widths: self.width.clone().map(|List(widths)| widths).unwrap_or_default(),
            groups: list(&self.groups),
            batches: self.batch.0.clone(),
            threads: list(&self.threads).into_iter().map(|count| count as usize).collect(),
        }
    }
}

#[derive(Serialize)]
struct Report {
    points: Vec<PointResult>,
    /// Positions in `points` that no other point beats in both speed and mult-adds.
    front: Vec<usize>,
    skipped: Vec<Skipped>,
    failed: Vec<Failed>,
}

#[derive(Serialize)]
struct Failed {
    design: String,
    reason: String,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let base = resolve::design(&arguments.design, ": a sweep changes the width and groups of a preset or a TOML file")?;
    let sweep = arguments.axes();
    let site = arguments.on.site()?;
    let options = arguments.running.options_at(&site, None, shufflescope_engine::design::Batch(1))?;
    let plan = sweep.points(&base, &options).map_err(|error| UsageError(error.to_string()))?;
    if plan.points.is_empty() {
        let reasons = plan.skipped.iter().take(10).map(|skipped| format!("\n  {}", skipped.reason));
        return Err(UsageError(format!("nothing is left to measure:{}", reasons.collect::<String>())).into());
    }
    let mut finished = match &arguments.results {
        Some(path) => Finished::InFile(ResultsFile::open(path)?),
        None => Finished::InStore,
    };
    let protocol = patient(arguments.mode).on(options.device);
    let mut measuring = Measuring::new("shufflescope sweep", &site);
    let mut report = Report { points: Vec::new(), front: Vec::new(), skipped: plan.skipped, failed: Vec::new() };
    let all = plan.points.len();
    for (index, point) in plan.points.iter().enumerate() {
        let design = point.design.fingerprint();
        let key = run_key(&MeasureKey { design, options: point.options.clone(), protocol });
        let context = measuring.store.context(&point.options);
        if let Some(known) = finished.get(&mut measuring.store, &key, &context) {
            report.points.push(known);
            continue;
        }
        let job = Job {
            design: Model::Design(point.design.clone()),
            options: point.options.clone(),
            protocol,
            weights: None,
            scatter: None,
        };
        match measuring.measure(&format!("{} of {all}: {}", index + 1, point.design.name), job) {
            Ok(measurement) => {
                let result = PointResult::new(point, &measurement)?;
                finished.add(&mut measuring.store, &key, context, result.clone())?;
                report.points.push(result);
            }
            Err(error) => {
                report.failed.push(Failed { design: point.design.name.clone(), reason: explain(&error) });
            }
        }
    }
    let view = scatter(&report.points, Figure::Speed, Figure::MultAdds);
    report.front = view.iter().filter(|point| point.on_front).map(|point| point.index).collect();
    for skipped in &report.skipped {
        complain(&format!("left out: {}", skipped.reason));
    }
    for failed in &report.failed {
        complain(&format!("failed: {}: {}", failed.design, failed.reason));
    }
    print(&if arguments.json { site.json(&report)? } else { site.text(plain(&report.points, &view)) })?;
    match report.failed.len() {
        0 => Ok(()),
        failed => anyhow::bail!("{failed} of {all} points could not be measured; the others are kept"),
    }
}

/// Where finished points are.
enum Finished {
    InFile(ResultsFile<PointResult>),
    InStore,
}

impl Finished {
    fn get(&self, store: &mut UserStore, key: &str, context: &RunContext) -> Option<PointResult> {
        match self {
            Self::InFile(file) => file.get(key, context).cloned(),
            Self::InStore => store.point(key, context),
        }
    }

    fn add(
        &mut self,
        store: &mut UserStore,
        key: &str,
        context: RunContext,
        point: PointResult,
    ) -> Result<(), ResultsFileError> {
        match self {
            Self::InFile(file) => file.add(key, context, point),
            Self::InStore => {
                store.keep_point(key, context, point);
                Ok(())
            }
        }
    }
}

fn plain(points: &[PointResult], view: &[ViewPoint]) -> String {
    let mut table = Table::new(&[
        ("design", Align::Left),
        ("batch", Align::Right),
        ("threads", Align::Right),
        ("mult-adds", Align::Right),
        ("params", Align::Right),
        ("memory access", Align::Right),
        ("latency", Align::Right),
        ("", Align::Right),
        ("images/s", Align::Right),
        ("", Align::Left),
    ]);
    for (point, shown) in points.iter().zip(view) {
        table.row([
            point.design.name.clone(),
            point.at.batch.to_string(),
            point.threads_of_asked(),
            point.mult_adds.to_string(),
            point.params.to_string(),
            point.memory_access.to_string(),
            point.latency.median.to_string(),
            format!("± {:.1} %", 100.0 * point.latency.half_width()),
            format!("{:.1}", point.images_per_second),
            if shown.on_front { "front" } else { "" }.into(),
        ]);
    }
    format!("{table}\nfront: no other point computes more (mult-adds) and is faster (images/s).\n")
}
