//! Why there is no kernel for a spec.

use thiserror::Error;

/// Why there is no kernel, or no text of it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// The steps are not computed in one launch.
    #[error("no kernel computes {chain} in one launch: launch the steps one by one")]
    Chain {
        /// The steps' names.
        chain: String,
    },
    /// An operand lies or counts as this kernel cannot read it.
    #[error("{kernel}: {problem}")]
    Operand {
        /// The kernel's name.
        kernel: &'static str,
        /// What does not fit, and the remedy.
        problem: &'static str,
    },
    /// More elements than 32 bits address.
    #[error("{what} has {size}, and the GPU's kernels count to {most}: lower batch or input")]
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// Its size.
        size: u64,
        /// The largest size.
        most: u64,
    },
    /// Sizes that do not fit one another.
    #[error("{what} is {given}, expected {expected}")]
    Shape {
        /// What has the size.
        what: &'static str,
        /// Its size.
        given: usize,
        /// The size that fits, or a bound of it.
        expected: usize,
    },
    /// A variant of another kernel, or beyond what the kernel can be cut into.
    #[error("`{variant}` is no variant of this {kernel} kernel: choose one of those it lists")]
    Variant {
        /// The variant's text form.
        variant: String,
        /// The kernel's name.
        kernel: &'static str,
    },
}
