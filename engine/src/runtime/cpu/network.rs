//! A graph compiled for the CPU: plain floats in, plain floats out, nothing allocated in a run.

use super::compile::{Compiled, compile};
use super::error::{CompileError, ThreadFailed};
use super::kernels::{Conflict, Isa, Machine, Program, Table};
use crate::graph::{Graph, Shape};
use crate::runtime::parameters::Parameters;
use crate::runtime::{Fusing, KernelPlan};
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
    output: Vec<usize>,
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
        let isa = isa.unwrap_or_else(Isa::detect);
        if !isa.available() {
            return Err(CompileError::Isa(isa));
        }
        let threads = threads.max(1);
        let parameters = Parameters::new(graph, weights)?;
        let Compiled { plan, steps, phases, floats, input, output } =
            compile(graph, fusing, &parameters, Table::of(isa), threads)?;
        let design = || graph.name.clone();
        let program = Program::new(steps, phases, floats, threads).map_err(|conflict| match conflict {
            Conflict::NoMemory(memory) => CompileError::TooLarge { design: design(), floats: memory.0 },
            conflict => CompileError::Plan { design: design(), conflict },
        })?;
        let machine = Machine::start(program).map_err(|source| CompileError::Threads { threads, source })?;
        let output_shape = graph.node(graph.output()).output;
        Ok(Self { machine, plan, isa, input_shape: graph.input_shape(), output_shape, input, output })
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
        if self.machine.program().steps() == 0 {
            // The one kernel that only renames.
            mark();
        }
        Ok(())
    }

    /// Copies the result of the last run, row-major, as far as `values` reach; parts of one after a run that failed.
    pub fn output(&self, values: &mut [f32]) {
        for (&at, value) in self.output.iter().zip(values) {
            self.machine.read(at, std::slice::from_mut(value));
        }
    }
}
