//! Maximum and mean over windows and over whole maps.

use super::simd::Simd;
use super::window::Phases;

/// What is made of the values under the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pooling {
    /// The largest, not a number where one of them is not; padding never wins.
    Max,
    /// The mean over all taps, padding counting as zeros.
    Mean,
    /// The mean over the map and so many pixels of padding above and left, below and right of it.
    MeanCounted([[usize; 2]; 2]),
}

impl Pooling {
    /// The value of padding.
    pub(super) const fn outside(self) -> f32 {
        match self {
            Self::Max => f32::NEG_INFINITY,
            Self::Mean | Self::MeanCounted(_) => 0.0,
        }
    }
}

/// One channel's operands.
#[derive(Clone, Copy)]
pub(super) struct PoolArgs<'a> {
    pub pooling: Pooling,
    pub phases: &'a Phases,
    /// What a mean's sum is multiplied by, of its row and of its column: one over the taps that count. Columns go on to a
    /// whole vector.
    pub shares: [&'a [f32]; 2],
    /// The channel's phases, all rows.
    pub plane: *const f32,
    /// The output map.
    pub out: *mut f32,
}

/// Pools one channel.
///
/// # Safety
/// As [`Simd`]; `plane` holds all phases, for a mean `shares` are as long as said, `out` is valid for writes of the output's pixels.
#[inline(always)]
pub(super) unsafe fn pool<V: Simd>(args: &PoolArgs<'_>) {
    let phases = args.phases;
    let [height, width] = phases.output;
    // SAFETY: the phases have room for a tap's whole vector at the last output pixel.
    unsafe {
        let max = args.pooling == Pooling::Max;
        for y in 0..height {
            let row = args.plane.add(y * phases.window.stride[0] * phases.row());
            let share = V::splat(if max { 1.0 } else { *args.shares[0].as_ptr().add(y) });
            for x in (0..width).step_by(V::LANES) {
                let mut value = V::splat(args.pooling.outside());
                if max {
                    for &[first, second] in phases.taps.as_chunks::<2>().0 {
                        value = V::largest(V::load(row.add(first + x)), V::load(row.add(second + x)), value);
                    }
                    if let &[last] = phases.taps.as_chunks::<2>().1 {
                        let last = V::load(row.add(last + x));
                        value = V::largest(last, last, value);
                    }
                } else {
                    for &tap in &phases.taps {
                        value = value.add(V::load(row.add(tap + x)));
                    }
                    value = value.mul(V::load(args.shares[1].as_ptr().add(x))).mul(share);
                }
                let out = args.out.add(y * width + x);
                if width - x >= V::LANES { value.store(out) } else { value.store_partial(out, width - x) }
            }
        }
    }
}

/// One row of a 3x3 pooling with stride two and padding one, straight from rows of a convolution.
#[derive(Clone, Copy)]
pub(super) struct PoolRowArgs {
    /// Three rows of `width` floats, followed by minus infinity up to two vectors past the last whole one.
    pub rows: [*const f32; 3],
    pub out: *mut f32,
    pub out_width: usize,
}

/// One row.
///
/// # Safety
/// As [`Simd`]; the pointers are valid as said at the fields, and `out` for writes of `out_width` floats.
#[inline(always)]
pub(super) unsafe fn max_row<V: Simd>(args: &PoolRowArgs) {
    // SAFETY: as the caller promises.
    unsafe {
        // The largest of odd columns, one place to the right, is what lies left of the even column.
        let mut before = V::splat(f32::NEG_INFINITY);
        for x in (0..args.out_width).step_by(V::LANES) {
            let [a, b, c] = args.rows;
            let at = 2 * x;
            let first = V::largest(V::load(a.add(at)), V::load(b.add(at)), V::load(c.add(at)));
            let at = at + V::LANES;
            let second = V::largest(V::load(a.add(at)), V::load(b.add(at)), V::load(c.add(at)));
            let (even, odd) = V::deinterleave(first, second);
            let value = V::largest(even, odd, V::before(before, odd, 1));
            before = odd;
            let (out, count) = (args.out.add(x), args.out_width - x);
            if count >= V::LANES { value.store(out) } else { value.store_partial(out, count) }
        }
    }
}

/// The largest of `count` floats; not a number where one of them is not.
///
/// # Safety
/// As [`Simd`]; `from` is valid for reads of `count` floats.
#[inline(always)]
pub(super) unsafe fn most<V: Simd>(from: *const f32, count: usize) -> f32 {
    // SAFETY: what is left behind the last whole vector is read one by one.
    unsafe {
        let mut largest = V::splat(f32::NEG_INFINITY);
        let whole = count / V::LANES * V::LANES;
        for at in (0..whole).step_by(V::LANES) {
            let value = V::load(from.add(at));
            largest = V::largest(value, value, largest);
        }
        let mut lanes = [f32::NEG_INFINITY; 16];
        largest.store(lanes.as_mut_ptr());
        let rest = (whole..count).map(|at| *from.add(at));
        let larger = |most: f32, value: f32| if most > value || most.is_nan() { most } else { value };
        lanes.into_iter().chain(rest).fold(f32::NEG_INFINITY, larger)
    }
}

/// The sum of `count` floats.
///
/// # Safety
/// As [`Simd`]; `from` is valid for reads of `count` floats.
#[inline(always)]
pub(super) unsafe fn sum<V: Simd>(from: *const f32, count: usize) -> f32 {
    // SAFETY: the last vector is partial.
    unsafe {
        let mut sums = [V::splat(0.0); 2];
        let mut at = 0;
        while at + V::LANES <= count {
            let way = at / V::LANES % 2;
            sums[way] = sums[way].add(V::load(from.add(at)));
            at += V::LANES;
        }
        let mut lanes = [0.0_f32; 16];
        sums[0].add(sums[1]).add(V::load_partial(from.add(at), count - at)).store(lanes.as_mut_ptr());
        lanes.iter().sum()
    }
}
