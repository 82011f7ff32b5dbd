//! The partition of a graph's layers into the kernels that a runtime launches.

use crate::graph::{Graph, NodeId};

/// What a label says of a kernel that computes a convolution by Winograd's minimal filtering: with fewer multiplications
/// than its mult-adds, so that it may be faster than the processor multiplies and adds.
pub const WINOGRAD: &str = "Winograd";

/// How much a runtime fuses. It changes how long a network takes and never what it computes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fusing {
    /// Whatever the runtime can: what a network is run and measured with.
    #[default]
    Full,
    /// One kernel a layer, to see what each layer takes. Only what is no work at all has none of its own: a batch
    /// normalisation that folds into the weights before it, and slices, concatenations, shuffles and flattening where
    /// they move nothing.
    Apart,
}

/// One launch: the layers it computes, in execution order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kernel {
    /// The layers computed, never empty.
    pub layers: Vec<NodeId>,
    /// What runs, for people: `pointwise + batch-norm + relu`.
    pub label: String,
}

impl Kernel {
    /// The layer that the kernel is there for: that of the heaviest kind, the first of several.
    #[must_use]
    pub fn main_layer(&self, graph: &Graph) -> Option<NodeId> {
        self.layers.iter().copied().min_by_key(|&layer| graph.node(layer).op.kind().rank())
    }
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
