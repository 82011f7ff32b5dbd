//! Interleaved group units of IGCV3 (Sun et al., BMVC 2018): MobileNet V2's with 1x1 convolutions in groups, linear
//! behind the first one, whose channels are shuffled.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::Activation;
use super::unit::{Unit, divides};

/// Settings of interleaved group units.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct InterleavedGroup {
    /// Depthwise window: 3, 5 or 7 pixels.
    pub kernel: u32,
    /// Inner channels per input channel.
    pub expansion: u32,
    /// Groups of the 1x1 convolutions: 1, 2, 3, 4 or 8.
    pub groups: u32,
    /// After the depthwise convolution; the 1x1 convolutions are linear.
    pub activation: Activation,
    /// Shuffles the channels after the first 1x1 convolution (no effect with one group).
    pub shuffle: bool,
    /// Adds input and output where their shapes agree.
    pub residual: bool,
}

impl Default for InterleavedGroup {
    fn default() -> Self {
        Self { kernel: 3, expansion: 6, groups: 2, activation: Activation::Relu6, shuffle: true, residual: true }
    }
}

impl InterleavedGroup {
    /// Channels inside a unit, or the rule that its channels break.
    ///
    /// # Errors
    /// The rule.
    pub fn inner(&self, unit: Unit) -> Result<u32, String> {
        divides(unit.input, self.groups)?;
        divides(unit.output, self.groups)?;
        Ok(unit.input.saturating_mul(self.expansion))
    }
}
