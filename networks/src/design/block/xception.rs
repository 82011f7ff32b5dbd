//! Bottlenecks of three separable convolutions, as in the small Xceptions of the ShuffleNet V2 paper's Table 8.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::Activation;
use super::unit::{Unit, divides};

/// Settings of Xception's units.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Xception {
    /// Depthwise windows: 3, 5 or 7 pixels.
    pub kernel: u32,
    /// Groups of the 1x1 convolutions: 1, 2, 3, 4 or 8.
    pub groups: u32,
    /// After the first two separable convolutions and at the end of the unit.
    pub activation: Activation,
    /// The inner width is `channels / bottleneck`, rounded down.
    pub bottleneck: u32,
}

impl Default for Xception {
    fn default() -> Self {
        Self { kernel: 3, groups: 1, activation: Activation::Relu, bottleneck: 4 }
    }
}

impl Xception {
    /// Output channels of the three separable convolutions, or the rule that the unit's channels break.
    ///
    /// # Errors
    /// The rule, and what would satisfy it.
    pub fn widths(&self, unit: Unit) -> Result<[u32; 3], String> {
        let Unit { input, output, .. } = unit;
        let inner = output / self.bottleneck.max(1);
        if inner == 0 {
            return Err(format!("must be at least the bottleneck ratio {}", self.bottleneck));
        }
        let last = if unit.keeps_shape() { output } else { output.saturating_sub(input) };
        if last == 0 {
            return Err(format!("must be more than the {input} channels before it, which the shortcut keeps"));
        }
        for channels in [input, inner, last] {
            divides(channels, self.groups)?;
        }
        Ok([inner, inner, last])
    }
}
