//! From pictures to weights: what a design is taught with, how it learns, and how well it does on pictures that it was not
//! shown.
//!
//! - [`pictures`]: a data set in memory, its classes, and the share of it that is held out;
//! - [`Accuracy`]: how many of the held-out pictures are told right, always with the data's name and size;
//! - [`teach_at_once`]: a new last layer for trained features, in closed form;
//! - [`told_right`]: how often a network is right;
//! - [`Passport`]: what a file of taught weights says of itself: its classes, its design, its accuracy.
//!
//! Nothing here reads a picture file: whoever has one gives the decoded pixels, or a decoder.

mod accuracy;
mod at_once;
mod error;
mod evaluate;
mod passport;
pub mod pictures;
mod taught;

pub use accuracy::{Accuracy, AccuracyError, DataName};
pub use at_once::{AtOnceRequest, feature_count, teach_at_once};
pub use error::TeachError;
pub use evaluate::told_right;
pub use passport::{Passport, save_taught, to_safetensors_with};
pub use taught::{Taught, Way};
