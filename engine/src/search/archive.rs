//! The best designs that were looked at, in cells of equal latency on a logarithmic scale.
//!
//! A cell keeps the few designs with the most capacity among those that are as fast. So the whole front is improved at once,
//! and what is good at one latency leads to what is good beside it.

use crate::design::{Design, Fingerprint};
use crate::store::Estimate;
use crate::units::{MultAdds, Nanos, Params};

/// Cells reach from a fraction of the budget to beyond it: from what is slower, edits lead back.
const LOWEST: f64 = 1.0 / 6.0;
const HIGHEST: f64 = 1.7;

/// Width of a cell.
const STEP: f64 = 0.012;

/// Designs of one cell.
const KEPT: usize = 3;

/// A design that was looked at.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    pub design: Design,
    pub fingerprint: Fingerprint,
    pub mult_adds: MultAdds,
    pub params: Params,
    /// How far it is outside the goal's bounds; 0 within them.
    pub outside: f64,
    pub capacity: u64,
    pub estimate: Estimate,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Archive {
    lowest: f64,
    cells: Vec<Vec<Candidate>>,
}

impl Archive {
    pub fn new(budget: Nanos) -> Self {
        let cells = ((HIGHEST / LOWEST).ln() / STEP).ceil() as usize;
        Self { lowest: (budget.as_f64().max(1.0) * LOWEST).ln(), cells: vec![Vec::new(); cells] }
    }

    /// Keeps a candidate if it is among the best of its cell.
    pub fn add(&mut self, candidate: Candidate) {
        let last = self.cells.len() - 1;
        let place = (candidate.estimate.predicted.as_f64().max(1.0).ln() - self.lowest) / STEP;
        let place = (place.max(0.0) as usize).min(last);
        let cell = &mut self.cells[place];
        if cell.iter().any(|other| other.fingerprint == candidate.fingerprint) {
            return;
        }
        // Far beyond the budget what counts is to come back.
        let is_far = place == last;
        let at = cell.partition_point(|other| !is_better(&candidate, other, is_far));
        cell.insert(at, candidate);
        cell.truncate(KEPT);
    }

    /// All, the fastest cell first, the best of each cell first.
    pub fn iter(&self) -> impl Iterator<Item = &Candidate> {
        self.cells.iter().flatten()
    }

    /// Takes all out.
    pub fn drain(&mut self) -> Vec<Candidate> {
        self.cells.iter_mut().flat_map(std::mem::take).collect()
    }

    /// Candidates that no other one beats in predicted latency and capacity at once, the fastest first, as far as they are no
    /// slower than `most`; of those within bounds or, where there are none, of those that are the least outside.
    pub fn front(&self, most: Nanos) -> Vec<&Candidate> {
        let all: Vec<&Candidate> =
            self.iter().filter(|candidate| candidate.estimate.predicted <= most && candidate.outside <= 0.0).collect();
        if all.is_empty() {
            let mut least: Vec<&Candidate> = self.cells.iter().filter_map(|cell| cell.first()).collect();
            least.sort_by(|a, b| a.outside.total_cmp(&b.outside));
            least.truncate(least.len().div_ceil(4));
            return least;
        }
        unbeaten(all)
    }
}

/// Those that no other one beats in predicted latency and capacity at once, the fastest first: the last has the most
/// capacity.
pub(super) fn unbeaten(mut all: Vec<&Candidate>) -> Vec<&Candidate> {
    all.sort_by(|a, b| (a.estimate.predicted, b.capacity).cmp(&(b.estimate.predicted, a.capacity)));
    let mut most = None;
    all.retain(|candidate| {
        let is_more = most.is_none_or(|most| most < candidate.capacity);
        if is_more {
            most = Some(candidate.capacity);
        }
        is_more
    });
    all
}

fn is_better(a: &Candidate, b: &Candidate, is_far: bool) -> bool {
    let fast = || a.estimate.predicted < b.estimate.predicted;
    match a.outside.total_cmp(&b.outside) {
        std::cmp::Ordering::Less => true,
        std::cmp::Ordering::Greater => false,
        std::cmp::Ordering::Equal if is_far => fast(),
        std::cmp::Ordering::Equal => a.capacity > b.capacity || (a.capacity == b.capacity && fast()),
    }
}
