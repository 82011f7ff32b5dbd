//! Finds the reasons to doubt a measurement: what its intervals do not already say.

use super::breakdown::Breakdown;
use super::canary::CanaryReport;
use super::protocol::Protocol;
use super::spread::{MedianRange, Spread};
use super::warning::Warning;
use super::{Discard, Mode, ProcessSamples};
use crate::clock::TimerQuality;
use crate::device::{Conditions, CoreKind};
use crate::runtime::KernelCode;
use crate::units::Nanos;

/// Marked over unmarked time above which the breakdown is doubtful.
const MARKING_OVERHEAD: f64 = 1.05;
/// Canary drift that is told: less is within what fresh runs differ by, which the interval says.
const CANARY_DRIFT: f64 = 0.10;
/// Share of the processor in other programs' hands that is told.
const BUSY_SHARE: f64 = 0.10;
/// Enqueue over whole time from which a device waits for the host, where its own time is not known.
const LAUNCH_BOUND: f64 = 0.95;
/// Host over device time above which it is told where the rest goes.
const FAR_FROM_DEVICE: f64 = 1.5;
/// How many times rigorous mode's target a half-width may be before it is told.
const FAR_FROM_TARGET: f64 = 5.0;

/// The numbers that doubts come from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Evidence<'a> {
    pub protocol: &'a Protocol,
    pub whole: &'a Spread,
    pub enqueue: Option<&'a Spread>,
    pub device_time: Option<MedianRange>,
    pub breakdown: Option<&'a Breakdown>,
    pub canary: &'a CanaryReport,
    pub conditions: &'a Conditions,
    pub timer: TimerQuality,
    /// CPU threads used, and asked for.
    pub threads: usize,
    pub threads_asked: usize,
    /// The processes that count.
    pub processes: &'a [ProcessSamples],
    /// What the canary took relative to its usual time, where too little ran at the usual clock.
    pub off_clock: Option<f64>,
}

/// All warnings that the numbers call for, the weightiest first.
pub(super) fn warnings(evidence: &Evidence<'_>) -> Vec<Warning> {
    let m = evidence;
    let (processes, off_clock) = (m.processes, m.off_clock);
    let within = m.whole.half_width_within_run().unwrap_or_default();
    let certain = m.whole.within_run.map_or(m.whole.coverage, |within| within.coverage);
    let half_width = m.whole.half_width();
    // What the interval of fresh runs says already is no news.
    let told = if m.whole.is_repeatable() { half_width } else { 0.0 };
    let rough = m.protocol.rough_half_width.max(told);
    let target = m.protocol.processes.half_width.filter(|_| m.protocol.mode == Mode::Rigorous);
    let minimum = m.protocol.processes.minimum;
    let unsettled = processes.iter().map(|process| process.warm_up).find(|warm_up| !warm_up.settled);
    let runs_per_sample = processes.iter().map(|process| process.runs_per_sample).max().unwrap_or(1);
    // A GPU is fed by one thread, whatever was asked for.
    let used = processes.iter().map(|process| process.threads).find(|&used| used != m.threads_asked);
    // Threads that did not help were left out on purpose, which is told as a fact; cores that are not there are news.
    let left_out = |process: &ProcessSamples| {
        let choice = process.thread_choice.as_ref();
        choice.is_some_and(|choice| choice.used == process.threads && choice.asked <= choice.cores)
    };
    let used = used.filter(|_| m.enqueue.is_none() && !processes.iter().all(left_out));
    let untuned = processes.iter().map(|process| process.untuned).max().unwrap_or(0);

    let found = [
        m.conditions.emulator.clone().map(|by| Warning::Emulated { by }),
        (certain < 0.95).then_some(Warning::FewSamples { samples: m.whole.samples, coverage: certain }),
        (within > rough).then_some(Warning::Rough { half_width: within }),
        target
            .filter(|&target| half_width > FAR_FROM_TARGET * target)
            .map(|target| Warning::TargetNotReached { half_width, target }),
        (processes.len() < minimum).then_some(Warning::FewProcesses { processes: processes.len(), minimum }),
        unsettled.map(|warm_up| Warning::NotSettled { runs: warm_up.runs, time: warm_up.time }),
        disturbed(processes),
        off_clock.map(|ratio| Warning::ClockOff { ratio }),
        m.canary.drift.filter(|drift| drift.abs() > CANARY_DRIFT).map(|drift| Warning::CanaryDrift { drift }),
        m.conditions.others_cpu_share.filter(|&share| share > BUSY_SHARE).map(|share| Warning::BusyMachine { share }),
        throttled(m.conditions),
        m.breakdown
            .and_then(|breakdown| breakdown.marking_overhead)
            // Beyond what the run's own median is known to.
            .filter(|&ratio| ratio > MARKING_OVERHEAD * (1.0 + within))
            .map(|ratio| Warning::MarkingOverhead { ratio }),
        m.enqueue.and_then(|enqueue| device(m.whole.median, enqueue.median, m.device_time.map(|time| time.median))),
        processes
            .iter()
            .any(|process| process.kernel_code == Some(KernelCode::Beforehand))
            .then_some(Warning::KernelsMadeBeforehand),
        (untuned > 0).then_some(Warning::Untuned { kernels: untuned }),
        (runs_per_sample > 1).then_some(Warning::CoarseTimer { precision: m.timer.precision, runs_per_sample }),
        used.map(|used| Warning::ThreadsDiffer { asked: m.threads_asked, used }),
        mixed_cores(m.conditions, m.threads).filter(|_| m.enqueue.is_none()),
        m.conditions
            .usable_cores
            .filter(|&cores| m.threads > cores)
            .map(|cores| Warning::MoreThreadsThanCores { threads: m.threads, cores }),
    ];
    found.into_iter().flatten().collect()
}

/// More threads than there are fastest cores to keep them to.
fn mixed_cores(conditions: &Conditions, threads: usize) -> Option<Warning> {
    let kinds = &conditions.cores;
    let fastest = kinds.first().filter(|_| kinds.len() > 1)?.cores.len();
    (threads > fastest).then(|| Warning::MixedCores { threads, kinds: CoreKind::describe_all(kinds), fastest })
}

/// A card that held its clocks down at any reading.
fn throttled(conditions: &Conditions) -> Option<Warning> {
    let card = conditions.card.as_ref().filter(|card| card.throttled == Some(true))?;
    Some(Warning::CardThrottled { by: card.causes(), sm_clock_mhz: card.sm_clock_mhz })
}

/// What keeps a device from its work: it waits for the host (enqueuing takes as long as the work), or the
/// host's time is far above its own.
fn device(whole: Nanos, enqueue: Nanos, device: Option<Nanos>) -> Option<Warning> {
    let Some(device) = device else {
        let ratio = enqueue.share_of(whole);
        return (ratio >= LAUNCH_BOUND).then_some(Warning::LaunchBound { ratio, device_time: None });
    };
    if enqueue >= device {
        Some(Warning::LaunchBound { ratio: enqueue.share_of(device), device_time: Some(device) })
    } else if whole.as_f64() > FAR_FROM_DEVICE * device.as_f64() {
        Some(Warning::HostLatency { whole, device_time: device, enqueue })
    } else {
        None
    }
}

/// The cause that disturbed the largest doubtful share of all samples.
fn disturbed(processes: &[ProcessSamples]) -> Option<Warning> {
    let all: usize = processes.iter().map(|process| process.counts().unmarked).sum();
    let share = |cause| {
        let times = processes.iter().flat_map(|process| &process.set_aside).filter(|sample| sample.cause == cause);
        times.count() as f64 / all.max(1) as f64
    };
    let causes = [Discard::Preempted, Discard::Repaint, Discard::ClockDrop];
    causes
        .into_iter()
        .map(|cause| (cause, share(cause)))
        .filter(|&(cause, share)| share > cause.doubtful_share())
        .max_by(|(_, a), (_, b)| a.total_cmp(b))
        .map(|(cause, share)| Warning::Disturbed { cause, share })
}
