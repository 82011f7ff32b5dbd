//! A plan with weights on a device, and what can go wrong with it.

use candle_core::Tensor;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::isa::Isa;
use super::{DeviceFault, KernelPlan, ThreadChoice, UnsupportedRun};
use crate::clock::Clock;
use crate::device::DeviceError;
use crate::graph::Shape;
use crate::units::Nanos;
use crate::weights::{WeightsError, seeded_input};

/// When things were done in one run. Two clock domains, never mixed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RunTimes {
    /// Host: from the call until the result is complete (enqueue, then wait).
    pub host: Nanos,
    /// Host: until everything was enqueued; on the CPU the same as `host`.
    pub enqueue: Nanos,
    /// Device: from the first kernel's begin to the last one's end by the device's own timestamps. `None` is unknown: it
    /// was not asked for, or there are no timestamps, or they were missing, zero or ran backwards. Never zero.
    pub device: Option<Nanos>,
}

impl RunTimes {
    /// What the host itself computed: nothing is enqueued for anybody else.
    #[must_use]
    pub const fn on_host(host: Nanos) -> Self {
        Self { host, enqueue: host, device: None }
    }
}

/// Where the machine code of kernels comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum KernelCode {
    /// Compiled on this machine, for this card and these sizes.
    Compiled,
    /// Made beforehand for any card and any size, since there is no compiler here.
    Beforehand,
}

/// What a run notes besides the host's time.
#[derive(Debug)]
pub enum Marks<'a> {
    /// Nothing: what a headline is made of.
    None,
    /// [`RunTimes::device`], where the device has timestamps.
    Device,
    /// That, and each kernel's time: one for every kernel of the plan, in launch order; what was in the list is replaced.
    ///
    /// All are of one clock. Where the run returns [`RunTimes::device`], they are the device's; where that is `None`, the
    /// host's, which waits behind every kernel. An executable whose timestamps fail does the latter in this run (which it
    /// repeats) and in all later ones.
    Kernels(&'a mut Vec<Nanos>),
}

/// A network ready to run again and again on inputs of one shape.
pub trait Executable {
    /// Sets the input of the runs to come: `[batch, 3, height, width]`, f32, any device.
    ///
    /// # Errors
    /// Where the shape is not the graph's or the copy fails.
    fn set_input(&mut self, input: &Tensor) -> Result<(), RunError>;

    /// Runs once and returns when the result is complete. `clock` is the host's.
    ///
    /// # Errors
    /// Where the device or an operation fails.
    fn run(&mut self, clock: &dyn Clock, marks: Marks<'_>) -> Result<RunTimes, RunError>;

    /// The result of the last run, `[batch, classes]`, f32, on the host or on Candle's device. What it holds before the
    /// first run is not said.
    ///
    /// # Errors
    /// Where bringing it to the host fails.
    fn logits(&mut self) -> Result<&Tensor, RunError>;

    /// Host time to bring the input to the device and the result back; `None` where nothing is brought.
    ///
    /// # Errors
    /// Where the device fails.
    fn transfer(&mut self, _clock: &dyn Clock) -> Result<Option<Nanos>, RunError> {
        Ok(None)
    }

    /// Runs once; the result's values, row by row.
    ///
    /// # Errors
    /// As [`run`](Self::run) and [`logits`](Self::logits).
    fn infer(&mut self, clock: &dyn Clock) -> Result<Vec<f32>, RunError> {
        self.run(clock, Marks::None)?;
        Ok(self.logits()?.flatten_all()?.to_vec1()?)
    }

    /// The kernels that a run launches.
    fn plan(&self) -> &KernelPlan;

    /// CPU threads that a run uses, as the runtime knows it.
    fn threads(&self) -> usize;

    /// Why so many, where that was found by trying.
    fn thread_choice(&self) -> Option<&ThreadChoice> {
        None
    }

    /// Kernels that might run in a faster form, which there was no time yet to look for when the network was prepared;
    /// what is found is remembered, so that later networks have fewer of them.
    fn untuned(&self) -> usize {
        0
    }

    /// Where the machine code of the kernels comes from, where that is not always the same.
    fn kernel_code(&self) -> Option<KernelCode> {
        None
    }

    /// Instruction set of the kernels, where the runtime chooses it itself.
    fn instruction_set(&self) -> Option<Isa> {
        None
    }
}

/// The input that a fresh executable runs on: the same for every runtime, never zeros.
pub(in crate::runtime) fn made_up_input(shape: Shape) -> Vec<f32> {
    seeded_input(shape, 1)
}

/// Takes the host's time at each kernel boundary of a run.
#[expect(missing_debug_implementations, reason = "a clock has nothing to show")]
pub struct Stopwatch<'a> {
    clock: &'a dyn Clock,
    last: Nanos,
    kernels: &'a mut Vec<Nanos>,
}

impl<'a> Stopwatch<'a> {
    /// Starts now; `kernels` receives one duration per kernel.
    pub fn start(clock: &'a dyn Clock, kernels: &'a mut Vec<Nanos>) -> Self {
        kernels.clear();
        Self { last: clock.now(), clock, kernels }
    }

    /// The kernel that ran since the last mark is finished (the caller has waited for it).
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
    /// The device failed at its work; a cause of its own, so that it is found in whatever this becomes part of.
    #[error("{0}")]
    Fault(#[from] DeviceFault),
}

/// Checks that a tensor has the dimensions of a network's input.
///
/// # Errors
/// Both, where it does not.
pub(super) fn check_input(expected: Shape, input: &Tensor) -> Result<(), RunError> {
    if <[usize; 4]>::from(expected) == input.dims() {
        return Ok(());
    }
    Err(RunError::Input { expected, given: input.dims().to_vec() })
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
    /// More than the device binds or holds in one piece.
    #[error(
        "layer `{layer}` needs {needed} {what}, more than the {limit} that the device allows: lower batch or input, or \
         choose another device"
    )]
    Limit {
        /// Path of the layer.
        layer: String,
        /// Of what, with its unit: `bytes in one buffer`, `invocations in a workgroup`.
        what: &'static str,
        /// How much.
        needed: u64,
        /// How much there may be.
        limit: u64,
    },
    /// The driver does not take a kernel.
    #[error("layer `{layer}`: the driver refuses its shader ({message}); update the driver, or choose another device")]
    Shader {
        /// Path of the layer.
        layer: String,
        /// What the driver says.
        message: String,
    },
    /// The device has no kernel that computes a layer.
    #[error("layer `{layer}` has no kernel on this device: {message}")]
    NoKernel {
        /// Path of the layer.
        layer: String,
        /// Why, and the remedy.
        message: String,
    },
    /// The device failed at its work; a cause of its own, so that it is found in whatever this becomes part of.
    #[error("{0}")]
    Fault(#[from] DeviceFault),
    /// Candle's own failure.
    #[error(transparent)]
    Candle(#[from] candle_core::Error),
}
