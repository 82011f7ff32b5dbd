//! `shufflescope advise`: what to change next.

use serde::Serialize;
use shufflescope_engine::advise::{Advice, Counsel, Outlook};
use shufflescope_engine::design::{Design, InputSize};
use shufflescope_engine::guideline::Change;
use shufflescope_engine::runtime::RunOptions;

use super::in_turns::{Effect, effect_of, word};
use super::measuring::Measuring;
use super::output::print;
use super::predict::NothingKnown;
use super::resolve;
use super::running::{Load, Running};
use super::site::On;
use super::table::{Align, Table};

pub(super) const EXAMPLES: &str = "\
Examples:
  shufflescope calibrate --threads 1
  shufflescope advise shufflenet-v2-x1.0 --threads 1
  shufflescope advise my-design.toml --threads 1 --try 3
  shufflescope advise my-design.toml --threads 1 --json | jq '.changes[0].edit'

Every knob one step each way, what guidelines propose, and channels that cost nothing here, with the predicted change of
latency and its 90 % band. Best first: what does the most mult-adds in the same time. A guideline's remedy that does not
help on this device is called so. Channels are called free where kernels that were measured on this device say so:
\"measured\" of these very kernels, or \"predicted\" from others, which --try measures. What a change does to the accuracy
is unknown.";

/// Rows of the table without `--json`.
const SHOWN: usize = 25;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// A preset's name (see `shufflescope designs`) or a TOML file
    #[arg(value_name = "DESIGN")]
    design: String,
    #[command(flatten)]
    running: Running,
    #[command(flatten)]
    load: Load,
    #[command(flatten)]
    on: On,
    /// Input size in place of the design's own: a side such as 224, or WIDTHxHEIGHT
    #[arg(long, value_name = "SIZE")]
    input: Option<InputSize>,
    /// Measure the first N changes in turns with the design as it is
    #[arg(long = "try", value_name = "N", default_value_t = 0)]
    tries: u8,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Report {
    changes: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    #[serde(flatten)]
    advice: Advice,
    /// Whether a guideline's remedy makes the design faster on this device.
    #[serde(skip_serializing_if = "Option::is_none")]
    outlook: Option<Outlook>,
    #[serde(skip_serializing_if = "Option::is_none")]
    measured: Option<Effect>,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let mut design = resolve::design(&arguments.design, ": advice changes the settings of a preset or a TOML file")?;
    if let Some(size) = arguments.input {
        design.input = resolve::input_size(size)?;
    }
    let site = arguments.on.site()?;
    let options = arguments.running.options_at(&site, arguments.load.threads, arguments.load.batch)?;
    let mut measuring = Measuring::new("shufflescope advise", &site);
    let predictor = measuring.store.predictor(&options).ok_or_else(|| NothingKnown::of(&options))?;
    let Counsel { changes, remedies, .. } = Counsel::of(&design, &predictor, &options)?;
    let row = |advice: Advice| Row { outlook: advice.guideline.map(|_| advice.outlook()), advice, measured: None };
    let mut report = Report { changes: changes.into_iter().map(row).collect() };
    let tries = usize::from(arguments.tries).min(report.changes.len());
    for (index, row) in report.changes.iter_mut().take(tries).enumerate() {
        let what = format!("{} of {tries}: {}", index + 1, row.advice.label);
        row.measured = Some(effect_of(&mut measuring, &what, &design, &row.advice.edit, &options)?);
    }
    print(&if arguments.json { site.json(&report)? } else { site.text(text(&design, &options, &report, &remedies)) })
}

fn text(design: &Design, options: &RunOptions, report: &Report, remedies: &[Advice]) -> String {
    let mut table = Table::new(&[
        ("change", Align::Left),
        ("guideline", Align::Left),
        ("latency", Align::Right),
        ("90 % band", Align::Left),
        ("mult-adds", Align::Right),
        ("params", Align::Right),
        ("memory access", Align::Right),
        ("measured", Align::Left),
    ]);
    let of = |change: Change| percent(change.after as f64 / change.before.max(1) as f64);
    for Row { advice, measured, .. } in report.changes.iter().take(SHOWN) {
        table.row([
            advice.label.clone(),
            advice.guideline.map(|guideline| guideline.to_string()).unwrap_or_default(),
            percent(advice.predicted_ratio),
            format!("{} to {}", percent(advice.low), percent(advice.high)),
            of(advice.mult_adds),
            of(advice.params),
            of(advice.memory_access),
            measured.map_or_else(String::new, |measured| {
                let Effect { ratio, low, high, verdict } = measured;
                format!("{} ({} to {}), {}", percent(ratio), percent(low), percent(high), word(verdict))
            }),
        ]);
    }
    let more = report.changes.len().saturating_sub(SHOWN);
    let more = if more > 0 { format!("and {more} more: --json has them all\n") } else { String::new() };
    let guidelines: String = remedies.iter().map(remedy).collect();
    let free: String = report.changes.iter().filter_map(|row| free(&row.advice)).collect();
    format!("{}, predicted for {options}\n\n{table}{more}{guidelines}{free}", design.name)
}

/// What becomes of a guideline's remedy here.
fn remedy(advice: &Advice) -> String {
    let Advice { label, guideline, predicted_ratio, low, high, .. } = advice;
    let guideline = guideline.map(|guideline| guideline.to_string()).unwrap_or_default();
    let (ratio, low, high) = (percent(*predicted_ratio), percent(*low), percent(*high));
    format!("{guideline}, {label}: predicted {ratio} ({low} to {high}): {}\n", advice.outlook())
}

/// Channels that cost nothing here.
fn free(advice: &Advice) -> Option<String> {
    let free = advice.free_channels?;
    let (source, ratio) = (free.source(), percent(advice.predicted_ratio));
    Some(format!("{} cost {ratio} here ({source}): take them\n", free.about()))
}

fn percent(ratio: f64) -> String {
    format!("{:+.1} %", 100.0 * (ratio - 1.0))
}
