//! Measures networks and a twin of the first in turns, in this process.

use std::ops::ControlFlow;

use thiserror::Error;

use super::Column;
use crate::design::fnv1a_64;
use crate::device::Device;
use crate::graph::{Graph, LowerError};
use crate::measure::{Canary, Clock, InterleaveProgress, InterleaveRules, Interleaved, MeasureError, interleave};
use crate::runtime::{Executable, PrepareError, RunOptions, check_memory, prepare};
use crate::weights::Weights;

/// Why a column could not be measured.
#[derive(Debug, Error)]
pub enum ExperimentError {
    /// A network does not fit together: a mistake in this crate's tables.
    #[error(transparent)]
    Lower(#[from] LowerError),
    /// A network cannot be made ready.
    #[error(transparent)]
    Prepare(#[from] PrepareError),
    /// Measuring failed or was cancelled.
    #[error(transparent)]
    Measure(#[from] MeasureError),
}

/// Prepares `graphs` and a second copy of the first, with made-up weights, and measures them in turns into `samples`:
/// the networks in the order given, the twin behind them. The twin shows how different a network looks from itself: the
/// noise floor.
///
/// # Errors
/// Where a network cannot be prepared, a run fails, or `progress` answers `Break`. `samples` then holds the complete
/// rounds so far; they can be summarised, though fewer than 30 of them decide nothing.
pub fn measure_in_turns(
    graphs: &[Graph],
    (options, device): (&RunOptions, &Device),
    rules: &InterleaveRules,
    (clock, canary): (&dyn Clock, &mut dyn Canary),
    samples: &mut Interleaved,
    progress: &mut dyn FnMut(&InterleaveProgress<'_>) -> ControlFlow<()>,
) -> Result<(), ExperimentError> {
    let mut networks: Vec<Box<dyn Executable + Send>> = Vec::with_capacity(graphs.len() + 1);
    for graph in graphs.iter().chain(graphs.first()) {
        check_memory(graph)?;
        let weights = Weights::seeded(graph, Weights::DEFAULT_SEED);
        networks.push(prepare(graph, &weights, device, options)?);
    }
    let mut rows: Vec<&mut dyn Executable> =
        networks.iter_mut().map(|network| network.as_mut() as &mut dyn Executable).collect();
    interleave(&mut rows, &rules.on(options.device), clock, canary, samples, progress)?;
    Ok(())
}

/// The name under which a column's samples are kept: what runs, how, and by which numbers.
#[must_use]
pub fn column_run_key(column: &Column, options: &RunOptions, rules: &InterleaveRules) -> String {
    let RunOptions { device, runtime, threads, batch, instruction_set } = options;
    let isa = instruction_set.map_or_else(String::new, |isa| format!("-{isa}"));
    // `Debug` spells out the rows' channels and every number of the rules.
    let numbers = fnv1a_64(format!("{column:?} {rules:?}").as_bytes());
    format!("{} {device} {runtime}{isa} t{threads} b{batch} {numbers:016x}", column.key())
}
