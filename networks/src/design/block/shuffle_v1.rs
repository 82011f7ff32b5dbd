//! ShuffleNet V1 units (Zhang et al., CVPR 2018, Figure 2): settings, and the channels of the branch.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::Activation;
use super::SqueezeExcitation;
use super::unit::{Unit, divides};

/// Settings of ShuffleNet V1 units.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct ShuffleV1 {
    /// Depthwise window: 3, 5 or 7 pixels.
    pub kernel: u32,
    /// Groups of the 1x1 convolutions: 1, 2, 3, 4 or 8; the first one of the first stage is never grouped.
    pub groups: u32,
    /// After the first 1x1 convolution and at the end of the unit.
    pub activation: Activation,
    /// The inner width is `channels / bottleneck`.
    pub bottleneck: u32,
    /// Shuffles the channels after the first 1x1 convolution (no effect with one group).
    pub shuffle: bool,
    /// Squeeze-and-excitation at the end of the branch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub se: Option<SqueezeExcitation>,
}

impl Default for ShuffleV1 {
    fn default() -> Self {
        Self { kernel: 3, groups: 3, activation: Activation::Relu, bottleneck: 4, shuffle: true, se: None }
    }
}

impl ShuffleV1 {
    /// Inner width and the channels the branch contributes, or the rule that the unit's channels break. `ungrouped_first`
    /// is set for the very first unit, whose first convolution reads the stem.
    ///
    /// # Errors
    /// The rule, and what would satisfy it.
    pub fn branch(&self, unit: Unit, ungrouped_first: bool) -> Result<(u32, u32), String> {
        let Unit { input, output, .. } = unit;
        let inner = output / self.bottleneck.max(1);
        if inner == 0 || !output.is_multiple_of(self.bottleneck.max(1)) {
            return Err(format!("must be a multiple of the bottleneck ratio {}", self.bottleneck));
        }
        let branch = if unit.keeps_shape() { output } else { output.saturating_sub(input) };
        if branch == 0 {
            return Err(format!("must be more than the {input} channels before it, which the shortcut keeps"));
        }
        let first = if ungrouped_first { inner } else { input };
        for channels in [first, inner, branch] {
            divides(channels, self.groups)?;
        }
        Ok((inner, branch))
    }
}
