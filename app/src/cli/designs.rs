//! `shufflescope designs`: the networks that are built in.

use shufflescope_engine::cost::total_cost;
use shufflescope_engine::design::Batch;
use shufflescope_engine::graph::lower;
use shufflescope_engine::zoo;

use super::output::print;
use super::resolve;
use super::table::{Align, Table};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Print this design's TOML form instead: the start of a design of your own
    #[arg(long, value_name = "DESIGN")]
    toml: Option<String>,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    if let Some(word) = &arguments.toml {
        return print(&resolve::design(word, ", so it has no TOML form")?.to_toml()?);
    }
    let mut table = Table::new(&[
        ("name", Align::Left),
        ("mult-adds", Align::Right),
        ("params", Align::Right),
        ("published top-1 error", Align::Right),
        ("about", Align::Left),
    ]);
    for preset in zoo::presets() {
        let cost = total_cost(&lower(&preset.design, Batch(1))?);
        let error = preset.published.and_then(|published| published.top1_error_percent);
        table.row([
            preset.design.name.clone(),
            cost.mult_adds.to_string(),
            cost.params.to_string(),
            error.map_or_else(|| "-".into(), |percent| format!("{percent:.1} %")),
            preset.about.into(),
        ]);
    }
    for network in zoo::networks() {
        let cost = total_cost(&network.graph(network.input, Batch(1))?);
        let error = network.published.and_then(|published| published.top1_error_percent);
        table.row([
            network.name.into(),
            cost.mult_adds.to_string(),
            cost.params.to_string(),
            error.map_or_else(|| "-".into(), |percent| format!("{percent:.1} %")),
            format!("{}; a graph, not a design", network.about),
        ]);
    }
    print(&table.to_string())
}
