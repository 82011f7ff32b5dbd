//! A search and what it has found.

use serde::{Deserialize, Serialize};
use shufflescope_engine::runtime::RunOptions;
use shufflescope_engine::search::{Found, front};
use shufflescope_engine::units::Nanos;

use super::wish::Wish;
use crate::worker::SearchJob;

/// A search and what it has found so far.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Exploration {
    /// What was searched for.
    pub wish: Wish,
    /// The designs that were measured, in the order of that.
    pub found: Vec<Found>,
    /// Designs that were predicted.
    pub evaluated: usize,
    /// Whether it was stopped before its time was over.
    pub is_partial: bool,
}

/// Measured designs that are kept; of those that are not on the front the oldest ones go.
const MOST: usize = 2_000;

impl Exploration {
    /// Nothing is found yet.
    #[must_use]
    pub const fn begun(wish: Wish) -> Self {
        Self { wish, found: Vec::new(), evaluated: 0, is_partial: true }
    }

    /// What a worker is asked for to go on with it; what is known of the target is not in it yet.
    #[must_use]
    pub fn job(&self, options: &RunOptions) -> SearchJob {
        SearchJob {
            goal: self.wish.goal,
            starts: self.wish.origin.starts(),
            options: options.clone(),
            time: Nanos::from_secs(self.wish.seconds.into()),
            seed: self.wish.seed.into(),
            known: Vec::new(),
            peaks: None,
            found: self.found.clone(),
        }
    }

    /// Adds designs that were measured.
    pub fn add(&mut self, found: Vec<Found>) {
        self.found.extend(found);
        if let Some(mut too_many) = self.found.len().checked_sub(MOST).filter(|many| *many > 0) {
            let front = self.front();
            let mut at = 0..;
            self.found.retain(|_| {
                let goes = too_many > 0 && at.next().is_some_and(|at| !front.contains(&at));
                too_many -= usize::from(goes);
                !goes
            });
        }
    }

    /// Positions of the designs within the budget that no other one beats, the fastest first.
    #[must_use]
    pub fn front(&self) -> Vec<usize> {
        front(&self.wish.goal, &self.found)
    }

    /// What it came to, in a line.
    #[must_use]
    pub fn summary(&self) -> String {
        let Self { wish, found, evaluated, .. } = self;
        let front = self.front().len();
        let designs = if front == 1 { "1 design".to_owned() } else { format!("{front} designs") };
        format!("{wish}: {designs} on the front, {evaluated} predicted, {} measured", found.len())
    }
}
