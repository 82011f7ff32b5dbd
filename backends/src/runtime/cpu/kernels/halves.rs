//! Matrix products in 16 bits: words of two rows that follow one another, or of two pixels of a row.
//!
//! Feature maps stay in 32 bits: what a tile multiplies is brought into words first, once for all of its panels, and what
//! leaves it are floats, so that whatever follows a product is the same. Where there is no second row a word's upper half is
//! zero, of the weights too.

use super::Isa;
use super::matmul::{MAX_VECTORS, Panel, Tile};
use super::matvec::{self, PanelArgs};
use super::product::{Halves, Pairs};
use super::simd::Simd;
use super::table::Tiles;
use super::unfit::{Unfit, offsets, product};
use super::window::SLACK;
use crate::device::Precision;

/// One instruction set's products in 16 bits. Calling one needs a CPU that has it, and what the kernel's own contract says.
pub struct HalfTable {
    pub(super) isa: Isa,
    /// In what.
    pub(super) precision: Precision,
    /// Rows that a word holds values of, and pixels: two of one and one of the other.
    pub(super) rows: usize,
    pub(super) pixels: usize,
    /// The word of two values.
    pub(super) word: fn(f32, f32) -> f32,
    pub(super) tiles: Tiles,
    /// Makes words of rows.
    pub(super) words: unsafe fn(&WordArgs),
    /// Fully connected layers, of two inputs to a word.
    pub(super) linear: Option<LinearFns>,
}

/// The kernels of a fully connected layer.
#[derive(Clone, Copy, Debug)]
pub(super) struct LinearFns {
    pub panel: unsafe fn(&PanelArgs<'_>) -> [f32; matvec::ROWS],
    pub panels: unsafe fn(&PanelArgs<'_>) -> [[f32; matvec::ROWS]; matvec::TOGETHER],
}

impl HalfTable {
    /// Words of the sums of so many rows.
    pub(super) fn depth(&self, rows: usize) -> usize {
        rows.div_ceil(self.rows)
    }
}

impl std::fmt::Debug for HalfTable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HalfTable").field("isa", &self.isa).field("precision", &self.precision).finish_non_exhaustive()
    }
}

/// Rows that words are made of, a tile's pixels of each.
#[derive(Clone, Copy, Debug)]
pub(super) struct WordArgs {
    pub x: *const f32,
    pub rows: *const u32,
    /// Rows; where words are of two rows those of an odd last one hold zero beside it.
    pub count: usize,
    /// Vectors of words.
    pub vectors: usize,
    /// One more pixel, which comes behind them: how far it is from the first.
    pub tail: Option<usize>,
    pub to: *mut f32,
    /// From one row of words to the next.
    pub pitch: usize,
}

/// Makes words of two rows each.
///
/// # Safety
/// The CPU has the instruction set. For each `k < count`, `x + rows[k]` is valid for reads of `vectors * LANES` values and of the
/// one at `tail`; for each pair `p`, `to + p * pitch` for writes of `vectors * LANES` values, and of one more where there is a
/// tail; no row read is among them.
#[inline(always)]
pub(super) unsafe fn pair<V: Simd, P: Pairs<V>>(args: &WordArgs) {
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

/// Weights `[output][depth]` in the order that tiles read them, `[panel][word][row]`, with room to read a vector past the end;
/// panels count their depth in words.
pub(super) fn pack(table: &HalfTable, weights: &[f32], depth: usize, panels: &[Panel]) -> Vec<f32> {
    let mut packed = Vec::with_capacity(room(panels));
    let word = |row: &[f32], at: usize| match table.rows {
        1 => (table.word)(row[at], row[at]),
        _ => (table.word)(row[2 * at], row.get(2 * at + 1).copied().unwrap_or(0.0)),
    };
    for panel in panels {
        let rows = &weights[panel.outputs * depth..][..panel.rows * depth];
        for at in 0..panel.depth {
            packed.extend(rows.chunks_exact(depth).map(|row| word(row, at)));
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
    table: &'static HalfTable,
    lanes: usize,
    /// Rows of each group.
    depth: usize,
    /// Where each row of words lies, group by group.
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
        table: &'static HalfTable,
        lanes: usize,
        (groups, depth): (usize, usize),
        tiles: Option<usize>,
    ) -> Result<Self, Unfit> {
        const WHAT: &str = "the words of a convolution";
        let pitch = product(WHAT, &[room_of_tile(lanes), tiles.unwrap_or(1)])?;
        let rows = offsets(WHAT, product(WHAT, &[groups, table.depth(depth)])?, pitch)?;
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
            let first = self.rows[group * self.table.depth(self.depth)] as usize;
            // SAFETY: as the caller promises; a row of words has room for each tile's vectors and one more.
            unsafe {
                (self.table.words)(&WordArgs {
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
