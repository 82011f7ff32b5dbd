//! How wrong predictions are: every network that was measured is predicted from the others, and the band is as wide as
//! nine of ten of them need.
//!
//! The kernels of one network err together: they share a process, a moment and a model. So what counts is the error of the
//! whole, never the errors of kernels added up as if they were independent. An error is held against what the kernels'
//! own uncertainty explains, and a part that all networks have in common.

/// What a network's prediction was off by, as a logarithm (measured over predicted), and the variance that its kernels
/// explain.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Miss {
    pub off: f64,
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

/// Half-width of the band in standard deviations, if errors were normal.
const NORMAL: f64 = 1.645;

/// See the module.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Band {
    /// What predictions are off by in the middle.
    pub shift: f64,
    /// Standard deviation that all networks have in common.
    pub common: f64,
    /// Half-width in standard deviations.
    pub reach: f64,
}

impl Band {
    pub fn of(misses: &[Miss]) -> Self {
        let count = misses.len();
        if count < FEW {
            return Self { shift: 0.0, common: UNKNOWN_COMMON, reach: NORMAL };
        }
        let mut offs: Vec<f64> = misses.iter().map(|miss| miss.off).collect();
        offs.sort_by(f64::total_cmp);
        let shift = middle(&offs) * count as f64 / (count as f64 + 4.0);
        let square = |miss: &Miss, common: f64| {
            let variance = miss.variance + common * common;
            ((miss.off - shift).powi(2) / variance).min(9.0)
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
        (miss.off - self.shift) * common / (common + miss.variance)
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
        for (common, own) in [(0.01, 0.002), (0.004, 0.02), (0.03, 0.0)] {
            let mut miss = || {
                let variance = (own * dice.unit()).powi(2);
                Miss { off: 0.01 + normal(&mut dice) * (variance + common * common).sqrt(), variance }
            };
            let (mut kept, mut all) = (0, 0);
            for _ in 0..60 {
                let misses: Vec<Miss> = (0..100).map(|_| miss()).collect();
                let band = Band::of(&misses);
                for _ in 0..100 {
                    let Miss { off, variance } = miss();
                    let sd = (variance + band.common * band.common).sqrt();
                    kept += usize::from((off - band.shift).abs() <= band.reach * sd);
                    all += 1;
                }
            }
            let share = f64::from(u32::try_from(kept).unwrap()) / f64::from(u32::try_from(all).unwrap());
            assert!((0.885..0.915).contains(&share), "{share} with {common} and {own}");
        }
    }

    #[test]
    fn before_anything_is_known_the_band_is_wide_and_with_a_few_wider_than_with_many() {
        let misses = |count: usize| -> Vec<Miss> {
            (0..count).map(|at| Miss { off: if at % 2 == 0 { 0.01 } else { -0.01 }, variance: 0.0 }).collect()
        };
        let width = |count: usize| {
            let band = Band::of(&misses(count));
            band.reach * band.common
        };
        assert!(width(0) > 0.1 && width(4) > width(12) && width(12) > width(200), "{} {}", width(4), width(12));
    }
}
