//! What training computes in its inner loops, over the registers of the engine's runtime: matrix products, windows and sums.
//!
//! A row is one channel of a batch, the pictures innermost: `[height, width, picture]`. Every loop here runs over
//! contiguous floats, whatever the window, its stride or its place in the map.

mod norm;
mod product;
mod window;

pub(super) use norm::{NormArgs, moments, norm_gradient, norm_sums, normalise};
pub(super) use product::{TileArgs, dots, tile};
pub(super) use window::{give, most, products, weigh};

/// Vectors of a row that a product's tile covers.
pub(super) const TILE_VECTORS: usize = 3;
/// The widest register, in floats.
pub(super) const MOST_LANES: usize = 16;
/// Rows that [`weigh`] and its kin read at once.
pub(super) const MOST_TAPS: usize = 9;
