//! How wrong predictions are: every network that was measured is predicted from the others, and the band is as wide as
//! nine of ten of them need.
//!
//! The kernels of one network err together: they share a process, a moment and a model. So what counts is the error of the
//! whole, never the errors of kernels added up as if they were independent. An error is held against what the kernels'
//! own uncertainty explains, and a part that all networks have in common.

/// What a network's prediction was off by, as a logarithm (measured over predicted), what its kernels were composed to, also
/// as a logarithm, and the variance that they explain.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Miss {
    pub off: f64,
    pub composed: f64,
    pub variance: f64,
}

/// The common part where nothing can be said of it yet, and its bounds.
const UNKNOWN_COMMON: f64 = 0.08;
const LEAST_COMMON: f64 = 0.003;
const MOST_COMMON: f64 = 0.5;

/// Misses that the shape of their distribution is taken from.
const ENOUGH: usize = 24;

/// Misses that no number but the prior is made of.
const FEW: usize = 3;

/// Networks that "predictions of small networks are as good as those of large ones" is worth; misses further off than this
/// say no more; and the furthest that a size is looked beyond the middle, as a logarithm.
const EVEN: f64 = 20.0;
const FURTHEST: f64 = 0.15;
const BEYOND: f64 = 2.0;

/// Half-width of the band in standard deviations, if errors were normal.
const NORMAL: f64 = 1.645;

/// See the module.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Band {
    shift: Shift,
    /// Standard deviation that all networks have in common.
    pub common: f64,
    /// Half-width in standard deviations.
    pub reach: f64,
}

/// What predictions are off by: a network's kernels near the edges of what was measured are drawn to the middle, and small
/// networks are made of small ones.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Shift {
    off: f64,
    slope: f64,
    middle: f64,
}

impl Shift {
    const NONE: Self = Self { off: 0.0, slope: 0.0, middle: 0.0 };

    fn of(misses: &[Miss]) -> Self {
        let count = misses.len() as f64;
        let sorted = |of: &dyn Fn(&Miss) -> f64| {
            let mut values: Vec<f64> = misses.iter().map(of).collect();
            values.sort_by(f64::total_cmp);
            values
        };
        let at = middle(&sorted(&|miss| miss.composed));
        let off = middle(&sorted(&|miss| miss.off));
        let (mut square, mut product) = (0.0, 0.0);
        for miss in misses {
            let beyond = (miss.composed - at).clamp(-BEYOND, BEYOND);
            square += beyond * beyond;
            product += beyond * (miss.off - off).clamp(-FURTHEST, FURTHEST);
        }
        let slope = if square > 0.0 { product / square * count / (count + EVEN) } else { 0.0 };
        let straight = Self { off: 0.0, slope, middle: at };
        let off = middle(&sorted(&|miss| miss.off - straight.at(miss.composed)));
        Self { off: off * count / (count + 4.0), ..straight }
    }

    fn at(&self, composed: f64) -> f64 {
        self.off + self.slope * (composed - self.middle).clamp(-BEYOND, BEYOND)
    }
}

impl Band {
    /// What predictions are off by whose kernels are composed to this, as a logarithm.
    pub fn shift(&self, composed: f64) -> f64 {
        self.shift.at(composed)
    }

    pub fn of(misses: &[Miss]) -> Self {
        let count = misses.len();
        if count < FEW {
            return Self { shift: Shift::NONE, common: UNKNOWN_COMMON, reach: NORMAL };
        }
        let shift = Shift::of(misses);
        let square = |miss: &Miss, common: f64| {
            let variance = miss.variance + common * common;
            ((miss.off - shift.at(miss.composed)).powi(2) / variance).min(9.0)
        };
        let mean = |common: f64| misses.iter().map(|miss| square(miss, common)).sum::<f64>() / count as f64;
        // The larger the common part, the smaller the mean: by bisection to where it is one.
        let (mut low, mut high) = (LEAST_COMMON, MOST_COMMON);
        for _ in 0..60 {
            let between = (low * high).sqrt();
            if mean(between) > 1.0 { low = between } else { high = between }
        }
        let common = high;
        let mut sizes: Vec<f64> = misses.iter().map(|miss| square(miss, common).sqrt()).collect();
        sizes.sort_by(f64::total_cmp);
        let reach = if count < ENOUGH { of_few(count) } else { of_nine_in_ten(&sizes) };
        Self { shift, common, reach }
    }

    /// The part of a miss that is believed to be the network's moment, and not its kernels': as a logarithm.
    pub fn believed(&self, miss: &Miss) -> f64 {
        let common = self.common * self.common;
        (miss.off - self.shift(miss.composed)) * common / (common + miss.variance)
    }
}

fn middle(sorted: &[f64]) -> f64 {
    let at = sorted.len() / 2;
    match (sorted.len().is_multiple_of(2), sorted.get(at), sorted.get(at.wrapping_sub(1))) {
        (true, Some(upper), Some(lower)) => (upper + lower) / 2.0,
        (_, Some(only), _) => *only,
        _ => 0.0,
    }
}

/// Student's t for a further network, by its expansion in the inverse degrees of freedom.
fn of_few(count: usize) -> f64 {
    let freedom = count.saturating_sub(1).max(1) as f64;
    let student = NORMAL + (NORMAL.powi(3) + NORMAL) / (4.0 * freedom) + 2.0 / (freedom * freedom);
    student * (1.0 + 1.0 / count as f64).sqrt()
}

/// The size that nine of ten further ones keep: the sizes around that rank (one more than there are is to come), averaged,
/// for a single one scatters.
fn of_nine_in_ten(sorted: &[f64]) -> f64 {
    let count = sorted.len() as f64 + 1.0;
    let rank = |share: f64| ((share * count).round() as usize).clamp(1, sorted.len()) - 1;
    let around = sorted.get(rank(0.86)..=rank(0.94)).unwrap_or_default();
    let mean = around.iter().sum::<f64>() / around.len().max(1) as f64;
    mean.clamp(0.5, 6.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::SplitMix64;

    fn normal(dice: &mut SplitMix64) -> f64 {
        (0..12).map(|_| dice.unit()).sum::<f64>() - 6.0
    }

    #[test]
    fn a_band_is_kept_by_nine_of_ten_further_networks_whatever_part_of_the_error_is_common() {
        let mut dice = SplitMix64(7);
        for (common, own, slope) in [(0.01, 0.002, 0.0), (0.004, 0.02, 0.02), (0.03, 0.0, -0.03)] {
            let mut miss = || {
                let (variance, composed) = ((own * dice.unit()).powi(2), 13.0 + 3.0 * dice.unit());
                let off = 0.01 + slope * (composed - 14.5) + normal(&mut dice) * (variance + common * common).sqrt();
                Miss { off, composed, variance }
            };
            let (mut kept, mut all) = (0, 0);
            for _ in 0..60 {
                let misses: Vec<Miss> = (0..100).map(|_| miss()).collect();
                let band = Band::of(&misses);
                for _ in 0..100 {
                    let Miss { off, composed, variance } = miss();
                    let sd = (variance + band.common * band.common).sqrt();
                    kept += usize::from((off - band.shift(composed)).abs() <= band.reach * sd);
                    all += 1;
                }
            }
            let share = f64::from(u32::try_from(kept).unwrap()) / f64::from(u32::try_from(all).unwrap());
            assert!((0.885..0.915).contains(&share), "{share} with {common} and {own}");
        }
    }

    #[test]
    fn small_and_large_networks_that_are_off_to_either_side_are_put_right_by_their_size() {
        let miss = |at: usize| {
            let composed = 12.0 + 4.0 * at as f64 / 200.0;
            Miss { off: 0.02 * (composed - 14.0), composed, variance: 0.0 }
        };
        let band = Band::of(&(0..200).map(miss).collect::<Vec<_>>());
        for (composed, off) in [(12.0, -0.04), (14.0, 0.0), (16.0, 0.04)] {
            assert!((band.shift(composed) - off).abs() < 0.006, "{} at {composed}", band.shift(composed));
        }
        assert!((band.shift(40.0) - band.shift(16.0)).abs() < 0.001, "and nothing is made up far from all of them");
    }

    #[test]
    fn before_anything_is_known_the_band_is_wide_and_with_a_few_wider_than_with_many() {
        let misses = |count: usize| -> Vec<Miss> {
            (0..count)
                .map(|at| Miss { off: if at % 2 == 0 { 0.01 } else { -0.01 }, composed: 14.0, variance: 0.0 })
                .collect()
        };
        let width = |count: usize| {
            let band = Band::of(&misses(count));
            band.reach * band.common
        };
        assert!(width(0) > 0.1 && width(4) > width(12) && width(12) > width(200), "{} {}", width(4), width(12));
    }
}
