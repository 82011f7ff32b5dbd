//! `shufflescope search`: the designs that do the most within a latency.

use std::path::PathBuf;
use std::time::Instant;

use clap::ValueEnum;
use serde::Serialize;
use shufflescope_engine::design::{Design, Family, InputSize};
use shufflescope_engine::measure::MedianRange;
use shufflescope_engine::runtime::RunOptions;
use shufflescope_engine::search::{Capacity, Found, Goal, front, starts};
use shufflescope_engine::units::{MultAdds, Nanos, Params};
use shufflescope_engine::zoo;

use super::measuring::Measuring;
use super::output::print;
use super::quantities;
use super::resolve;
use super::running::{Load, Running};
use super::search_folder::{Folder, State, file_name};
use super::site::On;
use super::table::{Align, Table};
use crate::worker::SearchJob;

pub(super) const EXAMPLES: &str = "\
Examples:
  shufflescope search --budget 2ms --threads 1 -o found
  shufflescope search --budget 2ms --family mobilenet-v2 --at-most-params 3M --seconds 300 -o found
  shufflescope search --budget 800us --from my-design.toml --most params -o found --json | jq '.front[-1]'

Turns knobs of published designs or of yours, predicts what comes of it, and measures the most promising ones in turns, ten
together; what their kernels took improves the predictions. Input, classes, strides and activations stay as they are. Where
little is known of this way of running, up to a quarter of the time goes into learning what kernels take: no `calibrate` is
needed before.

The front: measured designs, the upper end of each interval within the budget, of which none is slower and has less than
another one. Each is a TOML file in the folder. The same command with the same folder goes on with what is there; Ctrl+C
loses the ten that are being measured. How accurate a found design would be is unknown: mult-adds and parameters do not tell.

Exit codes: 0 done, 1 it could not be done or nothing was found within the budget, 2 the command line is wrong.";

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Latency that no design on the front is above, such as 2ms or 800us
    #[arg(long, value_name = "TIME", value_parser = quantities::time)]
    budget: Nanos,
    /// Start from the published widths of a family
    #[arg(long, value_enum, default_value_t = FamilyChoice::ShufflenetV2)]
    family: FamilyChoice,
    /// Start from this design instead: a preset's name or a TOML file
    #[arg(long, value_name = "DESIGN", conflicts_with = "family")]
    from: Option<String>,
    /// Leave out designs with fewer mult-adds, such as 140M
    #[arg(long, value_name = "COUNT", value_parser = quantities::count)]
    at_least_mult_adds: Option<u64>,
    /// Leave out designs with more parameters, such as 3M
    #[arg(long, value_name = "COUNT", value_parser = quantities::count)]
    at_most_params: Option<u64>,
    /// What a design is to have most of
    #[arg(long, value_enum, default_value_t = MostOf::MultAdds)]
    most: MostOf,
    /// How long to search
    #[arg(long, value_name = "N", default_value = "60", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    seconds: u64,
    /// Decides every choice that is left to chance
    #[arg(long, value_name = "N", default_value = "2018")]
    seed: u64,
    /// Where the designs go
    #[arg(short = 'o', long = "output", value_name = "FOLDER")]
    folder: PathBuf,
    #[command(flatten)]
    running: Running,
    #[command(flatten)]
    load: Load,
    #[command(flatten)]
    on: On,
    /// Input size of all designs: a side such as 224, or WIDTHxHEIGHT
    #[arg(long, value_name = "SIZE")]
    input: Option<InputSize>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum FamilyChoice {
    ShufflenetV2,
    ShufflenetV1,
    MobilenetV2,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum MostOf {
    MultAdds,
    Params,
}

#[derive(Serialize)]
struct Report {
    front: Vec<Row>,
    /// Designs that were looked at, by all runs with this folder.
    evaluated: usize,
    /// Designs that were measured, on the front or not.
    measured: usize,
    seconds: f64,
}

#[derive(Serialize)]
struct Row {
    /// Within the folder.
    file: String,
    mult_adds: MultAdds,
    params: Params,
    predicted_ns: Nanos,
    #[serde(flatten)]
    latency: MedianRange,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let goal = Goal {
        budget: arguments.budget,
        at_least_mult_adds: arguments.at_least_mult_adds.map(MultAdds),
        at_most_params: arguments.at_most_params.map(Params),
        most: match arguments.most {
            MostOf::MultAdds => Capacity::MultAdds,
            MostOf::Params => Capacity::Params,
        },
    };
    let starts = starting_designs(arguments)?;
    let site = arguments.on.site()?;
    let options = arguments.running.options_at(&site, arguments.load.threads, arguments.load.batch)?;
    let mut measuring = Measuring::new("shufflescope search", &site);
    let new = State {
        goal,
        starts: starts.iter().map(Design::fingerprint).collect(),
        context: measuring.store.context(&options),
        evaluated: 0,
        seconds: 0.0,
        found: Vec::new(),
    };
    let mut folder = Folder::open(&arguments.folder, new)?;
    let job = SearchJob {
        goal,
        starts,
        time: Nanos::from_secs(arguments.seconds),
        seed: arguments.seed,
        known: Vec::new(),
        peaks: measuring.store.peaks(&options),
        found: folder.state.found.clone(),
        options: options.clone(),
    };
    let job = job.with_known(measuring.store.kernel_runs(&options));
    let (begin, evaluated, seconds) = (Instant::now(), folder.state.evaluated, folder.state.seconds);
    let stand = |state: &mut State, looked_at: usize| {
        (state.evaluated, state.seconds) = (evaluated + looked_at, seconds + begin.elapsed().as_secs_f64());
    };
    measuring.search(&format!("within {}", goal.budget), job, |found, looked_at| {
        stand(&mut folder.state, looked_at);
        if found.is_empty() {
            return Ok(());
        }
        folder.state.found.extend(found);
        folder.save()
    })?;
    folder.save()?;
    let state = &folder.state;
    let on_front: Vec<&Found> = front(&goal, &state.found).into_iter().map(|at| &state.found[at]).collect();
    if on_front.is_empty() {
        return Err(nothing_found(state));
    }
    let report = Report {
        front: on_front.iter().map(|found| Row::of(found)).collect(),
        evaluated: state.evaluated,
        measured: state.found.len(),
        seconds: state.seconds,
    };
    print(&if arguments.json { site.json(&report)? } else { site.text(text(state, &options, &report)) })
}

fn starting_designs(arguments: &Arguments) -> anyhow::Result<Vec<Design>> {
    let input = arguments.input.map(resolve::input_size).transpose()?;
    let family = match arguments.family {
        FamilyChoice::ShufflenetV2 => Family::ShufflenetV2,
        FamilyChoice::ShufflenetV1 => Family::ShufflenetV1,
        FamilyChoice::MobilenetV2 => Family::MobilenetV2,
    };
    let Some(word) = &arguments.from else { return Ok(starts(family, input)) };
    let mut design = resolve::design(word, ": a search changes the settings of a preset or a TOML file")?;
    design.input = input.unwrap_or(design.input);
    Ok(vec![design])
}

fn nothing_found(state: &State) -> anyhow::Error {
    let fastest = state.found.iter().map(|found| found.latency).min_by_key(|latency| latency.high);
    let fastest = fastest.map_or_else(String::new, |latency| format!(" (the fastest takes {latency})"));
    anyhow::anyhow!(
        "none of {} measured designs is within {} and the bounds{fastest}: allow a larger --budget, fewer --at-least-mult-adds \
         or more --at-most-params, or go on with more --seconds",
        state.found.len(),
        state.goal.budget,
    )
}

impl Row {
    fn of(found: &Found) -> Self {
        let Found { design, mult_adds, params, predicted, latency } = found;
        Self {
            file: file_name(design),
            mult_adds: *mult_adds,
            params: *params,
            predicted_ns: *predicted,
            latency: *latency,
        }
    }
}

/// The published top-1 error of a design that is a preset as it was published.
fn published_error(design: &Design) -> Option<f64> {
    let preset = zoo::find(&design.name).filter(|preset| preset.design.fingerprint() == design.fingerprint())?;
    preset.published?.top1_error_percent
}

fn text(state: &State, options: &RunOptions, report: &Report) -> String {
    let columns = [
        ("design", Align::Left),
        ("mult-adds", Align::Right),
        ("params", Align::Right),
        ("predicted", Align::Right),
        ("measured", Align::Left),
        ("top-1 error", Align::Left),
    ];
    let row = |found: &Found| {
        let error = published_error(&found.design)
            .map_or_else(|| "unknown".into(), |error| format!("{error:.1} % (published)"));
        let Found { design, mult_adds, params, predicted, latency } = found;
        [
            design.name.clone(),
            mult_adds.to_string(),
            params.to_string(),
            predicted.to_string(),
            latency.to_string(),
            error,
        ]
    };
    let mut table = Table::new(&columns);
    let on_front = front(&state.goal, &state.found);
    on_front.iter().for_each(|&at| table.row(row(&state.found[at])));
    let Goal { budget, most, .. } = state.goal;
    let mut text = format!("the most {most} within {budget}, measured with {options}\n\n{table}");
    let beside = |at: &usize| !on_front.contains(at) && published_error(&state.found[*at].design).is_some();
    let beside: Vec<usize> = (0..state.found.len()).filter(beside).collect();
    if !beside.is_empty() {
        let mut table = Table::new(&columns);
        beside.into_iter().for_each(|at| table.row(row(&state.found[at])));
        text += &format!("\npublished, beaten or above the budget:\n{table}");
    }
    text += &format!(
        "\n{} designs on the front, {} measured, {} looked at, {:.0} s\nHow accurate a found design would be is unknown.\n",
        report.front.len(),
        report.measured,
        report.evaluated,
        report.seconds,
    );
    text
}
