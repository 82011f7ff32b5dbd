//! A distribution of times in a few numbers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::statistics::{Sorted, bootstrap_median};
use super::{MeasureError, ProcessSamples};
use crate::units::Nanos;

/// Seed of the bootstrap, so that the same samples always give the same interval.
const SEED: u64 = 2_018;

/// A distribution of times: never a mean alone.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Spread {
    /// The median.
    #[serde(rename = "median_ns")]
    pub median: Nanos,
    /// Lower end of the median's interval.
    #[serde(rename = "low_ns")]
    pub low: Nanos,
    /// Upper end of the median's interval.
    #[serde(rename = "high_ns")]
    pub high: Nanos,
    /// The fastest.
    #[serde(rename = "min_ns")]
    pub min: Nanos,
    /// 90 % took at most this long; `None` below 64 samples.
    #[serde(rename = "p90_ns")]
    pub p90: Option<Nanos>,
    /// 99 % took at most this long; `None` below 662 samples.
    #[serde(rename = "p99_ns")]
    pub p99: Option<Nanos>,
    /// How many samples.
    pub samples: usize,
    /// How often an interval made this way contains the median: at least 0.95, or less where there are too few samples.
    pub coverage: f64,
}

impl Spread {
    /// The pooled times of all processes.
    pub(super) fn of(
        processes: &[ProcessSamples],
        times: fn(&ProcessSamples) -> &Vec<Nanos>,
    ) -> Result<Self, MeasureError> {
        let runs: Vec<&[Nanos]> = processes.iter().map(|process| times(process).as_slice()).collect();
        Self::of_runs(&runs)
    }

    /// The pooled times of all processes, one list each.
    pub(super) fn of_runs(runs: &[&[Nanos]]) -> Result<Self, MeasureError> {
        if runs.iter().any(|runs| runs.is_empty()) {
            return Err(MeasureError::NoSamples);
        }
        let pooled: Sorted = runs.iter().copied().flatten().copied().collect();
        let interval = if runs.len() > 1 { bootstrap_median(runs, SEED) } else { pooled.median_interval() };
        let (Some(median), Some(min), Some(interval)) = (pooled.median(), pooled.min(), interval) else {
            return Err(MeasureError::NoSamples);
        };
        Ok(Self {
            median,
            low: interval.low,
            high: interval.high,
            min,
            p90: pooled.p90(),
            p99: pooled.p99(),
            samples: pooled.len(),
            coverage: interval.coverage,
        })
    }

    /// Half the interval's length relative to the median: 0.05 is "± 5 %".
    #[must_use]
    pub fn half_width(&self) -> f64 {
        self.high.since(self.low).share_of(self.median) / 2.0
    }
}
