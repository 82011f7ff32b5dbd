//! Chooses the runtime.

use super::candle::CandleExecutable;
use super::cpu::CpuExecutable;
use super::memory::check_prepared;
use super::{Executable, Fusing, PrepareError, RunOptions, Runtime, UnsupportedRun};
use crate::device::{Device, DeviceId};
use crate::graph::Graph;
use crate::weights::Weights;

/// Makes a graph ready to run: weights on the device, buffers planned.
///
/// # Errors
/// Where weights do not fit, the device fails, memory would not suffice, or nothing has kernels for it.
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
    options.check_on(device)?;
    check_prepared(graph, options, fusing)?;
    match (options.runtime, options.device) {
        // Filled by the backend for graphics cards.
        (runtime @ Runtime::Tuned, device @ (DeviceId::Gpu(_) | DeviceId::SoftwareGpu)) => {
            Err(UnsupportedRun::Runtime { runtime, device }.into())
        }
        (Runtime::Tuned, _) => {
            let how = (options.instruction_set, options.threads, fusing);
            Ok(Box::new(CpuExecutable::with_fusing(graph, weights, device, how)?))
        }
        (Runtime::Candle, _) => Ok(Box::new(CandleExecutable::prepare(graph, weights, device)?)),
    }
}
