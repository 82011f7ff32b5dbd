//! The raw times of several networks measured in turns; nothing is left out by value.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::samples::Discard;
use super::spread::Spread;
use super::statistics::median;
use super::{MeasureError, TimerQuality, WarmUp};
use crate::runtime::Isa;
use crate::units::Nanos;

/// What one process measured of several networks in turns. Sent between processes and stored as it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interleaved {
    /// The networks, in the order given; empty before warm-up is over.
    pub rows: Vec<RowRecord>,
    /// The complete rounds, in the order taken.
    pub rounds: Vec<Round>,
    /// The canary's times, before the first round and after each.
    #[serde(rename = "canary_ns")]
    pub canary: Vec<Nanos>,
    /// The clock that timed this.
    pub timer: TimerQuality,
    /// Samples left out, by cause; never by value.
    pub discarded: BTreeMap<Discard, u64>,
}

/// One of the networks, and how its blocks are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowRecord {
    /// How its warm-up went.
    pub warm_up: WarmUp,
    /// Runs that each sample is the average of.
    pub runs_per_sample: u64,
    /// Samples that fill a block, before the jitter.
    pub samples_per_block: u64,
    /// CPU threads used, as the runtime reports them.
    pub threads: usize,
    /// Instruction set of the kernels, where the runtime tells it.
    #[serde(default)]
    pub instruction_set: Option<Isa>,
}

/// One block of every network, in the order they ran.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Round {
    /// The blocks.
    pub blocks: Vec<Block>,
}

/// Runs of one network without another in between.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Block {
    /// Index into [`Interleaved::rows`].
    pub row: usize,
    /// The samples in the order taken.
    #[serde(rename = "samples_ns")]
    pub samples: Vec<Nanos>,
}

impl Interleaved {
    /// Nothing yet.
    #[must_use]
    pub const fn new(timer: TimerQuality) -> Self {
        Self { rows: Vec::new(), rounds: Vec::new(), canary: Vec::new(), timer, discarded: BTreeMap::new() }
    }

    /// The median of a network's block in every round: what rounds are compared by. One slow run does not move it.
    #[must_use]
    pub fn medians(&self, row: usize) -> Vec<Nanos> {
        self.rounds.iter().filter_map(|round| round.median(row)).collect()
    }

    /// How long a run of network `row` takes, over the medians of its blocks: runs of one block share the moment and
    /// do not count as independent.
    ///
    /// # Errors
    /// [`MeasureError::NoSamples`] where a process has no round of it.
    pub fn spread(processes: &[Self], row: usize) -> Result<Spread, MeasureError> {
        let medians: Vec<Vec<Nanos>> = processes.iter().map(|process| process.medians(row)).collect();
        let medians: Vec<&[Nanos]> = medians.iter().map(Vec::as_slice).collect();
        Ok(Spread::of(&medians, None)?.0)
    }
}

impl Round {
    /// The median of the network's block.
    #[must_use]
    pub fn median(&self, row: usize) -> Option<Nanos> {
        median(&self.blocks.iter().find(|block| block.row == row)?.samples)
    }
}
