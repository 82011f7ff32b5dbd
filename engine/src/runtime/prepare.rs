//! Chooses the runtime.

use super::candle::CandleExecutable;
use super::cpu::CpuExecutable;
use super::memory::check_prepared;
use super::{Executable, Fusing, PrepareError, RunOptions, Runtime};
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
    prepared(graph, weights, device, options, Fusing::Full)
}

/// As [`prepare`], with a kernel for every layer that computes ([`Fusing::Apart`]). Stock Candle never fuses: for it this
/// is the same.
///
/// # Errors
/// As [`prepare`].
pub fn prepare_apart(
    graph: &Graph,
    weights: &Weights,
    device: &Device,
    options: &RunOptions,
) -> Result<Box<dyn Executable + Send>, PrepareError> {
    prepared(graph, weights, device, options, Fusing::Apart)
}

fn prepared(
    graph: &Graph,
    weights: &Weights,
    device: &Device,
    options: &RunOptions,
    fusing: Fusing,
) -> Result<Box<dyn Executable + Send>, PrepareError> {
    check_prepared(graph, options, fusing)?;
    match options.runtime {
        Runtime::Tuned => {
            let how = (options.instruction_set, options.threads, fusing);
            Ok(Box::new(CpuExecutable::with_fusing(graph, weights, device, how)?))
        }
        Runtime::Candle => Ok(Box::new(CandleExecutable::prepare(graph, weights, device)?)),
    }
}
