//! The texts of the GPU runtime's kernels in WGSL, with every size baked in, and the order of their weights and tables.
//!
//! In layers, from the inside out:
//!
//! - `size`: maps and windows in 32 bits, checked once; `refusal`: why there is no kernel,
//! - `text`: lines, bindings, places of workgroups; `epilogue`: activation and residual, by a `formula`; `variant`: tile sizes,
//! - `patch`: the sums of a depthwise window; `inputs`: where a product's pixels come from; `lanes`: sums that threads
//!   share; `each`: one output a thread,
//! - `matmul` (with its texts: `product`, in parts with `chunk` and `means`, and `direct`), `depthwise`, `conv_pool`,
//!   `pointwise_depthwise`, `linear`, `pool`, `global_pool`, `channel_norm`, `elementwise`: the kernels,
//! - `kernel` and `chain`: any of them, made from a spec.
//!
//! Texts are launched without bounds checks. So every access is guarded by the text's own comparisons, or its index is
//! clamped; loops have constant bounds and divisors are constants. A plane may be written up to the end of its room, a
//! multiple of four elements; what lies in the round-up reaches no valid output: pixels of a vector never mix.
//!
//! Sums, biases and activations are in `f32` whatever is stored. What is not a number stays one, as on the CPU, as far as
//! the driver's compiler lets it. Zeros around a map are multiplied like any others, which shows only with weights that
//! are not finite.

mod chain;
mod channel_norm;
mod chunk;
mod conv_pool;
mod depthwise;
mod direct;
mod each;
mod elementwise;
mod epilogue;
mod formula;
mod global_pool;
mod inputs;
mod kernel;
mod lanes;
mod linear;
mod matmul;
mod means;
mod patch;
mod pointwise_depthwise;
mod pool;
mod product;
mod size;
#[cfg(test)]
mod tests;
mod text;
mod variant;

pub use crate::runtime::gpu::{ImageStrides, Parameters, Refusal};
pub use kernel::{Aliases, GpuKernel};
pub use text::Source;
pub use variant::{Limits, Variant};
