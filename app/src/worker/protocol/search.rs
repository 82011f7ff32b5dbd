//! What window and worker say about a search.

use serde::{Deserialize, Serialize};
use shufflescope_engine::design::Design;
use shufflescope_engine::measure::Peaks;
use shufflescope_engine::runtime::RunOptions;
use shufflescope_engine::search::{Found, Goal};
use shufflescope_engine::store::KernelRun;
use shufflescope_engine::units::Nanos;

/// A search, with everything that influences it: what its side knows of the target travels along.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SearchJob {
    /// What is searched for.
    pub goal: Goal,
    /// The designs to start from, of one family.
    pub starts: Vec<Design>,
    /// Device, runtime, threads, batch.
    pub options: RunOptions,
    /// How long to search.
    pub time: Nanos,
    /// Decides every choice that is left to chance.
    pub seed: u64,
    /// The networks whose kernels were measured in this way of running, the newest last: at most
    /// [`MOST_KNOWN`](Self::MOST_KNOWN) of them, for they travel as text.
    pub known: Vec<KernelRun>,
    /// What the device can do at most, where it was measured.
    pub peaks: Option<Peaks>,
    /// What an earlier search for the same goal has measured: it counts, and is not measured again.
    pub found: Vec<Found>,
}

impl SearchJob {
    /// Networks of which a few megabytes tell: more would hardly make predictions better.
    pub const MOST_KNOWN: usize = 240;

    /// Leaves the oldest networks out where there are too many.
    #[must_use]
    pub fn with_known(mut self, mut known: Vec<KernelRun>) -> Self {
        known.drain(..known.len().saturating_sub(Self::MOST_KNOWN));
        self.known = known;
        self
    }
}
