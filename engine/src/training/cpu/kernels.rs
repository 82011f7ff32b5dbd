//! What training computes in its inner loops, over the registers of the engine's runtime: matrix products, windows and sums.
//!
//! A row is one channel of a batch, the pictures innermost: `[height, width, picture]`. Every loop here runs over
//! contiguous floats, whatever the window, its stride or its place in the map.

use crate::runtime::cpu::kernels::simd::Simd;

/// Vectors of a row that a product's tile covers.
pub(super) const TILE_VECTORS: usize = 3;
/// The widest register, in floats.
pub(super) const MOST_LANES: usize = 16;
/// Rows that [`weigh`] and its kin read at once.
pub(super) const MOST_TAPS: usize = 9;
/// The most sums of [`dots`], padded to whole registers of them.
const MOST_SUMS: usize = 32;

/// A tile of a matrix product.
pub(super) struct TileArgs {
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
pub(super) unsafe fn tile<V: Simd, const ROWS: usize>(args: &TileArgs) {
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
pub(super) unsafe fn dots<V: Simd, const LEFT: usize, const RIGHT: usize>(
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

/// `out (+)= sum of weights[t] * rows[t]` over `length` floats.
///
/// # Safety
/// The CPU has the instruction set; `rows` holds `TAPS` pointers valid for reads of `length` floats, `weights` is valid for
/// `TAPS`, `out` for reads and writes of `length` that nothing else uses.
#[inline(always)]
pub(super) unsafe fn weigh<V: Simd, const TAPS: usize>(
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
pub(super) unsafe fn products<V: Simd, const TAPS: usize>(
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
        for tap in 0..TAPS {
            sum[tap].store(*sums.add(tap));
        }
    }
}

/// What a normalisation does to a channel, and what it needs for its gradient: `y = limit(x * scale + shift)`.
#[derive(Clone, Copy, Debug)]
pub(super) struct NormArgs {
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
pub(super) unsafe fn moments<V: Simd>(x: *const f32, length: usize, centre: f32) -> [f32; 2] {
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
pub(super) unsafe fn normalise<V: Simd>(x: *const f32, out: *mut f32, length: usize, norm: &NormArgs) {
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
pub(super) unsafe fn norm_sums<V: Simd>(
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
pub(super) unsafe fn norm_gradient<V: Simd>(x: *const f32, gradient: *mut f32, length: usize, norm: &NormArgs) {
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

/// `out = max(out, x)`
///
/// # Safety
/// The CPU has the instruction set; `x` is valid for reads, `out` for reads and writes of `length` floats.
#[inline(always)]
pub(super) unsafe fn most<V: Simd>(x: *const f32, out: *mut f32, length: usize) {
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
pub(super) unsafe fn give<V: Simd>(x: *const f32, y: *const f32, left: *mut f32, of_x: *mut f32, length: usize) {
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
