//! The units that stages are made of, one type per family, and the channel arithmetic they imply.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Activation;

/// What the units of a stage are made of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Block {
    /// ShuffleNet V2 unit (paper, Figure 3 c and d).
    ShuffleV2(ShuffleV2),
    /// ShuffleNet V1 unit (paper, Figure 3 a and b).
    ShuffleV1(ShuffleV1),
    /// MobileNet V2 unit: expand, depthwise, project.
    InvertedResidual(InvertedResidual),
    /// MobileNet V1 unit: depthwise, pointwise.
    DepthwiseSeparable(DepthwiseSeparable),
}

/// Names the variant of a [`Block`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BlockKind {
    /// ShuffleNet V2 unit.
    ShuffleV2,
    /// ShuffleNet V1 unit.
    ShuffleV1,
    /// MobileNet V2 unit.
    InvertedResidual,
    /// MobileNet V1 unit.
    DepthwiseSeparable,
}

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

/// Global pooling and two fully connected layers that weight the channels (Hu et al., CVPR 2018).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SqueezeExcitation {
    /// The hidden layer has `channels / reduction` neurons, channels being those that are weighted.
    pub reduction: u32,
}

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

/// Where a unit stands: what its channel arithmetic depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unit {
    /// Channels read.
    pub input: u32,
    /// Channels written.
    pub output: u32,
    /// 1 or 2.
    pub stride: u32,
}

impl Unit {
    /// Whether the unit keeps resolution and channels, so that part of its input can pass through.
    #[must_use]
    pub const fn keeps_shape(&self) -> bool {
        self.stride == 1 && self.input == self.output
    }
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
        if let Some(channels) = grouped.into_iter().find(|channels| !channels.is_multiple_of(self.groups.max(1))) {
            return Err(format!(
                "gives a 1x1 convolution {channels} channels, which do not divide into {} groups",
                self.groups
            ));
        }
        Ok(branches)
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
        if let Some(channels) =
            [first, inner, branch].into_iter().find(|channels| !channels.is_multiple_of(self.groups.max(1)))
        {
            return Err(format!(
                "gives a 1x1 convolution {channels} channels, which do not divide into {} groups",
                self.groups
            ));
        }
        Ok((inner, branch))
    }
}

impl Block {
    /// Which family's unit this is.
    #[must_use]
    pub const fn kind(&self) -> BlockKind {
        match self {
            Self::ShuffleV2(_) => BlockKind::ShuffleV2,
            Self::ShuffleV1(_) => BlockKind::ShuffleV1,
            Self::InvertedResidual(_) => BlockKind::InvertedResidual,
            Self::DepthwiseSeparable(_) => BlockKind::DepthwiseSeparable,
        }
    }

    /// Depthwise window.
    #[must_use]
    pub const fn kernel(&self) -> u32 {
        match self {
            Self::ShuffleV2(block) => block.kernel,
            Self::ShuffleV1(block) => block.kernel,
            Self::InvertedResidual(block) => block.kernel,
            Self::DepthwiseSeparable(block) => block.kernel,
        }
    }

    /// Groups of the 1x1 convolutions.
    #[must_use]
    pub const fn groups(&self) -> u32 {
        match self {
            Self::ShuffleV2(block) => block.groups,
            Self::ShuffleV1(block) => block.groups,
            Self::InvertedResidual(block) => block.groups,
            Self::DepthwiseSeparable(block) => block.groups,
        }
    }

    /// The unit's non-linearity.
    #[must_use]
    pub const fn activation(&self) -> Activation {
        match self {
            Self::ShuffleV2(block) => block.activation,
            Self::ShuffleV1(block) => block.activation,
            Self::InvertedResidual(block) => block.activation,
            Self::DepthwiseSeparable(block) => block.activation,
        }
    }

    /// Squeeze-and-excitation, where the unit has it.
    #[must_use]
    pub const fn se(&self) -> Option<SqueezeExcitation> {
        match self {
            Self::ShuffleV2(block) => block.se,
            Self::ShuffleV1(block) => block.se,
            Self::InvertedResidual(_) | Self::DepthwiseSeparable(_) => None,
        }
    }

    /// The channel rule that `unit` breaks, if any. `first` marks the very first unit of the network.
    ///
    /// # Errors
    /// The rule, and what would satisfy it.
    pub fn check_unit(&self, unit: Unit, first: bool) -> Result<(), String> {
        let divisible = |channels: u32, groups: u32| {
            if channels.is_multiple_of(groups.max(1)) {
                return Ok(());
            }
            Err(format!("gives a 1x1 convolution {channels} channels, which do not divide into {groups} groups"))
        };
        match self {
            Self::ShuffleV2(block) => block.branches(unit).map(drop),
            Self::ShuffleV1(block) => block.branch(unit, first).map(drop),
            Self::InvertedResidual(block) => {
                // The projection reads `input * expansion` channels, so only the input and output can fail.
                divisible(unit.input, if block.expansion == 1 { 1 } else { block.groups })?;
                divisible(unit.input.saturating_mul(block.expansion), block.groups)?;
                divisible(unit.output, block.groups)
            }
            Self::DepthwiseSeparable(block) => {
                divisible(unit.input, block.groups)?;
                divisible(unit.output, block.groups)
            }
        }
    }
}
