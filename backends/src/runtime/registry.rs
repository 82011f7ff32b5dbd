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

/// A device of every kind that has kernels of its own.
const KINDS: [DeviceId; 4] = [DeviceId::Cpu, DeviceId::Gpu(0), DeviceId::Cuda(0), DeviceId::Metal(0)];

/// What runs networks in this build: every runtime on a device of every kind that it has kernels for, in the order they are
/// offered; whether such a device is there is another question.
pub fn built_in() -> impl Iterator<Item = (Runtime, DeviceId)> {
    Runtime::ALL.into_iter().flat_map(|runtime| KINDS.map(|device| (runtime, device))).filter(|&(runtime, device)| {
        backend(runtime, device).is_some()
            && match device {
                // Ours need NVIDIA's driver alone; Candle's are linked with CUDA's libraries.
                DeviceId::Cuda(_) => runtime == Runtime::Tuned || cfg!(feature = "cuda"),
                DeviceId::Metal(_) => cfg!(feature = "metal"),
                DeviceId::Cpu | DeviceId::Gpu(_) | DeviceId::SoftwareGpu => true,
            }
    })
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
    use crate::device::{Device, DeviceError};

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
        let is_card = |device: &DeviceId| matches!(device, DeviceId::Gpu(_) | DeviceId::SoftwareGpu);
        for device in devices.into_iter().filter(|device| cfg!(feature = "gpu") || !is_card(device)) {
            for runtime in Runtime::ALL {
                let found = backend(runtime, device);
                assert_eq!(found.is_some(), runtime.runs_on(device), "{runtime} on {device}");
                let precisions = found.map(|backend| backend.precisions());
                assert!(precisions.is_none_or(|precisions| precisions == runtime.precisions_on(device)));
            }
            assert!(backend(Runtime::default_on(device), device).is_some());
        }
    }

    #[test]
    fn what_is_built_in_is_what_a_device_can_be_opened_for() {
        let built: Vec<_> = built_in().collect();
        assert!(built.contains(&(Runtime::Tuned, DeviceId::Cpu)) && built.contains(&(Runtime::Candle, DeviceId::Cpu)));
        assert!(built.contains(&(Runtime::Tuned, DeviceId::Cuda(0))), "its driver is looked for at run time");
        assert_eq!(built.iter().any(|(_, device)| device.is_of_wgpu()), cfg!(feature = "gpu"));
        assert_eq!(built.contains(&(Runtime::Candle, DeviceId::Cuda(0))), cfg!(feature = "cuda"));
        for device in KINDS {
            let is_missing = matches!(Device::open(&device), Err(DeviceError::NotCompiledIn { .. }));
            let has_any = built.iter().any(|(_, other)| *other == device);
            assert_eq!(has_any, !is_missing, "{device}");
        }
    }
}
