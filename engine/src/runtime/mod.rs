//! Runs a graph on a device. One trait, two runtimes and a naive reference:
//!
//! - [`candle`]: candle-core / candle-nn operations as a Candle user would write them,
//! - [`cpu`]: folded, fused and with our own kernels,
//! - [`reference`]: plain loops that say what every operation means, for tests only.

pub mod candle;
pub mod cpu;
mod executable;
mod fault;
mod memory;
mod options;
mod parameters;
pub mod plan;
mod prepare;
#[cfg(test)]
mod random_graph;
pub mod reference;
mod timestamps;
mod unsupported;

pub use crate::device::Precision;
pub use cpu::Isa;
pub(crate) use executable::Stopwatch;
pub use executable::{Executable, Marks, PrepareError, RunError, RunTimes};
pub use fault::DeviceFault;
pub use memory::{check_memory, needed_memory};
pub use options::{RunOptions, Runtime};
pub use plan::{Fusing, Kernel, KernelPlan, KernelSpec, WINOGRAD};
pub use prepare::{prepare, prepare_apart};
pub use timestamps::device_times;
pub use unsupported::UnsupportedRun;
