//! `shufflescope lab`: the paper's controlled experiments on this machine.

use std::str::FromStr;

use serde::Serialize;
use shufflescope_engine::experiment::{
    Cell, Evidence, Experiment, ExperimentResult, MeasuredColumn, RateInterval, Scale, markdown,
};
use shufflescope_engine::measure::InterleaveRules;
use shufflescope_engine::runtime::RunOptions;

use super::measuring::Measuring;
use super::output::{complain, print};
use super::running::{Load, Running};
use super::site::On;
use super::table::{Align, Table};
use super::words::way_of_running;
use crate::worker::{ColumnChoice, Contest, TurnsJob};

pub(super) const EXAMPLES: &str = "\
Examples:
  shufflescope lab g1
  shufflescope lab g2 --scale 2 --threads 1
  shufflescope lab all --markdown > report.md
  shufflescope lab units --json | jq .verdict

g1 to g4 are Tables 1 to 4 of the paper, units is its appendix Table 1 b. The rows of a column are measured in turns, so
that whatever the machine does meanwhile meets all of them. A verdict (holds, does-not-hold, undecided) comes from the
intervals of the ratios to the first row, never from a single number.";

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// g1, g2, g3, g4, units, or all of them
    experiment: Which,
    /// By how much the channels are multiplied: 1, 2 or 4
    #[arg(long, value_name = "N", default_value = "1")]
    scale: Scale,
    #[command(flatten)]
    running: Running,
    #[command(flatten)]
    load: Load,
    #[command(flatten)]
    on: On,
    /// Fresh processes that share the rounds of every column; one alone prepares its networks five times
    #[arg(long, value_name = "N", default_value = "5", value_parser = clap::value_parser!(u8).range(1..=20))]
    processes: u8,
    /// Print JSON: one result, or `experiments` for all
    #[arg(long, conflicts_with = "markdown")]
    json: bool,
    /// Print Markdown
    #[arg(long)]
    markdown: bool,
}

#[derive(Clone, Copy, Debug)]
enum Which {
    One(Experiment),
    All,
}

impl FromStr for Which {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "all" { Ok(Self::All) } else { text.parse().map(Self::One).map_err(|error| format!("{error}, all")) }
    }
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let site = arguments.on.site()?;
    let options = arguments.running.options_at(&site, arguments.load.threads, arguments.load.batch)?;
    let experiments = match arguments.experiment {
        Which::One(experiment) => vec![experiment],
        Which::All => Experiment::ALL.to_vec(),
    };
    let mut bench = Bench {
        measuring: Measuring::new("shufflescope lab", &site),
        options,
        scale: arguments.scale,
        processes: arguments.processes.into(),
        columns: experiments.iter().map(|&of| ColumnChoice::all(of, arguments.scale).count()).sum(),
        done: 0,
    };
    let results = experiments.iter().map(|&of| bench.measure(of)).collect::<anyhow::Result<Vec<_>>>()?;
    let text = match (arguments.json, arguments.markdown, results.as_slice()) {
        (true, _, [one]) => site.json(one)?,
        (true, _, _) => site.json(&All { experiments: results })?,
        (_, true, _) => site.text(results.iter().map(markdown::section).collect::<Vec<_>>().join("\n")),
        _ => site.text(results.iter().map(plain).collect::<Vec<_>>().join("\n")),
    };
    print(&text)
}

#[derive(Serialize)]
struct All {
    experiments: Vec<ExperimentResult>,
}

/// Measures column after column.
struct Bench {
    measuring: Measuring,
    options: RunOptions,
    scale: Scale,
    processes: usize,
    columns: usize,
    done: usize,
}

impl Bench {
    fn measure(&mut self, experiment: Experiment) -> anyhow::Result<ExperimentResult> {
        let rules = InterleaveRules::in_processes(self.processes);
        let mut measured = Vec::new();
        for choice in ColumnChoice::all(experiment, self.scale) {
            let Some(column) = choice.column() else { continue };
            self.done += 1;
            let what = format!("{} ({} of {})", column.key(), self.done, self.columns);
            let (options, processes) = (self.options.clone(), self.processes);
            let job = TurnsJob { networks: Contest::Column(choice), options, rules, processes };
            let processes = self.measuring.take_turns(&what, job)?;
            measured.push(MeasuredColumn {
                column,
                processes,
                stored_floor: self.measuring.store.floor(&self.options),
            });
        }
        let result = ExperimentResult::new(experiment, &self.options, &rules, &measured)?;
        for column in &result.columns {
            self.measuring.store.note_floor(&self.options, column.noise_floor);
        }
        complain(&format!("{experiment}: {}", result.verdict));
        Ok(result)
    }
}

/// The result for a terminal.
fn plain(result: &ExperimentResult) -> String {
    let ExperimentResult { title, set_up, source, batch, .. } = result;
    let how = (result.runtime, result.instruction_set, result.precision);
    let way = way_of_running(how, result.device, result.threads);
    let mut text = format!("{title}\n{set_up}. {source}.\n{way}, batch {batch}\n");
    for (column, of_column) in result.by_column() {
        text += &format!(
            "\n{}: {} ({} rounds, intervals have to clear {:.1} %)\n{}",
            column.heading,
            column.verdict,
            column.rounds,
            100.0 * column.margin,
            table(of_column)
        );
    }
    text += &format!("\nVerdict: {} on this device. {}\n", result.verdict, result.rule);
    for choice in &result.choices {
        text += &format!("  our choice: {choice}\n");
    }
    text
}

fn table(cells: &[Cell]) -> Table {
    let mut table = Table::new(&[
        ("", Align::Left),
        ("channels", Align::Left),
        ("mult-adds", Align::Right),
        ("memory access", Align::Right),
        ("here, batches/s", Align::Right),
        ("95 % interval", Align::Right),
        ("ratio", Align::Right),
        ("evidence", Align::Left),
        ("paper GPU", Align::Right),
        ("ratio", Align::Right),
        ("paper ARM", Align::Right),
        ("ratio", Align::Right),
    ]);
    for cell in cells {
        let ours = |of: fn(&RateInterval) -> String| cell.ours.as_ref().map_or_else(|| "-".into(), of);
        table.row([
            cell.label.clone(),
            cell.channels.clone(),
            cell.mult_adds.to_string(),
            cell.memory_access.to_string(),
            ours(|rate| format!("{:.1}", rate.batches_per_second)),
            ours(|rate| format!("{:.1} to {:.1}", rate.low, rate.high)),
            cell.ours_ratio.map_or_else(|| "1".into(), |ratio| format!("{:.3}", ratio.ratio)),
            cell.evidence.map_or("", Evidence::name).into(),
            cell.paper_gpu.rate.to_string(),
            format!("{:.2}", cell.paper_gpu.ratio),
            cell.paper_arm.rate.to_string(),
            format!("{:.2}", cell.paper_arm.ratio),
        ]);
    }
    table
}
