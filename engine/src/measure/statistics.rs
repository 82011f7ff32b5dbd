//! Order statistics: medians, quantiles, and intervals of the median that assume nothing about the distribution.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::units::Nanos;

/// The confidence that intervals aim for.
pub(super) const CONFIDENCE: f64 = 0.95;

/// Times in rising order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sorted(Vec<Nanos>);

/// Where the median of the underlying distribution lies.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Interval {
    /// Lower end.
    #[serde(rename = "low_ns")]
    pub low: Nanos,
    /// Upper end.
    #[serde(rename = "high_ns")]
    pub high: Nanos,
    /// How often an interval made this way contains the median.
    pub coverage: f64,
}

impl Sorted {
    /// Sorts a copy.
    #[must_use]
    pub fn new(times: &[Nanos]) -> Self {
        times.iter().copied().collect()
    }

    /// How many times there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The `rank`-th shortest, from 1.
    fn ranked(&self, rank: usize) -> Option<Nanos> {
        self.0.get(rank.checked_sub(1)?).copied()
    }

    /// The shortest.
    #[must_use]
    pub fn min(&self) -> Option<Nanos> {
        self.0.first().copied()
    }

    /// The middle one; of an even number the average of the middle two, rounded down to whole nanoseconds.
    #[must_use]
    pub fn median(&self) -> Option<Nanos> {
        let lower = self.ranked(self.len().div_ceil(2))?;
        let upper = self.ranked(self.len() / 2 + 1)?;
        Some(Nanos(lower.0.midpoint(upper.0)))
    }

    /// 90 % of the runs took at most this long; `None` below 64 samples.
    #[must_use]
    pub fn p90(&self) -> Option<Nanos> {
        self.quantile(90, 64)
    }

    /// 99 % of the runs took at most this long; `None` below 662 samples.
    #[must_use]
    pub fn p99(&self) -> Option<Nanos> {
        self.quantile(99, 662)
    }

    /// The nearest-rank quantile.
    fn quantile(&self, percent: usize, at_least: usize) -> Option<Nanos> {
        if self.len() < at_least { None } else { self.ranked((self.len() * percent).div_ceil(100)) }
    }

    /// The order-statistic interval of the median: the narrowest symmetric pair of ranks whose exact binomial coverage
    /// is at least 95 %. Below 6 samples no pair reaches that; then it is the whole range with its actual coverage.
    #[must_use]
    pub fn median_interval(&self) -> Option<Interval> {
        let (rank, coverage) = interval_rank(self.len());
        let (low, high) = (self.ranked(rank)?, self.ranked(self.len() + 1 - rank)?);
        Some(Interval { low, high, coverage })
    }
}

impl FromIterator<Nanos> for Sorted {
    fn from_iter<I: IntoIterator<Item = Nanos>>(times: I) -> Self {
        let mut times: Vec<Nanos> = times.into_iter().collect();
        times.sort_unstable();
        Self(times)
    }
}

impl Interval {
    /// Half the interval's length relative to the median: 0.05 is "± 5 %".
    #[must_use]
    pub fn half_width(&self, median: Nanos) -> f64 {
        self.high.since(self.low).share_of(median) / 2.0
    }
}

/// The largest rank `k` (from 1) for which `[k-th, (n + 1 - k)-th]` covers the median with at least 95 %, and that
/// coverage: `1 - 2 P(B < k)` with `B` binomial over `n` fair coins.
fn interval_rank(n: usize) -> (usize, f64) {
    // C(n, i) relative to C(n, n/2), from the middle outwards: no underflow however large n is.
    let outwards = |&(i, weight): &(usize, f64)| Some((i.checked_sub(1)?, weight * i as f64 / (n - i + 1) as f64));
    let mut weights: Vec<f64> = std::iter::successors(Some((n / 2, 1.0)), outwards).map(|(_, weight)| weight).collect();
    weights.reverse();
    let half: f64 = weights.iter().sum();
    let total = if n.is_multiple_of(2) { 2.0 * half - 1.0 } else { 2.0 * half };
    let mut below = 0.0;
    let (mut rank, mut coverage) = (1, 0.0);
    for (successes, weight) in weights.iter().enumerate() {
        below += weight / total;
        let covered = 1.0 - 2.0 * below;
        if successes > 0 && covered < CONFIDENCE {
            break;
        }
        (rank, coverage) = (successes + 1, covered.max(0.0));
    }
    (rank, coverage)
}

/// The natural logarithm of a time in nanoseconds; `None` of zero: the clock was too coarse for it.
pub(super) fn logarithm(time: Nanos) -> Option<f64> {
    (time > Nanos::ZERO).then(|| time.as_f64().ln())
}

/// The nearest whole nanosecond; the largest time where the number is beyond it.
pub(super) fn rounded(nanoseconds: f64) -> Nanos {
    Nanos(nanoseconds.round() as u64)
}

/// The median of times in any order, in linear time.
pub(super) fn median(times: &[Nanos]) -> Option<Nanos> {
    unsorted_median(&mut times.to_vec())
}

/// As [`Sorted::median`], in linear time; reorders the times.
fn unsorted_median(times: &mut [Nanos]) -> Option<Nanos> {
    if times.is_empty() {
        return None;
    }
    let is_even = times.len().is_multiple_of(2);
    let (below, &mut upper, _) = times.select_nth_unstable(times.len() / 2);
    let lower = if is_even { below.iter().max().copied()? } else { upper };
    Some(Nanos(lower.0.midpoint(upper.0)))
}

/// Steele, Lea and Flood's generator (OOPSLA 2014): small, seeded, good enough to draw samples.
#[derive(Clone, Debug)]
pub(crate) struct SplitMix64(pub(crate) u64);

impl SplitMix64 {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 up to, but not including, 1.
    pub(crate) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Puts the items in random order, every order as likely as the others.
    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }

    /// Less than `count`, every number as likely (the bias of the multiplication is below 2^-32 for what fits in memory).
    pub(crate) fn below(&mut self, count: usize) -> usize {
        ((u128::from(self.next()) * count as u128) >> 64) as usize
    }
}

#[cfg(test)]
mod tests;
