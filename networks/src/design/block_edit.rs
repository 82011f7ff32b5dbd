//! Changes to the settings of units, and what a unit of one kind keeps when it becomes another.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Activation, Block, BlockKind, Bottleneck, DepthwiseSeparable, DownSampling, InterleavedGroup, InvertedResidual,
    ShuffleV1, ShuffleV2, SqueezeExcitation, StrideAt, Xception,
};

/// A setting of units; units without the setting stay as they are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BlockEdit {
    /// Another kind of unit, which keeps every setting that it has too.
    Kind(BlockKind),
    /// Window: the depthwise one, or a bottleneck's in the middle.
    Kernel(u32),
    /// Groups of the 1x1 convolutions, or of a bottleneck's convolution in the middle.
    Groups(u32),
    /// Share of the channels that passes untouched.
    Split(f64),
    /// Non-linearity.
    Activation(Activation),
    /// Squeeze-and-excitation.
    Se(Option<SqueezeExcitation>),
    /// Residual addition.
    Residual(bool),
    /// Channel shuffle.
    Shuffle(bool),
    /// An extra depthwise convolution in front (V2*).
    DepthwiseFirst(bool),
    /// Branch widths of the first unit.
    DownSampling(DownSampling),
    /// Inner width of inverted residuals and interleaved groups.
    Expansion(u32),
    /// Inner width of ShuffleNet V1 units, of bottlenecks and of Xception's.
    Bottleneck(u32),
    /// Which convolution of a bottleneck has the stride.
    StrideAt(StrideAt),
}

impl Block {
    /// Applies a setting that these units have.
    pub fn apply(&mut self, edit: &BlockEdit) {
        match edit {
            BlockEdit::Kind(kind) if *kind == self.kind() => {}
            BlockEdit::Kind(kind) => *self = self.of_kind(*kind),
            BlockEdit::Kernel(kernel) => *self.kernel_mut() = *kernel,
            BlockEdit::Groups(groups) => *self.groups_mut() = *groups,
            BlockEdit::Activation(activation) => *self.activation_mut() = *activation,
            BlockEdit::Se(now) => {
                if let Self::ShuffleV2(ShuffleV2 { se, .. })
                | Self::ShuffleV1(ShuffleV1 { se, .. })
                | Self::Bottleneck(Bottleneck { se, .. }) = self
                {
                    *se = *now;
                }
            }
            BlockEdit::Residual(on) => {
                if let Self::ShuffleV2(ShuffleV2 { residual, .. })
                | Self::InvertedResidual(InvertedResidual { residual, .. })
                | Self::InterleavedGroup(InterleavedGroup { residual, .. }) = self
                {
                    *residual = *on;
                }
            }
            BlockEdit::Shuffle(on) => {
                if let Self::ShuffleV2(ShuffleV2 { shuffle, .. })
                | Self::ShuffleV1(ShuffleV1 { shuffle, .. })
                | Self::InterleavedGroup(InterleavedGroup { shuffle, .. }) = self
                {
                    *shuffle = *on;
                }
            }
            BlockEdit::Expansion(now) => {
                if let Self::InvertedResidual(InvertedResidual { expansion, .. })
                | Self::InterleavedGroup(InterleavedGroup { expansion, .. }) = self
                {
                    *expansion = *now;
                }
            }
            BlockEdit::Bottleneck(now) => {
                if let Self::ShuffleV1(ShuffleV1 { bottleneck, .. })
                | Self::Bottleneck(Bottleneck { bottleneck, .. })
                | Self::Xception(Xception { bottleneck, .. }) = self
                {
                    *bottleneck = *now;
                }
            }
            BlockEdit::StrideAt(now) => {
                if let Self::Bottleneck(block) = self {
                    block.stride_at = *now;
                }
            }
            BlockEdit::Split(_) | BlockEdit::DepthwiseFirst(_) | BlockEdit::DownSampling(_) => {
                let Self::ShuffleV2(block) = self else { return };
                match edit {
                    BlockEdit::Split(split) => block.split = *split,
                    BlockEdit::DepthwiseFirst(first) => block.depthwise_first = *first,
                    BlockEdit::DownSampling(down) => block.down_sampling = *down,
                    _ => {}
                }
            }
        }
    }

    /// Every setting that these units have, as the edits that give it.
    #[must_use]
    pub fn settings(&self) -> Vec<BlockEdit> {
        let common = [
            BlockEdit::Kernel(self.kernel()),
            BlockEdit::Groups(self.groups()),
            BlockEdit::Activation(self.activation()),
        ];
        let own = match self {
            Self::ShuffleV2(of) => vec![
                BlockEdit::Split(of.split),
                BlockEdit::Se(of.se),
                BlockEdit::Residual(of.residual),
                BlockEdit::Shuffle(of.shuffle),
                BlockEdit::DepthwiseFirst(of.depthwise_first),
                BlockEdit::DownSampling(of.down_sampling),
            ],
            Self::ShuffleV1(of) => {
                vec![BlockEdit::Bottleneck(of.bottleneck), BlockEdit::Se(of.se), BlockEdit::Shuffle(of.shuffle)]
            }
            Self::InvertedResidual(of) => {
                vec![BlockEdit::Expansion(of.expansion), BlockEdit::Residual(of.residual)]
            }
            Self::DepthwiseSeparable(_) => vec![],
            Self::Bottleneck(of) => {
                vec![BlockEdit::Bottleneck(of.bottleneck), BlockEdit::Se(of.se), BlockEdit::StrideAt(of.stride_at)]
            }
            Self::InterleavedGroup(of) => vec![
                BlockEdit::Expansion(of.expansion),
                BlockEdit::Residual(of.residual),
                BlockEdit::Shuffle(of.shuffle),
            ],
            Self::Xception(of) => vec![BlockEdit::Bottleneck(of.bottleneck)],
        };
        common.into_iter().chain(own).collect()
    }

    /// A block of this kind with every setting that both kinds have; groups only where the kind may have so many.
    fn of_kind(&self, kind: BlockKind) -> Self {
        let mut block = kind.block();
        let fits = |setting: &BlockEdit| match setting {
            BlockEdit::Groups(groups) => kind.groups().contains(groups),
            _ => true,
        };
        self.settings().iter().filter(|setting| fits(setting)).for_each(|setting| block.apply(setting));
        block
    }

    const fn kernel_mut(&mut self) -> &mut u32 {
        match self {
            Self::ShuffleV2(ShuffleV2 { kernel, .. })
            | Self::ShuffleV1(ShuffleV1 { kernel, .. })
            | Self::InvertedResidual(InvertedResidual { kernel, .. })
            | Self::DepthwiseSeparable(DepthwiseSeparable { kernel, .. })
            | Self::Bottleneck(Bottleneck { kernel, .. })
            | Self::InterleavedGroup(InterleavedGroup { kernel, .. })
            | Self::Xception(Xception { kernel, .. }) => kernel,
        }
    }

    const fn groups_mut(&mut self) -> &mut u32 {
        match self {
            Self::ShuffleV2(ShuffleV2 { groups, .. })
            | Self::ShuffleV1(ShuffleV1 { groups, .. })
            | Self::InvertedResidual(InvertedResidual { groups, .. })
            | Self::DepthwiseSeparable(DepthwiseSeparable { groups, .. })
            | Self::Bottleneck(Bottleneck { groups, .. })
            | Self::InterleavedGroup(InterleavedGroup { groups, .. })
            | Self::Xception(Xception { groups, .. }) => groups,
        }
    }

    const fn activation_mut(&mut self) -> &mut Activation {
        match self {
            Self::ShuffleV2(ShuffleV2 { activation, .. })
            | Self::ShuffleV1(ShuffleV1 { activation, .. })
            | Self::InvertedResidual(InvertedResidual { activation, .. })
            | Self::DepthwiseSeparable(DepthwiseSeparable { activation, .. })
            | Self::Bottleneck(Bottleneck { activation, .. })
            | Self::InterleavedGroup(InterleavedGroup { activation, .. })
            | Self::Xception(Xception { activation, .. }) => activation,
        }
    }
}
