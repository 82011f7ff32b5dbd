//! From logits to probabilities and to the few classes that matter.

/// A class and how likely it is held to be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ranked {
    /// The class's number.
    pub index: usize,
    /// From 0 to 1.
    pub probability: f32,
}

/// `exp(x) / sum(exp(x))`, computed from differences to the largest logit so that nothing overflows. All of them are NaN
/// where the logits leave no answer: where one is NaN or plus infinity, or all are minus infinity.
#[must_use]
pub fn softmax(logits: &[f32]) -> Vec<f32> {
    let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let powers: Vec<f64> = logits.iter().map(|logit| (f64::from(*logit) - f64::from(largest)).exp()).collect();
    let sum: f64 = powers.iter().sum();
    powers.iter().map(|power| (power / sum) as f32).collect()
}

/// The numbers of the `count` largest values, largest first, equal ones by number; what is not a number comes last.
#[must_use]
pub fn largest(values: &[f32], count: usize) -> Vec<usize> {
    let key = |index: usize| values.get(index).copied().filter(|value| !value.is_nan());
    let by_value = |a: Option<f32>, b: Option<f32>| match (a, b) {
        (Some(a), Some(b)) => b.total_cmp(&a),
        (a, b) => a.is_none().cmp(&b.is_none()),
    };
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| by_value(key(a), key(b)).then(a.cmp(&b)));
    order.truncate(count);
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_sum_to_one_however_large_the_logits_are() {
        for logits in [[0.0, 0.0, 0.0], [1e30, -1e30, 1e30], [-500.0, -501.0, -502.0], [88.0, 89.0, 3.0e38]] {
            let sum: f32 = softmax(&logits).iter().sum();
            assert!((sum - 1.0).abs() < 1e-6, "{logits:?}");
        }
        // exp(1) / (exp(1) + exp(2)), exp(2) / (exp(1) + exp(2))
        let two = softmax(&[1.0, 2.0]);
        assert!((two[0] - 0.268_941_42).abs() < 1e-7 && (two[1] - 0.731_058_6).abs() < 1e-7, "{two:?}");
        assert!(softmax(&[]).is_empty());
    }

    #[test]
    fn logits_that_leave_no_answer_have_no_probabilities() {
        let (nan, infinity) = (f32::NAN, f32::INFINITY);
        for logits in [[nan, 1.0, 2.0], [1.0, 2.0, nan], [-nan, nan, nan], [infinity, 1.0, 2.0], [-infinity; 3]] {
            assert!(softmax(&logits).iter().all(|probability| probability.is_nan()), "{logits:?}");
        }
        assert_eq!(softmax(&[-infinity, 1.0, -infinity]), [0.0, 1.0, 0.0]);
    }

    #[test]
    fn the_largest_come_first_ties_by_number_and_what_is_no_number_last() {
        assert_eq!(largest(&[0.1, 0.7, 0.1, 0.7], 3), [1, 3, 0]);
        assert_eq!(largest(&[f32::NAN, 1.0, f32::NEG_INFINITY, -f32::NAN, 2.0], 9), [4, 1, 2, 0, 3]);
        assert_eq!(largest(&[-0.0, 0.0], 2), [1, 0]);
        assert!(largest(&[1.0], 0).is_empty() && largest(&[], 3).is_empty());
    }
}
