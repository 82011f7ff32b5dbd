//! What a GPU can do at most, by the backend of ours that it has.

use super::PrepareError;
use super::cuda::cuda_peaks;
use super::gpu::GpuPeaks;
use super::wgpu::wgpu_peaks;
use crate::device::Device;

/// Measures a GPU in well under a second. `go_on` is asked between readings.
///
/// # Errors
/// Where the device does not open or fails; `None` where `go_on` says no.
pub fn gpu_peaks(device: &Device, go_on: &dyn Fn() -> bool) -> Result<Option<GpuPeaks>, PrepareError> {
    if device.cuda().is_some() { cuda_peaks(device, go_on) } else { wgpu_peaks(device, go_on) }
}
