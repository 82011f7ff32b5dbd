//! What can keep a measurement from being made.

use thiserror::Error;

use crate::runtime::RunError;

/// Why there is no measurement.
#[derive(Debug, Error)]
pub enum MeasureError {
    /// A run failed.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The progress callback asked to stop.
    #[error("the measurement was cancelled")]
    Cancelled,
    /// The runtime marked other kernels than it planned.
    #[error("the runtime marked {marked} kernels, its plan has {planned}: this is a bug of the runtime")]
    Marks {
        /// Kernels in the plan.
        planned: usize,
        /// Marks made in one run.
        marked: usize,
    },
    /// The runtime told a device time that no run can take.
    #[error("the runtime says that a run took the device no time, in place of unknown: this is a bug of the runtime")]
    NoTime,
    /// Nothing to summarise.
    #[error("there are no samples to summarise")]
    NoSamples,
    /// The clock cannot be used.
    #[error("the clock went backwards in {times} samples: check the machine's time source")]
    Clock {
        /// Samples discarded for it.
        times: u64,
    },
}
