//! The raw times that one process took; nothing is left out by value.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::protocol::RunCounts;
use super::{TimerQuality, WarmUp};
use crate::runtime::Isa;
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
    /// Runs that each unmarked sample is the average of; above 1 only where one run is too short for the timer.
    pub runs_per_sample: u64,
    /// How warm-up went.
    pub warm_up: WarmUp,
    /// The canary's times, between blocks.
    #[serde(rename = "canary_ns")]
    pub canary: Vec<Nanos>,
    /// The clock that timed this.
    pub timer: TimerQuality,
    /// CPU threads used, as the runtime reports them.
    pub threads: usize,
    /// Instruction set of the kernels, where the runtime tells it.
    #[serde(default)]
    pub instruction_set: Option<Isa>,
    /// Why sampling ended; `None` while it goes on.
    pub stopped: Option<Stop>,
    /// Samples left out, by cause; never by value.
    pub discarded: BTreeMap<Discard, u64>,
}

/// One run with a clock reading at every kernel boundary.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MarkedRun {
    /// From before the first kernel to after the last.
    #[serde(rename = "whole_ns")]
    pub whole: Nanos,
    /// Each kernel's time, in launch order.
    #[serde(rename = "kernels_ns")]
    pub kernels: Vec<Nanos>,
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
}

impl ProcessSamples {
    /// A process that has warmed up and has no samples yet.
    #[must_use]
    pub const fn new(warm_up: WarmUp, timer: TimerQuality, threads: usize, runs_per_sample: u64) -> Self {
        Self {
            whole: Vec::new(),
            enqueue: Vec::new(),
            marked: Vec::new(),
            runs_per_sample,
            warm_up,
            canary: Vec::new(),
            timer,
            threads,
            instruction_set: None,
            stopped: None,
            discarded: BTreeMap::new(),
        }
    }

    /// Samples taken so far.
    #[must_use]
    pub const fn counts(&self) -> RunCounts {
        RunCounts { unmarked: self.whole.len(), marked: self.marked.len() }
    }

    /// Counts a sample that is left out.
    pub(super) fn discard(&mut self, cause: Discard) {
        *self.discarded.entry(cause).or_default() += 1;
    }
}
