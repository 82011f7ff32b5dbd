//! The two transforms of Winograd's minimal filtering of 3x3 windows for one channel: patches of input pixels to the values
//! that products work on, and the products' sums back to 2x2 output pixels. A patch's vector lane is its place in a row of
//! patches, which overlap.
//!
//! Without stride, F(2x2, 3x3): patches of 4x4 pixels, 16 values, 16 sums (A. Lavin and S. Gray, "Fast Algorithms for
//! Convolutional Neural Networks", 2015, section 4.1). With stride two a line of five pixels meets the window's outer taps
//! at even pixels, which is F(2, 2), and its middle tap at odd ones: `e0 - e1`, `o0`, `e1`, `e2 - e1` and `o1` times `a`,
//! `b`, `a + c`, `c` and `b`. The first two products and the last two go to one output each, so that they are summed
//! along the depth: three sums a line, nine a patch, of 25 values.

use super::epilogue::{Epilogue, FinishFn, finish_run};
use super::simd::Simd;
use crate::graph::Window;

/// Which windows are filtered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// 3x3 without stride.
    Dense,
    /// 3x3 with stride two.
    Strided,
}

/// Values of a line, and for each the sum that its product goes to: stride two.
const SUM_OF: [usize; 5] = [0, 0, 1, 2, 2];
/// Where value `[vertical][horizontal]` of a patch comes with stride two: those of one sum follow one another.
const PLACES: [[usize; 5]; 5] = places();

const fn places() -> [[usize; 5]; 5] {
    let (mut places, mut next, mut sum) = ([[0; 5]; 5], 0, 0);
    while sum < 9 {
        let mut value = 0;
        while value < 25 {
            if SUM_OF[value / 5] == sum / 3 && SUM_OF[value % 5] == sum % 3 {
                places[value / 5][value % 5] = next;
                next += 1;
            }
            value += 1;
        }
        sum += 1;
    }
    places
}

impl Form {
    /// The form for `window`, if there is one.
    pub fn of(window: &Window) -> Option<Self> {
        match (window.kernel, window.dilation, window.stride) {
            ([3, 3], [1, 1], [1, 1]) => Some(Self::Dense),
            ([3, 3], [1, 1], [2, 2]) => Some(Self::Strided),
            _ => None,
        }
    }

    /// Values per patch and input channel.
    pub const fn values(self) -> usize {
        match self {
            Self::Dense => 16,
            Self::Strided => 25,
        }
    }

    /// Sums per patch and output channel.
    pub const fn sums(self) -> usize {
        match self {
            Self::Dense => 16,
            Self::Strided => 9,
        }
    }

    /// The values whose products are summed up in `sum`.
    pub fn values_of(self, sum: usize) -> std::ops::Range<usize> {
        match self {
            Self::Dense => sum..sum + 1,
            Self::Strided => {
                const STARTS: [usize; 10] = [0, 4, 6, 10, 12, 13, 15, 19, 21, 25];
                STARTS[sum]..STARTS[sum + 1]
            }
        }
    }

    /// Input pixels from one patch to the next, in either direction.
    pub const fn step(self) -> usize {
        match self {
            Self::Dense => 2,
            Self::Strided => 4,
        }
    }

    /// Input pixels of a patch, in either direction, beyond its step.
    pub const fn overlap(self) -> usize {
        match self {
            Self::Dense => 2,
            Self::Strided => 1,
        }
    }

    /// What the patches' values are multiplied by for a window with these taps: transformed in double precision and
    /// rounded once; the first [`values`](Self::values) count.
    pub fn window(self, taps: &[f32]) -> [f32; 25] {
        let tap = |y: usize, x: usize| taps.get(3 * y + x).map_or(0.0, |&tap| f64::from(tap));
        let mut values = [0.0; 25];
        match self {
            Self::Dense => {
                let line = |a: f64, b: f64, c: f64| [a, (a + b + c) / 2.0, (a - b + c) / 2.0, c];
                let columns = [0, 1, 2].map(|x| line(tap(0, x), tap(1, x), tap(2, x)));
                for y in 0..4 {
                    for (x, value) in line(columns[0][y], columns[1][y], columns[2][y]).into_iter().enumerate() {
                        values[4 * y + x] = value as f32;
                    }
                }
            }
            Self::Strided => {
                let line = |a: f64, b: f64, c: f64| [a, b, a + c, c, b];
                let columns = [0, 1, 2].map(|x| line(tap(0, x), tap(1, x), tap(2, x)));
                for y in 0..5 {
                    for (x, value) in line(columns[0][y], columns[1][y], columns[2][y]).into_iter().enumerate() {
                        values[PLACES[y][x]] = value as f32;
                    }
                }
            }
        }
        values
    }
}

/// One channel's patches `start .. end`, counted row by row.
#[derive(Clone, Copy, Debug)]
pub(super) struct PatchArgs {
    pub form: Form,
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

/// The values of every patch.
///
/// # Safety
/// As [`Simd`]; `plane` is valid for reads of the patches' rows and, behind each patch's first pixel, of as many vectors as
/// the form's step and four pixels; each of the values' places at `to` for writes of the patches and one vector behind
/// them, and none of them overlaps another.
#[inline(always)]
pub(super) unsafe fn patches<V: Simd>(args: &PatchArgs) {
    // SAFETY: lanes past a row's last patch hold garbage, which the next row or nobody overwrites or reads.
    unsafe {
        let first_row = args.start / args.columns;
        let mut at = args.start;
        while at < args.end {
            let (row, column) = (at / args.columns, at % args.columns);
            let count = (args.columns - column).min(args.end - at);
            let step = args.form.step();
            let from = args.plane.add(step * (row - first_row) * args.plane_pitch + step * column);
            let to = args.to.add(at - args.start);
            for vector in (0..count).step_by(V::LANES) {
                let (from, to) = (from.add(step * vector), to.add(vector));
                match args.form {
                    Form::Dense => dense_patches::<V>(from, args.plane_pitch, to, args.apart),
                    Form::Strided => strided_patches::<V>(from, args.plane_pitch, to, args.apart),
                }
            }
            at += count;
        }
    }
}

/// A vector of patches without stride: `B^T d B`.
///
/// # Safety
/// As [`patches`].
#[inline(always)]
unsafe fn dense_patches<V: Simd>(from: *const f32, pitch: usize, to: *mut f32, apart: usize) {
    // SAFETY: as the caller promises.
    unsafe {
        let mut values = [[V::splat(0.0); 4]; 4];
        for (y, values) in values.iter_mut().enumerate() {
            let from = from.add(y * pitch);
            let (d0, d1) = V::deinterleave(V::load(from), V::load(from.add(V::LANES)));
            let (d2, d3) = V::deinterleave(V::load(from.add(2)), V::load(from.add(2 + V::LANES)));
            *values = [d0.sub(d2), d1.add(d2), d2.sub(d1), d1.sub(d3)];
        }
        #[expect(clippy::needless_range_loop, reason = "a column of the tile, from all of its rows")]
        for x in 0..4 {
            let [d0, d1, d2, d3] = [values[0][x], values[1][x], values[2][x], values[3][x]];
            d0.sub(d2).store(to.add(x * apart));
            d1.add(d2).store(to.add((4 + x) * apart));
            d2.sub(d1).store(to.add((8 + x) * apart));
            d1.sub(d3).store(to.add((12 + x) * apart));
        }
    }
}

/// A vector of patches with stride two.
///
/// # Safety
/// As [`patches`].
#[inline(always)]
unsafe fn strided_patches<V: Simd>(from: *const f32, pitch: usize, to: *mut f32, apart: usize) {
    // SAFETY: as the caller promises.
    unsafe {
        let mut values = [[V::splat(0.0); 5]; 5];
        for (y, values) in values.iter_mut().enumerate() {
            let from = from.add(y * pitch);
            let quads = [0, 1, 2, 3].map(|vector| V::load(from.add(vector * V::LANES)));
            let (first, second) = (V::deinterleave(quads[0], quads[1]), V::deinterleave(quads[2], quads[3]));
            let ((e0, e1), (o0, o1)) = (V::deinterleave(first.0, second.0), V::deinterleave(first.1, second.1));
            // The next patch's first pixel; the last lane's is behind these vectors.
            let e2 = V::after(e0, V::load(from.add(4 * V::LANES)), 1);
            *values = [e0.sub(e1), o0, e1, e2.sub(e1), o1];
        }
        for x in 0..5 {
            let [e0, o0, e1, o1, e2] = [values[0][x], values[1][x], values[2][x], values[3][x], values[4][x]];
            for (y, value) in [e0.sub(e1), o0, e1, e2.sub(e1), o1].into_iter().enumerate() {
                value.store(to.add(PLACES[y][x] * apart));
            }
        }
    }
}

/// One output channel's patches `start .. end`.
#[derive(Clone, Copy, Debug)]
pub(super) struct PixelArgs {
    pub form: Form,
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

/// The output pixels of every patch, as far as they lie inside the output.
///
/// # Safety
/// As [`Simd`]; each of the sums' places at `from` is valid for reads of the patches and one vector behind them, `out` for
/// writes and `residual`, unless null, for reads of the output's pixels; `out` overlaps none of the others but may be
/// `residual`.
#[inline(always)]
pub(super) unsafe fn pixels<V: Simd>(args: &PixelArgs) {
    let [height, width] = args.size;
    // SAFETY: only pixels inside the output are read and written.
    unsafe {
        let mut at = args.start;
        while at < args.end {
            let (row, column) = (at / args.columns, at % args.columns);
            let count = (args.columns - column).min(args.end - at);
            let from = args.from.add(at - args.start);
            for vector in (0..count).step_by(V::LANES) {
                let from = from.add(vector);
                let [above, below] = match args.form {
                    Form::Dense => dense_pixels::<V>(from, args.apart, args.bias),
                    Form::Strided => strided_pixels::<V>(from, args.apart, args.bias),
                };
                let x = 2 * (column + vector);
                let here = (2 * (count - vector)).min(width - x);
                for (y, [left, right]) in [(2 * row, above), (2 * row + 1, below)] {
                    if y < height {
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

/// `[above, below][left, right]` of a vector of patches without stride: `A^T m A`.
///
/// # Safety
/// As [`pixels`].
#[inline(always)]
unsafe fn dense_pixels<V: Simd>(from: *const f32, apart: usize, bias: f32) -> [[V; 2]; 2] {
    // SAFETY: as the caller promises.
    unsafe {
        let bias = V::splat(bias);
        let mut rows = [[bias; 4]; 2];
        #[expect(clippy::needless_range_loop, reason = "a column of both rows")]
        for x in 0..4 {
            let m0 = V::load(from.add(x * apart));
            let m1 = V::load(from.add((4 + x) * apart));
            let m2 = V::load(from.add((8 + x) * apart));
            let m3 = V::load(from.add((12 + x) * apart));
            rows[0][x] = m0.add(m1).add(m2);
            rows[1][x] = m1.sub(m2).sub(m3);
        }
        let mut pixels = [[bias; 2]; 2];
        for (pixels, [m0, m1, m2, m3]) in pixels.iter_mut().zip(rows) {
            *pixels = [m0.add(m1).add(m2).add(bias), m1.sub(m2).sub(m3).add(bias)];
        }
        pixels
    }
}

/// `[above, below][left, right]` of a vector of patches with stride two.
///
/// # Safety
/// As [`pixels`].
#[inline(always)]
unsafe fn strided_pixels<V: Simd>(from: *const f32, apart: usize, bias: f32) -> [[V; 2]; 2] {
    // SAFETY: as the caller promises.
    unsafe {
        let bias = V::splat(bias);
        let mut rows = [[bias; 3]; 2];
        #[expect(clippy::needless_range_loop, reason = "a column of both rows")]
        for x in 0..3 {
            let m0 = V::load(from.add(x * apart));
            let m1 = V::load(from.add((3 + x) * apart));
            let m2 = V::load(from.add((6 + x) * apart));
            rows[0][x] = m0.add(m1);
            rows[1][x] = m1.add(m2);
        }
        let mut pixels = [[bias; 2]; 2];
        for (pixels, [m0, m1, m2]) in pixels.iter_mut().zip(rows) {
            *pixels = [m0.add(m1).add(bias), m1.add(m2).add(bias)];
        }
        pixels
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
