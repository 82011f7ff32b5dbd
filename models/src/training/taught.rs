//! What teaching ends with.

use serde::{Deserialize, Serialize};

use super::Accuracy;
use crate::design::Design;
use crate::weights::Weights;

/// How a network was taught.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Way {
    /// A new last layer in closed form, on features as they were.
    AtOnce,
    /// The whole network, by gradients.
    Trained,
}

/// Weights that know new classes.
#[derive(Clone, Debug, PartialEq)]
pub struct Taught {
    /// The network, with as many classes as were taught.
    pub design: Design,
    /// Its parameters.
    pub weights: Weights,
    /// What the classes are called, in the order of the outputs.
    pub classes: Vec<String>,
    /// On the pictures that were held out.
    pub accuracy: Accuracy,
    /// How.
    pub way: Way,
    /// How long it took.
    pub seconds: f64,
    /// How often every picture was shown; 0 in closed form.
    pub epochs: u32,
}
