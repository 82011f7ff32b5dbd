//! Sums, products and maxima of a few rows: what windows are made of.

use crate::runtime::cpu::registers::Simd;

/// `out (+)= sum of weights[t] * rows[t]` over `length` floats.
///
/// # Safety
/// The CPU has the instruction set; `rows` holds `TAPS` pointers valid for reads of `length` floats, `weights` is valid for
/// `TAPS`, `out` for reads and writes of `length` that nothing else uses.
#[inline(always)]
pub(in super::super) unsafe fn weigh<V: Simd, const TAPS: usize>(
    rows: *const *const f32,
    weights: *const f32,
    out: *mut f32,
    length: usize,
    add: bool,
) {
    // SAFETY: as the caller promises; the last, partial vector is read and written as such.
    unsafe {
        let mut weight = [V::splat(0.0); TAPS];
        let mut from = [std::ptr::null::<f32>(); TAPS];
        for tap in 0..TAPS {
            weight[tap] = V::splat(*weights.add(tap));
            from[tap] = *rows.add(tap);
        }
        let whole = length - length % V::LANES;
        let mut at = 0;
        while at < whole {
            let mut sum = if add { V::load(out.add(at)) } else { V::splat(0.0) };
            for tap in 0..TAPS {
                sum = weight[tap].mul_add(V::load(from[tap].add(at)), sum);
            }
            sum.store(out.add(at));
            at += V::LANES;
        }
        if at < length {
            let rest = length - at;
            let mut sum = if add { V::load_partial(out.add(at), rest) } else { V::splat(0.0) };
            for tap in 0..TAPS {
                sum = weight[tap].mul_add(V::load_partial(from[tap].add(at), rest), sum);
            }
            sum.store_partial(out.add(at), rest);
        }
    }
}

/// Adds the products of a row with `TAPS` others, lane by lane, to `sums[t]`, a register of floats each.
///
/// # Safety
/// The CPU has the instruction set; `rows` holds `TAPS` pointers valid for reads of `length` floats, as `row` is, `sums` as many
/// for reads and writes of `LANES`.
#[inline(always)]
pub(in super::super) unsafe fn products<V: Simd, const TAPS: usize>(
    rows: *const *const f32,
    row: *const f32,
    sums: *const *mut f32,
    length: usize,
) {
    // SAFETY: as the caller promises; the last, partial vector is read as such.
    unsafe {
        let mut sum = [V::splat(0.0); TAPS];
        let mut from = [std::ptr::null::<f32>(); TAPS];
        for tap in 0..TAPS {
            sum[tap] = V::load(*sums.add(tap));
            from[tap] = *rows.add(tap);
        }
        let whole = length - length % V::LANES;
        let mut at = 0;
        while at < whole {
            let value = V::load(row.add(at));
            for tap in 0..TAPS {
                sum[tap] = value.mul_add(V::load(from[tap].add(at)), sum[tap]);
            }
            at += V::LANES;
        }
        if at < length {
            let value = V::load_partial(row.add(at), length - at);
            for tap in 0..TAPS {
                sum[tap] = value.mul_add(V::load_partial(from[tap].add(at), length - at), sum[tap]);
            }
        }
        for (tap, sum) in sum.iter().enumerate() {
            sum.store(*sums.add(tap));
        }
    }
}

/// `out = max(out, x)`
///
/// # Safety
/// The CPU has the instruction set; `x` is valid for reads, `out` for reads and writes of `length` floats.
#[inline(always)]
pub(in super::super) unsafe fn most<V: Simd>(x: *const f32, out: *mut f32, length: usize) {
    // SAFETY: as the caller promises; the last, partial vector is read and written as such.
    unsafe {
        let whole = length - length % V::LANES;
        let mut at = 0;
        while at < whole {
            V::load(out.add(at)).max(V::load(x.add(at))).store(out.add(at));
            at += V::LANES;
        }
        if at < length {
            let count = length - at;
            V::load_partial(out.add(at), count)
                .max(V::load_partial(x.add(at), count))
                .store_partial(out.add(at), count);
        }
    }
}

/// Gives what is left of a maximum's gradient to those places of `x` that are the maximum `y`.
///
/// # Safety
/// The CPU has the instruction set; `x` and `y` are valid for reads, `left` and `of_x` for reads and writes of `length` floats.
#[inline(always)]
pub(in super::super) unsafe fn give<V: Simd>(
    x: *const f32,
    y: *const f32,
    left: *mut f32,
    of_x: *mut f32,
    length: usize,
) {
    // SAFETY: as the caller promises; the last, partial vector is read and written as such.
    unsafe {
        let zero = V::splat(0.0);
        let whole = length - length % V::LANES;
        let mut at = 0;
        while at < whole {
            let rest = V::load(left.add(at));
            let given = V::where_less(V::load(x.add(at)), V::load(y.add(at)), zero, rest);
            V::load(of_x.add(at)).add(given).store(of_x.add(at));
            rest.sub(given).store(left.add(at));
            at += V::LANES;
        }
        if at < length {
            let count = length - at;
            let rest = V::load_partial(left.add(at), count);
            let (x, y) = (V::load_partial(x.add(at), count), V::load_partial(y.add(at), count));
            let given = V::where_less(x, y, zero, rest);
            V::load_partial(of_x.add(at), count).add(given).store_partial(of_x.add(at), count);
            rest.sub(given).store_partial(left.add(at), count);
        }
    }
}
