//! `shufflescope table`: this target's latencies for other programs.

use std::fmt::Write as _;

use clap::ValueEnum;
use serde::Serialize;
use shufflescope_engine::predict::{BlockTable, KernelRow};
use shufflescope_engine::runtime::RunOptions;

use super::output::print;
use super::predict::NothingKnown;
use super::running::{Load, Running};
use super::site::On;
use super::user_store::UserStore;

pub(super) const EXAMPLES: &str = "\
Examples:
  shufflescope table --threads 1 > kernels.csv
  shufflescope table --threads 1 --format json | jq '.kernels[0]'
  shufflescope table --threads 1 --format ofa > latency.yaml

csv and json: every kernel that was measured here. kernel: the map that is read, then each step with the map that it makes;
median_ns: its usual time; networks: in how many it was measured; mult_adds and bytes: what it computes and moves.
ofa: blocks of MobileNet-like networks (ProxylessNAS, once-for-all, MobileNet V2; images of 128 to 224) as the YAML file
that ProxylessNASLatencyTable(url=\"latency.yaml\") of once-for-all reads; mean is in milliseconds, predicted from kernels.";

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    running: Running,
    #[command(flatten)]
    load: Load,
    #[command(flatten)]
    on: On,
    /// csv, json, or ofa: once-for-all's latency table
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = Format::Csv)]
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Csv,
    Json,
    Ofa,
}

#[derive(Serialize)]
struct Report<'a> {
    /// Device, runtime, precision, threads, batch, instruction set.
    options: &'a RunOptions,
    networks: usize,
    kernels: Vec<KernelRow>,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let site = arguments.on.site()?;
    let options = arguments.running.options_at(&site, arguments.load.threads, arguments.load.batch)?;
    let predictor = UserStore::open(&site).predictor(&options).ok_or_else(|| NothingKnown::of(&options))?;
    print(&match arguments.format {
        Format::Csv => csv(&predictor.kernel_table()),
        Format::Json => {
            let report =
                Report { options: &options, networks: predictor.networks(), kernels: predictor.kernel_table() };
            serde_json::to_string_pretty(&report)? + "\n"
        }
        Format::Ofa => BlockTable::of(&predictor, &options)?.yaml(),
    })
}

/// No cell has a comma or a quotation mark.
fn csv(rows: &[KernelRow]) -> String {
    let mut text = "kernel,median_ns,networks,mult_adds,bytes\n".to_owned();
    for KernelRow { kernel, median, networks, mult_adds, bytes } in rows {
        let _ = writeln!(text, "{kernel},{},{networks},{},{}", median.0, mult_adds.0, bytes.0);
    }
    text
}
