//! What a node computes, with every attribute that its result or cost depends on.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::design::Activation;

/// The geometry of a sliding window; `[vertical, horizontal]` throughout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Window {
    /// Size of the window in pixels.
    pub kernel: [usize; 2],
    /// Step of the window.
    pub stride: [usize; 2],
    /// Zero (or, for max-pooling, minus infinity) pixels above and left of the map.
    pub padding: [usize; 2],
    /// The same below and right of it; often as many, more where an output length is rounded up.
    pub padding_end: [usize; 2],
    /// Distance between neighbouring taps.
    pub dilation: [usize; 2],
}

impl Window {
    /// A square window with "same" padding: `kernel / 2` on every side.
    #[must_use]
    pub const fn square(kernel: usize, stride: usize) -> Self {
        Self::padded([kernel; 2], stride, [kernel / 2; 2])
    }

    /// A window with as much padding on one side as on the other.
    #[must_use]
    pub const fn padded(kernel: [usize; 2], stride: usize, padding: [usize; 2]) -> Self {
        Self { kernel, stride: [stride; 2], padding, padding_end: padding, dilation: [1; 2] }
    }

    /// A square window that stays inside the map.
    #[must_use]
    pub const fn inside(kernel: usize, stride: usize) -> Self {
        Self::padded([kernel; 2], stride, [0; 2])
    }

    /// The window with just enough padding below and right that the last one ends at or behind the map's end: output
    /// lengths for an input of `[height, width]` are rounded up. The last window starts in the map, as PyTorch and ONNX
    /// require with `ceil_mode`.
    #[must_use]
    pub fn rounding_up(self, input: [usize; 2]) -> Self {
        let end = |axis: usize| {
            let stride = self.stride[axis].max(1);
            let from_start = input[axis].saturating_add(self.padding[axis]);
            let padded = from_start.saturating_add(self.padding_end[axis]);
            let steps = padded.saturating_sub(self.reach(axis)?).div_ceil(stride);
            // The start of the last window, one earlier where that is already behind the map.
            let last = [steps, steps.saturating_sub(1)].map(|step| step.saturating_mul(stride));
            let last = if last[0] < from_start { last[0] } else { last[1] };
            last.checked_add(self.reach(axis)?)?.checked_sub(from_start)
        };
        let padding_end = [0, 1].map(|axis| end(axis).unwrap_or(self.padding_end[axis]));
        Self { padding_end, ..self }
    }

    /// Whether every output is one pixel of the map, each in its place: one tap, no stride, no padding.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        (self.kernel, self.stride) == ([1; 2], [1; 2]) && [self.padding, self.padding_end] == [[0; 2]; 2]
    }

    /// Whether there is more padding on one side of the map than on the other.
    #[must_use]
    pub fn is_uneven(&self) -> bool {
        self.padding != self.padding_end
    }

    /// Taps of the window: `height * width` of the kernel.
    #[must_use]
    pub const fn taps(&self) -> usize {
        self.kernel[0] * self.kernel[1]
    }

    /// Output length along `axis` (0 vertical, 1 horizontal) for an input of `length` pixels, rounded down as PyTorch
    /// does; `None` where the window does not fit.
    #[must_use]
    pub fn output_length(&self, axis: usize, length: usize) -> Option<usize> {
        let padded = length.checked_add(self.padding[axis])?.checked_add(self.padding_end[axis])?;
        Some(padded.checked_sub(self.reach(axis)?)?.checked_div(self.stride[axis])? + 1)
    }

    /// Pixels along `axis` from the first tap to the last.
    pub(super) fn reach(&self, axis: usize) -> Option<usize> {
        self.dilation[axis].checked_mul(self.kernel[axis].checked_sub(1)?)?.checked_add(1)
    }
}

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
    /// Maximum over a window; padding never wins.
    MaxPool(Window),
    /// Mean over a window; padding counts as zeros (PyTorch's default).
    AvgPool(Window),
    /// Mean over all pixels: `[n, c, h, w] -> [n, c, 1, 1]`.
    GlobalAvgPool,
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
    /// Batch normalisation.
    Normalisation,
    /// Activation, addition, channel-wise scale.
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
    pub(crate) const fn rank(self) -> u8 {
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
            Self::BatchNorm { .. } => OpKind::Normalisation,
            Self::Activation(_) | Self::Add | Self::Scale => OpKind::ElementWise,
            Self::MaxPool(_) | Self::AvgPool(_) | Self::GlobalAvgPool => OpKind::Pooling,
            Self::Linear { .. } => OpKind::Linear,
            Self::Concat | Self::Slice { .. } | Self::ChannelShuffle { .. } | Self::Flatten => OpKind::Data,
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
            Self::Activation(activation) => activation.name().into(),
            Self::MaxPool(window) => format!("max-pool {window}"),
            Self::AvgPool(window) => format!("avg-pool {window}"),
            Self::GlobalAvgPool => "global-avg-pool".into(),
            Self::Flatten => "flatten".into(),
            Self::Linear { .. } => "linear".into(),
            Self::Add => "add".into(),
            Self::Scale => "scale".into(),
            Self::Concat => "concat".into(),
            Self::Slice { start, channels } => format!("slice {start}..{}", start + channels),
            Self::ChannelShuffle { groups } => format!("shuffle g{groups}"),
        };
        f.pad(&text)
    }
}

impl fmt::Display for Window {
    /// `3x3`, `3x3 /2`, `1x7`, `3x3 dil2`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = format!("{}x{}", self.kernel[0], self.kernel[1]);
        match self.stride {
            [1, 1] => {}
            [v, h] if v == h => text += &format!(" /{v}"),
            [v, h] => text += &format!(" /{v}x{h}"),
        }
        if self.dilation != [1, 1] {
            text += &format!(" dil{}", self.dilation[0]);
        }
        f.pad(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_up_gives_the_output_lengths_of_ceil_mode() {
        // Kernel, stride, padding, length; then what PyTorch gives with `ceil_mode=True`.
        for ((kernel, stride, padding, length), expected) in [
            ((3, 2, 0, 112), 56),
            ((3, 2, 0, 113), 56),
            ((3, 1, 1, 14), 14),
            ((2, 2, 0, 15), 8),
            ((3, 2, 1, 8), 5),
            // A last window that would start in the padding is left out.
            ((2, 2, 1, 3), 2),
            ((1, 2, 0, 4), 2),
        ] {
            let window = Window::padded([kernel; 2], stride, [padding; 2]).rounding_up([length; 2]);
            assert_eq!(window.output_length(0, length), Some(expected), "{kernel} {stride} {padding} {length}");
        }
        let usual = Window::square(3, 1);
        assert_eq!(usual.rounding_up([9, 14]), usual, "nothing is left over");
    }

    #[test]
    fn uneven_padding_counts_once_on_each_side() {
        let window = Window { padding_end: [2, 0], ..Window::inside(3, 1) };
        assert_eq!([0, 1].map(|axis| window.output_length(axis, 5)), [Some(5), Some(3)]);
        assert!(window.is_uneven() && !Window::square(3, 1).is_uneven());
        let enormous = Window { padding_end: [usize::MAX; 2], ..Window::square(3, 1) };
        assert_eq!(enormous.output_length(0, 5), None);
        assert!(enormous.rounding_up([5, 5]).output_length(0, 5).is_some(), "saturates");
    }
}
