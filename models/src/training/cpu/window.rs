//! Windows over one channel: depthwise convolution, its gradients, and pooling.

use super::geometry::Run;
use super::kernels::{MOST_LANES, MOST_TAPS};
use super::table::{Lanes, Table};

/// The kernels, the window's runs and the pictures of a batch.
type Over<'a> = (&'a Table, &'a [Run], usize);

/// The part of a row that a run reads by one of its taps.
fn part<'a>(row: &'a [f32], from: usize, run: &Run, batch: usize) -> &'a [f32] {
    &row[from * batch..][..run.pixels * batch]
}

/// Writes (or adds) the sums of what a window reads, weighted by tap. With the runs back, it takes a result's gradient to
/// that of the map.
pub(super) fn filter((table, runs, batch): Over<'_>, weights: &[f32], row: &[f32], out: &mut [f32], add: bool) {
    for run in runs {
        let out = &mut out[run.first * batch..][..run.pixels * batch];
        if run.taps.is_empty() && !add {
            out.fill(0.0);
        }
        for (index, taps) in run.taps.chunks(MOST_TAPS).enumerate() {
            let mut rows = [&[][..]; MOST_TAPS];
            let mut weight = [0.0; MOST_TAPS];
            for ((rows, weight), &(tap, from)) in rows.iter_mut().zip(&mut weight).zip(taps) {
                (*rows, *weight) = (part(row, from, run, batch), weights[tap]);
            }
            table.weigh(&rows[..taps.len()], &weight[..taps.len()], out, add || index > 0);
        }
    }
}

/// The gradient of the weights of a window with so many taps.
pub(super) fn filter_weights(
    (table, runs, batch): Over<'_>,
    (row, gradient): (&[f32], &[f32]),
    of_weights: &mut [f32],
) {
    let mut sums: Vec<Lanes> = vec![[0.0; MOST_LANES]; of_weights.len()];
    for run in runs {
        let gradient = &gradient[run.first * batch..][..run.pixels * batch];
        for taps in run.taps.chunks(MOST_TAPS) {
            let mut rows = [&[][..]; MOST_TAPS];
            for (rows, &(_, from)) in rows.iter_mut().zip(taps) {
                *rows = part(row, from, run, batch);
            }
            // Taps of a run rise, so their registers can be borrowed apart.
            let mut wanted = taps.iter().map(|&(tap, _)| tap).peekable();
            let mut registers: Vec<&mut Lanes> = Vec::with_capacity(taps.len());
            for (tap, register) in sums.iter_mut().enumerate() {
                if wanted.next_if_eq(&tap).is_some() {
                    registers.push(register);
                }
            }
            table.products(&rows[..taps.len()], gradient, &mut registers);
        }
    }
    for (of_weight, sums) in of_weights.iter_mut().zip(&sums) {
        *of_weight = sums.iter().sum();
    }
}

/// Writes the maxima under a window; what lies outside the map never wins.
pub(super) fn max_pool(table: &Table, runs: &[Run], batch: usize, row: &[f32], out: &mut [f32]) {
    for run in runs {
        let out = &mut out[run.first * batch..][..run.pixels * batch];
        out.fill(f32::NEG_INFINITY);
        for &(_, from) in &run.taps {
            table.most(part(row, from, run, batch), out);
        }
    }
}

/// Adds the gradient of maxima to the first tap that is one.
pub(super) fn max_pool_gradient(
    (table, runs, batch): Over<'_>,
    (row, out, gradient): (&[f32], &[f32], &[f32]),
    of_row: &mut [f32],
) {
    let mut left = vec![];
    for run in runs {
        let place = run.first * batch..(run.first + run.pixels) * batch;
        left.clear();
        left.extend_from_slice(&gradient[place.clone()]);
        for &(_, from) in &run.taps {
            let pixels = from * batch..(from + run.pixels) * batch;
            table.give((&row[pixels.clone()], &out[place.clone()]), &mut left, &mut of_row[pixels]);
        }
    }
}
