//! The usual max-pool behind a convolution whose rows are made one after another, while they are still near.

use std::ops::Range;

use super::super::arena::Arena;
use super::super::unfit::{Unfit, offsets, product, sum};
use super::super::window::{Phases, SLACK};
use super::spec::pooled;
use super::table::WordTable;
use super::taps::MostArgs;
use crate::graph::Window;

/// Words of convolved rows that stay near, in the first cache.
const NEAR: usize = 8 << 10;

/// A max-pool over 3x3 pixels with a border of one, every other of them, of rows that lie in the scratch.
#[derive(Debug)]
pub(super) struct StemPool {
    table: &'static WordTable,
    /// `[height, width]` of the convolved map.
    size: [usize; 2],
    /// Of the rows of a band alone, the first of them above its first middle.
    phases: Phases,
    /// Where each word's rows lie.
    rows: Vec<u32>,
    /// Words behind that.
    end: usize,
}

impl StemPool {
    /// Of maps of `size` in so many words, to maps of `output`.
    ///
    /// # Errors
    /// Where the scratch is more than can be addressed.
    pub fn new(table: &'static WordTable, words: usize, size: [usize; 2], output: [usize; 2]) -> Result<Self, Unfit> {
        const WHAT: &str = "the convolved rows";
        let row = product(WHAT, &[words, size[1]])?;
        let near = |&rows: &usize| row.saturating_mul(2 * rows + 1) <= NEAR;
        let band = (1..=output[0].min(NEAR)).rev().find(near).unwrap_or(1);
        // What is above and below the map is filled in here.
        let window = Window { padding: [0, 1], padding_end: [0, 1], ..pooled() };
        let phases = Phases::new(window, [2 * band + 1, size[1]], [band, output[1]])?;
        let pitch = sum(WHAT, &[product(WHAT, &[2 * band + 1, size[1]])?, 2 * SLACK])? / SLACK * SLACK;
        let rows = offsets(WHAT, words, pitch)?;
        Ok(Self { table, size, phases, rows, end: words * pitch })
    }

    /// Pooled rows that are made at once.
    pub fn band(&self) -> usize {
        self.phases.output[0]
    }

    /// Where each word's rows lie in the scratch.
    pub fn rows(&self) -> &[u32] {
        &self.rows
    }

    /// Words of scratch.
    pub fn scratch(&self) -> usize {
        self.end.saturating_add(self.phases.floats(self.band()))
    }

    /// Where convolved row `y` lies of each word's rows, for a band of pooled rows from `first` on.
    pub fn place(&self, first: usize, y: usize) -> usize {
        (y + 1 - 2 * first) * self.size[1]
    }

    /// Makes room for the rows under the pooled ones of `band`, which [follow](Self::band) others or do not; answers which
    /// still have to be convolved.
    pub fn begin(&self, band: &Range<usize>, follows: bool, scratch: &mut [f32]) -> Range<usize> {
        let [height, width] = self.size;
        let last = 2 * band.len();
        for &at in &self.rows {
            let map = &mut scratch[at as usize..][..self.phases.input[0] * width];
            // Nothing is less than a byte of zero: what lies outside never wins.
            if band.start == 0 {
                map[..width].fill(0.0);
            } else if follows {
                map.copy_within(2 * self.band() * width.., 0);
            }
            if 2 * band.end > height {
                map[last * width..][..width].fill(0.0);
            }
        }
        let above = if follows || band.start == 0 { 0 } else { 1 };
        2 * band.start - above..(2 * band.end).min(height)
    }

    /// Pools a band whose convolved rows are there, into the rows of an image.
    ///
    /// # Safety
    /// The output's rows lie in the arena, with the band inside, and nobody else touches that part of them now.
    pub unsafe fn end(&self, band: &Range<usize>, output: &[u32], arena: &Arena, scratch: &mut [f32]) {
        let (maps, plane) = scratch.split_at_mut(self.end);
        let pixels = self.phases.input[0] * self.size[1];
        for (&at, &row) in self.rows.iter().zip(output) {
            let map = &maps[at as usize..][..pixels];
            self.phases.deal(self.table.moves(), map, 0, band.len(), 0.0, plane);
            // SAFETY: the phases of the band's rows are complete; the output's row is as the caller promises.
            unsafe {
                (self.table.most)(&MostArgs {
                    phases: &self.phases,
                    rows: band.len(),
                    plane: plane.as_ptr().cast(),
                    out: arena.base().cast::<u32>().add(row as usize + band.start * self.phases.output[1]),
                });
            }
        }
    }
}
