//! Measures networks and a twin of the first in turns, in this process.

use std::ops::ControlFlow;

use thiserror::Error;

use super::Column;
use crate::clock::Clock;
use crate::design::fnv1a_64;
use crate::device::Device;
use crate::graph::{Graph, LowerError};
use crate::measure::{
    Canary, InterleaveProgress, InterleaveRules, Interleaved, MeasureError, NoiseFloor, PairedSamples, compare,
    interleave,
};
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
/// noise floor. Where the rules ask for several sittings all of them are prepared anew for each, in other memory.
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
    let rules = rules.on(options.device);
    let mut before = None;
    for _ in 0..rules.sittings.max(1) {
        let mut networks: Vec<Box<dyn Executable + Send>> = Vec::with_capacity(graphs.len() + 1);
        for graph in graphs.iter().chain(graphs.first()) {
            check_memory(graph, options)?;
            let weights = Weights::seeded(graph, Weights::DEFAULT_SEED);
            networks.push(prepare(graph, &weights, device, options)?);
        }
        // Those of the sitting before go only now: otherwise these would lie where those lay.
        drop(before.take());
        let mut rows: Vec<&mut dyn Executable> =
            networks.iter_mut().map(|network| network.as_mut() as &mut dyn Executable).collect();
        samples.sit_down();
        interleave(&mut rows, &rules, clock, canary, samples, progress)?;
        before = Some(networks);
    }
    Ok(())
}

/// Network `row` of what [`measure_in_turns`] took of this many networks, beside the first one and its twin.
pub(super) fn against_first(processes: &[Interleaved], networks: usize, row: usize) -> PairedSamples {
    let has_twin = processes.iter().all(|process| process.rows.len() > networks);
    let copies = [0, networks];
    PairedSamples::of(processes, if has_twin { &copies } else { &copies[..1] }, row)
}

/// How different the first of this many networks looked from its twin; `None` where no two rounds had both.
pub(super) fn twin_floor(processes: &[Interleaved], networks: usize) -> Option<NoiseFloor> {
    compare(&PairedSamples::of(processes, &[0], networks), None).ok().map(|twins| NoiseFloor::of(&twins))
}

/// The name under which a column's samples are kept: what runs, how, and by which numbers.
#[must_use]
pub fn column_run_key(column: &Column, options: &RunOptions, rules: &InterleaveRules) -> String {
    // `Debug` spells out the rows' channels and every number of the rules.
    let numbers = fnv1a_64(format!("{column:?} {rules:?}").as_bytes());
    format!("{} {} {numbers:016x}", column.key(), options.key())
}
