//! Dense, grouped and pointwise convolution as a matrix product.

use super::super::arena::Arena;
use super::super::map::{Map, Split, share};
use super::super::matmul::Tile;
use super::super::unfit::{Unfit, ensure, ensure_equal, ensure_shape, ensure_whole, ensure_window, offsets, product};
use super::super::window::{ColumnsArgs, SLACK};
use super::panels::{Panels, WordPanel};
use super::quant::{Bounds, Lookup, everywhere};
use super::table::WordTable;
use super::tile::Finish;
use crate::graph::Window;

/// What a convolution computes.
#[derive(Debug)]
pub struct ProductSpec {
    /// The words that panels read, panel by panel; a word may be there more than once.
    pub input: Map,
    pub output: Map,
    pub window: Window,
    pub panels: Vec<WordPanel>,
    /// Four weights a word, with [`SLACK`] words behind; none where only their number is known.
    pub weights: Option<Vec<u32>>,
    /// For each output channel, with those that fill up words, what its sum starts with and what it is multiplied by.
    pub bias: Vec<i32>,
    pub multipliers: Vec<f32>,
    /// The bytes for zero of the input and of the output.
    pub zeros: [u8; 2],
    pub bounds: Bounds,
    /// What becomes of each byte in the end, where that is more than bounds.
    pub lookup: Option<Box<Lookup>>,
}

impl ProductSpec {
    /// Words of packed weights.
    fn room(&self) -> Result<usize, Unfit> {
        let taps = product("the window", &self.window.kernel)?;
        let mut room = SLACK;
        for panel in &self.panels {
            let weights = product("the weights", &[panel.words, taps, 4 * panel.quads])?;
            ensure_equal("a panel's weights", panel.weights, room - SLACK)?;
            room = room.checked_add(weights).ok_or(Unfit::TooLarge("the weights"))?;
        }
        Ok(room)
    }

    /// Checks everything that the kernels take for granted; answers the words of packed weights.
    ///
    /// # Errors
    /// What contradicts what.
    pub(super) fn check(&self, table: &WordTable) -> Result<usize, Unfit> {
        let Self { input, output, window, panels, weights, bias, multipliers, .. } = self;
        ensure_whole("the input", input)?;
        ensure_shape("the output", output, (input.batch(), output.channels, output.size))?;
        ensure_window(window, input.size, output.size)?;
        let channels = product("the output", &[output.channels, 4])?;
        ensure_equal("biases and multipliers", (bias.len(), multipliers.len()), (channels, channels))?;
        let mut next = 0;
        for panel in panels {
            let last = panel.inputs.checked_add(panel.words);
            ensure(last.is_some_and(|last| last <= input.channels && panel.words > 0), || format!("{panel:?} reads"))?;
            ensure(panel.outputs == next && 4 * panel.quads <= table.rows() && panel.quads > 0, || {
                format!("{panel:?}")
            })?;
            next += panel.quads;
        }
        ensure_equal("the panels' outputs", next, output.channels)?;
        let room = self.room()?;
        ensure(weights.as_ref().is_none_or(|weights| weights.len() == room), || "weights".into())?;
        Ok(room)
    }
}

/// Where the rows of the right-hand matrix come from.
#[derive(Debug)]
enum Source {
    /// The input's rows as they are.
    Rows,
    /// One row per input word and tap, made in the scratch for each tile.
    Columns { tap_rows: Vec<u32>, pitch: usize },
}

/// How the work is cut into items.
#[derive(Clone, Copy, Debug)]
enum Cut {
    Tiles(Split),
    Panels(Split),
}

/// A convolution ready to run.
#[derive(Debug)]
pub struct Product {
    input: Map,
    output: Map,
    window: Window,
    source: Source,
    pub(super) panels: Panels,
    outside: u8,
    lookup: Option<Box<Lookup>>,
    tiles: Vec<Tile>,
    cut: Cut,
}

impl Product {
    /// Decides how the work is cut.
    ///
    /// # Errors
    /// Where the operands contradict one another, or the scratch is more than can be addressed.
    pub fn new(table: &'static WordTable, spec: ProductSpec, threads: usize) -> Result<Self, Unfit> {
        let room = spec.check(table)?;
        let ProductSpec { input, output, window, panels, weights, bias, multipliers, zeros, bounds, lookup } = spec;
        let pixels = output.pixels();
        let plain = window.is_plain() && pixels > 1;
        let tiles = table.tiling(plain).cut(pixels);
        let source = if plain {
            Source::Rows
        } else {
            let reads = tiles.iter().map(|tile| tile.reads(table.lanes)).max();
            let pitch = reads.unwrap_or(0).next_multiple_of(SLACK);
            let rows = product("the taps' columns", &[input.channels, window.taps()])?;
            Source::Columns { tap_rows: offsets("the taps' columns", rows, pitch)?, pitch }
        };
        let batch = input.batch();
        let tiled = batch * tiles.len();
        let work = room as f64 * pixels as f64;
        let cut = if tiled >= threads.saturating_mul(8) || tiled.is_multiple_of(threads) {
            Cut::Tiles(Split::new(tiled, work / tiles.len() as f64, threads))
        } else if matches!(source, Source::Columns { .. }) {
            // Every item makes all columns, so as few as keep all threads busy.
            let least = if batch.is_multiple_of(threads) { 1 } else { threads };
            Cut::Panels(Split::new(batch * least, f64::INFINITY, threads))
        } else {
            Cut::Panels(Split::new(batch * panels.len(), work / panels.len() as f64, threads))
        };
        let finish = Finish { zero: zeros[1], bounds };
        let panels = Panels::new(table, panels, window.taps(), (weights, room), (bias, multipliers), finish);
        Ok(Self { input, output, window, source, panels, outside: zeros[0], lookup, tiles, cut })
    }

    pub(super) fn input(&self) -> &Map {
        &self.input
    }

    pub(super) fn output(&self) -> &Map {
        &self.output
    }

    /// Words of scratch.
    pub(super) fn scratch(&self) -> usize {
        match &self.source {
            Source::Rows => 0,
            Source::Columns { tap_rows, pitch } => (tap_rows.len() * pitch).saturating_add(SLACK),
        }
    }

    pub(super) fn items(&self) -> usize {
        match self.cut {
            Cut::Tiles(split) | Cut::Panels(split) => split.items(),
        }
    }

    /// # Safety
    /// All rows lie in the arena; inputs are complete; nobody else touches the output rows and pixels of `item` now; the
    /// scratch has room for [`scratch`](Self::scratch).
    pub(super) unsafe fn run(&self, item: usize, arena: &Arena, scratch: &mut Arena) {
        // SAFETY: handed on.
        unsafe {
            match self.cut {
                Cut::Tiles(split) => {
                    for tile in split.range(item) {
                        let (image, tile) = (tile / self.tiles.len(), &self.tiles[tile % self.tiles.len()]);
                        self.tile_times_panels(image, tile, &self.panels.list, arena, scratch);
                    }
                }
                Cut::Panels(split) => {
                    let range = split.range(item);
                    // The split counts images times panels, or coarser where items are few.
                    let count = self.panels.list.len();
                    let total = self.input.batch() * count;
                    let mut at = share(total, range.start, split.count());
                    let end = share(total, range.end, split.count());
                    while at < end {
                        let (image, first) = (at / count, at % count);
                        let panels = &self.panels.list[first..count.min(first + end - at)];
                        at += panels.len();
                        for tile in &self.tiles {
                            self.tile_times_panels(image, tile, panels, arena, scratch);
                        }
                    }
                }
            }
        }
    }

    /// # Safety
    /// As [`run`](Self::run).
    unsafe fn tile_times_panels(
        &self,
        image: usize,
        tile: &Tile,
        panels: &[WordPanel],
        arena: &Arena,
        scratch: &mut Arena,
    ) {
        // SAFETY: rows lie in the arena and tap rows in the scratch, with room for whole registers at their ends; the
        // packed weights have a register of slack; panels index lists of their own channels' length.
        unsafe {
            let base = arena.base().cast::<u32>();
            let (x, x_rows) = match &self.source {
                Source::Rows => (base.cast_const().add(tile.start), self.input.image(image)),
                Source::Columns { tap_rows, pitch } => {
                    self.make_columns(image, tile, *pitch, arena, scratch);
                    (scratch.base().cast_const().cast(), tap_rows.as_slice())
                }
            };
            let y_rows = self.output.image(image);
            for panel in panels {
                self.panels.multiply(panel, tile, (x, x_rows), (base.add(tile.start), y_rows), arena);
                if let Some(lookup) = &self.lookup {
                    let pixels = (tile.vectors - 1) * self.panels.table.lanes + tile.last;
                    for &row in &y_rows[panel.outputs..][..panel.quads] {
                        let row = base.add(tile.start + row as usize);
                        (self.panels.table.look_up_in_place)(std::slice::from_raw_parts_mut(row, pixels), lookup);
                        if let Some(tail) = tile.tail {
                            (self.panels.table.look_up_in_place)(
                                std::slice::from_raw_parts_mut(row.add(tail), 1),
                                lookup,
                            );
                        }
                    }
                }
            }
        }
    }

    /// # Safety
    /// As [`run`](Self::run).
    unsafe fn make_columns(&self, image: usize, tile: &Tile, pitch: usize, arena: &Arena, scratch: &mut Arena) {
        let pixels = tile.start..tile.start + tile.pixels(self.panels.table.lanes);
        let taps = self.window.taps();
        for (word, &row) in self.input.image(image).iter().enumerate() {
            // SAFETY: the row lies in the arena; the scratch has room for every word's taps.
            unsafe {
                let args = ColumnsArgs {
                    window: self.window,
                    input: self.input.size,
                    output: self.output.size,
                    map: arena.base().add(row as usize),
                    pixels: &pixels,
                    outside: f32::from_bits(everywhere(self.outside)),
                    to: scratch.base().add(word * taps * pitch),
                    pitch,
                };
                (self.panels.table.moves().columns)(&args);
            }
        }
    }
}
