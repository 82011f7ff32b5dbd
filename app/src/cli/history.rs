//! `shufflescope history`: how long designs took over dates and versions.

use anyhow::Context;
use serde::Serialize;
use shufflescope_engine::design::InputSize;
use shufflescope_engine::store::{HistoryRow, Opened, Store};

use super::output::{complain, print};
use super::resolve;
use super::table::{Align, Table};

pub(super) const EXAMPLES: &str = "\
Examples:
  shufflescope history
  shufflescope history shufflenet-v2-x1.0
  shufflescope history mine.toml --json | jq '.rows[-1].median_ns'

Every finished measurement of `profile`, `sweep`, `zoo`, `compare` and the window is a row. The ratio stands beside the
last run before it of the same design on the same machine and device in the same way, by whatever version.";

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// A preset's or network's name, a TOML file, or an ONNX model [default: everything that was measured]
    #[arg(value_name = "MODEL")]
    model: Option<String>,
    /// Input size in place of the model's own: a side such as 224, or WIDTHxHEIGHT
    #[arg(long, value_name = "SIZE", requires = "model")]
    input: Option<InputSize>,
    /// Print JSON: the rows, newest last
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Report {
    rows: Vec<HistoryRow>,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let model = arguments.model.as_deref().map(|word| resolve::model(word, arguments.input)).transpose()?;
    let folder = crate::data_folder().context("this system has no data folder, so nothing is remembered")?;
    let Opened { store, damaged } = Store::open(&folder)?;
    if let Some(damaged) = damaged {
        complain(&format!("warning: {damaged}"));
    }
    let rows = store.history(model.as_ref().map(|model| model.fingerprint()).as_ref())?;
    if rows.is_empty() {
        let (what, word) = model.as_ref().map_or(("nothing", "shufflenet-v2-x1.0"), |model| {
            (model.name(), arguments.model.as_deref().unwrap_or_default())
        });
        complain(&format!("{what} was measured here yet: `shufflescope profile {word}` makes a first row"));
    }
    print(&if arguments.json { serde_json::to_string_pretty(&Report { rows })? + "\n" } else { plain(&rows) })
}

/// A table for every design and machine, in the order of their last runs.
fn plain(rows: &[HistoryRow]) -> String {
    let mut groups: Vec<(&HistoryRow, Vec<usize>)> = Vec::new();
    for (index, row) in rows.iter().enumerate().rev() {
        let of = |row: &HistoryRow| (row.design.clone(), row.machine.clone());
        match groups.iter_mut().find(|(first, _)| of(first) == of(row)) {
            Some((_, group)) => group.push(index),
            None => groups.push((row, vec![index])),
        }
    }
    let tables = groups.into_iter().rev().map(|(last, group)| {
        let HistoryRow { model, design, machine, .. } = last;
        format!("{model} (design {design}) on {machine}\n{}", table(rows, group.into_iter().rev()))
    });
    tables.collect::<Vec<_>>().join("\n")
}

fn table(rows: &[HistoryRow], of: impl Iterator<Item = usize>) -> Table {
    let mut table = Table::new(&[
        ("when (UTC)", Align::Left),
        ("version", Align::Left),
        ("device", Align::Left),
        ("ran as", Align::Left),
        ("mode", Align::Left),
        ("latency", Align::Right),
        ("interval", Align::Left),
        ("to the run before", Align::Right),
    ]);
    for index in of {
        let Some((earlier, [row, ..])) = rows.split_at_checked(index) else { continue };
        let HistoryRow { when, version, device, options, median, low, high, .. } = row;
        table.row([
            when.minute(),
            version.clone(),
            device.clone(),
            format!("{}, {}", row.way(), options.precision),
            options.mode.clone(),
            median.to_string(),
            format!("{low} to {high}"),
            row.ratio_to_last(earlier).map_or_else(|| "-".into(), |ratio| format!("{ratio:.3}")),
        ]);
    }
    table
}
