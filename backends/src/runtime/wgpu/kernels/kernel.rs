//! A kernel of any kind: made from a spec, asked for variants, texts, packed weights and tables.

use super::channel_norm::ChannelNorm;
use super::conv_pool::ConvPool;
use super::depthwise::Depthwise;
use super::elementwise::Elementwise;
use super::global_pool::GlobalPool;
use super::linear::Linear;
use super::matmul::Matmul;
use super::pointwise_depthwise::PointwiseDepthwise;
use super::pool::Pool;
use super::size::expect;
use super::text::{Setting, Source};
use super::variant::{Limits, Variant};
use super::{Parameters, Refusal};
use crate::runtime::Precision;

/// Which operands' banks are one buffer, bound once. With `x_is_y`, the second operand's alias with one is with both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Aliases {
    /// Input and output.
    pub x_is_y: bool,
    /// Second operand and output.
    pub r_is_y: bool,
    /// Second operand and input.
    pub r_is_x: bool,
}

/// A kernel: sizes only.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct GpuKernel {
    pub(super) kind: Kind,
    pub(super) precision: Precision,
    pub(super) lists: Lengths,
    /// Lengths of filters and bias of each step.
    pub(super) parameters: Vec<[usize; 2]>,
}

/// Lengths of the lists of offsets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Lengths {
    pub input: usize,
    /// Entries in the table for each offset of the input: a linear layer counts the pixels of unflattened maps.
    pub features: usize,
    pub output: usize,
    pub second: bool,
}

/// What a kernel computes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    Matmul(Matmul),
    Depthwise(Depthwise),
    ConvPool(ConvPool),
    PointwiseDepthwise(PointwiseDepthwise),
    Linear(Linear),
    Pool(Pool),
    GlobalPool(GlobalPool),
    ChannelNorm(ChannelNorm),
    Elementwise(Elementwise),
}

impl GpuKernel {
    /// What to try, best guess first: at most eight, all within `limits`, at least one. A remembered variant that is not
    /// among them was not made for this kernel or this adapter.
    #[must_use]
    pub fn variants(&self, limits: &Limits) -> Vec<Variant> {
        match &self.kind {
            Kind::Matmul(kernel) => kernel.variants(limits),
            Kind::Depthwise(kernel) => kernel.variants(limits),
            Kind::ConvPool(kernel) => kernel.variants(limits),
            Kind::PointwiseDepthwise(kernel) => kernel.variants(limits),
            Kind::Linear(kernel) => kernel.variants(limits),
            Kind::Pool(kernel) => kernel.variants(limits),
            Kind::GlobalPool(kernel) => kernel.variants(limits),
            Kind::ChannelNorm(kernel) => kernel.variants(limits),
            Kind::Elementwise(kernel) => kernel.variants(limits),
        }
    }

    /// The text and how to launch it.
    ///
    /// # Errors
    /// Where `variant` is another kernel's, or a launch has no room for the workgroups.
    pub fn source(&self, variant: Variant, aliases: Aliases) -> Result<Source, Refusal> {
        let setting = Setting { precision: self.precision, aliases };
        match &self.kind {
            Kind::Matmul(kernel) => kernel.source(variant, setting),
            Kind::Depthwise(kernel) => kernel.source(variant, setting),
            Kind::ConvPool(kernel) => kernel.source(variant, setting),
            Kind::PointwiseDepthwise(kernel) => kernel.source(variant, setting),
            Kind::Linear(kernel) => kernel.source(variant, setting),
            Kind::Pool(kernel) => kernel.source(variant, setting),
            Kind::GlobalPool(kernel) => kernel.source(variant, setting),
            Kind::ChannelNorm(kernel) => kernel.source(variant, setting),
            Kind::Elementwise(kernel) => kernel.source(variant, setting),
        }
    }

    /// Whether [`table`](Self::table) wants a second list, and the text a second operand.
    #[must_use]
    pub fn reads_second(&self) -> bool {
        self.lists.second
    }

    /// The weights in the order in which every variant's text reads them, a multiple of four elements; empty where the
    /// kernel has none. `steps` has the parameters of each step of the chain.
    ///
    /// # Errors
    /// Where a slice is not as long as its step needs.
    pub fn pack(&self, steps: &[Parameters<'_>]) -> Result<Vec<f32>, Refusal> {
        expect("the number of steps with parameters", steps.len(), self.parameters.len())?;
        for (given, &[filters, bias]) in steps.iter().zip(&self.parameters) {
            expect("the number of a step's weights", given.filters.len(), filters)?;
            if !given.bias.is_empty() {
                expect("the number of a step's biases", given.bias.len(), bias)?;
            }
        }
        let none = Parameters::default();
        let (first, second) = (steps.first().unwrap_or(&none), steps.get(1).unwrap_or(&none));
        Ok(match &self.kind {
            Kind::Matmul(kernel) if kernel.follows_depthwise() => kernel.pack(first, second),
            Kind::Matmul(kernel) => kernel.pack(&none, first),
            Kind::Depthwise(kernel) => kernel.pack(first),
            Kind::ConvPool(kernel) => kernel.conv.pack(&none, first),
            Kind::PointwiseDepthwise(kernel) => kernel.pack(first, second),
            Kind::Linear(kernel) => kernel.pack(first),
            Kind::Elementwise(kernel) => kernel.pack(first),
            Kind::ChannelNorm(kernel) => kernel.pack(first),
            Kind::Pool(_) | Kind::GlobalPool(_) => Vec::new(),
        })
    }

    /// The table: where the planes of input, output and second operand start, in elements. The input's list has an offset
    /// for each channel (for each feature, after a flatten), the others one for each output channel of the last step.
    ///
    /// # Errors
    /// Where a list is not as long as that.
    pub fn table(&self, input: &[u32], output: &[u32], second: Option<&[u32]>) -> Result<Vec<u32>, Refusal> {
        let Lengths { input: channels, features, output: outputs, second: wanted } = self.lists;
        expect("the number of input planes", input.len(), channels)?;
        expect("the number of output planes", output.len(), outputs)?;
        expect(
            "the number of a second operand's planes",
            second.map_or(0, <[u32]>::len),
            usize::from(wanted) * outputs,
        )?;
        let values = input.iter().flat_map(|&offset| (0..features as u32).map(move |at| offset.wrapping_add(at)));
        Ok(values.chain(output.iter().copied()).chain(second.into_iter().flatten().copied()).collect())
    }
}
