//! `shufflescope compare`: which of two networks is faster here, and where the difference comes from.

use anyhow::bail;
use serde::Serialize;
use shufflescope_engine::design::InputSize;
use shufflescope_engine::experiment::{Contender, PairResult};
use shufflescope_engine::measure::{Difference, InterleaveRules, LEAST_MARGIN, Measurement, Protocol};
use shufflescope_engine::model::Model;
use shufflescope_engine::report::{LayerChange, LayerDifference, LayerPair, LayerSide, LayerSource};
use shufflescope_engine::runtime::RunOptions;

use super::measuring::Measuring;
use super::output::print;
use super::resolve;
use super::running::{Load, Running};
use super::site::On;
use super::table::{Align, Table};
use super::words::way_of_running;
use crate::worker::{Contest, Job, TurnsJob};

pub(super) const EXAMPLES: &str = "\
Examples:
  shufflescope compare shufflenet-v2-x1.0 mobilenet-v2-x1.0
  shufflescope compare before.toml after.toml --threads 1 --fail-if-slower 5%
  shufflescope compare model.onnx shufflenet-v2-x1.5 --json | jq .comparison

Both are measured in turns in one process after the other, with a second copy of A that shows how different a network
looks from itself. B is faster or slower only where the whole interval of the ratio clears that, and at least 1 %; they
are the same only where it lies within 1 %, so that a noisy machine says undecided. With two processes, Student's t asks
for an interval seven times as wide as with five, and with three for twice as wide.

Exit codes: 0 done, 1 it could not be done or B is slower than --fail-if-slower allows, 2 the command line is wrong.";

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The one to compare with: a preset's or network's name, a TOML or an ONNX file
    a: String,
    /// The one that is judged
    b: String,
    /// Exit with 1 where B is surely slower than A by more than this share, such as 5%
    #[arg(long, value_name = "SHARE", value_parser = share)]
    fail_if_slower: Option<f64>,
    #[command(flatten)]
    running: Running,
    #[command(flatten)]
    load: Load,
    #[command(flatten)]
    on: On,
    /// Input size of both in place of their own: a side such as 224, or WIDTHxHEIGHT
    #[arg(long, value_name = "SIZE")]
    input: Option<InputSize>,
    /// Fresh processes that share the rounds; one alone prepares its networks five times
    #[arg(long, value_name = "N", default_value = "5", value_parser = clap::value_parser!(u8).range(1..=20))]
    processes: u8,
    /// Print the comparison as JSON
    #[arg(long)]
    json: bool,
}

/// `5%` or `0.05`.
fn share(text: &str) -> Result<f64, String> {
    let number = |text: &str| text.trim().parse::<f64>().ok();
    let share = match text.strip_suffix('%') {
        Some(percent) => number(percent).map(|percent| percent / 100.0),
        None => number(text),
    };
    match share {
        Some(share) if (0.0..=10.0).contains(&share) => Ok(share),
        _ => Err("must be a share such as 5% or 0.05, from 0 to 1000%".into()),
    }
}

#[derive(Serialize)]
struct Report {
    #[serde(flatten)]
    pair: PairResult,
    layers: LayerDifference,
    /// The share allowed, and whether B keeps to it; absent where nothing was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<Limit>,
}

#[derive(Serialize)]
struct Limit {
    fail_if_slower: f64,
    is_slower: bool,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let [a, b] = [&arguments.a, &arguments.b].map(|word| resolve::model(word, arguments.input));
    let (a, b) = (a?, b?);
    let site = arguments.on.site()?;
    let options = arguments.running.options_at(&site, arguments.load.threads, arguments.load.batch)?;
    let graphs = [a.graph(arguments.load.batch)?, b.graph(arguments.load.batch)?];

    let mut measuring = Measuring::new("shufflescope compare", &site);
    let processes = usize::from(arguments.processes);
    let rules = InterleaveRules::in_processes(processes);
    let contest = Contest::Pair { a: Box::new(a.clone()), b: Box::new(b.clone()) };
    let job = TurnsJob { networks: contest, options: options.clone(), rules, processes };
    let rounds = measuring.take_turns("comparing", job)?;
    let floor = measuring.store.floor(&options);
    let pair = PairResult::new([&graphs[0], &graphs[1]], &options, &rules, &rounds, floor)?;
    measuring.store.note_floor(&options, pair.noise_floor);

    let [layers_a, layers_b] =
        [("layers of A", a), ("layers of B", b)].map(|(what, model)| layers(&mut measuring, what, model, &options));
    let (layers_a, layers_b) = (layers_a?, layers_b?);
    let layers = LayerDifference::between(
        LayerSource { graph: &graphs[0], breakdown: layers_a.breakdown.as_ref() },
        LayerSource { graph: &graphs[1], breakdown: layers_b.breakdown.as_ref() },
    );
    let limit = arguments
        .fail_if_slower
        .map(|share| Limit { fail_if_slower: share, is_slower: pair.comparison.is_slower_by_more_than(share) });
    let report = Report { pair, layers, limit };
    print(&if arguments.json { site.json(&report)? } else { site.text(report.text()) })?;
    match report.limit {
        Some(Limit { fail_if_slower, is_slower: true }) => {
            let (a, b) = (&report.pair.a.name, &report.pair.b.name);
            bail!("{b} is slower than {a} by more than {:.1} %", 100.0 * fail_if_slower)
        }
        _ => Ok(()),
    }
}

/// Where the time of one network goes.
fn layers(measuring: &mut Measuring, what: &str, design: Model, options: &RunOptions) -> anyhow::Result<Measurement> {
    let protocol = Protocol::live();
    measuring.measure(what, Job { design, options: options.clone(), protocol, weights: None, scatter: None })
}

impl Report {
    fn text(&self) -> String {
        let PairResult { a, b, comparison, noise_floor, .. } = &self.pair;
        let PairResult { runtime, instruction_set, precision, device, threads, batch, .. } = self.pair;
        let way = way_of_running((runtime, instruction_set, precision), device, threads);
        let mut text = format!("{way}, batch {batch}\n\n{}", totals(a, b));
        let ratio = &comparison.ratio;
        text += &format!(
            "\nB takes {:.3} times as long as A (95 % interval {:.3} to {:.3}, {})\n",
            ratio.ratio,
            ratio.low,
            ratio.high,
            comparison.effort()
        );
        let floor = noise_floor.map_or_else(|| "unknown".into(), |floor| format!("{:.1} %", 100.0 * floor.share));
        text += &format!(
            "verdict: {} (faster and slower have to clear {:.1} %, the same lies within {:.0} %; A differed from its own \
             copy by {floor})\n",
            sentence(comparison.verdict, &a.name, &b.name),
            100.0 * comparison.margin,
            100.0 * LEAST_MARGIN,
        );
        text + &format!("\n{}", layer_table(&self.layers))
    }
}

fn sentence(verdict: Difference, a: &str, b: &str) -> String {
    match verdict {
        Difference::Faster => format!("{b} is faster than {a}"),
        Difference::Slower => format!("{b} is slower than {a}"),
        Difference::Same => "there is no difference of 1 %".into(),
        Difference::Undecided => "undecided: measure longer, or on a quieter machine".into(),
    }
}

fn totals(a: &Contender, b: &Contender) -> Table {
    let mut table = Table::new(&[
        ("", Align::Left),
        ("network", Align::Left),
        ("mult-adds", Align::Right),
        ("params", Align::Right),
        ("memory access", Align::Right),
        ("latency", Align::Right),
        ("95 % interval", Align::Left),
    ]);
    for (side, of) in [("A", a), ("B", b)] {
        table.row([
            side.into(),
            of.name.clone(),
            of.mult_adds.to_string(),
            of.params.to_string(),
            of.memory_access.to_string(),
            of.latency.median.to_string(),
            format!("{} to {}", of.latency.low, of.latency.high),
        ]);
    }
    table
}

/// Every kernel's first layer, and every layer that differs.
fn layer_table(layers: &LayerDifference) -> Table {
    let mut table = Table::new(&[
        ("", Align::Left),
        ("A", Align::Left),
        ("", Align::Left),
        ("time", Align::Right),
        ("B", Align::Left),
        ("", Align::Left),
        ("time", Align::Right),
    ]);
    let has_time = |side: &Option<LayerSide>| side.as_ref().is_some_and(|side| side.time.is_some());
    let worth_a_line = |row: &&LayerPair| row.change != LayerChange::Same || has_time(&row.a) || has_time(&row.b);
    for row in layers.rows.iter().filter(worth_a_line) {
        let mark = match row.change {
            LayerChange::Same => "",
            LayerChange::Changed => "~",
            LayerChange::OnlyInA => "-",
            LayerChange::OnlyInB => "+",
        };
        let cells = |side: &Option<LayerSide>| match side {
            None => [String::new(), String::new(), String::new()],
            Some(side) => [
                side.cost.path.clone(),
                format!("{} {}", side.cost.op, side.cost.output),
                side.time.map(|time| time.to_string()).unwrap_or_default(),
            ],
        };
        table.row([mark.to_owned()].into_iter().chain(cells(&row.a)).chain(cells(&row.b)));
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_a_percentage_or_a_fraction() {
        assert_eq!(share("5%"), Ok(0.05));
        assert_eq!(share("0.05"), Ok(0.05));
        assert_eq!(share("12.5 %"), Ok(0.125));
        for wrong in ["", "%", "-1%", "5 percent", "nan", "2000%"] {
            assert!(share(wrong).is_err(), "{wrong}");
        }
    }
}
