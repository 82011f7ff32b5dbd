//! What a network is compiled for and runs on: a card, or in tests what plays one.

use std::fmt;

use super::kernels::{GpuKernel, ImageStrides, Source, Variant};
use crate::runtime::DeviceFault;
use crate::runtime::gpu::choices::Choice;
use crate::runtime::plan::KernelSpec;

/// What is known of a card before anything is on it.
pub(super) trait Machine {
    /// Bytes of the card's memory.
    fn memory(&self) -> u64;

    /// The forms of a kernel that can be had here, best guess first.
    fn variants(&self, kernel: &GpuKernel) -> Vec<Variant>;

    /// What was measured of a kernel.
    fn choice(&self, kernel: &KernelSpec, strides: ImageStrides) -> Option<Choice<Variant>>;

    /// Compiles texts together, so that all threads have work. What fails shows in [`takes`](Self::takes).
    fn compile_all(&self, sources: &[&Source]);

    /// Whether the card runs a text.
    ///
    /// # Errors
    /// Why it does not ([`Untaken::Text`]), or what the card has come to.
    fn takes(&self, source: &Source) -> Result<(), Untaken>;
}

/// Why a text does not run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Untaken {
    /// Compiler or driver refuse it: another form may do.
    Text(String),
    /// The card fails.
    Fault(DeviceFault),
}

/// Which times of the device's own clock a run takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stamps {
    /// None.
    None,
    /// Before the first kernel and after the last.
    Whole,
    /// Before and after each kernel.
    Each,
}

/// A network with its weights where it runs.
pub(super) trait Board: fmt::Debug + Send {
    /// Writes to a bank from a byte on, and waits.
    fn write(&mut self, bank: usize, at: u64, bytes: &[u8]) -> Result<(), DeviceFault>;

    /// Reads from a bank from a byte on, and waits.
    fn read(&mut self, bank: usize, at: u64, bytes: &mut [u8]) -> Result<(), DeviceFault>;

    /// Enqueues all kernels. Where it has no clock for the stamps it need not: whoever asks runs again without.
    fn start(&mut self, stamps: Stamps) -> Result<(), DeviceFault>;

    /// Enqueues one kernel.
    fn step(&mut self, index: usize) -> Result<(), DeviceFault>;

    /// Waits until everything is done.
    fn wait(&mut self) -> Result<(), DeviceFault>;

    /// What the last run's stamps were, in nanoseconds from any time on: a begin and an end for each interval. Empty where
    /// there is no clock.
    fn stamps(&mut self) -> Result<Vec<u64>, DeviceFault>;
}
