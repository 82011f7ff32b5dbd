//! Normalisations, with the limits of the activation behind them.

use super::MOST_LANES;
use crate::runtime::cpu::registers::Simd;

/// What a normalisation does to a channel, and what it needs for its gradient: `y = limit(x * scale + shift)`.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct NormArgs {
    /// Subtracted before anything else, near the values' mean.
    pub centre: f32,
    pub scale: f32,
    pub shift: f32,
    /// Where the result is cut off; infinite where it is not.
    pub low: f32,
    pub high: f32,
    /// Of the gradient: what is taken off everywhere, and in proportion to the distance from the centre.
    pub flat: f32,
    pub tilt: f32,
}

/// The sums of `x - centre` and of its squares.
///
/// # Safety
/// The CPU has the instruction set and `x` is valid for reads of `length` floats.
#[inline(always)]
pub(in super::super) unsafe fn moments<V: Simd>(x: *const f32, length: usize, centre: f32) -> [f32; 2] {
    // SAFETY: as the caller promises; what is no whole vector is read one by one.
    unsafe {
        let middle = V::splat(centre);
        let (mut sums, mut squares) = ([V::splat(0.0); 4], [V::splat(0.0); 4]);
        let step = 4 * V::LANES;
        let whole = length - length % step;
        let mut at = 0;
        while at < whole {
            for part in 0..4 {
                let value = V::load(x.add(at + part * V::LANES)).sub(middle);
                sums[part] = sums[part].add(value);
                squares[part] = value.mul_add(value, squares[part]);
            }
            at += step;
        }
        let mut result = [total(sums), total(squares)];
        while at < length {
            let value = *x.add(at) - centre;
            result[0] += value;
            result[1] += value * value;
            at += 1;
        }
        result
    }
}

/// # Safety
/// The CPU has the instruction set.
#[inline(always)]
unsafe fn total<V: Simd>([a, b, c, d]: [V; 4]) -> f32 {
    // SAFETY: the buffer holds the widest register.
    unsafe {
        let mut lanes = [0.0_f32; MOST_LANES];
        a.add(b).add(c.add(d)).store(lanes.as_mut_ptr());
        lanes.iter().take(V::LANES).sum()
    }
}

/// Writes the normalised values of `x`.
///
/// # Safety
/// The CPU has the instruction set; `x` is valid for reads, `out` for writes of `length` floats.
#[inline(always)]
pub(in super::super) unsafe fn normalise<V: Simd>(x: *const f32, out: *mut f32, length: usize, norm: &NormArgs) {
    // SAFETY: as the caller promises; the last, partial vector is read and written as such.
    unsafe {
        let limit = Limited::<V>::of(norm);
        let whole = length - length % V::LANES;
        let mut at = 0;
        while at < whole {
            limit.value(V::load(x.add(at))).store(out.add(at));
            at += V::LANES;
        }
        if at < length {
            limit.value(V::load_partial(x.add(at), length - at)).store_partial(out.add(at), length - at);
        }
    }
}

/// The sums of the gradients that pass, and of them times `x - centre`.
///
/// # Safety
/// The CPU has the instruction set; both are valid for reads of `length` floats.
#[inline(always)]
pub(in super::super) unsafe fn norm_sums<V: Simd>(
    x: *const f32,
    gradient: *const f32,
    length: usize,
    norm: &NormArgs,
) -> [f32; 2] {
    // SAFETY: as the caller promises; the last, partial vector is read as such and zero in its other lanes.
    unsafe {
        let (limit, centre, zero) = (Limited::<V>::of(norm), V::splat(norm.centre), V::splat(0.0));
        let (mut sums, mut tilted) = ([zero; 4], [zero; 4]);
        let step = 4 * V::LANES;
        let whole = length - length % step;
        let mut at = 0;
        while at < whole {
            for part in 0..4 {
                let value = V::load(x.add(at + part * V::LANES));
                let passed = limit.gradient(value, V::load(gradient.add(at + part * V::LANES)));
                sums[part] = sums[part].add(passed);
                tilted[part] = passed.mul_add(value.sub(centre), tilted[part]);
            }
            at += step;
        }
        while at < length {
            let count = (length - at).min(V::LANES);
            let value = V::load_partial(x.add(at), count);
            let passed = limit.gradient(value, V::load_partial(gradient.add(at), count));
            sums[0] = sums[0].add(passed);
            tilted[0] = passed.mul_add(value.sub(centre), tilted[0]);
            at += count;
        }
        [total(sums), total(tilted)]
    }
}

/// Makes the gradient of `x` of that of the normalised values, in place.
///
/// # Safety
/// The CPU has the instruction set; `x` is valid for reads, `gradient` for reads and writes of `length` floats.
#[inline(always)]
pub(in super::super) unsafe fn norm_gradient<V: Simd>(
    x: *const f32,
    gradient: *mut f32,
    length: usize,
    norm: &NormArgs,
) {
    // SAFETY: as the caller promises; the last, partial vector is read and written as such.
    unsafe {
        let (limit, centre) = (Limited::<V>::of(norm), V::splat(norm.centre));
        let (flat, tilt) = (V::splat(-norm.flat), V::splat(-norm.tilt));
        let change = |value: V, given: V| {
            let passed = limit.gradient(value, given);
            tilt.mul_add(value.sub(centre), limit.scale.mul_add(passed, flat))
        };
        let whole = length - length % V::LANES;
        let mut at = 0;
        while at < whole {
            change(V::load(x.add(at)), V::load(gradient.add(at))).store(gradient.add(at));
            at += V::LANES;
        }
        if at < length {
            let count = length - at;
            change(V::load_partial(x.add(at), count), V::load_partial(gradient.add(at), count))
                .store_partial(gradient.add(at), count);
        }
    }
}

/// A normalisation in registers.
#[derive(Clone, Copy)]
struct Limited<V> {
    scale: V,
    shift: V,
    low: V,
    high: V,
    zero: V,
}

impl<V: Simd> Limited<V> {
    /// # Safety
    /// The CPU has the instruction set.
    #[inline(always)]
    unsafe fn of(norm: &NormArgs) -> Self {
        // SAFETY: as the caller promises.
        unsafe {
            Self {
                scale: V::splat(norm.scale),
                shift: V::splat(norm.shift),
                low: V::splat(norm.low),
                high: V::splat(norm.high),
                zero: V::splat(0.0),
            }
        }
    }

    /// # Safety
    /// As [`of`](Self::of).
    #[inline(always)]
    unsafe fn value(&self, x: V) -> V {
        // SAFETY: as the caller promises.
        unsafe { self.high.min(self.low.max(x.mul_add(self.scale, self.shift))) }
    }

    /// What passes back: nothing where the value was cut off.
    ///
    /// # Safety
    /// As [`of`](Self::of).
    #[inline(always)]
    unsafe fn gradient(&self, x: V, given: V) -> V {
        // SAFETY: as the caller promises.
        unsafe {
            let value = x.mul_add(self.scale, self.shift);
            V::where_less(self.low, value, V::where_less(value, self.high, given, self.zero), self.zero)
        }
    }
}
