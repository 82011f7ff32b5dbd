//! The panels of a matrix product: weights, and what becomes of their sums.

use super::super::arena::{Arena, Packed};
use super::super::matmul::Tile;
use super::quant::Bounds;
use super::sum::{Sum, SumArgs};
use super::table::WordTable;
use super::tile::{Finish, TileArgs};

/// Output words that are computed together, from the same input words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WordPanel {
    /// Output words, one or two; never more than the table's tiles have.
    pub quads: usize,
    /// The first of them.
    pub outputs: usize,
    /// The first of its words in the input's list.
    pub inputs: usize,
    /// How many.
    pub words: usize,
    /// Where its weights start, `[words][taps][4 * quads]`, a word of four weights each.
    pub weights: usize,
}

/// All panels of a convolution, ready to be multiplied with tiles of pixels.
#[derive(Debug)]
pub(super) struct Panels {
    pub table: &'static WordTable,
    pub list: Vec<WordPanel>,
    /// Words that are multiplied for each input word: the window's taps.
    pub taps: usize,
    pub weights: Packed,
    /// What sums start with, by the table's own reckoning.
    pub bias: Vec<i32>,
    pub multipliers: Vec<f32>,
    pub finish: Finish,
    /// How another map is added, where one is.
    pub sum: Sum,
}

impl Panels {
    /// Of `list` and its `weights`, for an image's `[bias, multiplier]` of every channel.
    pub fn new(
        table: &'static WordTable,
        list: Vec<WordPanel>,
        taps: usize,
        (weights, room): (Option<Vec<u32>>, usize),
        (mut bias, multipliers): (Vec<i32>, Vec<f32>),
        (finish, sum): (Finish, Sum),
    ) -> Self {
        if let Some(weights) = &weights {
            for panel in &list {
                let channels = 4 * panel.quads;
                let weights = &weights[panel.weights..][..panel.words * taps * channels];
                for (channel, bias) in bias[4 * panel.outputs..][..channels].iter_mut().enumerate() {
                    *bias = table.start(*bias, weights.iter().skip(channel).step_by(channels));
                }
            }
        }
        let weights = weights.map_or_else(|| Packed::unknown(room), Packed::of_words);
        Self { table, list, taps, weights, bias, multipliers, finish, sum }
    }

    /// Multiplies a panel with a tile, whose first pixel is at `x.0` plus each of the rows `x.1` and goes to `y.0` plus each
    /// of the rows `y.1`, with that of `summand`, if any, added; the first list is that of all panels, the others are the
    /// panel's own.
    ///
    /// # Safety
    /// The weights lie in the arena, and the panel is one of these. All operands are valid for what
    /// [`tile`](super::tile::tile) and [`add`](super::sum::add) read and write of them, and the panel indexes the lists inside.
    #[inline(always)]
    pub unsafe fn multiply(
        &self,
        panel: &WordPanel,
        tile: &Tile,
        x: (*const u32, &[u32]),
        y: (*mut u32, &[u32]),
        summand: Option<(*const u32, &[u32])>,
        arena: &Arena,
    ) {
        // SAFETY: as the caller promises; there are as many biases and multipliers as outputs, and whoever has a table has a
        // CPU for it.
        unsafe {
            let rounded = Finish { zero: self.sum.zeros[0], bounds: Bounds::NONE };
            let args = TileArgs {
                depth: panel.words * self.taps,
                weights: self.weights.base(arena).cast::<u32>().add(panel.weights),
                x: x.0,
                x_rows: x.1.as_ptr().add(panel.inputs * self.taps),
                y: y.0,
                y_rows: y.1.as_ptr(),
                bias: self.bias.as_ptr().add(4 * panel.outputs),
                multipliers: self.multipliers.as_ptr().add(4 * panel.outputs),
                finish: if summand.is_some() { rounded } else { self.finish },
                last: tile.last,
                tail: tile.tail.unwrap_or(0),
            };
            (self.table.tiles[panel.quads - 1][tile.vectors - 1][usize::from(tile.tail.is_some())])(&args);
            let Some((base, rows)) = summand else { return };
            for (&to, &from) in y.1.iter().zip(rows).take(panel.quads) {
                let (to, from) = (y.0.add(to as usize), base.add(from as usize));
                let count = (tile.vectors - 1) * self.table.lanes + tile.last;
                let args = SumArgs { to, from, count, sum: self.sum, finish: self.finish };
                (self.table.add)(&args);
                if let Some(tail) = tile.tail {
                    (self.table.add)(&SumArgs { to: to.add(tail), from: from.add(tail), count: 1, ..args });
                }
            }
        }
    }
}
