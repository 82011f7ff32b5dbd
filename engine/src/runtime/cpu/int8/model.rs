//! What every layer does to bytes.

use super::calibrate::Ranges;
use super::layer::Sums;
use super::scales::scales;
use crate::graph::{Activation, Graph, NodeId, Shape};
use crate::runtime::cpu::CompileError;
use crate::runtime::cpu::compile::check_countable;
use crate::runtime::cpu::kernels::int8::{Lookup, Quant};
use crate::runtime::parameters::{Filters, LayerParameters, Parameters};
use crate::runtime::plan::{Elementwise, Fuses, KernelSpec, Planned, Pooling, Step, Work, partition};
use crate::runtime::reference::activate;
use crate::runtime::{Fusing, Precision};

/// What a layer, with what folds into its weights, does to bytes.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Rule {
    /// Weighted sums: convolution, fully connected, scale and shift of channels.
    Sums(Sums),
    /// Each byte is looked up: in one list or in one for each channel.
    Lookup(Vec<Lookup>),
    /// The largest.
    Largest,
    /// The mean; for each output pixel what the sum is multiplied by.
    Mean(Vec<f32>),
    /// The sum of two maps, or of a map and a value for each channel: what each is multiplied by.
    Add([f32; 2]),
    /// The product of two maps, or of a map and a value for each channel, times this.
    Multiply(f32),
}

/// A network in 8 bits.
#[derive(Clone, Debug)]
pub(in crate::runtime::cpu) struct Model {
    /// How bytes stand for each node's value.
    pub(super) quants: Vec<Quant>,
    /// By the node whose value the rule makes.
    rules: Vec<Option<Rule>>,
    /// Whether the last layer stores floats.
    pub(super) ends_in_floats: bool,
}

/// Nothing runs together but an activation with what makes its input.
#[derive(Clone, Copy, Debug)]
pub(super) struct Int8Fuses;

impl Fuses for Int8Fuses {
    fn takes(&self, kernel: &KernelSpec) -> bool {
        kernel.steps.len() == 1 && !kernel.steps[0].epilogue.residual
    }
}

impl Model {
    /// Of values in `ranges`; without them (and with the numbers of weights alone) what takes as much memory.
    ///
    /// # Errors
    /// Where a layer cannot be computed in 8 bits, with its path, or a value cannot be addressed.
    pub fn new(graph: &Graph, parameters: &Parameters<'_>, ranges: Option<&Ranges>) -> Result<Self, CompileError> {
        check_countable(graph)?;
        let kernels = partition(graph, Fusing::Apart, Precision::Int8, &Int8Fuses);
        let refusal = |node: NodeId, why: String| {
            let path = graph.node(node).path.clone();
            CompileError::Int8 { design: graph.name.clone(), layer: path, why }
        };
        let quants = match ranges {
            Some(ranges) => scales(graph, &kernels, ranges)
                .map_err(|node| refusal(node, "its values are too large or not numbers".into()))?,
            None => vec![Quant { scale: 1.0, zero: 0 }; graph.nodes().len()],
        };
        let ends_in_floats = kernels
            .iter()
            .any(|kernel| kernel.value == graph.output() && matches!(kernel.spec.steps[0].work, Work::Linear));
        let mut model = Self { quants, rules: vec![None; graph.nodes().len()], ends_in_floats };
        for kernel in &kernels {
            let rule = model.rule(graph, kernel, parameters).map_err(|why| refusal(kernel.parts[0].node, why))?;
            model.rules[kernel.value.0] = Some(rule);
        }
        Ok(model)
    }

    /// What makes the value of a node.
    pub(super) fn of(&self, value: NodeId) -> Option<&Rule> {
        self.rules[value.0].as_ref()
    }

    fn rule(&self, graph: &Graph, kernel: &Planned, parameters: &Parameters<'_>) -> Result<Rule, String> {
        let Step { work, output, epilogue } = kernel.spec.steps[0];
        let (part, shape) = (&kernel.parts[0], kernel.spec.input);
        let quant = |node: NodeId| self.quants[node.0];
        let (from, to) = (quant(kernel.reads[0]), quant(kernel.value));
        let ratio = |a: f32, b: f32| (f64::from(a) / f64::from(b)) as f32;
        let second = || kernel.reads.get(1).map_or(from, |&second| quant(second));
        Ok(match work {
            Work::Conv { .. } => Rule::Sums(Sums::new(&parameters.layer(part), from, Some(to))?),
            Work::Linear => {
                let floats = self.ends_in_floats && kernel.value == graph.output();
                Rule::Sums(Sums::new(&parameters.layer(part), from, (!floats).then_some(to))?)
            }
            Work::Elementwise(Elementwise::Affine) => {
                let (scale, bias) = parameters.norm(part.node);
                Rule::Sums(Sums::new(&LayerParameters { weights: Filters::Values(scale), bias }, from, Some(to))?)
            }
            Work::Pool { pooling: Pooling::Max, .. } | Work::GlobalMax => Rule::Largest,
            Work::Pool { .. } | Work::GlobalMean => Rule::Mean(means(work, (shape, output), (from, to))?),
            Work::Elementwise(Elementwise::Identity) => {
                let activation = |value: f32| activated(epilogue.activation, value);
                Rule::Lookup(vec![Lookup::of(from, to, activation)])
            }
            Work::Elementwise(Elementwise::PRelu) => {
                let lookup = |slope: f32| Lookup::of(from, to, |value| if value < 0.0 { value * slope } else { value });
                Rule::Lookup(parameters.slopes(part.node).into_iter().map(lookup).collect())
            }
            Work::Elementwise(Elementwise::Add | Elementwise::Shift) => {
                Rule::Add([ratio(from.scale, to.scale), ratio(second().scale, to.scale)])
            }
            Work::Elementwise(Elementwise::Mul | Elementwise::Gate) => {
                Rule::Multiply((f64::from(from.scale) * f64::from(second().scale) / f64::from(to.scale)) as f32)
            }
            Work::LayerNorm { .. } | Work::LocalNorm(_) => {
                return Err("normalisation over channels is not computed in 8 bits".into());
            }
            Work::Rename => return Err("it computes nothing".into()),
        })
    }
}

fn activated(activation: Activation, value: f32) -> f32 {
    activate(activation, value.into()) as f32
}

/// What the sum of each output pixel is multiplied by.
fn means(work: Work, (input, output): (Shape, Shape), (from, to): (Quant, Quant)) -> Result<Vec<f32>, String> {
    /// Bytes that 32 bits add up, with room to spare.
    const MOST: usize = 1 << 22;
    let ratio = f64::from(from.scale) / f64::from(to.scale);
    let taps = match work {
        Work::Pool { window, .. } => window.taps(),
        _ => input.pixels(),
    };
    if taps > MOST {
        return Err("it adds up too many values for sums of 32 bits".into());
    }
    // No product leaves 32 bits, however fine the output.
    let most = (1_u64 << 30) as f64 / (255.0 * taps as f64);
    let multiplier = |count: usize| (ratio / count.max(1) as f64).min(most) as f32;
    let at = |pixel: usize| match work {
        Work::Pool { window, pooling: Pooling::MeanCounted { counted } } => {
            let rows = window.counted_taps(0, input.height, counted, pixel / output.width);
            multiplier(rows * window.counted_taps(1, input.width, counted, pixel % output.width))
        }
        _ => multiplier(taps),
    };
    Ok((0..output.pixels()).map(at).collect())
}
