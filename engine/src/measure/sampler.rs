//! Takes the samples: warm-up first, then unmarked and marked runs with the canary between blocks.

use std::ops::ControlFlow;

use thiserror::Error;

use super::progress::Reporter;
use super::protocol::{Protocol, RunCounts, WarmUpRules};
use super::samples::{Discard, MarkedRun, ProcessSamples};
use super::schedule::Next;
use super::statistics::Sorted;
use super::warm_up::{WarmUp, WarmingUp};
use super::{Canary, Clock, Phase, Progress};
use crate::runtime::{Executable, Marks, RunError};
use crate::units::Nanos;

/// Why there is no measurement.
#[derive(Debug, Error)]
pub enum MeasureError {
    /// A run failed.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The progress callback asked to stop.
    #[error("the measurement was cancelled")]
    Cancelled,
    /// The runtime marked other kernels than it planned.
    #[error("the runtime marked {marked} kernels, its plan has {planned}: this is a bug of the runtime")]
    Marks {
        /// Kernels in the plan.
        planned: usize,
        /// Marks made in one run.
        marked: usize,
    },
    /// Nothing to summarise.
    #[error("there are no samples to summarise")]
    NoSamples,
    /// The clock cannot be used.
    #[error("the clock went backwards in {times} samples: check the machine's time source")]
    Clock {
        /// Samples discarded for it.
        times: u64,
    },
}

/// Samples that a clock going backwards may spoil before the measurement is given up.
pub(super) const CLOCK_FAULTS_ALLOWED: u64 = 20;

/// Most runs in one batch, however coarse the clock.
pub(super) const LARGEST_BATCH: u64 = 10_000;

/// Warms up and takes one process's share of samples.
///
/// Everything is timed on the host's clock with the device synchronised before and after each sample. `progress` is
/// called between runs: at most every 30 ms, and once as soon as a first result can be summarised. Keep it light, for
/// the run after it finds cold caches.
///
/// # Errors
/// Where a run fails, `progress` answers `Break`, or the clock is broken. Nothing is returned then: the samples so far
/// were given to `progress`.
pub fn sample(
    exe: &mut dyn Executable,
    protocol: &Protocol,
    clock: &dyn Clock,
    canary: &mut dyn Canary,
    progress: &mut dyn FnMut(&Progress<'_>) -> ControlFlow<()>,
) -> Result<ProcessSamples, MeasureError> {
    let mut reporter = Reporter::new(clock, progress);
    let (warm_up, typical_run) = warm_up(exe, protocol.warm_up, clock, &mut |fraction| {
        reporter.report(&Progress { phase: Phase::WarmUp, fraction, samples: None })
    })?;
    let runs_per_sample = runs_per_sample(typical_run, clock.quality().precision, protocol.sampling.ticks_per_sample);
    let mut samples = ProcessSamples::new(warm_up, clock.quality(), exe.threads(), runs_per_sample);
    samples.instruction_set = exe.instruction_set();
    Sampler { exe, protocol, clock, canary, reporter }.fill(&mut samples)?;
    Ok(samples)
}

/// Adds another round of samples to those of an earlier one in the same process, without warming up again: how live
/// mode narrows its interval while nothing else is asked for.
///
/// # Errors
/// As [`sample`]; `samples` then holds what was taken until the failure.
pub fn refine(
    exe: &mut dyn Executable,
    protocol: &Protocol,
    clock: &dyn Clock,
    canary: &mut dyn Canary,
    samples: &mut ProcessSamples,
    progress: &mut dyn FnMut(&Progress<'_>) -> ControlFlow<()>,
) -> Result<(), MeasureError> {
    Sampler { exe, protocol, clock, canary, reporter: Reporter::new(clock, progress) }.fill(samples)
}

/// Runs until the times are steady; the report, and what a run takes then. `tell` hears between runs how much of the
/// longest warm-up is over.
pub(super) fn warm_up(
    exe: &mut dyn Executable,
    rules: WarmUpRules,
    clock: &dyn Clock,
    tell: &mut dyn FnMut(f64) -> Result<(), MeasureError>,
) -> Result<(WarmUp, Nanos), MeasureError> {
    let mut state = WarmingUp::new(rules);
    let start = clock.now();
    loop {
        tell(state.fraction(clock.now().since(start)))?;
        exe.synchronize()?;
        let begin = clock.now();
        exe.run()?;
        exe.synchronize()?;
        let end = clock.now();
        if let Some(report) = state.push(end.since(begin), end.since(start)) {
            return Ok((report, state.typical_run()));
        }
    }
}

/// Enough runs that a sample lasts `ticks` timer ticks; 1 where a single run does.
pub(super) fn runs_per_sample(run: Nanos, tick: Nanos, ticks: u64) -> u64 {
    tick.0.saturating_mul(ticks).div_ceil(run.0.max(1)).clamp(1, LARGEST_BATCH)
}

struct Sampler<'a> {
    exe: &'a mut dyn Executable,
    protocol: &'a Protocol,
    clock: &'a dyn Clock,
    canary: &'a mut dyn Canary,
    reporter: Reporter<'a>,
}

impl Sampler<'_> {
    /// Takes a round of samples: blocks with the canary before, between and after them.
    fn fill(&mut self, samples: &mut ProcessSamples) -> Result<(), MeasureError> {
        let rules = self.protocol.sampling;
        let (start, before) = (self.clock.now(), samples.counts());
        let mut block_start = self.listen(samples);
        let mut on_target = false;
        samples.stopped = None;
        loop {
            let now = self.clock.now();
            let (done, elapsed) = (counts_since(samples, before), now.since(start));
            self.reporter.report(&Progress {
                phase: Phase::Sampling,
                fraction: self.fraction(done, elapsed),
                samples: Some(samples),
            })?;
            match rules.next(done, elapsed, on_target) {
                Next::Stop(stop) => {
                    samples.stopped = Some(stop);
                    break;
                }
                _ if now.since(block_start) >= rules.canary_spacing => {
                    block_start = self.listen(samples);
                    on_target = self.is_on_target(samples);
                }
                Next::Unmarked => self.unmarked(samples)?,
                Next::Marked => self.marked(samples)?,
            }
        }
        self.listen(samples);
        Ok(())
    }

    /// Runs the canary; the time it ended.
    fn listen(&mut self, samples: &mut ProcessSamples) -> Nanos {
        samples.canary.push(self.canary.run(self.clock));
        self.clock.now()
    }

    fn unmarked(&mut self, samples: &mut ProcessSamples) -> Result<(), MeasureError> {
        let runs = samples.runs_per_sample;
        self.exe.synchronize()?;
        let start = self.clock.now();
        for _ in 0..runs {
            self.exe.run()?;
        }
        let enqueued = self.clock.now();
        self.exe.synchronize()?;
        let end = self.clock.now();
        if went_back(start, enqueued, end) {
            return spoiled(samples);
        }
        samples.whole.push(Nanos(end.since(start).0 / runs));
        samples.enqueue.push(Nanos(enqueued.since(start).0 / runs));
        Ok(())
    }

    fn marked(&mut self, samples: &mut ProcessSamples) -> Result<(), MeasureError> {
        let planned = self.exe.plan().kernels.len();
        let mut kernels = Vec::with_capacity(planned);
        self.exe.synchronize()?;
        let start = self.clock.now();
        self.exe.run_marked(&mut Marks::start(self.clock, &mut kernels))?;
        let marked = self.clock.now();
        self.exe.synchronize()?;
        let end = self.clock.now();
        if kernels.len() != planned {
            return Err(MeasureError::Marks { planned, marked: kernels.len() });
        }
        if went_back(start, marked, end) {
            return spoiled(samples);
        }
        samples.marked.push(MarkedRun { whole: end.since(start), kernels });
        Ok(())
    }

    /// Whether this process's own interval is narrow enough to stop early.
    fn is_on_target(&self, samples: &ProcessSamples) -> bool {
        let times = Sorted::new(&samples.whole);
        let half_width =
            times.median().zip(times.median_interval()).map(|(median, interval)| interval.half_width(median));
        match (self.protocol.sampling.early, half_width) {
            (Some(early), Some(half_width)) => half_width <= early.half_width,
            _ => false,
        }
    }

    fn fraction(&self, done: RunCounts, elapsed: Nanos) -> f64 {
        let rules = &self.protocol.sampling;
        let of_samples = done.total() as f64 / rules.maximum_samples.max(1) as f64;
        elapsed.share_of(rules.maximum_time).max(of_samples).min(1.0)
    }
}

fn counts_since(samples: &ProcessSamples, before: RunCounts) -> RunCounts {
    let now = samples.counts();
    RunCounts { unmarked: now.unmarked - before.unmarked, marked: now.marked - before.marked }
}

pub(super) const fn went_back(start: Nanos, middle: Nanos, end: Nanos) -> bool {
    middle.0 < start.0 || end.0 < middle.0
}

/// Counts a sample that the clock spoiled; too many of them end the measurement, which would never get anywhere.
fn spoiled(samples: &mut ProcessSamples) -> Result<(), MeasureError> {
    samples.discard(Discard::ClockWentBack);
    match samples.discarded.get(&Discard::ClockWentBack) {
        Some(&times) if times > CLOCK_FAULTS_ALLOWED => Err(MeasureError::Clock { times }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
