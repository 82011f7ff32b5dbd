//! How the layers' bytes stand for numbers, where the file says it.

use super::{Emitter, Placed};
use crate::graph::{Activation, Graph, NodeId, Op};
use crate::model_file::onnx::constant::{Floats, Scales};
use crate::model_file::onnx::draft::{Refusal, ValueId, unsupported};
use crate::weights::{ByteScale, Quantisation, Weights};

/// What is known of the layers made so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Bytes {
    outputs: Vec<(NodeId, ByteScale)>,
    weights: Vec<(NodeId, Vec<f32>)>,
}

impl Bytes {
    fn of(&self, node: NodeId) -> Option<ByteScale> {
        self.outputs.iter().rev().find(|(known, _)| *known == node).map(|(_, scale)| *scale)
    }

    /// Puts it beside the weights.
    pub(super) fn store(self, graph: &Graph, weights: &mut Weights) {
        if self.outputs.is_empty() && self.weights.is_empty() {
            return;
        }
        let mut known = Quantisation::none(graph);
        for (node, scale) in self.outputs {
            known.outputs[node.0] = Some(scale);
        }
        for (node, scales) in self.weights {
            known.weights[node.0] = Some(scales);
        }
        known.store(graph, weights);
    }
}

impl Emitter<'_> {
    /// A value whose bytes stand for numbers so: the layer's that makes it, or one of its own where those do otherwise.
    pub(super) fn bytes(&mut self, value: ValueId, scale: ByteScale) -> Result<Placed, Refusal> {
        let input = self.input(value)?;
        match self.bytes.of(input.node) {
            None => self.bytes.outputs.push((input.node, scale)),
            Some(known) if known == scale => {}
            Some(_) => {
                let (node, _) = self.push(value, None, Op::Activation(Activation::None), &[input.node])?;
                self.bytes.outputs.push((node, scale));
                return Ok(Placed { node, by: value, ..input });
            }
        }
        Ok(input)
    }

    /// Remembers the scales of a layer's weights, which have one for each place along `axis` at most.
    pub(super) fn weights_of_bytes(&mut self, layer: NodeId, weight: &Floats) {
        if let Some(Scales { values, .. }) = &weight.scales {
            self.bytes.weights.push((layer, values.to_vec()));
        }
    }
}

/// Refuses weights of bytes that are not computed with: around another zero point than the middle, or with scales along
/// another axis than that of the outputs.
pub(super) fn check_bytes(weight: &Floats, axis: usize) -> Result<(), Refusal> {
    let Some(Scales { axis: along, odd_zero, .. }) = &weight.scales else { return Ok(()) };
    match (odd_zero, along) {
        (Some(zero), _) => unsupported(format!(
            "with weights `{}` around the zero point {zero}: quantise weights symmetrically",
            weight.name
        )),
        (None, Some(along)) if *along != axis => unsupported(format!(
            "with weights `{}` that have scales along axis {along}; along axis {axis}, that of the outputs, they are read",
            weight.name
        )),
        _ => Ok(()),
    }
}
