//! Edits as values: what the panel sends, what undo remembers, what a guideline proposes.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Activation, Block, Design, DownSampling, Family, InputSize, SqueezeExcitation};

/// One change to a design. Applying it never fails: a result that breaks a rule is a design whose
/// [`check`](Design::check) says so, and an edit that does not apply (a stage that is not there) changes nothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Edit {
    /// Another name.
    Rename(String),
    /// Every stage's channels from the family's table at this width.
    Width(f64),
    /// Another input size.
    Input(InputSize),
    /// Another number of classes.
    Classes(u32),
    /// Channels of the stem's last convolution.
    StemChannels(u32),
    /// Channels of the head's 1x1 convolution; none removes it.
    Head(Option<u32>),
    /// A change to one stage.
    Stage {
        /// Index into the stages.
        stage: usize,
        /// The change.
        change: StageEdit,
    },
    /// A change to the units of every stage that has the setting.
    Blocks(BlockEdit),
    /// Moves every stage's channels to the nearest number that groups, split and shuffle allow.
    Fit,
    /// Several changes, one after another.
    All(Vec<Edit>),
    /// Another design altogether.
    Replace(Box<Design>),
}

/// A change to one stage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum StageEdit {
    /// Output channels.
    Channels(u32),
    /// Units.
    Repeats(u32),
    /// Stride of the first unit.
    Stride(u32),
    /// A setting of the stage's units.
    Block(BlockEdit),
}

/// A setting of units; units without the setting stay as they are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BlockEdit {
    /// Depthwise window.
    Kernel(u32),
    /// Groups of the 1x1 convolutions.
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
    /// Inner width of inverted residuals.
    Expansion(u32),
    /// Inner width of ShuffleNet V1 units.
    Bottleneck(u32),
}

impl Design {
    /// The design with the edit applied.
    #[must_use]
    pub fn apply(&self, edit: &Edit) -> Self {
        let mut design = self.clone();
        match edit {
            Edit::Rename(name) => design.name.clone_from(name),
            Edit::Width(width) => return self.at_width(*width).unwrap_or(design),
            Edit::Input(size) => design.input = *size,
            Edit::Classes(classes) => design.classes = *classes,
            Edit::StemChannels(channels) => {
                if let Some(conv) = design.stem.convs.last_mut() {
                    conv.channels = *channels;
                }
            }
            Edit::Head(conv) => design.head.conv = *conv,
            Edit::Stage { stage, change } => {
                if let Some(stage) = design.stages.get_mut(*stage) {
                    match change {
                        StageEdit::Channels(channels) => stage.channels = *channels,
                        StageEdit::Repeats(repeats) => stage.repeats = *repeats,
                        StageEdit::Stride(stride) => stage.stride = *stride,
                        StageEdit::Block(edit) => stage.block.apply(edit),
                    }
                }
            }
            Edit::Blocks(edit) => {
                // ShuffleNet V1's published channels depend on its groups: where they are the table's, they stay so.
                let by_table = self.family == Family::ShufflenetV1 && self.follows_table();
                for stage in &mut design.stages {
                    stage.block.apply(edit);
                }
                if let (true, BlockEdit::Groups(_), Some(width)) = (by_table, edit, self.width) {
                    return design.at_width(width).unwrap_or(design);
                }
            }
            Edit::Fit => return design.fitted(),
            Edit::All(edits) => return edits.iter().fold(design, |design, edit| design.apply(edit)),
            Edit::Replace(other) => return (**other).clone(),
        }
        design
    }
}

impl Block {
    /// Applies a setting that these units have.
    pub fn apply(&mut self, edit: &BlockEdit) {
        match (self, edit) {
            (Self::ShuffleV2(block), edit) => match edit {
                BlockEdit::Kernel(kernel) => block.kernel = *kernel,
                BlockEdit::Groups(groups) => block.groups = *groups,
                BlockEdit::Split(split) => block.split = *split,
                BlockEdit::Activation(activation) => block.activation = *activation,
                BlockEdit::Se(se) => block.se = *se,
                BlockEdit::Residual(residual) => block.residual = *residual,
                BlockEdit::Shuffle(shuffle) => block.shuffle = *shuffle,
                BlockEdit::DepthwiseFirst(first) => block.depthwise_first = *first,
                BlockEdit::DownSampling(down) => block.down_sampling = *down,
                BlockEdit::Expansion(_) | BlockEdit::Bottleneck(_) => {}
            },
            (Self::ShuffleV1(block), edit) => match edit {
                BlockEdit::Kernel(kernel) => block.kernel = *kernel,
                BlockEdit::Groups(groups) => block.groups = *groups,
                BlockEdit::Activation(activation) => block.activation = *activation,
                BlockEdit::Se(se) => block.se = *se,
                BlockEdit::Shuffle(shuffle) => block.shuffle = *shuffle,
                BlockEdit::Bottleneck(bottleneck) => block.bottleneck = *bottleneck,
                _ => {}
            },
            (Self::InvertedResidual(block), edit) => match edit {
                BlockEdit::Kernel(kernel) => block.kernel = *kernel,
                BlockEdit::Groups(groups) => block.groups = *groups,
                BlockEdit::Activation(activation) => block.activation = *activation,
                BlockEdit::Residual(residual) => block.residual = *residual,
                BlockEdit::Expansion(expansion) => block.expansion = *expansion,
                _ => {}
            },
            (Self::DepthwiseSeparable(block), edit) => match edit {
                BlockEdit::Kernel(kernel) => block.kernel = *kernel,
                BlockEdit::Groups(groups) => block.groups = *groups,
                BlockEdit::Activation(activation) => block.activation = *activation,
                _ => {}
            },
        }
    }
}

impl fmt::Display for Edit {
    /// What the edit does, for a button or an undo list.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rename(name) => write!(f, "rename to {name}"),
            Self::Width(width) => write!(f, "width {width:.2}x"),
            Self::Input(size) => write!(f, "input {size}"),
            Self::Classes(classes) => write!(f, "{classes} classes"),
            Self::StemChannels(channels) => write!(f, "stem {channels} channels"),
            Self::Head(Some(channels)) => write!(f, "conv5 {channels} channels"),
            Self::Head(None) => write!(f, "no conv5"),
            Self::Stage { stage, change } => write!(f, "{}: {change}", Design::stage_name(*stage)),
            Self::Blocks(edit) => write!(f, "all stages: {edit}"),
            Self::Fit => write!(f, "channels that fit"),
            Self::All(edits) => {
                for (index, edit) in edits.iter().enumerate() {
                    write!(f, "{}{edit}", if index == 0 { "" } else { ", " })?;
                }
                Ok(())
            }
            Self::Replace(design) => write!(f, "open {}", design.name),
        }
    }
}

impl fmt::Display for StageEdit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Channels(channels) => write!(f, "{channels} channels"),
            Self::Repeats(repeats) => write!(f, "{repeats} units"),
            Self::Stride(stride) => write!(f, "stride {stride}"),
            Self::Block(edit) => write!(f, "{edit}"),
        }
    }
}

impl fmt::Display for BlockEdit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let switch = |on: &bool| if *on { "on" } else { "off" };
        match self {
            Self::Kernel(kernel) => write!(f, "depthwise {kernel}x{kernel}"),
            Self::Groups(groups) => write!(f, "g = {groups}"),
            Self::Split(split) => write!(f, "split {split}"),
            Self::Activation(activation) => write!(f, "{}", activation.name()),
            Self::Se(Some(se)) => write!(f, "SE with reduction {}", se.reduction),
            Self::Se(None) => write!(f, "no SE"),
            Self::Residual(on) => write!(f, "residual {}", switch(on)),
            Self::Shuffle(on) => write!(f, "shuffle {}", switch(on)),
            Self::DepthwiseFirst(on) => write!(f, "depthwise first {}", switch(on)),
            Self::DownSampling(DownSampling::Torchvision) => write!(f, "down-sampling as torchvision"),
            Self::DownSampling(DownSampling::Paper) => write!(f, "down-sampling as the paper"),
            Self::Expansion(expansion) => write!(f, "expansion {expansion}"),
            Self::Bottleneck(bottleneck) => write!(f, "bottleneck 1:{bottleneck}"),
        }
    }
}
