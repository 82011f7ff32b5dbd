//! The immutable result of a measurement, as it is shown and exported.

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::apart::Apart;
use super::breakdown::{Breakdown, KernelLabel, clock_of};
use super::canary::CanaryReport;
use super::judge::{Evidence, warnings};
use super::precision_effect::PrecisionEffect;
use super::protocol::{Mode, Protocol};
use super::repeatability::{Repeatability, Scatter};
use super::samples::{Discard, ProcessSamples, SetAside, Stop};
use super::spread::{MedianRange, Spread};
use super::statistics::Sorted;
use super::usual_clock::at_usual_clock;
use super::{MeasureError, MeasureKey, WarmUp, Warning};
use crate::clock::{ClockDomain, TimerQuality};
use crate::design::Fingerprint;
use crate::device::{Conditions, DeviceId, Precision};
use crate::runtime::{Isa, KernelCode, RunOptions, Runtime, ThreadChoice};
use crate::units::Nanos;

/// What a design takes on a device. Its JSON form is a contract: times are whole nanoseconds, unknown is `null`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Measurement {
    /// What ran.
    pub design: Fingerprint,
    /// Where it ran.
    pub device: DeviceId,
    /// The implementation that ran.
    pub runtime: Runtime,
    /// What feature maps and weights were stored in; 32-bit floats in files of before 0.2.0.
    #[serde(default)]
    pub precision: Precision,
    /// CPU threads used, as the runtime reports them.
    pub threads: usize,
    /// CPU threads asked for.
    pub threads_asked: usize,
    /// Why so many of them were used, where that was found by trying; absent with one thread, on other runtimes than ours
    /// for the CPU, and in older files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread_choice: Option<ThreadChoice>,
    /// Instruction set of the kernels used, where the runtime tells it.
    pub instruction_set: Option<Isa>,
    /// Instruction set asked for; `None` for the best.
    pub instruction_set_asked: Option<Isa>,
    /// Where the kernels' machine code came from, where that is not always the same: on NVIDIA's GPUs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kernel_code: Option<KernelCode>,
    /// Images per run.
    pub batch: u32,
    /// How carefully it was measured.
    pub mode: Mode,
    /// The headline: unmarked runs.
    pub whole: Spread,
    /// What the interval of the headline rests on; unknown in files of version 0.1.
    #[serde(default)]
    pub repeatability: Option<Repeatability>,
    /// The time until the calls that enqueue a run returned; `None` on the CPU, where that is the whole time.
    pub enqueue: Option<Spread>,
    /// What a run takes by the device's own timestamps, from the first kernel's begin to the last one's end; `None` is
    /// unknown: there are no timestamps, or they cannot be believed.
    #[serde(default)]
    pub device_time: Option<MedianRange>,
    /// Host time to bring the input to the device and the result back, which no run contains; `None` where nothing is
    /// brought.
    #[serde(default)]
    pub transfer: Option<MedianRange>,
    /// The time of each kernel, from marked runs; `None` while there is no marked run.
    pub breakdown: Option<Breakdown>,
    /// The time of every layer on its own, where somebody asked for it.
    #[serde(default)]
    pub apart: Option<Apart>,
    /// What the precision does to the logits; absent where it is 32-bit floats, or the network is too large to be run in
    /// them for this alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub precision_effect: Option<PrecisionEffect>,
    /// How warm-up went: the slowest first run, and the sums over all processes.
    pub warm_up: WarmUp,
    /// The clock; the coarsest of all processes.
    pub timer: TimerQuality,
    /// What the canary saw.
    pub canary: CanaryReport,
    /// The machine's state meanwhile.
    pub conditions: Conditions,
    /// The raw samples.
    pub processes: Vec<ProcessRecord>,
    /// Samples left out, by cause; never by value.
    pub discarded: BTreeMap<Discard, u64>,
    /// Reasons to doubt this.
    pub warnings: Vec<Warning>,
    /// The numbers of the protocol.
    pub protocol: Protocol,
}

/// The raw samples of one process, without the kernels.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ProcessRecord {
    /// Unmarked samples in the order taken.
    pub whole_ns: Vec<Nanos>,
    /// Whole times of the breakdown's marked runs in the order taken, by the breakdown's clock.
    pub marked_whole_ns: Vec<Nanos>,
    /// Enqueue times of the unmarked samples; empty on the CPU.
    pub enqueue_ns: Vec<Nanos>,
    /// Device times of runs without marks at the kernels; empty where they are unknown.
    #[serde(default)]
    pub device_ns: Vec<Nanos>,
    /// How long input and result took to bring; empty where nothing is brought.
    #[serde(default)]
    pub transfer_ns: Vec<Nanos>,
    /// Runs that each unmarked sample is the average of.
    pub runs_per_sample: u64,
    /// Samples that something from outside got in the way of.
    #[serde(default)]
    pub set_aside: Vec<SetAside>,
    /// The canary's readings.
    pub canary_ns: Vec<Nanos>,
    /// How warm-up went.
    pub warm_up: WarmUp,
    /// CPU threads used.
    pub threads: usize,
    /// Why sampling ended; `None` where it still went on.
    pub stopped: Option<Stop>,
}

/// Under what circumstances the samples were taken.
#[derive(Clone, Debug, PartialEq)]
pub struct Circumstances {
    /// The design, options and protocol measured.
    pub key: MeasureKey,
    /// What the kernels of the plan are, in launch order.
    pub kernels: Vec<KernelLabel>,
    /// The machine's state meanwhile.
    pub conditions: Conditions,
    /// What earlier runs have shown of how runs differ on this machine.
    pub scatter: Option<Scatter>,
}

impl Measurement {
    /// Summarises what one or more processes measured. Pure: the same samples give an equal result.
    ///
    /// The interval of the headline says where the median of all fresh runs lies: from the medians of the processes, and
    /// from the scatter that earlier runs have shown.
    ///
    /// # Errors
    /// [`MeasureError::NoSamples`] where a process has no unmarked sample, [`MeasureError::Marks`] where a marked run
    /// does not have the plan's kernels.
    pub fn summarise(circumstances: &Circumstances, processes: &[ProcessSamples]) -> Result<Self, MeasureError> {
        let Circumstances { key: MeasureKey { design, options, protocol }, kernels, conditions, scatter } =
            circumstances;
        let every_clock = processes;
        let select = || {
            let usual = scatter.and_then(|scatter| scatter.canary);
            at_usual_clock(processes, usual, protocol.processes.minimum.min(processes.len()))
        };
        let (selected, off_clock) = match (protocol.mode == Mode::Rigorous).then(select) {
            None => (None, None),
            Some(Ok(selected)) => (Some(selected), None),
            Some(Err(ratio)) => (None, Some(ratio)),
        };
        let processes = selected.as_deref().unwrap_or(every_clock);
        let first = processes.first().ok_or(MeasureError::NoSamples)?;
        let (mut whole, repeatability) =
            spread(processes, ProcessSamples::headline, *scatter, Some(protocol.mode.assumed_scatter()))?;
        if let Some(ratio) = off_clock {
            whole.reach_to(whole.median.as_f64() / ratio.max(f64::MIN_POSITIVE));
        }
        // Marked runs are of every clock, and so is what they are compared with.
        let of_every_clock: Sorted = every_clock.iter().flat_map(|process| process.headline().into_owned()).collect();
        let of_every_clock = of_every_clock.median().ok_or(MeasureError::NoSamples)?;
        let enqueue = match options.device.is_gpu() {
            true => Some(spread(processes, ProcessSamples::headline_enqueue, None, None)?.0),
            false => None,
        };
        // Neither does the processor's clock matter to the device's.
        let device_time = device_time(every_clock);
        let transfer = MedianRange::of(every_clock.iter().flat_map(|process| process.transfer.iter().copied()));
        let breakdown = Breakdown::of(kernels, every_clock, (of_every_clock, device_time.map(|device| device.median)))?;
        let canary = CanaryReport::of(every_clock.iter().flat_map(|process| process.canary.iter().copied()));
        let timers = processes.iter().map(|process| process.timer);
        let timer = timers.max_by_key(|timer| timer.precision).unwrap_or(first.timer);
        let threads = processes.iter().map(|process| process.threads).max().unwrap_or(first.threads);
        let clock = clock_of(every_clock);
        let warnings = warnings(&Evidence {
            protocol,
            whole: &whole,
            enqueue: enqueue.as_ref(),
            device_time,
            breakdown: breakdown.as_ref(),
            canary: &canary,
            conditions,
            timer,
            threads,
            threads_asked: options.threads,
            processes,
            off_clock,
        });
        Ok(Self {
            design: design.clone(),
            device: options.device,
            runtime: options.runtime,
            precision: options.precision,
            threads,
            threads_asked: options.threads,
            thread_choice: first.thread_choice.clone(),
            instruction_set: first.instruction_set,
            instruction_set_asked: options.instruction_set,
            kernel_code: first.kernel_code,
            batch: options.batch,
            mode: protocol.mode,
            whole,
            repeatability: Some(repeatability),
            enqueue,
            device_time,
            transfer,
            breakdown,
            apart: None,
            precision_effect: None,
            warm_up: WarmUp::over(processes, first.warm_up),
            timer,
            canary,
            conditions: conditions.clone(),
            processes: processes.iter().map(|process| ProcessRecord::of(process, options.device, clock)).collect(),
            discarded: discarded(processes),
            warnings,
            protocol: *protocol,
        })
    }

    /// What the interval of the headline rests on, for people.
    #[must_use]
    pub fn interval_rests_on(&self) -> String {
        match self.repeatability {
            Some(repeatability) => {
                let counting = self.processes.iter().filter(|process| !process.whole_ns.is_empty());
                repeatability.describe(counting.count())
            }
            None => format!("{:.0} %", 100.0 * self.whole.coverage),
        }
    }

    /// Whether other programs got in the way so much that this says nothing of what the machine usually does.
    #[must_use]
    pub fn is_disturbed(&self) -> bool {
        let is_outside = |warning: &Warning| {
            matches!(
                warning,
                Warning::Disturbed { .. }
                    | Warning::BusyMachine { .. }
                    | Warning::CanaryDrift { .. }
                    | Warning::MoreThreadsThanCores { .. }
            )
        };
        self.warnings.iter().any(is_outside)
    }

    /// Why the device waits for the host, where it does.
    #[must_use]
    pub fn launch_bound(&self) -> Option<&Warning> {
        self.warnings.iter().find(|warning| matches!(warning, Warning::LaunchBound { .. }))
    }

    /// Whether too little of it ran at the processor's usual clock to be compared with other runs.
    #[must_use]
    pub fn is_off_the_usual_clock(&self) -> bool {
        self.warnings.iter().any(|warning| matches!(warning, Warning::ClockOff { .. }))
    }

    /// Everything that influenced this.
    #[must_use]
    pub fn key(&self) -> MeasureKey {
        let options = RunOptions {
            device: self.device,
            runtime: self.runtime,
            threads: self.threads_asked,
            batch: self.batch,
            instruction_set: self.instruction_set_asked,
            precision: self.precision,
        };
        MeasureKey { design: self.design.clone(), options, protocol: self.protocol }
    }
}

impl ProcessRecord {
    fn of(process: &ProcessSamples, device: DeviceId, clock: ClockDomain) -> Self {
        let marked = process.marked.iter().filter(|run| run.clock == clock);
        Self {
            whole_ns: process.whole.clone(),
            marked_whole_ns: marked.map(|run| run.whole).collect(),
            enqueue_ns: if device.is_gpu() { process.enqueue.clone() } else { Vec::new() },
            device_ns: if process.has_device_times() { process.device.clone() } else { Vec::new() },
            transfer_ns: process.transfer.clone(),
            runs_per_sample: process.runs_per_sample,
            set_aside: process.set_aside.clone(),
            canary_ns: process.canary.clone(),
            warm_up: process.warm_up,
            threads: process.threads,
            stopped: process.stopped,
        }
    }
}

impl WarmUp {
    /// All processes in one: the slowest first run, the sums of runs and times, settled if all did.
    fn over(processes: &[ProcessSamples], first: Self) -> Self {
        processes.iter().skip(1).map(|process| process.warm_up).fold(first, |all, one| Self {
            first_run: all.first_run.max(one.first_run),
            runs: all.runs + one.runs,
            time: all.time + one.time,
            settled: all.settled && one.settled,
        })
    }
}

/// The distribution over all processes.
fn spread(
    processes: &[ProcessSamples],
    times: fn(&ProcessSamples) -> Cow<'_, [Nanos]>,
    scatter: Option<Scatter>,
    assumed: Option<f64>,
) -> Result<(Spread, Repeatability), MeasureError> {
    // A process that never ran at the usual clock has no say.
    let counts = |process: &&ProcessSamples| process.counts().unmarked == 0 || !times(process).is_empty();
    let times: Vec<Cow<'_, [Nanos]>> = processes.iter().filter(counts).map(times).collect();
    Spread::of(&times.iter().map(AsRef::as_ref).collect::<Vec<&[Nanos]>>(), scatter, assumed)
}

/// What the device's timestamps say, where those of every process can be believed.
fn device_time(processes: &[ProcessSamples]) -> Option<MedianRange> {
    if !processes.iter().all(ProcessSamples::has_device_times) {
        return None;
    }
    let times: Vec<&[Nanos]> = processes.iter().map(|process| process.device.as_slice()).collect();
    Some(Spread::of(&times, None, None).ok()?.0.into())
}

fn discarded(processes: &[ProcessSamples]) -> BTreeMap<Discard, u64> {
    let mut all = BTreeMap::new();
    for (&cause, count) in processes.iter().flat_map(|process| &process.discarded) {
        *all.entry(cause).or_default() += count;
    }
    all
}

#[cfg(test)]
mod tests;
