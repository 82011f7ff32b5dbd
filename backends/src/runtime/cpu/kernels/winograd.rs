//! Linear 3x3 convolution by Winograd's minimal filtering: without stride 16 matrix products over patches in place of nine
//! over pixels, each patch four pixels, so 2.25 times fewer multiply-adds; with stride two 25, so 1.44 times fewer. The
//! transforms on both sides are sums only, over data that lies in the scratch between them.

use super::arena::{Arena, Packed};
use super::convolution::panels;
use super::epilogue::Epilogue;
use super::map::{Map, Split, share};
use super::matmul::{Panel, Tile, TileArgs};
use super::spec::{Sink, Spec};
use super::table::Table;
use super::transform::{Form, PatchArgs, PixelArgs};
use super::unfit::{Unfit, offsets, product, sum};
use super::window::SLACK;
use crate::graph::Conv2d;

/// Panels whose sums are all kept until they are transformed: more read the patches from a nearer cache,
/// fewer leave the sums in one.
const GROUP: usize = 4;
/// Floats of patches that are made at once, for as many tiles as they serve: neighbours share the rows between them, and
/// the second cache still holds them.
const BLOCK: usize = 128 << 10;
/// Channels on either side from which on fewer multiply-adds outweigh the transforms.
const LEAST_CHANNELS: usize = 8;

/// How the work is cut into items.
#[derive(Clone, Copy, Debug)]
enum Cut {
    /// Blocks of patches of all images.
    Blocks(Split),
    /// Groups of panels of all images; every item makes the patches again.
    Groups(Split),
}

/// A convolution ready to run.
#[derive(Debug)]
pub struct Winograd {
    table: &'static Table,
    input: Map,
    residual: Option<Map>,
    output: Map,
    form: Form,
    padding: [usize; 2],
    /// `[rows, columns]` of patches.
    patches: [usize; 2],
    panels: Vec<Panel>,
    /// Panels of each group.
    groups: Vec<std::ops::Range<usize>>,
    /// `[group][sum][panel][value][k][row]`
    pub(super) weights: Packed,
    bias: Vec<f32>,
    epilogue: Epilogue,
    tiles: Vec<Tile>,
    /// Tiles whose patches are made together.
    blocks: Vec<std::ops::Range<usize>>,
    /// Patch rows that a block touches at most.
    block_rows: usize,
    /// Where `[value][channel]` of the patches starts.
    value_rows: Vec<u32>,
    /// Where the channels of one sum start.
    sum_rows: Vec<u32>,
    /// Floats per channel of a value, and of a sum.
    value_pitch: usize,
    sum_pitch: usize,
    /// The bias of the products.
    zeros: Vec<f32>,
    cut: Cut,
}

impl Winograd {
    /// Whether this is the way to compute `conv` on maps of `out_size`: small ones leave more lanes idle in patches than
    /// in pixels.
    pub fn suits(table: &Table, conv: &Conv2d, out_size: [usize; 2]) -> bool {
        let vectors = |[height, width]: [usize; 2]| (height * width).div_ceil(table.lanes);
        let Some(form) = Form::of(&conv.window) else { return false };
        conv.groups == 1
            && conv.in_channels.min(conv.out_channels) >= LEAST_CHANNELS
            && form.values() * vectors(out_size.map(|size| size.div_ceil(2))) < conv.window.taps() * vectors(out_size)
    }

    /// The operands are those of a [`Convolution`](super::Convolution) that [`suits`](Self::suits), its rows the sink.
    ///
    /// # Errors
    /// Where the operands contradict one another or are of another convolution, or the scratch is more than can be
    /// addressed.
    pub fn new(table: &'static Table, spec: Spec, threads: usize) -> Result<Self, Unfit> {
        const WHAT: &str = "the transformed patches";
        spec.check()?;
        let Spec { input, out_channels, out_size, window, weights, bias, residual, epilogue, groups, sink } = spec;
        let depth = input.channels;
        let Sink::Rows(output) = sink else {
            return Err(Unfit::Mismatch("Winograd's way writes rows and nothing else".into()));
        };
        let Some(form) = Form::of(&window).filter(|_| groups == 1) else {
            return Err(Unfit::Mismatch(format!(
                "{window:?} in {groups} groups is no dense 3x3 window of stride 1 or 2"
            )));
        };
        let patches = out_size.map(|size| size.div_ceil(2));
        let tiles = table.tiling(false).cut(patches[0] * patches[1]);
        let reads = |tile: &Tile| tile.reads(table.lanes) - usize::from(tile.tail.is_none());
        let sum_pitch = tiles.iter().map(reads).max().unwrap_or(0).next_multiple_of(SLACK);
        let blocks = blocks(tiles.len(), product(WHAT, &[form.values(), depth, sum_pitch])?, threads);
        let value_pitch = |block: &std::ops::Range<usize>| {
            tiles[block.end - 1].start + reads(&tiles[block.end - 1]) - tiles[block.start].start
        };
        let value_pitch = blocks.iter().map(value_pitch).max().unwrap_or(0).next_multiple_of(SLACK);
        let rows_of = |block: &std::ops::Range<usize>| {
            let Patches { start, end } = Patches::of(&tiles[block.clone()], table.lanes);
            (end - 1) / patches[1] + 1 - start / patches[1]
        };
        let block_rows = blocks.iter().map(rows_of).max().unwrap_or(0);

        let panels = panels(1, out_channels, depth, table.tile_rows, threads);
        let groups = panels.len().div_ceil(GROUP);
        let count = groups.checked_next_multiple_of(threads).unwrap_or(panels.len()).min(panels.len());
        let groups: Vec<_> =
            (0..count).map(|group| share(panels.len(), group, count)..share(panels.len(), group + 1, count)).collect();
        let batch = input.batch();
        let work: f64 =
            [out_channels, depth, form.values(), patches[0], patches[1]].iter().map(|&factor| factor as f64).product();
        let blocked = batch * blocks.len();
        let cut = if blocked >= threads.saturating_mul(8) || blocked.is_multiple_of(threads) {
            Cut::Blocks(Split::new(blocked, work / blocks.len() as f64, threads))
        } else {
            let least = if batch.is_multiple_of(threads) { 1 } else { threads.min(count) };
            Cut::Groups(Split::new(batch * least, f64::INFINITY, threads))
        };
        // Patches, sums and a padded map in the scratch; each by itself, with what separates them, is within this.
        let apart = sum(WHAT, &[product(WHAT, &[depth.max(out_channels), value_pitch.max(sum_pitch)])?, SLACK])?;
        let places = form.values() + form.sums();
        product(WHAT, &[places, apart])?;
        let line = |patches: usize| sum(WHAT, &[product(WHAT, &[form.step(), patches])?, form.overlap()]);
        let plane = sum(WHAT, &[product(WHAT, &[line(block_rows)?, line(patches[1])?])?, 6 * SLACK])?;
        sum(WHAT, &[plane, places * apart])?;
        product("the transformed weights", &[out_channels, depth, form.values()])?;
        // A value's channels end before the next value's begin.
        let values = offsets(WHAT, form.values(), depth * value_pitch + SLACK)?;
        let channel = |channel: usize| (channel * value_pitch) as u32;
        let value_rows = values.iter().flat_map(|value| (0..depth).map(move |at| value + channel(at)));
        Ok(Self {
            table,
            weights: weights.packed(weights.len() / 9 * form.values() + SLACK, |weights| {
                pack(form, weights, depth, &panels, &groups)
            }),
            value_rows: value_rows.collect(),
            sum_rows: offsets(WHAT, out_channels, sum_pitch)?,
            form,
            padding: window.padding,
            zeros: vec![0.0; table.tile_rows],
            input,
            residual,
            output,
            patches,
            panels,
            groups,
            bias,
            epilogue,
            tiles,
            blocks,
            block_rows,
            value_pitch,
            sum_pitch,
            cut,
        })
    }

    pub(super) fn reads(&self) -> impl Iterator<Item = &Map> {
        std::iter::once(&self.input).chain(&self.residual)
    }

    pub(super) fn output(&self) -> &Map {
        &self.output
    }

    pub(super) fn items(&self) -> usize {
        match self.cut {
            Cut::Blocks(split) | Cut::Groups(split) => split.items(),
        }
    }

    /// Floats of one row of the padded map.
    fn plane_pitch(&self) -> usize {
        self.form.step() * self.patches[1] + self.form.overlap()
    }

    /// Floats of the padded map's rows that a block reads, with room to read past the end.
    fn plane(&self) -> usize {
        let rows = self.form.step() * self.block_rows + self.form.overlap();
        (rows * self.plane_pitch() + (self.form.step() + 1) * SLACK).next_multiple_of(SLACK)
    }

    /// Floats from one value of the patches to the next: a cache line more than they take, both as room to write past the
    /// last and so that the values of a patch do not all fall into the same few lines of the nearest cache.
    fn values_apart(&self) -> usize {
        self.input.channels * self.value_pitch + SLACK
    }

    /// The same for sums.
    fn sums_apart(&self) -> usize {
        let rows = self.groups.iter().map(|group| self.outputs(group).len()).max().unwrap_or(0);
        rows * self.sum_pitch + SLACK
    }

    /// Output channels of the panels in `group`.
    fn outputs(&self, group: &std::ops::Range<usize>) -> std::ops::Range<usize> {
        let panels = &self.panels[group.clone()];
        let end = panels.last().map_or(0, |panel| panel.outputs + panel.rows);
        panels.first().map_or(end, |panel| panel.outputs)..end
    }

    /// Floats of common scratch: a padded map, patches, sums.
    pub(super) fn scratch(&self) -> usize {
        self.plane() + self.form.values() * self.values_apart() + self.form.sums() * self.sums_apart()
    }

    /// # Safety
    /// All rows lie in the arena; inputs are complete; nobody else touches the output rows and pixels of `item` now; the
    /// scratch has room for [`scratch`](Self::scratch).
    pub(super) unsafe fn run(&self, item: usize, arena: &Arena, scratch: &mut Arena) {
        // SAFETY: handed on.
        unsafe {
            match self.cut {
                Cut::Blocks(split) => {
                    for block in split.range(item) {
                        let (image, block) = (block / self.blocks.len(), &self.blocks[block % self.blocks.len()]);
                        let tiles = &self.tiles[block.clone()];
                        self.make_patches(image, tiles, arena, scratch);
                        self.multiply(image, tiles, 0..self.groups.len(), arena, scratch);
                    }
                }
                Cut::Groups(split) => {
                    // The split counts images, or parts of all groups of all images.
                    let total = self.input.batch() * self.groups.len();
                    let range = split.range(item);
                    let (mut at, end) =
                        (share(total, range.start, split.count()), share(total, range.end, split.count()));
                    while at < end {
                        let (image, first) = (at / self.groups.len(), at % self.groups.len());
                        let groups = first..self.groups.len().min(first + end - at);
                        at += groups.len();
                        for block in &self.blocks {
                            let tiles = &self.tiles[block.clone()];
                            self.make_patches(image, tiles, arena, scratch);
                            self.multiply(image, tiles, groups.clone(), arena, scratch);
                        }
                    }
                }
            }
        }
    }

    /// # Safety
    /// As [`run`](Self::run).
    unsafe fn make_patches(&self, image: usize, block: &[Tile], arena: &Arena, scratch: &mut Arena) {
        let ([height, width], pitch) = (self.input.size, self.plane_pitch());
        let Patches { start, end } = Patches::of(block, self.table.lanes);
        let step = self.form.step();
        let first_row = step * (start / self.patches[1]);
        let end_row = step * ((end - 1) / self.patches[1] + 1) + self.form.overlap();
        scratch.as_mut_slice()[..self.plane()].fill(0.0);
        // The map's rows and columns that lie in the padded rows in question.
        let rows = first_row.saturating_sub(self.padding[0])..end_row.saturating_sub(self.padding[0]).min(height);
        let width = width.min(pitch.saturating_sub(self.padding[1]));
        for (channel, &row) in self.input.image(image).iter().enumerate() {
            // SAFETY: the row lies in the arena; rows and columns of the padded map lie in the plane.
            unsafe {
                let (map, plane) = (arena.base().cast_const().add(row as usize), scratch.base());
                for y in rows.clone() {
                    let to = plane.add((y + self.padding[0] - first_row) * pitch + self.padding[1]);
                    (self.table.copy)(map.add(y * self.input.size[1]), to, width);
                }
                (self.table.patches)(&PatchArgs {
                    form: self.form,
                    columns: self.patches[1],
                    start,
                    end,
                    plane,
                    plane_pitch: pitch,
                    to: scratch.base().add(self.plane() + self.value_rows[channel] as usize),
                    apart: self.values_apart(),
                });
            }
        }
    }

    /// # Safety
    /// As [`run`](Self::run); the block's patches are in the scratch.
    unsafe fn multiply(
        &self,
        image: usize,
        block: &[Tile],
        groups: std::ops::Range<usize>,
        arena: &Arena,
        scratch: &mut Arena,
    ) {
        // SAFETY: patches and sums have room for whole vectors at their ends, the packed weights a vector of slack; the
        // output's pixels of this block and these groups belong to this item.
        unsafe {
            let base = arena.base();
            let patches = scratch.base().add(self.plane());
            let sums = patches.add(self.form.values() * self.values_apart());
            for group in &self.groups[groups] {
                let outputs = self.outputs(group);
                let panels = &self.panels[group.clone()];
                let size = outputs.len() * self.input.channels;
                let weights = self.weights.base(arena).add(self.form.values() * outputs.start * self.input.channels);
                for tile in block {
                    for at in 0..self.form.sums() {
                        let values = self.form.values_of(at);
                        for panel in panels {
                            let before = (panel.weights - panels[0].weights) * values.len();
                            let args = TileArgs {
                                depth: panel.depth * values.len(),
                                weights: weights.add(values.start * size + before),
                                x: patches.add(tile.start - block[0].start),
                                x_rows: self.value_rows.as_ptr().add(values.start * self.input.channels),
                                y: sums.add(at * self.sums_apart()),
                                y_rows: self.sum_rows.as_ptr().add(panel.outputs - outputs.start),
                                bias: self.zeros.as_ptr(),
                                residual: std::ptr::null(),
                                residual_rows: std::ptr::null(),
                                last: tile.last,
                                tail: tile.tail.unwrap_or(0),
                                tail_row: tile.tail.unwrap_or(0),
                                epilogue: Epilogue::NONE,
                                finish: self.table.finish,
                            };
                            self.table.tiles[panel.rows - 1][tile.vectors - 1][usize::from(tile.tail.is_some())](&args);
                        }
                    }
                    for channel in outputs.clone() {
                        let residual = match &self.residual {
                            Some(map) => base.cast_const().add(map.image(image)[channel] as usize),
                            None => std::ptr::null(),
                        };
                        (self.table.pixels)(&PixelArgs {
                            form: self.form,
                            columns: self.patches[1],
                            start: tile.start,
                            end: tile.start + tile.pixels(self.table.lanes),
                            from: sums.add(self.sum_rows[channel - outputs.start] as usize),
                            apart: self.sums_apart(),
                            bias: self.bias[channel],
                            residual,
                            epilogue: self.epilogue,
                            finish: self.table.finish,
                            out: base.add(self.output.image(image)[channel] as usize),
                            size: self.output.size,
                        });
                    }
                }
            }
        }
    }
}

/// Patches that follow one another.
struct Patches {
    start: usize,
    end: usize,
}

impl Patches {
    /// Those of neighbouring tiles.
    fn of(tiles: &[Tile], lanes: usize) -> Self {
        let (first, last) = (tiles.first().map_or(0, |tile| tile.start), tiles.last());
        Self { start: first, end: last.map_or(first, |tile| tile.start + tile.pixels(lanes)) }
    }
}

/// Cuts `tiles` into blocks, each of which keeps `floats` a tile: a multiple of the threads, where that many are there.
fn blocks(tiles: usize, floats: usize, threads: usize) -> Vec<std::ops::Range<usize>> {
    let together = (BLOCK / floats.max(1)).max(1);
    let count = tiles.div_ceil(together);
    let count = count.checked_next_multiple_of(threads).unwrap_or(tiles).min(tiles);
    (0..count).map(|block| share(tiles, block, count)..share(tiles, block + 1, count)).collect()
}

/// Transformed weights in the order that the products read them, with room to read a vector past the end.
fn pack(form: Form, weights: &[f32], depth: usize, panels: &[Panel], groups: &[std::ops::Range<usize>]) -> Vec<f32> {
    let mut packed = vec![0.0; weights.len() / 9 * form.values() + SLACK];
    let mut group_at = 0;
    for group in groups {
        let panels = &panels[group.clone()];
        let size: usize = panels.iter().map(|panel| panel.rows * depth).sum();
        let mut panel_at = 0;
        for panel in panels {
            for k in 0..depth {
                for row in 0..panel.rows {
                    let window = form.window(&weights[((panel.outputs + row) * depth + k) * 9..][..9]);
                    for values in (0..form.sums()).map(|sum| form.values_of(sum)) {
                        let at = group_at + values.start * size + panel_at * values.len();
                        for (index, value) in values.enumerate() {
                            packed[at + (index * depth + k) * panel.rows + row] = window[value];
                        }
                    }
                }
            }
            panel_at += panel.rows * depth;
        }
        group_at += form.values() * size;
    }
    packed
}
