//! Symmetric positive definite systems in 64 bits, by rows so that every inner loop runs along memory.

use rayon::iter::{IntoParallelIterator, IntoParallelRefMutIterator, ParallelIterator};
use rayon::prelude::{IndexedParallelIterator, ParallelSliceMut};

/// `L` with `L * Lt = A`, rows of `order` values of which those up to the diagonal count.
#[derive(Debug)]
pub(super) struct Cholesky {
    order: usize,
    lower: Vec<f64>,
}

/// Sum of products, in eight parts that the processor adds side by side.
pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let (a, a_rest) = a.as_chunks::<8>();
    let (b, b_rest) = b.as_chunks::<8>();
    let mut sums = [0.0; 8];
    for (a, b) in a.iter().zip(b) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum += a * b;
        }
    }
    sums.iter().sum::<f64>() + a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum::<f64>()
}

/// The products of every two rows of `rows`, each of `width` values: a symmetric matrix, row by row.
pub(super) fn products_of_rows(rows: &[f64], width: usize) -> Vec<f64> {
    let row = |index: usize| rows.get(index * width..(index + 1) * width).unwrap_or_default();
    let order = rows.len().checked_div(width).unwrap_or_default();
    let mut products = vec![0.0; order * order];
    products.par_chunks_mut(order.max(1)).enumerate().for_each(|(first, into)| {
        for (second, product) in into.iter_mut().enumerate().take(first + 1) {
            *product = dot(row(first), row(second));
        }
    });
    for first in 0..order {
        for second in 0..first {
            products[second * order + first] = products[first * order + second];
        }
    }
    products
}

impl Cholesky {
    /// Of `matrix` with `ridge` added to its diagonal; `None` where that is not positive definite.
    pub fn of(matrix: &[f64], order: usize, ridge: f64) -> Option<Self> {
        let mut lower = vec![0.0; order * order];
        for row in 0..order {
            let (done, rest) = lower.split_at_mut(row * order);
            let current = rest.get_mut(..order)?;
            for column in 0..row {
                let above = done.get(column * order..(column + 1) * order)?;
                let sum = dot(&current[..column], &above[..column]);
                current[column] = (matrix[row * order + column] - sum) / above[column];
            }
            let square = matrix[row * order + row] + ridge - dot(&current[..row], &current[..row]);
            if !(square.is_finite() && square > 0.0) {
                return None;
            }
            current[row] = square.sqrt();
        }
        Some(Self { order, lower })
    }

    fn row(&self, row: usize) -> &[f64] {
        &self.lower[row * self.order..row * self.order + row + 1]
    }

    /// `x` with `L * x = right`.
    pub fn forward(&self, right: &mut [f64]) {
        for index in 0..self.order {
            let row = self.row(index);
            let (known, rest) = right.split_at_mut(index);
            rest[0] = (rest[0] - dot(&row[..index], known)) / row[index];
        }
    }

    /// `x` with `A * x = right`.
    pub fn solve(&self, right: &mut [f64]) {
        self.forward(right);
        for index in (0..self.order).rev() {
            let row = self.row(index);
            let (before, rest) = right.split_at_mut(index);
            rest[0] /= row[index];
            let value = rest[0];
            before.iter_mut().zip(row).for_each(|(right, factor)| *right -= factor * value);
        }
    }

    /// The diagonal of the inverse of `A`.
    pub fn inverse_diagonal(&self) -> Vec<f64> {
        // Column j of the inverse of L starts at row j; the diagonal of `inverse(L)t * inverse(L)` sums their squares.
        let column = |start: usize| {
            let mut values = vec![0.0; self.order - start];
            for row in start..self.order {
                let own = &self.row(row)[start..];
                let known = dot(&own[..row - start], &values[..row - start]);
                let one = if row == start { 1.0 } else { 0.0 };
                values[row - start] = (one - known) / own[row - start];
            }
            dot(&values, &values)
        };
        (0..self.order).into_par_iter().map(column).collect()
    }
}

/// Applies `change` to every row of `width` values, side by side.
pub(super) fn each_row(rows: &mut [f64], width: usize, change: impl Fn(&mut [f64]) + Sync) {
    let mut rows: Vec<&mut [f64]> = rows.chunks_mut(width.max(1)).collect();
    rows.par_iter_mut().for_each(|row| change(row));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A matrix that is positive definite, and its order.
    fn matrix(order: usize) -> Vec<f64> {
        let rows: Vec<f64> = (0..order * (order + 3)).map(|i| ((i * 7919 % 101) as f64 - 50.0) / 25.0).collect();
        products_of_rows(&rows, order + 3)
    }

    #[test]
    fn systems_are_solved_and_the_inverses_diagonal_is_the_solutions_for_unit_vectors() {
        for order in [1, 2, 7, 8, 23] {
            let (matrix, ridge) = (matrix(order), 0.5);
            let solver = Cholesky::of(&matrix, order, ridge).unwrap();
            let wanted: Vec<f64> = (0..order).map(|i| (i as f64).sin() + 0.3).collect();
            let times = |x: &[f64]| -> Vec<f64> {
                (0..order).map(|i| dot(&matrix[i * order..(i + 1) * order], x) + ridge * x[i]).collect()
            };
            let mut found = times(&wanted);
            solver.solve(&mut found);
            assert!(found.iter().zip(&wanted).all(|(a, b)| (a - b).abs() < 1e-8), "{order}: {found:?}");
            for (index, diagonal) in solver.inverse_diagonal().into_iter().enumerate() {
                let mut unit = vec![0.0; order];
                unit[index] = 1.0;
                solver.solve(&mut unit);
                assert!((unit[index] - diagonal).abs() < 1e-10, "{order}: {index}");
            }
        }
    }

    #[test]
    fn what_is_not_positive_definite_is_refused() {
        assert!(Cholesky::of(&[1.0, 2.0, 2.0, 1.0], 2, 0.0).is_none());
        assert!(Cholesky::of(&[f64::NAN], 1, 1.0).is_none());
        assert!(Cholesky::of(&[0.0], 1, 0.0).is_none());
    }
}
