//! What a graph costs on paper: mult-adds, parameters, memory access, activation memory. Pure arithmetic.
//!
//! - **Mult-adds** are the multiply-accumulates of convolutions and linear layers only (the paper's "FLOPs").
//! - **Parameters** are the learned ones; running statistics do not count.
//! - **Memory access** is the paper's (section 2): elements read and written, that is input maps + output map + weights,
//!   every element once. That is also so where a stride skips pixels: the map counts, not what of it a kernel fetches.
//!   Batch normalisation costs nothing where an inference runtime folds it into the convolution before it, where it is
//!   the bias; standing alone, or behind a convolution that others read too, it is an element-wise layer. Slices and
//!   flattening are views. What a runtime really moves is another number.

mod layer;
mod model;

pub use layer::LayerCost;
pub use model::{CostTotals, ModelCost, model_cost, total_cost};
