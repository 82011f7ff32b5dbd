//! The units that stages are made of, one type per family, and the channel arithmetic they imply.

mod bottleneck;
mod interleaved_group;
mod kind;
mod mobile;
mod shuffle_v1;
mod shuffle_v2;
mod squeeze_excitation;
mod unit;
mod xception;

pub use bottleneck::{Bottleneck, StrideAt};
pub use interleaved_group::InterleavedGroup;
pub use kind::{Block, BlockKind};
pub use mobile::{DepthwiseSeparable, InvertedResidual};
pub use shuffle_v1::ShuffleV1;
pub use shuffle_v2::{Branches, DownSampling, ShuffleV2};
pub use squeeze_excitation::SqueezeExcitation;
pub use unit::Unit;
pub use xception::Xception;
