//! The parameters that kernels need, with normalisation folded in.

use super::plan::Part;
use crate::graph::{Graph, NodeId, Op};
use crate::weights::{BatchNormTensors, Folded, WeightTensor, Weights, WeightsError, fold};

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
        if let Some(folded) = part.norm.and_then(|norm| self.folded((weight, bias), norm)) {
            return LayerParameters { weights: Filters::Values(folded.weight.values), bias: folded.bias };
        }
        let bias = bias.map_or_else(|| vec![0.0; outputs], <[f32]>::to_vec);
        LayerParameters { weights: Filters::Values(weight.values.clone()), bias }
    }

    /// Whether the normalisation that folds into a layer makes other weights of its own.
    pub fn changes(&self, part: &Part) -> bool {
        let own = self.get(part.node, "weight");
        part.norm.is_some()
            && own.is_some_and(|own| !matches!(self.layer(part).weights, Filters::Values(folded) if folded == own))
    }

    /// A convolution's weight and bias with the scale and shift behind it.
    fn folded(&self, (weight, bias): (&WeightTensor, Option<&[f32]>), norm: NodeId) -> Option<Folded> {
        if let Some(norm) = self.norm_tensors(norm) {
            return fold(weight, bias, norm).ok();
        }
        // A normalisation of what has no mean and a variance of one.
        let channels = self.graph.node(norm).output.channels;
        let (zeros, ones) = (vec![0.0; channels], vec![1.0; channels]);
        let scale = self.get(norm, "weight")?;
        let shift = self.get(norm, "bias").unwrap_or(&zeros);
        let norm = BatchNormTensors { weight: scale, bias: shift, running_mean: &zeros, running_var: &ones, eps: 0.0 };
        fold(weight, bias, norm).ok()
    }

    /// The slopes below zero of each channel.
    pub fn slopes(&self, node: NodeId) -> Vec<f32> {
        let channels = self.graph.node(node).output.channels;
        match self.get(node, "weight") {
            Some(&[one]) => vec![one; channels],
            Some(slopes) => slopes.to_vec(),
            None => vec![0.0; channels],
        }
    }

    /// Scale and shift of each channel: of a batch normalisation with its statistics, of anything else as they are.
    pub fn norm(&self, node: NodeId) -> (Vec<f32>, Vec<f32>) {
        let Some(norm) = self.norm_tensors(node) else {
            let channels = self.graph.node(node).output.channels;
            let vector = |name, missing| self.get(node, name).map_or_else(|| vec![missing; channels], <[f32]>::to_vec);
            return (vector("weight", 1.0), vector("bias", 0.0));
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
