//! Which layers run together: a partition of the graph into kernels, each a chain of steps.
//!
//! - Batch normalisation, or another scale and shift, folds into the convolution before it, an activation goes into the epilogue of whatever makes
//!   its input, and so does a residual sum whose other operand is already there.
//! - A kernel goes on with the layer that alone reads its value, as far as the backend can compute the chain in one launch
//!   and will; also through a channel shuffle where the backend can.
//! - Slices, concatenations, shuffles and flattening only rename rows; they belong to the kernel that made the rows.
//!
//! Apart ([`Fusing::Apart`]) only the first half of the first rule and the last one hold: a normalisation that folds and
//! rows that are renamed are no work at all, and everything else gets a kernel of its own.

use super::kernel::Fusing;
use super::spec::{Epilogue, KernelSpec, Step, Work};
use super::values::renames;
use crate::graph::{Activation, Graph, NodeId, Op, Shape};
use crate::runtime::Precision;

/// What a backend computes in one launch.
pub(in crate::runtime) trait Fuses {
    /// Whether all steps of `kernel` run in one launch, and should. Asked for chains of two steps and more and for single
    /// steps with a residual.
    fn takes(&self, kernel: &KernelSpec) -> bool;

    /// How many of the steps of `chain` run in its first launch, at least one. The others run in later ones, or in longer
    /// ones of steps that are not seen yet.
    fn first_launch(&self, chain: &KernelSpec) -> usize {
        (2..=chain.steps.len()).rev().find(|&count| self.takes(&chain.part(0..count))).unwrap_or(1)
    }

    /// Whether a kernel goes on with `step` where the map `input` that it reads is a channel shuffle of what the step
    /// before makes, so that its channels are others.
    fn crosses_shuffle(&self, _input: Shape, _step: &Step) -> bool {
        false
    }
}

/// Steps that are looked at together: the longest chain that a backend computes in one launch, pointwise, depthwise,
/// pointwise, and one step more that the last of them might rather run with.
const LONGEST: usize = 4;

/// A kernel before it is compiled: its spec, and where in the graph its parameters and values are.
#[derive(Clone, Debug)]
pub(in crate::runtime) struct Planned {
    pub spec: KernelSpec,
    /// Where each step's parameters are.
    pub parts: Vec<Part>,
    /// The layers in execution order, with those that only rename.
    pub layers: Vec<NodeId>,
    /// The layer whose value the kernel writes.
    pub value: NodeId,
    /// The values that the kernel reads: the chain's input, then the second operand (residual, summand or gate).
    pub reads: Vec<NodeId>,
}

/// The layers that hold a step's parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::runtime) struct Part {
    /// The layer that computes.
    pub node: NodeId,
    /// The batch normalisation, or other scale and shift, that folds into it.
    pub norm: Option<NodeId>,
}

/// The graph's kernels in launch order. Every layer is in one of them, unless there is no work at all.
pub(in crate::runtime) fn partition(
    graph: &Graph,
    fusing: Fusing,
    precision: Precision,
    backend: &dyn Fuses,
) -> Vec<Planned> {
    let mut partition = Partition::new(graph, (fusing, precision), backend);
    let mut pending = Vec::new();
    for (id, node) in graph.layers() {
        if partition.kernel_of[id.0].is_some() {
            continue;
        }
        if renames(&node.op) {
            match node.inputs.iter().filter_map(|input| partition.kernel_of[input.0]).max() {
                Some(kernel) => partition.join(kernel, id),
                None => pending.push(id),
            }
        } else {
            partition.open(id);
            for id in pending.drain(..) {
                partition.join(partition.kernels.len() - 1, id);
            }
        }
    }
    if let Some(last) = partition.kernels.len().checked_sub(1) {
        for id in pending {
            partition.join(last, id);
        }
    }
    for kernel in &mut partition.kernels {
        kernel.layers.sort_unstable();
    }
    partition.kernels
}

/// A step with the layers that it is made of.
#[derive(Clone, Debug)]
struct Made {
    step: Step,
    part: Part,
    /// Shuffles before it, the layer, what folded into it and what its epilogue computes.
    layers: Vec<NodeId>,
    /// The layer whose value it makes.
    value: NodeId,
    /// The other operand of its sum or product.
    second: Option<NodeId>,
}

struct Partition<'a> {
    graph: &'a Graph,
    fusing: Fusing,
    precision: Precision,
    backend: &'a dyn Fuses,
    /// Who reads each value, once per use.
    readers: Vec<Vec<NodeId>>,
    kernel_of: Vec<Option<usize>>,
    kernels: Vec<Planned>,
}

impl<'a> Partition<'a> {
    fn new(graph: &'a Graph, (fusing, precision): (Fusing, Precision), backend: &'a dyn Fuses) -> Self {
        let count = graph.nodes().len();
        let mut readers = vec![Vec::new(); count];
        for (id, node) in graph.layers() {
            for input in &node.inputs {
                readers[input.0].push(id);
            }
        }
        Self { graph, fusing, precision, backend, readers, kernel_of: vec![None; count], kernels: Vec::new() }
    }

    fn join(&mut self, kernel: usize, id: NodeId) {
        self.kernels[kernel].layers.push(id);
        self.kernel_of[id.0] = Some(kernel);
    }

    /// Starts a kernel with the layer `id` and everything that fuses with it.
    fn open(&mut self, id: NodeId) {
        let mut chain = vec![self.step(id, id, Vec::new())];
        if self.fusing == Fusing::Full {
            while chain.len() < LONGEST {
                let Some(next) = self.next(id, &chain) else { break };
                chain.push(next);
            }
            if chain.len() > 1 {
                chain.truncate(self.backend.first_launch(&self.spec(id, &chain)).max(1));
            }
        }
        let spec = self.spec(id, &chain);
        let mut reads = vec![self.graph.node(id).inputs[0]];
        reads.extend(chain.iter().filter_map(|made| made.second));
        let parts = chain.iter().map(|made| made.part).collect();
        let value = chain.last().map_or(id, |made| made.value);
        let kernel = self.kernels.len();
        self.kernels.push(Planned { spec, parts, layers: Vec::new(), value, reads });
        for layer in chain.iter().flat_map(|made| &made.layers) {
            self.join(kernel, *layer);
        }
    }

    fn spec(&self, first: NodeId, chain: &[Made]) -> KernelSpec {
        KernelSpec {
            input: self.graph.node(self.graph.node(first).inputs[0]).output,
            steps: chain.iter().map(|made| made.step).collect(),
            precision: self.precision,
        }
    }

    /// The only layer that reads `value`, if there is exactly one.
    fn only_reader(&self, value: NodeId) -> Option<(NodeId, &'a Op)> {
        match self.readers[value.0].as_slice() {
            &[reader] => Some((reader, &self.graph.node(reader).op)),
            _ => None,
        }
    }

    /// The layer that alone reads `value`, where it may run in the same kernel.
    fn follower(&self, value: NodeId) -> Option<(NodeId, &'a Op)> {
        match self.fusing {
            Fusing::Full => self.only_reader(value),
            Fusing::Apart => None,
        }
    }

    /// The step that the layer `id` of a kernel that starts with the layer `first` is.
    fn step(&self, first: NodeId, id: NodeId, before: Vec<NodeId>) -> Made {
        let node = self.graph.node(id);
        let mut made = Made {
            step: Step { work: Work::of(&node.op), output: node.output, epilogue: Epilogue::of(&node.op) },
            part: Part { node: id, norm: None },
            layers: before,
            value: id,
            second: None,
        };
        made.layers.push(id);
        match node.op {
            Op::Conv2d(_) => {
                if let Some((norm, Op::BatchNorm { .. } | Op::Affine { .. })) = self.only_reader(id) {
                    made.part.norm = Some(norm);
                    made.follow(norm);
                }
            }
            Op::Add | Op::Scale | Op::Mul | Op::Shift => made.second = node.inputs.get(1).copied(),
            _ => {}
        }
        if matches!(made.step.work, Work::Pool { .. } | Work::GlobalMean | Work::GlobalMax)
            || matches!(node.op, Op::Activation(_) | Op::LayerNorm { .. } | Op::LocalNorm(_))
        {
            return made;
        }
        self.take_activation(&mut made);
        if matches!(node.op, Op::Conv2d(_) | Op::Linear { .. }) && made.step.epilogue.activation == Activation::None {
            self.take_residual(first, &mut made);
        }
        made
    }

    /// Takes the activation that alone reads a step's value into its epilogue.
    fn take_activation(&self, made: &mut Made) {
        if let Some((reader, &Op::Activation(activation))) = self.follower(made.value) {
            made.step.epilogue.activation = activation;
            made.follow(reader);
        }
    }

    /// Takes a sum into a step's epilogue if its other operand exists before the kernel runs and the backend can.
    fn take_residual(&self, first: NodeId, made: &mut Made) {
        let value = made.value;
        let Some((sum, Op::Add)) = self.follower(value) else { return };
        let Some(&other) = self.graph.node(sum).inputs.iter().find(|&&input| input != value && input.0 < first.0)
        else {
            return;
        };
        let mut with = made.clone();
        with.step.epilogue.residual = true;
        with.second = Some(other);
        with.follow(sum);
        self.take_activation(&mut with);
        // What the backend cannot do in a kernel of this step alone, it cannot do at the end of a longer one.
        let input = self.graph.node(self.graph.node(with.part.node).inputs[0]).output;
        if self.backend.takes(&KernelSpec { input, steps: vec![with.step], precision: self.precision }) {
            *made = with;
        }
    }

    /// The step after `chain`: that of the layer that alone reads its value, which may be shuffled before.
    fn next(&self, first: NodeId, chain: &[Made]) -> Option<Made> {
        let value = chain.last()?.value;
        let (reader, before, read) = match self.only_reader(value)? {
            (shuffle, Op::ChannelShuffle { .. }) => (self.only_reader(shuffle)?.0, vec![shuffle], shuffle),
            (reader, _) => (reader, Vec::new(), value),
        };
        let node = self.graph.node(reader);
        let goes_on = matches!(node.op, Op::Conv2d(_) | Op::MaxPool(_) | Op::AvgPool(_) | Op::GlobalAvgPool);
        // A kernel has one second operand.
        let is_shuffled = !before.is_empty();
        let next = (goes_on && node.inputs.first() == Some(&read)).then(|| self.step(first, reader, before))?;
        if is_shuffled && !self.backend.crosses_shuffle(self.graph.node(read).output, &next.step) {
            return None;
        }
        (next.second.is_none() || chain.iter().all(|made| made.second.is_none())).then_some(next)
    }
}

impl Made {
    /// A layer that is computed with the step, behind what it is so far.
    fn follow(&mut self, layer: NodeId) {
        self.layers.push(layer);
        self.value = layer;
    }
}
