//! Why a network was not taught.

use thiserror::Error;

use super::AccuracyError;
use super::pictures::DataError;
use crate::device::DeviceError;
use crate::graph::LoweringError;
use crate::runtime::{PrepareError, RunError};
use crate::weights::WeightsError;

/// See the module.
#[derive(Debug, Error)]
pub enum TeachError {
    /// There is too little to learn from.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The design breaks a rule.
    #[error(transparent)]
    Design(#[from] LoweringError),
    /// The weights are of another network.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// The device is missing or refuses.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// The network cannot be made ready.
    #[error(transparent)]
    Prepare(#[from] PrepareError),
    /// The network fails.
    #[error(transparent)]
    Run(#[from] RunError),
    /// Nothing was held out.
    #[error(transparent)]
    Accuracy(#[from] AccuracyError),
    /// A network without a fully connected last layer.
    #[error("`{design}` does not end in a fully connected layer, so it has no classifier to put new classes on")]
    NoClassifier {
        /// Its name.
        design: String,
    },
    /// Features that no classifier can be made of.
    #[error("the network makes {value} of a picture: its weights are damaged, or not trained to the end")]
    NotFinite {
        /// What it makes.
        value: f32,
    },
    /// Features that are all the same.
    #[error("the network makes the same of every picture: its weights tell nothing apart; start from trained ones")]
    NoSolution,
    /// A person has had enough.
    #[error("teaching was cancelled")]
    Cancelled,
}
