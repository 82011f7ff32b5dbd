//! What a design will take on a target, from the kernels that were measured there.
//!
//! The [store](crate::store) remembers every network whose kernels were timed. A [`Predictor`] of a target is made of
//! those: a design's latency is the sum of its plan's kernels and what lies between them.
//!
//! - [`kind`]: what kernels have in common whose times are compared, and their sizes,
//! - [`observed`]: the kernels that were measured, each network's own speed taken out,
//! - [`additive`]: a launch and a time per mult-add and per byte, fitted: the roofline of a target,
//! - [`family`]: the kernels of one kind: that model, its staircases, and what is near,
//! - [`between`]: from the sum of kernels to the whole network,
//! - [`band`]: how wrong predictions are, shown by predicting every measured network from the others,
//! - [`predictor`]: all of it together, and [`prediction`], what comes out,
//! - [`drawn`]: random designs, and which of them to measure next; [`track`]: how good past estimates were; [`rank`]: whether
//!   they are in the right order;
//!   [`table`]: the kernel times as tables for other programs.

mod additive;
mod band;
mod between;
mod drawn;
#[cfg(test)]
pub(crate) mod fake;
mod family;
mod kind;
mod observed;
mod prediction;
mod predictor;
mod rank;
mod table;
#[cfg(test)]
mod tests;
mod track;

pub use drawn::{Draw, most_wanted};
pub use prediction::{KernelPrediction, Prediction, Ratio, Source};
pub use predictor::Predictor;
pub use rank::spearman;
pub use table::{BlockTable, KernelRow};
pub use track::Track;
