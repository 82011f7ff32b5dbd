//! Chooses the runtime.

use super::candle::CandleExecutable;
use super::tuned::TunedExecutable;
use super::{Executable, PrepareError, RunOptions, Runtime, check_memory};
use crate::device::Device;
use crate::graph::Graph;
use crate::weights::Weights;

/// Makes a graph ready to run: weights on the device, buffers planned.
///
/// # Errors
/// Where weights do not fit, the device fails, or memory would not suffice.
pub fn prepare(
    graph: &Graph,
    weights: &Weights,
    device: &Device,
    options: &RunOptions,
) -> Result<Box<dyn Executable + Send>, PrepareError> {
    check_memory(graph)?;
    match options.runtime {
        Runtime::Tuned => {
            let tuned = TunedExecutable::prepare(graph, weights, device, options.instruction_set, options.threads)?;
            Ok(Box::new(tuned))
        }
        Runtime::Candle => Ok(Box::new(CandleExecutable::prepare(graph, weights, device)?)),
    }
}
