//! Linear 3x3 convolution without stride by Winograd's minimal filtering F(2x2, 3x3): 16 matrix products over patches
//! in place of nine over pixels, each patch four pixels, so 2.25 times fewer multiply-adds. The transforms on both sides
//! are sums only, over data that lies in the scratch between them.

use super::arena::{Arena, Packed};
use super::convolution::panels;
use super::epilogue::Epilogue;
use super::map::{Map, Split, share};
use super::matmul::{Panel, Tile, TileArgs};
use super::spec::{Sink, Spec};
use super::table::Table;
use super::transform::{self, POINTS, PatchArgs, PixelArgs};
use super::unfit::{Unfit, ensure, offsets, product, sum};
use super::window::SLACK;
use crate::graph::{Conv2d, Window};

/// Panels whose sums are kept for all points until they are transformed: more read the patches from a nearer cache,
/// fewer leave the sums in one.
const GROUP: usize = 4;
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
    padding: [usize; 2],
    /// `[rows, columns]` of patches.
    patches: [usize; 2],
    panels: Vec<Panel>,
    /// Panels of each group.
    groups: Vec<std::ops::Range<usize>>,
    /// `[group][point][panel][k][row]`
    pub(super) weights: Packed,
    bias: Vec<f32>,
    epilogue: Epilogue,
    blocks: Vec<Tile>,
    /// Patch rows that a block touches at most.
    block_rows: usize,
    /// Where the channels of one point's patches and sums start.
    rows: Vec<u32>,
    /// Floats per channel of patches or sums.
    pitch: usize,
    /// The bias of the products.
    zeros: Vec<f32>,
    cut: Cut,
}

impl Winograd {
    /// Whether this is the way to compute `conv` on maps of `out_size`: small ones leave more lanes idle in patches than
    /// in pixels.
    pub fn suits(table: &Table, conv: &Conv2d, out_size: [usize; 2]) -> bool {
        let vectors = |[height, width]: [usize; 2]| (height * width).div_ceil(table.lanes);
        let Window { kernel, stride, dilation, .. } = conv.window;
        (kernel, stride, dilation) == ([3; 2], [1; 2], [1; 2])
            && conv.groups == 1
            && conv.in_channels.min(conv.out_channels) >= LEAST_CHANNELS
            && POINTS * vectors(out_size.map(|size| size.div_ceil(2))) < conv.window.taps() * vectors(out_size)
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
        ensure((window.kernel, window.stride, window.dilation, groups) == ([3; 2], [1; 2], [1; 2], 1), || {
            format!("{window:?} in {groups} groups is no dense 3x3 window without stride")
        })?;
        let patches = out_size.map(|size| size.div_ceil(2));
        let blocks = table.tiling(false).cut(patches[0] * patches[1]);
        let reads = blocks.iter().map(|block| block.reads(table.lanes) - usize::from(block.tail.is_none())).max();
        let pitch = reads.unwrap_or(0).next_multiple_of(SLACK);
        let rows_of = |block: &Tile| {
            let end = block.start + block.pixels(table.lanes);
            (end - 1) / patches[1] + 1 - block.start / patches[1]
        };
        let block_rows = blocks.iter().map(rows_of).max().unwrap_or(0);

        let panels = panels(1, out_channels, depth, table.tile_rows, threads);
        let groups = panels.len().div_ceil(GROUP);
        let count = groups.checked_next_multiple_of(threads).unwrap_or(panels.len()).min(panels.len());
        let groups: Vec<_> =
            (0..count).map(|group| share(panels.len(), group, count)..share(panels.len(), group + 1, count)).collect();
        let batch = input.batch();
        let work: f64 =
            [out_channels, depth, POINTS, patches[0], patches[1]].iter().map(|&factor| factor as f64).product();
        let blocked = batch * blocks.len();
        let cut = if blocked >= threads.saturating_mul(8) || blocked.is_multiple_of(threads) {
            Cut::Blocks(Split::new(blocked, work / blocks.len() as f64, threads))
        } else {
            let least = if batch.is_multiple_of(threads) { 1 } else { threads.min(count) };
            Cut::Groups(Split::new(batch * least, f64::INFINITY, threads))
        };
        // Patches, sums and a padded map in the scratch; each by itself, with what separates them, is within this.
        let apart = sum(WHAT, &[product(WHAT, &[depth.max(out_channels), pitch])?, SLACK])?;
        product(WHAT, &[2 * POINTS, apart])?;
        let plane_row = sum(WHAT, &[product(WHAT, &[2, patches[1]])?, 2])?;
        let plane = sum(WHAT, &[product(WHAT, &[sum(WHAT, &[2 * block_rows, 2])?, plane_row])?, 4 * SLACK])?;
        sum(WHAT, &[plane, 2 * POINTS * apart])?;
        product("the transformed weights", &[out_channels, depth, POINTS])?;
        Ok(Self {
            table,
            weights: weights
                .packed(weights.len() / 9 * POINTS + SLACK, |weights| pack(weights, depth, &panels, &groups)),
            rows: offsets(WHAT, depth.max(out_channels), pitch)?,
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
            blocks,
            block_rows,
            pitch,
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
        2 * self.patches[1] + 2
    }

    /// Floats of the padded map's rows that a block reads, with room to read past the end.
    fn plane(&self) -> usize {
        ((2 * self.block_rows + 2) * self.plane_pitch() + 3 * SLACK).next_multiple_of(SLACK)
    }

    /// Floats from one point's patches to the next: a cache line more than they take, both as room to write past the
    /// last and so that the points of a patch do not all fall into the same few lines of the nearest cache.
    fn patches_apart(&self) -> usize {
        self.input.channels * self.pitch + SLACK
    }

    /// The same for sums.
    fn sums_apart(&self) -> usize {
        let rows = self.groups.iter().map(|group| self.outputs(group).len()).max().unwrap_or(0);
        rows * self.pitch + SLACK
    }

    /// Output channels of the panels in `group`.
    fn outputs(&self, group: &std::ops::Range<usize>) -> std::ops::Range<usize> {
        let panels = &self.panels[group.clone()];
        let end = panels.last().map_or(0, |panel| panel.outputs + panel.rows);
        panels.first().map_or(end, |panel| panel.outputs)..end
    }

    /// Floats of common scratch: a padded map, patches, sums.
    pub(super) fn scratch(&self) -> usize {
        self.plane() + POINTS * (self.patches_apart() + self.sums_apart())
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
                        self.make_patches(image, block, arena, scratch);
                        self.multiply(image, block, 0..self.groups.len(), arena, scratch);
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
                            self.make_patches(image, block, arena, scratch);
                            self.multiply(image, block, groups.clone(), arena, scratch);
                        }
                    }
                }
            }
        }
    }

    /// # Safety
    /// As [`run`](Self::run).
    unsafe fn make_patches(&self, image: usize, block: &Tile, arena: &Arena, scratch: &mut Arena) {
        let ([height, width], pitch) = (self.input.size, self.plane_pitch());
        let end = block.start + block.pixels(self.table.lanes);
        let first_row = 2 * (block.start / self.patches[1]);
        let end_row = 2 * ((end - 1) / self.patches[1]) + 4;
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
                    columns: self.patches[1],
                    start: block.start,
                    end,
                    plane,
                    plane_pitch: pitch,
                    to: scratch.base().add(self.plane() + self.rows[channel] as usize),
                    apart: self.patches_apart(),
                });
            }
        }
    }

    /// # Safety
    /// As [`run`](Self::run); the block's patches are in the scratch.
    unsafe fn multiply(
        &self,
        image: usize,
        block: &Tile,
        groups: std::ops::Range<usize>,
        arena: &Arena,
        scratch: &mut Arena,
    ) {
        // SAFETY: patches and sums have room for whole vectors at their ends, the packed weights a vector of slack; the
        // output's pixels of this block and these groups belong to this item.
        unsafe {
            let base = arena.base();
            let patches = scratch.base().add(self.plane());
            let sums = patches.add(POINTS * self.patches_apart());
            for group in &self.groups[groups] {
                let outputs = self.outputs(group);
                let panels = &self.panels[group.clone()];
                let size = outputs.len() * self.input.channels;
                let weights = self.weights.base(arena).add(POINTS * outputs.start * self.input.channels);
                for point in 0..POINTS {
                    for panel in panels {
                        let args = TileArgs {
                            depth: panel.depth,
                            weights: weights.add(point * size + panel.weights - panels[0].weights),
                            x: patches.add(point * self.patches_apart()),
                            x_rows: self.rows.as_ptr(),
                            y: sums.add(point * self.sums_apart()),
                            y_rows: self.rows.as_ptr().add(panel.outputs - outputs.start),
                            bias: self.zeros.as_ptr(),
                            residual: std::ptr::null(),
                            residual_rows: std::ptr::null(),
                            last: block.last,
                            tail: block.tail.unwrap_or(0),
                            epilogue: Epilogue::NONE,
                            finish: self.table.finish,
                        };
                        self.table.tiles[panel.rows - 1][block.vectors - 1][usize::from(block.tail.is_some())](&args);
                    }
                }
                for channel in outputs.clone() {
                    let residual = match &self.residual {
                        Some(map) => base.cast_const().add(map.image(image)[channel] as usize),
                        None => std::ptr::null(),
                    };
                    (self.table.pixels)(&PixelArgs {
                        columns: self.patches[1],
                        start: block.start,
                        end: block.start + block.pixels(self.table.lanes),
                        from: sums.add(self.rows[channel - outputs.start] as usize),
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

/// Transformed weights in the order that the products read them, with room to read a vector past the end.
fn pack(weights: &[f32], depth: usize, panels: &[Panel], groups: &[std::ops::Range<usize>]) -> Vec<f32> {
    let mut packed = vec![0.0; weights.len() / 9 * POINTS + SLACK];
    let mut group_at = 0;
    for group in groups {
        let panels = &panels[group.clone()];
        let size: usize = panels.iter().map(|panel| panel.rows * depth).sum();
        let mut panel_at = 0;
        for panel in panels {
            for k in 0..depth {
                for row in 0..panel.rows {
                    let taps = &weights[((panel.outputs + row) * depth + k) * 9..][..9];
                    for (point, value) in transform::window(taps).into_iter().enumerate() {
                        packed[group_at + point * size + panel_at + k * panel.rows + row] = value;
                    }
                }
            }
            panel_at += panel.rows * depth;
        }
        group_at += POINTS * size;
    }
    packed
}
