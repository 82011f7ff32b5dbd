//! Dense, grouped and pointwise convolution as a matrix product, and what can follow while its words are still near: a
//! depthwise convolution or the mean over the map.

use super::super::arena::Arena;
use super::super::map::{Map, Split, share};
use super::super::matmul::Tile;
use super::super::unfit::{Unfit, ensure, offsets, product, sum};
use super::super::window::{ColumnsArgs, SLACK};
use super::panels::{Panels, WordPanel};
use super::quant::{Lookup, everywhere, requantized};
use super::spec::{ProductSink, ProductSpec};
use super::table::WordTable;
use super::tile::{Finish, MAX_ROWS};
use crate::graph::Window;

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
    summand: Option<Map>,
    sink: ProductSink,
    out_size: [usize; 2],
    window: Window,
    source: Source,
    pub(super) panels: Panels,
    outside: u8,
    lookup: Option<Box<Lookup>>,
    tiles: Vec<Tile>,
    /// Where a panel's rows lie in the scratch, unless they go to the arena.
    near_rows: Vec<u32>,
    cut: Cut,
}

impl Product {
    /// Decides how the work is cut.
    ///
    /// # Errors
    /// Where the operands contradict one another, or the scratch is more than can be addressed.
    pub fn new(table: &'static WordTable, spec: ProductSpec, threads: usize) -> Result<Self, Unfit> {
        let room = spec.check(table)?;
        let plain = spec.is_plain();
        let ProductSpec { input, out_size, window, panels, weights, bias, multipliers, summand, .. } = spec;
        let ProductSpec { zeros, bounds, lookup, sink, .. } = spec;
        let stores = matches!(sink, ProductSink::Rows(_));
        ensure(stores || plain && !matches!(sink, ProductSink::Largest(_)), || format!("{sink:?} of no plain rows"))?;
        let pixels = product("the output", &out_size)?;
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
        let cut = if stores && (tiled >= threads.saturating_mul(8) || tiled.is_multiple_of(threads)) {
            Cut::Tiles(Split::new(tiled, work / tiles.len() as f64, threads))
        } else if matches!(source, Source::Columns { .. }) {
            // Every item makes all columns, so as few as keep all threads busy.
            let least = if batch.is_multiple_of(threads) { 1 } else { threads };
            Cut::Panels(Split::new(batch * least, f64::INFINITY, threads))
        } else {
            Cut::Panels(Split::new(batch * panels.len(), work / panels.len() as f64, threads))
        };
        let near_pitch = sum("a panel's rows", &[pixels, 2 * SLACK])?.next_multiple_of(SLACK);
        let near_rows = if stores { Vec::new() } else { offsets("a panel's rows", MAX_ROWS / 4, near_pitch)? };
        let (summand, added) = summand.unzip();
        let finish = (Finish { zero: zeros[1], bounds }, added.unwrap_or_default());
        let panels = Panels::new(table, panels, window.taps(), (weights, room), (bias, multipliers), finish);
        let outside = zeros[0];
        Ok(Self { input, summand, sink, out_size, window, source, panels, outside, lookup, tiles, near_rows, cut })
    }

    pub(super) fn reads(&self) -> impl Iterator<Item = &Map> {
        std::iter::once(&self.input).chain(&self.summand)
    }

    pub(super) fn output(&self) -> &Map {
        self.sink.output()
    }

    /// Words of scratch: columns or a panel's rows, and behind these what a depthwise convolution of them takes.
    pub(super) fn scratch(&self) -> usize {
        let columns = match &self.source {
            Source::Rows => 0,
            Source::Columns { tap_rows, pitch } => (tap_rows.len() * pitch).saturating_add(SLACK),
        };
        let planes = if let ProductSink::Depthwise(planes) = &self.sink { planes.scratch() } else { 0 };
        columns.max(self.near().saturating_add(planes))
    }

    /// Words of scratch that a panel's rows take.
    fn near(&self) -> usize {
        self.near_rows.len() * self.near_rows.get(1).map_or(0, |&pitch| pitch as usize)
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
                        if let ProductSink::Rows(_) = self.sink {
                            for tile in &self.tiles {
                                self.tile_times_panels(image, tile, panels, arena, scratch);
                            }
                        } else {
                            for panel in panels {
                                for tile in &self.tiles {
                                    self.tile_times_panels(image, tile, std::slice::from_ref(panel), arena, scratch);
                                }
                                self.follow(image, panel, arena, scratch);
                            }
                        }
                    }
                }
            }
        }
    }

    /// # Safety
    /// As [`run`](Self::run).
    unsafe fn tile_times_panels<'a>(
        &'a self,
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
            for panel in panels {
                let of_panel = |map: &'a Map| -> &'a [u32] { &map.image(image)[panel.outputs..][..panel.quads] };
                let (base_of_y, y_rows) = match &self.sink {
                    ProductSink::Rows(output) => (base, of_panel(output)),
                    _ => (scratch.base().cast::<u32>(), &self.near_rows[..panel.quads]),
                };
                let y = base_of_y.add(tile.start);
                let summand = self.summand.as_ref().map(|map| (base.cast_const().add(tile.start), of_panel(map)));
                self.panels.multiply(panel, tile, (x, x_rows), (y, y_rows), summand, arena);
                if let Some(lookup) = &self.lookup {
                    let pixels = (tile.vectors - 1) * self.panels.table.lanes + tile.last;
                    for &row in y_rows {
                        let row = y.add(row as usize);
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
                    output: self.out_size,
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

    /// What comes after a panel whose rows were kept near.
    ///
    /// # Safety
    /// As [`run`](Self::run); the panel's rows are complete.
    unsafe fn follow(&self, image: usize, panel: &WordPanel, arena: &Arena, scratch: &mut Arena) {
        let (near, phases) = scratch.as_mut_slice().split_at_mut(self.near());
        for (&at, word) in self.near_rows[..panel.quads].iter().zip(panel.outputs..) {
            let from = near[at as usize..].as_ptr().cast::<u32>();
            // SAFETY: a panel's row lies near, whole; phases are other memory, and the output's row belongs to this item.
            unsafe {
                match &self.sink {
                    ProductSink::Depthwise(planes) => {
                        let row = image * planes.output().channels + word;
                        planes.convolve(from, (row, word), arena, phases);
                    }
                    ProductSink::Mean { output, multiplier, zeros } => {
                        let pixels = self.out_size[0] * self.out_size[1];
                        let zero = pixels as i32 * i32::from(zeros[0]);
                        let totals = (self.panels.table.totals)(from, pixels);
                        let bytes = totals.map(|total| requantized(total - zero, *multiplier, zeros[1]));
                        *arena.base().cast::<u32>().add(output.image(image)[word] as usize) = u32::from_le_bytes(bytes);
                    }
                    ProductSink::Rows(_) | ProductSink::Largest(_) => {}
                }
            }
        }
    }
}
