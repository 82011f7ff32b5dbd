//! Linear, grouped and pointwise convolution as a matrix product, and what can follow while its rows are still near: a
//! depthwise convolution or the mean over the map.

use super::arena::{Arena, Packed};
use super::epilogue::Epilogue;
use super::halves::{self, Words};
use super::map::{Map, Split, share};
use super::matmul::{Panel, Tile, TileArgs, Tiling};
use super::spec::{Sink, Spec};
use super::table::{Kernels, Table};
use super::unfit::{Unfit, offsets};
use super::window::{ColumnsArgs, SLACK};
use crate::graph::Window;

/// Where the rows of the right-hand matrix come from.
#[derive(Debug)]
enum Source {
    /// The input's rows as they are.
    Rows,
    /// One row per input channel and tap, made in the scratch for each tile.
    Columns { window: Window, tap_rows: Vec<u32>, pitch: usize },
}

/// Rows of a sum below which making words of them costs more than multiplying two at a time saves.
const LEAST_DEPTH: usize = 8;

/// How the work is cut into items.
#[derive(Clone, Copy, Debug)]
enum Cut {
    Tiles(Split),
    Panels(Split),
}

/// A convolution ready to run.
#[derive(Debug)]
pub struct Convolution {
    table: &'static Table,
    input: Map,
    residual: Option<Map>,
    source: Source,
    /// Where it multiplies in 16 bits.
    words: Option<Words>,
    pub(super) sink: Sink,
    out_size: [usize; 2],
    panels: Vec<Panel>,
    pub(super) weights: Packed,
    bias: Vec<f32>,
    tiles: Vec<Tile>,
    /// Pixels of a vector.
    lanes: usize,
    epilogue: Epilogue,
    /// Where a panel's rows lie in the scratch, unless they go to the arena.
    near_rows: Vec<u32>,
    cut: Cut,
}

impl Convolution {
    /// Packs weights and decides how the work is cut; with `halves` it multiplies in 16 bits, where sums are long enough for that.
    ///
    /// # Errors
    /// Where the operands contradict one another, or the scratch is more than can be addressed.
    pub fn new(Kernels { table, halves }: Kernels, spec: Spec, threads: usize) -> Result<Self, Unfit> {
        spec.check()?;
        let Spec { input, out_channels, out_size, groups, window, weights, bias, residual, epilogue, sink } = spec;
        let depth = input.channels / groups * window.taps();
        let pixels = out_size[0] * out_size[1];
        let plain = window.is_plain() && pixels > 1;
        let halves = halves.filter(|_| depth >= LEAST_DEPTH);
        let tiling = match halves {
            // Tail pixels are not worth another kernel where a vector has twice as many.
            Some(halves) if halves.pixels == 2 => {
                Tiling { lanes: 2 * table.lanes, tails: false, ..table.tiling(plain) }
            }
            _ => table.tiling(plain),
        };
        let tiles = tiling.cut(pixels);
        let source = if plain {
            Source::Rows
        } else {
            let reads = tiles.iter().map(|tile| tile.reads(tiling.lanes)).max();
            let pitch = reads.unwrap_or(0).next_multiple_of(SLACK);
            let tap_rows = offsets("the taps' columns", input.channels * window.taps(), pitch)?;
            Source::Columns { window, tap_rows, pitch }
        };
        let panel_depth = halves.map_or(depth, |halves| halves.depth(depth));
        let panels = panels(groups, out_channels / groups, panel_depth, table.tile_rows, threads);
        let batch = input.batch();
        let macs = out_channels as f64 * depth as f64 * pixels as f64;
        // By tiles each thread reads only its part of the input, but only some counts of tiles are balanced.
        let tiled = batch * tiles.len();
        let by_tile =
            matches!(sink, Sink::Rows(_)) && (tiled >= threads.saturating_mul(8) || tiled.is_multiple_of(threads));
        let cut = if by_tile {
            Cut::Tiles(Split::new(batch * tiles.len(), macs / tiles.len() as f64, threads))
        } else if matches!(source, Source::Columns { .. }) || halves.is_some() {
            // Every item makes all columns or words, so as few as keep all threads busy.
            let least = if batch.is_multiple_of(threads) { 1 } else { threads };
            Cut::Panels(Split::new(batch * least, f64::INFINITY, threads))
        } else {
            Cut::Panels(Split::new(batch * panels.len(), macs / panels.len() as f64, threads))
        };
        let near_pitch = match &sink {
            Sink::Depthwise { planes, .. } => planes.layout().pitch(),
            Sink::Mean(_) | Sink::Rows(_) => (pixels + SLACK).next_multiple_of(16),
        };
        let words = match halves {
            Some(halves) => {
                let tiles = (plain && matches!(cut, Cut::Panels(_))).then_some(tiles.len());
                Some(Words::new(halves, table.lanes, (groups, depth), tiles)?)
            }
            None => None,
        };
        let weights = match halves {
            Some(halves) => weights.packed(halves::room(&panels), |all| halves::pack(halves, all, depth, &panels)),
            None => weights.packed(weights.len() + SLACK, |weights| pack(weights, depth, &panels)),
        };
        Ok(Self {
            table,
            weights,
            words,
            input,
            residual,
            source,
            sink,
            out_size,
            panels,
            bias,
            tiles,
            lanes: tiling.lanes,
            epilogue,
            near_rows: offsets("the rows of a panel", table.tile_rows, near_pitch)?,
            cut,
        })
    }

    pub(super) fn reads(&self) -> impl Iterator<Item = &Map> {
        std::iter::once(&self.input).chain(&self.residual)
    }

    pub(super) fn output(&self) -> &Map {
        match &self.sink {
            Sink::Rows(map) | Sink::Mean(map) => map,
            Sink::Depthwise { planes, .. } => planes.output(),
        }
    }

    /// Whether it multiplies in 16 bits.
    #[cfg(test)]
    pub fn is_in_words(&self) -> bool {
        self.words.is_some()
    }

    /// Floats of common scratch: columns, then a panel's rows, then words, each of them less than 2^32.
    pub(super) fn scratch(&self) -> usize {
        let words = self.words.as_ref().map_or(0, Words::room);
        self.words_at().saturating_add(words)
    }

    /// Where words begin in the scratch.
    fn words_at(&self) -> usize {
        let near = match &self.sink {
            Sink::Rows(_) => 0,
            Sink::Mean(_) => self.near_rows.len() * self.near_rows.get(1).map_or(0, |&pitch| pitch as usize),
            Sink::Depthwise { planes, .. } => planes.scratch(),
        };
        self.columns().saturating_add(near).next_multiple_of(SLACK)
    }

    fn columns(&self) -> usize {
        match &self.source {
            Source::Rows => 0,
            Source::Columns { tap_rows, pitch, .. } => (tap_rows.len() * pitch).saturating_add(SLACK),
        }
    }

    pub(super) fn items(&self) -> usize {
        match self.cut {
            Cut::Tiles(split) => split.items(),
            Cut::Panels(split) => split.items(),
        }
    }

    /// # Safety
    /// All rows lie in the arena; inputs are complete; nobody else touches the output rows and pixels of `item` now; the
    /// scratch has room for [`scratch`](Self::scratch) and for the planes.
    pub(super) unsafe fn run(&self, item: usize, arena: &Arena, scratch: &mut Arena) {
        // SAFETY: handed on.
        unsafe {
            match self.cut {
                Cut::Tiles(split) => {
                    for tile in split.range(item) {
                        let (image, tile) = (tile / self.tiles.len(), tile % self.tiles.len());
                        self.tile_times_panels(image, tile, &self.panels, arena, scratch);
                    }
                }
                Cut::Panels(split) => self.run_panels(split, item, arena, scratch),
            }
        }
    }

    /// # Safety
    /// As [`run`](Self::run).
    unsafe fn run_panels(&self, split: Split, item: usize, arena: &Arena, scratch: &mut Arena) {
        let range = split.range(item);
        // The split counts images times panels, or coarser where items are few: shares of all panels of all images.
        let total = self.input.batch() * self.panels.len();
        let (mut at, end) = (share(total, range.start, split.count()), share(total, range.end, split.count()));
        while at < end {
            let (image, first) = (at / self.panels.len(), at % self.panels.len());
            let panels = &self.panels[first..self.panels.len().min(first + end - at)];
            at += panels.len();
            // SAFETY: handed on.
            unsafe {
                if matches!(self.source, Source::Columns { .. }) && matches!(self.sink, Sink::Rows(_)) {
                    for tile in 0..self.tiles.len() {
                        self.tile_times_panels(image, tile, panels, arena, scratch);
                    }
                } else {
                    if let Some(words) = &self.words {
                        for tile in 0..self.tiles.len() {
                            self.make_words(words, image, tile, arena, scratch);
                        }
                    }
                    for panel in panels {
                        for tile in 0..self.tiles.len() {
                            self.tile_times_panels(image, tile, std::slice::from_ref(panel), arena, scratch);
                        }
                        self.follow(image, panel, arena, scratch);
                    }
                }
            }
        }
    }

    /// The rows that are multiplied: where pixels of the tile begin, and their offsets.
    ///
    /// # Safety
    /// As [`run`](Self::run).
    unsafe fn rows_of(&self, image: usize, tile: &Tile, arena: &Arena, scratch: &mut Arena) -> (*const f32, &[u32]) {
        // SAFETY: rows lie in the arena and tap rows in the scratch.
        unsafe {
            match &self.source {
                Source::Rows => (arena.base().cast_const().add(tile.start), self.input.image(image)),
                Source::Columns { tap_rows, .. } => {
                    self.make_columns(image, tile, arena, scratch);
                    (scratch.base().cast_const(), tap_rows.as_slice())
                }
            }
        }
    }

    /// # Safety
    /// As [`run`](Self::run).
    unsafe fn make_words(&self, words: &Words, image: usize, tile: usize, arena: &Arena, scratch: &mut Arena) {
        let at = &self.tiles[tile];
        // SAFETY: rows lie in the arena or the scratch, with room for whole vectors at their ends; there is room for words
        // behind everything else.
        unsafe {
            let (x, x_rows) = self.rows_of(image, at, arena, scratch);
            words.make((x, x_rows), (tile, at), scratch.base().add(self.words_at()));
        }
    }

    /// # Safety
    /// As [`run`](Self::run); words of the whole map, if they are to be, are there.
    unsafe fn tile_times_panels(
        &self,
        image: usize,
        index: usize,
        panels: &[Panel],
        arena: &Arena,
        scratch: &mut Arena,
    ) {
        let tile = &self.tiles[index];
        // SAFETY: rows lie in the arena and tap rows in the scratch, with room for whole vectors at their ends; the
        // packed weights have a vector of slack; panels index lists of their own channels' length.
        unsafe {
            let base = arena.base();
            let (tiles, (x, x_rows), tail) = match &self.words {
                Some(words) => {
                    if !words.is_whole() {
                        self.make_words(words, image, index, arena, scratch);
                    }
                    let x = scratch.base().cast_const().add(self.words_at());
                    (words.tiles(), words.rows(x, index), words.tail(tile))
                }
                None => (&self.table.tiles, self.rows_of(image, tile, arena, scratch), tile.tail.unwrap_or(0)),
            };
            let (near, y) = match &self.sink {
                Sink::Rows(map) => (None, (base.add(tile.start), map.image(image))),
                Sink::Mean(_) => {
                    (Some(()), (scratch.base().add(self.columns() + tile.start), self.near_rows.as_slice()))
                }
                Sink::Depthwise { planes, .. } => {
                    (Some(()), (scratch.base().add(planes.pixels_at(0) + tile.start), self.near_rows.as_slice()))
                }
            };
            for panel in panels {
                let args = TileArgs {
                    depth: panel.depth,
                    weights: self.weights.base(arena).add(panel.weights),
                    x,
                    x_rows: x_rows.as_ptr().add(panel.inputs),
                    y: y.0,
                    y_rows: y.1.as_ptr().add(if near.is_some() { 0 } else { panel.outputs }),
                    bias: self.bias.as_ptr().add(panel.outputs),
                    residual: base.cast_const().add(tile.start),
                    residual_rows: match &self.residual {
                        Some(map) => map.image(image).as_ptr().add(panel.outputs),
                        None => std::ptr::null(),
                    },
                    last: tile.last,
                    tail,
                    tail_row: tile.tail.unwrap_or(0),
                    epilogue: self.epilogue,
                    finish: self.table.finish,
                };
                tiles[panel.rows - 1][tile.vectors - 1][usize::from(tile.tail.is_some())](&args);
            }
        }
    }

    /// # Safety
    /// As [`run`](Self::run).
    unsafe fn make_columns(&self, image: usize, tile: &Tile, arena: &Arena, scratch: &mut Arena) {
        let Source::Columns { window, pitch, .. } = self.source else { return };
        let pixels = tile.start..tile.start + tile.pixels(self.lanes);
        for (channel, &row) in self.input.image(image).iter().enumerate() {
            // SAFETY: the row lies in the arena; the scratch has room for every channel's taps.
            unsafe {
                let args = ColumnsArgs {
                    window,
                    input: self.input.size,
                    output: self.out_size,
                    map: arena.base().add(row as usize),
                    pixels: &pixels,
                    outside: 0.0,
                    to: scratch.base().add(channel * window.taps() * pitch),
                    pitch,
                };
                (self.table.columns)(&args);
            }
        }
    }

    /// What comes after a panel whose rows were kept near.
    ///
    /// # Safety
    /// As [`run`](Self::run).
    unsafe fn follow(&self, image: usize, panel: &Panel, arena: &Arena, scratch: &mut Arena) {
        let pixels = self.out_size[0] * self.out_size[1];
        for row in 0..panel.rows {
            let channel = panel.outputs + row;
            // SAFETY: the panel's rows were written just now; the output's row belongs to this item.
            unsafe {
                match &self.sink {
                    Sink::Rows(_) => {}
                    Sink::Depthwise { planes, channels } => {
                        planes.convolve(row, image, channels[channel], arena, scratch);
                    }
                    Sink::Mean(map) => {
                        let from = scratch.base().add(self.columns() + self.near_rows[row] as usize);
                        let sum = (self.table.sum)(from, pixels);
                        *arena.base().add(map.image(image)[channel] as usize) = sum / pixels as f32;
                    }
                }
            }
        }
    }
}

/// Cuts each group's output channels into panels of equal size, give or take one. Few panels are made a multiple of the
/// threads: sums do not depend on it.
pub(super) fn panels(groups: usize, rows: usize, depth: usize, tile_rows: usize, threads: usize) -> Vec<Panel> {
    let mut count = rows.div_ceil(tile_rows);
    if groups * count < threads.saturating_mul(16) {
        count = count.checked_next_multiple_of(threads).unwrap_or(rows).min(rows);
    }
    let mut panels = Vec::with_capacity(groups * count);
    let mut weights = 0;
    for group in 0..groups {
        for panel in 0..count {
            let (first, end) = (share(rows, panel, count), share(rows, panel + 1, count));
            let rows_here = end - first;
            panels.push(Panel {
                rows: rows_here,
                depth,
                weights,
                inputs: group * depth,
                outputs: group * rows + first,
            });
            weights += rows_here * depth;
        }
    }
    panels
}

/// Weights in the order that tiles read them, `[panel][k][row]`, with room to read a vector past the end.
pub(super) fn pack(weights: &[f32], depth: usize, panels: &[Panel]) -> Vec<f32> {
    let mut packed = Vec::with_capacity(weights.len() + SLACK);
    for panel in panels {
        let rows = &weights[panel.outputs * depth..][..panel.rows * depth];
        for k in 0..depth {
            packed.extend(rows[k..].iter().step_by(depth));
        }
    }
    packed.resize(packed.len() + SLACK, 0.0);
    packed
}
