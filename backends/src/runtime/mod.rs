//! Runs a graph on a device. One trait, four backends and a naive reference:
//!
//! - [`plan`]: which layers run as one kernel, and where values lie between kernels: what backends share,
//! - [`cpu`]: our kernels for processors: folded, fused, for every instruction set,
//! - [`wgpu`]: our kernels for every GPU, through Vulkan, Metal and Direct3D 12,
//! - [`cuda`]: our kernels for NVIDIA's GPUs, through CUDA's driver,
//! - [`candle`]: candle-core / candle-nn operations as a Candle user would write them,
//! - [`reference`]: plain loops that say what every operation means, for tests only.
//!
//! The [`backend`] that a [`Runtime`] is on a device compiles a graph into an [`Executable`].

mod backend;
pub mod candle;
pub mod cpu;
pub mod cuda;
mod executable;
mod fault;
mod gpu;
mod isa;
mod memory;
mod options;
mod parameters;
mod peaks;
pub mod plan;
mod prepare;
#[cfg(test)]
mod random_graph;
pub mod reference;
mod registry;
mod thread_choice;
mod timestamps;
mod unsupported;
#[cfg(feature = "gpu")]
pub mod wgpu;

pub use crate::device::Precision;
pub use backend::Backend;
pub use executable::Stopwatch;
pub use executable::{Executable, KernelCode, Marks, PrepareError, RunError, RunTimes};
pub use fault::DeviceFault;
pub use gpu::GpuPeaks;
pub use isa::Isa;
pub use memory::{check_memory, needed_memory};
pub use options::{RunOptions, Runtime};
pub use peaks::gpu_peaks;
pub use plan::{Fusing, Kernel, KernelPlan, KernelSpec, WINOGRAD};
pub use prepare::{prepare, prepare_apart, prepare_fitting};
pub use registry::{backend, built_in, plan_without_weights};
pub use thread_choice::{ThreadChoice, TriedThreads};
pub use timestamps::device_times;
pub use unsupported::UnsupportedRun;
