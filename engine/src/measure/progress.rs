//! What a measurement tells while it runs.

use std::ops::ControlFlow;

use super::{MeasureError, ProcessSamples, Protocol};
use crate::clock::Clock;
use crate::units::Nanos;

/// Where a measurement stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Running without keeping times.
    WarmUp,
    /// Taking samples.
    Sampling,
}

/// One report, made between two runs.
#[derive(Debug)]
pub struct Progress<'a> {
    /// What is going on.
    pub phase: Phase,
    /// How much of the phase's budget is used, 0 to 1.
    pub fraction: f64,
    /// The samples so far; `None` during warm-up. They can be summarised at any time.
    pub samples: Option<&'a ProcessSamples>,
}

impl Progress<'_> {
    /// Whether enough samples are in for a first result.
    #[must_use]
    pub fn has_first_result(&self) -> bool {
        self.samples.is_some_and(|samples| samples.counts().total() >= FIRST_RESULT)
    }

    /// How far a process is by the protocol's budgets, from 0 to 1, and how much time is left of them.
    #[must_use]
    pub fn standing(&self, protocol: &Protocol) -> (f64, Nanos) {
        let (warm_up, sampling) = (protocol.warm_up.maximum_time, protocol.sampling.maximum_time);
        let part = |time: Nanos| Nanos((time.as_f64() * self.fraction.clamp(0.0, 1.0)) as u64);
        let spent = match self.phase {
            Phase::WarmUp => part(warm_up),
            Phase::Sampling => warm_up + part(sampling),
        };
        let whole = warm_up + sampling;
        (spent.share_of(whole), whole.since(spent))
    }
}

/// Samples after which a first result is published.
const FIRST_RESULT: usize = 5;

/// Time between two reports.
const SPACING: Nanos = Nanos::from_millis(30);

/// Passes reports on, not too often, and turns the answer `Break` into [`MeasureError::Cancelled`].
pub(super) struct Reporter<'a> {
    clock: &'a dyn Clock,
    last: Option<Nanos>,
    told_first_result: bool,
    to: &'a mut dyn FnMut(&Progress<'_>) -> ControlFlow<()>,
}

impl<'a> Reporter<'a> {
    pub(super) fn new(clock: &'a dyn Clock, to: &'a mut dyn FnMut(&Progress<'_>) -> ControlFlow<()>) -> Self {
        Self { clock, last: None, told_first_result: false, to }
    }

    /// Reports if the last report is long enough ago, or if this is the first one with a first result.
    pub(super) fn report(&mut self, progress: &Progress<'_>) -> Result<(), MeasureError> {
        let now = self.clock.now();
        let is_first_result = progress.has_first_result() && !self.told_first_result;
        if !is_first_result && self.last.is_some_and(|last| now.since(last) < SPACING) {
            return Ok(());
        }
        self.told_first_result |= is_first_result;
        self.last = Some(now);
        match (self.to)(progress) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(MeasureError::Cancelled),
        }
    }
}
