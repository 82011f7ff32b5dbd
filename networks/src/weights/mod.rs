//! A network's parameters: 32-bit floats on the host, by name (`stage2.0.branch2.3.weight`), whatever they came from.
//!
//! - [`Weights::seeded`] makes them up, reproducibly, where only speed or agreement matters;
//! - [`load`] reads safetensors and what PyTorch saves, however it is called and wrapped, and says everything that does
//!   not fit in one error;
//! - [`WeightsFile`] knows what a file holds before it is read;
//! - [`Quantisation`] is how bytes stand for a network's numbers, where a file or a calibration says it;
//! - [`fold`] merges batch normalisation into the convolution before it.
//!
//! Files are not trusted: sizes are checked against the file's length before anything is allocated.

mod content;
mod element;
mod error;
mod expected;
mod fold;
mod load;
mod pairing;
mod pth;
mod quantisation;
mod quantised;
mod safetensors;
mod seeded;
mod store;
mod stored;
mod views;

pub use error::{Misfit, Mismatch, WeightsError};
pub use expected::{ExpectedTensor, Role, expected, expected_elements};
pub use fold::{BatchNormTensors, FoldError, Folded, fold};
pub use load::{Taken, WeightsFile, load};
pub use quantisation::{ByteLayer, ByteNetwork, ByteScale, Quantisation, RangesFrom, ScaleError};
pub use safetensors::{Notes, save_safetensors, save_with_notes, to_safetensors, with_notes};
pub use seeded::seeded_input;
pub use store::{WeightTensor, Weights};
