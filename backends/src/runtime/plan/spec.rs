//! What a kernel is: a chain of steps with their shapes and precision, as plain data.
//!
//! Two kernels with the same spec take the same time on the same device, whichever networks they are from: the spec is the
//! key under which a backend remembers how it computes one best, and under which a measured time is remembered.

use std::fmt;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::graph::{Activation, Coefficient, LocalNorm, Op, Shape, Window};
use crate::runtime::Precision;

/// One launch: steps that run one after another without their values leaving the kernel.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct KernelSpec {
    /// The map that the first step reads.
    pub input: Shape,
    /// The steps in execution order.
    pub steps: Vec<Step>,
    /// What values and weights are stored in.
    pub precision: Precision,
}

/// A layer with everything folded into it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Step {
    /// What is computed.
    pub work: Work,
    /// The map that it makes.
    pub output: Shape,
    /// What happens to each value before it is stored.
    pub epilogue: Epilogue,
}

/// What a step computes. Convolutions and linear layers have a bias, of zeros if need be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Work {
    /// Convolution, dense, grouped or depthwise.
    Conv {
        /// Kernel, stride, padding, dilation.
        window: Window,
        /// Each output channel reads `channels / groups` of the map's.
        groups: usize,
    },
    /// Fully connected over all values of an image.
    Linear,
    /// Maximum or mean over a window.
    Pool {
        /// Which of the two.
        pooling: Pooling,
        /// Kernel, stride, padding, dilation.
        window: Window,
    },
    /// Mean over all pixels.
    GlobalMean,
    /// Maximum over all pixels.
    GlobalMax,
    /// Normalisation of each pixel over its channels, then scale and shift of each channel.
    LayerNorm {
        /// Added to the variance.
        eps: Coefficient,
    },
    /// Normalisation of each value by its neighbours in other channels.
    LocalNorm(LocalNorm),
    /// Value by value.
    Elementwise(Elementwise),
    /// Slice, concatenation, channel shuffle or flattening: a kernel only where a runtime moves data for it.
    Rename,
}

/// What a pooling window is reduced to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Pooling {
    /// The largest value; padding never wins.
    Max,
    /// The mean; padding counts as zeros.
    Mean,
    /// The mean of what counts: the map, and so many pixels of padding above and left, below and right of it.
    MeanCounted {
        /// Pixels of padding.
        counted: [[usize; 2]; 2],
    },
}

/// Arithmetic value by value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Elementwise {
    /// Scale and shift of each channel: a batch normalisation that nothing takes in.
    Affine,
    /// Values below zero times the slope of their channel.
    PRelu,
    /// Sum with a second map of the same shape.
    Add,
    /// Product with a second map of the same shape.
    Mul,
    /// Product of each channel with one value of a second map, `[n, c, 1, 1]`.
    Gate,
    /// Sum of each channel and one value of a second map, `[n, c, 1, 1]`.
    Shift,
    /// The value itself.
    Identity,
}

/// `activation(value + residual)`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Epilogue {
    /// Whether a second map of the output's shape is added.
    pub residual: bool,
    /// The non-linearity behind that.
    pub activation: Activation,
}

impl KernelSpec {
    /// The map that the last step makes: that which the kernel stores.
    #[must_use]
    pub fn output(&self) -> Shape {
        self.steps.last().map_or(self.input, |step| step.output)
    }

    /// Some of the steps as a kernel of their own.
    #[must_use]
    pub fn part(&self, steps: Range<usize>) -> Self {
        let input = self.input_of(steps.start);
        let steps = self.steps.get(steps).unwrap_or_default().to_vec();
        Self { input, steps, precision: self.precision }
    }

    /// The map that step `index` reads.
    #[must_use]
    pub fn input_of(&self, index: usize) -> Shape {
        match index.checked_sub(1).and_then(|before| self.steps.get(before)) {
            Some(before) => before.output,
            None => self.input,
        }
    }
}

impl Epilogue {
    /// What a layer's own operation has of it: an activation that is a kernel of its own.
    #[must_use]
    pub const fn of(op: &Op) -> Self {
        match op {
            Op::Activation(activation) => Self { residual: false, activation: *activation },
            _ => Self { residual: false, activation: Activation::None },
        }
    }
}

impl Work {
    /// What a layer computes; an activation alone is the identity with an epilogue.
    #[must_use]
    pub const fn of(op: &Op) -> Self {
        match *op {
            Op::Conv2d(conv) => Self::Conv { window: conv.window, groups: conv.groups },
            Op::Linear { .. } => Self::Linear,
            Op::MaxPool(window) => Self::Pool { pooling: Pooling::Max, window },
            Op::AvgPool(window) => Self::Pool { pooling: Pooling::Mean, window },
            Op::AvgPoolCounted { window, counted } => Self::Pool { pooling: Pooling::MeanCounted { counted }, window },
            Op::GlobalAvgPool => Self::GlobalMean,
            Op::GlobalMaxPool => Self::GlobalMax,
            Op::LayerNorm { eps, .. } => Self::LayerNorm { eps: Coefficient::new(eps as f32) },
            Op::LocalNorm(norm) => Self::LocalNorm(norm),
            Op::BatchNorm { .. } | Op::Affine { .. } => Self::Elementwise(Elementwise::Affine),
            Op::PRelu { .. } => Self::Elementwise(Elementwise::PRelu),
            Op::Add => Self::Elementwise(Elementwise::Add),
            Op::Mul => Self::Elementwise(Elementwise::Mul),
            Op::Scale => Self::Elementwise(Elementwise::Gate),
            Op::Shift => Self::Elementwise(Elementwise::Shift),
            Op::Activation(_) | Op::Input => Self::Elementwise(Elementwise::Identity),
            Op::Flatten | Op::Concat | Op::Slice { .. } | Op::ChannelShuffle { .. } | Op::Repeat { .. } => Self::Rename,
        }
    }

    /// A depthwise convolution: one input channel per output channel.
    #[must_use]
    pub fn is_depthwise(&self, input: Shape, output: Shape) -> bool {
        matches!(self, Self::Conv { groups, .. }
            if *groups > 1 && *groups == input.channels && *groups == output.channels)
    }

    /// Whether what is read beside the first input is one value of each channel.
    #[must_use]
    pub const fn has_gate(&self) -> bool {
        matches!(self, Self::Elementwise(Elementwise::Gate | Elementwise::Shift))
    }

    /// Whether one of a layer's inputs beside the first is read: the other summand or factor, whole or one value a channel.
    #[must_use]
    pub const fn has_second(&self) -> bool {
        matches!(self, Self::Elementwise(Elementwise::Add | Elementwise::Mul | Elementwise::Gate | Elementwise::Shift))
    }
}

impl fmt::Display for KernelSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Shape { batch, channels, height, width } = self.input;
        write!(f, "{batch}x{channels}x{height}x{width}")?;
        for step in &self.steps {
            write!(f, " > {step}")?;
        }
        if self.precision == Precision::F32 { Ok(()) } else { write!(f, " {}", self.precision) }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let window = |window: &Window| {
            let [height, width] = window.kernel;
            let stride = if window.stride == [1; 2] { String::new() } else { format!("/{}", window.stride[0]) };
            format!("{height}x{width}{stride}")
        };
        match &self.work {
            Work::Conv { window: of, groups: 1 } => write!(f, "conv {}", window(of))?,
            Work::Conv { window: of, groups } => write!(f, "conv {} g{groups}", window(of))?,
            Work::Linear => f.write_str("linear")?,
            Work::Pool { pooling: Pooling::Max, window: of } => write!(f, "max {}", window(of))?,
            Work::Pool { pooling: Pooling::Mean, window: of } => write!(f, "mean {}", window(of))?,
            Work::Pool { pooling: Pooling::MeanCounted { .. }, window: of } => {
                write!(f, "mean {} of the map", window(of))?;
            }
            Work::GlobalMean => f.write_str("global mean")?,
            Work::GlobalMax => f.write_str("global max")?,
            Work::LayerNorm { .. } => f.write_str("layer norm")?,
            Work::LocalNorm(norm) => write!(f, "local norm {}", norm.size)?,
            Work::Elementwise(Elementwise::Affine) => f.write_str("affine")?,
            Work::Elementwise(Elementwise::Add) => f.write_str("add")?,
            Work::Elementwise(Elementwise::PRelu) => f.write_str("prelu")?,
            Work::Elementwise(Elementwise::Mul) => f.write_str("mul")?,
            Work::Elementwise(Elementwise::Gate) => f.write_str("gate")?,
            Work::Elementwise(Elementwise::Shift) => f.write_str("shift")?,
            Work::Elementwise(Elementwise::Identity) => f.write_str("identity")?,
            Work::Rename => f.write_str("rename")?,
        }
        let Shape { channels, height, width, .. } = self.output;
        write!(f, " {channels}x{height}x{width}")?;
        if self.epilogue.residual {
            f.write_str(" + residual")?;
        }
        if self.epilogue.activation == Activation::None { Ok(()) } else { write!(f, " {}", self.epilogue.activation) }
    }
}
