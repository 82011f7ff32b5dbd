//! Which layers of a graph run as one kernel, and where the values between kernels lie: what every backend shares.
//!
//! - [`spec`]: a kernel as data, apart from how a backend computes it; the key of everything remembered about it,
//! - [`partition`]: cuts a graph into kernels, each as long as the backend [can fuse](Fuses),
//! - [`values`]: which rows hold which value; slices, concatenations and shuffles are other lists of the same rows,
//! - [`free`]: memory given and taken back by liveness; [`banks`]: that for a GPU's buffers,
//! - [`classes`]: what belongs together,
//! - [`kernel`]: the plan as measurements and reports see it.

mod banks;
mod classes;
mod free;
mod kernel;
mod partition;
mod spec;
#[cfg(test)]
mod tests;
mod values;

pub(super) use banks::{Banks, Operand};
pub(super) use classes::Classes;
pub(super) use free::Free;
pub use kernel::{Fusing, Kernel, KernelPlan, WINOGRAD};
pub(super) use partition::{Fuses, Part, Planned, partition};
pub use spec::{Elementwise, Epilogue, KernelSpec, Pooling, Step, Work};
pub(super) use values::{RowRef, Values, renames};
