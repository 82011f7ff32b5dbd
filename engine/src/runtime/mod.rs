//! Runs a graph on a device. One trait, two runtimes and a naive reference:
//!
//! - [`candle`]: candle-core / candle-nn operations as a Candle user would write them,
//! - [`cpu`]: folded, fused and with our own kernels,
//! - [`reference`]: plain loops that say what every operation means, for tests only.

pub mod candle;
pub mod cpu;
mod executable;
mod memory;
mod options;
mod plan;
mod prepare;
pub mod reference;
mod unsupported;

pub use crate::device::Precision;
pub use cpu::Isa;
pub use executable::{Executable, Marks, PrepareError, RunError};
pub use memory::{check_memory, needed_memory};
pub use options::{RunOptions, Runtime};
pub use plan::{Fusing, Kernel, KernelPlan, WINOGRAD};
pub use prepare::{prepare, prepare_apart};
pub use unsupported::UnsupportedRun;
