//! What the steps of a program do, for every instruction set: the only unsafe code of the engine's CPU runtime.
//!
//! In layers, from the inside out:
//!
//! - [`simd`] and its implementations: a register and what it can do,
//! - `curves`: exponentials and what is made of them, in a register; `epilogue`: the activations at the end of a kernel,
//! - `matmul`, `depthwise`, `transform`, `matvec`, `pooling`, `elementwise`, `across`, `window`: kernels over raw rows, generic over
//!   the register and compiled once per instruction set by `table`,
//! - `product`: what a matrix product's operands hold; `halves`: words of two numbers of 16 bits, `bf16` and `f16` those that
//!   there are,
//! - `convolution`, `winograd`, `planes`, `stem_conv`, `reduce`, `linear`, `rowwise`, `channel_norm`: steps over whole maps, cut into items of
//!   work; their constructors check, with `unfit`, everything that the kernels take for granted,
//! - [`int8`]: the same for maps of bytes,
//! - `program`: checks that steps keep to their memory, and runs them on all threads. What it exports is safe.
//!
//! What is not a number stays one, on every instruction set, as in PyTorch: an activation of NaN is NaN, and so is the
//! maximum, the mean or the sum of values one of which is NaN. (Stock Candle's `relu` and `max_pool2d` lose it.) Zeros
//! around a map are multiplied like any others or left out, as is faster, which shows only with weights that are not
//! finite; and Winograd's patches share what is not finite among their four pixels.

mod across;
mod arena;
#[cfg(target_arch = "x86_64")]
pub(crate) mod avx2;
#[cfg(target_arch = "x86_64")]
pub(crate) mod avx512;
#[cfg(target_arch = "x86_64")]
pub(crate) mod avx512vl;
mod bf16;
mod channel_norm;
mod convolution;
mod curves;
mod dealing;
mod depthwise;
mod elementwise;
mod epilogue;
#[cfg(any(test, target_arch = "aarch64"))]
mod f16;
mod filters;
mod footprint;
mod halves;
pub(crate) mod int8;
mod linear;
mod map;
mod matmul;
mod matvec;
#[cfg(target_arch = "aarch64")]
pub(crate) mod neon;
mod planes;
mod pooling;
pub(crate) mod portable;
mod product;
mod program;
mod reduce;
mod rowwise;
pub(crate) mod simd;
mod spec;
mod stem_conv;
mod step;
mod table;
#[cfg(test)]
mod tests;
mod transform;
mod unfit;
mod window;
mod winograd;

pub use crate::runtime::isa::Isa;
pub use arena::REDZONE;
pub use channel_norm::{ChannelNorm, Norm};
pub use convolution::Convolution;
pub use epilogue::Epilogue;
pub use footprint::Footprint;
pub use linear::Linear;
pub use map::{Map, row_room};
pub use planes::{Depthwise, Planes};
pub use pooling::Pooling;
pub use program::{Conflict, Machine, Program};
pub use reduce::Reduce;
pub use rowwise::{Combine, Factor, Rowwise};
pub use spec::{Sink, Spec as ConvolutionSpec};
pub use stem_conv::{Spec as StemSpec, StemConv};
pub use step::Step;
pub use table::Kernels;
pub use unfit::Unfit;
pub use winograd::Winograd;
