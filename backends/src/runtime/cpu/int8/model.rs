//! What every layer does to bytes.

use super::calibrate::Ranges;
use super::layer::Sums;
use super::scales::{ends_in_floats, limited, scales};
use crate::graph::{Activation, Graph, NodeId, Shape};
use crate::runtime::cpu::CompileError;
use crate::runtime::cpu::algorithm::CpuFuses;
use crate::runtime::cpu::compile::check_countable;
use crate::runtime::cpu::kernels::int8::{Lookup, Quant};
use crate::runtime::parameters::{Filters, LayerParameters, Parameters};
use crate::runtime::plan::{Elementwise, Planned, Pooling, Step, Work, partition, renames};
use crate::runtime::reference::activate;
use crate::runtime::{Fusing, Precision};
use crate::weights::{ByteLayer, ByteNetwork, ByteScale, Quantisation};

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

/// The kernels whose values are rounded to bytes: one a layer.
pub(super) fn kernels_apart(graph: &Graph) -> Vec<Planned> {
    partition(graph, Fusing::Apart, Precision::Int8, &CpuFuses)
}

impl Model {
    /// Of values whose scales are `known` or, where they are not, in `ranges`; without ranges (and with the numbers of
    /// weights alone) what takes as much memory.
    ///
    /// # Errors
    /// Where a layer cannot be computed in 8 bits, with its path, or a value cannot be addressed.
    pub fn new(
        graph: &Graph,
        parameters: &Parameters<'_>,
        ranges: Option<&Ranges>,
        known: &Quantisation,
    ) -> Result<Self, CompileError> {
        check_countable(graph)?;
        let kernels = kernels_apart(graph);
        let refusal = |node: NodeId, why: String| {
            let path = graph.node(node).path.clone();
            CompileError::Int8 { design: graph.name.clone(), layer: path, why }
        };
        let quants = match ranges {
            Some(ranges) => scales(graph, &kernels, ranges, known)
                .map_err(|node| refusal(node, "its values are too large or not numbers".into()))?,
            None => vec![Quant { scale: 1.0, zero: 0 }; graph.nodes().len()],
        };
        let ends_in_floats = ends_in_floats(graph, &kernels, known);
        let mut model = Self { quants, rules: vec![None; graph.nodes().len()], ends_in_floats };
        for kernel in &kernels {
            let rule =
                model.rule(graph, kernel, parameters, known).map_err(|why| refusal(kernel.parts[0].node, why))?;
            model.rules[kernel.value.0] = Some(rule);
        }
        Ok(model)
    }

    /// What makes the value of a node.
    pub(super) fn of(&self, value: NodeId) -> Option<&Rule> {
        self.rules[value.0].as_ref()
    }

    /// How the network's bytes stand for numbers, for whoever keeps that with the weights: of every value that is stored
    /// and not just limited by what reads it, and of all weights.
    pub fn quantisation(&self, graph: &Graph) -> Quantisation {
        let mut known = Quantisation::none(graph);
        let mut keep = |node: NodeId| {
            let Quant { scale, zero } = self.quants[node.0];
            known.outputs[node.0] = Some(ByteScale { scale, zero_point: zero });
        };
        keep(NodeId(0));
        let kernels = kernels_apart(graph);
        for value in kernels.iter().map(|kernel| kernel.value) {
            if !(self.ends_in_floats && value == graph.output()) {
                keep(value);
            }
        }
        // Where bytes are made others on the way, so they have to be again.
        for (id, node) in graph.layers().filter(|(_, node)| renames(&node.op)) {
            if node.inputs.iter().any(|&input| self.converts(input, id)) {
                keep(id);
            }
        }
        for kernel in &kernels {
            if let Some(Rule::Sums(sums)) = self.of(kernel.value) {
                // Of the weights that there are once a normalisation is folded into them.
                let part = kernel.parts[0];
                known.weights[part.norm.unwrap_or(part.node).0] = Some(sums.scales.clone());
            }
        }
        known
    }

    /// The network in bytes, for files.
    pub fn in_bytes(&self, graph: &Graph) -> ByteNetwork {
        let count = graph.nodes().len();
        let mut made = ByteNetwork { outputs: vec![None; count], layers: vec![None; count] };
        let kernels = kernels_apart(graph);
        let limited = limited(graph, &kernels, |from, to| !self.converts(from, to));
        let renamed = graph.layers().filter(|(_, node)| renames(&node.op)).map(|(id, _)| id);
        let computed = kernels.iter().map(|kernel| kernel.value).filter(|value| !limited[value.0]);
        for id in std::iter::once(NodeId(0)).chain(renamed).chain(computed) {
            let Quant { scale, zero } = self.quants[id.0];
            let is_float = self.ends_in_floats && id == graph.output();
            made.outputs[id.0] = (!is_float).then_some(ByteScale { scale, zero_point: zero });
        }
        for kernel in &kernels {
            if let Some(Rule::Sums(Sums { weights: Some(weights), bias, scales, .. })) = self.of(kernel.value) {
                let (weights, bias, scales) = (weights.clone(), bias.clone(), scales.clone());
                let input = self.quants[kernel.reads[0].0].scale;
                made.layers[kernel.value.0] = Some(ByteLayer { weights, scales, bias, input });
            }
        }
        made
    }

    /// Whether bytes of one value stand for numbers otherwise than those of another that is the same numbers.
    pub(super) fn converts(&self, from: NodeId, to: NodeId) -> bool {
        self.quants[from.0] != self.quants[to.0]
    }

    /// What makes bytes of one value those of another that is the same numbers.
    pub(super) fn conversion(&self, from: NodeId, to: NodeId) -> Lookup {
        Lookup::of(self.quants[from.0], self.quants[to.0], |value| value)
    }

    fn rule(
        &self,
        graph: &Graph,
        kernel: &Planned,
        parameters: &Parameters<'_>,
        known: &Quantisation,
    ) -> Result<Rule, String> {
        let Step { work, output, epilogue } = kernel.spec.steps[0];
        let (part, shape) = (&kernel.parts[0], kernel.spec.input);
        let quant = |node: NodeId| self.quants[node.0];
        let (from, to) = (quant(kernel.reads[0]), quant(kernel.value));
        let ratio = |a: f32, b: f32| (f64::from(a) / f64::from(b)) as f32;
        let own = || known.weight(part.node).filter(|_| !parameters.changes(part));
        let scales = part.norm.and_then(|norm| known.weight(norm)).or_else(own);
        let second = || kernel.reads.get(1).map_or(from, |&second| quant(second));
        Ok(match work {
            Work::Conv { .. } => Rule::Sums(Sums::new(&parameters.layer(part), from, Some(to), scales)?),
            Work::Linear => {
                let floats = self.ends_in_floats && kernel.value == graph.output();
                Rule::Sums(Sums::new(&parameters.layer(part), from, (!floats).then_some(to), scales)?)
            }
            Work::Elementwise(Elementwise::Affine) => {
                let (scale, bias) = parameters.norm(part.node);
                let parameters = LayerParameters { weights: Filters::Values(scale), bias };
                Rule::Sums(Sums::new(&parameters, from, Some(to), scales)?)
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
