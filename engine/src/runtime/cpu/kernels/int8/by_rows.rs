//! Convolution over windows of wide maps without copying taps: the input's rows are dealt out by stride into the scratch, so
//! that every tap of every word is a contiguous row of the matrix product.

use std::ops::Range;

use super::super::arena::Arena;
use super::super::map::{Map, Split};
use super::super::matmul::Tile;
use super::super::unfit::{Unfit, offsets};
use super::super::window::Phases;
use super::panels::Panels;
use super::product::ProductSpec;
use super::quant::{Lookup, everywhere};
use super::table::WordTable;
use super::tile::Finish;

/// Words of dealt rows that stay near, in the second cache, until they are read.
const BAND: usize = 64 << 10;

/// A convolution of wide maps ready to run.
#[derive(Debug)]
pub struct ByRows {
    input: Map,
    output: Map,
    phases: Phases,
    pub(super) panels: Panels,
    outside: u8,
    lookup: Option<Box<Lookup>>,
    tiles: Vec<Tile>,
    /// Output rows of an image, cut into items.
    split: Split,
    /// Output rows whose input rows are dealt out at once.
    band: usize,
    /// Where the taps of each input word start.
    tap_rows: Vec<u32>,
}

impl ByRows {
    /// Whether rows of the output are wide enough, and words few.
    #[must_use]
    pub fn suits(table: &WordTable, spec: &ProductSpec) -> bool {
        let width = spec.output.size[1];
        let lanes = table.lanes;
        // What is left idle at the end of a row is less than what copies of all taps take.
        let full = 5 * width >= 4 * width.next_multiple_of(lanes);
        spec.window.taps() > 1 && full && spec.input.channels <= 16
    }

    /// # Errors
    /// Where the operands contradict one another, or the scratch is more than can be addressed.
    pub fn new(table: &'static WordTable, spec: ProductSpec, threads: usize) -> Result<Self, Unfit> {
        let room = spec.check(table)?;
        let ProductSpec { input, output, window, panels, weights, bias, multipliers, zeros, bounds, lookup } = spec;
        let phases = Phases::new(window, input.size, output.size)?;
        let split = Split::new(output.size[0], room as f64 * output.size[1] as f64, threads);
        let longest = output.size[0].div_ceil(split.items());
        let near = |&rows: &usize| input.channels.saturating_mul(phases.floats(rows)) <= BAND;
        let band = (1..=longest).rev().find(near).unwrap_or(1);
        let pitch = phases.floats(band);
        // Taps lie inside a word's phases.
        offsets("the input's padded rows", input.channels, pitch)?;
        let tap_rows = (0..input.channels)
            .flat_map(|word| phases.taps.iter().map(move |tap| (word * pitch + tap) as u32))
            .collect();
        let (taps, finish) = (phases.taps.len(), Finish { zero: zeros[1], bounds });
        Ok(Self {
            panels: Panels::new(table, panels, taps, (weights, room), (bias, multipliers), finish),
            tiles: table.tiling(true).cut(output.size[1]),
            input,
            output,
            phases,
            outside: zeros[0],
            lookup,
            split,
            band,
            tap_rows,
        })
    }

    pub(super) fn input(&self) -> &Map {
        &self.input
    }

    pub(super) fn output(&self) -> &Map {
        &self.output
    }

    pub(super) fn scratch(&self) -> usize {
        self.input.channels.saturating_mul(self.phases.floats(self.band))
    }

    pub(super) fn items(&self) -> usize {
        self.input.batch() * self.split.items()
    }

    /// # Safety
    /// All rows lie in the arena; the input is complete; nobody else touches the output rows of `item` now; the scratch
    /// has room for [`scratch`](Self::scratch).
    pub(super) unsafe fn run(&self, item: usize, arena: &Arena, scratch: &mut Arena) {
        let (image, rows) = (item / self.split.items(), self.split.range(item % self.split.items()));
        for first in rows.clone().step_by(self.band) {
            let band = first..rows.end.min(first + self.band);
            // SAFETY: handed on.
            unsafe {
                self.deal(image, &band, arena, scratch);
                for y in band {
                    self.row(image, y, y - first, arena, scratch);
                }
            }
        }
    }

    /// # Safety
    /// As [`run`](Self::run).
    unsafe fn deal(&self, image: usize, band: &Range<usize>, arena: &Arena, scratch: &mut Arena) {
        let pitch = self.phases.floats(self.band);
        let outside = f32::from_bits(everywhere(self.outside));
        for (&row, to) in self.input.image(image).iter().zip(scratch.as_mut_slice().chunks_exact_mut(pitch)) {
            // SAFETY: the input's row lies in the arena, and nobody writes to it now.
            let map = unsafe { std::slice::from_raw_parts(arena.base().add(row as usize), self.input.pixels()) };
            self.phases.deal(self.panels.table.moves(), map, band.start, band.len(), outside, to);
        }
    }

    /// Convolves output row `y`, the one `at` of the band.
    ///
    /// # Safety
    /// As [`run`](Self::run).
    unsafe fn row(&self, image: usize, y: usize, at: usize, arena: &Arena, scratch: &Arena) {
        // SAFETY: the phases of the band's rows have room for whole registers at their ends; the packed weights have one of
        // slack; panels index lists of their own channels' length.
        unsafe {
            let x =
                scratch.base().cast_const().cast::<u32>().add(at * self.phases.window.stride[0] * self.phases.row());
            let y_rows = self.output.image(image);
            for tile in &self.tiles {
                let to = arena.base().cast::<u32>().add(y * self.output.size[1] + tile.start);
                for panel in &self.panels.list {
                    self.panels.multiply(panel, tile, (x.add(tile.start), &self.tap_rows), (to, y_rows), arena);
                }
            }
            if let Some(lookup) = &self.lookup {
                for &row in y_rows {
                    let to = arena.base().cast::<u32>().add(row as usize + y * self.output.size[1]);
                    (self.panels.table.look_up_in_place)(
                        std::slice::from_raw_parts_mut(to, self.output.size[1]),
                        lookup,
                    );
                }
            }
        }
    }
}
