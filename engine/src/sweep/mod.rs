//! Sweeps: one design at several widths, groups, batches and thread counts.
//!
//! [`Sweep::points`] makes every combination an edited design with its options and a stable key, and says of those that
//! cannot be why. Each finished point is kept, in the [store](crate::store) or in a [`ResultsFile`] that a person has
//! named, so that a sweep goes on where it was killed. [`view`] has what a scatter shows.

mod axis;
mod error;
mod plan;
mod point_result;
mod results_file;
pub mod view;

pub use axis::{parse_counts, parse_numbers};
pub use error::{AxisError, ResultsFileError, SweepError};
pub use plan::{Combination, Point, Points, Skipped, Sweep, run_key};
pub use point_result::PointResult;
pub use results_file::ResultsFile;
