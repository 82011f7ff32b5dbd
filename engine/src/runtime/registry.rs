//! Who runs what where: every implementation of the operations, with the devices and precisions that it has.

use super::backend::Backend;
use super::candle::CandleBackend;
use super::cpu::CpuBackend;
use super::cuda::CudaBackend;
#[cfg(feature = "gpu")]
use super::wgpu::WgpuBackend;
use super::{Fusing, KernelPlan, RunOptions, Runtime};
use crate::device::DeviceId;
use crate::graph::Graph;

static BACKENDS: &[&dyn Backend] = &[
    &CpuBackend,
    #[cfg(feature = "gpu")]
    &WgpuBackend,
    &CudaBackend,
    &CandleBackend,
];

/// The backend that `runtime` is on `device`.
#[must_use]
pub fn backend(runtime: Runtime, device: DeviceId) -> Option<&'static dyn Backend> {
    BACKENDS.iter().copied().find(|backend| backend.runtime() == runtime && backend.runs_on(device))
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
