//! Finds the reasons to doubt a measurement.

use super::measurement::Measurement;
use super::statistics::Sorted;
use super::warning::Warning;
use super::{Mode, ProcessSamples};
use crate::units::Nanos;

/// Marked over unmarked time above which the breakdown is doubtful.
const MARKING_OVERHEAD: f64 = 1.05;
/// Canary drift that is told.
const CANARY_DRIFT: f64 = 0.03;
/// Share of the processor in other programs' hands that is told.
const BUSY_SHARE: f64 = 0.10;
/// Difference between processes' medians that is told.
const PROCESS_SPREAD: f64 = 0.05;
/// Enqueue over whole time from which a device waits for the host.
const LAUNCH_BOUND: f64 = 0.95;

/// All warnings that the numbers call for, the weightiest first.
pub(super) fn warnings(measurement: &Measurement, processes: &[ProcessSamples]) -> Vec<Warning> {
    let m = measurement;
    let half_width = m.whole.half_width();
    let target = m.protocol.sampling.early.filter(|_| m.mode == Mode::Rigorous).map(|early| early.half_width);
    let minimum = m.protocol.processes.minimum;
    let unsettled = processes.iter().map(|process| process.warm_up).find(|warm_up| !warm_up.settled);
    let launch = m.enqueue.map(|enqueue| enqueue.median.share_of(m.whole.median));
    let runs_per_sample = processes.iter().map(|process| process.runs_per_sample).max().unwrap_or(1);
    let used = processes.iter().map(|process| process.threads).find(|&used| used != m.threads_asked);

    let found = [
        (m.whole.coverage < 0.95)
            .then_some(Warning::FewSamples { samples: m.whole.samples, coverage: m.whole.coverage }),
        (half_width > m.protocol.rough_half_width).then_some(Warning::Rough { half_width }),
        target.filter(|&target| half_width > target).map(|target| Warning::TargetNotReached { half_width, target }),
        (processes.len() < minimum).then_some(Warning::FewProcesses { processes: processes.len(), minimum }),
        unsettled.map(|warm_up| Warning::NotSettled { runs: warm_up.runs, time: warm_up.time }),
        m.canary.drift.filter(|drift| drift.abs() > CANARY_DRIFT).map(|drift| Warning::CanaryDrift { drift }),
        m.conditions.others_cpu_share.filter(|&share| share > BUSY_SHARE).map(|share| Warning::BusyMachine { share }),
        spread(processes, m.whole.median)
            .filter(|&spread| spread > PROCESS_SPREAD)
            .map(|spread| Warning::SpreadBetweenProcesses { spread }),
        m.breakdown
            .as_ref()
            .and_then(|breakdown| breakdown.marking_overhead)
            .filter(|&ratio| ratio > MARKING_OVERHEAD)
            .map(|ratio| Warning::MarkingOverhead { ratio }),
        launch.filter(|&ratio| ratio >= LAUNCH_BOUND).map(|ratio| Warning::LaunchBound { ratio }),
        (runs_per_sample > 1).then_some(Warning::CoarseTimer { precision: m.timer.precision, runs_per_sample }),
        used.map(|used| Warning::ThreadsDiffer { asked: m.threads_asked, used }),
        m.conditions
            .usable_cores
            .filter(|&cores| m.threads > cores)
            .map(|cores| Warning::MoreThreadsThanCores { threads: m.threads, cores }),
    ];
    found.into_iter().flatten().collect()
}

/// Largest less smallest median of the processes, relative to the median of all; `None` for a single process.
fn spread(processes: &[ProcessSamples], median: Nanos) -> Option<f64> {
    let medians: Vec<Nanos> = processes.iter().filter_map(|process| Sorted::new(&process.whole).median()).collect();
    let (smallest, largest) = (medians.iter().min()?, medians.iter().max()?);
    (medians.len() > 1).then(|| largest.since(*smallest).share_of(median))
}
