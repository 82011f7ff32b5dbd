//! What a GPU can do at most, by the backend of ours that it has.

use super::PrepareError;
use super::cuda::cuda_peaks;
use super::gpu::GpuPeaks;
#[cfg(feature = "gpu")]
use super::wgpu::wgpu_peaks;
use crate::device::Device;

/// Measures a GPU in well under a second. `go_on` is asked between readings.
///
/// # Errors
/// Where the device does not open or fails; `None` where `go_on` says no.
pub fn gpu_peaks(device: &Device, go_on: &dyn Fn() -> bool) -> Result<Option<GpuPeaks>, PrepareError> {
    #[cfg(feature = "gpu")]
    if device.cuda().is_none() {
        return wgpu_peaks(device, go_on);
    }
    cuda_peaks(device, go_on)
}
