//! A network's forward and backward pass on the processor.
//!
//! Maps are rows, one a channel, the pictures of a batch innermost: `[height, width, picture]`. A pointwise convolution is then
//! one matrix product without any transposition, a window of any stride joins contiguous floats, and splits,
//! concatenations and shuffles of channels are lists of rows.
//!
//! - [`plan`]: which rows each layer reads and writes, on the way forth and back,
//! - [`geometry`], [`product`], [`window`], [`norm`], [`curve`]: what layers compute, and their gradients,
//! - [`kernels`] and [`table`]: the inner loops for every instruction set; the only unsafe code here but for [`rows`],
//! - [`network`], [`forward`] and [`backward`]: the passes.

mod backward;
mod curve;
mod forward;
mod geometry;
mod kernels;
mod network;
mod norm;
mod plan;
mod product;
mod rows;
mod table;
#[cfg(test)]
pub(super) mod tests;
mod window;

pub(super) use network::Network;
pub use norm::Statistics;
