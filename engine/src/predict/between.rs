//! From the sum of a network's kernels to the whole: what lies between kernels, and what timing each of them costs.
//!
//! `whole = share * sum + each * launches + once`, learned from the networks whose whole and kernels were both measured.
//! Where there are few, the whole is the sum.

use super::observed::Network;

/// What "the whole is the sum" is worth, in networks.
const PRIOR: [f64; 3] = [2.0, 2.0, 2.0];

/// Ratios further off are no more than this off: a disturbed network is not to move the others.
const FURTHEST: f64 = 0.5;

/// See the module. Nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Between {
    share: f64,
    each: f64,
    once: f64,
}

impl Between {
    /// Least squares of the ratio of whole to sum.
    pub fn of(networks: &[Network]) -> Self {
        let typical = |of: fn(&Network) -> f64| {
            let sum: f64 = networks.iter().map(of).sum();
            (sum / networks.len().max(1) as f64).max(1e-12)
        };
        // Both columns are near one, so that the prior means the same for each.
        let scales =
            [1.0, typical(|network| network.launches as f64 / network.sum), typical(|network| 1.0 / network.sum)];
        let (mut squares, mut sums) = ([[0.0; 3]; 3], [0.0; 3]);
        for network in networks {
            let row = [1.0, network.launches as f64 / network.sum / scales[1], 1.0 / network.sum / scales[2]];
            let off = (network.whole / network.sum - 1.0).clamp(-FURTHEST, FURTHEST);
            for (at, value) in row.iter().enumerate() {
                sums[at] += value * off;
                squares[at].iter_mut().zip(row).for_each(|(square, other)| *square += value * other);
            }
        }
        for (at, prior) in PRIOR.iter().enumerate() {
            squares[at][at] += prior;
        }
        let solved = solve(squares, sums);
        Self { share: 1.0 + solved[0], each: solved[1] / scales[1], once: solved[2] / scales[2] }
    }

    /// The whole of a network whose kernels take `sum` nanoseconds together.
    pub fn whole(&self, sum: f64, launches: usize) -> f64 {
        (self.share * sum + self.each * launches as f64 + self.once).max(0.25 * sum).max(1.0)
    }
}

/// Gauss's elimination; the matrix is positive.
fn solve(mut matrix: [[f64; 3]; 3], mut values: [f64; 3]) -> [f64; 3] {
    for pivot in 0..3 {
        for row in pivot + 1..3 {
            let factor = matrix[row][pivot] / matrix[pivot][pivot];
            let above = matrix[pivot];
            for (value, above) in matrix[row].iter_mut().zip(above).skip(pivot) {
                *value -= factor * above;
            }
            values[row] -= factor * values[pivot];
        }
    }
    for row in (0..3).rev() {
        let sum: f64 = (row + 1..3).map(|column| matrix[row][column] * values[column]).sum();
        values[row] = (values[row] - sum) / matrix[row][row];
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::design::Fingerprint;

    fn network(sum: f64, launches: usize, whole: f64) -> Network {
        let design = Fingerprint::written(String::new());
        Network { design, whole, sum, launches, kernels: Vec::new(), moment: 0.0 }
    }

    #[test]
    fn what_lies_between_kernels_is_learned_and_nothing_is_made_up_before() {
        assert!((Between::of(&[]).whole(1e6, 60) - 1e6).abs() < 1e-6, "the whole is the sum");
        let truth = |sum: f64, launches: usize| 0.98 * sum + 400.0 * launches as f64 + 9_000.0;
        let networks: Vec<Network> = (0..200)
            .map(|number| {
                let (sum, launches) = (4e5 * 1.012_f64.powi(number), 30 + number as usize * 37 % 90);
                network(sum, launches, truth(sum, launches))
            })
            .collect();
        let between = Between::of(&networks);
        for (sum, launches) in [(5e5, 40), (1e6, 110), (3e6, 60)] {
            let off = between.whole(sum, launches) / truth(sum, launches) - 1.0;
            assert!(off.abs() < 0.004, "{off} at {sum} in {launches}: {between:?}");
        }
    }
}
