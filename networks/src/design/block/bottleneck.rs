//! Bottlenecks as ResNet (He et al., CVPR 2016), ResNeXt (Xie et al., CVPR 2017) and SE-ResNet (Hu, Shen, Sun, CVPR 2018)
//! have them: 1x1, a dense or grouped window, 1x1, added to a shortcut.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::Activation;
use super::SqueezeExcitation;
use super::unit::{Unit, of_window};

/// Settings of bottleneck units.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Bottleneck {
    /// Window of the convolution in the middle: 3, 5 or 7 pixels.
    pub kernel: u32,
    /// Groups of the convolution in the middle: 1, 2, 4, 8, 16, 32 or 64 (ResNeXt's cardinality).
    pub groups: u32,
    /// After each convolution and at the end of the unit.
    pub activation: Activation,
    /// The inner width is `channels / bottleneck`.
    pub bottleneck: u32,
    /// Which convolution of a strided unit has the stride.
    pub stride_at: StrideAt,
    /// Squeeze-and-excitation in front of the addition.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub se: Option<SqueezeExcitation>,
}

impl Default for Bottleneck {
    fn default() -> Self {
        Self {
            kernel: 3,
            groups: 1,
            activation: Activation::Relu,
            bottleneck: 4,
            stride_at: StrideAt::Middle,
            se: None,
        }
    }
}

/// Which convolution of a bottleneck has the stride.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum StrideAt {
    /// The one in the middle, as in torchvision.
    #[default]
    Middle,
    /// The first 1x1, as in the papers.
    First,
}

impl Bottleneck {
    /// Channels inside a unit, or the rule that its channels break.
    ///
    /// # Errors
    /// The rule, and what would satisfy it.
    pub fn inner(&self, unit: Unit) -> Result<u32, String> {
        let inner = unit.output / self.bottleneck.max(1);
        if inner == 0 || !unit.output.is_multiple_of(self.bottleneck.max(1)) {
            return Err(format!("must be a multiple of the bottleneck ratio {}", self.bottleneck));
        }
        of_window(inner, self.groups, &format!("{0}x{0}", self.kernel))?;
        Ok(inner)
    }
}
