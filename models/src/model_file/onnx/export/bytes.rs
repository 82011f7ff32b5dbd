//! Networks in 8 bits: values rounded to bytes and made numbers again, weights that are bytes.
//!
//! Names are those that ONNX Runtime's own quantiser gives: `V_QuantizeLinear_Output`, `conv.weight_quantized`.

use super::{Writer, convolution, int, proto};
use crate::graph::{Conv2d, Node, NodeId, Op, Window};
use crate::weights::{ByteLayer, ByteScale};

impl<'a> Writer<'a> {
    /// How the bytes that a value is rounded to stand for numbers, where it is.
    pub(super) fn scale_of(&self, id: NodeId) -> Option<ByteScale> {
        self.bytes?.outputs.get(id.0).copied().flatten()
    }

    /// `value` as bytes, and those as the numbers `name` that they stand for.
    pub(super) fn rounded(&mut self, value: &str, ByteScale { scale, zero_point }: ByteScale, name: &str) {
        let parameters = [
            self.constant(format!("{value}_scale"), proto::FLOAT, vec![], scale.to_le_bytes().into()),
            self.constant(format!("{value}_zero_point"), proto::UINT8, vec![], vec![zero_point]),
        ];
        let bytes = self.unused(format!("{value}_QuantizeLinear_Output"));
        let with = |input: &str| std::iter::once(input.to_owned()).chain(parameters.clone()).collect();
        self.push("QuantizeLinear", &format!("{value}_QuantizeLinear"), with(value), &bytes, vec![]);
        self.push("DequantizeLinear", &format!("{value}_DequantizeLinear"), with(&bytes), name, vec![]);
    }

    /// Writes a layer with weights in bytes, which makes `name`; whether it is one.
    pub(super) fn layer_in_bytes(&mut self, node: &Node, id: NodeId, name: &str) -> bool {
        let Some(layer) = self.bytes.and_then(|bytes| bytes.layers.get(id.0)?.as_ref()) else { return false };
        let graph = self.graph;
        let is_folded = |input: &NodeId| matches!(graph.node(*input).op, Op::Conv2d(_));
        // Its place is where the normalisation stands that folds into it.
        let (node, conv) = match (&node.op, node.inputs.first()) {
            (Op::Conv2d(conv), _) => (node, Some(*conv)),
            (Op::BatchNorm { .. } | Op::Affine { .. }, Some(input))
                if is_folded(input) && self.bytes.is_some_and(|bytes| bytes.outputs[input.0].is_none()) =>
            {
                let Op::Conv2d(conv) = graph.node(*input).op else { return false };
                (graph.node(*input), Some(conv))
            }
            // A scale and shift of each channel is a convolution of it alone.
            (Op::BatchNorm { channels, .. } | Op::Affine { channels, .. }, _) => {
                let (window, groups) = (Window::square(1, 1), *channels);
                (node, Some(Conv2d { in_channels: groups, out_channels: groups, window, groups, bias: true }))
            }
            (Op::Linear { .. }, _) => (node, None),
            _ => return false,
        };
        let (op, input, dims, attributes) = match (conv, &node.op) {
            (Some(conv), _) => {
                let [height, width] = conv.window.kernel;
                let dims = [conv.out_channels, conv.in_channels / conv.groups.max(1), height, width];
                ("Conv", self.map(node, 0), dims.to_vec(), convolution(&conv))
            }
            (None, Op::Linear { in_features, out_features, .. }) => {
                ("Gemm", self.vector(node, 0), vec![*out_features, *in_features], vec![int("transB", 1)])
            }
            _ => return false,
        };
        let parameters = self.parameters_in_bytes(&node.path, layer, &dims);
        self.push(op, &node.path, std::iter::once(input).chain(parameters).collect(), name, attributes);
        true
    }

    /// A layer's weight and bias as numbers made of bytes and integers.
    fn parameters_in_bytes(&mut self, path: &str, layer: &ByteLayer, dims: &[usize]) -> [String; 2] {
        let ByteLayer { weights, scales, bias, input } = layer;
        let weights = weights.iter().map(|weight| weight.cast_unsigned()).collect();
        let bias = bias.iter().flat_map(|bias| bias.to_le_bytes()).collect();
        let of_bias: Vec<f32> = scales.iter().map(|scale| scale * input).collect();
        let dims: Vec<i64> = dims.iter().map(|&length| length as i64).collect();
        [
            self.made_of_integers(&format!("{path}.weight"), (proto::INT8, dims, weights), scales),
            self.made_of_integers(&format!("{path}.bias"), (proto::INT32, vec![scales.len() as i64], bias), &of_bias),
        ]
    }

    /// Numbers made of integers, with a scale for each place of the first axis.
    fn made_of_integers(&mut self, name: &str, (kind, dims, raw): (i32, Vec<i64>, Vec<u8>), scales: &[f32]) -> String {
        let floats = scales.iter().flat_map(|scale| scale.to_le_bytes()).collect();
        let zeros = vec![0; if kind == proto::INT8 { 1 } else { 4 } * scales.len()];
        let along = vec![scales.len() as i64];
        let inputs = vec![
            self.constant(format!("{name}_quantized"), kind, dims, raw),
            self.constant(format!("{name}_scale"), proto::FLOAT, along.clone(), floats),
            self.constant(format!("{name}_zero_point"), kind, along, zeros),
        ];
        let made = self.unused(format!("{name}_DequantizeLinear_Output"));
        self.push("DequantizeLinear", &format!("{name}_DequantizeLinear"), inputs, &made, vec![int("axis", 0)]);
        made
    }

    fn constant(&mut self, name: String, kind: i32, dims: Vec<i64>, raw: Vec<u8>) -> String {
        let name = self.unused(name);
        self.initializer(name, kind, dims, raw)
    }
}
