//! The parameters that kernels need, with batch normalisation folded in.

use super::plan::Part;
use crate::graph::{Graph, NodeId, Op};
use crate::weights::{BatchNormTensors, Weights, WeightsError, fold};

/// Weights of a layer, or only how many there are: enough to lay a kernel out and to know what it takes.
#[derive(Clone, Debug, PartialEq)]
pub enum Filters {
    /// All of them, `[out][in / groups][taps]`.
    Values(Vec<f32>),
    /// Their number.
    Count(usize),
}

/// What a convolution or fully connected layer computes with.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct LayerParameters {
    pub weights: Filters,
    /// One value per output channel.
    pub bias: Vec<f32>,
}

/// Weights that fit a graph, or only what is known of them by the graph.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parameters<'a> {
    graph: &'a Graph,
    weights: Option<&'a Weights>,
}

impl<'a> Parameters<'a> {
    /// # Errors
    /// Where a parameter is missing or has another shape than the graph asks for.
    pub fn new(graph: &'a Graph, weights: &'a Weights) -> Result<Self, WeightsError> {
        weights.check(graph)?;
        Ok(Self { graph, weights: Some(weights) })
    }

    /// The numbers of weights alone.
    pub const fn counted(graph: &'a Graph) -> Self {
        Self { graph, weights: None }
    }

    /// Values of `path.name`; none where the layer has no such parameter.
    fn get(&self, node: NodeId, name: &str) -> Option<&'a [f32]> {
        let tensor = self.weights?.get(&format!("{}.{name}", self.graph.node(node).path))?;
        Some(&tensor.values)
    }

    /// Weights and bias of a convolution or fully connected layer with its normalisation.
    pub fn layer(&self, part: &Part) -> LayerParameters {
        let node = self.graph.node(part.node);
        let outputs = node.output.channels;
        let Some(weight) = self.weights.and_then(|weights| weights.get(&format!("{}.weight", node.path))) else {
            let count = match node.op {
                Op::Conv2d(conv) => conv.weight_elements(),
                Op::Linear { in_features, out_features, .. } => in_features * out_features,
                _ => 0,
            };
            return LayerParameters { weights: Filters::Count(count), bias: vec![0.0; outputs] };
        };
        let bias = match node.op {
            Op::Conv2d(conv) if !conv.bias => None,
            Op::Linear { bias: false, .. } => None,
            _ => self.get(part.node, "bias"),
        };
        let norm = part.norm.and_then(|node| self.norm_tensors(node));
        if let Some(norm) = norm
            && let Ok(folded) = fold(weight, bias, norm)
        {
            return LayerParameters { weights: Filters::Values(folded.weight.values), bias: folded.bias };
        }
        let bias = bias.map_or_else(|| vec![0.0; outputs], <[f32]>::to_vec);
        LayerParameters { weights: Filters::Values(weight.values.clone()), bias }
    }

    /// A batch normalisation as `x * scale + shift`.
    pub fn norm(&self, node: NodeId) -> (Vec<f32>, Vec<f32>) {
        let Some(norm) = self.norm_tensors(node) else {
            let channels = self.graph.node(node).output.channels;
            return (vec![1.0; channels], vec![0.0; channels]);
        };
        let scale = |(&gamma, &variance): (&f32, &f32)| f64::from(gamma) / (f64::from(variance) + norm.eps).sqrt();
        let scales: Vec<f64> = norm.weight.iter().zip(norm.running_var).map(scale).collect();
        let shifts = scales.iter().zip(norm.bias).zip(norm.running_mean);
        let shift = |((scale, &beta), &mean): ((&f64, &f32), &f32)| (f64::from(beta) - f64::from(mean) * scale) as f32;
        (scales.iter().map(|&scale| scale as f32).collect(), shifts.map(shift).collect())
    }

    fn norm_tensors(&self, node: NodeId) -> Option<BatchNormTensors<'a>> {
        let Op::BatchNorm { eps, .. } = self.graph.node(node).op else { return None };
        Some(BatchNormTensors {
            weight: self.get(node, "weight")?,
            bias: self.get(node, "bias")?,
            running_mean: self.get(node, "running_mean")?,
            running_var: self.get(node, "running_var")?,
            eps,
        })
    }
}
