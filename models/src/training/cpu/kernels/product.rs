//! Matrix products of rows.

use super::{MOST_LANES, TILE_VECTORS};
use crate::runtime::cpu::registers::Simd;

/// The most sums of [`dots`], padded to whole registers of them.
const MOST_SUMS: usize = 32;

/// A tile of a matrix product.
pub(in super::super) struct TileArgs {
    /// Length of the sums.
    pub depth: usize,
    /// `[depth][ROWS]`
    pub left: *const f32,
    /// `[depth][TILE_VECTORS * LANES]`
    pub right: *const f32,
    /// Where each of the `ROWS` rows of the result begins.
    pub out: *const *mut f32,
    /// Columns written, at most `TILE_VECTORS * LANES`.
    pub columns: usize,
    /// Whether the products are added to what is there.
    pub add: bool,
}

/// `ROWS` rows of a product.
///
/// # Safety
/// The CPU has the instruction set; `left` and `right` are valid for reads of `depth` entries, each of the `ROWS` pointers of
/// `out` for reads and writes of `columns` floats that nothing else uses.
#[inline(always)]
pub(in super::super) unsafe fn tile<V: Simd, const ROWS: usize>(args: &TileArgs) {
    // SAFETY: as the caller promises; the right operand is padded to whole vectors, the result is not.
    unsafe {
        let mut sums = [[V::splat(0.0); TILE_VECTORS]; ROWS];
        let (mut left, mut right) = (args.left, args.right);
        for _ in 0..args.depth {
            let mut values = [V::splat(0.0); TILE_VECTORS];
            for (vector, value) in values.iter_mut().enumerate() {
                *value = V::load(right.add(vector * V::LANES));
            }
            for (row, sums) in sums.iter_mut().enumerate() {
                let weight = V::splat(*left.add(row));
                for (sum, &value) in sums.iter_mut().zip(&values) {
                    *sum = weight.mul_add(value, *sum);
                }
            }
            left = left.add(ROWS);
            right = right.add(TILE_VECTORS * V::LANES);
        }
        for (row, sums) in sums.iter().enumerate() {
            let out = *args.out.add(row);
            for (vector, &sum) in sums.iter().enumerate() {
                let start = vector * V::LANES;
                if start >= args.columns {
                    break;
                }
                let (to, count) = (out.add(start), args.columns - start);
                if count >= V::LANES {
                    (if args.add { sum.add(V::load(to)) } else { sum }).store(to);
                } else {
                    let sum = if args.add { sum.add(V::load_partial(to, count)) } else { sum };
                    sum.store_partial(to, count);
                }
            }
        }
    }
}

/// Adds the products of `LEFT` rows with `RIGHT` rows, each a sum over `length` floats, to `out`, `[LEFT][RIGHT]`.
///
/// # Safety
/// The CPU has the instruction set; the pointers are valid for reads of `length` floats, `out` for writes of `LEFT * RIGHT`.
#[inline(always)]
pub(in super::super) unsafe fn dots<V: Simd, const LEFT: usize, const RIGHT: usize>(
    left: *const *const f32,
    right: *const *const f32,
    length: usize,
    out: *mut f32,
) {
    // SAFETY: as the caller promises; the last, partial vector is read as such.
    unsafe {
        let mut sums = [[V::splat(0.0); RIGHT]; LEFT];
        let whole = length - length % V::LANES;
        let mut at = 0;
        while at < length {
            let load = |from: *const f32| {
                if at < whole { V::load(from.add(at)) } else { V::load_partial(from.add(at), length - at) }
            };
            let mut values = [V::splat(0.0); RIGHT];
            for (index, value) in values.iter_mut().enumerate() {
                *value = load(*right.add(index));
            }
            for (index, sums) in sums.iter_mut().enumerate() {
                let value = load(*left.add(index));
                for (sum, &other) in sums.iter_mut().zip(&values) {
                    *sum = value.mul_add(other, *sum);
                }
            }
            at += V::LANES;
        }
        let mut flat = [V::splat(0.0); MOST_SUMS];
        for (to, &from) in flat.iter_mut().zip(sums.iter().flatten()) {
            *to = from;
        }
        let count = LEFT * RIGHT;
        let mut lanes = [0.0_f32; MOST_SUMS + MOST_LANES];
        let mut first = 0;
        while first < count {
            across::<V>(flat.as_mut_ptr().add(first)).store(lanes.as_mut_ptr().add(first));
            first += V::LANES;
        }
        for (index, sum) in lanes.iter().enumerate().take(count) {
            *out.add(index) += sum;
        }
    }
}

/// The sums of `LANES` registers as the lanes of one; they are used up.
///
/// # Safety
/// The CPU has the instruction set and `registers` is valid for `LANES` registers.
#[inline(always)]
unsafe fn across<V: Simd>(registers: *mut V) -> V {
    // SAFETY: as the caller promises.
    unsafe {
        let mut width = V::LANES;
        while width > 1 {
            width /= 2;
            for index in 0..width {
                let (even, odd) = V::deinterleave(*registers.add(2 * index), *registers.add(2 * index + 1));
                *registers.add(index) = even.add(odd);
            }
        }
        *registers
    }
}
