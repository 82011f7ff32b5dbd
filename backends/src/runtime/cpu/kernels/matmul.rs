//! The matrix product behind pointwise, dense and grouped convolution: `y[o][p] = bias[o] + sum_k w[o][k] * x[k][p]`.
//!
//! `x` and `y` are rows found through lists of offsets, so nobody cares where in memory a channel lives. Weights are
//! packed in panels of a few output channels, `[k][row]`, and are read once from start to end. A tile is a panel times
//! up to three vectors of pixels; all of its sums stay in registers. A pixel count just above a multiple of the tile
//! (49 = 3 * 16 + 1) would waste most of a vector: such a tile has one *tail* pixel more, for which the vector runs
//! over the panel's rows instead, one more multiply-add per `k`.
//!
//! Operands are words of which only [`Product`] knows what they hold: one float, or two of 16 bits.

use super::epilogue::{Epilogue, FinishArgs, FinishFn, finish_run, hard_swish};
use super::product::Product;
use super::simd::Simd;

/// The most output channels per panel of any instruction set.
pub(super) const MAX_ROWS: usize = 8;
/// Vectors of pixels per tile.
pub(super) const MAX_VECTORS: usize = 3;
/// How far ahead weights are fetched, in floats: enough multiply-adds to cover the latency of the outer caches.
const PREFETCH: usize = 384;

/// Output channels that are computed together.
#[derive(Clone, Copy, Debug)]
pub(super) struct Panel {
    /// Output channels, at most the instruction set's tile rows.
    pub rows: usize,
    /// Length of the sums.
    pub depth: usize,
    /// Where the panel's weights start, `[depth][rows]`.
    pub weights: usize,
    /// Its first entry in the list of input rows.
    pub inputs: usize,
    /// Its first entry in the lists of output rows, biases and residual rows.
    pub outputs: usize,
}

/// Pixels that are computed together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tile {
    /// The first pixel.
    pub start: usize,
    /// Vectors, the last of them with only `last` pixels.
    pub vectors: usize,
    /// Pixels of the last vector.
    pub last: usize,
    /// One more pixel (the vectors are full then): how far it is from the first.
    pub tail: Option<usize>,
}

impl Tile {
    /// Pixels covered.
    pub fn pixels(&self, lanes: usize) -> usize {
        (self.vectors - 1) * lanes + self.last + usize::from(self.tail.is_some())
    }

    /// The widest that a tile of its vectors reads: the last vector is always loaded whole.
    pub fn reads(&self, lanes: usize) -> usize {
        self.vectors * lanes + 1
    }
}

/// How the pixels of a map are cut.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tiling {
    pub lanes: usize,
    /// Output channels of a full panel.
    pub rows: usize,
    /// The most vectors of a tile.
    pub vectors: usize,
    /// Whether tiles may have a tail pixel.
    pub tails: bool,
    /// Whether tail pixels are taken from the end of the map, so that tiles start at whole vectors; otherwise each
    /// follows its tile.
    pub apart: bool,
}

impl Tiling {
    /// Cuts `pixels` into tiles of at most so many vectors, evenly, with tail pixels where they are cheaper.
    pub fn cut(&self, pixels: usize) -> Vec<Tile> {
        let (full, rest) = (pixels / self.lanes, pixels % self.lanes);
        // A tail pixel costs one multiply-add per k, a further vector one per row of the panel.
        let tails = if self.tails && rest <= full.div_ceil(self.vectors) && rest < self.rows { rest } else { 0 };
        let vectors = if tails == rest { full } else { full + 1 };
        let count = vectors.div_ceil(self.vectors);
        let mut start = 0;
        (0..count)
            .map(|index| {
                let vectors = vectors / count + usize::from(index < vectors % count);
                let last = if index + 1 == count && tails != rest { rest } else { self.lanes };
                let behind = vectors * self.lanes;
                let tail = if self.apart { pixels - rest + index - start } else { behind };
                let tile = Tile { start, vectors, last, tail: (index < tails).then_some(tail) };
                start += behind + if index < tails && !self.apart { 1 } else { 0 };
                tile
            })
            .collect()
    }
}

/// One tile's operands. `x_rows` and the others point at the panel's first entry.
#[derive(Clone, Copy)]
pub(super) struct TileArgs {
    pub depth: usize,
    pub weights: *const f32,
    pub x: *const f32,
    pub x_rows: *const u32,
    pub y: *mut f32,
    pub y_rows: *const u32,
    pub bias: *const f32,
    /// Base and rows of a map that is added before the activation; null rows for none.
    pub residual: *const f32,
    pub residual_rows: *const u32,
    pub last: usize,
    /// Where the tail pixel is, from the tile's first, of what is multiplied.
    pub tail: usize,
    /// And of what is written.
    pub tail_row: usize,
    pub epilogue: Epilogue,
    pub finish: FinishFn,
}

/// `ROWS` output channels times `VECTORS` vectors of pixels, and a tail pixel.
///
/// # Safety
/// The CPU has the instruction set, also that of `P` and of `finish`. `weights` is valid for reads of `depth * ROWS + LANES`, `bias` of `ROWS`
/// values; `x + x_rows[k]` of `VECTORS * LANES` values and (`TAIL`) of the one at `tail` for each `k < depth`; `y + y_rows[i]` is
/// valid for writes, `residual + residual_rows[i]` (unless null) for reads of the tile's pixels for each `i < ROWS`; no
/// row written is one that is read, but a residual row may be the row written.
#[inline(always)]
pub(super) unsafe fn tile<V, P, const ROWS: usize, const VECTORS: usize, const TAIL: bool>(args: &TileArgs)
where
    V: Simd,
    P: Product<V>,
{
    // SAFETY: as the caller promises; whole vectors are read of `x`, but of the others only the tile's pixels.
    unsafe {
        let mut sums = [[V::splat(0.0); VECTORS]; ROWS];
        for (row, sums) in sums.iter_mut().enumerate() {
            *sums = [V::splat(*args.bias.add(row)); VECTORS];
        }
        // The tail's vectors run over rows; lanes beyond ROWS hold garbage that nobody reads.
        let mut tail = [V::splat(0.0); MAX_ROWS];
        let tail_vectors = if TAIL { ROWS.div_ceil(V::LANES) } else { 0 };

        let mut weights = args.weights;
        for k in 0..args.depth {
            let x = args.x.add(*args.x_rows.add(k) as usize);
            let mut pixels = [V::splat(0.0); VECTORS];
            for (vector, pixels) in pixels.iter_mut().enumerate() {
                *pixels = V::load(x.add(vector * V::LANES));
            }
            V::prefetch(weights.wrapping_add(PREFETCH));
            for (row, sums) in sums.iter_mut().enumerate() {
                let weight = V::splat(*weights.add(row));
                for (sum, &pixels) in sums.iter_mut().zip(&pixels) {
                    *sum = P::add(weight, pixels, *sum);
                }
            }
            if TAIL {
                let pixel = V::splat(*x.add(args.tail));
                for (vector, sum) in tail.iter_mut().enumerate().take(tail_vectors) {
                    *sum = P::add(V::load_panel(weights.add(vector * V::LANES)), pixel, *sum);
                }
            }
            weights = weights.add(ROWS);
        }

        if !args.residual_rows.is_null() {
            for (row, sums) in sums.iter_mut().enumerate() {
                let from = args.residual.add(*args.residual_rows.add(row) as usize);
                for (vector, sum) in sums.iter_mut().enumerate().take(VECTORS - 1) {
                    *sum = sum.add(V::load(from.add(vector * V::LANES)));
                }
                // A row may end with its last pixel, and what is behind it may be another step's.
                let (from, sum) = (from.add((VECTORS - 1) * V::LANES), &mut sums[VECTORS - 1]);
                let whole = args.last == V::LANES;
                *sum = sum.add(if whole { V::load(from) } else { V::load_partial(from, args.last) });
            }
        }
        match args.epilogue {
            // The value comes last, so that NaN stays.
            Epilogue::Clamp { low, high } if high == f32::INFINITY => {
                let low = V::splat(low);
                write(&sums, args, |x| low.max(x));
            }
            Epilogue::Clamp { low, high } => {
                let (low, high) = (V::splat(low), V::splat(high));
                write(&sums, args, |x| high.min(low.max(x)));
            }
            Epilogue::HardSwish => write(&sums, args, |x| hard_swish(x)),
            epilogue => {
                write(&sums, args, |x| x);
                let pixels = (VECTORS - 1) * V::LANES + args.last;
                let (base, rows) = (args.y, args.y_rows);
                (args.finish)(&FinishArgs { base, rows, count: ROWS, pixels, epilogue });
            }
        }
        if TAIL {
            let mut lanes = [0.0_f32; MAX_ROWS + 16];
            for (vector, sum) in tail.iter().enumerate().take(tail_vectors) {
                sum.store(lanes.as_mut_ptr().add(vector * V::LANES));
            }
            for (row, sum) in lanes.iter_mut().enumerate().take(ROWS) {
                *sum += *args.bias.add(row);
                if !args.residual_rows.is_null() {
                    *sum += *args.residual.add(*args.residual_rows.add(row) as usize + args.tail_row);
                }
                *sum = args.epilogue.scalar(*sum);
            }
            finish_run(args.finish, lanes.as_mut_ptr(), ROWS, args.epilogue);
            for (row, &value) in lanes.iter().enumerate().take(ROWS) {
                *args.y.add(*args.y_rows.add(row) as usize + args.tail_row) = value;
            }
        }
    }
}

/// Writes a tile's sums, each through `epilogue`.
///
/// # Safety
/// As [`tile`].
#[inline(always)]
unsafe fn write<V: Simd, const ROWS: usize, const VECTORS: usize>(
    sums: &[[V; VECTORS]; ROWS],
    args: &TileArgs,
    epilogue: impl Fn(V) -> V,
) {
    // SAFETY: as the caller promises.
    unsafe {
        let whole = args.last == V::LANES;
        for (row, sums) in sums.iter().enumerate() {
            let to = args.y.add(*args.y_rows.add(row) as usize);
            for (vector, &sum) in sums.iter().enumerate().take(VECTORS - 1) {
                epilogue(sum).store(to.add(vector * V::LANES));
            }
            let (value, at) = (epilogue(sums[VECTORS - 1]), to.add((VECTORS - 1) * V::LANES));
            if whole {
                value.store(at);
            } else {
                value.store_partial(at, args.last);
            }
        }
    }
}
