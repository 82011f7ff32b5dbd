//! Our kernels for every GPU: WGSL through wgpu on Vulkan, Metal and Direct3D 12.
//!
//! A feature map is a list of planes, one per channel, each with the pixels of all images, in a few buffers
//! ([`Banks`](super::plan::Banks)); slices, concatenations and channel shuffles are other lists of the same planes. On the
//! way from a graph to a run:
//!
//! - [`gpu`]: an adapter opened for computing, with a queue and device of its own, apart from the window's,
//! - [`kernels`]: what computes a kernel's spec: the text of a shader for it, the order of its weights,
//! - [`choices`](super::gpu::choices): which of several texts is fastest, found by the [`tuner`] and remembered on disk,
//! - [`fusing`]: which layers run in one launch, by what was measured of them,
//! - [`compile`]: all of it put together as launches,
//! - [`executable`]: what runs them.

mod backend;
mod compile;
mod executable;
mod fusing;
mod gpu;
mod kernels;
mod peaks;
mod pipelines;
mod stamps;
#[cfg(test)]
mod tests;
mod timer;
mod tuner;

pub use backend::WgpuBackend;
pub(super) use peaks::wgpu_peaks;
