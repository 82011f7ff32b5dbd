//! What `forward` does, step by step.

use super::modules::{constructor, function, padding};
use crate::graph::{Graph, Node, NodeId, Op};

/// A value of `forward`, by number.
pub(super) type ValueId = usize;

/// One step of `forward`.
#[derive(Clone, Debug)]
pub(super) struct Step {
    /// The layer's path within the class, segment by segment.
    pub path: Vec<String>,
    /// What is done.
    pub call: Call,
    /// What it reads.
    pub inputs: Vec<ValueId>,
    /// What it makes.
    pub output: ValueId,
}

/// How a step is computed.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Call {
    /// By a module, made by this expression.
    Module(String),
    /// By an expression over the inputs, which stand as `{0}`, `{1}`; `{all}` is all of them, with commas.
    Function(String),
}

/// Writes the steps of a graph: its values have the numbers of its nodes, what is made between two nodes has others.
pub(super) struct Writer<'a> {
    graph: &'a Graph,
    /// By node: vectors are `[batch, channels]` in PyTorch, and `[batch, channels, 1, 1]` here.
    is_vector: Vec<bool>,
    /// The next value that is no node's.
    next: ValueId,
}

impl<'a> Writer<'a> {
    pub(super) fn new(graph: &'a Graph) -> Self {
        let mut is_vector: Vec<bool> = Vec::with_capacity(graph.nodes().len());
        for node in graph.nodes() {
            let input = node.inputs.first().and_then(|input| is_vector.get(input.0)).copied().unwrap_or(false);
            is_vector.push(match node.op {
                Op::Flatten | Op::Linear { .. } => true,
                Op::Activation(_) => input,
                _ => false,
            });
        }
        Self { graph, is_vector, next: graph.nodes().len() }
    }

    /// Adds the steps of a node, whose path begins with `prefix`.
    pub(super) fn node(&mut self, id: NodeId, prefix: &str, steps: &mut Vec<Step>) {
        let node = self.graph.node(id);
        let mut inputs: Vec<ValueId> = node.inputs.iter().map(|&input| self.adapted(node, input, steps)).collect();
        if let (Some(pad), [input]) = (padding(&node.op), inputs.as_mut_slice()) {
            *input = self.between(pad, *input, steps);
        }
        let inside = node.path.strip_prefix(prefix).unwrap_or(&node.path).trim_start_matches('.');
        let call = match constructor(&node.op) {
            Some(expression) => Call::Module(expression),
            None => Call::Function(function(&node.op)),
        };
        steps.push(Step { path: inside.split('.').map(str::to_owned).collect(), call, inputs, output: id.0 });
    }

    /// The network's result; without its pixels where it has only one, as in ONNX models that are written here.
    pub(super) fn result(&mut self, steps: &mut Vec<Step>) -> ValueId {
        let output = self.graph.output();
        if self.is_vector(output) || self.graph.node(output).output.pixels() != 1 {
            return output.0;
        }
        self.between("{0}.flatten(1)".into(), output.0, steps)
    }

    /// The input of `node`, as a vector or a map as the node takes it.
    fn adapted(&mut self, node: &Node, input: NodeId, steps: &mut Vec<Step>) -> ValueId {
        let wants_vector = matches!(node.op, Op::Linear { .. });
        let takes_both = matches!(node.op, Op::Activation(_) | Op::Flatten);
        if takes_both || self.is_vector(input) == wants_vector {
            return input.0;
        }
        let adapt = if wants_vector { "{0}.flatten(1)" } else { "{0}[:, :, None, None]" };
        self.between(adapt.into(), input.0, steps)
    }

    /// Adds a step between two nodes; its value.
    fn between(&mut self, expression: String, input: ValueId, steps: &mut Vec<Step>) -> ValueId {
        let output = self.next;
        self.next += 1;
        steps.push(Step { path: vec![], call: Call::Function(expression), inputs: vec![input], output });
        output
    }

    fn is_vector(&self, node: NodeId) -> bool {
        self.is_vector.get(node.0).copied().unwrap_or(false)
    }
}
