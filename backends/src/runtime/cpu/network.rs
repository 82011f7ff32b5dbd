//! A graph compiled for the CPU: plain floats in, plain floats out, nothing allocated in a run.

use super::compile::{Compiled, Output, compile};
use super::error::{CompileError, ThreadFailed};
use super::int8;
use super::kernels::int8::{Level, WordTable};
use super::kernels::{Isa, Kernels, Machine, Program};
use super::limit::Dealt;
use crate::graph::{Graph, Shape};
use crate::runtime::parameters::Parameters;
use crate::runtime::{Fusing, KernelPlan, Precision};
use crate::weights::Weights;

/// A network with packed weights, its memory and its threads.
#[derive(Debug)]
pub struct Network {
    machine: Machine,
    plan: KernelPlan,
    isa: Isa,
    input_shape: Shape,
    output_shape: Shape,
    /// Where the rows of the input and the values of the result lie.
    input: Vec<usize>,
    output: Output,
    /// Whether a run marks kernels; otherwise there is one that only renames.
    marks: bool,
}

impl Network {
    /// Compiles `graph` for `threads` threads and the best instruction set, or the one asked for.
    ///
    /// # Errors
    /// [`CompileError`].
    pub fn new(graph: &Graph, weights: &Weights, isa: Option<Isa>, threads: usize) -> Result<Self, CompileError> {
        Self::with_fusing(graph, weights, isa, threads, Fusing::Full)
    }

    /// As [`new`](Self::new), with as much fused as `fusing` says.
    ///
    /// # Errors
    /// [`CompileError`].
    pub fn with_fusing(
        graph: &Graph,
        weights: &Weights,
        isa: Option<Isa>,
        threads: usize,
        fusing: Fusing,
    ) -> Result<Self, CompileError> {
        Self::in_floats(graph, weights, (isa, threads), fusing, Precision::F32)
    }

    /// As [`with_fusing`](Self::with_fusing), with matrices multiplied in `precision`: 32-bit or 16-bit floats.
    ///
    /// # Errors
    /// [`CompileError`]; [`CompileError::Precision`] where the instruction set has no such floats.
    pub fn in_floats(
        graph: &Graph,
        weights: &Weights,
        (isa, threads): (Option<Isa>, usize),
        fusing: Fusing,
        precision: Precision,
    ) -> Result<Self, CompileError> {
        let (isa, threads) = (available(isa)?, threads.max(1));
        let kernels = Kernels::of(isa, precision).ok_or(CompileError::Precision { isa, precision })?;
        let parameters = Parameters::new(graph, weights)?;
        Self::of(graph, compile(graph, fusing, &parameters, kernels, threads)?, isa, threads)
    }

    /// As [`with_fusing`](Self::with_fusing), with values and weights in 8 bits. What bytes stand for is as the weights say
    /// ([`Quantisation`](crate::weights::Quantisation)), else found by running in 32 bits on made-up input.
    ///
    /// # Errors
    /// [`CompileError`]; [`CompileError::Int8`] names the first layer that has no kernel in 8 bits.
    pub fn in_int8(
        graph: &Graph,
        weights: &Weights,
        isa: Option<Isa>,
        threads: usize,
        fusing: Fusing,
    ) -> Result<Self, CompileError> {
        let (isa, threads) = (available(isa)?, threads.max(1));
        let parameters = Parameters::new(graph, weights)?;
        let model = int8::model(graph, (weights, &parameters), (isa, threads), None)?;
        let table = WordTable::of(Level::of(isa));
        Self::of(graph, int8::compile(graph, fusing, &model, table, threads)?, isa, threads)
    }

    pub(super) fn of(graph: &Graph, compiled: Compiled, isa: Isa, threads: usize) -> Result<Self, CompileError> {
        let Compiled { plan, steps, phases, marks, floats, input, output } = compiled;
        let is_marked = marks.contains(&true);
        let program =
            Program::new(steps, phases, floats, threads).map_err(|conflict| CompileError::of(graph, conflict))?;
        let machine =
            Machine::start(program.marking(marks)).map_err(|source| CompileError::Threads { threads, source })?;
        let output_shape = graph.node(graph.output()).output;
        Ok(Self { machine, plan, isa, input_shape: graph.input_shape(), output_shape, input, output, marks: is_marked })
    }

    /// `[batch, channels, height, width]` of the input.
    #[must_use]
    pub fn input_shape(&self) -> Shape {
        self.input_shape
    }

    /// `[batch, channels, height, width]` of the result; logits have height and width 1.
    #[must_use]
    pub fn output_shape(&self) -> Shape {
        self.output_shape
    }

    /// `(batch, values per image)` of the result: `(batch, classes)`.
    #[must_use]
    pub fn output_dims(&self) -> (usize, usize) {
        (self.output_shape.batch, self.output_shape.channels * self.output_shape.pixels())
    }

    /// The kernels of a run, in order.
    #[must_use]
    pub fn plan(&self) -> &KernelPlan {
        &self.plan
    }

    /// The instruction set of the kernels.
    #[must_use]
    pub fn isa(&self) -> Isa {
        self.isa
    }

    /// Threads that work in a run.
    #[must_use]
    pub fn threads(&self) -> usize {
        self.machine.threads()
    }

    /// The phases of a run, each with its kernels and how their work is handed out.
    #[must_use]
    pub fn phases(&self) -> Vec<Vec<Dealt>> {
        let dealt = |phase: Vec<(usize, usize)>| -> Vec<Dealt> {
            phase.into_iter().map(|(kernel, items)| Dealt { kernel, items }).collect()
        };
        self.machine.program().dealt().map(dealt).collect()
    }

    /// Runs what one thread starts with, and nothing of the others.
    #[cfg(test)]
    pub(super) fn run_share(&mut self, index: usize) {
        self.machine.run_share(index);
    }

    /// Sets the input of the runs to come, row-major; where it is too long or too short, the rest is as it was.
    pub fn set_input(&mut self, values: &[f32]) {
        for (&row, values) in self.input.iter().zip(values.chunks(self.input_shape.pixels())) {
            self.machine.write(row, values);
        }
    }

    /// Runs once.
    ///
    /// # Errors
    /// [`ThreadFailed`].
    pub fn run(&mut self) -> Result<(), ThreadFailed> {
        self.machine.run().map_err(|_| ThreadFailed)
    }

    /// Runs once, calling `mark` after each kernel of the [`plan`](Self::plan).
    ///
    /// # Errors
    /// [`ThreadFailed`].
    pub fn run_marked(&mut self, mark: &mut dyn FnMut()) -> Result<(), ThreadFailed> {
        self.machine.run_marked(mark).map_err(|_| ThreadFailed)?;
        if !self.marks {
            // The one kernel that only renames.
            mark();
        }
        Ok(())
    }

    /// Runs once on `input` and returns the result, both row-major.
    ///
    /// # Errors
    /// [`ThreadFailed`].
    pub fn infer(&mut self, input: &[f32]) -> Result<Vec<f32>, ThreadFailed> {
        self.set_input(input);
        self.run()?;
        let (batch, values) = self.output_dims();
        let mut result = vec![f32::NAN; batch * values];
        self.output(&mut result);
        Ok(result)
    }

    /// Copies the result of the last run, row-major, as far as `values` reach; parts of one after a run that failed.
    pub fn output(&self, values: &mut [f32]) {
        match &self.output {
            Output::Floats(places) => {
                for (&at, value) in places.iter().zip(values) {
                    self.machine.read(at, std::slice::from_mut(value));
                }
            }
            Output::Bytes { places, quant } => {
                for (&(at, byte), value) in places.iter().zip(values) {
                    let mut word = [0.0];
                    self.machine.read(at, &mut word);
                    *value = quant.value(word[0].to_bits().to_le_bytes()[usize::from(byte)]);
                }
            }
        }
    }
}

/// # Errors
/// Where the machine lacks the instruction set asked for.
fn available(isa: Option<Isa>) -> Result<Isa, CompileError> {
    let isa = isa.unwrap_or_else(Isa::detect);
    if isa.available() { Ok(isa) } else { Err(CompileError::Isa(isa)) }
}
