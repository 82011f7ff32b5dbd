//! Matrix products in 16 bits: words of two rows that follow one another.
//!
//! Feature maps stay in 32 bits: what a tile multiplies is brought into words of two rows first, once for all of its panels,
//! and sums are as in 32 bits, so that whatever follows a product is the same. Where there is no second row a word's upper
//! half is zero, of the weights too.

use super::bf16::PairTable;
use super::matmul::{MAX_VECTORS, Panel, Tile};
use super::product::{Halves, Pairs};
use super::simd::Simd;
use super::table::Tiles;
use super::unfit::{Unfit, offsets, product};
use super::window::SLACK;

/// Rows that words are made of, a tile's pixels of each.
#[derive(Clone, Copy, Debug)]
pub(super) struct PairArgs {
    pub x: *const f32,
    pub rows: *const u32,
    /// Rows; the words of an odd last one hold zero beside it.
    pub count: usize,
    /// Vectors of each row.
    pub vectors: usize,
    /// One more pixel, which comes behind them: how far it is from the first.
    pub tail: Option<usize>,
    pub to: *mut f32,
    /// From the words of two rows to those of the next two.
    pub pitch: usize,
}

/// Makes words of rows.
///
/// # Safety
/// The CPU has the instruction set. For each `k < count`, `x + rows[k]` is valid for reads of `vectors * LANES` values and of the
/// one at `tail`; for each pair `p`, `to + p * pitch` for writes of `vectors * LANES` values, and of one more where there is a
/// tail; no row read is among them.
#[inline(always)]
pub(super) unsafe fn pair<V: Simd, P: Pairs<V>>(args: &PairArgs) {
    // SAFETY: as the caller promises.
    unsafe {
        for pair in 0..args.count.div_ceil(2) {
            let first = args.x.add(*args.rows.add(2 * pair) as usize);
            let second = (2 * pair + 1 < args.count).then(|| args.x.add(*args.rows.add(2 * pair + 1) as usize));
            let to = args.to.add(pair * args.pitch);
            for at in (0..args.vectors).map(|vector| vector * V::LANES) {
                let second = second.map_or(V::splat(0.0), |second| V::load(second.add(at)));
                P::pair(V::load(first.add(at)), second).store(to.add(at));
            }
            if let Some(tail) = args.tail {
                let second = second.map_or(0.0, |second| *second.add(tail));
                *to.add(args.vectors * V::LANES) = <P as Halves>::word(*first.add(tail), second);
            }
        }
    }
}

/// Weights `[output][depth]` in the order that tiles read them, `[panel][pair][row]`, with room to read a vector past the end;
/// panels count their depth in pairs.
pub(super) fn pack(weights: &[f32], depth: usize, panels: &[Panel], word: fn(f32, f32) -> f32) -> Vec<f32> {
    let mut packed = Vec::with_capacity(room(panels));
    for panel in panels {
        let rows = &weights[panel.outputs * depth..][..panel.rows * depth];
        for pair in 0..panel.depth {
            packed.extend(
                rows.chunks_exact(depth).map(|row| word(row[2 * pair], row.get(2 * pair + 1).copied().unwrap_or(0.0))),
            );
        }
    }
    packed.resize(room(panels), 0.0);
    packed
}

/// Words that [`pack`] makes.
pub(super) fn room(panels: &[Panel]) -> usize {
    panels.last().map_or(0, |last| last.weights + last.rows * last.depth) + SLACK
}

/// The words of a convolution's right-hand matrix, in the scratch: of one tile, or of all tiles of an image.
#[derive(Debug)]
pub(super) struct Words {
    table: &'static PairTable,
    lanes: usize,
    /// Rows of each group.
    depth: usize,
    /// Where the words of two rows lie, group by group.
    rows: Vec<u32>,
    /// From one row of words to the next.
    pitch: usize,
    /// Whether there is room for those of all tiles of an image.
    whole: bool,
}

impl Words {
    /// For so many groups of `depth` rows; of one tile at a time, or of so many that an image has.
    ///
    /// # Errors
    /// Where they are more than can be addressed.
    pub fn new(
        table: &'static PairTable,
        lanes: usize,
        (groups, depth): (usize, usize),
        tiles: Option<usize>,
    ) -> Result<Self, Unfit> {
        const WHAT: &str = "the words of a convolution";
        let pitch = product(WHAT, &[room_of_tile(lanes), tiles.unwrap_or(1)])?;
        let rows = offsets(WHAT, product(WHAT, &[groups, depth.div_ceil(2)])?, pitch)?;
        Ok(Self { table, lanes, depth, rows, pitch, whole: tiles.is_some() })
    }

    /// Floats of scratch that they take.
    pub fn room(&self) -> usize {
        // Checked when they were made.
        self.rows.len() * self.pitch
    }

    /// Whether there is room for those of all tiles of an image.
    pub fn is_whole(&self) -> bool {
        self.whole
    }

    pub fn tiles(&self) -> &'static Tiles {
        &self.table.tiles
    }

    fn at(&self, tile: usize) -> usize {
        if self.whole { tile * room_of_tile(self.lanes) } else { 0 }
    }

    /// The words of a tile with the offsets of their rows; `words` is where all of them begin.
    pub fn rows(&self, words: *const f32, tile: usize) -> (*const f32, &[u32]) {
        (words.wrapping_add(self.at(tile)), &self.rows)
    }

    /// Where the word of a tile's tail pixel is, from its first.
    pub fn tail(&self, tile: &Tile) -> usize {
        tile.vectors * self.lanes
    }

    /// Makes those of a tile, whose pixels are at the offsets `rows` from `x`.
    ///
    /// # Safety
    /// `x + rows[k]` is valid for reads of the tile's whole vectors and its tail pixel, `to` for writes of
    /// [`room`](Self::room) values.
    pub unsafe fn make(&self, (x, rows): (*const f32, &[u32]), (index, tile): (usize, &Tile), to: *mut f32) {
        for (group, rows) in rows.chunks_exact(self.depth).enumerate() {
            let first = self.rows[group * self.depth.div_ceil(2)] as usize;
            // SAFETY: as the caller promises; a row of words has room for each tile's vectors and one more.
            unsafe {
                (self.table.pair)(&PairArgs {
                    x,
                    rows: rows.as_ptr(),
                    count: rows.len(),
                    vectors: tile.vectors,
                    tail: tile.tail,
                    to: to.add(first + self.at(index)),
                    pitch: self.pitch,
                });
            }
        }
    }
}

/// Words of a tile in a row: its vectors and a tail pixel, in whole cache lines.
fn room_of_tile(lanes: usize) -> usize {
    (MAX_VECTORS * lanes + 1).next_multiple_of(SLACK)
}
