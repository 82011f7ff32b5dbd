//! What a node computes, with every attribute that its result or cost depends on.

use std::fmt;
use std::ops::Range;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Window;
use super::activation::{Activation, Coefficient};

/// A convolution; weights are `[out_channels, in_channels / groups, kernel_h, kernel_w]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Conv2d {
    /// Channels read.
    pub in_channels: usize,
    /// Channels written.
    pub out_channels: usize,
    /// Kernel, stride, padding, dilation.
    pub window: Window,
    /// Groups: each output channel reads `in_channels / groups` input channels.
    pub groups: usize,
    /// Whether a bias of `out_channels` elements is added.
    pub bias: bool,
}

impl Conv2d {
    /// One input channel per output channel.
    #[must_use]
    pub const fn is_depthwise(&self) -> bool {
        self.groups > 1 && self.groups == self.in_channels && self.groups == self.out_channels
    }

    /// A 1x1 window: a matrix product over the channels.
    #[must_use]
    pub const fn is_pointwise(&self) -> bool {
        self.window.taps() == 1
    }

    /// Elements of the weight tensor.
    #[must_use]
    pub const fn weight_elements(&self) -> usize {
        self.out_channels * (self.in_channels / self.groups) * self.window.taps()
    }
}

/// Normalisation by the neighbouring channels (Krizhevsky et al. 2012, section 3.3):
/// `x / (offset + alpha / size * sum)^beta`, `sum` being that of the squares in `(size - 1) / 2` channels before, the channel
/// itself and `size / 2` behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct LocalNorm {
    /// Channels that are added up.
    pub size: usize,
    /// The factor of the squares' mean.
    pub alpha: Coefficient,
    /// The exponent.
    pub beta: Coefficient,
    /// What is added to the mean.
    pub offset: Coefficient,
}

impl LocalNorm {
    /// The channels, of `channels`, whose squares are added up for `channel`.
    #[must_use]
    pub fn neighbours(&self, channel: usize, channels: usize) -> Range<usize> {
        let before = self.size.saturating_sub(1) / 2;
        channel.saturating_sub(before)..channels.min(channel.saturating_add(self.size / 2).saturating_add(1))
    }
}

/// What a [`Node`](super::Node) computes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Op {
    /// The network's input; always node 0 and not a layer.
    Input,
    /// Convolution, dense, grouped or depthwise.
    Conv2d(Conv2d),
    /// Inference batch normalisation with running statistics over `channels`.
    BatchNorm {
        /// Channels normalised.
        channels: usize,
        /// Added to the variance.
        eps: f64,
    },
    /// Element-wise non-linearity.
    Activation(Activation),
    /// `x`, or the learned slope times `x` below zero.
    PRelu {
        /// Slopes: one for each channel, or a single one.
        channels: usize,
    },
    /// Scale of each channel, and its shift: a normalisation with nothing to subtract, the scale of a residual branch.
    Affine {
        /// Channels scaled.
        channels: usize,
        /// Whether a bias of `channels` elements is added.
        shift: bool,
    },
    /// Normalisation of each pixel over its channels, then scale and shift of each channel.
    LayerNorm {
        /// Channels normalised together.
        channels: usize,
        /// Added to the variance.
        eps: f64,
    },
    /// Normalisation of each value by its neighbours in other channels.
    LocalNorm(LocalNorm),
    /// Maximum over a window; padding never wins.
    MaxPool(Window),
    /// Mean over a window; padding counts as zeros (PyTorch's default).
    AvgPool(Window),
    /// Mean over those pixels of a window that lie in the map or in the padding that counts; [`average_pool`](Self::average_pool)
    /// makes it where there is other padding.
    AvgPoolCounted {
        /// Kernel, stride, padding, dilation.
        window: Window,
        /// Pixels of padding that count as zeros: above and left of the map, below and right of it.
        counted: [[usize; 2]; 2],
    },
    /// Mean over all pixels: `[n, c, h, w] -> [n, c, 1, 1]`.
    GlobalAvgPool,
    /// Maximum over all pixels: `[n, c, h, w] -> [n, c, 1, 1]`.
    GlobalMaxPool,
    /// `[n, c, h, w] -> [n, c*h*w, 1, 1]`.
    Flatten,
    /// Fully connected; weights are `[out_features, in_features]`.
    Linear {
        /// Elements read per image.
        in_features: usize,
        /// Elements written per image.
        out_features: usize,
        /// Whether a bias of `out_features` elements is added.
        bias: bool,
    },
    /// Sum of two maps of equal shape.
    Add,
    /// Channel-wise product of a map (first input) and a `[n, c, 1, 1]` gate (second input).
    Scale,
    /// Product of two maps of equal shape.
    Mul,
    /// Sum of a map (first input) and a `[n, c, 1, 1]` shift of its channels (second input).
    Shift,
    /// A map of one channel, `[n, 1, h, w]`, as a map of `channels` that are all alike: a view, no data moves.
    Repeat {
        /// Channels made.
        channels: usize,
    },
    /// Channels of all inputs, one after another.
    Concat,
    /// Channels `start .. start + channels` of the input: a view, no data moves on paper.
    Slice {
        /// First channel kept.
        start: usize,
        /// Channels kept.
        channels: usize,
    },
    /// View as `[groups, channels / groups]`, transpose, flatten (torchvision's `channel_shuffle`): output channel
    /// `i * groups + g` is input channel `g * (channels / groups) + i`.
    ChannelShuffle {
        /// Groups mixed.
        groups: usize,
    },
}

/// What kind of work a node is, for grouping, colours and guidelines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OpKind {
    /// The network's input.
    Input,
    /// Dense or grouped convolution with a window larger than one pixel.
    Convolution,
    /// 1x1 convolution, grouped or not.
    Pointwise,
    /// Depthwise convolution.
    Depthwise,
    /// Fully connected layer.
    Linear,
    /// Normalisation of any kind.
    Normalisation,
    /// Activation, sum, product, scale and shift of channels.
    ElementWise,
    /// Pooling of any kind.
    Pooling,
    /// Concatenation, slicing, shuffle, flatten: data moves or is only viewed differently.
    Data,
}

impl OpKind {
    /// The name shown to people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::Convolution => "convolution",
            Self::Pointwise => "pointwise",
            Self::Depthwise => "depthwise",
            Self::Linear => "linear",
            Self::Normalisation => "normalisation",
            Self::ElementWise => "element-wise",
            Self::Pooling => "pooling",
            Self::Data => "data",
        }
    }

    /// The rank among kinds that run as one kernel, the heaviest first.
    pub const fn rank(self) -> u8 {
        match self {
            Self::Convolution | Self::Pointwise | Self::Linear => 0,
            Self::Depthwise => 1,
            Self::Pooling => 2,
            Self::Normalisation | Self::ElementWise => 3,
            Self::Data | Self::Input => 4,
        }
    }
}

impl Op {
    /// The kind of work this is.
    #[must_use]
    pub const fn kind(&self) -> OpKind {
        match self {
            Self::Input => OpKind::Input,
            Self::Conv2d(conv) if conv.is_depthwise() => OpKind::Depthwise,
            Self::Conv2d(conv) if conv.is_pointwise() => OpKind::Pointwise,
            Self::Conv2d(_) => OpKind::Convolution,
            Self::BatchNorm { .. } | Self::LayerNorm { .. } | Self::LocalNorm(_) => OpKind::Normalisation,
            Self::Activation(_)
            | Self::PRelu { .. }
            | Self::Affine { .. }
            | Self::Add
            | Self::Scale
            | Self::Mul
            | Self::Shift => OpKind::ElementWise,
            Self::MaxPool(_)
            | Self::AvgPool(_)
            | Self::AvgPoolCounted { .. }
            | Self::GlobalAvgPool
            | Self::GlobalMaxPool => OpKind::Pooling,
            Self::Linear { .. } => OpKind::Linear,
            Self::Concat | Self::Slice { .. } | Self::ChannelShuffle { .. } | Self::Repeat { .. } | Self::Flatten => {
                OpKind::Data
            }
        }
    }

    /// Average pooling as frameworks have it: `window` with the padding that is asked for, over a map of `[height, width]`
    /// pixels. Where output lengths are rounded up, what the last windows reach beyond the padding never counts.
    #[must_use]
    pub fn average_pool(window: Window, input: [usize; 2], rounds_up: bool, counts_padding: bool) -> Self {
        let wider = if rounds_up { window.rounding_up(input) } else { window };
        // What fits without more pixels stays as it was asked for.
        let longer = (0..2).any(|axis| wider.padding_end[axis] > window.padding_end[axis]);
        let whole = if longer {
            let padding_end = [0, 1].map(|axis| wider.padding_end[axis].max(window.padding_end[axis]));
            Window { padding_end, ..window }
        } else {
            window
        };
        let asked = [window.padding, window.padding_end];
        let counted = if counts_padding { asked } else { [[0; 2]; 2] };
        if counted == [whole.padding, whole.padding_end] {
            Self::AvgPool(whole)
        } else {
            Self::AvgPoolCounted { window: whole, counted }
        }
    }
}

impl fmt::Display for Op {
    /// Short and complete enough for a table: `dw 3x3 /2`, `conv 1x1 g3`, `relu`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::Input => "input".into(),
            Self::Conv2d(conv) if conv.is_depthwise() => format!("dw {}", conv.window),
            Self::Conv2d(conv) if conv.groups > 1 => format!("conv {} g{}", conv.window, conv.groups),
            Self::Conv2d(conv) => format!("conv {}", conv.window),
            Self::BatchNorm { .. } => "batch-norm".into(),
            Self::Activation(activation) => activation.to_string(),
            Self::PRelu { .. } => "prelu".into(),
            Self::Affine { .. } => "affine".into(),
            Self::LayerNorm { .. } => "layer-norm".into(),
            Self::LocalNorm(norm) => format!("local-norm {}", norm.size),
            Self::MaxPool(window) => format!("max-pool {window}"),
            Self::AvgPool(window) | Self::AvgPoolCounted { window, .. } => format!("avg-pool {window}"),
            Self::GlobalAvgPool => "global-avg-pool".into(),
            Self::GlobalMaxPool => "global-max-pool".into(),
            Self::Flatten => "flatten".into(),
            Self::Linear { .. } => "linear".into(),
            Self::Add => "add".into(),
            Self::Scale => "scale".into(),
            Self::Mul => "mul".into(),
            Self::Shift => "shift".into(),
            Self::Repeat { channels } => format!("repeat {channels}"),
            Self::Concat => "concat".into(),
            Self::Slice { start, channels } => format!("slice {start}..{}", start + channels),
            Self::ChannelShuffle { groups } => format!("shuffle g{groups}"),
        };
        f.pad(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn average_pooling_counts_the_padding_that_is_asked_for_and_never_what_rounding_up_adds() {
        let window = Window::padded([3; 2], 2, [1; 2]);
        assert_eq!(Op::average_pool(window, [7; 2], true, true), Op::AvgPool(window), "nothing is left over");
        let inside = Op::average_pool(window, [7; 2], false, false);
        assert_eq!(inside, Op::AvgPoolCounted { window, counted: [[0; 2]; 2] });
        let plain = Window::inside(2, 2);
        assert_eq!(Op::average_pool(plain, [8; 2], false, false), Op::AvgPool(plain), "there is no padding");
        let wider = Window { padding_end: [2, 1], ..window };
        let rounded = Op::average_pool(window, [8, 7], true, true);
        assert_eq!(rounded, Op::AvgPoolCounted { window: wider, counted: [[1; 2]; 2] });
        // The last of the five windows along eight pixels: one of the map, one that counts, one that does not.
        let counted = |output, counted| wider.counted_taps(0, 8, [[counted; 2]; 2], output);
        assert_eq!([0, 1, 4].map(|output| counted(output, 1)), [3, 3, 2]);
        assert_eq!([0, 1, 4].map(|output| counted(output, 0)), [2, 3, 1]);
    }

    #[test]
    fn a_channels_neighbours_end_with_the_map() {
        let of = |size| LocalNorm { size, alpha: 1.0.into(), beta: 1.0.into(), offset: 1.0.into() };
        assert_eq!([0, 3, 5].map(|channel| of(5).neighbours(channel, 6)), [0..3, 1..6, 3..6]);
        assert_eq!([0, 3, 5].map(|channel| of(4).neighbours(channel, 6)), [0..3, 2..6, 4..6]);
    }
}
