//! From pictures to weights: what a design is taught with, how it learns, and how well it does on pictures that it was not
//! shown.
//!
//! - [`pictures`]: a data set in memory, its classes, and the share of it that is held out;
//! - [`Accuracy`]: how many of the held-out pictures are told right, always with the data's name and size.
//!
//! Nothing here reads a picture file: whoever has one gives the decoded pixels, or a decoder.

mod accuracy;
pub mod pictures;

pub use accuracy::{Accuracy, AccuracyError, DataName};
