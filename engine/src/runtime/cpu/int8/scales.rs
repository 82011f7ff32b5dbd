//! How bytes stand for each value of a network.

use super::calibrate::Ranges;
use crate::graph::{Activation, Graph, NodeId};
use crate::runtime::cpu::kernels::int8::Quant;
use crate::runtime::plan::{Classes, Elementwise, Planned, Pooling, Work, renames};

/// The scale of every value that is stored, by node; `kernels` are those of the graph apart.
///
/// # Errors
/// The value whose range no scale covers.
pub(super) fn scales(graph: &Graph, kernels: &[Planned], ranges: &Ranges) -> Result<Vec<Quant>, NodeId> {
    let (mut classes, limited) = classes(graph, kernels);
    let count = graph.nodes().len();
    let mut wide = vec![[0.0_f32; 2]; count];
    let stored = kernels.iter().map(|kernel| kernel.value).filter(|value| !limited[value.0]);
    for value in std::iter::once(NodeId(0)).chain(stored) {
        let ([low, high], of) = (ranges.of(value), &mut wide[classes.of(value.0)]);
        *of = [of[0].min(low), of[1].max(high)];
    }
    let scale = |node: usize| {
        let [low, high] = wide[classes.of(node)];
        Quant::of(low, high).ok_or(NodeId(node))
    };
    (0..count).map(scale).collect()
}

/// Values that share a scale, and those that count for nothing in it: an activation limits them.
fn classes(graph: &Graph, kernels: &[Planned]) -> (Classes, Vec<bool>) {
    let count = graph.nodes().len();
    let (mut classes, mut limited) = (Classes::new(count), vec![false; count]);
    for (index, node) in graph.nodes().iter().enumerate().filter(|(_, node)| renames(&node.op)) {
        node.inputs.iter().for_each(|input| classes.unite(index, input.0));
    }
    let mut readers = vec![0; count];
    graph.layers().flat_map(|(_, node)| &node.inputs).for_each(|input| readers[input.0] += 1);
    for kernel in kernels {
        let (step, read) = (kernel.spec.steps[0], kernel.reads[0]);
        let is_largest = matches!(step.work, Work::Pool { pooling: Pooling::Max, .. } | Work::GlobalMax);
        let limits =
            matches!(step.work, Work::Elementwise(Elementwise::Identity)) && only_limits(step.epilogue.activation);
        let is_made_for_it = readers[read.0] == 1 && kernels.iter().any(|made| made.value == read);
        if is_largest {
            classes.unite(kernel.value.0, read.0);
        } else if limits && is_made_for_it {
            // What the activation cuts off is cut off just as well where bytes end.
            classes.unite(kernel.value.0, read.0);
            limited[read.0] = true;
        }
    }
    (classes, limited)
}

/// Whether an activation leaves everything between two ends, zero among them, as it is.
fn only_limits(activation: Activation) -> bool {
    match activation {
        Activation::Relu | Activation::Relu6 | Activation::None => true,
        Activation::Clip { low, high } => low.get() <= 0.0 && high.get() >= 0.0,
        _ => false,
    }
}
