//! The matrix product behind convolutions: output channels times pixels, over words of input channels.
//!
//! As the product of floats (`kernels::matmul`) with words in place of floats: a panel is one or two output words, that is
//! four or eight channels, whose weights lie as `[k][channel]`, a word of four weights each.

use super::quant::{Bounds, everywhere};
use super::words::Words;

/// The most output channels of a panel.
pub(super) const MAX_ROWS: usize = 8;
/// The most registers of pixels of a tile.
pub(super) const MAX_VECTORS: usize = 3;

/// How far ahead weights are fetched, in words: enough products to cover the latency of the outer caches.
const PREFETCH: usize = 384;

/// One tile's operands. The lists point at the panel's first entry.
#[derive(Clone, Copy)]
pub(super) struct TileArgs {
    /// Words that are multiplied for a sum.
    pub depth: usize,
    pub weights: *const u32,
    pub x: *const u32,
    pub x_rows: *const u32,
    pub y: *mut u32,
    /// One for each output word.
    pub y_rows: *const u32,
    /// For each channel what its sum starts with, made up for [`Words::LESS`], and what it is multiplied by.
    pub bias: *const i32,
    pub multipliers: *const f32,
    pub finish: Finish,
    /// Pixels of the last register.
    pub last: usize,
    /// Where the tail pixel is, from the tile's first.
    pub tail: usize,
}

/// How scaled sums become bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Finish {
    /// The byte for zero.
    pub zero: u8,
    pub bounds: Bounds,
}

/// [`Finish`] in registers.
#[derive(Clone, Copy)]
pub(super) struct Finisher<W> {
    zero: W,
    low: W,
    high: W,
}

impl<W: Words> Finisher<W> {
    /// # Safety
    /// As [`Words`].
    #[inline(always)]
    pub unsafe fn new(Finish { zero, bounds }: Finish) -> Self {
        // SAFETY: handed on.
        unsafe {
            let zero = W::splat(u32::from(zero) * 0x0001_0001);
            Self { zero, low: W::splat(everywhere(bounds.low)), high: W::splat(everywhere(bounds.high)) }
        }
    }

    /// Scaled sums as bytes, as [`Words::narrow`] orders them.
    ///
    /// # Safety
    /// As [`Words`].
    #[inline(always)]
    pub unsafe fn bytes(&self, scaled: [W; 4]) -> W {
        // SAFETY: handed on.
        unsafe { W::narrow(scaled, self.zero).larger(self.low).smaller(self.high) }
    }
}

/// `ROWS` output channels times `VECTORS` registers of pixels, and a tail pixel.
///
/// # Safety
/// As [`Words`]. `weights` is valid for reads of `depth * ROWS` words and a register behind, `bias` and `multipliers` of `ROWS`
/// values; `x + x_rows[k]` of `VECTORS * LANES` words and (`TAIL`) of the one at `tail` for each `k < depth`; `y + y_rows[i]` is
/// valid for writes of the tile's pixels for each `i < ROWS / 4`; no row written is one that is read. `ROWS` is 4 or 8, with
/// `TAIL` no more than `LANES`. Sums times multipliers are below 2^31.
#[expect(clippy::needless_range_loop, reason = "the compiler unrolls these loops and not their iterators")]
#[inline(always)]
pub(super) unsafe fn tile<W: Words, const ROWS: usize, const VECTORS: usize, const TAIL: bool>(args: &TileArgs) {
    // SAFETY: as the caller promises; whole registers are read of `x`, and of the output only the tile's pixels written.
    unsafe {
        let mut sums = [[W::splat(0); VECTORS]; ROWS];
        for (row, sums) in sums.iter_mut().enumerate() {
            *sums = [W::splat(*args.bias.add(row) as u32); VECTORS];
        }
        // The tail's register runs over channels.
        let mut tail = W::splat(0);
        let mut weights = args.weights;
        for k in 0..args.depth {
            let x = args.x.add(*args.x_rows.add(k) as usize);
            let mut pixels = [W::splat(0); VECTORS];
            for (vector, pixels) in pixels.iter_mut().enumerate() {
                *pixels = W::load(x.add(vector * W::LANES)).ready();
            }
            W::prefetch(weights.wrapping_add(PREFETCH));
            for (row, sums) in sums.iter_mut().enumerate() {
                let weight = W::splat(*weights.add(row));
                for (sum, &pixels) in sums.iter_mut().zip(&pixels) {
                    *sum = pixels.dot(weight, *sum);
                }
            }
            if TAIL {
                tail = W::splat(*x.add(args.tail)).ready().dot(W::load(weights), tail);
            }
            weights = weights.add(ROWS);
        }

        let finisher = Finisher::<W>::new(args.finish);
        let whole = args.last == W::LANES;
        for (quad, sums) in sums.as_chunks::<4>().0.iter().enumerate() {
            let to = args.y.add(*args.y_rows.add(quad) as usize);
            let mut multipliers = [W::splat(0); 4];
            for (channel, multiplier) in multipliers.iter_mut().enumerate() {
                *multiplier = W::splat((*args.multipliers.add(4 * quad + channel)).to_bits());
            }
            for vector in 0..VECTORS {
                let is_whole = vector + 1 < VECTORS || whole;
                let mut scaled = [W::splat(0); 4];
                for (channel, scaled) in scaled.iter_mut().enumerate() {
                    *scaled = sums[channel][vector].scaled(multipliers[channel]);
                }
                let words = finisher.bytes(scaled).turned();
                let to = to.add(vector * W::LANES);
                if is_whole { words.store(to) } else { words.store_partial(to, args.last) }
            }
        }
        if TAIL {
            let (mut sums, mut multipliers) = ([0_u32; 16], [0_u32; 16]);
            tail.store(sums.as_mut_ptr());
            for (row, (sum, multiplier)) in sums.iter_mut().zip(&mut multipliers).enumerate().take(ROWS) {
                *sum = sum.wrapping_add(*args.bias.add(row) as u32);
                *multiplier = (*args.multipliers.add(row)).to_bits();
            }
            let scaled = W::load(sums.as_ptr()).scaled(W::load(multipliers.as_ptr()));
            // Four channels of a group are narrowed to one word, the first.
            let words = finisher.bytes([scaled; 4]);
            words.store(sums.as_mut_ptr());
            for quad in 0..ROWS / 4 {
                *args.y.add(*args.y_rows.add(quad) as usize + args.tail) = sums[4 * quad];
            }
        }
    }
}
