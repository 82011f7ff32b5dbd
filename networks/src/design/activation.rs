//! Element-wise non-linearities.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An element-wise non-linearity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Activation {
    /// `max(x, 0)`
    #[default]
    Relu,
    /// `min(max(x, 0), 6)`
    Relu6,
    /// `x * min(max(x + 3, 0), 6) / 6`
    HardSwish,
    /// No non-linearity at all; lowers to no node.
    None,
}

impl Activation {
    /// The name shown to people and used in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Relu => "relu",
            Self::Relu6 => "relu6",
            Self::HardSwish => "hard-swish",
            Self::None => "none",
        }
    }
}

impl Activation {
    /// What a design may choose from.
    pub const CHOICES: [Self; 4] = [Self::Relu, Self::Relu6, Self::HardSwish, Self::None];
}
