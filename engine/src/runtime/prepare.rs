//! Makes a graph ready to run with the backend that the options name.

use super::memory::check_prepared;
use super::{Executable, Fusing, PrepareError, RunOptions, UnsupportedRun, backend};
use crate::device::{Device, DeviceId, keep_to_fastest};
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
    let RunOptions { runtime, device: id, threads, .. } = *options;
    if id == DeviceId::Cpu {
        // Before the runtime starts its own, which stay where this one is.
        keep_to_fastest(threads);
    }
    let backend = backend(runtime, id).ok_or(UnsupportedRun::Runtime { runtime, device: id })?;
    backend.compile(graph, weights, device, (options, fusing))
}
