//! Who runs what where: every implementation of the operations, with the devices and precisions that it has.

use super::candle::CandleBackend;
use super::cpu::CpuBackend;
use super::wgpu::WgpuBackend;
use super::{Executable, Fusing, Precision, PrepareError, RunOptions, Runtime};
use crate::device::{Device, DeviceId};
use crate::graph::Graph;
use crate::units::Bytes;
use crate::weights::Weights;

/// One implementation of the operations on some devices.
pub trait Backend: Sync {
    /// The runtime that this is, on its devices.
    fn runtime(&self) -> Runtime;

    /// Whether it runs on a device, if that is there.
    fn runs_on(&self, device: DeviceId) -> bool;

    /// What it can store values in; a device may still lack one of them.
    fn precisions(&self) -> &'static [Precision];

    /// What preparing and running takes of the machine's memory besides the weights as they were read: never less than it
    /// will be. Figures above `most` are lower bounds.
    fn needed_memory(&self, graph: &Graph, how: (&RunOptions, Fusing), most: Bytes) -> Bytes;

    /// Makes a graph ready to run: planned, compiled, its weights on the device.
    ///
    /// # Errors
    /// Where weights do not fit, the device fails or lacks something, or memory does not suffice.
    fn compile(
        &self,
        graph: &Graph,
        weights: &Weights,
        device: &Device,
        how: (&RunOptions, Fusing),
    ) -> Result<Box<dyn Executable + Send>, PrepareError>;
}

/// Every backend; of those that run on a device, the first is its default.
static BACKENDS: [&dyn Backend; 3] = [&CpuBackend, &WgpuBackend, &CandleBackend];

/// The backend that `runtime` is on `device`.
#[must_use]
pub fn backend(runtime: Runtime, device: DeviceId) -> Option<&'static dyn Backend> {
    BACKENDS.into_iter().find(|backend| backend.runtime() == runtime && backend.runs_on(device))
}

/// What runs on `device` where nothing else is asked for.
pub(super) fn default_runtime(device: DeviceId) -> Runtime {
    BACKENDS.into_iter().find(|backend| backend.runs_on(device)).map_or(Runtime::Candle, Backend::runtime)
}
