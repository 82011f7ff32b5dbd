//! What is remembered of the times of kernels, for commands and the window alike, so that what the one measures the
//! other predicts from.

use shufflescope_engine::design::Batch;
use shufflescope_engine::measure::{Measurement, Peaks};
use shufflescope_engine::model::Model;
use shufflescope_engine::predict::Predictor;
use shufflescope_engine::runtime::{RunOptions, plan_without_weights};
use shufflescope_engine::store::{Kept, KernelRun, Kind, RunContext, Store, StoreError, Timestamp};

/// The name of a device's peaks, of which there are one in each context.
pub(crate) const PEAKS: &str = "device";

/// What is known of a way of running is known of every batch.
pub(crate) fn way(options: &RunOptions) -> RunOptions {
    RunOptions { batch: 1, ..options.clone() }
}

/// The kernels of a finished measurement of `model`, with what `predictor` said of it before; nothing where it ran as other
/// kernels than those that are planned without its device, or was disturbed.
pub(crate) fn kernel_run(
    model: &Model,
    options: &RunOptions,
    measurement: &Measurement,
    predictor: Option<&Predictor>,
) -> Option<KernelRun> {
    let graph = model.graph(Batch(options.batch)).ok()?;
    let plan = plan_without_weights(&graph, options)?;
    let estimate = predictor.map(|predictor| predictor.predict(&graph, &plan).estimate());
    KernelRun::of(measurement, (model.name(), &graph, &plan), estimate, Timestamp::now())
}

/// What the device can do at most, where it was measured in this context.
pub(crate) fn kept_peaks(store: &Store, context: &RunContext) -> Result<Option<Peaks>, StoreError> {
    let kept: Vec<Kept<Peaks>> = store.kept(Kind::Peaks, PEAKS)?;
    Ok(kept.into_iter().rev().find(|kept| kept.context == *context).map(|kept| kept.result))
}
