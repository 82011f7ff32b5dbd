//! What each ONNX operation is as a layer, as a view, or as arithmetic on shapes.

mod layers;
mod names;
mod shapes;

use std::collections::HashMap;

use self::names::Names;
use super::constant::Constant;
use super::proto::Node;
use super::view::{Tensor, Value};
use crate::graph::{Graph, GraphBuilder, LowerError, NodeId, Op, Shape};
use crate::weights::{WeightTensor, Weights};

/// Most elements of a layer's value; keeps every product far from overflow.
pub(super) const MOST_ELEMENTS: u64 = 1 << 32;

/// Most numbers that a model's arithmetic on shapes makes; a shape has five.
const MOST_NUMBERS: usize = 1 << 20;

/// Why a node is not taken over.
#[derive(Debug)]
pub(super) enum Refusal {
    /// It does something that has no counterpart.
    Unsupported(String),
    /// It does not fit its inputs.
    Layer(LowerError),
}

impl From<String> for Refusal {
    fn from(reason: String) -> Self {
        Self::Unsupported(reason)
    }
}

impl From<LowerError> for Refusal {
    fn from(error: LowerError) -> Self {
        Self::Layer(error)
    }
}

/// The inputs of a node; `None` where an optional one is left out.
type Inputs<'a> = &'a [Option<Value>];

/// What a node makes: one value per output.
type Made = Result<Vec<Value>, Refusal>;

/// What becomes of the parameters' values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Parameters {
    /// They become the graph's weights.
    Keep,
    /// They are only counted: the graph alone is wanted, and copying them would take most of the time.
    Count,
}

/// Builds the graph node by node.
pub(super) struct Converter {
    builder: GraphBuilder,
    weights: Weights,
    names: Names,
    exported_batch: Option<usize>,
    /// Values that parameters may still have: more than a file holds means that one is used again and again.
    parameters_left: usize,
    parameters: Parameters,
    /// Numbers that arithmetic on shapes may still make.
    numbers_left: usize,
}

/// Whether the operation is one that [`Converter::node`] knows.
pub(super) fn is_known(node: &Node) -> bool {
    let ours = node.domain.is_empty() || node.domain == "ai.onnx";
    ours && (layers::KNOWN.contains(&node.op_type.as_str()) || shapes::KNOWN.contains(&node.op_type.as_str()))
}

impl Converter {
    pub(super) fn new(
        name: &str,
        input: Shape,
        exported_batch: Option<usize>,
        (constants, nodes): (&HashMap<String, Constant>, &[Node]),
        (parameters_left, parameters): (usize, Parameters),
    ) -> Self {
        Self {
            builder: GraphBuilder::new(name, input),
            weights: Weights::default(),
            names: Names::new(constants, nodes),
            exported_batch,
            parameters_left,
            parameters,
            numbers_left: MOST_NUMBERS,
        }
    }

    pub(super) fn input(&self) -> NodeId {
        self.builder.input()
    }

    pub(super) fn finish(self) -> (Graph, Weights) {
        (self.builder.finish(), self.weights)
    }

    /// The values that `node` makes of its inputs.
    pub(super) fn node(&mut self, node: &Node, inputs: Inputs<'_>) -> Made {
        let of_layers = inputs.iter().any(|input| matches!(input, Some(Value::Tensor(_))));
        if of_layers && layers::KNOWN.contains(&node.op_type.as_str()) {
            self.layer(node, inputs)
        } else {
            let made = shapes::evaluate(node, inputs)?;
            for value in &made {
                if let Value::Constant(Constant::Ints(ints)) = value {
                    let left = self.numbers_left.checked_sub(ints.values.len());
                    self.numbers_left = left.ok_or_else(|| {
                        format!("the model's arithmetic on shapes makes more than {MOST_NUMBERS} numbers")
                    })?;
                }
            }
            Ok(made)
        }
    }

    /// Adds a layer; its whole value.
    fn push(
        &mut self,
        node: &Node,
        weight: Option<&str>,
        op: Op,
        inputs: &[NodeId],
    ) -> Result<(NodeId, String), Refusal> {
        let path = self.names.path(node, weight);
        let id = self.builder.push(path.clone(), op, inputs)?;
        let shape = self.builder.shape(id);
        if shape.elements().0 > MOST_ELEMENTS {
            return Err(Refusal::Unsupported(format!("its result {shape} is too large")));
        }
        Ok((id, path))
    }

    /// Adds a layer without parameters.
    fn plain(&mut self, node: &Node, op: Op, inputs: &[NodeId]) -> Made {
        let (id, _) = self.push(node, None, op, inputs)?;
        Ok(vec![self.whole(id)])
    }

    fn whole(&self, id: NodeId) -> Value {
        Value::Tensor(Tensor::whole(id, self.builder.shape(id)))
    }

    fn vector(&self, id: NodeId) -> Value {
        Value::Tensor(Tensor::vector(id, self.builder.shape(id)))
    }

    /// Adds a parameter of `count` values.
    fn parameter(
        &mut self,
        (path, of): (&str, &str),
        shape: Vec<usize>,
        count: usize,
        values: impl FnOnce() -> Vec<f32>,
    ) -> Result<(), Refusal> {
        let left = self.parameters_left.checked_sub(count);
        self.parameters_left = left.ok_or_else(|| format!("{of} has more values than the file holds"))?;
        if self.parameters == Parameters::Keep {
            self.weights.insert(format!("{path}.{of}"), WeightTensor { shape, values: values() });
        }
        Ok(())
    }
}
