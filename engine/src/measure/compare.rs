//! Says whether one network is faster than another, from rounds that measured both.

use serde::{Deserialize, Serialize};

use super::interleave::MINIMUM_ROUNDS;
use super::noise_floor::NoiseFloor;
use super::statistics::{CONFIDENCE, REPETITIONS, SplitMix64};
use super::{Interleaved, MeasureError};
use crate::units::Nanos;

/// Least difference that a verdict asks for, however quiet the machine: 1 %.
pub const LEAST_MARGIN: f64 = 0.01;

/// Seed of the bootstrap, so that the same samples always give the same interval.
const SEED: u64 = 2_018;

/// Times of two networks, round by round, in one or more processes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PairedSamples {
    /// For each process the natural logarithm of B's time over A's in every round.
    log_ratios: Vec<Vec<f64>>,
}

/// How two networks' times relate.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct RatioInterval {
    /// B's time over A's, the (geometric) mean of the middle half of the rounds: 1.03 is 3 % slower.
    pub ratio: f64,
    /// Lower end of the 95 % interval.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// What can be said about B beside A.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Difference {
    /// B takes less time: the whole interval lies below the margin.
    Faster,
    /// B takes more time: the whole interval lies above the margin.
    Slower,
    /// The whole interval lies within the margin.
    Same,
    /// The interval reaches over an end of the margin, or there are too few rounds.
    Undecided,
}

/// B beside A.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// B's time over A's.
    #[serde(flatten)]
    pub ratio: RatioInterval,
    /// What that means.
    pub verdict: Difference,
    /// What the interval has to clear: 0.01 is 1 %.
    pub margin: f64,
    /// Rounds in all processes.
    pub rounds: usize,
    /// Processes.
    pub processes: usize,
}

impl PairedSamples {
    /// Networks `a` and `b` of rounds that had both.
    #[must_use]
    pub fn of(processes: &[Interleaved], a: usize, b: usize) -> Self {
        let of_process = |process: &Interleaved| {
            let pairs = process.rounds.iter().filter_map(|round| Some((round.median(a)?, round.median(b)?)));
            pairs.filter_map(|(a, b)| log_ratio(a, b)).collect()
        };
        Self { log_ratios: processes.iter().map(of_process).collect() }
    }

    /// The times as they are, one list of rounds for each process: A's and B's.
    #[must_use]
    pub fn from_times(processes: &[Vec<(Nanos, Nanos)>]) -> Self {
        let of_process = |rounds: &Vec<(Nanos, Nanos)>| rounds.iter().filter_map(|&(a, b)| log_ratio(a, b)).collect();
        Self { log_ratios: processes.iter().map(of_process).collect() }
    }

    /// The interval of the ratio: the mean of the middle half of the rounds' log-ratios (as deaf to outliers as needed,
    /// and less noisy than their median), with a hierarchical bootstrap that draws processes and then rounds within
    /// each. `None` where there are no rounds.
    #[must_use]
    pub fn interval(&self) -> Option<RatioInterval> {
        let processes: Vec<&[f64]> =
            self.log_ratios.iter().map(Vec::as_slice).filter(|rounds| !rounds.is_empty()).collect();
        let mut drawn: Vec<f64> = processes.iter().copied().flatten().copied().collect();
        let ratio = middle_mean(&mut drawn)?.exp();
        let mut random = SplitMix64(SEED);
        let mut means = Vec::with_capacity(REPETITIONS);
        for _ in 0..REPETITIONS {
            drawn.clear();
            for _ in &processes {
                let rounds = random.pick(&processes)?;
                for _ in *rounds {
                    drawn.push(*random.pick(rounds)?);
                }
            }
            means.push(middle_mean(&mut drawn)?);
        }
        means.sort_unstable_by(f64::total_cmp);
        let tail = (REPETITIONS as f64 * (1.0 - CONFIDENCE) / 2.0).round() as usize;
        let low = means.get(tail.checked_sub(1)?)?.exp();
        let high = means.get(REPETITIONS - tail)?.exp();
        Some(RatioInterval { ratio, low, high })
    }
}

impl PairedSamples {
    /// About what [`RatioInterval::half_width`] would be, from the spread of the rounds (Tukey and McLaughlin's
    /// standard error of a trimmed mean): cheap enough to ask for while measuring. `None` below four rounds.
    pub(super) fn rough_half_width(&self) -> Option<f64> {
        let mut ratios: Vec<f64> = self.log_ratios.iter().flatten().copied().collect();
        ratios.sort_unstable_by(f64::total_cmp);
        let cut = ratios.len() / 4;
        let (&low, &high) = ratios.get(cut).filter(|_| cut > 0).zip(ratios.get(ratios.len() - cut - 1))?;
        let count = ratios.len() as f64;
        let kept = 1.0 - 2.0 * cut as f64 / count;
        let clamped = || ratios.iter().map(|ratio| ratio.clamp(low, high));
        let mean = clamped().sum::<f64>() / count;
        let variance = clamped().map(|ratio| (ratio - mean).powi(2)).sum::<f64>() / (count - 1.0);
        Some(1.96 * (variance / count).sqrt() / kept)
    }
}

/// Compares B with A. The verdict asks that the interval clears the larger of 1 % and the noise floor.
///
/// # Errors
/// [`MeasureError::NoSamples`] where no round has both.
pub fn compare(pairs: &PairedSamples, floor: Option<NoiseFloor>) -> Result<Comparison, MeasureError> {
    let ratio = pairs.interval().ok_or(MeasureError::NoSamples)?;
    let margin = floor.map_or(LEAST_MARGIN, |floor| floor.share.max(LEAST_MARGIN));
    let rounds = pairs.log_ratios.iter().map(Vec::len).sum();
    let verdict = if rounds < MINIMUM_ROUNDS { Difference::Undecided } else { ratio.verdict(margin) };
    let processes = pairs.log_ratios.iter().filter(|rounds| !rounds.is_empty()).count();
    Ok(Comparison { ratio, verdict, margin, rounds, processes })
}

impl RatioInterval {
    /// What the interval says for a margin of this share. A factor and its inverse count as equally far from 1.
    #[must_use]
    pub fn verdict(&self, margin: f64) -> Difference {
        let factor = 1.0 + margin.max(0.0);
        if self.low > factor {
            Difference::Slower
        } else if self.high < 1.0 / factor {
            Difference::Faster
        } else if self.low >= 1.0 / factor && self.high <= factor {
            Difference::Same
        } else {
            Difference::Undecided
        }
    }

    /// A's time over B's: of times the ratio of rates, of rates that of times.
    #[must_use]
    pub fn inverse(&self) -> Self {
        Self { ratio: 1.0 / self.ratio, low: 1.0 / self.high, high: 1.0 / self.low }
    }

    /// Every end times `factor`.
    #[must_use]
    pub fn scaled(&self, factor: f64) -> Self {
        Self { ratio: self.ratio * factor, low: self.low * factor, high: self.high * factor }
    }

    /// Half the interval's length relative to the ratio: 0.005 is "± 0.5 %".
    #[must_use]
    pub fn half_width(&self) -> f64 {
        (self.high - self.low) / (2.0 * self.ratio)
    }

    /// How far the farther end lies from 1: 0.02 where the interval reaches from 0.99 to 1.02.
    #[must_use]
    pub fn farthest(&self) -> f64 {
        let away = |end: f64| if end > 0.0 { end.max(1.0 / end) - 1.0 } else { f64::INFINITY };
        away(self.low).max(away(self.high))
    }
}

impl Comparison {
    /// Whether B is surely slower than A by more than this share: the verdict is slower and the whole interval lies
    /// above `1 + share`.
    #[must_use]
    pub fn is_slower_by_more_than(&self, share: f64) -> bool {
        self.verdict == Difference::Slower && self.ratio.low > 1.0 + share
    }
}

impl Difference {
    /// The word shown.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Faster => "faster",
            Self::Slower => "slower",
            Self::Same => "same",
            Self::Undecided => "undecided",
        }
    }
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

/// `None` where a time is zero: the clock was too coarse for it.
fn log_ratio(a: Nanos, b: Nanos) -> Option<f64> {
    (a > Nanos::ZERO && b > Nanos::ZERO).then(|| (b.as_f64() / a.as_f64()).ln())
}

/// The mean of the middle half, which is of fewer than four values all of them; in linear time, reorders the values.
fn middle_mean(values: &mut [f64]) -> Option<f64> {
    let cut = values.len() / 4;
    let mut middle = values;
    if cut > 0 {
        let above = middle.len() - cut;
        middle = middle.select_nth_unstable_by(above, f64::total_cmp).0;
        middle = middle.select_nth_unstable_by(cut - 1, f64::total_cmp).2;
    }
    (!middle.is_empty()).then(|| middle.iter().sum::<f64>() / middle.len() as f64)
}

#[cfg(test)]
mod tests;
