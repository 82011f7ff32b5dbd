//! How the layers outside the units are called, and where units stand in the names.

use crate::design::{Block, Design};

/// A way of naming; the first stage's units decide.
pub(super) enum Names {
    /// `conv1`, `maxpool`, `stage2.0`, `conv5`, `fc`: torchvision's ShuffleNet V2.
    Shuffle,
    /// `features.0` ... and `classifier.1`: torchvision's MobileNet V2.
    Features,
    /// `conv1`, `bn1`, `relu`, `maxpool`, `layer1.0`, `avgpool`, `fc`: torchvision's ResNet.
    Resnet,
}

impl Names {
    pub fn of(design: &Design) -> Self {
        match design.stages.first().map(|stage| &stage.block) {
            Some(Block::InvertedResidual(_) | Block::DepthwiseSeparable(_) | Block::InterleavedGroup(_)) => {
                Self::Features
            }
            Some(Block::Bottleneck(_)) => Self::Resnet,
            Some(Block::ShuffleV2(_) | Block::ShuffleV1(_) | Block::Xception(_)) | None => Self::Shuffle,
        }
    }

    /// Convolution, norm and activation of the stem's convolution `index`.
    pub fn stem(&self, index: usize) -> [String; 3] {
        match (self, index) {
            (Self::Resnet, 0) => ["conv1", "bn1", "relu"].map(Into::into),
            (Self::Shuffle, 0) => sequential("conv1", 0),
            (Self::Shuffle | Self::Resnet, index) => sequential(&format!("conv1_{}", index + 1), 0),
            (Self::Features, index) => sequential(&format!("features.{index}"), 0),
        }
    }

    pub fn unit(&self, design: &Design, stage: usize, repeat: u32) -> String {
        match self {
            Self::Shuffle => format!("{}.{repeat}", Design::stage_name(stage)),
            Self::Features => {
                let before: u32 = design.stages.iter().take(stage).map(|stage| stage.repeats).sum();
                format!("features.{}", design.stem.convs.len() as u32 + before + repeat)
            }
            Self::Resnet => format!("layer{}.{repeat}", stage + 1),
        }
    }

    /// Convolution, norm and activation of the head.
    pub fn head(&self, design: &Design) -> [String; 3] {
        match self {
            Self::Shuffle | Self::Resnet => sequential(&format!("conv{}", design.stages.len() + 2), 0),
            Self::Features => sequential(&self.unit(design, design.stages.len(), 0), 0),
        }
    }

    pub const fn pool(&self) -> &'static str {
        match self {
            Self::Shuffle | Self::Features => "global_pool",
            Self::Resnet => "avgpool",
        }
    }

    pub const fn classifier(&self) -> &'static str {
        match self {
            Self::Shuffle | Self::Resnet => "fc",
            Self::Features => "classifier.1",
        }
    }
}

/// `prefix.name`. There are thousands of these in the frame of an edit, and `format!` takes several times as long.
pub(super) fn below(prefix: &str, name: &str) -> String {
    [prefix, ".", name].concat()
}

/// `prefix.index`, `prefix.index + 1`, `prefix.index + 2`: where a sequential module puts convolution, norm, activation.
pub(super) fn sequential(prefix: &str, index: usize) -> [String; 3] {
    const DIGITS: [&str; 10] = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];
    [0, 1, 2].map(|offset| match DIGITS.get(index + offset) {
        Some(digit) => below(prefix, digit),
        None => below(prefix, &(index + offset).to_string()),
    })
}
