//! Who runs what where: every implementation of the operations, with the devices and precisions that it has.

use super::candle::CandleBackend;
use super::cpu::CpuBackend;
use super::cuda::CudaBackend;
use super::wgpu::WgpuBackend;
use super::{Executable, Fusing, KernelPlan, Precision, PrepareError, RunOptions, Runtime};
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

    /// The kernels that a graph is cut into, in launch order; needs neither weights nor the device. Where a device decides
    /// by what it has measured what it fuses, this is what it does before it has.
    fn plan(&self, graph: &Graph, how: (&RunOptions, Fusing)) -> KernelPlan;

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

static BACKENDS: [&dyn Backend; 4] = [&CpuBackend, &WgpuBackend, &CudaBackend, &CandleBackend];

/// The backend that `runtime` is on `device`.
#[must_use]
pub fn backend(runtime: Runtime, device: DeviceId) -> Option<&'static dyn Backend> {
    BACKENDS.into_iter().find(|backend| backend.runtime() == runtime && backend.runs_on(device))
}

/// The kernels that these options cut `graph` into, without compiling it; `None` where nothing runs it so.
#[must_use]
pub fn plan_without_weights(graph: &Graph, options: &RunOptions) -> Option<KernelPlan> {
    let backend = backend(options.runtime, options.device)?;
    Some(backend.plan(graph, (options, Fusing::Full)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_a_backend_for_whatever_a_runtime_says_it_runs() {
        let devices = [
            DeviceId::Cpu,
            DeviceId::Gpu(0),
            DeviceId::Gpu(7),
            DeviceId::SoftwareGpu,
            DeviceId::Cuda(0),
            DeviceId::Metal(1),
        ];
        for device in devices {
            for runtime in Runtime::ALL {
                let found = backend(runtime, device);
                assert_eq!(found.is_some(), runtime.runs_on(device), "{runtime} on {device}");
                let precisions = found.map(|backend| backend.precisions());
                assert!(precisions.is_none_or(|precisions| precisions == runtime.precisions_on(device)));
            }
            assert!(backend(Runtime::default_on(device), device).is_some());
        }
    }
}
