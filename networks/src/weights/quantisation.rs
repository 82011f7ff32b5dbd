//! How bytes stand for a network's numbers, where that is known: tensors beside the weights, so that whatever carries
//! weights carries it too.
//!
//! `PATH.output_scale` and `PATH.output_zero_point` (0 to 255, one value each) say that a byte `q` of what the layer `PATH`
//! makes stands for `(q - zero_point) * scale`; `input` is the path of the network's input. `PATH.weight_scale`, of one value
//! or of one for each output channel, says that a weight is a byte of -128 to 127 times it: that of a layer as it is or, at the
//! path of a normalisation behind a convolution, with that folded into it.

use std::fmt;

use thiserror::Error;

use super::{WeightTensor, Weights};
use crate::graph::{Graph, NodeId, Op};

/// How the bytes of one value stand for numbers: `(byte - zero_point) * scale`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ByteScale {
    /// What one step of a byte is.
    pub scale: f32,
    /// The byte that stands for zero.
    pub zero_point: u8,
}

/// What is known of a network's bytes; all of it, parts or nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Quantisation {
    /// By node: how the bytes of its value stand for numbers.
    pub outputs: Vec<Option<ByteScale>>,
    /// By node: the scale of its weights, for each output channel or one for all.
    pub weights: Vec<Option<Vec<f32>>>,
}

/// Where it comes from how a network's bytes stand for numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RangesFrom {
    /// Values were seen in 32 bits on made-up noise and pictures.
    MadeUp,
    /// The weights' file says it.
    Weights,
    /// Values were seen in 32 bits on pictures of a person's own.
    Pictures {
        /// How many.
        count: usize,
        /// Where they are.
        folder: String,
    },
}

impl RangesFrom {
    /// Where it comes from for these weights, if no pictures were given.
    #[must_use]
    pub fn of(weights: &Weights) -> Self {
        if weights.iter().any(|(name, _)| is_scale(name)) { Self::Weights } else { Self::MadeUp }
    }
}

impl fmt::Display for RangesFrom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MadeUp => f.write_str("made-up pictures"),
            Self::Weights => f.write_str("the weights' file"),
            Self::Pictures { count: 1, folder } => write!(f, "1 picture of {folder}"),
            Self::Pictures { count, folder } => write!(f, "{count} pictures of {folder}"),
        }
    }
}

/// A network in bytes, for files that describe it so.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ByteNetwork {
    /// By node: how the bytes that its value is rounded to stand for numbers. None for what stays a float: a result, what
    /// folds into other weights, and what the activation behind it limits before it is rounded.
    pub outputs: Vec<Option<ByteScale>>,
    /// By node, at the layer or what folds into it: its weights.
    pub layers: Vec<Option<ByteLayer>>,
}

/// A layer's weights in bytes, normalisation folded in.
#[derive(Clone, Debug, PartialEq)]
pub struct ByteLayer {
    /// `[out][in / groups][taps]`.
    pub weights: Vec<i8>,
    /// What one step of each output channel's weights is.
    pub scales: Vec<f32>,
    /// One for each output channel, in steps of its weights times those of the input.
    pub bias: Vec<i32>,
    /// What one step of the input is.
    pub input: f32,
}

/// A scale that is of no use.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("layer `{layer}`: {reason}; calibrate again (--calibrate-with FOLDER) or leave the scales out")]
pub struct ScaleError {
    /// The layer.
    pub layer: String,
    /// What is wrong.
    pub reason: String,
}

const OUTPUT_SCALE: &str = "output_scale";
const OUTPUT_ZERO_POINT: &str = "output_zero_point";
const WEIGHT_SCALE: &str = "weight_scale";

/// The least and the greatest scale: products and quotients of three are numbers that 32 bits hold.
const SCALES: [f32; 2] = [1.0 / (1_u64 << 40) as f32, (1_u64 << 40) as f32];

/// Whether a tensor of this name says how bytes stand for numbers.
pub(super) fn is_scale(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or_default();
    name.len() > last.len() && [OUTPUT_SCALE, OUTPUT_ZERO_POINT, WEIGHT_SCALE].contains(&last)
}

/// Names that a graph's layers may have beside their weights, with the most values of each.
pub(super) fn names(graph: &Graph) -> impl Iterator<Item = (String, usize)> {
    graph.nodes().iter().flat_map(|node| {
        let path = &node.path;
        let of_weights = weighs(&node.op).then(|| (format!("{path}.{WEIGHT_SCALE}"), node.output.channels));
        let of_output = [OUTPUT_SCALE, OUTPUT_ZERO_POINT].map(|of| (format!("{path}.{of}"), 1));
        of_output.into_iter().chain(of_weights)
    })
}

/// Whether a layer multiplies what it reads with weights of its own.
fn weighs(op: &Op) -> bool {
    matches!(op, Op::Conv2d(_) | Op::Linear { .. } | Op::Affine { .. } | Op::BatchNorm { .. })
}

impl Quantisation {
    /// Nothing known of `graph`.
    #[must_use]
    pub fn none(graph: &Graph) -> Self {
        let count = graph.nodes().len();
        Self { outputs: vec![None; count], weights: vec![None; count] }
    }

    /// What `weights` say of `graph`'s values.
    ///
    /// # Errors
    /// Where a scale is not a positive number within 2^-40 to 2^40, a zero point is none of 0 to 255, one of the two is
    /// missing, or there are as many as neither one nor the layer's channels.
    pub fn of(graph: &Graph, weights: &Weights) -> Result<Self, ScaleError> {
        let mut known = Self::none(graph);
        // Networks are asked far more often than they have any.
        if !weights.iter().any(|(name, _)| is_scale(name)) {
            return Ok(known);
        }
        for (index, node) in graph.nodes().iter().enumerate() {
            let wrong = |reason: String| ScaleError { layer: node.path.clone(), reason };
            let get = |of: &str| weights.get(&format!("{}.{of}", node.path)).map(|tensor| tensor.values.as_slice());
            known.outputs[index] = output(get(OUTPUT_SCALE), get(OUTPUT_ZERO_POINT)).map_err(wrong)?;
            if let Some(scales) = get(WEIGHT_SCALE).filter(|_| weighs(&node.op)) {
                let channels = node.output.channels;
                if scales.len() != 1 && scales.len() != channels {
                    return Err(wrong(format!("{} scales of weights for {channels} output channels", scales.len())));
                }
                if let Some(bad) = scales.iter().find(|scale| !is_good(**scale)) {
                    return Err(wrong(format!("{bad} is no scale of weights")));
                }
                known.weights[index] = Some(scales.to_vec());
            }
        }
        Ok(known)
    }

    /// Whether nothing is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.outputs.iter().all(Option::is_none) && self.weights.iter().all(Option::is_none)
    }

    /// How the bytes of a node's value stand for numbers.
    #[must_use]
    pub fn output(&self, node: NodeId) -> Option<ByteScale> {
        self.outputs.get(node.0).copied().flatten()
    }

    /// The scale of a node's weights, for each output channel or one for all.
    #[must_use]
    pub fn weight(&self, node: NodeId) -> Option<&[f32]> {
        self.weights.get(node.0)?.as_deref()
    }

    /// Puts what is known beside the weights, in place of what they had.
    pub fn store(&self, graph: &Graph, weights: &mut Weights) {
        weights.retain(|name| !is_scale(name));
        let vector = |values: Vec<f32>| WeightTensor { shape: vec![values.len()], values };
        for (index, node) in graph.nodes().iter().enumerate() {
            let path = &node.path;
            if let Some(ByteScale { scale, zero_point }) = self.output(NodeId(index)) {
                weights.insert(format!("{path}.{OUTPUT_SCALE}"), vector(vec![scale]));
                weights.insert(format!("{path}.{OUTPUT_ZERO_POINT}"), vector(vec![zero_point.into()]));
            }
            if let Some(scales) = self.weight(NodeId(index)) {
                weights.insert(format!("{path}.{WEIGHT_SCALE}"), vector(scales.to_vec()));
            }
        }
    }
}

fn is_good(scale: f32) -> bool {
    (SCALES[0]..=SCALES[1]).contains(&scale)
}

fn output(scale: Option<&[f32]>, zero_point: Option<&[f32]>) -> Result<Option<ByteScale>, String> {
    let (scale, zero_point) = match (scale, zero_point) {
        (None, None) => return Ok(None),
        (Some(_), None) => return Err("its output has a scale and no zero point".into()),
        (None, Some(_)) => return Err("its output has a zero point and no scale".into()),
        (Some(&[scale]), Some(&[zero_point])) => (scale, zero_point),
        (Some(scales), Some(zero_points)) => {
            return Err(format!(
                "its output has {} scales and {} zero points where there is one of each",
                scales.len(),
                zero_points.len()
            ));
        }
    };
    if !is_good(scale) {
        return Err(format!("{scale} is no scale of its output"));
    }
    if !(0.0..=255.0).contains(&zero_point) || zero_point.fract() != 0.0 {
        return Err(format!("{zero_point} is no zero point of its output: a byte of 0 to 255 is"));
    }
    Ok(Some(ByteScale { scale, zero_point: zero_point as u8 }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{Conv2d, GraphBuilder, Shape, Window};

    fn graph() -> Graph {
        let conv = Conv2d { in_channels: 3, out_channels: 4, window: Window::square(3, 1), groups: 1, bias: false };
        let mut builder = GraphBuilder::new("net", Shape::new(1, 3, 8, 8));
        builder.push("conv", Op::Conv2d(conv), &[builder.input()]).unwrap();
        builder.finish()
    }

    fn with(tensors: &[(&str, &[f32])]) -> Weights {
        let tensor = |values: &[f32]| WeightTensor { shape: vec![values.len()], values: values.to_vec() };
        tensors.iter().map(|(name, values)| ((*name).to_owned(), tensor(values))).collect()
    }

    #[test]
    fn what_is_stored_is_read_again_and_replaces_what_was_there() {
        let graph = graph();
        let mut known = Quantisation::none(&graph);
        assert!(known.is_empty());
        known.outputs[0] = Some(ByteScale { scale: 0.1, zero_point: 255 });
        known.weights[1] = Some(vec![0.1, 0.2, 0.3, 0.4]);
        let mut weights = with(&[("conv.weight", &[1.0]), ("conv.output_scale", &[3.0])]);
        known.store(&graph, &mut weights);
        assert_eq!(Quantisation::of(&graph, &weights).unwrap(), known);
        assert_eq!(weights.len(), 4);
        assert!(
            !known.is_empty() && is_scale("a.b.weight_scale") && !is_scale("weight_scale") && !is_scale("a.weight")
        );
    }

    #[test]
    fn a_bad_scale_is_refused_with_its_layer_and_the_remedy() {
        let zero: (&str, &[f32]) = ("conv.output_zero_point", &[3.0]);
        for (tensors, said) in [
            (vec![("conv.output_scale", &[1.0][..])], "no zero point"),
            (vec![zero], "no scale"),
            (vec![("conv.output_scale", &[0.0]), zero], "0 is no scale"),
            (vec![("conv.output_scale", &[-1.0]), zero], "-1 is no scale"),
            (vec![("conv.output_scale", &[f32::NAN]), zero], "NaN is no scale"),
            (vec![("conv.output_scale", &[f32::INFINITY]), zero], "inf is no scale"),
            (vec![("conv.output_scale", &[1e-30]), zero], "is no scale"),
            (vec![("conv.output_scale", &[1.0, 2.0]), zero], "2 scales and 1 zero points"),
            (vec![("conv.output_scale", &[]), zero], "0 scales"),
            (vec![("conv.output_scale", &[1.0]), ("conv.output_zero_point", &[256.0])], "256 is no zero point"),
            (vec![("conv.output_scale", &[1.0]), ("conv.output_zero_point", &[0.5])], "0.5 is no zero point"),
            (vec![("conv.output_scale", &[1.0]), ("conv.output_zero_point", &[f32::NAN])], "NaN is no zero point"),
            (vec![("conv.weight_scale", &[1.0, 1.0, 1.0])], "3 scales of weights for 4 output channels"),
            (vec![("conv.weight_scale", &[1.0, 1.0, 0.0, 1.0])], "0 is no scale of weights"),
        ] {
            let error = Quantisation::of(&graph(), &with(&tensors)).unwrap_err().to_string();
            assert!(
                error.contains("layer `conv`") && error.contains(said) && error.contains("--calibrate-with"),
                "{error}"
            );
        }
    }
}
