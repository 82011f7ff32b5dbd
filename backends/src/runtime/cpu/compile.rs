//! From a graph and its weights to steps in an arena: kernels are ordered into phases, values become lists of rows,
//! rows get places, weights are folded and packed.

use std::ops::Range;

use super::algorithm::{Algorithm, CpuFuses};
use super::error::CompileError;
use super::kernels::int8::Quant;
use super::kernels::{
    ChannelNorm, Combine, Convolution, ConvolutionSpec, Depthwise, Epilogue, Factor, Isa, Kernels, Linear, Map, Norm,
    Planes, Pooling, REDZONE, Reduce, Rowwise, Sink, StemConv, StemSpec, Step, Unfit, Winograd,
};
use super::place::Rows;
use crate::graph::{Activation, Graph, Node, NodeId, Shape, Window};
use crate::runtime::parameters::{LayerParameters, Parameters};
use crate::runtime::plan::{self, Elementwise, Part, Planned, RowRef, Values, Work, partition, renames};
use crate::runtime::{Fusing, KernelPlan, Precision, WINOGRAD};

/// Everything a program is made of.
#[derive(Debug)]
pub(super) struct Compiled {
    pub plan: KernelPlan,
    pub steps: Vec<Step>,
    pub phases: Vec<Range<usize>>,
    /// For each step whether a kernel of the plan ends with it; otherwise it counts as part of the next.
    pub marks: Vec<bool>,
    pub floats: usize,
    /// Offsets of the input's rows, `[batch * channels]`.
    pub input: Vec<usize>,
    pub output: Output,
}

/// Where the result's values lie, in their order.
#[derive(Debug)]
pub(super) enum Output {
    /// Floats by offset.
    Floats(Vec<usize>),
    /// Bytes of words by offset, and how they stand for numbers.
    Bytes {
        /// The offset and the byte there.
        places: Vec<(usize, u8)>,
        /// What bytes stand for.
        quant: Quant,
    },
}

/// A program whose values all stay to be read.
#[derive(Debug)]
pub(super) struct Keeping {
    pub compiled: Compiled,
    /// The value of each kernel with the offsets of its rows.
    pub values: Vec<(NodeId, Vec<usize>)>,
}

/// The kernels that run `graph` on this machine, in launch order; needs no weights.
#[must_use]
pub fn plan(graph: &Graph, fusing: Fusing) -> KernelPlan {
    plan_in(graph, fusing, Precision::F32)
}

/// As [`plan`], with matrices multiplied in 32-bit or in 16-bit floats.
pub(super) fn plan_in(graph: &Graph, fusing: Fusing, precision: Precision) -> KernelPlan {
    let planned = in_phases(graph, partition(graph, fusing, precision, &CpuFuses)).0;
    kernel_plan(graph, &planned, Kernels::in_floats(Isa::detect()))
}

/// Compiles `graph` for `threads` threads.
///
/// # Errors
/// Where feature maps or what a layer needs cannot be addressed.
pub(super) fn compile(
    graph: &Graph,
    fusing: Fusing,
    parameters: &Parameters<'_>,
    kernels: Kernels,
    threads: usize,
) -> Result<Compiled, CompileError> {
    Ok(compile_with(graph, (fusing, false), parameters, kernels, threads)?.compiled)
}

/// Compiles `graph` apart, with memory of its own for every value.
///
/// # Errors
/// As [`compile`].
pub(super) fn compile_keeping(
    graph: &Graph,
    parameters: &Parameters<'_>,
    kernels: Kernels,
    threads: usize,
) -> Result<Keeping, CompileError> {
    compile_with(graph, (Fusing::Apart, true), parameters, kernels, threads)
}

/// Refuses a network with a value whose rows cannot be counted or addressed, whatever else there is.
///
/// # Errors
/// [`CompileError::TooLarge`].
pub(super) fn check_countable(graph: &Graph) -> Result<(), CompileError> {
    let too_large = |floats| CompileError::TooLarge { design: graph.name.clone(), floats };
    graph.nodes().iter().try_for_each(countable).map_err(too_large)
}

fn compile_with(
    graph: &Graph,
    (fusing, keeps): (Fusing, bool),
    parameters: &Parameters<'_>,
    kernels: Kernels,
    threads: usize,
) -> Result<Keeping, CompileError> {
    let too_large = |floats| CompileError::TooLarge { design: graph.name.clone(), floats };
    check_countable(graph)?;
    let (planned, phases) = in_phases(graph, partition(graph, fusing, kernels.precision(), &CpuFuses));
    let Values { pixels, names } = Values::per_image(graph);
    let mut rows = Rows::new(&pixels);

    for (index, phase) in phases.iter().enumerate() {
        for kernel in &planned[phase.clone()] {
            for input in &kernel.reads {
                rows.read(&names[input.0], index);
            }
        }
    }
    let (input, output) = (&names[0], &names[graph.output().0]);
    rows.pin(input);
    rows.pin(output);
    if keeps {
        planned.iter().for_each(|kernel| rows.pin(&names[kernel.value.0]));
    }
    rows.place(input, 0);
    for (index, phase) in phases.iter().enumerate() {
        for kernel in &planned[phase.clone()] {
            if matches!(kernel.spec.steps[0].work, Work::Elementwise(_)) {
                rows.place_over(&names[kernel.value.0], &names[kernel.reads[0].0], index);
            }
            rows.place(&names[kernel.value.0], index);
        }
        rows.end_phase(index);
    }

    if u32::try_from(rows.floats()).is_err() || rows.floats() == usize::MAX {
        return Err(too_large(rows.floats()));
    }

    let builder = Builder { graph, parameters, kernels, threads, rows: &rows, names: &names };
    let pixels = graph.node(graph.output()).output.pixels();
    let offsets = |value: NodeId| names[value.0].iter().map(|&row| rows.offset(row)).collect();
    let values =
        if keeps { planned.iter().map(|kernel| (kernel.value, offsets(kernel.value))).collect() } else { Vec::new() };
    let at = |(row, pixel)| rows.offset(row) + pixel;
    let compiled = Compiled {
        plan: kernel_plan(graph, &planned, kernels),
        steps: planned.iter().map(|kernel| builder.named_step(kernel)).collect::<Result<_, _>>()?,
        marks: vec![true; planned.len()],
        input: offsets(NodeId(0)),
        output: Output::Floats(
            output.iter().flat_map(|&row| (0..pixels).map(move |pixel| (row, pixel))).map(at).collect(),
        ),
        floats: rows.floats(),
        phases,
    };
    Ok(Keeping { compiled, values })
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

fn kernel_plan(graph: &Graph, planned: &[Planned], kernels: Kernels) -> KernelPlan {
    KernelPlan::of(graph, planned, |kernel| {
        (Algorithm::of(&kernel.spec, kernels) == Some(Algorithm::Winograd)).then_some(WINOGRAD)
    })
}

/// Orders kernels into phases whose kernels do not depend on one another.
fn in_phases(graph: &Graph, planned: Vec<Planned>) -> (Vec<Planned>, Vec<Range<usize>>) {
    // The phase from which on each value may be read.
    let mut ready = vec![0; graph.nodes().len()];
    let mut levels = vec![0; planned.len()];
    let mut kernel_of = vec![None; graph.nodes().len()];
    for (index, kernel) in planned.iter().enumerate() {
        kernel_of[kernel.value.0] = Some(index);
    }
    for (index, node) in graph.nodes().iter().enumerate() {
        let latest = |values: &[NodeId]| values.iter().map(|value| ready[value.0]).max().unwrap_or(0);
        if let Some(kernel) = kernel_of[index] {
            levels[kernel] = latest(&planned[kernel].reads);
            ready[index] = levels[kernel] + 1;
        } else if renames(&node.op) {
            ready[index] = latest(&node.inputs);
        }
    }
    let mut leveled: Vec<(usize, Planned)> = levels.into_iter().zip(planned).collect();
    leveled.sort_by_key(|(level, _)| *level);
    let mut phases: Vec<Range<usize>> = Vec::new();
    for (index, (level, _)) in leveled.iter().enumerate() {
        match phases.get_mut(*level) {
            Some(phase) => phase.end = index + 1,
            None => phases.push(index..index + 1),
        }
    }
    (leveled.into_iter().map(|(_, kernel)| kernel).collect(), phases)
}

struct Builder<'a> {
    graph: &'a Graph,
    parameters: &'a Parameters<'a>,
    kernels: Kernels,
    threads: usize,
    rows: &'a Rows,
    names: &'a [Vec<RowRef>],
}

impl Builder<'_> {
    fn map(&self, id: NodeId) -> Map {
        let shape = self.graph.node(id).output;
        Map {
            rows: self.names[id.0].iter().map(|&name| self.rows.offset(name) as u32).collect(),
            channels: shape.channels,
            size: [shape.height, shape.width],
        }
    }

    /// # Errors
    /// As [`step`](Self::step), with the layer.
    fn named_step(&self, kernel: &Planned) -> Result<Step, CompileError> {
        self.step(kernel).map_err(|unfit| {
            let layer = kernel.layers.first().unwrap_or(&kernel.value);
            CompileError::Layer { design: self.graph.name.clone(), layer: self.graph.node(*layer).path.clone(), unfit }
        })
    }

    /// # Errors
    /// Where the kernel's operands do not fit or its memory cannot be addressed.
    fn step(&self, kernel: &Planned) -> Result<Step, Unfit> {
        let (kernels, threads) = (self.kernels, self.threads);
        let table = kernels.table;
        let (input, output) = (self.map(kernel.reads[0]), self.map(kernel.value));
        let (first, part) = (kernel.spec.steps[0], kernel.parts[0]);
        let epilogue = epilogue(first.epilogue.activation);
        let step = match Algorithm::of(&kernel.spec, kernels) {
            Some(Algorithm::Convolution) => {
                let spec = self.convolution(kernel, input, output)?;
                Step::Convolution(Box::new(Convolution::new(kernels, spec, threads)?))
            }
            Some(Algorithm::Winograd) => {
                let spec = self.convolution(kernel, input, output)?;
                Step::Winograd(Box::new(Winograd::new(table, spec, threads)?))
            }
            Some(Algorithm::Depthwise) => {
                let planes = self.planes((&first, &part), input.size, output)?;
                Step::Depthwise(Box::new(Depthwise::new(input, planes, threads)?))
            }
            Some(Algorithm::StemConv) => {
                let LayerParameters { weights, bias } = self.parameters.layer(&part);
                let conv_size = [first.output.height, first.output.width];
                let (window, pooled) = (window(&first), kernel.spec.steps.len() > 1);
                let spec = StemSpec { input, output, conv_size, window, weights, bias, epilogue, pooled };
                Step::StemConv(Box::new(StemConv::new(table, spec, threads)?))
            }
            Some(Algorithm::Linear) => {
                let LayerParameters { weights, bias } = self.parameters.layer(&part);
                Step::Linear(Box::new(Linear::new(kernels, (input, output), &weights, &bias, epilogue, threads)?))
            }
            Some(Algorithm::Reduce) => {
                let how = match first.work {
                    Work::Pool { pooling, window } => (self::pooling(pooling), Some(window)),
                    Work::GlobalMax => (Pooling::Max, None),
                    _ => (Pooling::Mean, None),
                };
                Step::Reduce(Box::new(Reduce::new(table, input, output, how, threads)?))
            }
            Some(Algorithm::ChannelNorm) => {
                let norm = match first.work {
                    Work::LocalNorm(norm) => Norm::Local(norm),
                    Work::LayerNorm { eps } => {
                        let (scale, shift) = self.parameters.norm(part.node);
                        Norm::Layer { scale, shift, eps: eps.get() }
                    }
                    _ => return Err(Unfit::Mismatch("a normalisation of nothing known".into())),
                };
                Step::ChannelNorm(Box::new(ChannelNorm::new(table, (input, output), norm, threads)?))
            }
            // Renaming makes no kernel here.
            Some(Algorithm::Rowwise) | None => {
                let other = || self.map(kernel.reads[1]);
                let (second, factor) = match first.work {
                    Work::Elementwise(Elementwise::Add) => (Some((other(), Combine::Add)), Factor::One),
                    Work::Elementwise(Elementwise::Mul) => (Some((other(), Combine::Multiply)), Factor::One),
                    Work::Elementwise(Elementwise::Gate) => (None, Factor::Gate(other())),
                    Work::Elementwise(Elementwise::Shift) => (None, Factor::Shift(other())),
                    Work::Elementwise(Elementwise::PRelu) => (None, Factor::Slopes(self.parameters.slopes(part.node))),
                    Work::Elementwise(Elementwise::Affine) => {
                        let (scale, shift) = self.parameters.norm(part.node);
                        (None, Factor::Affine { scale, shift })
                    }
                    _ => (None, Factor::One),
                };
                let maps = (input, second, output);
                Step::Rowwise(Box::new(Rowwise::new(table, maps, factor, epilogue, threads)?))
            }
        };
        Ok(step)
    }

    fn convolution(&self, kernel: &Planned, input: Map, output: Map) -> Result<ConvolutionSpec, Unfit> {
        let (first, part) = (kernel.spec.steps[0], kernel.parts[0]);
        let LayerParameters { weights, bias } = self.parameters.layer(&part);
        let sink = match (kernel.spec.steps.get(1), kernel.parts.get(1)) {
            (Some(next), Some(at)) if next.work != Work::GlobalMean => {
                // The depthwise layer's input rows are this one's, perhaps shuffled; images are alike.
                let channels = first.output.channels;
                let made = &self.names[self.before(at.node, part.node).0][..channels];
                let read = &self.names[self.graph.node(at.node).inputs[0].0][..channels];
                let channel = |row| read.iter().position(|name| *name == row).unwrap_or(0);
                Sink::Depthwise {
                    planes: Box::new(self.planes((next, at), [first.output.height, first.output.width], output)?),
                    channels: made.iter().map(|&row| channel(row)).collect(),
                }
            }
            (Some(_), _) => Sink::Mean(output),
            (None, _) => Sink::Rows(output),
        };
        Ok(ConvolutionSpec {
            input,
            out_channels: first.output.channels,
            out_size: [first.output.height, first.output.width],
            groups: groups(&first),
            window: window(&first),
            weights,
            bias,
            residual: first.epilogue.residual.then(|| self.map(kernel.reads[1])),
            epilogue: epilogue(first.epilogue.activation),
            sink,
        })
    }

    /// The last value before layer `id` that is not just renamed: what the fused layers from `first` on make.
    fn before(&self, id: NodeId, first: NodeId) -> NodeId {
        let mut at = self.graph.node(id).inputs[0];
        while at != first && renames(&self.graph.node(at).op) {
            at = self.graph.node(at).inputs[0];
        }
        at
    }

    fn planes(&self, (step, part): (&plan::Step, &Part), input: [usize; 2], output: Map) -> Result<Planes, Unfit> {
        let LayerParameters { weights, bias } = self.parameters.layer(part);
        Planes::new(
            self.kernels.table,
            window(step),
            input,
            output,
            (weights, bias),
            epilogue(step.epilogue.activation),
        )
    }
}

/// A step's window; a single pixel where it has none.
fn window(step: &plan::Step) -> Window {
    match step.work {
        Work::Conv { window, .. } | Work::Pool { window, .. } => window,
        _ => Window::square(1, 1),
    }
}

fn groups(step: &plan::Step) -> usize {
    match step.work {
        Work::Conv { groups, .. } => groups,
        _ => 1,
    }
}

fn pooling(pooling: plan::Pooling) -> Pooling {
    match pooling {
        plan::Pooling::Max => Pooling::Max,
        plan::Pooling::Mean => Pooling::Mean,
        plan::Pooling::MeanCounted { counted } => Pooling::MeanCounted(counted),
    }
}

/// How an activation is computed behind a kernel.
pub(super) fn epilogue(activation: Activation) -> Epilogue {
    match activation {
        Activation::None => Epilogue::NONE,
        Activation::Relu => Epilogue::Clamp { low: 0.0, high: f32::INFINITY },
        Activation::Relu6 => Epilogue::Clamp { low: 0.0, high: 6.0 },
        Activation::Clip { low, high } => Epilogue::Clamp { low: low.get(), high: high.get() },
        Activation::LeakyRelu { slope } => Epilogue::Leaky { slope: slope.get() },
        Activation::Elu { alpha } => Epilogue::Elu { alpha: alpha.get() },
        Activation::HardSigmoid { alpha, beta } => Epilogue::HardSigmoid { alpha: alpha.get(), beta: beta.get() },
        Activation::HardSwish => Epilogue::HardSwish,
        Activation::Sigmoid => Epilogue::Sigmoid,
        Activation::Swish { scale } => Epilogue::Swish { scale: scale.get() },
        Activation::Tanh => Epilogue::Tanh,
        Activation::Gelu => Epilogue::Gelu,
        Activation::GeluTanh => Epilogue::GeluTanh,
        Activation::Mish => Epilogue::Mish,
        Activation::Softplus => Epilogue::Softplus,
    }
}
