//! `--runtime both`: our kernels beside stock Candle's, layer by layer.

use std::collections::HashMap;
use std::str::FromStr;

use serde::Serialize;
use shufflescope_engine::measure::{Breakdown, Measurement};
use shufflescope_engine::report::Profile;
use shufflescope_engine::runtime::Runtime;
use shufflescope_engine::units::Nanos;

use super::table::{Align, Table};
use super::words::{layers_of, where_it_ran};

/// What `--runtime` takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RuntimeChoice {
    /// One runtime.
    One(Runtime),
    /// Tuned and Candle, one after the other.
    Both,
}

impl RuntimeChoice {
    /// What is to run.
    pub(super) fn runtimes(&self) -> &[Runtime] {
        match self {
            Self::One(runtime) => std::slice::from_ref(runtime),
            Self::Both => &Runtime::ALL,
        }
    }
}

impl FromStr for RuntimeChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "both" {
            Ok(Self::Both)
        } else {
            text.parse().map(Self::One).map_err(|error| format!("{error}, both"))
        }
    }
}

/// The same model on both runtimes, measured one after the other; its JSON has a profile under each runtime's name.
#[derive(Debug, Serialize)]
pub(super) struct Both {
    pub tuned: Profile,
    pub candle: Profile,
}

impl Both {
    /// Headlines and a table with a row per tuned kernel, each beside the sum of Candle's kernels for the same layers; then
    /// the tuned kernels by layer where these were also measured apart (Candle's are layers already).
    pub(super) fn report(&self) -> String {
        let mut text = super::cost::headline(&self.tuned.design, &self.tuned.cost);
        let (Some(tuned), Some(candle)) = (&self.tuned.measurement, &self.candle.measurement) else { return text };
        text += "\n";
        for measurement in [tuned, candle] {
            let whole = &measurement.whole;
            text += &format!("{:<32}  {} ({})\n", where_it_ran(measurement), whole.median, whole.certainty());
        }
        text +=
            &format!("{:<32}  {:.1} times the tuned one\n", "candle", ratio(candle.whole.median, tuned.whole.median));
        if let (Some(ours), Some(theirs)) = (&tuned.breakdown, &candle.breakdown) {
            text += &format!("\n{}", side_by_side(ours, theirs));
        }
        text += &super::apart::report(&self.tuned);
        for warning in warnings(tuned, candle) {
            text += &format!("\nwarning: {warning}\n");
        }
        text
    }
}

fn side_by_side(ours: &Breakdown, theirs: &Breakdown) -> Table {
    let of_layer: HashMap<&str, Nanos> = theirs
        .kernels
        .iter()
        .flat_map(|kernel| kernel.layers.iter().map(|layer| (layer.as_str(), kernel.median)))
        .collect();
    let mut table = Table::new(&[
        ("layers", Align::Left),
        ("tuned kernel", Align::Left),
        ("tuned", Align::Right),
        ("candle", Align::Right),
        ("ratio", Align::Right),
    ]);
    for kernel in &ours.kernels {
        let candle: Nanos = kernel.layers.iter().filter_map(|layer| of_layer.get(layer.as_str()).copied()).sum();
        table.row([
            layers_of(kernel),
            kernel.label.clone(),
            kernel.median.to_string(),
            candle.to_string(),
            format!("{:.1}", ratio(candle, kernel.median)),
        ]);
    }
    table
}

fn ratio(candle: Nanos, tuned: Nanos) -> f64 {
    candle.as_f64() / tuned.as_f64().max(1.0)
}

/// The warnings of both, each with the runtime it is about.
fn warnings(tuned: &Measurement, candle: &Measurement) -> Vec<String> {
    let of = |measurement: &Measurement| {
        let runtime = measurement.runtime;
        measurement.warnings.iter().map(|warning| format!("{runtime}: {warning}")).collect::<Vec<_>>()
    };
    [of(tuned), of(candle)].concat()
}
