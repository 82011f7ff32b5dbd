//! How the CPU computes a kernel, and which layers it can take along in one.

use super::kernels::{Kernels, Winograd};
use crate::graph::{Conv2d, Shape, Window};
use crate::runtime::plan::{Fuses, KernelSpec, Pooling, Step, Work};

/// How a kernel is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Algorithm {
    /// Pointwise, grouped or dense, as a matrix product; it takes along the depthwise convolution or the global mean
    /// behind a pointwise one.
    Convolution,
    /// Dense 3x3 with fewer multiplications.
    Winograd,
    /// One input channel per output channel.
    Depthwise,
    /// Dense, row by row, where rows are long: few input channels, or a stride. It takes along the usual max-pool.
    StemConv,
    /// Fully connected, or a pointwise convolution of one pixel.
    Linear,
    /// Pooling over windows or over the map.
    Reduce,
    /// Normalisation over channels.
    ChannelNorm,
    /// Value by value.
    Rowwise,
}

impl Algorithm {
    /// What computes the chain of `spec`; `None` where it has a step that is no work.
    pub fn of(spec: &KernelSpec, kernels: Kernels) -> Option<Self> {
        let first = spec.steps.first()?;
        match Self::of_step(spec.input, first)? {
            Self::Convolution | Self::StemConv if spec.steps.len() == 1 && is_winograd(spec, first, kernels) => {
                Some(Self::Winograd)
            }
            algorithm => Some(algorithm),
        }
    }

    fn of_step(input: Shape, step: &Step) -> Option<Self> {
        Some(match step.work {
            Work::Conv { .. } if step.work.is_depthwise(input, step.output) => Self::Depthwise,
            Work::Conv { window, groups: 1 } if is_linear(window, input, step.output) => Self::Linear,
            Work::Conv { window, groups: 1 } if !is_plain(window, step.output) && is_by_rows(window, input, step) => {
                Self::StemConv
            }
            Work::Conv { .. } => Self::Convolution,
            Work::Linear => Self::Linear,
            Work::Pool { .. } | Work::GlobalMean | Work::GlobalMax => Self::Reduce,
            Work::LayerNorm { .. } | Work::LocalNorm(_) => Self::ChannelNorm,
            Work::Elementwise(_) => Self::Rowwise,
            Work::Rename => return None,
        })
    }
}

/// What the CPU's kernels take along.
#[derive(Clone, Copy, Debug)]
pub(super) struct CpuFuses;

impl Fuses for CpuFuses {
    fn takes(&self, kernel: &KernelSpec) -> bool {
        let Some((first, follow)) = kernel.steps.split_first() else { return false };
        let algorithm = Algorithm::of_step(kernel.input, first);
        if first.epilogue.residual && algorithm != Some(Algorithm::Convolution) {
            return false;
        }
        match (algorithm, follow) {
            (Some(_), []) => true,
            (Some(Algorithm::StemConv), [Step { work: Work::Pool { pooling: Pooling::Max, window }, .. }]) => {
                *window == Window::square(3, 2)
            }
            (Some(Algorithm::Convolution), [next]) => {
                let plain = matches!(first.work, Work::Conv { window, .. } if is_plain(window, first.output));
                let depthwise = next.work.is_depthwise(first.output, next.output) && !next.epilogue.residual;
                plain && (depthwise || next.work == Work::GlobalMean)
            }
            _ => false,
        }
    }

    /// A depthwise convolution takes its channels from whichever rows they are.
    fn crosses_shuffle(&self, input: Shape, step: &Step) -> bool {
        step.work.is_depthwise(input, step.output)
    }
}

/// Over one pixel, without a border: a fully connected layer.
pub(super) fn is_linear(window: Window, input: Shape, output: Shape) -> bool {
    window.taps() == 1 && window.padding == [0; 2] && input.pixels() == 1 && output.pixels() == 1
}

/// A matrix product over the input's rows as they are.
fn is_plain(window: Window, output: Shape) -> bool {
    window.is_plain() && output.pixels() > 1
}

/// Whether each row of the output is made on its own, from input rows that are dealt out by stride: that reads and writes
/// every input value once where columns for a matrix product take one copy per tap, but leaves a part of a vector idle at
/// the end of each row.
fn is_by_rows(window: Window, input: Shape, step: &Step) -> bool {
    /// Values of the widest vector.
    const LANES: usize = 16;
    let width = step.output.width;
    let strided = window.stride[1] > 1 && width > LANES && 5 * width >= 4 * width.next_multiple_of(LANES);
    !step.epilogue.residual && window.taps() > 1 && (strided || (input.channels <= 4 && width >= LANES))
}

fn is_winograd(spec: &KernelSpec, step: &Step, kernels: Kernels) -> bool {
    let Work::Conv { window, groups } = step.work else { return false };
    let conv =
        Conv2d { in_channels: spec.input.channels, out_channels: step.output.channels, window, groups, bias: true };
    Winograd::suits(kernels.table, &conv, [step.output.height, step.output.width])
}
