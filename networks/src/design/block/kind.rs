//! A block of any kind, and what all kinds have.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::{Activation, limits};
use super::{
    Bottleneck, DepthwiseSeparable, InterleavedGroup, InvertedResidual, ShuffleV1, ShuffleV2, SqueezeExcitation, Unit,
    Xception,
};

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
    /// ResNet's and ResNeXt's unit: reduce, a dense or grouped window, widen, add.
    Bottleneck(Bottleneck),
    /// IGCV3 unit: MobileNet V2's in groups, with a shuffle.
    InterleavedGroup(InterleavedGroup),
    /// Small Xception's unit: three separable convolutions.
    Xception(Xception),
}

/// Names the variant of a [`Block`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BlockKind {
    /// ShuffleNet V2 unit.
    ShuffleV2,
    /// ShuffleNet V1 unit.
    ShuffleV1,
    /// MobileNet V2 unit.
    InvertedResidual,
    /// MobileNet V1 unit.
    DepthwiseSeparable,
    /// ResNet's and ResNeXt's unit.
    Bottleneck,
    /// IGCV3 unit.
    InterleavedGroup,
    /// Small Xception's unit.
    Xception,
}

impl BlockKind {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::ShuffleV2,
        Self::ShuffleV1,
        Self::InvertedResidual,
        Self::DepthwiseSeparable,
        Self::Bottleneck,
        Self::InterleavedGroup,
        Self::Xception,
    ];

    /// What people call it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ShuffleV2 => "ShuffleNet V2 unit",
            Self::ShuffleV1 => "ShuffleNet V1 unit",
            Self::InvertedResidual => "inverted residual",
            Self::DepthwiseSeparable => "depthwise separable",
            Self::Bottleneck => "residual bottleneck",
            Self::InterleavedGroup => "interleaved groups",
            Self::Xception => "separable bottleneck",
        }
    }

    /// Whose it is, and what it computes.
    #[must_use]
    pub const fn about(self) -> &'static str {
        match self {
            Self::ShuffleV2 => "ShuffleNet V2: half of the channels pass; 1x1, depthwise, 1x1; shuffle",
            Self::ShuffleV1 => "ShuffleNet V1: grouped 1x1, shuffle, depthwise, grouped 1x1; add",
            Self::InvertedResidual => "MobileNet V2: widen, depthwise, project; add",
            Self::DepthwiseSeparable => "MobileNet V1: depthwise, 1x1",
            Self::Bottleneck => "ResNet and ResNeXt: reduce, a dense or grouped window, widen; add",
            Self::InterleavedGroup => "IGCV3: MobileNet V2's unit with 1x1 convolutions in groups and a shuffle",
            Self::Xception => "Small Xception: three separable convolutions, the first two narrow; add",
        }
    }

    /// A block of this kind as its paper has it.
    #[must_use]
    pub fn block(self) -> Block {
        match self {
            Self::ShuffleV2 => Block::ShuffleV2(ShuffleV2::default()),
            Self::ShuffleV1 => Block::ShuffleV1(ShuffleV1::default()),
            Self::InvertedResidual => Block::InvertedResidual(InvertedResidual::default()),
            Self::DepthwiseSeparable => Block::DepthwiseSeparable(DepthwiseSeparable::default()),
            Self::Bottleneck => Block::Bottleneck(Bottleneck::default()),
            Self::InterleavedGroup => Block::InterleavedGroup(InterleavedGroup::default()),
            Self::Xception => Block::Xception(Xception::default()),
        }
    }

    /// The numbers of groups that its convolutions may have.
    #[must_use]
    pub const fn groups(self) -> &'static [u32] {
        match self {
            Self::Bottleneck => &limits::WINDOW_GROUPS,
            _ => &limits::GROUPS,
        }
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
            Self::Bottleneck(_) => BlockKind::Bottleneck,
            Self::InterleavedGroup(_) => BlockKind::InterleavedGroup,
            Self::Xception(_) => BlockKind::Xception,
        }
    }

    /// Window in pixels: the depthwise one, or a bottleneck's in the middle.
    #[must_use]
    pub const fn kernel(&self) -> u32 {
        match self {
            Self::ShuffleV2(block) => block.kernel,
            Self::ShuffleV1(block) => block.kernel,
            Self::InvertedResidual(block) => block.kernel,
            Self::DepthwiseSeparable(block) => block.kernel,
            Self::Bottleneck(block) => block.kernel,
            Self::InterleavedGroup(block) => block.kernel,
            Self::Xception(block) => block.kernel,
        }
    }

    /// Groups of the 1x1 convolutions, or of a bottleneck's convolution in the middle.
    #[must_use]
    pub const fn groups(&self) -> u32 {
        match self {
            Self::ShuffleV2(block) => block.groups,
            Self::ShuffleV1(block) => block.groups,
            Self::InvertedResidual(block) => block.groups,
            Self::DepthwiseSeparable(block) => block.groups,
            Self::Bottleneck(block) => block.groups,
            Self::InterleavedGroup(block) => block.groups,
            Self::Xception(block) => block.groups,
        }
    }

    /// Groups that the channels which a stage of these units reads have to divide into.
    #[must_use]
    pub const fn groups_read(&self) -> u32 {
        match self {
            Self::Bottleneck(_) => 1,
            _ => self.groups(),
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
            Self::Bottleneck(block) => block.activation,
            Self::InterleavedGroup(block) => block.activation,
            Self::Xception(block) => block.activation,
        }
    }

    /// Squeeze-and-excitation, where the unit has it.
    #[must_use]
    pub const fn se(&self) -> Option<SqueezeExcitation> {
        match self {
            Self::ShuffleV2(block) => block.se,
            Self::ShuffleV1(block) => block.se,
            Self::Bottleneck(block) => block.se,
            Self::InvertedResidual(_) | Self::DepthwiseSeparable(_) | Self::InterleavedGroup(_) | Self::Xception(_) => {
                None
            }
        }
    }

    /// The channel rule that `unit` breaks, if any. `first` marks the very first unit of the network.
    ///
    /// # Errors
    /// The rule, and what would satisfy it.
    pub fn check_unit(&self, unit: Unit, first: bool) -> Result<(), String> {
        match self {
            Self::ShuffleV2(block) => block.branches(unit).map(drop),
            Self::ShuffleV1(block) => block.branch(unit, first).map(drop),
            Self::InvertedResidual(block) => block.check(unit),
            Self::DepthwiseSeparable(block) => block.check(unit),
            Self::Bottleneck(block) => block.inner(unit).map(drop),
            Self::InterleavedGroup(block) => block.inner(unit).map(drop),
            Self::Xception(block) => block.widths(unit).map(drop),
        }
    }
}
