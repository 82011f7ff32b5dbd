//! What a planned kernel is launched with.

use super::ImageStrides;
use crate::graph::Graph;
use crate::runtime::parameters::{Filters, LayerParameters, Parameters as LayersParameters};
use crate::runtime::plan::{Banks, Elementwise, Operand, Part, Planned, Step, Work};

/// Parameters of one step, batch norms folded in. Steps without any (pooling, add) have empty slices.
#[derive(Clone, Copy, Debug, Default)]
pub struct Parameters<'a> {
    /// Convolution: `[out][in / groups][taps]`. Linear: `[out][features]`. Affine and layer normalisation: a scale for each channel. PReLU: a slope.
    pub filters: &'a [f32],
    /// A bias, or beside scales a shift, for each output channel; empty for zeros.
    pub bias: &'a [f32],
}

/// Where a kernel reads and writes.
#[derive(Clone, Debug)]
pub(in crate::runtime) struct Operands {
    pub input: Operand,
    pub output: Operand,
    pub second: Option<Operand>,
    pub strides: ImageStrides,
}

impl Operands {
    /// # Errors
    /// Why no kernel reads them.
    pub fn of(graph: &Graph, kernel: &Planned, banks: &Banks) -> Result<Self, String> {
        let read = |index: usize| kernel.reads.get(index).map(|&value| banks.operand(value));
        let input = read(0).ok_or("it reads nothing")?;
        let (output, second) = (banks.operand(kernel.value), read(1));
        let stride = |operand: &Operand| {
            // With one image nothing is read beside it.
            let only_one = (graph.input_shape().batch == 1).then_some(1);
            let stride = operand.image_stride.or(only_one);
            stride.ok_or("it reads flattened maps of different sizes, which needs a batch of 1")
        };
        let strides = ImageStrides {
            input: stride(&input)?,
            second: match &second {
                Some(second) => stride(second)?,
                None => ImageStrides::plain(&kernel.spec).second,
            },
        };
        Ok(Self { input, output, second, strides })
    }
}

/// Weights and bias of every step of a kernel.
pub(in crate::runtime) fn step_parameters(
    parameters: &LayersParameters<'_>,
    kernel: &Planned,
) -> Vec<(Vec<f32>, Vec<f32>)> {
    let of = |(step, part): (&Step, &Part)| match step.work {
        Work::Conv { .. } | Work::Linear => match parameters.layer(part) {
            LayerParameters { weights: Filters::Values(values), bias } => (values, bias),
            LayerParameters { weights: Filters::Count(_), bias } => (Vec::new(), bias),
        },
        Work::Elementwise(Elementwise::Affine) | Work::LayerNorm { .. } => parameters.norm(part.node),
        Work::Elementwise(Elementwise::PRelu) => (parameters.slopes(part.node), Vec::new()),
        _ => (Vec::new(), Vec::new()),
    };
    kernel.spec.steps.iter().zip(&kernel.parts).map(of).collect()
}
