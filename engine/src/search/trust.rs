//! How far what is measured is from what was predicted of it, in this search.
//!
//! A search looks for what is predicted to be fast, so it finds where predictions are too good; and the upper end of an
//! interval lies above its median. Before anything is measured the upper end of a prediction's band counts.

use std::collections::VecDeque;

use super::goal::Found;
use crate::store::Estimate;
use crate::units::Nanos;

/// The latest designs that are looked at, and how many of them are enough.
const LATEST: usize = 24;
const ENOUGH: usize = 6;

/// The share of upper ends that lie within what is expected: more than half of what is proposed at the very budget is to
/// hold it.
const SHARE: f64 = 0.6;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Trust {
    /// Median and upper end over what was predicted, as logarithms.
    offs: VecDeque<[f64; 2]>,
}

impl Trust {
    pub fn learn(&mut self, found: &Found) {
        let off = |time: Nanos| (time.as_f64().max(1.0) / found.predicted.as_f64().max(1.0)).ln();
        self.offs.push_back([off(found.latency.median), off(found.latency.high)]);
        if self.offs.len() > LATEST {
            self.offs.pop_front();
        }
    }

    /// The median that is expected.
    pub fn median(&self, estimate: &Estimate) -> f64 {
        estimate.predicted.as_f64() * self.at(0, 0.5).map_or(1.0, f64::exp)
    }

    /// The upper end that is expected.
    pub fn high(&self, estimate: &Estimate) -> f64 {
        self.at(1, SHARE).map_or(estimate.high.as_f64(), |off| estimate.predicted.as_f64() * off.exp())
    }

    fn at(&self, which: usize, share: f64) -> Option<f64> {
        if self.offs.len() < ENOUGH {
            return None;
        }
        let mut offs: Vec<f64> = self.offs.iter().map(|off| off[which]).collect();
        offs.sort_by(f64::total_cmp);
        offs.get(((offs.len() - 1) as f64 * share).round() as usize).copied()
    }
}
