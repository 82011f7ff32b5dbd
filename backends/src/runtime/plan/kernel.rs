//! The partition of a graph's layers into the kernels that a runtime launches.

use super::partition::Planned;
use super::spec::{Epilogue, KernelSpec, Step, Work};
use crate::graph::{Graph, Node, NodeId};
use crate::runtime::Precision;

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
    /// How many operations the runtime starts for it: more than one where it goes through a grouped convolution group by
    /// group.
    pub launches: usize,
    /// The kernel as data; `None` where a runtime launches something else than a chain of steps.
    pub spec: Option<KernelSpec>,
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
        let kernel = |(id, node): (NodeId, &Node)| {
            let input = graph.node(node.inputs[0]).output;
            let step = Step { work: Work::of(&node.op), output: node.output, epilogue: Epilogue::of(&node.op) };
            let spec = Some(KernelSpec { input, steps: vec![step], precision: Precision::F32 });
            Kernel { layers: vec![id], label: node.op.to_string(), launches: 1, spec }
        };
        Self { kernels: graph.layers().map(kernel).collect() }
    }

    /// What was planned, in launch order; `method` adds to the name of a kernel's first computing layer how it is computed.
    #[must_use]
    pub(in crate::runtime) fn of(
        graph: &Graph,
        planned: &[Planned],
        method: impl Fn(&Planned) -> Option<&'static str>,
    ) -> Self {
        if planned.is_empty() {
            // Nothing but renaming: one kernel that does nothing.
            let layers: Vec<NodeId> = graph.layers().map(|(id, _)| id).collect();
            return Self {
                kernels: vec![Kernel { label: label(graph, &layers, None), layers, launches: 1, spec: None }],
            };
        }
        let kernel = |kernel: &Planned| {
            let named = method(kernel).and_then(|method| Some((kernel.parts.first()?.node, method)));
            let label = label(graph, &kernel.layers, named);
            Kernel { layers: kernel.layers.clone(), label, launches: 1, spec: Some(kernel.spec.clone()) }
        };
        Self { kernels: planned.iter().map(kernel).collect() }
    }

    /// Whether every layer of `graph` is in exactly one kernel.
    #[must_use]
    pub fn is_partition_of(&self, graph: &Graph) -> bool {
        let mut seen: Vec<NodeId> = self.kernels.iter().flat_map(|kernel| kernel.layers.iter().copied()).collect();
        seen.sort_unstable();
        seen.into_iter().eq(graph.layers().map(|(id, _)| id))
    }
}

fn label(graph: &Graph, layers: &[NodeId], named: Option<(NodeId, &str)>) -> String {
    let label = |&id: &NodeId| {
        let op = &graph.node(id).op;
        match named {
            Some((node, method)) if node == id => format!("{op} ({method})"),
            _ => op.to_string(),
        }
    };
    let labels: Vec<String> = layers.iter().map(label).collect();
    labels.join(" + ")
}
