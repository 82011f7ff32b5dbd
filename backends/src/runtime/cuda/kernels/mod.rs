//! Our CUDA kernels as data: which there are for a [`KernelSpec`](crate::runtime::plan::KernelSpec), how each is cut into blocks,
//! its text, its weights in the order that the text reads them, its list of plane offsets.
//!
//! Nothing here touches a GPU: [`Source`]s are compiled by the loader, and by g++ for the emulator in the tests.

mod chains;
mod channel_norm;
mod depthwise;
mod elementwise;
mod geometry;
mod kernel;
mod linear;
mod matmul;
mod matmul_tiles;
mod pack;
mod part;
pub mod peak;
mod reduce;
mod source;
mod stem;
#[cfg(test)]
mod tests;
mod unit;
mod variant;
mod way;

pub use crate::device::cuda::Card;
pub use crate::runtime::gpu::{ImageStrides, Parameters, Refusal};
pub use kernel::GpuKernel;
pub use source::{Form, MOST_SIZES, Source};
pub use variant::{FmaTile, TensorTile, UnitTile, Variant};
