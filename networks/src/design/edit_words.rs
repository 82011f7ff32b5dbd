//! What edits do in words, for a button or an undo list.

use std::fmt;

use super::{BlockEdit, ConvEdit, Design, DownSampling, Edit, StageEdit, StemEdit, StrideAt};

impl fmt::Display for Edit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rename(name) => write!(f, "rename to {name}"),
            Self::Width(width) => write!(f, "width {width:.2}x"),
            Self::Input(size) => write!(f, "input {size}"),
            Self::Classes(classes) => write!(f, "{classes} classes"),
            Self::StemChannels(channels) => write!(f, "stem {channels} channels"),
            Self::Stem(edit) => write!(f, "stem: {edit}"),
            Self::Head(Some(channels)) => write!(f, "conv5 {channels} channels"),
            Self::Head(None) => write!(f, "no conv5"),
            Self::HeadActivation(activation) => write!(f, "head {}", activation.name()),
            Self::HeadBias(on) => write!(f, "classifier's bias {}", switch(*on)),
            Self::Stage { stage, change } => write!(f, "{}: {change}", Design::stage_name(*stage)),
            Self::Stages(change) => write!(f, "all stages: {change}"),
            Self::Blocks(edit) => write!(f, "all stages: {edit}"),
            Self::AddStage { at, .. } => write!(f, "add {}", Design::stage_name(*at)),
            Self::RemoveStage(stage) => write!(f, "remove {}", Design::stage_name(*stage)),
            Self::DuplicateStage(stage) => write!(f, "duplicate {}", Design::stage_name(*stage)),
            Self::MoveStage { from, to } => {
                write!(f, "move {} to {}", Design::stage_name(*from), Design::stage_name(*to))
            }
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

const fn switch(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}

impl fmt::Display for StemEdit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Conv { conv, change } => {
                let number = conv.saturating_add(1);
                match change {
                    ConvEdit::Channels(channels) => write!(f, "convolution {number} with {channels} channels"),
                    ConvEdit::Kernel(kernel) => write!(f, "convolution {number} {kernel}x{kernel}"),
                    ConvEdit::Stride(stride) => write!(f, "convolution {number} stride {stride}"),
                }
            }
            Self::AddConv { .. } => write!(f, "one more convolution"),
            Self::RemoveConv(conv) => write!(f, "without convolution {}", conv.saturating_add(1)),
            Self::Activation(activation) => write!(f, "{}", activation.name()),
            Self::MaxPool(on) => write!(f, "max-pool {}", switch(*on)),
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
        match self {
            Self::Kind(kind) => write!(f, "{}", kind.name()),
            Self::Kernel(kernel) => write!(f, "depthwise {kernel}x{kernel}"),
            Self::Groups(groups) => write!(f, "g = {groups}"),
            Self::Split(split) => write!(f, "split {split}"),
            Self::Activation(activation) => write!(f, "{}", activation.name()),
            Self::Se(Some(se)) => write!(f, "SE with reduction {}", se.reduction),
            Self::Se(None) => write!(f, "no SE"),
            Self::Residual(on) => write!(f, "residual {}", switch(*on)),
            Self::Shuffle(on) => write!(f, "shuffle {}", switch(*on)),
            Self::DepthwiseFirst(on) => write!(f, "depthwise first {}", switch(*on)),
            Self::DownSampling(DownSampling::Torchvision) => write!(f, "down-sampling as torchvision"),
            Self::DownSampling(DownSampling::Paper) => write!(f, "down-sampling as the paper"),
            Self::Expansion(expansion) => write!(f, "expansion {expansion}"),
            Self::Bottleneck(bottleneck) => write!(f, "bottleneck 1:{bottleneck}"),
            Self::StrideAt(StrideAt::Middle) => write!(f, "stride at the middle convolution"),
            Self::StrideAt(StrideAt::First) => write!(f, "stride at the first convolution"),
        }
    }
}
