//! Everything that is a matrix product: pointwise convolutions over planes, dense and grouped ones as implicit products,
//! linear layers over many images, a depthwise convolution on the way in, a mean on the way out.

use super::epilogue::Finish;
use super::inputs::Inputs;
use super::size::Map;
use super::text::{Setting, Source};
use super::variant::{Limits, Tile, Variant};
use super::{Parameters, Refusal, direct, patch, product};
use crate::graph::Activation;

/// `groups` products of `[rows, depth]` weights with `[depth, columns]` inputs, `columns` the pixels of all images.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Matmul {
    pub groups: u32,
    /// Output channels of a group.
    pub rows: u32,
    /// Input values of a sum.
    pub depth: u32,
    /// Input planes in the table.
    pub input_channels: u32,
    /// The product's map, before the mean.
    pub output: Map,
    pub inputs: Inputs,
    /// Whether the mean over each image's pixels is the result, and the activation before it.
    pub mean: bool,
    pub before_mean: Activation,
    pub finish: Finish,
}

impl Matmul {
    /// Vectors of weights for one input value: a group's rows, rounded up.
    pub const fn row_vectors(&self) -> u32 {
        self.rows.div_ceil(4)
    }

    /// Input channels of one group.
    pub const fn channels_of_group(&self) -> u32 {
        self.input_channels / self.groups
    }

    /// Whether the inputs are a depthwise convolution's, with weights of its own.
    pub const fn follows_depthwise(&self) -> bool {
        matches!(self.inputs, Inputs::Depthwise { .. })
    }

    /// Elements of the packed weights.
    pub fn packed(&self) -> u64 {
        let product = u64::from(self.groups) * (u64::from(self.depth) + 1) * u64::from(self.row_vectors()) * 4;
        match &self.inputs {
            Inputs::Depthwise { window, .. } => product + u64::from(self.depth) * u64::from(patch::vectors(window)) * 4,
            _ => product,
        }
    }

    /// Best guess first. Tiles and their order are those that tuning chose on large and small problems.
    pub fn variants(&self, limits: &Limits) -> Vec<Variant> {
        let columns = if self.mean { self.output.pixels().next_multiple_of(64) } else { self.output.plane() };
        let images = if self.mean { self.output.batch } else { 1 };
        let tiles = columns.div_ceil(64) as u64 * self.rows.div_ceil(64) as u64 * self.groups as u64 * images as u64;
        let candidates: &[Tile] = if tiles >= 150 {
            &LARGE
        } else if self.mean {
            &SMALL_MEAN
        } else {
            &SMALL
        };
        let mut tiles: Vec<Tile> = candidates
            .iter()
            .filter(|tile| tile.rows <= self.rows.next_power_of_two().max(8))
            .filter_map(|tile| self.fitting(*tile, limits))
            .collect();
        tiles.extend(self.fitting(LAST, limits).filter(|_| tiles.is_empty()));
        let mut variants = self.direct_variants(limits);
        let leading = self.depth <= 64 || self.rows <= 8;
        let tiles = tiles.into_iter().map(Variant::Tile);
        if leading {
            variants.extend(tiles);
        } else {
            variants = tiles.chain(variants).collect();
        }
        let mut distinct: Vec<Variant> = Vec::new();
        variants.retain(|variant| {
            let new = !distinct.contains(variant);
            distinct.push(*variant);
            new
        });
        variants.truncate(8);
        variants
    }

    /// The tile with as much depth as there is and as workgroup memory has room for.
    fn fitting(&self, tile: Tile, limits: &Limits) -> Option<Tile> {
        let mut fitted = tile.fitted(self.depth);
        while fitted.bytes(self.mean) > limits.workgroup_bytes && fitted.depth > 8.max(fitted.split) {
            let half = Tile { depth: (fitted.depth / 2).next_multiple_of(fitted.split), ..fitted };
            fitted = half.fitted(self.depth);
        }
        let fits = fitted.bytes(self.mean) <= limits.workgroup_bytes && fitted.threads() <= limits.invocations;
        // With one chunk there is none to fetch ahead.
        let useful = !fitted.ahead || fitted.depth < self.depth;
        (fits && useful && fitted.is_sound()).then_some(fitted)
    }

    fn direct_variants(&self, limits: &Limits) -> Vec<Variant> {
        // Without tiles every weight is read for every pixel: for few input values, or few rows that would fill no tile.
        if !matches!(self.inputs, Inputs::Window { .. }) || (self.depth > 64 && self.rows > 32) {
            return Vec::new();
        }
        let threads = 128.min(limits.invocations);
        let few = u64::from(self.output.plane()) * u64::from(self.rows) < 1 << 20;
        let order = if few { [8, 4, 16, 24] } else { [24, 16, 8, 4] };
        let most = 4 * self.row_vectors();
        let channels = order.into_iter().filter(|&channels| channels <= most).take(3);
        channels.map(|channels| Variant::Direct { channels, threads }).collect()
    }

    pub fn source(&self, variant: Variant, setting: Setting) -> Result<Source, Refusal> {
        match (variant, self.inputs) {
            (Variant::Tile(tile), _) if tile.is_sound() && tile.threads() <= 1024 => {
                product::source(self, tile, setting)
            }
            (Variant::Direct { channels, threads }, Inputs::Window { input, window })
                if channels.is_multiple_of(4) && (4..=64).contains(&channels) && (1..=1024).contains(&threads) =>
            {
                direct::source(self, &input, &window, channels / 4, threads, setting)
            }
            _ => Err(variant.refused("convolution")),
        }
    }

    /// For each group `[depth + 1][rows, rounded up to a vector]`, the bias last; then the depthwise weights.
    pub fn pack(&self, depthwise: &Parameters<'_>, product: &Parameters<'_>) -> Vec<f32> {
        let (rows, depth, room) = (self.rows as usize, self.depth as usize, 4 * self.row_vectors() as usize);
        let mut packed = vec![0.0; self.groups as usize * (depth + 1) * room];
        for (group, place) in packed.chunks_exact_mut((depth + 1) * room).enumerate() {
            let filters = &product.filters[group * rows * depth..][..rows * depth];
            for (row, filter) in filters.chunks_exact(depth).enumerate() {
                for (k, &weight) in filter.iter().enumerate() {
                    place[k * room + row] = weight;
                }
                place[depth * room + row] = product.bias.get(group * rows + row).copied().unwrap_or(0.0);
            }
        }
        if let Inputs::Depthwise { window, .. } = &self.inputs {
            packed.extend(patch::pack(window, self.depth, depthwise.filters, depthwise.bias));
        }
        packed
    }
}

const fn tile(rows: u32, columns: u32, depth: u32, row_step: u32, vectors: u32, split: u32) -> Tile {
    Tile { rows, columns, depth, row_step, vectors, split, ahead: false }
}

/// The same, fetching ahead.
const fn ahead(rows: u32, columns: u32, depth: u32, row_step: u32, vectors: u32, split: u32) -> Tile {
    Tile { ahead: true, ..tile(rows, columns, depth, row_step, vectors, split) }
}

/// Where there are tiles enough for every GPU: bound by arithmetic.
const LARGE: [Tile; 11] = [
    tile(64, 64, 16, 4, 1, 1),
    ahead(64, 64, 16, 4, 1, 1),
    ahead(64, 128, 16, 8, 2, 1),
    ahead(128, 128, 8, 8, 2, 1),
    tile(64, 64, 32, 8, 1, 1),
    ahead(64, 64, 16, 8, 1, 1),
    tile(32, 64, 32, 4, 1, 1),
    ahead(32, 128, 16, 4, 2, 1),
    tile(16, 128, 16, 4, 1, 1),
    tile(8, 128, 16, 4, 1, 1),
    tile(64, 32, 24, 4, 1, 2),
];

/// Where there are few: bound by latency, so sums are split.
const SMALL: [Tile; 7] = [
    tile(16, 16, 256, 2, 1, 8),
    tile(16, 32, 120, 2, 1, 4),
    tile(8, 16, 256, 1, 1, 8),
    tile(8, 32, 64, 1, 1, 4),
    tile(64, 32, 24, 4, 1, 2),
    tile(32, 32, 64, 4, 1, 4),
    tile(64, 64, 16, 4, 1, 1),
];

/// The same with the mean over an image's pixels.
const SMALL_MEAN: [Tile; 5] = [
    tile(8, 64, 64, 2, 1, 4),
    tile(8, 64, 64, 1, 1, 2),
    tile(8, 32, 64, 1, 1, 4),
    tile(16, 64, 48, 4, 1, 4),
    tile(8, 16, 256, 1, 1, 8),
];

/// What always fits.
const LAST: Tile = tile(8, 16, 16, 1, 1, 1);
