//! Depthwise convolution over 3x3 pixels with a border of one, straight from the map.
//!
//! The three rows under a window are turned into a word of three taps for each pixel and channel: one column of the window.
//! Such words of neighbouring pixels lie in neighbouring registers, or in neighbouring groups of the same one.

use super::quant::everywhere;
use super::tile::{Finish, Finisher};
use super::words::Words;

/// Four channels.
#[derive(Clone, Copy)]
pub(super) struct ThreeArgs {
    /// `[height, width]` of the map and of the output.
    pub input: [usize; 2],
    pub output: [usize; 2],
    /// Whether every other output pixel is left out, both ways.
    pub strided: bool,
    /// The byte around the map.
    pub outside: u8,
    pub map: *const u32,
    /// For each column of the window a word for each of the four channels: the weights from top to bottom, and zero.
    pub weights: *const u32,
    /// For each channel what its sum starts with, made up for [`Words::LESS`], and what it is multiplied by.
    pub bias: *const i32,
    pub multipliers: *const f32,
    pub finish: Finish,
    pub out: *mut u32,
}

/// What stays the same for all pixels.
#[derive(Clone, Copy)]
struct Filter<W> {
    columns: [W; 3],
    bias: W,
    multipliers: W,
    finisher: Finisher<W>,
    /// As the map has it, not yet made ready.
    outside: W,
}

/// Convolves four channels.
///
/// # Safety
/// As [`Words`]; `map` is valid for reads of the input's pixels, `weights` of twelve words, `bias` and `multipliers` of four values
/// each, `out` for writes of the output's pixels, which is other memory than the map. The output's size is that of a 3x3 window
/// with a border of one. Sums times multipliers are below 2^31.
#[inline(always)]
pub(super) unsafe fn three<W: Words>(args: &ThreeArgs) {
    // SAFETY: as the caller promises; the rows read lie inside the map.
    unsafe {
        let filter = Filter::<W> {
            columns: [W::load_four(args.weights), W::load_four(args.weights.add(4)), W::load_four(args.weights.add(8))],
            bias: W::load_four(args.bias.cast()),
            multipliers: W::load_four(args.multipliers.cast()),
            finisher: Finisher::new(args.finish),
            outside: W::splat(everywhere(args.outside)),
        };
        let ([height, width], [out_height, out_width]) = (args.input, args.output);
        for y in 0..out_height {
            let middle = if args.strided { 2 * y } else { y };
            let mut rows = [std::ptr::null(); 3];
            if middle > 0 {
                rows[0] = args.map.add((middle - 1) * width);
            }
            rows[1] = args.map.add(middle * width);
            if middle + 1 < height {
                rows[2] = args.map.add((middle + 1) * width);
            }
            let out = args.out.add(y * out_width);
            if args.strided {
                strided(&filter, rows, (width, out_width), out);
            } else {
                plain(&filter, rows, width, out);
            }
        }
    }
}

/// Columns of the pixels from `at` on, made ready, in the order of [`Words::interleave`]; those of what lies outside.
///
/// # Safety
/// As [`three`]; rows are `width` words, or null where they lie outside.
#[inline(always)]
unsafe fn columns<W: Words>(filter: &Filter<W>, rows: [*const u32; 3], at: usize, width: usize) -> [W; 4] {
    // SAFETY: as the caller promises; only words of the rows are read.
    unsafe {
        let mut words = [filter.outside; 4];
        if at < width {
            let count = width - at;
            for (words, row) in words.iter_mut().zip(rows) {
                if !row.is_null() {
                    *words = if count >= W::LANES {
                        W::load(row.add(at))
                    } else {
                        W::load_first(row.add(at), count, filter.outside)
                    };
                }
            }
        }
        let mut columns = W::interleave(words);
        for words in &mut columns {
            *words = words.ready();
        }
        columns
    }
}

/// The scaled sums over three columns.
///
/// # Safety
/// As [`Words`].
#[inline(always)]
unsafe fn scaled<W: Words>(filter: &Filter<W>, [left, middle, right]: [W; 3]) -> W {
    // SAFETY: handed on.
    unsafe {
        let sums = left.dot(filter.columns[0], filter.bias);
        let sums = middle.dot(filter.columns[1], sums);
        right.dot(filter.columns[2], sums).scaled(filter.multipliers)
    }
}

/// A row of the output, from each pixel of the row.
///
/// # Safety
/// As [`columns`]; `out` is valid for writes of `width` words.
#[inline(always)]
unsafe fn plain<W: Words>(filter: &Filter<W>, rows: [*const u32; 3], width: usize, out: *mut u32) {
    // SAFETY: handed on.
    unsafe {
        let mut before = filter.outside.ready();
        let mut here = columns(filter, rows, 0, width);
        for x in (0..width).step_by(W::LANES) {
            let next = columns(filter, rows, x + W::LANES, width);
            let left = here[3].groups_after(before);
            let right = here[0].groups_until(next[0]);
            let words = filter.finisher.bytes([
                scaled(filter, [left, here[0], here[1]]),
                scaled(filter, [here[0], here[1], here[2]]),
                scaled(filter, [here[1], here[2], here[3]]),
                scaled(filter, [here[2], here[3], right]),
            ]);
            let left_over = width - x;
            if left_over >= W::LANES {
                words.store(out.add(x))
            } else {
                words.store_partial(out.add(x), left_over)
            }
            (before, here) = (here[3], next);
        }
    }
}

/// A row of the output, from every other pixel of the row.
///
/// # Safety
/// As [`columns`]; `out` is valid for writes of `out_width` words.
#[inline(always)]
unsafe fn strided<W: Words>(
    filter: &Filter<W>,
    rows: [*const u32; 3],
    (width, out_width): (usize, usize),
    out: *mut u32,
) {
    // SAFETY: handed on.
    unsafe {
        let mut before = filter.outside.ready();
        for x in (0..out_width).step_by(W::LANES) {
            let first = columns(filter, rows, 2 * x, width);
            let second = columns(filter, rows, 2 * x + W::LANES, width);
            // Of each register, every fourth pixel from one of four on: outputs stand at the first and the third.
            let words = filter.finisher.bytes([
                scaled(filter, [first[3].groups_after(before), first[0], first[1]]),
                scaled(filter, [first[1], first[2], first[3]]),
                scaled(filter, [second[3].groups_after(first[3]), second[0], second[1]]),
                scaled(filter, [second[1], second[2], second[3]]),
            ]);
            let (words, left) = (words.even_pairs_first(), out_width - x);
            if left >= W::LANES {
                words.store(out.add(x))
            } else {
                words.store_partial(out.add(x), left)
            }
            before = second[3];
        }
    }
}
