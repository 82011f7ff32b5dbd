//! Writes small models, node by node.

use prost::Message;

use crate::model_file::onnx::{Imported, proto};
use crate::runtime::reference;

pub(super) use crate::model_file::onnx::attributes::{float, int, ints, text};

/// A model of which the nodes are written one after the other; its input `x` is `[1, 3, 8, 8]` unless said otherwise.
#[derive(Clone)]
pub(super) struct Model {
    pub graph: proto::Graph,
    pub shape: Vec<i64>,
}

impl Model {
    pub(super) fn new() -> Self {
        Self { graph: proto::Graph::default(), shape: vec![1, 3, 8, 8] }
    }

    pub(super) fn node(mut self, op: &str, inputs: &[&str], output: &str, attribute: Vec<proto::Attribute>) -> Self {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        self.graph.node.push(proto::Node {
            input: names(inputs),
            output: names(&output.split(' ').collect::<Vec<_>>()),
            op_type: op.into(),
            attribute,
            ..Default::default()
        });
        self
    }

    /// A parameter of these values.
    pub(super) fn values(mut self, name: &str, dims: &[i64], values: &[f32]) -> Self {
        let (name, dims, float_data) = (name.into(), dims.into(), values.into());
        self.graph.initializer.push(proto::Tensor {
            name,
            dims,
            data_type: proto::FLOAT,
            float_data,
            ..Default::default()
        });
        self
    }

    /// A parameter of made-up values.
    pub(super) fn floats(self, name: &str, dims: &[i64]) -> Self {
        let values = made_up(name, dims.iter().product::<i64>() as usize);
        self.values(name, dims, &values)
    }

    pub(super) fn ints(mut self, name: &str, values: &[i64]) -> Self {
        let (name, int64_data) = (name.into(), values.to_vec());
        let dims = vec![values.len() as i64];
        self.graph.initializer.push(proto::Tensor {
            name,
            dims,
            data_type: proto::INT64,
            int64_data,
            ..Default::default()
        });
        self
    }

    /// The file's bytes; the output is what the last node makes, or those of these names.
    pub(super) fn bytes(mut self, outputs: &[&str]) -> Vec<u8> {
        let value = |name: &str, shape: &[i64]| proto::ValueInfo {
            name: name.into(),
            r#type: Some(proto::Type {
                tensor_type: Some(proto::TensorType {
                    elem_type: proto::FLOAT,
                    shape: Some(proto::TensorShape {
                        dim: shape
                            .iter()
                            .map(|&length| proto::Dimension { value: Some(proto::Length::Value(length)) })
                            .collect(),
                    }),
                }),
            }),
        };
        let last = self.graph.node.last().and_then(|node| node.output.first()).cloned().unwrap_or_default();
        let outputs = if outputs.is_empty() { vec![last.as_str()] } else { outputs.to_vec() };
        self.graph.output = outputs.iter().map(|name| value(name, &[1, 5])).collect();
        self.graph.input.insert(0, value("x", &self.shape));
        let model = proto::Model { ir_version: 8, graph: Some(self.graph), ..Default::default() };
        model.encode_to_vec()
    }

    pub(super) fn import(self) -> Imported {
        Imported::from_bytes(&self.bytes(&[]), "m.onnx").unwrap_or_else(|error| panic!("{error}"))
    }

    pub(super) fn refusal(self) -> String {
        Imported::from_bytes(&self.bytes(&[]), "m.onnx").unwrap_err().to_string()
    }
}

/// Values between -1 and 1 that depend on a name.
pub(super) fn made_up(name: &str, count: usize) -> Vec<f32> {
    let mut state = name.bytes().fold(7_u32, |state, byte| state.wrapping_mul(31).wrapping_add(byte.into()));
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..count).map(|_| next()).collect()
}

/// What a model gives for a made-up picture, batch of two.
pub(super) fn logits(imported: &Imported) -> Vec<f32> {
    let shape = imported.input_shape();
    let graph = imported.graph_for(2, [shape.height, shape.width]).unwrap();
    let picture = made_up("picture", graph.input_shape().elements().0 as usize);
    reference::run(&graph, imported.weights(), &picture).unwrap()
}

/// Largest difference.
pub(super) fn gap(one: &[f32], other: &[f32]) -> f32 {
    assert_eq!(one.len(), other.len());
    one.iter()
        .zip(other)
        .map(|(a, b)| (a - b).abs())
        .fold(0.0, |most, gap| if gap.is_nan() { f32::INFINITY } else { most.max(gap) })
}
