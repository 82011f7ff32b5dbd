//! From pictures to weights: what a design is taught with, how it learns, and how well it does on pictures that it was not
//! shown.
//!
//! - [`pictures`]: a data set in memory, its classes, and the share of it that is held out;
//! - [`Trainer`]: a design, pictures and a budget become [`Trained`] weights;
//! - [`cut`]: weights of a wider or deeper network made to fit a narrower one of its family;
//! - [`slim`]: one set of weights that works at every width;
//! - [`demo_at`]: the demo's network at each of them;
//! - [`Learner`]: single steps, for those who make their batches themselves;
//! - [`Accuracy`]: how many of the held-out pictures are told right, always with the data's name and size;
//! - [`teach_at_once`]: a new last layer for trained features, in closed form;
//! - [`told_right`]: how often a network is right;
//! - [`Passport`]: what a file of taught weights says of itself: its classes, its design, its accuracy.
//!
//! Nothing here reads a picture file: whoever has one gives the decoded pixels, or a decoder.

mod accuracy;
mod at_once;
mod augment;
mod chance;
mod checkpoint;
mod cpu;
mod cut;
pub mod demo_at;
mod demo_widths;
mod error;
mod evaluate;
mod feed;
mod identity;
mod learner;
mod loss;
mod optimiser;
mod parameters;
mod passport;
pub mod pictures;
mod request;
pub mod slim;
#[cfg(any(test, feature = "cuda", feature = "metal"))]
mod tape;
#[cfg(test)]
mod tape_tests;
mod taught;
mod trainer;

pub use accuracy::{Accuracy, AccuracyError, DataName};
pub use at_once::{AtOnceRequest, feature_count, teach_at_once};
pub use cpu::Statistics;
pub use cut::{CutError, CutPart, CutReport, cut};
pub use demo_widths::{demo_accuracy, demo_widths};
pub use error::TeachError;
pub use evaluate::told_right;
pub use feed::innermost;
pub use learner::{Averaged, Learner, Step};
pub use loss::{Loss, Targets, best, cross_entropy};
pub use optimiser::{Descent, schedule};
pub use parameters::{Layout, Parameters, Slot};
pub use passport::{Passport, save_taught, to_safetensors_with};
pub use request::{
    Augmentation, Budget, Optimiser, Phase, Point, Progress, Recipe, Start, TrainError, TrainRequest, Trained,
};
pub use taught::{Taught, Way};
pub use trainer::Trainer;
