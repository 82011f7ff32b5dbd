//! The units of MobileNet V1 (Howard et al., 2017) and V2 (Sandler et al., CVPR 2018).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::Activation;
use super::unit::{Unit, divides};

/// Settings of MobileNet V2 units.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct InvertedResidual {
    /// Depthwise window: 3, 5 or 7 pixels.
    pub kernel: u32,
    /// Inner channels per input channel; 1 leaves the first 1x1 convolution out.
    pub expansion: u32,
    /// Groups of the 1x1 convolutions.
    pub groups: u32,
    /// After expansion and depthwise convolution; the projection is linear.
    pub activation: Activation,
    /// Adds input and output where their shapes agree.
    pub residual: bool,
}

impl Default for InvertedResidual {
    fn default() -> Self {
        Self { kernel: 3, expansion: 6, groups: 1, activation: Activation::Relu6, residual: true }
    }
}

/// Settings of MobileNet V1 units.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct DepthwiseSeparable {
    /// Depthwise window: 3, 5 or 7 pixels.
    pub kernel: u32,
    /// Groups of the 1x1 convolution.
    pub groups: u32,
    /// After both convolutions.
    pub activation: Activation,
}

impl Default for DepthwiseSeparable {
    fn default() -> Self {
        Self { kernel: 3, groups: 1, activation: Activation::Relu }
    }
}

impl InvertedResidual {
    /// The channel rule that `unit` breaks, if any.
    ///
    /// # Errors
    /// The rule.
    pub(super) fn check(&self, unit: Unit) -> Result<(), String> {
        // The projection reads `input * expansion` channels, so only the input and output can fail.
        divides(unit.input, if self.expansion == 1 { 1 } else { self.groups })?;
        divides(unit.input.saturating_mul(self.expansion), self.groups)?;
        divides(unit.output, self.groups)
    }
}

impl DepthwiseSeparable {
    /// The channel rule that `unit` breaks, if any.
    ///
    /// # Errors
    /// The rule.
    pub(super) fn check(&self, unit: Unit) -> Result<(), String> {
        divides(unit.input, self.groups)?;
        divides(unit.output, self.groups)
    }
}
