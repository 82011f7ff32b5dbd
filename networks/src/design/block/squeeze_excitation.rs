//! Squeeze-and-excitation as units have it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Global pooling and two fully connected layers that weight the channels (Hu et al., CVPR 2018).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SqueezeExcitation {
    /// The hidden layer has `channels / reduction` neurons, channels being those that are weighted.
    pub reduction: u32,
}
