//! A comparison in progress: what was taken so far, and its summary, which is made on a thread of its own.

use std::sync::Arc;

use shufflescope_engine::experiment::PairResult;
use shufflescope_engine::graph::Graph;
use shufflescope_engine::measure::{Breakdown, InterleaveRules, Interleaved, NoiseFloor};
use shufflescope_engine::report::{LayerDifference, LayerSource};

use super::compared::{Compared, Key};
use crate::later::Later;
use crate::window::bench::{Outcome, Side, Task};
use crate::window::pacer::Pacer;

/// See the module.
#[derive(Debug)]
pub(super) struct Running {
    pub machine: Option<String>,
    pub taken: Taken,
    /// As far as the rounds went when it was made.
    pub so_far: Option<Compared>,
    /// `None` before the first complete round.
    summary: Later<Option<Compared>>,
    is_measured: bool,
}

/// What was taken so far. A clone is cheap.
#[derive(Clone, Debug)]
pub(super) struct Taken {
    pub key: Key,
    /// What is known to look different without being so, once the store has said it.
    pub floor: Option<NoiseFloor>,
    rules: InterleaveRules,
    graphs: Arc<[Graph; 2]>,
    rounds: Vec<Arc<Interleaved>>,
    breakdowns: [Option<Arc<Breakdown>>; 2],
}

impl Running {
    pub fn new(machine: Option<&str>, taken: Taken, pacer: &Pacer) -> Self {
        let (machine, pacer) = (machine.map(str::to_owned), pacer.clone());
        Self { machine, taken, so_far: None, summary: Later::new(move || pacer.wake()), is_measured: false }
    }

    /// Takes what came of a step, and has all of it summarised.
    pub fn take(&mut self, task: &Task, outcome: Outcome) {
        match (task, outcome) {
            (Task::Pair, Outcome::SoFar(rounds) | Outcome::Turns(rounds)) => self.taken.rounds = rounds,
            (Task::LayersOf(side), Outcome::Measured(measurement)) => {
                self.taken.breakdowns[*side as usize] = measurement.breakdown.map(Arc::new);
            }
            _ => {}
        }
        self.is_measured = matches!(task, Task::LayersOf(Side::B));
        let taken = self.taken.clone();
        self.summary.start(move || taken.summary());
    }

    /// Takes a summary that is there, or why it failed.
    pub fn poll(&mut self) -> Option<Result<(), String>> {
        match self.summary.take()? {
            // A process without a complete round says nothing against those before it.
            Ok(summary) => self.so_far = summary.or(self.so_far.take()),
            Err(reason) => {
                self.so_far = None;
                return Some(Err(format!("the rounds cannot be summarised: {reason}")));
            }
        }
        Some(Ok(()))
    }

    /// Whether everything is measured and only its summary is missing.
    pub fn is_summarising(&self) -> bool {
        self.is_measured && self.summary.is_pending()
    }

    /// Whether everything is measured, and the summary of all of it taken.
    pub fn is_over(&self) -> bool {
        self.is_measured && !self.summary.is_pending()
    }
}

impl Taken {
    pub const fn nothing(key: Key, graphs: Arc<[Graph; 2]>, rules: InterleaveRules) -> Self {
        Self { key, floor: None, rules, graphs, rounds: Vec::new(), breakdowns: [None, None] }
    }

    fn summary(self) -> Option<Compared> {
        let Self { key, floor, rules, graphs, rounds, breakdowns } = self;
        let rounds: Vec<Interleaved> = rounds.into_iter().map(Arc::unwrap_or_clone).collect();
        let ([a, b], [of_a, of_b]) = (&*graphs, &breakdowns);
        let pair = PairResult::new([a, b], &key.options, &rules, &rounds, floor).ok()?;
        let layers = LayerDifference::between(
            LayerSource { graph: a, breakdown: of_a.as_deref() },
            LayerSource { graph: b, breakdown: of_b.as_deref() },
        );
        Some(Compared { key, pair, layers })
    }
}
