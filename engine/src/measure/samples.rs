//! The raw times that one process took; nothing is left out by value.

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::WarmUp;
use super::protocol::RunCounts;
use crate::clock::{ClockDomain, TimerQuality};
use crate::runtime::{Isa, KernelCode, ThreadChoice};
use crate::units::Nanos;

/// What one process measured. Sent between processes as it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ProcessSamples {
    /// Whole times of unmarked runs, in the order taken: the headline.
    #[serde(rename = "whole_ns")]
    pub whole: Vec<Nanos>,
    /// How long the calls that enqueued each of those runs took; on the CPU this is the whole time.
    #[serde(rename = "enqueue_ns")]
    pub enqueue: Vec<Nanos>,
    /// Marked runs, in the order taken: the breakdown.
    pub marked: Vec<MarkedRun>,
    /// Device times of further runs beside the marked ones, whose kernels were not marked; empty where the device has no
    /// timestamps.
    #[serde(default, rename = "device_ns")]
    pub device: Vec<Nanos>,
    /// How long input and result took to bring to the device and back; empty where nothing is brought.
    #[serde(default, rename = "transfer_ns")]
    pub transfer: Vec<Nanos>,
    /// Runs that each unmarked sample is the average of; above 1 only where one run is too short for the timer.
    pub runs_per_sample: u64,
    /// How warm-up went.
    pub warm_up: WarmUp,
    /// The canary's times, between blocks.
    #[serde(rename = "canary_ns")]
    pub canary: Vec<Nanos>,
    /// How many undisturbed samples there were when each reading of the canary was taken.
    #[serde(default)]
    pub samples_before_canary: Vec<usize>,
    /// The clock that timed this.
    pub timer: TimerQuality,
    /// CPU threads used, as the runtime reports them.
    pub threads: usize,
    /// Why so many, where that was found by trying.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread_choice: Option<ThreadChoice>,
    /// Instruction set of the kernels, where the runtime tells it.
    #[serde(default)]
    pub instruction_set: Option<Isa>,
    /// Where the kernels' machine code comes from, where that is not always the same.
    #[serde(default)]
    pub kernel_code: Option<KernelCode>,
    /// Kernels that might run in a faster form, which there was no time yet to look for.
    #[serde(default)]
    pub untuned: usize,
    /// Why sampling ended; `None` while it goes on.
    pub stopped: Option<Stop>,
    /// Samples that something from outside got in the way of: left out of the headline while enough others are there.
    #[serde(default)]
    pub set_aside: Vec<SetAside>,
    /// Samples left out, by cause; never by value. Those set aside are among them.
    pub discarded: BTreeMap<Discard, u64>,
}

/// An unmarked sample that was disturbed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SetAside {
    /// By what.
    pub cause: Discard,
    /// How long the run took.
    #[serde(rename = "whole_ns")]
    pub whole: Nanos,
    /// How long the calls that enqueued it took.
    #[serde(rename = "enqueue_ns")]
    pub enqueue: Nanos,
}

/// One run with a reading of one clock at every kernel boundary.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MarkedRun {
    /// From before the first kernel to after the last.
    #[serde(rename = "whole_ns")]
    pub whole: Nanos,
    /// Each kernel's time, in launch order.
    #[serde(rename = "kernels_ns")]
    pub kernels: Vec<Nanos>,
    /// The clock of all these times.
    #[serde(default)]
    pub clock: ClockDomain,
}

/// Why sampling ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Stop {
    /// The interval became narrow enough.
    Target,
    /// As many samples as the protocol allows.
    Samples,
    /// Time was up.
    Time,
}

/// Why a sample was left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Discard {
    /// The clock stood earlier after the run than before it.
    ClockWentBack,
    /// The system took a core away meanwhile, as it counts itself.
    Preempted,
    /// The window painted meanwhile.
    Repaint,
    /// The processor's clock had dropped: fixed work beside the run took more than 10 % longer than before.
    ClockDrop,
    /// The processor's clock was not the usual one: fixed work beside the run was more than 2 % off what it usually takes
    /// on this machine. In rigorous mode alone.
    ClockOff,
    /// The device's timestamps of the run were missing, zero or ran backwards, though others were not: none of them is
    /// believed.
    NoTimestamps,
}

impl Discard {
    /// What happened, for people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ClockWentBack => "the time source went backwards",
            Self::Preempted => "the system took a core away",
            Self::Repaint => "the window painted",
            Self::ClockDrop => "the processor's clock had dropped",
            Self::ClockOff => "the processor's clock was not its usual one",
            Self::NoTimestamps => "the device's timestamps failed",
        }
    }

    /// Share of a run's samples from which on this makes the rest doubtful.
    pub(super) const fn doubtful_share(self) -> f64 {
        match self {
            Self::Preempted => 0.10,
            Self::ClockWentBack | Self::Repaint | Self::ClockDrop | Self::ClockOff | Self::NoTimestamps => 0.50,
        }
    }
}

impl ProcessSamples {
    /// A process that has warmed up and has no samples yet.
    #[must_use]
    pub const fn new(warm_up: WarmUp, timer: TimerQuality, threads: usize, runs_per_sample: u64) -> Self {
        Self {
            whole: Vec::new(),
            enqueue: Vec::new(),
            marked: Vec::new(),
            device: Vec::new(),
            transfer: Vec::new(),
            runs_per_sample,
            warm_up,
            canary: Vec::new(),
            samples_before_canary: Vec::new(),
            timer,
            threads,
            thread_choice: None,
            instruction_set: None,
            kernel_code: None,
            untuned: 0,
            stopped: None,
            set_aside: Vec::new(),
            discarded: BTreeMap::new(),
        }
    }

    /// Samples taken so far, those set aside included.
    #[must_use]
    pub const fn counts(&self) -> RunCounts {
        RunCounts { unmarked: self.whole.len() + self.set_aside.len(), marked: self.marked.len() }
    }

    /// The samples of the headline: those that nothing disturbed or, where these are fewer than a few or than the others,
    /// all of them.
    #[must_use]
    pub fn headline(&self) -> Cow<'_, [Nanos]> {
        self.all_unless_enough(&self.whole, |sample| sample.whole)
    }

    /// The same samples' enqueue times.
    pub(super) fn headline_enqueue(&self) -> Cow<'_, [Nanos]> {
        self.all_unless_enough(&self.enqueue, |sample| sample.enqueue)
    }

    fn all_unless_enough<'a>(&'a self, undisturbed: &'a [Nanos], of: fn(&SetAside) -> Nanos) -> Cow<'a, [Nanos]> {
        /// Undisturbed samples without which the disturbed ones are better than nothing.
        const FEW: usize = 5;
        // Where only what ran at the usual clock is to count, nothing else will do, however little there is.
        let is_chosen = self.set_aside.iter().any(|sample| sample.cause == Discard::ClockOff);
        let count = self.set_aside.len();
        if count == 0 || is_chosen || undisturbed.len() >= count.max(FEW) {
            return Cow::Borrowed(undisturbed);
        }
        Cow::Owned(undisturbed.iter().copied().chain(self.set_aside.iter().map(of)).collect())
    }

    /// Sets a sample aside, and counts it.
    pub(super) fn set_aside(&mut self, cause: Discard, whole: Nanos, enqueue: Nanos) {
        self.set_aside.push(SetAside { cause, whole, enqueue });
        self.discard(cause);
    }

    /// Sets the undisturbed samples aside from the number `from` up to, but not including, the number `to`.
    pub(super) fn set_aside_block(&mut self, from: usize, to: usize, cause: Discard) {
        let block = |times: &mut Vec<Nanos>| {
            let to = to.min(times.len());
            times.drain(from.min(to)..to).collect::<Vec<Nanos>>()
        };
        let (whole, enqueue) = (block(&mut self.whole), block(&mut self.enqueue));
        for (whole, enqueue) in whole.into_iter().zip(enqueue) {
            self.set_aside(cause, whole, enqueue);
        }
    }

    /// Whether the device's timestamps of every run that asked for them can be believed.
    pub(super) fn has_device_times(&self) -> bool {
        !self.device.is_empty() && !self.discarded.contains_key(&Discard::NoTimestamps)
    }

    /// Counts a sample that is left out.
    pub(super) fn discard(&mut self, cause: Discard) {
        *self.discarded.entry(cause).or_default() += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(undisturbed: u64, disturbed: u64) -> ProcessSamples {
        let warm_up = WarmUp { first_run: Nanos(1), runs: 1, time: Nanos(1), settled: true };
        let timer = TimerQuality { precision: Nanos(1), read_cost: Nanos(0) };
        let mut samples = ProcessSamples::new(warm_up, timer, 1, 1);
        samples.whole = vec![Nanos(10); undisturbed as usize];
        samples.enqueue = samples.whole.clone();
        for _ in 0..disturbed {
            samples.set_aside(Discard::Preempted, Nanos(30), Nanos(3));
        }
        samples
    }

    #[test]
    fn disturbed_samples_count_only_where_too_few_others_are_there() {
        assert_eq!(samples(8, 3).headline().as_ref(), [Nanos(10); 8]);
        assert_eq!(samples(8, 9).headline().len(), 17);
        assert_eq!(samples(4, 1).headline().len(), 5);
        assert_eq!(samples(0, 2).headline_enqueue().as_ref(), [Nanos(3); 2]);
        assert_eq!(samples(8, 9).discarded.get(&Discard::Preempted), Some(&9), "they are counted all the same");
    }

    #[test]
    fn a_whole_block_is_set_aside() {
        let mut samples = samples(6, 0);
        samples.set_aside_block(4, 6, Discard::ClockDrop);
        assert_eq!((samples.whole.len(), samples.enqueue.len(), samples.set_aside.len()), (4, 4, 2));
        assert_eq!(samples.counts().unmarked, 6);
        samples.set_aside_block(9, 12, Discard::ClockDrop);
        assert_eq!(samples.whole.len(), 4);
    }
}
