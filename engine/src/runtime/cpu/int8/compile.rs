//! From a graph and its model in 8 bits to steps in an arena.

use super::lanes::Word;
use super::model::{Int8Fuses, Model, Rule};
use super::pack::{self, Filter};
use super::schedule::{Kernel, Kind, Operand, Schedule, Task, Way};
use crate::graph::{Graph, NodeId, Window};
use crate::runtime::cpu::CompileError;
use crate::runtime::cpu::compile::{Compiled, Output, check_countable};
use crate::runtime::cpu::kernels::int8::{
    Average, Bounds, ByRows, Depthwise, DepthwiseSpec, Elementwise, How, Int8Step, Largest, Linear, LinearSpec, Lookup,
    Product, ProductSpec, Quantize, Repack, Sink, WordTable,
};
use crate::runtime::cpu::kernels::{Map, Step, Unfit};
use crate::runtime::cpu::place::Rows;
use crate::runtime::plan::{Planned, RowRef, Work, partition};
use crate::runtime::{Fusing, KernelPlan, Precision};

/// The kernels that run `graph`, in launch order; needs no weights.
pub(in crate::runtime::cpu) fn plan(graph: &Graph, fusing: Fusing) -> KernelPlan {
    if check_countable(graph).is_err() {
        // It never runs: in whatever order.
        return KernelPlan::of(graph, &partition(graph, fusing, Precision::Int8, &Int8Fuses), |_| None);
    }
    kernels(graph, &Schedule::of(graph, fusing, 1, None))
}

fn kernels(graph: &Graph, schedule: &Schedule) -> KernelPlan {
    let planned: Vec<Planned> = schedule.kernels().map(|kernel| kernel.planned.clone()).collect();
    KernelPlan::of(graph, &planned, |_| None)
}

/// Compiles `graph` for `threads` threads.
///
/// # Errors
/// Where feature maps or what a layer needs cannot be addressed.
pub(in crate::runtime::cpu) fn compile(
    graph: &Graph,
    fusing: Fusing,
    model: &Model,
    table: &'static WordTable,
    threads: usize,
) -> Result<Compiled, CompileError> {
    check_countable(graph)?;
    let batch = graph.input_shape().batch;
    let schedule = Schedule::of(graph, fusing, batch, Some(model));
    let rows = place(&schedule, batch);
    let floats = rows.floats();
    if u32::try_from(floats).is_err() || floats == usize::MAX {
        return Err(CompileError::TooLarge { design: graph.name.clone(), floats });
    }
    let builder = Builder { graph, model, table, threads, rows: &rows, batch };
    let steps = schedule.tasks.iter().map(|task| builder.named_step(task)).collect::<Result<_, _>>()?;
    let pixels = graph.node(graph.output()).output.pixels();
    let output = (0..batch)
        .flat_map(|image| schedule.output.iter().map(move |lane| (image, lane)))
        .flat_map(|(image, lane)| (0..pixels).map(move |pixel| (image, lane, pixel)))
        .map(|(image, lane, pixel)| (rows.offset(name(&lane.word, image)) + pixel, lane.lane));
    let output = if model.ends_in_floats {
        Output::Floats(output.map(|(at, _)| at).collect())
    } else {
        Output::Bytes { places: output.collect(), quant: model.quants[graph.output().0] }
    };
    Ok(Compiled {
        plan: kernels(graph, &schedule),
        steps,
        marks: schedule.tasks.iter().map(|task| matches!(task.kind, Kind::Kernel(_))).collect(),
        input: names(&schedule.input, batch).map(|name| rows.offset(name)).collect(),
        output,
        floats,
        phases: schedule.phases,
    })
}

fn name(word: &Word, image: usize) -> RowRef {
    RowRef { row: word.row + image * word.stride, pixel: word.pixel }
}

/// The rows of words, image by image.
fn names(words: &[Word], batch: usize) -> impl Iterator<Item = RowRef> {
    (0..batch).flat_map(move |image| words.iter().map(move |word| name(word, image)))
}

/// Gives every row its place.
fn place(schedule: &Schedule, batch: usize) -> Rows {
    let mut rows = Rows::new(&schedule.rows);
    let named = |words: &[Word]| -> Vec<RowRef> { names(words, batch).collect() };
    for (phase, tasks) in schedule.phases.iter().enumerate() {
        for read in schedule.tasks[tasks.clone()].iter().flat_map(|task| &task.reads) {
            rows.read(&named(&read.words), phase);
        }
    }
    let output: Vec<Word> = schedule.output.iter().map(|lane| lane.word).collect();
    rows.pin(&named(&schedule.input));
    rows.pin(&named(&output));
    rows.place(&named(&schedule.input), 0);
    for (phase, tasks) in schedule.phases.iter().enumerate() {
        for task in &schedule.tasks[tasks.clone()] {
            rows.place(&named(&task.writes.words), phase);
        }
        rows.end_phase(phase);
    }
    rows
}

/// Taps of a window whose mean is worth weights of its own for each channel.
const SMALL: usize = 64;

struct Builder<'a> {
    graph: &'a Graph,
    model: &'a Model,
    table: &'static WordTable,
    threads: usize,
    rows: &'a Rows,
    batch: usize,
}

impl Builder<'_> {
    fn map_of(&self, words: &[Word], size: [usize; 2]) -> Map {
        let rows = names(words, self.batch).map(|name| self.rows.offset(name) as u32).collect();
        Map { rows, channels: words.len(), size }
    }

    fn map(&self, operand: &Operand) -> Map {
        self.map_of(&operand.words, operand.size)
    }

    /// # Errors
    /// As [`step`](Self::step), with the layer.
    fn named_step(&self, task: &Task) -> Result<Step, CompileError> {
        let design = || self.graph.name.clone();
        let made = self.step(task).map_err(|unfit| {
            let layer = match &task.kind {
                Kind::Kernel(kernel) => kernel.planned.parts[0].node,
                Kind::Convert { to, .. } => *to,
                Kind::Quantize | Kind::Repack(_) => NodeId(0),
            };
            CompileError::Layer { design: design(), layer: self.graph.node(layer).path.clone(), unfit }
        })?;
        Ok(Step::Int8(Box::new(made)))
    }

    /// # Errors
    /// Where the operands do not fit or their memory cannot be addressed.
    fn step(&self, task: &Task) -> Result<Int8Step, Unfit> {
        let (table, threads) = (self.table, self.threads);
        let maps = || (self.map(&task.reads[0]), self.map(&task.writes));
        match &task.kind {
            Kind::Quantize => Ok(Int8Step::Quantize(Quantize::new(table, maps(), self.model.quants[0], threads)?)),
            Kind::Convert { from, to } => {
                let how = How::Lookup(vec![self.model.conversion(*from, *to)]);
                Ok(Int8Step::Elementwise(Elementwise::new(table, maps(), how, (Bounds::NONE, None), threads)?))
            }
            Kind::Repack(sources) => Ok(Int8Step::Repack(Repack::new(table, maps(), sources.clone(), threads)?)),
            Kind::Kernel(kernel) => self.kernel(task, kernel),
        }
    }

    fn kernel(&self, task: &Task, kernel: &Kernel) -> Result<Int8Step, Unfit> {
        let Kernel { planned, how, reads, places, converts_to } = kernel;
        let (table, threads) = (self.table, self.threads);
        let (step, part) = (planned.spec.steps[0], planned.parts[0]);
        let made = part.norm.unwrap_or(part.node);
        let unknown = || Unfit::Mismatch(format!("no rule for {:?}", step.work));
        let rule = self.model.of(made).ok_or_else(unknown)?;
        let quant = |node: NodeId| self.model.quants[node.0];
        let (from, to) = (quant(planned.reads[0]), quant(made));
        let zeros = [from.zero, to.zero];
        let (bounds, lookup) = self.end(planned, made, *converts_to);
        let (input, output) = (self.map(&task.reads[0]), self.map(&task.writes));
        let second = || task.reads.get(1).map(|second| self.map(second)).ok_or_else(unknown);
        let (window, groups) = match step.work {
            Work::Conv { window, groups } => (window, groups),
            Work::Pool { window, .. } => (window, 1),
            _ => (Window::square(1, 1), 1),
        };
        Ok(match (rule, how) {
            (Rule::Sums(sums), Way::Product) => {
                let filter = Filter { groups, taps: window.taps() };
                let out = (places.as_slice(), task.writes.words.len());
                let packed = pack::product(sums, filter, reads, out, (from.zero, table.rows()));
                let words: Vec<Word> = packed.inputs.iter().map(|&at| reads.words[at]).collect();
                let spec = ProductSpec {
                    input: self.map_of(&words, task.reads[0].size),
                    output,
                    window,
                    panels: packed.panels,
                    weights: packed.weights,
                    bias: packed.bias,
                    multipliers: packed.multipliers,
                    zeros,
                    bounds,
                    lookup,
                };
                if ByRows::suits(table, &spec) {
                    Int8Step::ByRows(ByRows::new(table, spec, threads)?)
                } else {
                    Int8Step::Product(Product::new(table, spec, threads)?)
                }
            }
            (Rule::Sums(sums), Way::Linear) => {
                let pack::PackedLinear { weights, bias, multipliers } = pack::linear(sums, reads, from.zero);
                let is_result = self.model.ends_in_floats && planned.value == self.graph.output();
                let sink = if is_result { Sink::Floats } else { Sink::Bytes { zero: to.zero, bounds, lookup } };
                let spec = LinearSpec { input, output, weights, bias, multipliers, sink };
                Int8Step::Linear(Linear::new(table, spec, threads)?)
            }
            (Rule::Sums(sums), Way::ByChannel) => {
                let packed = pack::depthwise(sums, window.taps(), reads, from.zero);
                let pack::PackedDepthwise { weights, bias, multipliers } = packed;
                let spec = DepthwiseSpec { input, output, window, weights, bias, multipliers, zeros, bounds, lookup };
                Int8Step::Depthwise(Depthwise::new(table, spec, threads)?)
            }
            (Rule::Lookup(lookups), _) => {
                let lookups = match lookups.as_slice() {
                    [_] => lookups.clone(),
                    lists => reads.channels().iter().map(|channel| lists[channel.unwrap_or(0)].clone()).collect(),
                };
                let end = (bounds, lookup);
                Int8Step::Elementwise(Elementwise::new(table, (input, output), How::Lookup(lookups), end, threads)?)
            }
            (Rule::Largest, _) => {
                let window = matches!(step.work, Work::Pool { .. }).then_some(window);
                Int8Step::Largest(Largest::new(table, (input, output), window, threads)?)
            }
            (Rule::Mean(multipliers), _) => {
                let is_window = matches!(step.work, Work::Pool { .. });
                let alike = multipliers.iter().all(|multiplier| *multiplier == multipliers[0]);
                if is_window && alike && window.taps() <= SMALL && !counts_less(&step.work) {
                    let (bytes, taps) = (4 * input.channels, window.taps());
                    // Padding counts as what zero's byte stands for.
                    let spec = DepthwiseSpec {
                        bias: vec![-(taps as i32 * i32::from(from.zero)); bytes],
                        multipliers: vec![multipliers[0]; bytes],
                        weights: Some(vec![1; bytes * taps]),
                        input,
                        output,
                        window,
                        zeros,
                        bounds,
                        lookup,
                    };
                    Int8Step::Depthwise(Depthwise::new(table, spec, threads)?)
                } else {
                    let window = is_window.then_some(window);
                    let how = (multipliers.clone(), zeros);
                    Int8Step::Average(Average::new(table, (input, output), window, how, threads)?)
                }
            }
            (Rule::Add(of), _) => {
                let zeros = [from.zero, quant(planned.reads[1]).zero, to.zero];
                let how = How::Add { other: second()?, of: *of, zeros };
                Int8Step::Elementwise(Elementwise::new(table, (input, output), how, (bounds, lookup), threads)?)
            }
            (Rule::Multiply(multiplier), _) => {
                let zeros = [from.zero, quant(planned.reads[1]).zero, to.zero];
                let how = How::Multiply { other: second()?, multiplier: *multiplier, zeros };
                Int8Step::Elementwise(Elementwise::new(table, (input, output), how, (bounds, lookup), threads)?)
            }
        })
    }

    /// The activation at the end of a kernel, and what makes its bytes those of a value that lists them.
    fn end(&self, planned: &Planned, made: NodeId, converts_to: Option<NodeId>) -> (Bounds, Option<Box<Lookup>>) {
        let lookup = match self.model.of(planned.value) {
            Some(Rule::Lookup(lookups)) if planned.value != made => lookups.first().cloned(),
            _ => None,
        };
        let conversion = converts_to.map(|to| self.model.conversion(planned.value, to));
        let lookup = match (lookup, conversion) {
            (Some(lookup), Some(conversion)) => Some(Lookup(lookup.0.map(|byte| conversion.0[usize::from(byte)]))),
            (lookup, conversion) => lookup.or(conversion),
        };
        match lookup.map(|lookup| (lookup.as_bounds(), lookup)) {
            None => (Bounds::NONE, None),
            Some((Some(bounds), _)) => (bounds, None),
            Some((None, lookup)) => (Bounds::NONE, Some(Box::new(lookup))),
        }
    }
}

/// Whether a mean is over less than its window somewhere, so that what does not count must not be added up.
const fn counts_less(work: &Work) -> bool {
    matches!(work, Work::Pool { pooling: crate::runtime::plan::Pooling::MeanCounted { .. }, .. })
}
