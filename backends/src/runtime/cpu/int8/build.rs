//! The steps of a network in 8 bits: operands in their places, rules and weights put together.

use super::compile::names;
use super::lanes::{Word, by_lane};
use super::layer::Sums;
use super::model::{Model, Rule};
use super::pack::{self, Filter};
use super::schedule::{Kernel, Kind, Operand, Task, Way};
use crate::graph::{Graph, NodeId, Op, Window};
use crate::runtime::cpu::CompileError;
use crate::runtime::cpu::kernels::int8::{
    Average, Bounds, ByRows, Depthwise, Elementwise, How, Int8Step, Largest, Linear, LinearSpec, Lookup, Planes,
    PlanesSpec, Product, ProductSink, ProductSpec, Quantize, Repack, Sink, Sum, WordTable,
};
use crate::runtime::cpu::kernels::{Map, Step, Unfit};
use crate::runtime::cpu::place::Rows;
use crate::runtime::plan::{self, Part, Planned, Work};

/// Taps of a window whose mean is worth weights of its own for each channel.
const SMALL: usize = 64;

/// What steps are made from.
pub(super) struct Builder<'a> {
    graph: &'a Graph,
    model: &'a Model,
    table: &'static WordTable,
    threads: usize,
    rows: &'a Rows,
    batch: usize,
}

impl<'a> Builder<'a> {
    /// For a network whose rows have their places.
    pub fn new(
        graph: &'a Graph,
        model: &'a Model,
        (table, threads): (&'static WordTable, usize),
        rows: &'a Rows,
    ) -> Self {
        Self { graph, model, table, threads, rows, batch: graph.input_shape().batch }
    }

    fn map_of(&self, words: &[Word], size: [usize; 2]) -> Map {
        let rows = names(words, self.batch).map(|name| self.rows.offset(name) as u32).collect();
        Map { rows, channels: words.len(), size }
    }

    fn map(&self, operand: &Operand) -> Map {
        self.map_of(&operand.words, operand.size)
    }

    /// # Errors
    /// As [`step`](Self::step), with the layer.
    pub fn named_step(&self, task: &Task) -> Result<Step, CompileError> {
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
        let Kernel { planned, how, reads, .. } = kernel;
        let (table, threads) = (self.table, self.threads);
        let (step, part) = (planned.spec.steps[0], &planned.parts[0]);
        let made = made_by(part);
        let unknown = || no_rule(&step);
        let rule = self.rule(part, &step)?;
        let quant = |node: NodeId| self.model.quants[node.0];
        let (from, to) = (quant(planned.reads[0]), quant(made));
        let zeros = [from.zero, to.zero];
        let (bounds, lookup) = self.end(planned.value, made, None);
        let (input, output) = (self.map(&task.reads[0]), self.map(&task.writes));
        let second = || task.reads.get(1).map(|second| self.map(second)).ok_or_else(unknown);
        let window = window(&step);
        Ok(match (rule, how) {
            (Rule::Sums(sums), Way::Product) => self.product(task, kernel, sums)?,
            (Rule::Sums(sums), Way::Linear) => {
                let pack::PackedLinear { weights, bias, multipliers } = pack::linear(sums, reads, from.zero);
                let is_result = self.model.ends_in_floats && planned.value == self.graph.output();
                let sink = if is_result { Sink::Floats } else { Sink::Bytes { zero: to.zero, bounds, lookup } };
                let spec = LinearSpec { input, output, weights, bias, multipliers, sink };
                Int8Step::Linear(Linear::new(table, spec, threads)?)
            }
            (Rule::Sums(sums), Way::ByChannel) => {
                let planes = self.planes(sums, (&step, [from.zero, to.zero]), &reads.channels(), (output, input.size));
                let planes = Planes::new(table, PlanesSpec { bounds, lookup, ..planes })?;
                Int8Step::Depthwise(Depthwise::new(input, planes, threads)?)
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
                    let spec = PlanesSpec {
                        bias: vec![-(taps as i32 * i32::from(from.zero)); bytes],
                        multipliers: vec![multipliers[0]; bytes],
                        weights: Some(vec![1; bytes * taps]),
                        size: input.size,
                        output,
                        window,
                        zeros,
                        bounds,
                        lookup,
                    };
                    Int8Step::Depthwise(Depthwise::new(input, Planes::new(table, spec)?, threads)?)
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

    /// A convolution and what is computed with it.
    ///
    /// # Errors
    /// As [`step`](Self::step).
    fn product(&self, task: &Task, kernel: &Kernel, sums: &Sums) -> Result<Int8Step, Unfit> {
        let Kernel { planned, reads, places, converts_to, .. } = kernel;
        let (table, threads) = (self.table, self.threads);
        let step = planned.spec.steps[0];
        let Work::Conv { window, groups } = step.work else { return Err(no_rule(&step)) };
        let from = self.model.quants[planned.reads[0].0];
        let made = made_by(&planned.parts[0]);
        let summed = planned.layers.iter().find(|layer| self.graph.node(**layer).op == Op::Add);
        let (made, summand) = match (summed, task.reads.get(1)) {
            (Some(&sum), Some(other)) if step.epilogue.residual => {
                (sum, Some((self.map(other), self.sum((made, sum), planned)?)))
            }
            _ => (made, None),
        };
        // What the next step reads may be shuffled before, and have other bytes for that.
        let next = planned.parts.get(1).map(|next| self.graph.node(next.node).inputs[0]);
        let value = match next.map(|read| (read, self.graph.node(read))) {
            None => planned.value,
            Some((_, node)) if matches!(node.op, Op::ChannelShuffle { .. }) => node.inputs[0],
            Some((read, _)) => read,
        };
        let (bounds, lookup) = self.end(value, made, converts_to.or(next.filter(|&read| read != value)));
        let filter = Filter { groups, taps: window.taps() };
        let out_words = task.writes.words.len();
        let packed = pack::product(sums, filter, reads, (places, out_words), (from.zero, table.rows()));
        let words: Vec<Word> = packed.inputs.iter().map(|&at| reads.words[at]).collect();
        let out_size = [step.output.height, step.output.width];
        let spec = ProductSpec {
            input: self.map_of(&words, task.reads[0].size),
            out_words,
            out_size,
            window,
            panels: packed.panels,
            weights: packed.weights,
            bias: packed.bias,
            multipliers: packed.multipliers,
            summand,
            zeros: [from.zero, self.model.quants[made.0].zero],
            bounds,
            lookup,
            sink: self.sink(task, kernel, (next.unwrap_or(value), out_size))?,
        };
        let is_by_rows = match spec.sink {
            ProductSink::Rows(_) => ByRows::suits(table, &spec),
            ProductSink::Largest(_) => true,
            _ => false,
        };
        Ok(if is_by_rows {
            Int8Step::ByRows(ByRows::new(table, spec, threads)?)
        } else {
            Int8Step::Product(Product::new(table, spec, threads)?)
        })
    }

    /// How the bytes of a convolution, `made`, and those of another map become those of their `sum`.
    ///
    /// # Errors
    /// Where there is no rule for it.
    fn sum(&self, (made, sum): (NodeId, NodeId), planned: &Planned) -> Result<Sum, Unfit> {
        let Some(Rule::Add([first, second])) = self.model.of(sum) else { return Err(no_rule(&planned.spec.steps[0])) };
        let is_first = self.graph.node(sum).inputs[0] == made;
        let of = if is_first { [*first, *second] } else { [*second, *first] };
        Ok(Sum { of, zeros: [made, planned.reads[1]].map(|node| self.model.quants[node.0].zero) })
    }

    /// What becomes of a convolution's words, which are the bytes of `read`, maps of `size`.
    ///
    /// # Errors
    /// As [`step`](Self::step).
    fn sink(
        &self,
        task: &Task,
        Kernel { planned, stored, .. }: &Kernel,
        (read, size): (NodeId, [usize; 2]),
    ) -> Result<ProductSink, Unfit> {
        let output = self.map(&task.writes);
        let (Some(step), Some(part)) = (planned.spec.steps.get(1), planned.parts.get(1)) else {
            return Ok(ProductSink::Rows(output));
        };
        let made = made_by(part);
        let zeros = [read, made].map(|node| self.model.quants[node.0].zero);
        Ok(match self.rule(part, step)? {
            Rule::Mean(multipliers) => ProductSink::Mean { output, multiplier: multipliers[0], zeros },
            Rule::Largest => ProductSink::Largest(output),
            Rule::Sums(sums) => {
                let channels = by_lane(stored, task.writes.words.len());
                let (bounds, lookup) = self.end(planned.value, made, None);
                let planes = self.planes(sums, (step, zeros), &channels, (output, size));
                ProductSink::Depthwise(Box::new(Planes::new(self.table, PlanesSpec { bounds, lookup, ..planes })?))
            }
            _ => return Err(no_rule(step)),
        })
    }

    /// A depthwise convolution, or scale and shift, of `channels`, the one in each lane of its words; of maps of `size`.
    fn planes(
        &self,
        sums: &Sums,
        (step, zeros): (&plan::Step, [u8; 2]),
        channels: &[Option<usize>],
        (output, size): (Map, [usize; 2]),
    ) -> PlanesSpec {
        let window = window(step);
        let pack::PackedDepthwise { weights, bias, multipliers } =
            pack::depthwise(sums, window.taps(), channels, zeros[0]);
        let (bounds, lookup) = (Bounds::NONE, None);
        PlanesSpec { size, output, window, weights, bias, multipliers, zeros, bounds, lookup }
    }

    /// # Errors
    /// Where there is none.
    fn rule(&self, part: &Part, step: &plan::Step) -> Result<&Rule, Unfit> {
        self.model.of(made_by(part)).ok_or_else(|| no_rule(step))
    }

    /// The activation that makes `value` of what a step has `made`, and what makes its bytes those of a value that only lists
    /// or shuffles them.
    fn end(&self, value: NodeId, made: NodeId, converts_to: Option<NodeId>) -> (Bounds, Option<Box<Lookup>>) {
        let lookup = match self.model.of(value) {
            Some(Rule::Lookup(lookups)) if value != made => lookups.first().cloned(),
            _ => None,
        };
        let conversion = converts_to.map(|to| self.model.conversion(value, to));
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
    matches!(work, Work::Pool { pooling: plan::Pooling::MeanCounted { .. }, .. })
}

/// The value that a step's sums or whatever it computes are, before its epilogue.
fn made_by(part: &Part) -> NodeId {
    part.norm.unwrap_or(part.node)
}

/// A step's window; a single pixel where it has none.
fn window(step: &plan::Step) -> Window {
    match step.work {
        Work::Conv { window, .. } | Work::Pool { window, .. } => window,
        _ => Window::square(1, 1),
    }
}

fn no_rule(step: &plan::Step) -> Unfit {
    Unfit::Mismatch(format!("no rule for {:?}", step.work))
}
