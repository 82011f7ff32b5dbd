//! What our backends for GPUs share, whatever a kernel is written in.
//!
//! - [`launches`]: operands of a planned kernel: strides and parameters of its steps,
//! - [`fusing`]: where a chain of steps is cut into launches, by what was measured of them,
//! - [`choices`]: which of several forms of a kernel is fastest, remembered on disk,
//! - [`candidate`]: which kernels are tuned, and what on; [`threads`]: compiling on several threads,
//! - [`stored`] and [`planes`]: values as they lie on a device, the input's way there and the result's way back,
//! - [`memory`]: what that takes of the host's memory, and whether maps fit into the device's; [`refusal`]: why there is no kernel for a spec,
//! - [`peaks`]: what a GPU can do at most.

pub(super) mod candidate;
pub(super) mod choices;
pub(super) mod fusing;
pub(super) mod launches;
mod memory;
mod peaks;
pub(super) mod planes;
mod refusal;
pub(super) mod stored;
mod strides;
mod threads;

pub use launches::Parameters;
pub(super) use memory::{check_maps, host_memory};
pub use peaks::GpuPeaks;
pub use refusal::Refusal;
pub use strides::ImageStrides;
pub(super) use threads::on_threads;
