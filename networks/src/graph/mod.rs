//! What a design means: nodes in execution order, each with its operation, inputs, output shape and layer path.
//!
//! Paths equal torchvision's module names where torchvision has the network (`stage2.0.branch2.3`), so that weights load
//! by name. Values are immutable; there are no control-flow or in-place semantics.

mod activation;
mod builder;
mod limits;
mod liveness;
mod lower;
mod op;
mod shape;
mod window;

use std::collections::BTreeMap;

pub use activation::{Activation, Coefficient, NoActivation};
pub use builder::{GraphBuilder, LowerError};
pub use liveness::{Liveness, last_uses, reads};
pub use lower::{LoweringError, lower};
pub use op::{Conv2d, LocalNorm, Op, OpKind};
pub use shape::Shape;
pub use window::Window;

/// The position of a node in its graph; node 0 is the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(pub usize);

/// The unit (building block) that a node belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UnitId {
    /// Index into [`Design::stages`](crate::design::Design::stages); in a network without a design its own number.
    pub stage: usize,
    /// Which repeat of the stage's unit, from 0.
    pub repeat: usize,
}

/// One operation and the value it makes.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Unique, stable name; parameters are `path.weight`, `path.bias` and so on.
    pub path: String,
    /// What is computed.
    pub op: Op,
    /// The values read, in order; always earlier nodes.
    pub inputs: Vec<NodeId>,
    /// Shape of the value made.
    pub output: Shape,
    /// The unit this node is part of; `None` in stem and head.
    pub unit: Option<UnitId>,
}

/// A network for one input size and batch, ready to be costed and executed.
#[derive(Clone, Debug, PartialEq)]
pub struct Graph {
    /// The design's name.
    pub name: String,
    nodes: Vec<Node>,
    /// Layers that compute with the parameters of an earlier one.
    shared: BTreeMap<NodeId, NodeId>,
}

impl Graph {
    /// All nodes in execution order, the input first.
    #[must_use]
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The layers: every node but the input, in execution order.
    pub fn layers(&self) -> impl ExactSizeIterator<Item = (NodeId, &Node)> {
        self.nodes.iter().enumerate().skip(1).map(|(index, node)| (NodeId(index), node))
    }

    /// The node `id`.
    ///
    /// # Panics
    /// If `id` belongs to a larger graph.
    #[must_use]
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.0]
    }

    /// The layer whose parameters a layer computes with: itself, or an earlier one that it shares them with.
    #[must_use]
    pub fn owner(&self, id: NodeId) -> NodeId {
        self.shared.get(&id).copied().unwrap_or(id)
    }

    /// Shapes of the values that a node reads.
    pub fn input_shapes<'a>(&'a self, node: &'a Node) -> impl Iterator<Item = Shape> + 'a {
        node.inputs.iter().map(|&input| self.node(input).output)
    }

    /// Shape of the network's input.
    #[must_use]
    pub fn input_shape(&self) -> Shape {
        self.nodes[0].output
    }

    /// The node whose value is the network's result (the logits): the last one.
    #[must_use]
    pub fn output(&self) -> NodeId {
        NodeId(self.nodes.len() - 1)
    }

    /// The node with this path.
    #[must_use]
    pub fn find(&self, path: &str) -> Option<NodeId> {
        self.nodes.iter().position(|node| node.path == path).map(NodeId)
    }
}
