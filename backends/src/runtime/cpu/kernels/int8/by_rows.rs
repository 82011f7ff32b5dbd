//! Convolution over windows of wide maps without copying taps: the input's rows are dealt out by stride into the scratch, so
//! that every tap of every word is a contiguous row of the matrix product. The usual max-pool can follow while its rows are
//! still near.

use std::ops::Range;

use super::super::arena::Arena;
use super::super::map::{Map, Split};
use super::super::matmul::Tile;
use super::super::unfit::{Unfit, offsets};
use super::super::window::{Phases, SLACK};
use super::panels::Panels;
use super::quant::{Lookup, everywhere};
use super::spec::{ProductSink, ProductSpec};
use super::stem_pool::StemPool;
use super::table::WordTable;
use super::tile::Finish;

/// Words of dealt rows that stay near, in the second cache, until they are read.
const BAND: usize = 64 << 10;

/// A convolution of wide maps ready to run.
#[derive(Debug)]
pub struct ByRows {
    input: Map,
    summand: Option<Map>,
    output: Map,
    /// What it makes: `[height, width]`.
    size: [usize; 2],
    /// The max-pool behind it.
    pool: Option<Box<StemPool>>,
    phases: Phases,
    pub(super) panels: Panels,
    outside: u8,
    lookup: Option<Box<Lookup>>,
    tiles: Vec<Tile>,
    /// Rows of an image that are stored, cut into items.
    split: Split,
    /// Rows whose input rows are dealt out at once.
    band: usize,
    /// Where the taps of each input word start.
    tap_rows: Vec<u32>,
}

impl ByRows {
    /// Whether rows of the output are wide enough, and words few.
    #[must_use]
    pub fn suits(table: &WordTable, spec: &ProductSpec) -> bool {
        let width = spec.out_size[1];
        let lanes = table.lanes;
        // What is left idle at the end of a row is less than what copies of all taps take.
        let full = 5 * width >= 4 * width.next_multiple_of(lanes);
        spec.window.taps() > 1 && full && spec.input.channels <= 16
    }

    /// # Errors
    /// Where the operands contradict one another, or the scratch is more than can be addressed.
    pub fn new(table: &'static WordTable, spec: ProductSpec, threads: usize) -> Result<Self, Unfit> {
        let room = spec.check(table)?;
        let ProductSpec { input, out_words, out_size: size, window, panels, weights, bias, multipliers, .. } = spec;
        let ProductSpec { summand, zeros, bounds, lookup, sink, .. } = spec;
        let (output, pool) = match sink {
            ProductSink::Rows(output) => (output, None),
            ProductSink::Largest(output) => {
                let pool = StemPool::new(table, out_words, size, output.size)?;
                (output, Some(Box::new(pool)))
            }
            sink => return Err(Unfit::Mismatch(format!("{sink:?} row by row"))),
        };
        let phases = Phases::new(window, input.size, size)?;
        // Of a pooled row two rows are convolved.
        let each = if pool.is_some() { 2 } else { 1 };
        let split = Split::new(output.size[0], room as f64 * (each * size[1]) as f64, threads);
        let longest = match &pool {
            Some(pool) => 2 * pool.band(),
            None => output.size[0].div_ceil(split.items()),
        };
        let near = |&rows: &usize| input.channels.saturating_mul(phases.floats(rows)) <= BAND;
        let band = (1..=longest).rev().find(near).unwrap_or(1);
        let pitch = phases.floats(band);
        // Taps lie inside a word's phases.
        offsets("the input's padded rows", input.channels, pitch)?;
        let tap_rows = (0..input.channels)
            .flat_map(|word| phases.taps.iter().map(move |tap| (word * pitch + tap) as u32))
            .collect();
        let (summand, added) = summand.unzip();
        let finish = (Finish { zero: zeros[1], bounds }, added.unwrap_or_default());
        Ok(Self {
            panels: Panels::new(table, panels, phases.taps.len(), (weights, room), (bias, multipliers), finish),
            tiles: table.tiling(true).cut(size[1]),
            input,
            summand,
            output,
            size,
            pool,
            phases,
            outside: zeros[0],
            lookup,
            split,
            band,
            tap_rows,
        })
    }

    pub(super) fn reads(&self) -> impl Iterator<Item = &Map> {
        std::iter::once(&self.input).chain(&self.summand)
    }

    pub(super) fn output(&self) -> &Map {
        &self.output
    }

    /// Words of scratch: the band's phases, then what the max-pool takes.
    pub(super) fn scratch(&self) -> usize {
        self.dealt().saturating_add(self.pool.as_ref().map_or(0, |pool| pool.scratch()))
    }

    /// Words of scratch that the phases of a band take.
    fn dealt(&self) -> usize {
        self.input.channels.saturating_mul(self.phases.floats(self.band)).next_multiple_of(SLACK)
    }

    pub(super) fn items(&self) -> usize {
        self.input.batch() * self.split.items()
    }

    /// # Safety
    /// All rows lie in the arena; inputs are complete; nobody else touches the output rows of `item` now; the scratch
    /// has room for [`scratch`](Self::scratch).
    pub(super) unsafe fn run(&self, item: usize, arena: &Arena, scratch: &mut Arena) {
        let (image, rows) = (item / self.split.items(), self.split.range(item % self.split.items()));
        let y_rows = self.output.image(image);
        // SAFETY: handed on; convolved rows that are pooled lie in the scratch, behind the phases.
        unsafe {
            let Some(pool) = &self.pool else {
                let place = |y: usize| arena.base().cast::<u32>().add(y * self.size[1]);
                self.convolve((image, rows), (&place, y_rows), arena, scratch);
                return;
            };
            for first in rows.clone().step_by(pool.band()) {
                let band = first..rows.end.min(first + pool.band());
                let convolved = pool.begin(&band, first > rows.start, &mut scratch.as_mut_slice()[self.dealt()..]);
                let near = scratch.base().cast::<u32>().add(self.dealt());
                let place = |y: usize| near.add(pool.place(first, y));
                self.convolve((image, convolved), (&place, pool.rows()), arena, scratch);
                pool.end(&band, y_rows, arena, &mut scratch.as_mut_slice()[self.dealt()..]);
            }
        }
    }

    /// Convolves rows of an image: row `y` goes to `to.0(y)` plus each of the rows `to.1`.
    ///
    /// # Safety
    /// As [`run`](Self::run), and the places are valid for writes of a row.
    unsafe fn convolve(
        &self,
        (image, rows): (usize, Range<usize>),
        to: (&dyn Fn(usize) -> *mut u32, &[u32]),
        arena: &Arena,
        scratch: &mut Arena,
    ) {
        for first in rows.clone().step_by(self.band) {
            let band = first..rows.end.min(first + self.band);
            // SAFETY: handed on.
            unsafe {
                self.deal(image, &band, arena, scratch);
                for y in band {
                    self.row((image, y), y - first, (to.0(y), to.1), arena, scratch);
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

    /// Convolves row `y` of an image, the one `at` of the band, to `to` plus each of `y_rows`.
    ///
    /// # Safety
    /// As [`convolve`](Self::convolve).
    unsafe fn row(
        &self,
        (image, y): (usize, usize),
        at: usize,
        (to, y_rows): (*mut u32, &[u32]),
        arena: &Arena,
        scratch: &Arena,
    ) {
        // SAFETY: the phases of the band's rows have room for whole registers at their ends; the packed weights have one of
        // slack; panels index lists of their own channels' length.
        unsafe {
            let base = arena.base().cast_const().cast::<u32>().add(y * self.size[1]);
            let x =
                scratch.base().cast_const().cast::<u32>().add(at * self.phases.window.stride[0] * self.phases.row());
            for tile in &self.tiles {
                for panel in &self.panels.list {
                    let outputs = panel.outputs..panel.outputs + panel.quads;
                    let summand = self.summand.as_ref();
                    let summand = summand.map(|map| (base.add(tile.start), &map.image(image)[outputs.clone()]));
                    let (x, y) = ((x.add(tile.start), &*self.tap_rows), (to.add(tile.start), &y_rows[outputs.clone()]));
                    self.panels.multiply(panel, tile, x, y, summand, arena);
                }
            }
            if let Some(lookup) = &self.lookup {
                for &row in y_rows {
                    let made = std::slice::from_raw_parts_mut(to.add(row as usize), self.size[1]);
                    (self.panels.table.look_up_in_place)(made, lookup);
                }
            }
        }
    }
}
