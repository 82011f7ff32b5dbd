//! How bytes stand for each value of a network: as the weights say where they do, else as the ranges ask for.
//!
//! A value that is only another name for others, the largest of others or limits them shares their scale, unless two scales
//! are known that differ: then bytes of the one are made bytes of the other on the way.

use super::calibrate::Ranges;
use crate::graph::{Activation, Graph, NodeId};
use crate::runtime::cpu::kernels::int8::Quant;
use crate::runtime::plan::{Classes, Elementwise, Planned, Pooling, Work, renames};
use crate::weights::{ByteScale, Quantisation};

/// The scale of every value that is stored, by node; `kernels` are those of the graph apart.
///
/// # Errors
/// The value whose range no scale covers.
pub(super) fn scales(
    graph: &Graph,
    kernels: &[Planned],
    ranges: &Ranges,
    known: &Quantisation,
) -> Result<Vec<Quant>, NodeId> {
    let mut sharing = Sharing::of(graph, kernels, known);
    let count = graph.nodes().len();
    let mut wide = vec![[0.0_f32; 2]; count];
    for value in stored(kernels).filter(|value| !sharing.limited[value.0]) {
        let [low, high] = ranges.of(value);
        let of = &mut wide[sharing.classes.of(value.0)];
        *of = [of[0].min(low), of[1].max(high)];
    }
    // A list of values that stand for numbers in several ways covers all of them.
    for concat in std::mem::take(&mut sharing.lists) {
        let inputs = &graph.node(concat).inputs;
        let [low, high] = inputs.iter().fold([0.0_f32; 2], |[low, high], input| {
            let class = sharing.classes.of(input.0);
            let ends = sharing.known[class].map_or(wide[class], |quant| [quant.value(0), quant.value(255)]);
            [low.min(ends[0]), high.max(ends[1])]
        });
        let of = &mut wide[sharing.classes.of(concat.0)];
        *of = [of[0].min(low), of[1].max(high)];
    }
    let scale = |node: usize| {
        let class = sharing.classes.of(node);
        if let Some(quant) = sharing.known[class] {
            return Ok(quant);
        }
        let [low, high] = wide[class];
        Quant::of(low, high).ok_or(NodeId(node))
    };
    (0..count).map(scale).collect()
}

/// Whether the scale of a value that is stored is not known.
pub(super) fn needs_ranges(graph: &Graph, kernels: &[Planned], known: &Quantisation) -> bool {
    let mut sharing = Sharing::of(graph, kernels, known);
    let is_known = |value: NodeId| {
        // The result of a last layer may be floats.
        let is_result = value == graph.output() && known.output(value).is_none();
        is_result && is_linear(kernels, value) || sharing.known[sharing.classes.of(value.0)].is_some()
    };
    !stored(kernels).all(is_known)
}

/// Whether a fully connected layer makes this value.
fn is_linear(kernels: &[Planned], value: NodeId) -> bool {
    kernels.iter().any(|kernel| kernel.value == value && matches!(kernel.spec.steps[0].work, Work::Linear))
}

/// Whether the network's result is the floats of its last layer rather than bytes.
pub(super) fn ends_in_floats(graph: &Graph, kernels: &[Planned], known: &Quantisation) -> bool {
    known.output(graph.output()).is_none() && is_linear(kernels, graph.output())
}

/// The input, and what each kernel makes.
fn stored(kernels: &[Planned]) -> impl Iterator<Item = NodeId> {
    std::iter::once(NodeId(0)).chain(kernels.iter().map(|kernel| kernel.value))
}

/// Which values share a scale.
struct Sharing {
    classes: Classes,
    /// By one of each class, its scale.
    known: Vec<Option<Quant>>,
    /// Values that count for nothing in it: an activation limits them.
    limited: Vec<bool>,
    /// Concatenations that have a scale of their own, which nothing says.
    lists: Vec<NodeId>,
}

impl Sharing {
    fn of(graph: &Graph, kernels: &[Planned], known: &Quantisation) -> Self {
        let count = graph.nodes().len();
        let quant = |ByteScale { scale, zero_point }| Quant { scale, zero: zero_point };
        let known = (0..count).map(|node| known.output(NodeId(node)).map(quant)).collect();
        let (classes, limited, lists) = (Classes::new(count), vec![false; count], Vec::new());
        let mut sharing = Self { classes, known, limited, lists };
        for kernel in kernels {
            if let Some(norm) = kernel.parts[0].norm {
                sharing.unite(kernel.parts[0].node.0, norm.0);
            }
        }
        sharing.limits(graph, kernels);
        for (index, node) in graph.nodes().iter().enumerate().filter(|(_, node)| renames(&node.op)) {
            if let [input] = node.inputs.as_slice() {
                sharing.unite(index, input.0);
            }
        }
        // Once it is clear which values have a scale.
        for (index, node) in graph.nodes().iter().enumerate().filter(|(_, node)| renames(&node.op)) {
            if node.inputs.len() > 1 {
                sharing.concatenation(NodeId(index), &node.inputs);
            }
        }
        sharing
    }

    fn of_class(&mut self, node: usize) -> Option<Quant> {
        self.known[self.classes.of(node)]
    }

    /// Makes two values share a scale, unless two are known; whether they do now.
    fn unite(&mut self, a: usize, b: usize) -> bool {
        let (one, other) = (self.of_class(a), self.of_class(b));
        if one.is_some() && other.is_some() && one != other {
            return false;
        }
        self.classes.unite(a, b);
        let class = self.classes.of(a);
        self.known[class] = one.or(other);
        true
    }

    /// Lets the largest of values, and activations that only limit them, share their scale.
    fn limits(&mut self, graph: &Graph, kernels: &[Planned]) {
        for kernel in kernels {
            let (step, read) = (kernel.spec.steps[0], kernel.reads[0]);
            if matches!(step.work, Work::Pool { pooling: Pooling::Max, .. } | Work::GlobalMax) {
                self.unite(kernel.value.0, read.0);
            }
        }
        let limited = limited(graph, kernels, |read, value| {
            let had_one = self.of_class(read.0).is_some();
            // What the activation cuts off is cut off just as well where bytes end.
            self.unite(value.0, read.0) && !had_one
        });
        self.limited = limited;
    }

    /// Lets a concatenation and what it lists share a scale, as far as they can.
    fn concatenation(&mut self, concat: NodeId, inputs: &[NodeId]) {
        if self.of_class(concat.0).is_some() {
            for input in inputs {
                self.unite(concat.0, input.0);
            }
            return;
        }
        let mut of_inputs = inputs.iter().map(|input| self.of_class(input.0));
        let first = of_inputs.next().flatten();
        if of_inputs.all(|quant| quant == first) {
            for input in inputs {
                self.unite(concat.0, input.0);
            }
        } else {
            self.lists.push(concat);
        }
    }
}

/// By node, whether a value is read by nothing but an activation that limits it, and `agree` says so of the two.
pub(super) fn limited(graph: &Graph, kernels: &[Planned], mut agree: impl FnMut(NodeId, NodeId) -> bool) -> Vec<bool> {
    let count = graph.nodes().len();
    let (mut readers, mut is_made, mut limited) = (vec![0; count], vec![false; count], vec![false; count]);
    graph.layers().flat_map(|(_, node)| &node.inputs).for_each(|input| readers[input.0] += 1);
    for kernel in kernels {
        let (step, read) = (kernel.spec.steps[0], kernel.reads[0]);
        let limits =
            matches!(step.work, Work::Elementwise(Elementwise::Identity)) && only_limits(step.epilogue.activation);
        if limits && readers[read.0] == 1 && is_made[read.0] {
            limited[read.0] = agree(read, kernel.value);
        }
        is_made[kernel.value.0] = true;
    }
    limited
}

/// Whether an activation leaves everything between two ends, zero among them, as it is.
fn only_limits(activation: Activation) -> bool {
    match activation {
        Activation::Relu | Activation::Relu6 | Activation::None => true,
        Activation::Clip { low, high } => low.get() <= 0.0 && high.get() >= 0.0,
        _ => false,
    }
}
