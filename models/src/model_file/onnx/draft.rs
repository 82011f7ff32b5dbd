//! A model on its way in: steps that each make one value, with all that is known of it. Rewrites work on it.
//!
//! ONNX says one thing in many ways. Reading a node makes the plainest step of it: every reshape, squeeze and flatten is
//! one kind of step, as is every slice and split; what is known before it runs stands in the step itself. A step that is
//! replaced by a better one stays in its place, and what nobody reads any more is never emitted.

mod function;

pub(super) use function::Function;

use super::constant::Floats;
use super::fold::Budget;
use super::proto::Node;
use crate::graph::{LowerError, Window};
use crate::weights::ByteScale;

/// Why something is not taken over.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Refusal {
    /// It does something that has no counterpart.
    Unsupported(String),
    /// What makes it so stands in another step.
    At(ValueId, String),
    /// It does not fit its inputs.
    Layer(LowerError),
}

impl From<String> for Refusal {
    fn from(reason: String) -> Self {
        Self::Unsupported(reason)
    }
}

impl From<LowerError> for Refusal {
    fn from(error: LowerError) -> Self {
        Self::Layer(error)
    }
}

/// Refuses for this reason.
pub(super) fn unsupported<T>(reason: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal::Unsupported(reason.into()))
}

/// A value: the one that the step in this place makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct ValueId(pub usize);

/// Two numbers to one, element by element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arithmetic {
    Add,
    Sub,
    Mul,
    Div,
    Max,
    Min,
    Pow,
}

impl Arithmetic {
    pub(super) fn apply(self, one: f64, other: f64) -> f64 {
        match self {
            Self::Add => one + other,
            Self::Sub => one - other,
            Self::Mul => one * other,
            Self::Div => one / other,
            Self::Max => one.max(other),
            Self::Min => one.min(other),
            Self::Pow => one.powf(other),
        }
    }
}

/// A pooling over a window.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Pool {
    pub is_max: bool,
    pub window: Window,
    /// Whether output lengths are rounded up.
    pub rounds_up: bool,
    /// Whether a mean counts padding as zeros.
    pub counts_padding: bool,
    /// Zeros around the map before that, above and left, below and right; a mean counts them in any case.
    pub zeros: [[usize; 2]; 2],
}

/// What a step does with its inputs. Axes are counted from the front, and parameters are known.
#[derive(Clone, Debug)]
pub(super) enum Work {
    /// The model's input.
    Input,
    /// What its input is.
    Same,
    /// `[n, c, h, w]` with weights `[out, in / groups, height, width]`.
    Convolution { weight: Floats, bias: Option<Floats>, window: Window, groups: usize },
    /// The last axis times a matrix, `[out, in]` or `[in, out]`.
    Dense { weight: Floats, bias: Option<Floats>, is_out_in: bool },
    /// Scale, shift, mean and variance along axis 1.
    BatchNorm { vectors: Box<[Floats; 4]>, eps: f64 },
    /// Mean and variance of the values along an axis, then scale and shift.
    LayerNorm { axis: usize, scale: Floats, shift: Option<Floats>, eps: f64 },
    /// Over the last two of four axes.
    Pool(Pool),
    /// The mean, or the largest, along these axes.
    Reduce { is_max: bool, axes: Vec<usize> },
    /// Each value by itself.
    Function(Function),
    /// As [`Function::Leaky`] with a slope for each channel.
    Prelu(Floats),
    /// Two values of any shapes, element by element.
    Combine(Arithmetic),
    /// With a constant; `is_first` where the constant stands on the left.
    With { arithmetic: Arithmetic, constant: Floats, is_first: bool },
    /// Times `scale` plus `shift`, each of one value, or of one for each place along `axis`.
    Affine { axis: Option<usize>, scale: Option<Floats>, shift: Option<Floats> },
    /// Local response normalisation over this many channels.
    Lrn { size: usize, alpha: f32, beta: f32, bias: f32 },
    /// The same values in the shape of the step.
    Reshape,
    /// The axes in this order.
    Transpose(Vec<usize>),
    /// Every `step`-th from `start` on; how many, the step's shape says.
    Slice { axis: usize, start: usize, step: usize },
    /// These places of an axis.
    Pick { axis: usize, places: Vec<usize> },
    /// One after another.
    Concat { axis: usize },
    /// What has one place along an axis, as often as the step's shape says.
    Repeat { axis: usize },
    /// More of `value` before and behind each axis.
    Pad { before: Vec<usize>, behind: Vec<usize>, value: f32 },
    /// Probabilities along an axis, or their logarithms.
    Softmax,
    /// The same values rounded to bytes that stand for numbers so.
    Bytes(ByteScale),
    /// What has no counterpart, and why where the operation as such is known.
    Unsupported(Option<String>),
}

/// One step.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub work: Work,
    pub inputs: Vec<ValueId>,
    /// Length of every axis of what it makes; `None` behind what is not supported.
    pub dims: Option<Vec<usize>>,
    /// The node that it comes from, by its place in the file.
    pub origin: usize,
}

/// A model on its way in.
pub(super) struct Draft<'a> {
    /// The file's nodes.
    pub nodes: &'a [Node],
    /// In an order in which they can run; the first one is the input.
    pub steps: Vec<Step>,
    pub output: ValueId,
    /// What rewrites may still make of parameters.
    pub budget: Budget,
}

impl Draft<'_> {
    pub(super) fn step(&self, value: ValueId) -> &Step {
        &self.steps[value.0]
    }

    /// Length of every axis; none behind what is not supported.
    pub(super) fn dims(&self, value: ValueId) -> &[usize] {
        self.step(value).dims.as_deref().unwrap_or_default()
    }

    /// The value that this one is the same as.
    pub(super) fn source(&self, mut value: ValueId) -> ValueId {
        while let (Work::Same, Some(&input)) = (&self.step(value).work, self.step(value).inputs.first()) {
            value = input;
        }
        value
    }

    /// The first input of a step.
    pub(super) fn input(&self, value: ValueId) -> Option<ValueId> {
        self.step(value).inputs.first().map(|&input| self.source(input))
    }

    /// For each step, how often its value is read on the way to the output; the output is read once by whoever runs the
    /// model.
    pub(super) fn readers(&self) -> Vec<usize> {
        let mut readers = vec![0; self.steps.len()];
        if let Some(output) = readers.get_mut(self.output.0) {
            *output = 1;
        }
        // Steps read what earlier ones made.
        for (index, step) in self.steps.iter().enumerate().rev() {
            let is_read = readers[index] > 0;
            for input in step.inputs.iter().filter(|_| is_read) {
                readers[input.0] += 1;
            }
        }
        readers
    }

    /// Puts another step in the place of one.
    pub(super) fn replace(&mut self, value: ValueId, work: Work, inputs: Vec<ValueId>) {
        if let Some(step) = self.steps.get_mut(value.0) {
            (step.work, step.inputs) = (work, inputs);
        }
    }
}
