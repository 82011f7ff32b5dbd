//! ShuffleNet V2 units (paper, Figure 3 c and d; appendix, Figure 2): settings, and the channels of both branches.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::Activation;
use super::SqueezeExcitation;
use super::unit::{Unit, divides};

/// Settings of ShuffleNet V2 units.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct ShuffleV2 {
    /// Depthwise window: 3, 5 or 7 pixels.
    pub kernel: u32,
    /// Groups of the 1x1 convolutions: 1, 2, 3, 4 or 8.
    pub groups: u32,
    /// Share of the channels that passes a stride-1 unit untouched: the paper's r, 0.5.
    pub split: f64,
    /// After the 1x1 convolutions.
    pub activation: Activation,
    /// Squeeze-and-excitation at the end of the right branch (appendix, Figure 2 b).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub se: Option<SqueezeExcitation>,
    /// Adds the right branch's input to its output in stride-1 units (appendix, Figure 2 a).
    pub residual: bool,
    /// Shuffles the channels of the two halves after they are joined.
    pub shuffle: bool,
    /// An extra depthwise convolution in front of the right branch: the paper's V2*.
    pub depthwise_first: bool,
    /// Branch widths of the first unit of a stage.
    pub down_sampling: DownSampling,
}

impl Default for ShuffleV2 {
    fn default() -> Self {
        Self {
            kernel: 3,
            groups: 1,
            split: 0.5,
            activation: Activation::Relu,
            se: None,
            residual: false,
            shuffle: true,
            depthwise_first: false,
            down_sampling: DownSampling::Torchvision,
        }
    }
}

/// How wide the two branches of an unsplit unit are; the paper does not say, its operation counts do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DownSampling {
    /// Both branches give half of the output channels.
    #[default]
    Torchvision,
    /// The left branch keeps the input's channels, the right one gives the rest; its inner width is half of the output.
    Paper,
}

/// Channels along the two branches of a ShuffleNet V2 unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Branches {
    /// Channels the left branch contributes (the untouched half, or the strided branch).
    pub left: u32,
    /// Channels the right branch reads.
    pub right_input: u32,
    /// Channels inside the right branch.
    pub inner: u32,
    /// Channels the right branch contributes.
    pub right: u32,
}

impl ShuffleV2 {
    /// Branch widths in `unit`, or the rule that its channels break.
    ///
    /// # Errors
    /// The rule, and what would satisfy it.
    pub fn branches(&self, unit: Unit) -> Result<Branches, String> {
        let Unit { input, output, .. } = unit;
        let half = output / 2;
        let left = f64::from(output) * self.split;
        let left = (left.round() as u32).clamp(1, output.saturating_sub(1).max(1));
        let branches = if unit.keeps_shape() {
            let right = output.saturating_sub(left);
            Branches { left, right_input: right, inner: right, right }
        } else {
            match self.down_sampling {
                DownSampling::Torchvision => {
                    let right = output.saturating_sub(left);
                    Branches { left, right_input: input, inner: right, right }
                }
                DownSampling::Paper => {
                    let Some(right) = output.checked_sub(input).filter(|&right| right > 0) else {
                        return Err(format!(
                            "must be more than the {input} channels before it where the left branch keeps them \
                             (down-sampling = \"paper\")"
                        ));
                    };
                    Branches { left: input, right_input: input, inner: half, right }
                }
            }
        };
        if branches.right == 0 || branches.inner == 0 {
            return Err("must be at least 2, one channel for each branch".into());
        }
        if self.shuffle && !output.is_multiple_of(2) {
            return Err("must be even: the shuffle interleaves two halves".into());
        }
        let grouped = if unit.keeps_shape() {
            [branches.right_input, branches.inner, branches.right, branches.right]
        } else {
            [branches.right_input, branches.inner, branches.right, branches.left]
        };
        for channels in grouped {
            divides(channels, self.groups)?;
        }
        Ok(branches)
    }
}
