//! Time as a sum: a launch, so much per mult-add and so much per byte, none of them negative.
//!
//! Fitted to what was measured in relative terms, for a kernel of 5 us and one of 500 us tell as much. Where little was
//! measured, the numbers of all kernels of the target hold.

use super::kind::{PARTS, Parts};

/// What a sum begins with is worth so many kernels.
const PRIOR: f64 = 0.5;

/// Passes over the coordinates; with five of them, a few dozen settle all but the last digits.
const PASSES: usize = 200;

/// Nanoseconds for each of the parts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Additive([f64; PARTS]);

impl Additive {
    /// The sum nearest to these kernels and their times in nanoseconds, in relative squares; `prior` is what it begins
    /// with.
    pub fn fit(kernels: &[(Parts, f64)], prior: Option<&Self>) -> Self {
        let count = kernels.len().max(1) as f64;
        let rows = || kernels.iter().map(|(parts, time)| parts.map(|part| part / time.max(1.0)));
        let mut scales = [0.0; PARTS];
        for row in rows() {
            scales.iter_mut().zip(row).for_each(|(scale, value)| *scale += value * value / count);
        }
        let scales = scales.map(f64::sqrt);
        let (mut squares, mut sums) = ([[0.0; PARTS]; PARTS], [0.0; PARTS]);
        for row in rows() {
            let scaled: [f64; PARTS] =
                std::array::from_fn(|at| if scales[at] > 0.0 { row[at] / scales[at] } else { 0.0 });
            for (at, value) in scaled.iter().enumerate() {
                sums[at] += value;
                squares[at].iter_mut().zip(scaled).for_each(|(square, other)| *square += value * other);
            }
        }
        let strength = if prior.is_some() { PRIOR } else { 1e-6 };
        let begin: [f64; PARTS] = std::array::from_fn(|at| prior.map_or(0.0, |prior| prior.0[at] * scales[at]));
        let mut weights = begin;
        for _ in 0..PASSES {
            for at in 0..PARTS {
                let others: f64 =
                    (0..PARTS).filter(|&other| other != at).map(|other| squares[at][other] * weights[other]).sum();
                let pull = sums[at] - others + strength * begin[at];
                weights[at] = (pull / (squares[at][at] + strength)).max(0.0);
            }
        }
        Self(std::array::from_fn(|at| match prior {
            _ if scales[at] > 0.0 => weights[at] / scales[at],
            Some(prior) => prior.0[at],
            None => 0.0,
        }))
    }

    /// Nanoseconds, at least one.
    pub fn time(&self, parts: &Parts) -> f64 {
        self.0.iter().zip(parts).map(|(weight, part)| weight * part).sum::<f64>().max(1.0)
    }

    /// Mean square of the logarithm's error.
    pub fn error(&self, kernels: &[(Parts, f64)]) -> f64 {
        let square = |(parts, time): &(Parts, f64)| (time.max(1.0) / self.time(parts)).ln().powi(2);
        kernels.iter().map(square).sum::<f64>() / kernels.len().max(1) as f64
    }
}
