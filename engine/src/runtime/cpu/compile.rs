//! From a graph and its weights to steps in an arena: groups are ordered into phases, values become lists of rows,
//! rows get places, weights are folded and packed.

use std::ops::Range;

use super::error::CompileError;
use super::fuse::{Follow, Group, Layer, Work, fuse, renames};
use super::kernels::{
    Convolution, ConvolutionSpec, Depthwise, Epilogue, Factor, Isa, Linear, Map, Planes, Pooling, REDZONE, Reduce,
    Rowwise, Sink, StemConv, StemSpec, Step, Table, Unfit, Winograd,
};
use super::parameters::Parameters;
use super::place::{RowRef, Rows};
use super::values::Values;
use crate::graph::{Activation, Conv2d, Graph, Node, NodeId, Op, Shape};
use crate::runtime::{Fusing, Kernel, KernelPlan, WINOGRAD};

/// Everything a program is made of.
#[derive(Debug)]
pub(super) struct Compiled {
    pub plan: KernelPlan,
    pub steps: Vec<Step>,
    pub phases: Vec<Range<usize>>,
    pub floats: usize,
    /// Offsets of the input's rows, `[batch * channels]`, and of the result's values in the order of the result.
    pub input: Vec<usize>,
    pub output: Vec<usize>,
}

/// The kernels that run `graph` on this machine, in launch order; needs no weights.
#[must_use]
pub fn plan(graph: &Graph, fusing: Fusing) -> KernelPlan {
    let groups = in_phases(graph, fuse(graph, fusing)).0;
    kernels(graph, &groups, Table::of(Isa::detect()))
}

/// Compiles `graph` for `threads` threads.
///
/// # Errors
/// Where feature maps or what a layer needs cannot be addressed.
pub(super) fn compile(
    graph: &Graph,
    fusing: Fusing,
    parameters: &Parameters<'_>,
    table: &'static Table,
    threads: usize,
) -> Result<Compiled, CompileError> {
    let too_large = |floats| CompileError::TooLarge { design: graph.name.clone(), floats };
    graph.nodes().iter().try_for_each(countable).map_err(too_large)?;
    let (groups, phases) = in_phases(graph, fuse(graph, fusing));
    let values = Values::of(graph);
    let mut rows = values.rows;
    let names = values.names;

    for (index, phase) in phases.iter().enumerate() {
        for group in &groups[phase.clone()] {
            for input in &group.reads {
                rows.read(&names[input.0], index);
            }
        }
    }
    let (input, output) = (&names[0], &names[graph.output().0]);
    rows.pin(input);
    rows.pin(output);
    rows.place(input, 0);
    for (index, phase) in phases.iter().enumerate() {
        for group in &groups[phase.clone()] {
            if matches!(group.work, Work::Rowwise { .. }) {
                rows.place_over(&names[group.value.0], &names[group.reads[0].0], index);
            }
            rows.place(&names[group.value.0], index);
        }
        rows.end_phase(index);
    }

    if u32::try_from(rows.floats()).is_err() || rows.floats() == usize::MAX {
        return Err(too_large(rows.floats()));
    }

    let builder = Builder { graph, parameters, table, threads, rows: &rows, names: &names };
    let pixels = graph.node(graph.output()).output.pixels();
    Ok(Compiled {
        plan: kernels(graph, &groups, table),
        steps: groups.iter().map(|group| builder.named_step(group)).collect::<Result<_, _>>()?,
        input: input.iter().map(|&row| rows.offset(row)).collect(),
        output: output
            .iter()
            .flat_map(|&row| (0..pixels).map(move |pixel| (row, pixel)))
            .map(|(row, pixel)| rows.offset(row) + pixel)
            .collect(),
        floats: rows.floats(),
        phases,
    })
}

/// Whether the rows of a value can be counted and addressed, whatever else there is.
///
/// # Errors
/// The floats that they need.
fn countable(node: &Node) -> Result<(), usize> {
    let Shape { batch, channels, .. } = node.output;
    // New names take no room; every pixel may have one.
    let beside = if renames(&node.op) { 0 } else { 16 + REDZONE as u64 };
    let rows = (batch as u64).saturating_mul(channels as u64);
    let floats = node.output.elements().0.saturating_add(rows.saturating_mul(beside));
    match u32::try_from(floats) {
        Ok(_) => Ok(()),
        Err(_) => Err(usize::try_from(floats).unwrap_or(usize::MAX)),
    }
}

fn kernels(graph: &Graph, groups: &[Group], table: &Table) -> KernelPlan {
    let kernel = |layers: Vec<NodeId>, winograd: Option<NodeId>| {
        let label = |&id: &NodeId| {
            let op = &graph.node(id).op;
            if winograd == Some(id) { format!("{op} ({WINOGRAD})") } else { op.to_string() }
        };
        let labels: Vec<String> = layers.iter().map(label).collect();
        Kernel { layers, label: labels.join(" + ") }
    };
    if groups.is_empty() {
        // Nothing but renaming: one kernel that does nothing.
        return KernelPlan { kernels: vec![kernel(graph.layers().map(|(id, _)| id).collect(), None)] };
    }
    let kernel = |group: &Group| kernel(group.layers.clone(), winograd(graph, group, table));
    KernelPlan { kernels: groups.iter().map(kernel).collect() }
}

/// The convolution of a group that is computed Winograd's way.
fn winograd(graph: &Graph, group: &Group, table: &Table) -> Option<NodeId> {
    let Work::Convolution { layer, follow: Follow::Nothing, .. } = group.work else { return None };
    let node = graph.node(layer.node);
    let Op::Conv2d(conv) = &node.op else { return None };
    Winograd::suits(table, conv, [node.output.height, node.output.width]).then_some(layer.node)
}

/// Orders groups into phases whose groups do not depend on one another.
fn in_phases(graph: &Graph, groups: Vec<Group>) -> (Vec<Group>, Vec<Range<usize>>) {
    // The phase from which on each value may be read.
    let mut ready = vec![0; graph.nodes().len()];
    let mut levels = vec![0; groups.len()];
    let mut group_of = vec![None; graph.nodes().len()];
    for (index, group) in groups.iter().enumerate() {
        group_of[group.value.0] = Some(index);
    }
    for (index, node) in graph.nodes().iter().enumerate() {
        let latest = |values: &[NodeId]| values.iter().map(|value| ready[value.0]).max().unwrap_or(0);
        if let Some(group) = group_of[index] {
            levels[group] = latest(&groups[group].reads);
            ready[index] = levels[group] + 1;
        } else if renames(&node.op) {
            ready[index] = latest(&node.inputs);
        }
    }
    let mut leveled: Vec<(usize, Group)> = levels.into_iter().zip(groups).collect();
    leveled.sort_by_key(|(level, _)| *level);
    let mut phases: Vec<Range<usize>> = Vec::new();
    for (index, (level, _)) in leveled.iter().enumerate() {
        match phases.get_mut(*level) {
            Some(phase) => phase.end = index + 1,
            None => phases.push(index..index + 1),
        }
    }
    (leveled.into_iter().map(|(_, group)| group).collect(), phases)
}

struct Builder<'a> {
    graph: &'a Graph,
    parameters: &'a Parameters<'a>,
    table: &'static Table,
    threads: usize,
    rows: &'a Rows,
    names: &'a [Vec<RowRef>],
}

impl Builder<'_> {
    fn shape(&self, id: NodeId) -> Shape {
        self.graph.node(id).output
    }

    fn map(&self, id: NodeId) -> Map {
        let shape = self.shape(id);
        Map {
            rows: self.names[id.0].iter().map(|&name| self.rows.offset(name) as u32).collect(),
            channels: shape.channels,
            size: [shape.height, shape.width],
        }
    }

    /// # Errors
    /// As [`step`](Self::step), with the layer.
    fn named_step(&self, group: &Group) -> Result<Step, CompileError> {
        self.step(group).map_err(|unfit| {
            let layer = group.layers.first().unwrap_or(&group.value);
            CompileError::Layer { design: self.graph.name.clone(), layer: self.graph.node(*layer).path.clone(), unfit }
        })
    }

    /// # Errors
    /// Where the kernel's operands do not fit or its memory cannot be addressed.
    fn step(&self, group: &Group) -> Result<Step, Unfit> {
        let (table, threads) = (self.table, self.threads);
        let (input, output) = (self.map(group.reads[0]), self.map(group.value));
        let step = match group.work {
            Work::Convolution { layer, residual, follow } => {
                let winograd = winograd(self.graph, group, table).is_some();
                self.convolution((layer, residual, follow), winograd, input, output)?
            }
            Work::Depthwise(layer) => {
                let planes = self.planes(layer, input.size, output)?;
                Step::Depthwise(Box::new(Depthwise::new(input, planes, threads)?))
            }
            Work::StemConv { layer, pooled } => {
                let (weights, bias) = self.parameters.layer(&layer);
                let shape = self.shape(layer.node);
                let spec = StemSpec {
                    input,
                    output,
                    conv_size: [shape.height, shape.width],
                    window: self.conv(layer.node).window,
                    weights,
                    bias,
                    epilogue: epilogue(layer.activation),
                    pooled,
                };
                Step::StemConv(Box::new(StemConv::new(table, spec, threads)?))
            }
            Work::Linear(layer) => {
                let (weights, bias) = self.parameters.layer(&layer);
                let epilogue = epilogue(layer.activation);
                Step::Linear(Box::new(Linear::new(table, (input, output), &weights, &bias, epilogue, threads)?))
            }
            Work::Pool(node) => {
                let window = match self.graph.node(node).op {
                    Op::MaxPool(window) => Some((Pooling::Max, window)),
                    Op::AvgPool(window) => Some((Pooling::Mean, window)),
                    _ => None,
                };
                Step::Reduce(Box::new(Reduce::new(table, input, output, window, threads)?))
            }
            Work::GlobalMean(_) => Step::Reduce(Box::new(Reduce::new(table, input, output, None, threads)?)),
            Work::Rowwise { node, activation } => {
                let other = |id: usize| self.map(group.reads[id]);
                let (second, factor) = match self.graph.node(node).op {
                    Op::Add => (Some(other(1)), Factor::One),
                    Op::Scale => (None, Factor::Gate(other(1))),
                    Op::BatchNorm { .. } => {
                        let (scale, shift) = self.parameters.norm(node);
                        (None, Factor::Affine { scale, shift })
                    }
                    _ => (None, Factor::One),
                };
                let maps = (input, second, output);
                Step::Rowwise(Box::new(Rowwise::new(table, maps, factor, epilogue(activation), threads)?))
            }
        };
        Ok(step)
    }

    fn conv(&self, id: NodeId) -> Conv2d {
        match self.graph.node(id).op {
            Op::Conv2d(conv) => conv,
            // Only convolutions are asked for.
            _ => unreachable!("{} is not a convolution", self.graph.node(id).path),
        }
    }

    fn convolution(
        &self,
        (layer, residual, follow): (Layer, Option<NodeId>, Follow),
        winograd: bool,
        input: Map,
        output: Map,
    ) -> Result<Step, Unfit> {
        let (conv, shape) = (self.conv(layer.node), self.shape(layer.node));
        let (weights, bias) = self.parameters.layer(&layer);
        let sink = match follow {
            Follow::Nothing => Sink::Rows(output),
            Follow::Mean => Sink::Mean(output),
            Follow::Depthwise(next) => {
                // The depthwise layer's input rows are this one's, perhaps shuffled; images are alike.
                let made = &self.names[self.before(next.node, layer.node).0][..shape.channels];
                let read = &self.names[self.graph.node(next.node).inputs[0].0][..shape.channels];
                let channel = |row| read.iter().position(|name| *name == row).unwrap_or(0);
                Sink::Depthwise {
                    planes: Box::new(self.planes(next, [shape.height, shape.width], output)?),
                    channels: made.iter().map(|&row| channel(row)).collect(),
                }
            }
        };
        let spec = ConvolutionSpec {
            input,
            out_channels: conv.out_channels,
            out_size: [shape.height, shape.width],
            groups: conv.groups,
            window: conv.window,
            weights,
            bias,
            residual: residual.map(|id| self.map(id)),
            epilogue: epilogue(layer.activation),
            sink,
        };
        Ok(if winograd {
            Step::Winograd(Box::new(Winograd::new(self.table, spec, self.threads)?))
        } else {
            Step::Convolution(Box::new(Convolution::new(self.table, spec, self.threads)?))
        })
    }

    /// The last value before layer `id` that is not just renamed: what the fused layers from `first` on make.
    fn before(&self, id: NodeId, first: NodeId) -> NodeId {
        let mut at = self.graph.node(id).inputs[0];
        while at != first && matches!(self.graph.node(at).op, Op::ChannelShuffle { .. }) {
            at = self.graph.node(at).inputs[0];
        }
        at
    }

    fn planes(&self, layer: Layer, input: [usize; 2], output: Map) -> Result<Planes, Unfit> {
        let (weights, bias) = self.parameters.layer(&layer);
        let window = self.conv(layer.node).window;
        Planes::new(self.table, window, input, output, (weights, bias), epilogue(layer.activation))
    }
}

fn epilogue(activation: Activation) -> Epilogue {
    match activation {
        Activation::None => Epilogue::NONE,
        Activation::Relu => Epilogue::Clamp { low: 0.0, high: f32::INFINITY },
        Activation::Relu6 => Epilogue::Clamp { low: 0.0, high: 6.0 },
        Activation::HardSwish => Epilogue::HardSwish,
        Activation::Sigmoid => Epilogue::Sigmoid,
    }
}
