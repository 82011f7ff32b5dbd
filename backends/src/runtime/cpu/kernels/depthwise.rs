//! Depthwise convolution of one channel, from a *plane*: the channel's pixels with zeros before and behind.
//!
//! Without stride and with "same" padding, a tap is a constant shift of the flat plane, so one loop runs over all
//! pixels whatever the width; what a shift drags in from the neighbouring row is masked away, once per column of the
//! window. Stride two does the same row by row, after taking even and odd pixels apart in registers. Every other window
//! goes through [`Phases`].

use super::epilogue::{Epilogue, FinishArgs, FinishFn};
use super::simd::Simd;
use super::window::Phases;

/// How a window is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    /// 3x3, 5x5 or 7x7, no stride, no dilation, "same" padding.
    Flat(usize),
    /// 3x3, 5x5 or 7x7, stride two, no dilation, half the window as padding.
    StrideTwo(usize),
    /// Everything else.
    Taps,
}

/// One channel's operands.
#[derive(Clone, Copy)]
pub(super) struct PlaneArgs<'a> {
    pub method: Method,
    /// `[height, width]` of the map and of the output.
    pub input: [usize; 2],
    pub output: [usize; 2],
    /// Lanes to keep per vector and per column of the window but the middle one, see [`masks`].
    pub masks: *const f32,
    /// The first pixel of the plane; for [`Method::Taps`] of the dealt out phases.
    pub plane: *const f32,
    pub phases: &'a Phases,
    /// One weight per tap.
    pub weights: &'a [f32],
    pub bias: f32,
    pub out: *mut f32,
    pub epilogue: Epilogue,
    pub finish: FinishFn,
}

/// Zeros needed before and behind the pixels of a plane.
pub(super) fn guard(method: Method, width: usize) -> usize {
    let reach = match method {
        Method::Flat(kernel) | Method::StrideTwo(kernel) => kernel / 2 * (width + 1),
        Method::Taps => 0,
    };
    // Three vectors of the widest instruction set: what stride two reads past a row.
    reach.next_multiple_of(16) + 48
}

/// For every vector of output pixels and every column of the window but the middle one: all ones in the lanes whose
/// tap lies in the pixel's own row, zeros elsewhere.
pub(super) fn masks(method: Method, [height, width]: [usize; 2], [_, out_width]: [usize; 2], lanes: usize) -> Vec<f32> {
    let keep = |column: Option<usize>| f32::from_bits(if column.is_some_and(|x| x < width) { u32::MAX } else { 0 });
    let mut masks = Vec::new();
    match method {
        Method::Flat(kernel) => {
            let half = kernel / 2;
            for vector in 0..(height * width).div_ceil(lanes) {
                for tap in (0..kernel).filter(|&tap| tap != half) {
                    masks.extend(
                        (vector * lanes..(vector + 1) * lanes)
                            .map(|pixel| keep((pixel % width + tap).checked_sub(half))),
                    );
                }
            }
        }
        Method::StrideTwo(kernel) => {
            let half = kernel / 2;
            for vector in 0..out_width.div_ceil(lanes) {
                for tap in (0..kernel).filter(|&tap| tap != half) {
                    masks.extend((vector * lanes..(vector + 1) * lanes).map(|x| keep((2 * x + tap).checked_sub(half))));
                }
            }
        }
        Method::Taps => {}
    }
    masks
}

/// Convolves one plane.
///
/// # Safety
/// As [`Simd`]; `plane` is valid for reads of the map and [`guard`] floats on both sides (or of the phases), `weights`
/// holds one value per tap, `masks` points to what [`masks`] gives for `V::LANES`, `out` is valid for writes of the output's
/// pixels and does not overlap the plane.
#[inline(always)]
pub(super) unsafe fn plane<V: Simd>(args: &PlaneArgs<'_>) {
    // SAFETY: handed on; a second pass finishes pixels that were written just now, in place.
    unsafe {
        match args.epilogue {
            // Most depthwise layers: two operations fewer of the 17 that a vector of a 3x3 window takes.
            Epilogue::NONE => sums::<V, false>(args),
            Epilogue::Clamp { .. } => sums::<V, true>(args),
            // Inside the loops a call would empty all registers, even where it is never made.
            epilogue => {
                sums::<V, false>(args);
                let (pixels, rows) = (args.output[0] * args.output[1], [0]);
                let args_of = FinishArgs { base: args.out, rows: rows.as_ptr(), count: 1, pixels, epilogue };
                (args.finish)(&args_of);
            }
        }
    }
}

/// Sums over the window, clamped (`CLAMP`) if that is how they are finished.
///
/// # Safety
/// As [`plane`].
#[inline(always)]
unsafe fn sums<V: Simd, const CLAMP: bool>(args: &PlaneArgs<'_>) {
    // SAFETY: handed on.
    unsafe {
        match args.method {
            Method::Flat(3) => flat::<V, 3, CLAMP>(args),
            Method::Flat(5) => flat::<V, 5, CLAMP>(args),
            Method::Flat(_) => flat::<V, 7, CLAMP>(args),
            Method::StrideTwo(3) => stride_two::<V, 3, CLAMP>(args),
            Method::StrideTwo(5) => stride_two::<V, 5, CLAMP>(args),
            Method::StrideTwo(_) => stride_two::<V, 7, CLAMP>(args),
            Method::Taps => taps::<V, CLAMP>(args),
        }
    }
}

/// Sums over each column of the window are made where the pixels are and shifted into place afterwards: one shift per
/// column instead of one misaligned load per tap.
///
/// # Safety
/// As [`plane`].
#[inline(always)]
unsafe fn flat<V: Simd, const K: usize, const CLAMP: bool>(args: &PlaneArgs<'_>) {
    let [height, width] = args.input;
    let pixels = height * width;
    // SAFETY: loads reach half a window above and below and one vector behind, all inside the guards.
    unsafe {
        let (bias, ends) = (V::splat(args.bias), ends::<V>(args.epilogue));
        let mut weights = [[V::splat(0.0); K]; K];
        for (y, row) in weights.iter_mut().enumerate() {
            for (x, weight) in row.iter_mut().enumerate() {
                *weight = V::splat(*args.weights.as_ptr().add(y * K + x));
            }
        }
        let top = args.plane.sub(K / 2 * width);
        let (mut before, mut here) = ([V::splat(0.0); K], columns(top, width, &weights, bias));
        let mut masks = args.masks;
        for at in (0..pixels).step_by(V::LANES) {
            // Behind the last pixel nothing belongs to its row.
            let next = at + V::LANES;
            let after = if next < pixels { columns(top.add(next), width, &weights, bias) } else { [V::splat(0.0); K] };
            let mut total = here[K / 2];
            for x in 0..K / 2 {
                total = total.add(V::before(before[x], here[x], K / 2 - x).and(V::load(masks)));
                masks = masks.add(V::LANES);
            }
            for x in K / 2 + 1..K {
                total = total.add(V::after(here[x], after[x], x - K / 2).and(V::load(masks)));
                masks = masks.add(V::LANES);
            }
            put::<V, CLAMP>(args, ends, total, at, pixels - at);
            (before, here) = (here, after);
        }
    }
}

/// For each column of the window its sum over the window's rows, the first of which starts at `top`; `start` is added
/// to the middle one.
///
/// # Safety
/// As [`plane`]. No closures here or in the callers: what is not inlined loses its instruction set.
#[expect(clippy::needless_range_loop, reason = "the compiler unrolls these loops and not their iterators")]
#[inline(always)]
unsafe fn columns<V: Simd, const K: usize>(top: *const f32, width: usize, weights: &[[V; K]; K], start: V) -> [V; K] {
    // SAFETY: as the caller promises.
    unsafe {
        let mut sums = [V::splat(0.0); K];
        sums[K / 2] = start;
        for y in 0..K {
            let row = V::load(top.add(y * width));
            for x in 0..K {
                sums[x] = weights[y][x].mul_add(row, sums[x]);
            }
        }
        sums
    }
}

/// Like [`flat`], row by row: even and odd pixels of a row each serve every other column of the window, some of them one or
/// two places further on.
///
/// # Safety
/// As [`plane`].
#[inline(always)]
unsafe fn stride_two<V: Simd, const K: usize, const CLAMP: bool>(args: &PlaneArgs<'_>) {
    let [_, width] = args.input;
    let [out_height, out_width] = args.output;
    // SAFETY: loads reach half a window above and below and two vectors past a row, all inside the guards.
    unsafe {
        let (bias, ends) = (V::splat(args.bias), ends::<V>(args.epilogue));
        let mut weights = [[V::splat(0.0); K]; K];
        for (y, row) in weights.iter_mut().enumerate() {
            for (x, weight) in row.iter_mut().enumerate() {
                *weight = V::splat(*args.weights.as_ptr().add(y * K + x));
            }
        }
        for out_y in 0..out_height {
            let top = args.plane.add(2 * out_y * width).sub(K / 2 * width);
            let (mut before, mut here) = ([V::splat(0.0); K], every_other(top, width, &weights, bias));
            let mut masks = args.masks;
            for out_x in (0..out_width).step_by(V::LANES) {
                let next = out_x + V::LANES;
                let after = if next < out_width {
                    every_other(top.add(2 * next), width, &weights, bias)
                } else {
                    [V::splat(0.0); K]
                };
                let mut total = here[K / 2];
                for x in 0..K / 2 {
                    // Pixel 2i - n is pixel i - n/2 of its kind, rounded down.
                    let shifted = V::before(before[x], here[x], (K / 2 - x).div_ceil(2));
                    total = total.add(shifted.and(V::load(masks)));
                    masks = masks.add(V::LANES);
                }
                for x in K / 2 + 1..K {
                    let places = (x - K / 2) / 2;
                    let shifted = if places == 0 { here[x] } else { V::after(here[x], after[x], places) };
                    total = total.add(shifted.and(V::load(masks)));
                    masks = masks.add(V::LANES);
                }
                put::<V, CLAMP>(args, ends, total, out_y * out_width + out_x, out_width - out_x);
                (before, here) = (here, after);
            }
        }
    }
}

/// As [`columns`], over the even pixels from `top` on for the columns of the window as far from the middle one, over the
/// odd ones for the others.
///
/// # Safety
/// As [`columns`].
#[expect(clippy::needless_range_loop, reason = "the compiler unrolls these loops and not their iterators")]
#[inline(always)]
unsafe fn every_other<V: Simd, const K: usize>(
    top: *const f32,
    width: usize,
    weights: &[[V; K]; K],
    start: V,
) -> [V; K] {
    // SAFETY: as the caller promises.
    unsafe {
        let mut sums = [V::splat(0.0); K];
        sums[K / 2] = start;
        for y in 0..K {
            let row = top.add(y * width);
            let (even, odd) = V::deinterleave(V::load(row), V::load(row.add(V::LANES)));
            for x in 0..K {
                let pixels = if x % 2 == K / 2 % 2 { even } else { odd };
                sums[x] = weights[y][x].mul_add(pixels, sums[x]);
            }
        }
        sums
    }
}

/// Any window, from phases.
///
/// # Safety
/// As [`plane`].
#[inline(always)]
unsafe fn taps<V: Simd, const CLAMP: bool>(args: &PlaneArgs<'_>) {
    let [out_height, out_width] = args.output;
    let phases = args.phases;
    // SAFETY: the phases have room for a tap's whole vector at the last output pixel.
    unsafe {
        let (bias, ends) = (V::splat(args.bias), ends::<V>(args.epilogue));
        for out_y in 0..out_height {
            let row = args.plane.add(out_y * phases.window.stride[0] * phases.row());
            for out_x in (0..out_width).step_by(V::LANES) {
                // Two sums, so that one multiply-add does not wait for the other.
                let (mut even, mut odd) = (bias, V::splat(0.0));
                for (taps, weights) in phases.taps.chunks_exact(2).zip(args.weights.chunks_exact(2)) {
                    even = V::splat(weights[0]).mul_add(V::load(row.add(taps[0] + out_x)), even);
                    odd = V::splat(weights[1]).mul_add(V::load(row.add(taps[1] + out_x)), odd);
                }
                if let ([.., tap], [.., weight], 1) = (&*phases.taps, args.weights, phases.taps.len() % 2) {
                    even = V::splat(*weight).mul_add(V::load(row.add(tap + out_x)), even);
                }
                put::<V, CLAMP>(args, ends, even.add(odd), out_y * out_width + out_x, out_width - out_x);
            }
        }
    }
}

/// What [`put`] clamps to.
///
/// # Safety
/// As [`plane`].
#[inline(always)]
unsafe fn ends<V: Simd>(epilogue: Epilogue) -> [V; 2] {
    // SAFETY: as the caller promises.
    unsafe {
        match epilogue {
            Epilogue::Clamp { low, high } => [V::splat(low), V::splat(high)],
            _ => [V::splat(0.0); 2],
        }
    }
}

/// Writes the first `count` lanes (or all, if there are more), clamped to `low` and `high` if `CLAMP`.
///
/// # Safety
/// As [`plane`]; the output has `count` pixels from `at` on.
#[inline(always)]
unsafe fn put<V: Simd, const CLAMP: bool>(args: &PlaneArgs<'_>, [low, high]: [V; 2], sum: V, at: usize, count: usize) {
    // SAFETY: at most `count` values are written, which is what is left of the output.
    unsafe {
        // The sum comes last, so that NaN stays.
        let value = if CLAMP { high.min(low.max(sum)) } else { sum };
        if count >= V::LANES { value.store(args.out.add(at)) } else { value.store_partial(args.out.add(at), count) }
    }
}
