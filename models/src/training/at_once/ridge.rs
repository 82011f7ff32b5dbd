//! A linear classifier by ridge regression: one score a class, least squares onto 1 for its own pictures and 0 for the
//! others, every class counting alike however many pictures it has.
//!
//! The strength of the ridge is the one by which pictures that are left out are told best: with the inverse at hand the
//! score of each without it follows in closed form (Allen's PRESS; for kernels, Cawley and Talbot). The smaller of the two
//! systems is solved: as many unknowns as features, or as pictures.

use super::cholesky::{Cholesky, dot, each_row, products_of_rows};
use super::temperature::{Temperature, calibrated};
use crate::training::TeachError;

/// Strengths that are tried, as shares of the mean of the system's diagonal.
const STRENGTHS: [f64; 6] = [1e-4, 1e-3, 1e-2, 3e-2, 1e-1, 1.0];

/// Pictures left out in turn; more would make the choice no better, and a thousand times a thousand features take time.
const LEFT_OUT: usize = 1000;

/// A feature that varies less than this share of the liveliest one is dead.
const DEAD: f64 = 1e-6;

/// Rows of so many values.
#[derive(Clone, Debug)]
pub(super) struct Rows {
    pub width: usize,
    pub values: Vec<f64>,
}

impl Rows {
    pub const fn new(width: usize) -> Self {
        Self { width, values: vec![] }
    }

    pub fn push(&mut self, row: &[f32]) {
        self.values.extend(row.iter().take(self.width).map(|&value| f64::from(value)));
    }

    fn count(&self) -> usize {
        self.values.len().checked_div(self.width).unwrap_or_default()
    }
}

/// A linear layer: `[classes, features]` and `[classes]`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Head {
    pub weight: Vec<f32>,
    pub bias: Vec<f32>,
}

/// Solves for the layer; without `has_bias` its bias is empty.
pub(super) fn solve(features: &Rows, labels: &[usize], classes: usize, has_bias: bool) -> Result<Head, TeachError> {
    let prepared = Prepared::of(features, labels, classes, has_bias);
    let mut best: Option<(Temperature, Vec<f64>)> = None;
    for strength in STRENGTHS {
        let Some((weight, left_out)) = prepared.solve(strength) else { continue };
        let temperature = left_out.calibrated(classes);
        if best.as_ref().is_none_or(|(before, _)| temperature.loss < before.loss) {
            best = Some((temperature, weight));
        }
    }
    let (temperature, weight) = best.ok_or(TeachError::NoSolution)?;
    Ok(prepared.head(&weight, temperature.factor))
}

/// Pictures with the scores that they would have had, were they not learnt from.
struct LeftOut {
    scores: Vec<f64>,
    labels: Vec<usize>,
    weights: Vec<f64>,
}

impl LeftOut {
    fn calibrated(&self, classes: usize) -> Temperature {
        calibrated(&self.scores, classes, &self.labels, &self.weights)
    }
}

/// Features of mean 0 and deviation 1 and what they are to give, each row weighted.
struct Prepared<'a> {
    labels: &'a [usize],
    classes: usize,
    width: usize,
    count: usize,
    /// Root of what each picture counts.
    roots: Vec<f64>,
    /// By feature: subtracted, and what the difference is multiplied by.
    mean: Vec<f64>,
    scale: Vec<f64>,
    has_bias: bool,
    /// `[count, width]`.
    rows: Vec<f64>,
    /// `[classes, count]`.
    targets: Vec<f64>,
    /// The products of every two features, or of every two pictures.
    system: Vec<f64>,
    order: usize,
}

impl<'a> Prepared<'a> {
    fn of(features: &Rows, labels: &'a [usize], classes: usize, has_bias: bool) -> Self {
        let (width, count) = (features.width, features.count().min(labels.len()));
        let mut of_class = vec![0_usize; classes];
        labels.iter().for_each(|label| of_class[*label] += 1);
        let weight = |label: &usize| count as f64 / (classes * of_class[*label].max(1)) as f64;
        let roots: Vec<f64> = labels.iter().take(count).map(|label| weight(label).sqrt()).collect();

        let mut rows = features.values.clone();
        rows.truncate(count * width);
        let mut mean = vec![0.0; width];
        if has_bias {
            for (row, root) in rows.chunks_exact(width).zip(&roots) {
                mean.iter_mut().zip(row).for_each(|(mean, value)| *mean += root * root * value / count as f64);
            }
        }
        let mut variance = vec![0.0; width];
        for (row, root) in rows.chunks_exact(width).zip(&roots) {
            for ((variance, value), mean) in variance.iter_mut().zip(row).zip(&mean) {
                *variance += root * root * (value - mean).powi(2) / count as f64;
            }
        }
        let liveliest = variance.iter().copied().fold(0.0, f64::max).sqrt();
        let scale: Vec<f64> = variance
            .iter()
            .map(|variance| variance.sqrt())
            .map(|deviation| if deviation > DEAD * liveliest { 1.0 / deviation } else { 0.0 })
            .collect();
        for (row, root) in rows.chunks_exact_mut(width).zip(&roots) {
            for ((value, mean), scale) in row.iter_mut().zip(&mean).zip(&scale) {
                *value = root * (*value - mean) * scale;
            }
        }
        let share = 1.0 / classes as f64;
        let target = |class: usize| {
            let own = move |label: &usize| if *label == class { 1.0 - share } else { -share };
            labels.iter().zip(&roots).map(move |(label, root)| root * own(label))
        };
        let targets = (0..classes).flat_map(target).collect();
        let (system, order) = if count <= width {
            (products_of_rows(&rows, width), count)
        } else {
            (products_of_rows(&transposed(&rows, width), count), width)
        };
        let (labels, roots) = (&labels[..count], roots);
        Self { labels, classes, width, count, roots, mean, scale, has_bias, rows, targets, system, order }
    }

    fn row(&self, index: usize) -> &[f64] {
        &self.rows[index * self.width..(index + 1) * self.width]
    }

    fn targets_of(&self, class: usize) -> &[f64] {
        &self.targets[class * self.count..(class + 1) * self.count]
    }

    /// The layer for scaled features, `[classes, width]`, and the scores of pictures left out.
    fn solve(&self, strength: f64) -> Option<(Vec<f64>, LeftOut)> {
        let diagonal: f64 = (0..self.order).map(|index| self.system[index * self.order + index]).sum();
        // Features that are all the same, or no numbers.
        if !(diagonal.is_finite() && diagonal > 0.0) {
            return None;
        }
        let ridge = strength * diagonal / self.order as f64;
        let solver = Cholesky::of(&self.system, self.order, ridge)?;
        Some(if self.order == self.count { self.by_pictures(&solver) } else { self.by_features(&solver) })
    }

    fn by_pictures(&self, solver: &Cholesky) -> (Vec<f64>, LeftOut) {
        let mut duals = self.targets.clone();
        each_row(&mut duals, self.count, |right| solver.solve(right));
        let mut weight = vec![0.0; self.classes * self.width];
        for (into, duals) in weight.chunks_exact_mut(self.width).zip(duals.chunks_exact(self.count)) {
            for (index, dual) in duals.iter().enumerate() {
                into.iter_mut().zip(self.row(index)).for_each(|(weight, value)| *weight += dual * value);
            }
        }
        let inverse = solver.inverse_diagonal();
        let without = |index: usize, class: usize| {
            self.targets_of(class)[index] - duals[class * self.count + index] / inverse[index]
        };
        (weight, self.left_out(without))
    }

    fn by_features(&self, solver: &Cholesky) -> (Vec<f64>, LeftOut) {
        let mut weight = vec![0.0; self.classes * self.width];
        for (class, into) in weight.chunks_exact_mut(self.width).enumerate() {
            for (index, target) in self.targets_of(class).iter().enumerate() {
                into.iter_mut().zip(self.row(index)).for_each(|(sum, value)| *sum += target * value);
            }
        }
        each_row(&mut weight, self.width, |right| solver.solve(right));
        // How much of its own score each picture decides.
        let chosen: Vec<usize> = self.chosen().collect();
        let mut leverage: Vec<f64> = chosen.iter().flat_map(|index| self.row(*index).to_vec()).collect();
        each_row(&mut leverage, self.width, |row| solver.forward(row));
        let leverage: Vec<f64> = leverage.chunks_exact(self.width).map(|row| dot(row, row)).collect();
        let of = |index: usize| chosen.binary_search(&index).ok().and_then(|at| leverage.get(at)).copied();
        let without = |index: usize, class: usize| {
            let (own, target) = (of(index).unwrap_or_default().min(1.0 - 1e-9), self.targets_of(class)[index]);
            let score = dot(self.row(index), &weight[class * self.width..(class + 1) * self.width]);
            (score - own * target) / (1.0 - own)
        };
        let left_out = self.left_out(without);
        (weight, left_out)
    }

    /// The pictures left out in turn: all, or as many evenly spread.
    fn chosen(&self) -> impl Iterator<Item = usize> {
        (0..self.count).step_by(self.count.div_ceil(LEFT_OUT).max(1))
    }

    fn left_out(&self, score: impl Fn(usize, usize) -> f64) -> LeftOut {
        let mut left_out = LeftOut { scores: vec![], labels: vec![], weights: vec![] };
        for index in self.chosen() {
            let root = self.roots[index];
            left_out.scores.extend((0..self.classes).map(|class| score(index, class) / root));
            left_out.labels.push(self.labels[index]);
            left_out.weights.push(root * root);
        }
        left_out
    }

    /// The layer for features as they come.
    fn head(&self, weight: &[f64], factor: f64) -> Head {
        let mut head = Head { weight: vec![], bias: vec![] };
        for row in weight.chunks_exact(self.width) {
            let unscaled: Vec<f64> =
                row.iter().zip(&self.scale).map(|(weight, scale)| factor * weight * scale).collect();
            if self.has_bias {
                head.bias.push((factor / self.classes as f64 - dot(&unscaled, &self.mean)) as f32);
            }
            head.weight.extend(unscaled.iter().map(|weight| *weight as f32));
        }
        head
    }
}

/// The columns of rows of `width` values.
fn transposed(rows: &[f64], width: usize) -> Vec<f64> {
    (0..width).flat_map(|column| rows.iter().skip(column).step_by(width).copied()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two classes apart along the first feature; the last one is dead.
    fn apart(count: usize, width: usize) -> (Rows, Vec<usize>) {
        let mut rows = Rows::new(width);
        let labels: Vec<usize> = (0..count).map(|index| usize::from(index % 3 == 0)).collect();
        for (index, label) in labels.iter().enumerate() {
            let noise = |column: usize| ((index * 31 + column * 17) % 23) as f32 / 23.0 - 0.5;
            let value = |column: usize| match column {
                0 => 10.0 + *label as f32 * 2.0 + 0.4 * noise(0),
                column if column + 1 == width => 5.0,
                column => noise(column),
            };
            rows.push(&(0..width).map(value).collect::<Vec<_>>());
        }
        (rows, labels)
    }

    fn scores(head: &Head, row: &[f64], classes: usize) -> Vec<f64> {
        let of = |class: usize| {
            let weights = &head.weight[class * row.len()..(class + 1) * row.len()];
            let sum: f64 = weights.iter().zip(row).map(|(weight, value)| f64::from(*weight) * value).sum();
            sum + head.bias.get(class).copied().map_or(0.0, f64::from)
        };
        (0..classes).map(of).collect()
    }

    #[test]
    fn classes_that_lie_apart_are_told_apart_with_more_pictures_than_features_and_with_fewer() {
        for (count, width) in [(60, 6), (12, 40)] {
            for has_bias in [true, false] {
                let (rows, labels) = apart(count, width);
                let head = solve(&rows, &labels, 2, has_bias).unwrap();
                assert_eq!((head.weight.len(), head.bias.len()), (2 * width, if has_bias { 2 } else { 0 }));
                let right = rows.values.chunks_exact(width).zip(&labels).filter(|(row, label)| {
                    let scores = scores(&head, row, 2);
                    (scores[1] > scores[0]) == (**label == 1)
                });
                assert_eq!(right.count(), count, "{count} pictures, {width} features, bias {has_bias}");
            }
        }
    }

    #[test]
    fn both_systems_give_the_same_layer_and_the_same_scores_of_pictures_left_out() {
        let (rows, labels) = apart(20, 20);
        let by_pictures = Prepared::of(&rows, &labels, 2, true);
        let system = products_of_rows(&transposed(&by_pictures.rows, 20), 20);
        let by_features = Prepared { system, ..Prepared::of(&rows, &labels, 2, true) };
        let ridge = 0.7;
        let (first, first_out) = by_pictures.by_pictures(&Cholesky::of(&by_pictures.system, 20, ridge).unwrap());
        let (second, second_out) = by_features.by_features(&Cholesky::of(&by_features.system, 20, ridge).unwrap());
        let close = |a: &[f64], b: &[f64]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-8);
        assert!(close(&first, &second) && close(&first_out.scores, &second_out.scores));
    }

    #[test]
    fn the_score_of_a_picture_left_out_is_that_of_a_layer_learnt_without_it() {
        // Without means and weights, so that leaving one out changes nothing but itself.
        let (rows, labels) = apart(9, 5);
        let prepared = |rows: &Rows, labels: &'static [usize]| {
            let mut prepared = Prepared::of(rows, labels, 2, false);
            prepared.rows = rows.values.clone();
            prepared.roots.fill(1.0);
            prepared.targets = (0..2)
                .flat_map(|class| labels.iter().map(move |label| if *label == class { 0.5 } else { -0.5 }))
                .collect();
            prepared.system = products_of_rows(&transposed(&rows.values, 5), rows.count());
            prepared.order = 5;
            prepared
        };
        let labels: &'static [usize] = labels.leak();
        let all = prepared(&rows, labels);
        let (_, left_out) = all.by_features(&Cholesky::of(&all.system, 5, 0.3).unwrap());
        let without = Rows { width: 5, values: rows.values[5..].to_vec() };
        let rest = prepared(&without, &labels[1..]);
        let (weight, _) = rest.by_features(&Cholesky::of(&rest.system, 5, 0.3).unwrap());
        for class in 0..2 {
            let score = dot(&rows.values[..5], &weight[class * 5..(class + 1) * 5]);
            assert!((score - left_out.scores[class]).abs() < 1e-9, "{class}");
        }
    }

    #[test]
    fn features_that_are_all_dead_and_ones_that_are_not_finite_end_in_no_answer_and_no_panic() {
        let dead = Rows { width: 3, values: vec![1.0; 12] };
        assert!(solve(&dead, &[0, 1, 0, 1], 2, true).is_err());
        let broken = Rows { width: 2, values: vec![f64::NAN; 8] };
        assert!(solve(&broken, &[0, 1, 0, 1], 2, true).is_err());
    }
}
