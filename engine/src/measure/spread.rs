//! A distribution of times in a few numbers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::MeasureError;
use super::repeatability::{Repeatability, Scatter, between_runs};
use super::statistics::{Interval, Sorted, median, rounded};
use super::within_run::within_run;
use crate::units::Nanos;

/// A distribution of times: never a mean alone.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Spread {
    /// The median.
    #[serde(rename = "median_ns")]
    pub median: Nanos,
    /// Lower end of the interval in which the median of all fresh runs lies.
    #[serde(rename = "low_ns")]
    pub low: Nanos,
    /// Upper end of that interval.
    #[serde(rename = "high_ns")]
    pub high: Nanos,
    /// How often an interval made this way holds: 0.95, or 0 where nothing is known yet of how fresh runs differ; then
    /// the interval is that of this run alone.
    pub coverage: f64,
    /// Where this run's own median lies, by its samples alone; unknown in files of version 0.1.
    #[serde(default)]
    pub within_run: Option<WithinRun>,
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
}

/// How well one run is known by its own samples.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WithinRun {
    /// Lower end of the interval.
    #[serde(rename = "low_ns")]
    pub low: Nanos,
    /// Upper end.
    #[serde(rename = "high_ns")]
    pub high: Nanos,
    /// How often an interval made this way holds: 0.95, or less below six samples.
    pub coverage: f64,
}

/// A median and where it lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MedianRange {
    /// The median.
    #[serde(rename = "median_ns")]
    pub median: Nanos,
    /// Lower end of the median's interval.
    #[serde(rename = "low_ns")]
    pub low: Nanos,
    /// Upper end of the median's interval.
    #[serde(rename = "high_ns")]
    pub high: Nanos,
}

impl MedianRange {
    /// By order statistics of all times; `None` of none.
    pub(super) fn of(times: impl IntoIterator<Item = Nanos>) -> Option<Self> {
        let times: Sorted = times.into_iter().collect();
        let (median, Interval { low, high, .. }) = times.median().zip(times.median_interval())?;
        Some(Self { median, low, high })
    }
}

impl From<Spread> for MedianRange {
    fn from(Spread { median, low, high, .. }: Spread) -> Self {
        Self { median, low, high }
    }
}

impl std::fmt::Display for MedianRange {
    /// `250 us (245 us to 256 us)`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&format!("{} ({} to {})", self.median, self.low, self.high))
    }
}

impl Spread {
    /// The times of each process in the order taken, and what earlier runs have shown or else is assumed of others.
    ///
    /// # Errors
    /// [`MeasureError::NoSamples`] where there is no process, or one without samples.
    pub(super) fn of(
        runs: &[&[Nanos]],
        earlier: Option<Scatter>,
        assumed: Option<f64>,
    ) -> Result<(Self, Repeatability), MeasureError> {
        if runs.iter().any(|runs| runs.is_empty()) {
            return Err(MeasureError::NoSamples);
        }
        let pooled: Sorted = runs.iter().copied().flatten().copied().collect();
        let medians: Vec<Nanos> = runs.iter().copied().filter_map(median).collect();
        let within = within_run(runs).ok_or(MeasureError::NoSamples)?;
        let (interval, repeatability) =
            between_runs(&medians, within, earlier, assumed).ok_or(MeasureError::NoSamples)?;
        let (median, min) = pooled.median().zip(pooled.min()).ok_or(MeasureError::NoSamples)?;
        let Interval { low, high, coverage } = interval;
        let spread = Self {
            median,
            low: low.min(median),
            high: high.max(median),
            coverage,
            within_run: Some(WithinRun { low: within.low, high: within.high, coverage: within.coverage }),
            min,
            p90: pooled.p90(),
            p99: pooled.p99(),
            samples: pooled.len(),
        };
        Ok((spread, repeatability))
    }

    /// Widens the interval of fresh runs to this many nanoseconds: what a run at the processor's usual clock would take.
    pub(super) fn reach_to(&mut self, nanoseconds: f64) {
        self.low = self.low.min(rounded(nanoseconds));
        self.high = self.high.max(rounded(nanoseconds));
    }

    /// Half the length of the interval of fresh runs relative to the median: 0.05 is "± 5 %".
    #[must_use]
    pub fn half_width(&self) -> f64 {
        self.high.since(self.low).share_of(self.median) / 2.0
    }

    /// The same of this run alone; `None` where that is not known.
    #[must_use]
    pub fn half_width_within_run(&self) -> Option<f64> {
        self.within_run.map(|within| within.high.since(within.low).share_of(self.median) / 2.0)
    }

    /// Whether anything is known of how a fresh run would repeat.
    #[must_use]
    pub fn is_repeatable(&self) -> bool {
        self.coverage > 0.0
    }

    /// How well this is known, in one look: `a fresh run within ± 4.0 %; this run ± 1.0 %`.
    #[must_use]
    pub fn certainty(&self) -> String {
        let percent = |share: f64| format!("± {:.1} %", 100.0 * share);
        let fresh = match self.is_repeatable() {
            true => format!("a fresh run within {}", percent(self.half_width())),
            false => "how a fresh run would repeat is not known yet".into(),
        };
        match self.half_width_within_run() {
            Some(within) => format!("{fresh}; this run {}", percent(within)),
            None => fresh,
        }
    }
}
