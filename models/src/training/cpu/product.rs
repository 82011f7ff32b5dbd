//! Convolutions over all channels as matrix products of rows: `out[m] = sum of weights[m][k] * source[k]`.
//!
//! Nothing is transposed and no copy of a map is made: what a product reads is packed for one block of columns at a time, so
//! that it stays in the cache, wherever its rows lie.

use rayon::prelude::*;

use super::geometry::Geometry;
use super::table::Table;

/// Floats of a packed block: a quarter of a megabyte, which every core's second cache holds.
const BLOCK: usize = 1 << 16;
/// Columns of a block of sums over columns.
const SUM_COLUMNS: usize = 1024;
/// Rows of one, on the right: they stay in the second cache.
const SUM_ROWS: usize = 48;

/// The rows that a product reads.
pub(super) enum Source<'a> {
    /// As they are.
    Rows(Vec<&'a [f32]>),
    /// Each row once for every tap of a window, shifted to the place of the result that the tap serves.
    Taps { rows: Vec<&'a [f32]>, geometry: &'a Geometry, batch: usize },
    /// Of a result's gradient, each row once for every tap, shifted to the pixel that the tap read.
    Back { rows: Vec<&'a [f32]>, geometry: &'a Geometry, batch: usize },
}

impl Source<'_> {
    /// How many rows.
    pub fn depth(&self) -> usize {
        match self {
            Self::Rows(rows) => rows.len(),
            Self::Taps { rows, geometry, .. } | Self::Back { rows, geometry, .. } => rows.len() * geometry.taps(),
        }
    }

    /// Columns `start ..` of row `k`.
    fn fill(&self, k: usize, start: usize, to: &mut [f32]) {
        match self {
            Self::Rows(rows) => to.copy_from_slice(&rows[k][start..start + to.len()]),
            Self::Taps { rows, geometry, batch } => {
                let taps = geometry.taps();
                shifted(rows[k / taps], *batch, start, to, |place| geometry.read(k % taps, place));
            }
            Self::Back { rows, geometry, batch } => {
                let taps = geometry.taps();
                shifted(rows[k / taps], *batch, start, to, |pixel| geometry.reader(k % taps, pixel));
            }
        }
    }
}

/// Fills `to`, columns from `start` on, pixel by pixel from other pixels of `row`.
fn shifted(row: &[f32], batch: usize, start: usize, to: &mut [f32], read: impl Fn(usize) -> Option<usize>) {
    let mut at = 0;
    while at < to.len() {
        let (pixel, offset) = ((start + at) / batch, (start + at) % batch);
        let count = (batch - offset).min(to.len() - at);
        let part = &mut to[at..at + count];
        match read(pixel) {
            Some(from) => part.copy_from_slice(&row[from * batch + offset..][..count]),
            None => part.fill(0.0),
        }
        at += count;
    }
}

/// A matrix within the parameters.
#[derive(Clone, Copy)]
pub(super) struct Matrix<'a> {
    pub values: &'a [f32],
    /// From one row of the result to the next, and from one of the source's to the next; with taps, the latter is of whole
    /// channels, and taps follow each other.
    pub strides: [usize; 2],
    pub taps: usize,
}

impl Matrix<'_> {
    fn at(&self, m: usize, k: usize) -> f32 {
        self.values[m * self.strides[0] + k / self.taps * self.strides[1] + k % self.taps]
    }
}

/// Writes (or adds) `weights * source` to the rows of `out`, block by block on all threads.
pub(super) fn multiply(table: &Table, weights: Matrix<'_>, source: &Source<'_>, out: &mut [&mut [f32]], add: bool) {
    let (depth, columns) = (source.depth(), out.first().map_or(0, |row| row.len()));
    if columns == 0 {
        return;
    }
    let panels = pack_weights(table, weights, out.len(), depth);
    let wide = table.tile_columns();
    // Blocks that stay in the cache, but enough of them for all threads.
    let shares = 2 * rayon::current_num_threads().max(1);
    let fits = (BLOCK / depth.max(1)).min(columns.div_ceil(shares)).min(16 * wide);
    let block = fits.next_multiple_of(wide).max(wide);

    let mut blocks: Vec<Vec<&mut [f32]>> = Vec::with_capacity(columns.div_ceil(block));
    blocks.resize_with(columns.div_ceil(block), || Vec::with_capacity(out.len()));
    for row in out {
        for (part, block) in row.chunks_mut(block).zip(&mut blocks) {
            block.push(part);
        }
    }
    blocks.into_par_iter().enumerate().for_each_init(Vec::new, |packed, (index, mut rows)| {
        let count = rows.first().map_or(0, |row| row.len());
        pack_block(source, index * block, (count, wide), packed);
        for (tile, right) in packed.chunks(depth * wide).enumerate() {
            let start = tile * wide;
            let columns = (count - start).min(wide);
            for (left, rows) in panels.chunks(depth * table.tile_rows).zip(rows.chunks_mut(table.tile_rows)) {
                let mut parts: Vec<&mut [f32]> = rows.iter_mut().map(|row| &mut row[start..start + columns]).collect();
                table.tile((left, right), &mut parts, columns, add);
            }
        }
    });
}

/// Panels of as many rows as a tile has, the last of those that are left: `[panel][k][row]`.
fn pack_weights(table: &Table, weights: Matrix<'_>, rows: usize, depth: usize) -> Vec<f32> {
    let mut packed = Vec::with_capacity(rows * depth);
    for first in (0..rows).step_by(table.tile_rows) {
        let end = (first + table.tile_rows).min(rows);
        for k in 0..depth {
            packed.extend((first..end).map(|m| weights.at(m, k)));
        }
    }
    packed
}

/// `count` columns of all rows: `[tile][k][column]`, zeros behind the last.
fn pack_block(source: &Source<'_>, start: usize, (count, wide): (usize, usize), packed: &mut Vec<f32>) {
    let depth = source.depth();
    packed.resize(depth * count.next_multiple_of(wide), 0.0);
    for (tile, packed) in packed.chunks_mut(depth * wide).enumerate() {
        let begin = tile * wide;
        let columns = (count - begin).min(wide);
        for (k, to) in packed.chunks_mut(wide).enumerate() {
            let (to, rest) = to.split_at_mut(columns);
            source.fill(k, start + begin, to);
            rest.fill(0.0);
        }
    }
}

/// `gradient[m][k] = sum over columns of rows[m] * source[k]`, each thread over a share of the columns.
pub(super) fn multiply_columns(table: &Table, rows: &[&[f32]], source: &Source<'_>) -> Vec<f32> {
    let (depth, columns) = (source.depth(), rows.first().map_or(0, |row| row.len()));
    let blocks = columns.div_ceil(SUM_COLUMNS).max(1);
    // Shares are cut by the number of threads alone, so that sums are the same again.
    let shares = rayon::current_num_threads().clamp(1, blocks);
    let parts: Vec<Vec<f32>> = (0..shares)
        .into_par_iter()
        .with_max_len(1)
        .map(|share| {
            let mut sums = vec![0.0; rows.len() * depth];
            let mut shifted = vec![];
            for block in blocks * share / shares..blocks * (share + 1) / shares {
                let start = block * SUM_COLUMNS;
                let end = (start + SUM_COLUMNS).min(columns);
                add_block(table, rows, source, (start, end), (&mut sums, &mut shifted));
            }
            sums
        })
        .collect();
    let mut parts = parts.into_iter();
    let mut sums = parts.next().unwrap_or_default();
    for part in parts {
        sums.iter_mut().zip(&part).for_each(|(sum, part)| *sum += part);
    }
    sums
}

fn add_block(
    table: &Table,
    rows: &[&[f32]],
    source: &Source<'_>,
    (start, end): (usize, usize),
    (sums, shifted): (&mut [f32], &mut Vec<f32>),
) {
    let depth = source.depth();
    let [left_rows, right_rows] = table.dots_of;
    let mut products = vec![0.0; left_rows * right_rows];
    for first in (0..depth).step_by(SUM_ROWS) {
        let last = (first + SUM_ROWS).min(depth);
        let right: Vec<&[f32]> = match source {
            Source::Rows(rows) => rows[first..last].iter().map(|row| &row[start..end]).collect(),
            _ => {
                shifted.resize((last - first) * (end - start), 0.0);
                for (k, to) in (first..last).zip(shifted.chunks_mut(end - start)) {
                    source.fill(k, start, to);
                }
                shifted.chunks(end - start).collect()
            }
        };
        for m in (0..rows.len()).step_by(left_rows) {
            // Beyond the last row it is taken again, and what comes of it left out.
            let left: Vec<&[f32]> = (m..m + left_rows).map(|m| &rows[m.min(rows.len() - 1)][start..end]).collect();
            for k in (0..right.len()).step_by(right_rows) {
                let right: Vec<&[f32]> = (k..k + right_rows).map(|k| right[k.min(right.len() - 1)]).collect();
                products.fill(0.0);
                table.dots(&left, &right, &mut products);
                for (row, products) in products.chunks(right_rows).enumerate().take(rows.len() - m) {
                    let count = right_rows.min(last - first - k);
                    let to = (m + row) * depth + first + k;
                    sums[to..to + count].iter_mut().zip(products).for_each(|(sum, product)| *sum += product);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{Shape, Window};
    use crate::runtime::Isa;

    fn values(count: usize, seed: u32) -> Vec<f32> {
        (0..count as u32)
            .map(|i| ((i.wrapping_mul(2_654_435_761).wrapping_add(seed) >> 8) % 2001) as f32 / 1000.0 - 1.0)
            .collect()
    }

    #[test]
    fn products_of_any_size_are_those_of_plain_loops_on_every_instruction_set() {
        for isa in Isa::all_available() {
            let table = Table::of(isa);
            for (m, k, columns) in [(1, 1, 1), (8, 3, 48), (13, 27, 101), (24, 50, 700), (5, 64, 2100)] {
                let (weights, map, before) = (values(m * k, 1), values(k * columns, 2), values(m * columns, 3));
                let source = Source::Rows(map.chunks(columns).collect());
                for add in [false, true] {
                    let mut out = before.clone();
                    let matrix = Matrix { values: &weights, strides: [k, 1], taps: 1 };
                    multiply(table, matrix, &source, &mut out.chunks_mut(columns).collect::<Vec<_>>(), add);
                    for (index, value) in out.iter().enumerate() {
                        let (row, column) = (index / columns, index % columns);
                        let sum: f32 = (0..k).map(|k_| weights[row * k + k_] * map[k_ * columns + column]).sum();
                        let wanted = sum + if add { before[index] } else { 0.0 };
                        assert!((value - wanted).abs() < 1e-4, "{isa} {m} {k} {columns}: {value} {wanted}");
                    }
                }
                let rows: Vec<&[f32]> = before.chunks(columns).collect();
                let sums = multiply_columns(table, &rows, &source);
                for (index, value) in sums.iter().enumerate() {
                    let (left, right) = (rows[index / k], &map[index % k * columns..][..columns]);
                    let wanted: f64 = left.iter().zip(right).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
                    assert!((f64::from(*value) - wanted).abs() < 1e-3, "{isa} {m} {k} {columns}: {value} {wanted}");
                }
            }
        }
    }

    #[test]
    fn taps_are_the_pixels_that_a_window_joins() {
        let (batch, window) = (3, Window::square(3, 2));
        let geometry = Geometry::new(window, Shape::new(1, 1, 5, 4), Shape::new(1, 1, 3, 2));
        let row = values(5 * 4 * batch, 4);
        let source = Source::Taps { rows: vec![&row], geometry: &geometry, batch };
        let mut filled = vec![0.0; 7];
        // Tap 8 (the lower right) of places 1 to 3, from the second picture on.
        source.fill(8, batch + 1, &mut filled);
        let at = |row_: usize, column: usize, image: usize| row[(row_ * 4 + column) * batch + image];
        assert_eq!(filled, [at(1, 3, 1), at(1, 3, 2), at(3, 1, 0), at(3, 1, 1), at(3, 1, 2), at(3, 3, 0), at(3, 3, 1)]);
    }
}
