//! The cost of one layer.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::graph::{Graph, Node, NodeId, Op, OpKind, Shape, reads};
use crate::units::{Bytes, Elements, MultAdds, Params};

/// What one layer costs, for the whole batch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LayerCost {
    /// The layer's path.
    pub path: String,
    /// The operation, for people.
    pub op: String,
    /// The kind of work.
    pub kind: OpKind,
    /// `[batch, channels, height, width]` of the result.
    pub output: Shape,
    /// Multiply-accumulates.
    pub mult_adds: MultAdds,
    /// Learned parameters.
    pub params: Params,
    /// Elements read and written.
    pub memory_access: Elements,
    /// The same in bytes of 32-bit floats.
    pub memory_access_bytes: Bytes,
    /// FLOP (two per mult-add) per byte of memory access; `None` for layers that compute nothing or move nothing.
    pub arithmetic_intensity: Option<f64>,
}

/// What is summed over layers.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    pub mult_adds: MultAdds,
    pub params: Params,
    pub memory_access: Elements,
}

/// Costs the layers of a graph.
pub(super) struct Costing<'a> {
    graph: &'a Graph,
    /// How often each value is read.
    reads: Vec<usize>,
}

impl<'a> Costing<'a> {
    pub(super) fn of(graph: &'a Graph) -> Self {
        Self { graph, reads: reads(graph) }
    }

    pub(super) fn counts(&self, (id, node): (NodeId, &Node)) -> Counts {
        let params = parameters(&node.op);
        Counts {
            mult_adds: mult_adds(&node.op, node.output),
            // Parameters that several layers compute with are learned once.
            params: Params(if self.graph.owner(id) == id { params } else { 0 }),
            memory_access: self.memory_access(node, params),
        }
    }

    pub(super) fn layer(&self, (id, node): (NodeId, &Node)) -> LayerCost {
        let Counts { mult_adds, params, memory_access } = self.counts((id, node));
        let memory_access_bytes = memory_access.bytes_f32();
        LayerCost {
            path: node.path.clone(),
            op: node.op.to_string(),
            kind: node.op.kind(),
            output: node.output,
            mult_adds,
            params,
            memory_access,
            memory_access_bytes,
            arithmetic_intensity: intensity(mult_adds, memory_access_bytes),
        }
    }

    fn memory_access(&self, node: &Node, params: u64) -> Elements {
        let written = node.output.elements();
        let read: Elements = self.graph.input_shapes(node).map(|shape| shape.elements()).sum();
        match node.op {
            Op::Input | Op::Slice { .. } | Op::Flatten | Op::Repeat { .. } => Elements::ZERO,
            Op::BatchNorm { .. } | Op::Affine { .. } if self.folds_into_its_input(node) => Elements::ZERO,
            _ => read + written + Elements(params),
        }
    }

    /// Whether a batch normalisation, or another scale and shift, is the only reader of a convolution and so disappears into it at inference. Another
    /// reader needs the convolution's own result, which the folded one does not make.
    fn folds_into_its_input(&self, node: &Node) -> bool {
        let convolution = |kind| matches!(kind, OpKind::Convolution | OpKind::Pointwise | OpKind::Depthwise);
        let folds = |input: usize| self.reads.get(input) == Some(&1);
        node.inputs.first().is_some_and(|&input| convolution(self.graph.node(input).op.kind()) && folds(input.0))
    }
}

/// FLOP per byte, where both are there.
pub(super) fn intensity(mult_adds: MultAdds, bytes: Bytes) -> Option<f64> {
    (mult_adds.0 > 0 && bytes.0 > 0).then(|| 2.0 * mult_adds.as_f64() / bytes.0 as f64)
}

fn parameters(op: &Op) -> u64 {
    match op {
        Op::Conv2d(conv) => (conv.weight_elements() + if conv.bias { conv.out_channels } else { 0 }) as u64,
        Op::BatchNorm { channels, .. } | Op::LayerNorm { channels, .. } | Op::Affine { channels, shift: true } => {
            2 * *channels as u64
        }
        Op::PRelu { channels } | Op::Affine { channels, shift: false } => *channels as u64,
        Op::Linear { in_features, out_features, bias } => {
            (in_features * out_features + if *bias { *out_features } else { 0 }) as u64
        }
        _ => 0,
    }
}

fn mult_adds(op: &Op, output: Shape) -> MultAdds {
    let per_output = match op {
        Op::Conv2d(conv) => conv.in_channels / conv.groups * conv.window.taps(),
        Op::Linear { in_features, .. } => *in_features,
        _ => 0,
    };
    MultAdds(output.elements().0.saturating_mul(per_output as u64))
}
