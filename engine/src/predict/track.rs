//! How good past estimates were: what was predicted of networks before they were measured, at the usual clock.

use super::observed::{speed, usual_clock};
use crate::store::{Estimate, KernelRun};

/// Estimates that are looked at: the latest ones.
const LATEST: usize = 200;

/// Of the latest estimates, how many there are and how they did.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Track {
    /// Estimates that a measurement followed.
    pub estimates: usize,
    /// Of those, how many bands held the measured median.
    pub held: usize,
    /// The middle one of the errors, relative to what was measured.
    pub median_error: f64,
}

impl Track {
    /// The record of these networks, the newest last.
    #[must_use]
    pub fn of(runs: &[KernelRun]) -> Self {
        let estimated = runs.iter().rev().filter(|run| run.whole.0 > 0);
        let latest: Vec<(&KernelRun, Estimate)> =
            estimated.filter_map(|run| Some((run, run.estimate?))).take(LATEST).collect();
        let usual = usual_clock(runs);
        let whole = |run: &KernelRun| run.whole.as_f64() * speed(run, usual);
        let holds = |(run, estimate): &&(&KernelRun, Estimate)| {
            (estimate.low.as_f64()..=estimate.high.as_f64()).contains(&whole(run))
        };
        let held = latest.iter().filter(holds).count();
        let error = |(run, estimate): &(&KernelRun, Estimate)| (estimate.predicted.as_f64() / whole(run) - 1.0).abs();
        let mut errors: Vec<f64> = latest.iter().map(error).collect();
        errors.sort_by(f64::total_cmp);
        Self { estimates: latest.len(), held, median_error: errors.get(errors.len() / 2).copied().unwrap_or(0.0) }
    }
}
