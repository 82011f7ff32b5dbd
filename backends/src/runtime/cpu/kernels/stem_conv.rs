//! Convolution of a few wide channels (a stem) without copying taps: rows are dealt out by stride into the scratch, so
//! that every tap of every channel is a contiguous row of the matrix product. The 3x3 max-pool that follows a stem can
//! be computed behind it, row by row, so that the large map in between never exists.

use super::arena::{Arena, Packed};
use super::convolution::{pack, panels};
use super::epilogue::Epilogue;
use super::map::{Map, Split};
use super::matmul::{Panel, Tile, TileArgs};
use super::pooling::PoolRowArgs;
use super::table::Table;
use super::unfit::{Unfit, ensure_equal, ensure_whole, ensure_window, offsets, product};
use super::window::{Phases, SLACK};
use crate::graph::Window;
use crate::runtime::parameters::Filters;

/// Minus infinities behind a convolved row that waits for its pooling.
const MARGIN: usize = 32;
/// Convolved rows that a pooled row needs.
const RING: usize = 3;
/// Floats of dealt rows that stay near, in the second cache, until they are read.
const BAND: usize = 64 << 10;

/// What a stem computes, before weights are packed.
#[derive(Debug)]
pub struct Spec {
    pub input: Map,
    pub output: Map,
    pub conv_size: [usize; 2],
    pub window: Window,
    /// `[out_channels][in_channels][taps]`
    pub weights: Filters,
    pub bias: Vec<f32>,
    pub epilogue: Epilogue,
    /// Whether a 3x3 max-pool with stride two and padding one follows.
    pub pooled: bool,
}

/// A stem ready to run.
#[derive(Debug)]
pub struct StemConv {
    table: &'static Table,
    input: Map,
    output: Map,
    phases: Phases,
    panels: Vec<Panel>,
    pub(super) weights: Packed,
    bias: Vec<f32>,
    tiles: Vec<Tile>,
    epilogue: Epilogue,
    pooled: bool,
    /// Output rows of an image, cut into items.
    split: Split,
    /// Convolved rows whose input rows are dealt out at once.
    band: usize,
    /// Where the taps of each input channel start.
    tap_rows: Vec<u32>,
    ring_rows: Vec<u32>,
}

impl StemConv {
    /// # Errors
    /// Where the operands contradict one another, or the scratch is more than can be addressed.
    pub fn new(table: &'static Table, spec: Spec, threads: usize) -> Result<Self, Unfit> {
        const PHASES: &str = "the input's padded rows";
        let Spec { input, output, conv_size, window, weights, bias, epilogue, pooled } = spec;
        ensure_whole("the input", &input)?;
        ensure_whole("the output", &output)?;
        let phases = Phases::new(window, input.size, conv_size)?;
        if pooled {
            ensure_window(&Window::square(3, 2), conv_size, output.size)?;
        } else {
            ensure_equal("the output's size", output.size, conv_size)?;
        }
        ensure_equal("the output's images", output.batch(), input.batch())?;
        let depth = product("the window", &[input.channels, phases.taps.len()])?;
        let size = product("the weights", &[output.channels, depth])?;
        ensure_equal("weights and biases", (weights.len(), bias.len()), (size, output.channels))?;
        let work = size as f64 * conv_size[0] as f64 * conv_size[1] as f64 / output.size[0] as f64;
        let split = Split::new(output.size[0], work / 4.0, threads);
        let longest = output.size[0].div_ceil(split.items());
        let longest = if pooled { 2 * longest + 1 } else { longest }.min(conv_size[0]);
        let band = (1..=longest).rev().find(|&rows| input.channels.saturating_mul(phases.floats(rows)) <= BAND);
        let band = band.unwrap_or(1);
        let room = phases.floats(band);
        // Taps lie inside a channel's phases.
        offsets(PHASES, input.channels, room)?;
        let tap_rows = (0..input.channels).flat_map(|c| phases.taps.iter().map(move |tap| (c * room + tap) as u32));
        let panels = panels(1, output.channels, depth, table.tile_rows, 1);
        // The output's padded rows, which the phases count already, are longer.
        let ring_row = conv_size[1].next_multiple_of(16) + MARGIN;
        product("the convolved rows", &[RING, ring_row])?;
        Ok(Self {
            table,
            tap_rows: tap_rows.collect(),
            ring_rows: offsets("the convolved rows", output.channels, RING * ring_row)?,
            weights: weights.packed(weights.len() + SLACK, |weights| pack(weights, depth, &panels)),
            panels,
            bias,
            tiles: table.tiling(true).cut(conv_size[1]),
            epilogue,
            pooled,
            split,
            band,
            input,
            output,
            phases,
        })
    }

    pub(super) fn input(&self) -> &Map {
        &self.input
    }

    pub(super) fn output(&self) -> &Map {
        &self.output
    }

    fn ring_row(&self) -> usize {
        self.phases.output[1].next_multiple_of(16) + MARGIN
    }

    /// Floats of scratch: the band's phases, then the ring of convolved rows.
    pub(super) fn scratch(&self) -> usize {
        let ring = if self.pooled { self.output.channels * RING * self.ring_row() } else { 0 };
        self.ring_at().saturating_add(ring)
    }

    fn ring_at(&self) -> usize {
        (self.input.channels * self.phases.floats(self.band)).next_multiple_of(16)
    }

    pub(super) fn items(&self) -> usize {
        self.input.batch() * self.split.items()
    }

    /// # Safety
    /// All rows lie in the arena; the input is complete; nobody else touches the output rows of `item` now; the scratch
    /// has room for [`scratch`](Self::scratch).
    pub(super) unsafe fn run(&self, item: usize, arena: &Arena, scratch: &mut Arena) {
        let (image, rows) = (item / self.split.items(), self.split.range(item % self.split.items()));
        // SAFETY: handed on.
        unsafe {
            if self.pooled {
                self.clear_margins(scratch);
            }
            let height = self.phases.output[0];
            let convolved =
                if self.pooled { (2 * rows.start).saturating_sub(1)..(2 * rows.end).min(height) } else { rows.clone() };
            let mut out_y = rows.start;
            for first in convolved.clone().step_by(self.band) {
                let band = first..convolved.end.min(first + self.band);
                self.deal(image, &band, arena, scratch);
                for y in band {
                    if !self.pooled {
                        let to = arena.base().add(y * self.output.size[1]);
                        self.convolve_row(y - first, to, self.output.image(image), arena, scratch);
                        continue;
                    }
                    let ring = scratch.base().add(self.ring_at() + y % RING * self.ring_row());
                    self.convolve_row(y - first, ring, &self.ring_rows, arena, scratch);
                    if y + 1 == (2 * out_y + 2).min(height) {
                        self.pool_row(image, out_y, (2 * out_y).saturating_sub(1)..y + 1, arena, scratch);
                        out_y += 1;
                    }
                }
            }
        }
    }

    /// # Safety
    /// As [`run`](Self::run).
    unsafe fn deal(&self, image: usize, rows: &std::ops::Range<usize>, arena: &Arena, scratch: &mut Arena) {
        let room = self.phases.floats(self.band);
        for (&row, to) in self.input.image(image).iter().zip(scratch.as_mut_slice().chunks_exact_mut(room)) {
            // SAFETY: the input's row lies in the arena, and nobody writes to it now.
            let map = unsafe { std::slice::from_raw_parts(arena.base().add(row as usize), self.input.pixels()) };
            self.phases.deal(self.table, map, rows.start, rows.len(), 0.0, to);
        }
    }

    /// Convolves row `y` of the band; `to + rows[o]` is where output channel `o` goes.
    ///
    /// # Safety
    /// As [`run`](Self::run), and `to` is valid there for writes of a row.
    unsafe fn convolve_row(&self, y: usize, to: *mut f32, rows: &[u32], arena: &Arena, scratch: &Arena) {
        // SAFETY: the phases of the band's rows have room for whole vectors at their ends.
        unsafe {
            let x = scratch.base().cast_const().add(y * self.phases.window.stride[0] * self.phases.row());
            let weights = self.weights.base(arena);
            for tile in &self.tiles {
                for panel in &self.panels {
                    let args = TileArgs {
                        depth: panel.depth,
                        weights: weights.add(panel.weights),
                        x: x.add(tile.start),
                        x_rows: self.tap_rows.as_ptr(),
                        y: to.add(tile.start),
                        y_rows: rows.as_ptr().add(panel.outputs),
                        bias: self.bias.as_ptr().add(panel.outputs),
                        residual: std::ptr::null(),
                        residual_rows: std::ptr::null(),
                        last: tile.last,
                        tail: tile.tail.unwrap_or(0),
                        tail_row: tile.tail.unwrap_or(0),
                        epilogue: self.epilogue,
                        finish: self.table.finish,
                    };
                    self.table.tiles[panel.rows - 1][tile.vectors - 1][usize::from(tile.tail.is_some())](&args);
                }
            }
        }
    }

    /// Writes minus infinity behind the ring's rows.
    fn clear_margins(&self, scratch: &mut Arena) {
        let (at, width) = (self.ring_at(), self.phases.output[1]);
        let rows = self.output.channels * RING;
        for row in scratch.as_mut_slice()[at..].chunks_exact_mut(self.ring_row()).take(rows) {
            row[width..].fill(f32::NEG_INFINITY);
        }
    }

    /// # Safety
    /// As [`run`](Self::run); the convolved `rows` are in the ring.
    unsafe fn pool_row(
        &self,
        image: usize,
        out_y: usize,
        rows: std::ops::Range<usize>,
        arena: &Arena,
        scratch: &mut Arena,
    ) {
        // SAFETY: the ring's rows have their margins.
        unsafe {
            let ring = scratch.base().add(self.ring_at());
            for (channel, &row) in self.output.image(image).iter().enumerate() {
                // At the map's edge one of the rows counts twice.
                let row_at = |y: usize| {
                    let y = y.min(rows.end - 1) % RING;
                    ring.cast_const().add(self.ring_rows[channel] as usize + y * self.ring_row())
                };
                let args = PoolRowArgs {
                    rows: [row_at(rows.start), row_at(rows.start + 1), row_at(rows.start + 2)],
                    out: arena.base().add(row as usize + out_y * self.output.size[1]),
                    out_width: self.output.size[1],
                };
                (self.table.max_row)(&args);
            }
        }
    }
}
