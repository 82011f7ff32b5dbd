//! The partition of a graph's layers into the kernels that a runtime launches.

use crate::graph::{Graph, NodeId};

/// One launch: the layers it computes, in execution order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kernel {
    /// The layers computed, never empty.
    pub layers: Vec<NodeId>,
    /// What runs, for people: `pointwise + batch-norm + relu`.
    pub label: String,
}

/// Every layer of the graph in exactly one kernel, kernels in launch order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KernelPlan {
    /// The kernels in launch order.
    pub kernels: Vec<Kernel>,
}

impl KernelPlan {
    /// One kernel per layer, as an eager framework runs it.
    #[must_use]
    pub fn one_per_layer(graph: &Graph) -> Self {
        let kernel =
            |(id, node): (NodeId, &crate::graph::Node)| Kernel { layers: vec![id], label: node.op.to_string() };
        Self { kernels: graph.layers().map(kernel).collect() }
    }

    /// Whether every layer of `graph` is in exactly one kernel.
    #[must_use]
    pub fn is_partition_of(&self, graph: &Graph) -> bool {
        let mut seen: Vec<NodeId> = self.kernels.iter().flat_map(|kernel| kernel.layers.iter().copied()).collect();
        seen.sort_unstable();
        seen.into_iter().eq(graph.layers().map(|(id, _)| id))
    }
}
