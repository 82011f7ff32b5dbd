//! Sliding windows over one channel, in two forms that turn every tap into a contiguous read: *phases* (the padded map
//! with its columns dealt out by stride, for one weight per tap) and *columns* (one row per tap, for matrix products).

use super::simd::Simd;
use super::unfit::{Unfit, ensure_window, product, sum};
use crate::graph::Window;

/// Floats by which a kernel may read past what it needs: one vector of the widest instruction set.
pub(super) const SLACK: usize = 16;

/// The padded map of one channel as the taps of a window see it: for each padded row, one phase of `pitch` floats for
/// each step of the stride that a tap falls on; phase `p` holds columns `p`, `p + stride`, ... Output `x` of a tap then
/// reads `x + constant`.
#[derive(Clone, Debug)]
pub(super) struct Phases {
    pub window: Window,
    /// `[height, width]` of the map and of the window's output.
    pub input: [usize; 2],
    pub output: [usize; 2],
    /// Where the map's columns lie in each phase of a row; phases are as many as the stride, or as the window is wide.
    pub places: Vec<Places>,
    /// Places of a phase that taps of output pixels read, the first ones.
    pub read: usize,
    /// Floats per phase of a row.
    pub pitch: usize,
    /// For each tap its offset from the output pixel's place.
    pub taps: Vec<usize>,
}

/// Where the columns of a map lie in one phase of a row: place `j` holds column `j * stride + phase - padding`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Places {
    /// Places in front of the map.
    pub left: usize,
    /// The first column.
    pub from: usize,
    /// Columns, as far as they are read.
    pub inside: usize,
}

impl Phases {
    /// # Errors
    /// Where the window over a map of `input` does not give one of `output`, or that takes more floats than can be
    /// addressed.
    pub fn new(window: Window, input: [usize; 2], output: [usize; 2]) -> Result<Self, Unfit> {
        const WHAT: &str = "the window's padded rows";
        ensure_window(&window, input, output)?;
        let [dilation_y, dilation_x] = window.dilation;
        let [kernel_y, kernel_x] = window.kernel;
        let stride = window.stride[1];
        // Like everything inside the padded map, which the window fits, this can be counted.
        let reach = (kernel_x - 1) * dilation_x;
        let phases = stride.min(reach + 1);
        sum(WHAT, &[output[1], reach / stride, 2 * SLACK])?;
        let read = output[1] + reach / stride;
        let pitch = read.next_multiple_of(SLACK) + SLACK;
        let rows = sum(WHAT, &[input[0], window.padding[0], window.padding_end[0]])?;
        product(WHAT, &[sum(WHAT, &[rows, 1])?, phases, pitch])?;
        let tap = |y: usize, x: usize| {
            let (y, x) = (y * dilation_y, x * dilation_x);
            (y * phases + x % stride) * pitch + x / stride
        };
        let taps = (0..kernel_y).flat_map(|y| (0..kernel_x).map(move |x| tap(y, x))).collect();
        let (width, padding) = (input[1], window.padding[1]);
        let places = |phase: usize| {
            let left = padding.saturating_sub(phase).div_ceil(stride).min(read);
            let from = left.saturating_mul(stride).saturating_add(phase).saturating_sub(padding).min(width);
            Places { left, from, inside: (width - from).div_ceil(stride).min(read - left) }
        };
        let places = (0..phases).map(places).collect();
        Ok(Self { window, input, output, places, read, pitch, taps })
    }

    /// Floats from one padded row to the next.
    pub fn row(&self) -> usize {
        self.places.len() * self.pitch
    }

    /// Padded rows that `outputs` output rows read.
    pub fn rows(&self, outputs: usize) -> usize {
        (outputs - 1) * self.window.stride[0] + (self.window.kernel[0] - 1) * self.window.dilation[0] + 1
    }

    /// Floats for the padded rows of `outputs` output rows, with room to read past the end.
    pub fn floats(&self, outputs: usize) -> usize {
        self.rows(outputs) * self.row() + SLACK
    }
}

/// Copies the floats at even places from `from` on to `evens` and those at odd places to `odds`, of `count` together.
///
/// # Safety
/// As [`Simd`]; `from` is valid for reads of `count` floats, `evens` and `odds` for writes of half as many, `evens` of one
/// more where they are odd; none of them overlap.
#[inline(always)]
pub(super) unsafe fn split<V: Simd>(from: *const f32, evens: *mut f32, odds: *mut f32, count: usize) {
    // SAFETY: the last vectors are partial; memory of lanes left out is not touched.
    unsafe {
        let (mut at, pairs) = (0, count / 2);
        while at + V::LANES <= pairs {
            let from = from.add(2 * at);
            let (even, odd) = V::deinterleave(V::load(from), V::load(from.add(V::LANES)));
            even.store(evens.add(at));
            odd.store(odds.add(at));
            at += V::LANES;
        }
        let left = count - 2 * at;
        if left > 0 {
            let from = from.add(2 * at);
            let first = V::load_partial(from, left.min(V::LANES));
            let second = V::load_partial(from.wrapping_add(V::LANES), left.saturating_sub(V::LANES));
            let (even, odd) = V::deinterleave(first, second);
            even.store_partial(evens.add(at), left.div_ceil(2).min(V::LANES));
            odd.store_partial(odds.add(at), left / 2);
        }
    }
}

/// Copies the first of each of `pairs` pairs of floats.
///
/// # Safety
/// As [`Simd`]; `from` is valid for reads of twice, `to` for writes of `pairs` floats, and they do not overlap.
#[inline(always)]
unsafe fn firsts<V: Simd>(from: *const f32, to: *mut f32, pairs: usize) {
    // SAFETY: the last vectors are partial; memory of lanes left out is not touched.
    unsafe {
        let mut at = 0;
        while at + V::LANES <= pairs {
            let from = from.add(2 * at);
            V::deinterleave(V::load(from), V::load(from.add(V::LANES))).0.store(to.add(at));
            at += V::LANES;
        }
        if at < pairs {
            let (from, left) = (from.add(2 * at), 2 * (pairs - at));
            let first = V::load_partial(from, left.min(V::LANES));
            let second = V::load_partial(from.wrapping_add(V::LANES), left.saturating_sub(V::LANES));
            V::deinterleave(first, second).0.store_partial(to.add(at), pairs - at);
        }
    }
}

/// Copies `count` floats.
///
/// # Safety
/// As [`Simd`]; `from` is valid for reads and `to` for writes of `count` floats, and they do not overlap.
#[inline(always)]
pub(super) unsafe fn copy<V: Simd>(from: *const f32, to: *mut f32, count: usize) {
    // SAFETY: the last vector is partial.
    unsafe {
        let mut at = 0;
        while at + V::LANES <= count {
            V::load(from.add(at)).store(to.add(at));
            at += V::LANES;
        }
        if at < count {
            V::load_partial(from.add(at), count - at).store_partial(to.add(at), count - at);
        }
    }
}

/// What [`columns`] works on.
#[derive(Clone, Copy, Debug)]
pub(super) struct ColumnsArgs<'a> {
    pub window: Window,
    /// `[height, width]` of the map and of the window's output.
    pub input: [usize; 2],
    pub output: [usize; 2],
    /// The channel's map, `height * width` floats.
    pub map: *const f32,
    /// The output pixels wanted.
    pub pixels: &'a std::ops::Range<usize>,
    /// The value around the map.
    pub outside: f32,
    /// Where the taps' rows go, each `pitch >= pixels.len()` floats.
    pub to: *mut f32,
    pub pitch: usize,
}

/// Writes, for each tap of the window, the row of values that it meets at the output `pixels`.
///
/// # Safety
/// As [`Simd`]; `map` is valid for reads of the input's pixels, `to` for writes of `taps * pitch` floats.
#[inline(always)]
pub(super) unsafe fn columns<V: Simd>(args: &ColumnsArgs<'_>) {
    let ColumnsArgs { window, input: [height, width], output: [_, out_width], .. } = *args;
    let stride = window.stride[1];
    for tap in 0..window.taps() {
        let (tap_y, tap_x) = (tap / window.kernel[1] * window.dilation[0], tap % window.kernel[1] * window.dilation[1]);
        // Output columns whose tap lies inside the map: x * stride + tap_x - padding in 0 .. width.
        let inside = window.padding[1].saturating_sub(tap_x).div_ceil(stride).min(out_width)
            ..(width + window.padding[1]).saturating_sub(tap_x).div_ceil(stride).min(out_width);
        let mut pixel = args.pixels.start;
        while pixel < args.pixels.end {
            let (y, x) = (pixel / out_width, pixel % out_width);
            let end = out_width.min(x + args.pixels.end - pixel);
            // SAFETY: the output pixels `pixel .. pixel + end - x` are wanted, so their places are in the tap's row;
            // the map is read only where `row` and `inside` say that the tap lies inside it.
            unsafe {
                let to = args.to.add(tap * args.pitch + pixel - args.pixels.start);
                let row = (y * window.stride[0] + tap_y).checked_sub(window.padding[0]).filter(|&y| y < height);
                let (from, until) = match row {
                    Some(_) => (inside.start.clamp(x, end), inside.end.clamp(x, end)),
                    None => (end, end),
                };
                let until = until.max(from);
                for at in (x..from).chain(until..end) {
                    *to.add(at - x) = args.outside;
                }
                if let (Some(row), true) = (row, from < until) {
                    let map = args.map.add(row * width + from * stride + tap_x - window.padding[1]);
                    let to = to.add(from - x);
                    let count = until - from;
                    match stride {
                        1 => copy::<V>(map, to, count),
                        2 => {
                            // The last has no pair where the map ends with it.
                            firsts::<V>(map, to, count - 1);
                            *to.add(count - 1) = *map.add(2 * (count - 1));
                        }
                        _ => {
                            for at in 0..count {
                                *to.add(at) = *map.add(at * stride);
                            }
                        }
                    }
                }
            }
            pixel += end - x;
        }
    }
}
