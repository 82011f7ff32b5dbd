//! Takes the samples: warm-up first, then unmarked and marked runs with the canary between blocks.

use std::fmt;
use std::ops::ControlFlow;

use super::canary::clock_had_dropped;
use super::progress::Reporter;
use super::protocol::{Protocol, RunCounts, WarmUpRules};
use super::samples::{Discard, MarkedRun, ProcessSamples};
use super::schedule::Next;
use super::statistics::median;
use super::timed::{CLOCK_FAULTS_ALLOWED, kernel_run, marked_run, unmarked_runs};
use super::warm_up::{WarmUp, WarmingUp};
use super::within_run::within_run;
use super::{Canary, MeasureError, Phase, Progress, Watch};
use crate::clock::{Clock, ClockDomain};
use crate::runtime::{Executable, Marks};
use crate::units::Nanos;

/// Most runs in one batch, however coarse the clock.
pub(super) const LARGEST_BATCH: u64 = 10_000;

/// How often input and result are brought to the device and back, where they have to be.
const TRANSFERS: usize = 5;

/// What a measurement reads while it runs.
pub struct Instruments<'a> {
    /// The host's clock.
    pub clock: &'a dyn Clock,
    /// Fixed work that tells changes of the processor's clock.
    pub canary: &'a mut dyn Canary,
    /// Counters of what gets in the way.
    pub watch: &'a mut dyn Watch,
}

impl fmt::Debug for Instruments<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Instruments").field("timer", &self.clock.quality()).finish_non_exhaustive()
    }
}

/// Warms up and takes one process's share of samples: blocks with the canary before, between and after them.
///
/// The headline is timed on the host's clock, from the call until the result is complete. Where the device has
/// timestamps, each marked run has another one beside it of which the device times only the whole. `progress` is
/// called between runs: at most every 30 ms, and once as soon as a first result can be summarised. Keep it light, for
/// the run after it finds cold caches.
///
/// # Errors
/// Where a run fails, `progress` answers `Break`, or the clock is broken. Nothing is returned then: the samples so far
/// were given to `progress`.
pub fn sample(
    exe: &mut dyn Executable,
    protocol: &Protocol,
    instruments: Instruments<'_>,
    progress: &mut dyn FnMut(&Progress<'_>) -> ControlFlow<()>,
) -> Result<ProcessSamples, MeasureError> {
    let clock = instruments.clock;
    let mut reporter = Reporter::new(clock, progress);
    let (warm_up, typical_run) = warm_up(exe, protocol.warm_up, clock, &mut |fraction| {
        reporter.report(&Progress { phase: Phase::WarmUp, fraction, samples: None })
    })?;
    let runs_per_sample = runs_per_sample(typical_run, clock.quality().precision, protocol.sampling.ticks_per_sample);
    let mut samples = ProcessSamples::new(warm_up, clock.quality(), exe.threads(), runs_per_sample);
    samples.thread_choice = exe.thread_choice().cloned();
    samples.instruction_set = exe.instruction_set();
    samples.kernel_code = exe.kernel_code();
    samples.untuned = exe.untuned();
    while samples.transfer.len() < TRANSFERS {
        let Some(transfer) = exe.transfer(clock)? else { break };
        samples.transfer.push(transfer);
    }
    Sampler { exe, protocol, instruments, reporter }.fill(&mut samples)?;
    Ok(samples)
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
        let run = exe.run(clock, Marks::None)?;
        if let Some(report) = state.push(run.host, clock.now().since(start)) {
            return Ok((report, state.typical_run()));
        }
    }
}

/// Enough runs that a sample lasts `ticks` timer ticks; 1 where a single run does.
pub(super) fn runs_per_sample(run: Nanos, tick: Nanos, ticks: u64) -> u64 {
    tick.0.saturating_mul(ticks).div_ceil(run.0.max(1)).clamp(1, LARGEST_BATCH)
}

struct Sampler<'a, 'i> {
    exe: &'a mut dyn Executable,
    protocol: &'a Protocol,
    instruments: Instruments<'i>,
    reporter: Reporter<'a>,
}

/// Where a block of samples began.
#[derive(Clone, Copy)]
struct BlockStart {
    time: Nanos,
    /// Undisturbed unmarked samples before it.
    unmarked: usize,
}

impl Sampler<'_, '_> {
    fn fill(&mut self, samples: &mut ProcessSamples) -> Result<(), MeasureError> {
        let rules = self.protocol.sampling;
        let clock = self.instruments.clock;
        let start = clock.now();
        let mut block = self.begin_block(samples);
        let mut on_target = false;
        loop {
            let now = clock.now();
            let (done, elapsed) = (samples.counts(), now.since(start));
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
                _ if now.since(block.time) >= rules.canary_spacing => {
                    block = self.next_block(block, samples);
                    on_target = self.is_on_target(samples);
                }
                Next::Unmarked => self.unmarked(samples)?,
                Next::Marked => self.marked(samples)?,
            }
        }
        self.next_block(block, samples);
        Ok(())
    }

    /// Runs the canary; a block begins when it is done.
    fn begin_block(&mut self, samples: &mut ProcessSamples) -> BlockStart {
        let Instruments { clock, canary, .. } = &mut self.instruments;
        samples.canary.push(canary.run(*clock));
        samples.samples_before_canary.push(samples.whole.len());
        BlockStart { time: clock.now(), unmarked: samples.whole.len() }
    }

    /// Ends a block with the canary, and sets it aside where the processor's clock had dropped.
    fn next_block(&mut self, block: BlockStart, samples: &mut ProcessSamples) -> BlockStart {
        let next = self.begin_block(samples);
        if !clock_had_dropped(&samples.canary) {
            return next;
        }
        samples.set_aside_block(block.unmarked, samples.whole.len(), Discard::ClockDrop);
        if let Some(before) = samples.samples_before_canary.last_mut() {
            *before = samples.whole.len();
        }
        BlockStart { unmarked: samples.whole.len(), ..next }
    }

    fn unmarked(&mut self, samples: &mut ProcessSamples) -> Result<(), MeasureError> {
        let Instruments { clock, watch, .. } = &mut self.instruments;
        let before = watch.read();
        let times = unmarked_runs(self.exe, *clock, samples.runs_per_sample)?;
        let after = watch.read();
        let Some(times) = times else { return spoiled(samples) };
        match before.cause_until(&after) {
            Some(cause) => samples.set_aside(cause, times.host, times.enqueue),
            None => {
                samples.whole.push(times.host);
                samples.enqueue.push(times.enqueue);
            }
        }
        Ok(())
    }

    fn marked(&mut self, samples: &mut ProcessSamples) -> Result<(), MeasureError> {
        let mut kernels = Vec::with_capacity(self.exe.plan().kernels.len());
        let Some(times) = kernel_run(self.exe, self.instruments.clock, &mut kernels)? else { return spoiled(samples) };
        let (whole, clock) = match times.device {
            Some(device) => (device, ClockDomain::Device),
            None => (times.host, ClockDomain::Host),
        };
        samples.marked.push(MarkedRun { whole, kernels, clock });
        match clock {
            ClockDomain::Device => self.device(samples),
            ClockDomain::Host => {
                // It had timestamps before.
                if !samples.device.is_empty() {
                    samples.discard(Discard::NoTimestamps);
                }
                Ok(())
            }
        }
    }

    /// A run that the device times as a whole, without what marking its kernels costs.
    fn device(&mut self, samples: &mut ProcessSamples) -> Result<(), MeasureError> {
        let Some(times) = marked_run(self.exe, self.instruments.clock, Marks::Device)? else {
            return spoiled(samples);
        };
        match times.device {
            Some(device) => samples.device.push(device),
            None => samples.discard(Discard::NoTimestamps),
        }
        Ok(())
    }

    /// Whether this process's own interval is narrow enough to stop early.
    fn is_on_target(&self, samples: &ProcessSamples) -> bool {
        let times = samples.headline();
        let half_width =
            median(&times).zip(within_run(&[&times])).map(|(median, interval)| interval.half_width(median));
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
