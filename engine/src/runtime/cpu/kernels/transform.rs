//! The two transforms of Winograd's minimal filtering F(2x2, 3x3) for one channel: patches of 4x4 input pixels to 16
//! values that products work on, and 16 sums back to 2x2 output pixels. A patch's vector lane is its place in a row of
//! patches, which overlap by two pixels.
//!
//! After A. Lavin and S. Gray, "Fast Algorithms for Convolutional Neural Networks", 2015, section 4.1.

use super::epilogue::{Epilogue, FinishFn, finish_run};
use super::simd::Simd;

/// Values per patch.
pub(super) const POINTS: usize = 16;

/// One channel's patches `start .. end`, counted row by row.
#[derive(Clone, Copy, Debug)]
pub(super) struct PatchArgs {
    /// Patches per row of patches.
    pub columns: usize,
    pub start: usize,
    pub end: usize,
    /// The padded map from the first patch row in question on, `plane_pitch` floats per row.
    pub plane: *const f32,
    pub plane_pitch: usize,
    /// Where the patches' first value goes; the others follow `apart` floats from one another.
    pub to: *mut f32,
    pub apart: usize,
}

/// `B^T d B` of every patch.
///
/// # Safety
/// As [`Simd`]; `plane` is valid for reads of the patches' rows and two vectors behind each of their pixels, each of the
/// 16 places at `to` for writes of the patches and one vector behind them, and none of them overlaps another.
#[inline(always)]
pub(super) unsafe fn patches<V: Simd>(args: &PatchArgs) {
    // SAFETY: lanes past a row's last patch hold garbage, which the next row or nobody overwrites or reads.
    unsafe {
        let first_row = args.start / args.columns;
        let mut at = args.start;
        while at < args.end {
            let (row, column) = (at / args.columns, at % args.columns);
            let count = (args.columns - column).min(args.end - at);
            let from = args.plane.add(2 * (row - first_row) * args.plane_pitch + 2 * column);
            let to = args.to.add(at - args.start);
            for vector in (0..count).step_by(V::LANES) {
                let mut values = [[V::splat(0.0); 4]; 4];
                for (y, values) in values.iter_mut().enumerate() {
                    let from = from.add(y * args.plane_pitch + 2 * vector);
                    let (d0, d1) = V::deinterleave(V::load(from), V::load(from.add(V::LANES)));
                    let (d2, d3) = V::deinterleave(V::load(from.add(2)), V::load(from.add(2 + V::LANES)));
                    *values = [d0.sub(d2), d1.add(d2), d2.sub(d1), d1.sub(d3)];
                }
                let to = to.add(vector);
                #[expect(clippy::needless_range_loop, reason = "a column of the tile, from all of its rows")]
                for x in 0..4 {
                    let [d0, d1, d2, d3] = [values[0][x], values[1][x], values[2][x], values[3][x]];
                    d0.sub(d2).store(to.add(x * args.apart));
                    d1.add(d2).store(to.add((4 + x) * args.apart));
                    d2.sub(d1).store(to.add((8 + x) * args.apart));
                    d1.sub(d3).store(to.add((12 + x) * args.apart));
                }
            }
            at += count;
        }
    }
}

/// One output channel's patches `start .. end`.
#[derive(Clone, Copy, Debug)]
pub(super) struct PixelArgs {
    /// Patches per row of patches.
    pub columns: usize,
    pub start: usize,
    pub end: usize,
    /// Where the patches' first sum is; the others follow `apart` floats from one another.
    pub from: *const f32,
    pub apart: usize,
    pub bias: f32,
    /// A row that is added before the activation, or null.
    pub residual: *const f32,
    pub epilogue: Epilogue,
    pub finish: FinishFn,
    /// The output's row and its `[height, width]`.
    pub out: *mut f32,
    pub size: [usize; 2],
}

/// `A^T m A` of every patch, as far as it lies inside the output.
///
/// # Safety
/// As [`Simd`]; each of the 16 places at `from` is valid for reads of the patches and one vector behind them, `out` for
/// writes and `residual`, unless null, for reads of the output's pixels; `out` overlaps none of the others but may be
/// `residual`.
#[inline(always)]
pub(super) unsafe fn pixels<V: Simd>(args: &PixelArgs) {
    let [height, width] = args.size;
    // SAFETY: only pixels inside the output are read and written.
    unsafe {
        let bias = V::splat(args.bias);
        let mut at = args.start;
        while at < args.end {
            let (row, column) = (at / args.columns, at % args.columns);
            let count = (args.columns - column).min(args.end - at);
            let from = args.from.add(at - args.start);
            for vector in (0..count).step_by(V::LANES) {
                let from = from.add(vector);
                let (mut above, mut below) = ([bias; 4], [bias; 4]);
                for x in 0..4 {
                    let m0 = V::load(from.add(x * args.apart));
                    let m1 = V::load(from.add((4 + x) * args.apart));
                    let m2 = V::load(from.add((8 + x) * args.apart));
                    let m3 = V::load(from.add((12 + x) * args.apart));
                    above[x] = m0.add(m1).add(m2);
                    below[x] = m1.sub(m2).sub(m3);
                }
                let x = 2 * (column + vector);
                let here = (2 * (count - vector)).min(width - x);
                for (y, [m0, m1, m2, m3]) in [(2 * row, above), (2 * row + 1, below)] {
                    if y < height {
                        let left = m0.add(m1).add(m2).add(bias);
                        let right = m1.sub(m2).sub(m3).add(bias);
                        let (first, second) = V::interleave(left, right);
                        put(args, first, y * width + x, here);
                        if here > V::LANES {
                            put(args, second, y * width + x + V::LANES, here - V::LANES);
                        }
                    }
                }
            }
            let x = 2 * column;
            for y in (2 * row)..height.min(2 * row + 2) {
                let here = (2 * count).min(width - x);
                finish_run(args.finish, args.out.add(y * width + x), here, args.epilogue);
            }
            at += count;
        }
    }
}

/// Writes the first `count` lanes (or all, if there are more) at pixel `at`.
///
/// # Safety
/// As [`pixels`]; the output has `count` pixels from `at` on.
#[inline(always)]
unsafe fn put<V: Simd>(args: &PixelArgs, mut sum: V, at: usize, count: usize) {
    let count = count.min(V::LANES);
    // SAFETY: at most `count` values are read and written.
    unsafe {
        let out = args.out.add(at);
        if !args.residual.is_null() {
            let residual = args.residual.add(at);
            sum = sum.add(if count == V::LANES { V::load(residual) } else { V::load_partial(residual, count) });
        }
        let value = args.epilogue.quick(sum);
        if count == V::LANES { value.store(out) } else { value.store_partial(out, count) }
    }
}

/// `G g G^T` of a 3x3 window, in double precision and rounded once.
pub(super) fn window(taps: &[f32]) -> [f32; POINTS] {
    let third = |a: f64, b: f64, c: f64| [a, (a + b + c) / 2.0, (a - b + c) / 2.0, c];
    let tap = |y: usize, x: usize| taps.get(3 * y + x).map_or(0.0, |&tap| f64::from(tap));
    let columns = [0, 1, 2].map(|x| third(tap(0, x), tap(1, x), tap(2, x)));
    let mut values = [0.0; POINTS];
    for y in 0..4 {
        for (x, value) in third(columns[0][y], columns[1][y], columns[2][y]).into_iter().enumerate() {
            values[4 * y + x] = value as f32;
        }
    }
    values
}
