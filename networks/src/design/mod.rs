//! The editable description of a network: what presets, files, the edit panel, undo and the worker protocol carry.
//!
//! A design is data that reads like a row of the paper's Table 5. [`Design::check`] says everything that is wrong with
//! it at once, [`Design::apply`] makes the edited copy, [`text`] is its TOML form.

mod activation;
mod block;
mod block_edit;
mod check;
mod edit;
mod edit_words;
mod fingerprint;
pub mod limits;
mod stem_edit;
pub mod text;
mod width;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use activation::Activation;
pub use block::{
    Block, BlockKind, Bottleneck, Branches, DepthwiseSeparable, DownSampling, InterleavedGroup, InvertedResidual,
    ShuffleV1, ShuffleV2, SqueezeExcitation, StrideAt, Unit, Xception,
};
pub use block_edit::BlockEdit;
pub use check::{DesignError, DesignErrors, Field};
pub use edit::{Edit, StageEdit};
pub use fingerprint::Fingerprint;
pub use fingerprint::fnv1a_64;
pub use stem_edit::{ConvEdit, StemEdit};
pub use width::{Scale, WIDTHS, round_to};

/// Images processed in one run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Batch(pub u32);

/// A network as a person thinks of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Design {
    /// What the design is called; a preset's name until it is edited.
    pub name: String,
    /// Which table its channels come from; decides what the width setting does.
    #[serde(default)]
    pub family: Family,
    /// The width last applied (1.0 is the paper's 1x); the stages' channels are what counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<f64>,
    /// Classes told apart.
    pub classes: u32,
    /// Size of the image read.
    pub input: InputSize,
    /// What comes before the stages.
    pub stem: Stem,
    /// The stages, the paper's stage 2 first.
    pub stages: Vec<Stage>,
    /// What comes after the stages.
    pub head: Head,
}

/// Which published table a design's channels follow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Family {
    /// ShuffleNet V2, Table 5.
    ShufflenetV2,
    /// ShuffleNet V2-50, appendix Table 2.
    #[serde(rename = "shufflenet-v2-50")]
    ShufflenetV2_50,
    /// SE-ShuffleNet V2-164, appendix Table 2.
    #[serde(rename = "shufflenet-v2-164")]
    ShufflenetV2_164,
    /// ShuffleNet V1 (Zhang et al., CVPR 2018), Table 1.
    ShufflenetV1,
    /// MobileNet V1 (Howard et al., 2017), Table 1.
    MobilenetV1,
    /// MobileNet V2 (Sandler et al., CVPR 2018), Table 2.
    MobilenetV2,
    /// IGCV3-D (Sun et al., BMVC 2018): MobileNet V2's table at twice the depth.
    Igcv3,
    /// The small Xceptions of the ShuffleNet V2 paper's Table 8, in the form that we propose.
    XceptionSmall,
    /// ResNet (He et al., CVPR 2016) and its kin, which come in one width.
    Resnet,
    /// No table: the channels are the designer's own.
    #[default]
    Custom,
}

/// Size of the input image in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InputSize {
    /// Rows.
    pub height: u32,
    /// Columns.
    pub width: u32,
}

impl InputSize {
    /// `side` by `side` pixels.
    #[must_use]
    pub const fn square(side: u32) -> Self {
        Self { height: side, width: side }
    }
}

impl std::fmt::Display for InputSize {
    /// `224x224`: width by height, as image sizes are written.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&format!("{}x{}", self.width, self.height))
    }
}

impl std::str::FromStr for InputSize {
    type Err = String;

    /// `224` or `640x480` (width by height).
    fn from_str(text: &str) -> Result<Self, String> {
        let number = |part: &str| part.trim().parse::<u32>();
        let size = match text.split_once(['x', '×']) {
            Some((width, height)) => number(width).and_then(|width| Ok(Self { width, height: number(height)? })),
            None => number(text).map(Self::square),
        };
        size.map_err(|_| {
            format!("`{text}` is not an image size: write a side such as 224, or WIDTHxHEIGHT such as 640x480")
        })
    }
}

/// Convolutions, and perhaps a max-pool, that reduce the image before the stages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Stem {
    /// Dense convolutions, each with batch normalisation and activation.
    pub convs: Vec<StemConv>,
    /// After every convolution of the stem.
    #[serde(default)]
    pub activation: Activation,
    /// A 3x3 max-pool of stride 2 at the end.
    #[serde(default)]
    pub max_pool: bool,
}

/// One dense convolution of the stem.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct StemConv {
    /// Output channels.
    pub channels: u32,
    /// Window size in pixels: 1, 3, 5 or 7.
    #[serde(default = "three")]
    pub kernel: u32,
    /// Step: 1 or 2.
    #[serde(default = "one")]
    pub stride: u32,
}

/// Units of equal width; the first one changes resolution and channels.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Stage {
    /// Output channels of every unit.
    pub channels: u32,
    /// Units, the first one included.
    pub repeats: u32,
    /// Stride of the first unit: 1 or 2.
    pub stride: u32,
    /// What a unit is made of.
    pub block: Block,
}

/// Convolution, global average pooling and classifier.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Head {
    /// Output channels of the last 1x1 convolution (the paper's conv5); none where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conv: Option<u32>,
    /// After that convolution.
    #[serde(default)]
    pub activation: Activation,
    /// Whether the classifier has a bias (torchvision has one, the paper's authors' code has none).
    #[serde(default = "yes")]
    pub bias: bool,
}

impl Design {
    /// Channels that stage `index` reads: the stage before it, or the stem.
    #[must_use]
    pub fn channels_into(&self, index: usize) -> u32 {
        match index.checked_sub(1).and_then(|before| self.stages.get(before)) {
            Some(stage) => stage.channels,
            None => self.stem.convs.last().map_or(3, |conv| conv.channels),
        }
    }

    /// The name the paper gives stage `index`: its first stage of units is stage 2.
    #[must_use]
    pub fn stage_name(index: usize) -> String {
        format!("stage{}", index.saturating_add(2))
    }

    /// What one more stage at the end could be: as the last one, twice as wide at half the resolution.
    #[must_use]
    pub fn next_stage(&self) -> Stage {
        match self.stages.last() {
            Some(last) => {
                let channels = last.channels.saturating_mul(2).clamp(1, *limits::CHANNELS.end());
                Stage { channels, stride: 2, ..last.clone() }
            }
            None => Stage { channels: 48, repeats: 4, stride: 2, block: BlockKind::ShuffleV2.block() },
        }
    }
}

const fn one() -> u32 {
    1
}

const fn three() -> u32 {
    3
}

const fn yes() -> bool {
    true
}
