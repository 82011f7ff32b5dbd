//! Activations, and operations that are several nodes in ONNX.

use super::{Writer, float, int, ints, proto, sliding};
use crate::graph::{Activation, LocalNorm, Node, Window};
use crate::model_file::onnx::attributes::text;

impl Writer<'_> {
    /// An activation of the value `input`, which makes `name`.
    pub(super) fn activation(&mut self, path: &str, activation: Activation, input: String, name: &str) {
        let op = match activation {
            Activation::Relu => "Relu",
            Activation::HardSwish => "HardSwish",
            Activation::Sigmoid => "Sigmoid",
            Activation::Tanh => "Tanh",
            Activation::Mish => "Mish",
            Activation::Softplus => "Softplus",
            Activation::None => "Identity",
            Activation::Relu6 => return self.clip((path, name), input, [0.0, 6.0]),
            Activation::Clip { low, high } => return self.clip((path, name), input, [low.get(), high.get()]),
            Activation::LeakyRelu { slope } => {
                return self.push("LeakyRelu", path, vec![input], name, vec![float("alpha", slope.get())]);
            }
            Activation::Elu { alpha } => {
                return self.push("Elu", path, vec![input], name, vec![float("alpha", alpha.get())]);
            }
            Activation::HardSigmoid { alpha, beta } => {
                let attributes = vec![float("alpha", alpha.get()), float("beta", beta.get())];
                return self.push("HardSigmoid", path, vec![input], name, attributes);
            }
            Activation::Gelu => return self.push("Gelu", path, vec![input], name, vec![]),
            Activation::GeluTanh => {
                return self.push("Gelu", path, vec![input], name, vec![text("approximate", "tanh")]);
            }
            Activation::Swish { scale } => {
                let mut inner = input.clone();
                if activation != Activation::SILU {
                    let scaled = self.unused(format!("{path}.scaled"));
                    let factor = self.scalar(path, "scale", scale.get());
                    self.push("Mul", &scaled, vec![inner, factor], &scaled, vec![]);
                    inner = scaled;
                }
                let gate = self.unused(format!("{path}.gate"));
                self.push("Sigmoid", &gate, vec![inner], &gate, vec![]);
                return self.push("Mul", path, vec![input, gate], name, vec![]);
            }
        };
        self.push(op, path, vec![input], name, vec![]);
    }

    /// Limits; an end that is open is left out.
    fn clip(&mut self, (path, name): (&str, &str), input: String, [low, high]: [f32; 2]) {
        let mut inputs = vec![input];
        inputs.push(if low == f32::NEG_INFINITY { String::new() } else { self.scalar(path, "min", low) });
        if high < f32::INFINITY {
            inputs.push(self.scalar(path, "max", high));
        }
        self.push("Clip", path, inputs, name, vec![]);
    }

    /// Scale, and shift if there is one, of each channel.
    pub(super) fn affine(&mut self, node: &Node, name: &str, shift: bool) {
        let path = &node.path;
        let inputs = vec![self.map(node, 0), self.of_channels(path, "weight")];
        if !shift {
            return self.push("Mul", path, inputs, name, vec![]);
        }
        let scaled = self.unused(format!("{path}.scaled"));
        self.push("Mul", &scaled, inputs, &scaled, vec![]);
        let inputs = vec![scaled, self.of_channels(path, "bias")];
        self.push("Add", path, inputs, name, vec![]);
    }

    /// Slopes of each channel, or of all.
    pub(super) fn slopes(&mut self, node: &Node, name: &str) {
        let inputs = vec![self.map(node, 0), self.of_channels(&node.path, "weight")];
        self.push("PRelu", &node.path, inputs, name, vec![]);
    }

    /// ONNX normalises the last axes: channels are there and back.
    pub(super) fn layer_norm(&mut self, node: &Node, name: &str, eps: f64) {
        let path = &node.path;
        let input = self.map(node, 0);
        let [last, normal] = ["last", "normal"].map(|of| self.unused(format!("{path}.{of}")));
        self.push("Transpose", &last, vec![input], &last, vec![ints("perm", &[0, 2, 3, 1])]);
        let inputs = vec![last, self.parameter(path, "weight"), self.parameter(path, "bias")];
        let attributes = vec![int("axis", -1), float("epsilon", eps as f32)];
        self.push("LayerNormalization", path, inputs, &normal, attributes);
        self.push("Transpose", &normal, vec![normal.clone()], name, vec![ints("perm", &[0, 3, 1, 2])]);
    }

    pub(super) fn local_norm(&mut self, node: &Node, name: &str, norm: &LocalNorm) {
        let attributes = vec![
            int("size", norm.size as i64),
            float("alpha", norm.alpha.get()),
            float("beta", norm.beta.get()),
            float("bias", norm.offset.get()),
        ];
        let inputs = vec![self.map(node, 0)];
        self.push("LRN", &node.path, inputs, name, attributes);
    }

    /// Padding that counts is a node of its own, so that no runtime takes it for what does not.
    pub(super) fn mean_counted(&mut self, node: &Node, name: &str, window: &Window, counted: [[usize; 2]; 2]) {
        let path = &node.path;
        let mut input = self.map(node, 0);
        if counted != [[0; 2]; 2] {
            let [[top, left], [bottom, right]] = counted.map(|side| side.map(|pixels| pixels as i64));
            let padded = self.unused(format!("{path}.padded"));
            let pads = self.integers(path, "pads", &[0, 0, top, left, 0, 0, bottom, right]);
            self.push("Pad", &padded, vec![input, pads], &padded, vec![]);
            input = padded;
        }
        let less = |all: [usize; 2], some: [usize; 2]| [0, 1].map(|axis| all[axis].saturating_sub(some[axis]));
        let (padding, padding_end) = (less(window.padding, counted[0]), less(window.padding_end, counted[1]));
        let mut attributes = sliding(&Window { padding, padding_end, ..*window });
        attributes.push(int("count_include_pad", 0));
        if window.dilation == [1, 1] {
            attributes.retain(|attribute| attribute.name != "dilations");
        }
        self.push("AveragePool", path, vec![input], name, attributes);
    }

    /// One channel as many.
    pub(super) fn repeat(&mut self, node: &Node, name: &str, channels: usize) {
        let shape = self.integers(&node.path, "shape", &[1, channels as i64, 1, 1]);
        let inputs = vec![self.map(node, 0), shape];
        self.push("Expand", &node.path, inputs, name, vec![]);
    }

    /// A parameter of one value a channel, as it is broadcast over `[batch, channels, height, width]`.
    fn of_channels(&mut self, path: &str, of: &str) -> String {
        let name = self.parameter(path, of);
        if self.owners.contains_key(path) {
            return name;
        }
        if let Some(proto::Tensor { dims, .. }) = self.parameters.last_mut().filter(|tensor| tensor.name == name) {
            dims.extend([1, 1]);
        }
        name
    }
}

#[cfg(test)]
mod tests {
    use prost::Message;

    use crate::graph::{Activation, GraphBuilder, Op, Shape, Window};
    use crate::model_file::onnx::{BatchNorm, proto, to_onnx};
    use crate::weights::Weights;

    /// A model of one layer behind its input.
    fn written(op: Op) -> proto::Model {
        let mut builder = GraphBuilder::new("net", Shape::new(1, 4, 8, 8));
        builder.push("layer", op, &[builder.input()]).unwrap();
        let graph = builder.finish();
        let bytes = to_onnx(&graph, &Weights::seeded(&graph, 3), BatchNorm::Keep).unwrap();
        proto::Model::decode(bytes.as_slice()).unwrap()
    }

    fn operations(model: &proto::Model) -> Vec<&str> {
        model.graph.iter().flat_map(|graph| &graph.node).map(|node| node.op_type.as_str()).collect()
    }

    #[test]
    fn each_operation_is_written_as_onnx_has_it() {
        let window = Window { padding_end: [1, 2], ..Window::square(3, 2) };
        for (op, expected) in [
            (Op::Activation(Activation::Gelu), vec!["Gelu"]),
            (Op::Activation(Activation::SILU), vec!["Sigmoid", "Mul"]),
            (Op::Activation(Activation::Swish { scale: 1.702.into() }), vec!["Mul", "Sigmoid", "Mul"]),
            (Op::PRelu { channels: 4 }, vec!["PRelu"]),
            (Op::Affine { channels: 4, shift: false }, vec!["Mul"]),
            (Op::Affine { channels: 4, shift: true }, vec!["Mul", "Add"]),
            (Op::LayerNorm { channels: 4, eps: 1e-6 }, vec!["Transpose", "LayerNormalization", "Transpose"]),
            (Op::GlobalMaxPool, vec!["GlobalMaxPool", "Flatten"]),
            (Op::AvgPoolCounted { window, counted: [[0; 2]; 2] }, vec!["AveragePool"]),
            (Op::AvgPoolCounted { window, counted: [[1; 2]; 2] }, vec!["Pad", "AveragePool"]),
        ] {
            assert_eq!(operations(&written(op)), expected, "{op}");
        }
    }

    #[test]
    fn an_open_end_is_left_out_and_the_opset_is_that_of_the_newest_operation() {
        let clip = |low, high| {
            let graph = written(Op::Activation(Activation::clip(low, high))).graph.unwrap();
            graph.node.first().map(|node| node.input.iter().map(String::len).collect::<Vec<_>>()).unwrap()
        };
        assert_eq!(clip(-1.0, f32::INFINITY).len(), 2);
        assert_eq!(clip(f32::NEG_INFINITY, 1.0)[1], 0, "no name");
        let opset = |op| written(op).opset_import.first().map(|set| set.version);
        assert_eq!(opset(Op::Activation(Activation::SILU)), Some(17));
        assert_eq!(opset(Op::Activation(Activation::Mish)), Some(18));
        assert_eq!(opset(Op::Activation(Activation::GeluTanh)), Some(20));
    }

    #[test]
    fn values_of_channels_have_the_axes_that_they_are_broadcast_over() {
        let graph = written(Op::PRelu { channels: 4 }).graph.unwrap();
        assert_eq!(graph.initializer.first().map(|tensor| tensor.dims.clone()), Some(vec![4, 1, 1]));
    }
}
