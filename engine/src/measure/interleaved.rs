//! The raw times of several networks measured in turns; nothing is left out by value.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::samples::Discard;
use super::spread::Spread;
use super::statistics::median;
use super::{MeasureError, WarmUp};
use crate::clock::TimerQuality;
use crate::runtime::Isa;
use crate::units::Nanos;

/// What one process measured of several networks in turns. Sent between processes and stored as it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interleaved {
    /// The networks, in the order given; empty before warm-up is over.
    pub rows: Vec<RowRecord>,
    /// The complete rounds, in the order taken.
    pub rounds: Vec<Round>,
    /// For every sitting but the first how many rounds there were before it: from there on the networks are others of
    /// the same kind, prepared anew.
    #[serde(default)]
    pub prepared_anew: Vec<usize>,
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
        Self {
            rows: Vec::new(),
            rounds: Vec::new(),
            prepared_anew: Vec::new(),
            canary: Vec::new(),
            timer,
            discarded: BTreeMap::new(),
        }
    }

    /// Says that the networks have been prepared anew: what follows is another sitting. Nothing where none has begun.
    pub fn sit_down(&mut self) {
        if !self.sitting().is_empty() {
            self.prepared_anew.push(self.rounds.len());
        }
    }

    /// Whether a further sitting has no round yet.
    pub(super) fn has_just_sat_down(&self) -> bool {
        self.prepared_anew.last() == Some(&self.rounds.len())
    }

    /// How many sittings have begun, from 1.
    #[must_use]
    pub const fn sittings(&self) -> usize {
        self.prepared_anew.len() + 1
    }

    /// The rounds of the sitting in progress.
    pub(super) fn sitting(&self) -> &[Round] {
        self.rounds.get(self.prepared_anew.last().copied().unwrap_or(0)..).unwrap_or_default()
    }

    /// The rounds of every sitting that has some.
    pub(super) fn by_sitting(&self) -> impl Iterator<Item = &[Round]> {
        let ends = self.prepared_anew.iter().copied().chain([self.rounds.len()]);
        let mut start = 0;
        ends.filter_map(move |end| self.rounds.get(std::mem::replace(&mut start, end)..end))
            .filter(|rounds| !rounds.is_empty())
    }

    /// How long a run of network `row` takes, over the medians of its blocks (one slow run does not move them): runs of
    /// one block share the moment and do not count as independent.
    ///
    /// # Errors
    /// [`MeasureError::NoSamples`] where a process has no round of it.
    pub fn spread(processes: &[Self], row: usize) -> Result<Spread, MeasureError> {
        if processes.iter().any(|process| process.rounds.is_empty()) {
            return Err(MeasureError::NoSamples);
        }
        let medians = |rounds: &[Round]| rounds.iter().filter_map(|round| round.median(row)).collect();
        let medians: Vec<Vec<Nanos>> = Self::repetitions(processes).into_iter().map(medians).collect();
        let medians: Vec<&[Nanos]> = medians.iter().map(Vec::as_slice).collect();
        Ok(Spread::of(&medians, None, None)?.0)
    }

    /// The rounds of what has been set up independently of the others: of the processes, or of the sittings of the only
    /// process. Those without rounds are left out.
    pub(super) fn repetitions(processes: &[Self]) -> Vec<&[Round]> {
        match processes {
            [alone] => alone.by_sitting().collect(),
            _ => {
                processes.iter().map(|process| process.rounds.as_slice()).filter(|rounds| !rounds.is_empty()).collect()
            }
        }
    }
}

impl Round {
    /// The median of the network's block.
    #[must_use]
    pub fn median(&self, row: usize) -> Option<Nanos> {
        median(&self.blocks.iter().find(|block| block.row == row)?.samples)
    }
}
