//! A plan with weights on a device, and what can go wrong with it.

use candle_core::Tensor;
use thiserror::Error;

use super::cpu::Isa;
use super::{KernelPlan, UnsupportedRun};
use crate::clock::Clock;
use crate::device::DeviceError;
use crate::graph::Shape;
use crate::units::Nanos;
use crate::weights::WeightsError;

/// A network ready to run again and again on inputs of one shape.
pub trait Executable {
    /// Sets the input of the runs to come: `[batch, 3, height, width]`, f32, any device.
    ///
    /// # Errors
    /// Where the shape is not the graph's or the copy fails.
    fn set_input(&mut self, input: &Tensor) -> Result<(), RunError>;

    /// Runs once; on a GPU this returns when the work is enqueued. The result is `[batch, classes]`.
    ///
    /// # Errors
    /// Where the device or an operation fails.
    fn run(&mut self) -> Result<&Tensor, RunError>;

    /// Runs once, synchronising and reading the clock at every kernel boundary.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    fn run_marked(&mut self, marks: &mut Marks<'_>) -> Result<(), RunError>;

    /// Waits until everything enqueued is done.
    ///
    /// # Errors
    /// Where the device reports a failure of earlier work.
    fn synchronize(&self) -> Result<(), RunError>;

    /// The kernels that a run launches.
    fn plan(&self) -> &KernelPlan;

    /// CPU threads that a run uses, as the runtime knows it.
    fn threads(&self) -> usize;

    /// Instruction set of the kernels, where the runtime chooses it itself.
    fn instruction_set(&self) -> Option<Isa> {
        None
    }
}

/// Receives the time at each kernel boundary of a marked run.
pub struct Marks<'a> {
    clock: &'a dyn Clock,
    last: Nanos,
    kernels: &'a mut Vec<Nanos>,
}

impl<'a> Marks<'a> {
    /// Starts timing now; `kernels` receives one duration per kernel.
    pub fn start(clock: &'a dyn Clock, kernels: &'a mut Vec<Nanos>) -> Self {
        kernels.clear();
        Self { last: clock.now(), clock, kernels }
    }

    /// The kernel that ran since the last mark is finished (the caller has synchronised).
    pub fn mark(&mut self) {
        let now = self.clock.now();
        self.kernels.push(now.since(self.last));
        self.last = now;
    }

    /// Starts the next kernel's time here: what lies between the last mark and now belongs to no kernel.
    pub fn skip(&mut self) {
        self.last = self.clock.now();
    }
}

impl std::fmt::Debug for Marks<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Marks").field("last", &self.last).field("kernels", &self.kernels).finish_non_exhaustive()
    }
}

/// A run that failed.
#[derive(Debug, Error)]
pub enum RunError {
    /// Candle's own failure, with the layer it happened in.
    #[error("layer `{layer}`: {source}")]
    Layer {
        /// Path of the layer.
        layer: String,
        /// What Candle says.
        source: candle_core::Error,
    },
    /// The input does not fit.
    #[error("the network's input is {expected}, the input given is {given:?}")]
    Input {
        /// The graph's input.
        expected: Shape,
        /// The tensor's dimensions.
        given: Vec<usize>,
    },
    /// A failure outside a layer.
    #[error(transparent)]
    Candle(#[from] candle_core::Error),
}

/// Why a design cannot be prepared to run.
#[derive(Debug, Error)]
pub enum PrepareError {
    /// Weights do not fit or cannot be read.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// The device is missing or refuses.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// Nothing has kernels for it.
    #[error(transparent)]
    Unsupported(#[from] UnsupportedRun),
    /// More memory than the machine has free.
    #[error(
        "`{design}` needs about {needed} of memory at batch {batch}, {available} are free: lower batch, input or width"
    )]
    TooLarge {
        /// The design's name.
        design: String,
        /// The batch asked for.
        batch: usize,
        /// Weights, activations and working space.
        needed: crate::units::Bytes,
        /// What the system reports as available.
        available: crate::units::Bytes,
    },
    /// Candle's own failure.
    #[error(transparent)]
    Candle(#[from] candle_core::Error),
}
