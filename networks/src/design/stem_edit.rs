//! Changes to what comes before the stages.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Activation, Stem, StemConv};

/// A change to the stem; one of a convolution that is not there changes nothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum StemEdit {
    /// A change to one convolution.
    Conv {
        /// Its place, from 0.
        conv: usize,
        /// The change.
        change: ConvEdit,
    },
    /// One more convolution.
    AddConv {
        /// The place that it takes; behind the last one at most.
        at: usize,
        /// The convolution.
        conv: StemConv,
    },
    /// One convolution less.
    RemoveConv(usize),
    /// Non-linearity after every convolution.
    Activation(Activation),
    /// The 3x3 max-pool of stride 2 at the end.
    MaxPool(bool),
}

/// A change to a convolution of the stem.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ConvEdit {
    /// Output channels.
    Channels(u32),
    /// Window.
    Kernel(u32),
    /// Step.
    Stride(u32),
}

impl Stem {
    /// Applies a change.
    pub(super) fn apply(&mut self, edit: &StemEdit) {
        match edit {
            StemEdit::Conv { conv, change } => {
                let Some(conv) = self.convs.get_mut(*conv) else { return };
                match change {
                    ConvEdit::Channels(channels) => conv.channels = *channels,
                    ConvEdit::Kernel(kernel) => conv.kernel = *kernel,
                    ConvEdit::Stride(stride) => conv.stride = *stride,
                }
            }
            StemEdit::AddConv { at, conv } => self.convs.insert((*at).min(self.convs.len()), *conv),
            StemEdit::RemoveConv(conv) => {
                if *conv < self.convs.len() {
                    self.convs.remove(*conv);
                }
            }
            StemEdit::Activation(activation) => self.activation = *activation,
            StemEdit::MaxPool(on) => self.max_pool = *on,
        }
    }
}
