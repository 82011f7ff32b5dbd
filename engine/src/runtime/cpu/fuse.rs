//! Which layers run together: a partition of the graph into groups, each of which becomes one kernel.
//!
//! - Batch normalisation folds into the convolution before it, an activation goes into the epilogue of whatever makes
//!   its input, and so does a residual sum whose other operand is already there.
//! - A pointwise convolution takes along the depthwise convolution (also through a channel shuffle) or the global mean
//!   that alone reads it, a stem its max-pool.
//! - Slices, concatenations, shuffles and flattening only rename rows; they belong to the kernel that made the rows.
//!
//! Apart ([`Fusing::Apart`]) only the first half of the first rule and the last one hold: a normalisation that folds and
//! rows that are renamed are no work at all, and everything else gets a kernel of its own.

use crate::graph::{Activation, Conv2d, Graph, NodeId, Op, Window};
use crate::runtime::Fusing;

/// A convolution or fully connected layer with what is folded into it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Layer {
    /// The convolution or fully connected layer.
    pub node: NodeId,
    pub norm: Option<NodeId>,
    pub activation: Activation,
}

/// What a convolution's rows go through while they are near.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Follow {
    Nothing,
    Depthwise(Layer),
    Mean,
}

/// What a group computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Work {
    /// Pointwise, grouped or dense, as a matrix product.
    Convolution { layer: Layer, residual: Option<NodeId>, follow: Follow },
    /// One input channel per output channel.
    Depthwise(Layer),
    /// Few wide input channels.
    StemConv { layer: Layer, pooled: bool },
    /// Fully connected, or a pointwise convolution of one pixel.
    Linear(Layer),
    /// Windowed pooling.
    Pool(NodeId),
    /// Mean over the map.
    GlobalMean(NodeId),
    /// Value by value: batch normalisation, sum, gate or none of them, then the activation.
    Rowwise { node: NodeId, activation: Activation },
}

/// Layers that run as one kernel.
#[derive(Clone, Debug)]
pub(super) struct Group {
    pub work: Work,
    /// The layers in execution order.
    pub layers: Vec<NodeId>,
    /// The layer whose value the kernel writes.
    pub value: NodeId,
    /// The values that the kernel reads.
    pub reads: Vec<NodeId>,
}

/// The graph's groups in execution order. Every layer is in one of them, unless there is no work at all.
pub(super) fn fuse(graph: &Graph, fusing: Fusing) -> Vec<Group> {
    let mut partition = Partition::new(graph, fusing);
    let mut pending = Vec::new();
    for (id, node) in graph.layers() {
        if partition.group_of[id.0].is_some() {
            continue;
        }
        if renames(&node.op) {
            match node.inputs.iter().filter_map(|input| partition.group_of[input.0]).max() {
                Some(group) => partition.join(group, id),
                None => pending.push(id),
            }
        } else {
            partition.open(id);
            for id in pending.drain(..) {
                partition.join(partition.groups.len() - 1, id);
            }
        }
    }
    if let Some(last) = partition.groups.len().checked_sub(1) {
        for id in pending {
            partition.join(last, id);
        }
    }
    for group in &mut partition.groups {
        group.layers.sort_unstable();
    }
    partition.groups
}

/// Whether an operation only gives rows other names.
pub(super) fn renames(op: &Op) -> bool {
    matches!(op, Op::Slice { .. } | Op::Concat | Op::ChannelShuffle { .. } | Op::Flatten)
}

/// A matrix product over the input's rows as they are.
fn is_plain(conv: &Conv2d, pixels: usize) -> bool {
    conv.window.is_plain() && pixels > 1
}

struct Partition<'a> {
    graph: &'a Graph,
    fusing: Fusing,
    /// Who reads each value, once per use.
    readers: Vec<Vec<NodeId>>,
    group_of: Vec<Option<usize>>,
    groups: Vec<Group>,
}

impl<'a> Partition<'a> {
    fn new(graph: &'a Graph, fusing: Fusing) -> Self {
        let count = graph.nodes().len();
        let mut readers = vec![Vec::new(); count];
        for (id, node) in graph.layers() {
            for input in &node.inputs {
                readers[input.0].push(id);
            }
        }
        Self { graph, fusing, readers, group_of: vec![None; count], groups: Vec::new() }
    }

    fn join(&mut self, group: usize, id: NodeId) {
        self.groups[group].layers.push(id);
        self.group_of[id.0] = Some(group);
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

    /// The activation that alone reads `value`: its kind and the value after it.
    fn activation_after(&self, value: NodeId) -> (Activation, NodeId) {
        match self.follower(value) {
            Some((reader, &Op::Activation(activation))) => (activation, reader),
            _ => (Activation::None, value),
        }
    }

    /// A layer with its normalisation and activation, and the value after them.
    fn layer(&self, node: NodeId) -> (Layer, NodeId) {
        let (norm, value) = self.norm_after(node);
        let (activation, value) = self.activation_after(value);
        (Layer { node, norm, activation }, value)
    }

    fn norm_after(&self, node: NodeId) -> (Option<NodeId>, NodeId) {
        match self.only_reader(node) {
            Some((reader, Op::BatchNorm { .. })) if matches!(self.graph.node(node).op, Op::Conv2d(_)) => {
                (Some(reader), reader)
            }
            _ => (None, node),
        }
    }

    /// Starts a group with the layer `id` and everything that fuses with it.
    fn open(&mut self, id: NodeId) {
        let node = self.graph.node(id);
        let mut reads = node.inputs.clone();
        let (work, value) = match &node.op {
            Op::Conv2d(conv) => self.convolution(id, conv, &mut reads),
            Op::Linear { .. } => {
                let (layer, value) = self.layer(id);
                (Work::Linear(layer), value)
            }
            Op::MaxPool(_) | Op::AvgPool(_) => (Work::Pool(id), id),
            Op::GlobalAvgPool => (Work::GlobalMean(id), id),
            &Op::Activation(activation) => (Work::Rowwise { node: id, activation }, id),
            _ => {
                let (activation, value) = self.activation_after(id);
                (Work::Rowwise { node: id, activation }, value)
            }
        };
        let group = self.groups.len();
        self.groups.push(Group { work, layers: Vec::new(), value, reads });
        // Everything between the group's inputs and its value was read by one layer only.
        let mut at = value;
        loop {
            self.join(group, at);
            if at == id {
                break;
            }
            let inner = |input: &&NodeId| input.0 >= id.0 && self.readers[input.0].len() == 1;
            match self.graph.node(at).inputs.iter().find(inner) {
                Some(&input) => at = input,
                None => break,
            }
        }
    }

    fn convolution(&self, id: NodeId, conv: &Conv2d, reads: &mut Vec<NodeId>) -> (Work, NodeId) {
        let (layer, value) = self.layer(id);
        let output = self.graph.node(id).output;
        let input = self.graph.node(self.graph.node(id).inputs[0]).output;
        if conv.is_depthwise() {
            return (Work::Depthwise(layer), value);
        }
        let single = input.pixels() == 1 && output.pixels() == 1 && conv.window.padding == [0; 2];
        if conv.is_pointwise() && conv.groups == 1 && single {
            return (Work::Linear(layer), value);
        }
        if conv.in_channels <= 4 && conv.groups == 1 && output.width >= 16 && !is_plain(conv, output.pixels()) {
            return match self.follower(value) {
                Some((pool, Op::MaxPool(window))) if *window == Window::square(3, 2) => {
                    (Work::StemConv { layer, pooled: true }, pool)
                }
                _ => (Work::StemConv { layer, pooled: false }, value),
            };
        }
        let (layer, residual, value) = self.residual(id, layer, value);
        reads.extend(residual);
        let (follow, value) =
            if is_plain(conv, output.pixels()) { self.follow(value) } else { (Follow::Nothing, value) };
        (Work::Convolution { layer, residual, follow }, value)
    }

    /// Takes a sum into the epilogue if its other operand exists before the convolution runs.
    fn residual(&self, id: NodeId, layer: Layer, value: NodeId) -> (Layer, Option<NodeId>, NodeId) {
        let unchanged = (layer, None, value);
        if layer.activation != Activation::None {
            return unchanged;
        }
        let Some((sum, Op::Add)) = self.follower(value) else { return unchanged };
        let Some(&other) = self.graph.node(sum).inputs.iter().find(|&&input| input != value && input.0 < id.0) else {
            return unchanged;
        };
        let (activation, value) = self.activation_after(sum);
        (Layer { activation, ..layer }, Some(other), value)
    }

    fn follow(&self, value: NodeId) -> (Follow, NodeId) {
        let nothing = (Follow::Nothing, value);
        let (reader, op) = match self.follower(value) {
            Some((shuffle, Op::ChannelShuffle { .. })) => match self.only_reader(shuffle) {
                Some(next) => next,
                None => return nothing,
            },
            Some(next) => next,
            None => return nothing,
        };
        match op {
            Op::Conv2d(conv) if conv.is_depthwise() => {
                let (layer, value) = self.layer(reader);
                (Follow::Depthwise(layer), value)
            }
            Op::GlobalAvgPool if self.graph.node(reader).inputs[0] == value => (Follow::Mean, reader),
            _ => nothing,
        }
    }
}
