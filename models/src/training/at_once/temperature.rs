//! How sure scores may be of themselves.

/// From scores that hardly tell the classes apart to scores taken for certain: a hundredfold is beyond what a few
/// pictures could justify.
const COLDEST: f64 = 30.0;
const WARMEST: f64 = 0.5;
/// Halvings of the search: the factor is found to a thousandth.
const STEPS: usize = 40;

/// A factor for scores, and how well the probabilities then suit the truth.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Temperature {
    /// What scores are multiplied by before the softmax.
    pub factor: f64,
    /// Mean of minus the logarithm of the right class's probability; smaller is better.
    pub loss: f64,
}

/// The factor by which the softmax of `scores`, rows of `classes` values, suits `labels` best; each row counts `weights`.
pub(super) fn calibrated(scores: &[f64], classes: usize, labels: &[usize], weights: &[f64]) -> Temperature {
    let loss = |logarithm: f64| {
        let factor = logarithm.exp();
        let rows = scores.chunks_exact(classes.max(1)).zip(labels).zip(weights);
        let (sum, all) = rows.fold((0.0, 0.0), |(sum, all), ((row, label), weight)| {
            (sum + weight * surprise(row, *label, factor), all + weight)
        });
        sum / all
    };
    // The loss is convex in the factor, and so has one valley along its logarithm too.
    let (mut low, mut high) = (WARMEST.ln(), COLDEST.ln());
    let share = (5.0_f64.sqrt() - 1.0) / 2.0;
    for _ in 0..STEPS {
        let (left, right) = (high - share * (high - low), low + share * (high - low));
        if loss(left) <= loss(right) { high = right } else { low = left }
    }
    let middle = (low + high) / 2.0;
    Temperature { factor: middle.exp(), loss: loss(middle) }
}

/// Minus the logarithm of the probability of `label`.
fn surprise(scores: &[f64], label: usize, factor: f64) -> f64 {
    let largest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = scores.iter().map(|score| (factor * (score - largest)).exp()).sum();
    let own = scores.get(label).copied().unwrap_or(largest);
    sum.ln() - factor * (own - largest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_that_are_right_three_times_in_four_end_at_that_probability() {
        // Softmax of (t, 0): probability 0.75 at t = ln 3.
        let scores = [1.0, 0.0].repeat(40);
        let labels: Vec<usize> = (0..40).map(|i| usize::from(i % 4 == 0)).collect();
        let found = calibrated(&scores, 2, &labels, &[1.0; 40]);
        assert!((found.factor - 3.0_f64.ln()).abs() < 1e-3, "{found:?}");
        let entropy = -(0.75 * 0.75_f64.ln() + 0.25 * 0.25_f64.ln());
        assert!((found.loss - entropy).abs() < 1e-6, "{found:?}");
    }

    #[test]
    fn scores_that_are_always_right_are_not_believed_without_end() {
        let found = calibrated(&[1.0, 0.0, 0.0, 1.0], 2, &[0, 1], &[1.0, 1.0]);
        assert!(found.factor > 29.0 && found.factor <= COLDEST, "{found:?}");
        assert!(calibrated(&[0.0, 1.0], 2, &[0], &[1.0]).factor < 0.51, "and those that are wrong hardly at all");
    }
}
