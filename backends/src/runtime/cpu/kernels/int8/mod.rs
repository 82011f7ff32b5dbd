//! Steps in 8 bits: a map's values are unsigned bytes, weights signed ones, sums 32-bit integers.
//!
//! A row holds four channels: one 32-bit *word* a pixel, the first channel in its lowest byte. It is as long as a row of
//! floats, so that arenas, maps, programs and threads are those of the floats, to which a word is a float that they only
//! move; and one instruction multiplies the four bytes of a word by four weights and adds all products to a sum.
//!
//! What is computed is said in [`quant`], to the last bit, and every instruction set computes exactly that:
//!
//! - [`words`] and its implementations: a register of words and what it can do,
//! - `tile`, `sum`, `taps`, `three`, `bytewise`: kernels over raw rows, compiled once per instruction set by [`table`],
//! - `spec`: what a convolution computes and what may follow it in one step; `panels`: its weights; `planes`, `stem_pool`: a
//!   depthwise convolution and a max-pool of words wherever they lie,
//! - `product`, `by_rows`, `depthwise`, `pool`, `linear`, `elementwise`, `moves`: steps over whole maps, whose constructors
//!   check what the kernels take for granted.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod by_rows;
mod bytewise;
mod depthwise;
mod elementwise;
mod linear;
mod moves;
#[cfg(target_arch = "aarch64")]
mod neon;
mod panels;
mod planes;
mod pool;
mod portable;
mod product;
mod quant;
mod spec;
mod stem_pool;
mod step;
mod sum;
mod table;
mod taps;
#[cfg(test)]
mod tests;
mod three;
mod tile;
mod words;

pub use by_rows::ByRows;
pub use depthwise::Depthwise;
pub use elementwise::{Elementwise, How};
pub use linear::{Linear, LinearSpec, Sink};
pub use moves::{Quantize, Repack};
pub use panels::WordPanel;
pub use planes::{Planes, PlanesSpec};
pub use pool::{Average, Largest};
pub use product::Product;
pub use quant::{Bounds, Lookup, Quant};
#[cfg(test)]
pub use quant::{nearest, requantized};
pub use spec::{ProductSink, ProductSpec};
pub use step::Int8Step;
pub use sum::Sum;
pub use table::{Level, WordTable};
