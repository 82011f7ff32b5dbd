//! Says whether one network is faster than another, from rounds that measured both.

use serde::{Deserialize, Serialize};

use super::interleaved::Round;
use super::noise_floor::NoiseFloor;
use super::statistics::{CONFIDENCE, logarithm};
use super::student::student_quantile;
use super::{Interleaved, MeasureError};
use crate::units::Nanos;

/// Least difference that a verdict asks for, however quiet the machine, and the largest that still is *the same*,
/// however noisy: 1 %.
pub const LEAST_MARGIN: f64 = 0.01;

/// Fewest rounds that a verdict rests on.
pub const MINIMUM_ROUNDS: usize = 30;

/// Sittings without which nothing is decided: one does not show how another would differ.
const MINIMUM_SITTINGS: usize = 2;

/// Times of two networks, round by round, in one or more sittings.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PairedSamples {
    /// For each sitting that has rounds the natural logarithm of B's time over A's in every one of them.
    sittings: Vec<Vec<f64>>,
    processes: usize,
}

/// How two networks' times relate.
///
/// The interval is where the ratio of the two networks lies with 95 % confidence, however they happen to lie in memory
/// and whatever else another process would change: Student's t over the means of independent sittings, whatever
/// scatters between them. In simulation it covers 92 to 97 %, with and without offsets of several percent between
/// sittings. Of a single sitting it only says where the ratio of these very copies lies, and no verdict comes from it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct RatioInterval {
    /// B's time over A's: 1.03 is 3 % slower. The geometric mean of the sittings, each of them the mean of the middle
    /// half of its rounds.
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
    /// The whole interval lies within 1 %.
    Same,
    /// None of these, or there are too few rounds or sittings.
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
    /// What the interval has to clear for faster or slower: 0.01 is 1 %.
    pub margin: f64,
    /// Rounds in all sittings.
    pub rounds: usize,
    /// Independent sittings: the processes, or how often the only process prepared its networks.
    #[serde(default)]
    pub sittings: usize,
    /// Processes.
    pub processes: usize,
}

impl PairedSamples {
    /// Networks A and `b` of rounds that had both. A may have several copies among the rows: its time in a round is
    /// their geometric mean, which is less at the mercy of how one copy lies in memory.
    #[must_use]
    pub fn of(processes: &[Interleaved], copies_of_a: &[usize], b: usize) -> Self {
        let sittings = Interleaved::repetitions(processes);
        let sittings = sittings.into_iter().map(|rounds| log_ratios(rounds, copies_of_a, b)).collect();
        Self::new(sittings, processes.len())
    }

    /// The same of the rounds of one sitting.
    pub(super) fn of_rounds(rounds: &[Round], copies_of_a: &[usize], b: usize) -> Self {
        Self::new(vec![log_ratios(rounds, copies_of_a, b)], 1)
    }

    /// The times as they are, one list of rounds for each process: A's and B's.
    #[must_use]
    pub fn from_times(processes: &[Vec<(Nanos, Nanos)>]) -> Self {
        let of_process = |rounds: &Vec<(Nanos, Nanos)>| {
            rounds.iter().filter_map(|&(a, b)| Some(logarithm(b)? - logarithm(a)?)).collect()
        };
        Self::new(processes.iter().map(of_process).collect(), processes.len())
    }

    fn new(mut sittings: Vec<Vec<f64>>, processes: usize) -> Self {
        sittings.retain(|rounds| !rounds.is_empty());
        let processes = processes.min(sittings.len());
        Self { sittings, processes }
    }

    /// The interval of the ratio: see [`RatioInterval`]. `None` below two rounds.
    ///
    /// A sitting's ratio is the mean of the middle half of its rounds' log-ratios: as deaf to outliers as needed, and
    /// less noisy than their median. Two sittings or more need no assumption about how the rounds of one depend on each
    /// other. A single sitting's standard error comes from the means of batches of successive rounds.
    #[must_use]
    pub fn interval(&self) -> Option<RatioInterval> {
        let means: Vec<f64> = self.sittings.iter().filter_map(|rounds| middle_mean(&mut rounds.clone())).collect();
        let count = means.len() as f64;
        let mean = means.iter().sum::<f64>() / count;
        let (error, degrees) = match self.sittings.as_slice() {
            [] => return None,
            [alone] => {
                let batches = alone.len().isqrt().clamp(4, 20).min(alone.len());
                (standard_error(alone, batches)?, batches as f64 - 1.0)
            }
            _ => ((variance(&means) / count).sqrt(), count - 1.0),
        };
        let reach = student_quantile(CONFIDENCE, degrees) * error;
        Some(RatioInterval { ratio: mean.exp(), low: (mean - reach).exp(), high: (mean + reach).exp() })
    }

    /// What the spread of the rounds alone says about [`RatioInterval::half_width`]: cheap enough to ask for while
    /// measuring. `None` below four rounds.
    pub(super) fn rough_half_width(&self) -> Option<f64> {
        let [rounds] = self.sittings.as_slice() else { return None };
        let error = if rounds.len() < 4 { None } else { standard_error(rounds, rounds.len()) };
        error.map(|error| 1.96 * error)
    }
}

impl NoiseFloor {
    /// What comparing a network with its twin shows: how far the ratio lies from 1.
    #[must_use]
    pub fn of(twins: &Comparison) -> Self {
        Self { share: twins.ratio.distance() }
    }
}

/// Compares B with A. Faster and slower ask that the interval clears the larger of 1 % and the noise floor; the same,
/// that it lies within 1 %.
///
/// # Errors
/// [`MeasureError::NoSamples`] where fewer than two rounds have both.
pub fn compare(pairs: &PairedSamples, floor: Option<NoiseFloor>) -> Result<Comparison, MeasureError> {
    let ratio = pairs.interval().ok_or(MeasureError::NoSamples)?;
    let margin = floor.map_or(LEAST_MARGIN, |floor| floor.share.max(LEAST_MARGIN));
    let rounds = pairs.sittings.iter().map(Vec::len).sum();
    let (sittings, processes) = (pairs.sittings.len(), pairs.processes);
    let mut comparison = Comparison { ratio, verdict: Difference::Undecided, margin, rounds, sittings, processes };
    comparison.verdict = comparison.verdict_on(&ratio);
    Ok(comparison)
}

impl RatioInterval {
    /// What the interval says where faster and slower have to clear this margin, and never less than 1 %. The same is
    /// what lies within 1 %, whatever the margin: a noisy machine cannot show that there is no difference. A factor and
    /// its inverse count as equally far from 1.
    #[must_use]
    pub fn verdict(&self, margin: f64) -> Difference {
        let (factor, same) = (1.0 + margin.max(LEAST_MARGIN), 1.0 + LEAST_MARGIN);
        if self.low > factor {
            Difference::Slower
        } else if self.high < 1.0 / factor {
            Difference::Faster
        } else if self.low >= 1.0 / same && self.high <= same {
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

    /// How far the ratio lies from 1: 0.02 of 1.02 as of its inverse.
    #[must_use]
    pub fn distance(&self) -> f64 {
        self.ratio.max(1.0 / self.ratio) - 1.0
    }
}

impl Comparison {
    /// What an interval of these rounds says, this comparison's own or one scaled by what is known exactly.
    #[must_use]
    pub fn verdict_on(&self, ratio: &RatioInterval) -> Difference {
        if self.rounds < MINIMUM_ROUNDS || self.sittings < MINIMUM_SITTINGS {
            return Difference::Undecided;
        }
        ratio.verdict(self.margin)
    }

    /// What it rests on: `60 rounds in 5 processes`, `60 rounds in 1 process that prepared its networks 5 times`.
    #[must_use]
    pub fn effort(&self) -> String {
        let Self { rounds, sittings, processes, .. } = *self;
        let rounds = format!("{rounds} round{}", if rounds == 1 { "" } else { "s" });
        match processes {
            1 if sittings > 1 => format!("{rounds} in 1 process that prepared its networks {sittings} times"),
            1 => format!("{rounds} in 1 process"),
            _ => format!("{rounds} in {processes} processes"),
        }
    }

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

/// B's time over A's in every round that had both, as natural logarithms.
fn log_ratios(rounds: &[Round], copies_of_a: &[usize], b: usize) -> Vec<f64> {
    let time = |round: &Round, row: usize| round.median(row).and_then(logarithm);
    let of_round = |round: &Round| {
        let copies = copies_of_a.iter().map(|&copy| time(round, copy)).sum::<Option<f64>>()?;
        Some(time(round, b)? - copies / copies_of_a.len().max(1) as f64)
    };
    rounds.iter().filter_map(of_round).collect()
}

/// The standard error of the mean of the middle half (Tukey and McLaughlin): what lies outside counts as the end of the
/// half that it lies at. From the means of batches of successive values, for neighbours may be alike. `None` below two
/// batches.
fn standard_error(values: &[f64], batches: usize) -> Option<f64> {
    if batches < 2 {
        return None;
    }
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let cut = sorted.len() / 4;
    let (&low, &high) = sorted.get(cut).zip(sorted.get(sorted.len() - cut - 1))?;
    let kept = 1.0 - 2.0 * cut as f64 / sorted.len() as f64;
    let batch = |index: usize| {
        let batch = values.get(values.len() * index / batches..values.len() * (index + 1) / batches)?;
        Some(batch.iter().map(|value| value.clamp(low, high)).sum::<f64>() / batch.len() as f64)
    };
    let means: Vec<f64> = (0..batches).map(batch).collect::<Option<_>>()?;
    Some((variance(&means) / batches as f64).sqrt() / kept)
}

/// Of at least two values.
fn variance(values: &[f64]) -> f64 {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (values.len() as f64 - 1.0)
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
