//! What can go wrong between a model's name and its graph.

use thiserror::Error;

use crate::design::{InputSize, limits};
use crate::graph::{LowerError, LoweringError};
use crate::model_file::ModelFileError;
use crate::weights::WeightsError;

/// A model that cannot be built.
#[derive(Debug, Error)]
pub enum ModelError {
    /// The design breaks rules.
    #[error(transparent)]
    Design(#[from] LoweringError),
    /// No network of the zoo is called so; a profile of a newer program may name one.
    #[error("there is no network `{name}` in this program: open it with a newer ShuffleScope")]
    UnknownNetwork {
        /// The name.
        name: String,
    },
    /// A fixed network does not fit the input that is asked for.
    #[error("`{name}` does not fit an input of {input}: {source}")]
    Layer {
        /// The network.
        name: String,
        /// The input asked for.
        input: InputSize,
        /// The layer and what does not fit.
        source: LowerError,
    },
    /// More or fewer images in a run than are allowed.
    #[error("`batch` = {batch}: must be from {} to {}", limits::BATCH.start(), limits::BATCH.end())]
    Batch {
        /// The number asked for.
        batch: u32,
    },
    /// A fixed network's input is too small or too large.
    #[error(
        "`{name}`: an input of {input} is out of bounds: both sides must be from {} to {}",
        limits::INPUT.start(),
        limits::INPUT.end()
    )]
    Input {
        /// The network.
        name: String,
        /// The input asked for.
        input: InputSize,
    },
    /// The file cannot be opened, or does not allow what is asked for.
    #[error(transparent)]
    File(#[from] ModelFileError),
    /// The file does not allow another input than the one it was made for.
    #[error("this model is made for an input of {own} and does not take one of {input}: {source}")]
    OtherInput {
        /// The file's own input.
        own: InputSize,
        /// The input asked for.
        input: InputSize,
        /// What does not fit.
        source: ModelFileError,
    },
    /// The file is another one than it was.
    #[error("{path}: has changed since it was opened: open it again")]
    Changed {
        /// The file.
        path: String,
    },
    /// The weights do not fit.
    #[error(transparent)]
    Weights(#[from] WeightsError),
}
