//! Pointwise, depthwise, pointwise in one launch: the body of ShuffleNet's and MobileNet's units.

use std::ops::RangeInclusive;

use super::geometry::{Map, Sliding, launchable};
use super::pack::Packed;
use super::source::{COMMON, FIRST, MIDDLE, STORED, activation, half};
use super::variant::{UnitTile, Variant};
use super::{Card, Parameters, Refusal, Source};
use crate::graph::Activation;
use crate::runtime::Precision;

const PARTS: &[&str] = &[COMMON, include_str!("../sources/unit.cu")];
/// Rows of a thread's tile in both pointwise convolutions.
const TM: u32 = 4;
/// Parts of a block's rows at most: more would be waiting rather than multiplying.
const MOST_BANDS: u32 = 32;
/// Filters that are unrolled.
const MOST_TAPS: u32 = 49;
/// Channels, and columns of a map, beyond which no block fits into any card.
const MOST_SIZE: u32 = 4_096;

/// A unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Unit {
    pub precision: Precision,
    pub map: Map,
    pub window: Sliding,
    /// What the depthwise convolution makes.
    pub middle: Map,
    pub outputs: u32,
    pub residual: bool,
    pub activations: [Activation; 3],
}

/// Sizes as the text computes them.
#[derive(Clone, Copy)]
struct Layout {
    middle_each: u32,
    outputs_each: u32,
    /// Of both matrices: bands of rows, rows of each, depth, and row length in memory.
    bands: [u32; 2],
    rows: [u32; 2],
    depths: [u32; 2],
    pixels: [u32; 2],
    /// A block's weights and biases in bytes, and the shared memory for them.
    weights: u64,
    buffers: u64,
    /// Shared memory beside the weights.
    work: u64,
}

impl Unit {
    /// # Errors
    /// Where sizes are too large.
    pub fn checked(self) -> Result<Self, Refusal> {
        launchable("the batch", self.map.batch)?;
        Ok(self)
    }

    /// Whether blocks of it may fit: channels of the input and the output beside those of the depthwise convolution's map.
    pub fn takes(window: &Sliding, middle: &Map, others: [u32; 2]) -> bool {
        let narrow = others.iter().chain([&middle.channels, &middle.width]).all(|&size| size <= MOST_SIZE);
        narrow
            && window.is_close()
            && window.taps() <= MOST_TAPS
            && window.padding.iter().all(|&size| size <= MOST_SIZE)
    }

    /// Whether the card's tensor cores compute it.
    fn tensor(&self) -> bool {
        self.precision != Precision::F32
    }

    fn element(&self) -> u32 {
        if self.precision == Precision::F16 { 2 } else { 4 }
    }

    fn layout(&self, tile: &UnitTile) -> Layout {
        let [middle_each, outputs_each] = [self.middle.channels, self.outputs].map(|all| all.div_ceil(tile.cluster));
        let tensor = self.tensor();
        let (row_multiple, column_multiple) = if tensor { (16, 8) } else { (TM, 4) };
        let depth_multiple = |split: u32| match self.precision {
            Precision::F32 => split,
            Precision::Tf32 => 8,
            // No kernel here computes in 8 bits, and nobody asks for one.
            Precision::F16 | Precision::Bf16 | Precision::Int8 => 16,
        };
        let each = [middle_each, outputs_each];
        let rows = [0, 1].map(|i| each[i].div_ceil(tile.bands[i]).next_multiple_of(row_multiple));
        let bands = [0, 1].map(|i| each[i].div_ceil(rows[i]));
        let depths = [
            self.map.channels.next_multiple_of(depth_multiple(tile.split[0])),
            self.middle.channels.next_multiple_of(depth_multiple(tile.split[1])),
        ];
        let window = &self.window;
        let rows_in = window.stride[0] * (tile.rows - 1) + (window.kernel[0] - 1) * window.dilation[0] + 1;
        let pixels = [rows_in * self.map.width + 3, tile.rows * self.middle.width];
        let pixels = pixels.map(|pixels| pixels.next_multiple_of(column_multiple));
        let reach = (self.middle.width - 1) * window.stride[1] + (window.kernel[1] - 1) * window.dilation[1] + 1;
        let width = reach.max(self.map.width + window.padding[1]);
        let wide = |a: u32, b: u32| u64::from(a) * u64::from(b);
        let element = u64::from(self.element());
        let matrices = [0, 1].map(|i| wide(rows[i], depths[i] + self.beside()) * element);
        let words = wide(middle_each, window.taps() + 2) + u64::from(outputs_each);
        let words = 4 * words.next_multiple_of(4);
        let weights = words + u64::from(bands[0]) * matrices[0] + u64::from(bands[1]) * matrices[1];
        // Two buffers, of a matrix each or for any band.
        let streamed = bands != [1; 2];
        let buffers = words + if streamed { 2 * matrices[0].max(matrices[1]) } else { matrices[0] + matrices[1] };
        let lists = u64::from(self.map.channels + outputs_each * (1 + u32::from(self.residual))).next_multiple_of(4);
        let work = 4 * lists
            + wide(depths[0], self.pitch(pixels[0], tile.split[0])) * element
            + 4 * (wide(middle_each, rows_in) * u64::from(width)).next_multiple_of(4)
            + wide(depths[1], self.pitch(pixels[1], tile.split[1])) * element;
        Layout { middle_each, outputs_each, bands, rows, depths, pixels, weights, buffers, work }
    }

    /// Elements behind each row of a matrix, so that a warp reads different banks.
    fn beside(&self) -> u32 {
        if self.tensor() { 16 / self.element() } else { 0 }
    }

    /// Row length at which a warp reads different banks, as in the text.
    fn pitch(&self, pixels: u32, split: u32) -> u32 {
        let fits = |length: &u32| match (self.precision, split) {
            (Precision::F16 | Precision::Bf16 | Precision::Int8, _) => length / 8 % 2 == 1,
            (Precision::Tf32, _) | (Precision::F32, 4) => matches!(length % 32, 8 | 24),
            (Precision::F32, 1) => true,
            (Precision::F32, 2) => length % 32 == 16,
            (Precision::F32, _) => length % 8 == 4,
        };
        let step = if self.tensor() { 8 } else { 4 };
        (pixels..pixels + 33).step_by(step).find(fits).unwrap_or(pixels)
    }

    /// Bytes of shared memory, with a barrier at the end.
    fn shared(layout: &Layout) -> u64 {
        layout.buffers + layout.work + 16
    }

    /// Best guess first; may be empty: nothing fits into shared memory.
    pub fn variants(&self, card: &Card) -> Vec<Variant> {
        if self.precision == Precision::Tf32 && !card.has_tf32() {
            return Vec::new();
        }
        let mut all = self.fitting(card, 1..=1);
        // Blocks of a cluster share the weights out; without them, and where even theirs are too many, these come in bands.
        if card.cluster == 1 || all.is_empty() {
            all.extend(self.fitting(card, 2..=MOST_BANDS));
        }
        all.sort_by(|(a, _), (b, _)| a.total_cmp(b));
        let mut best: Vec<UnitTile> = Vec::new();
        for (_, tile) in all {
            // Other numbers of threads hardly matter: one is enough for a try.
            let form = |tile: &UnitTile| (tile.cluster, tile.rows, tile.bands != [1; 2]);
            if !best.iter().any(|known| form(known) == form(&tile)) {
                best.push(tile);
            }
        }
        best.truncate(6);
        // The other way to exchange is tried with the best guess only.
        let stores =
            best.first().filter(|tile| tile.transactions).map(|tile| UnitTile { transactions: false, ..*tile });
        best.into_iter().chain(stores).map(Variant::Unit).collect()
    }

    /// Tiles that fit into the card, of as few bands as that takes among `bands`, and a guess at their times.
    fn fitting(&self, card: &Card, bands: RangeInclusive<u32>) -> Vec<(f64, UnitTile)> {
        let mut all = Vec::new();
        for cluster in [1, 2, 4, 8, 16].into_iter().filter(|&cluster| cluster <= card.cluster) {
            for rows in [1, 2, 4, 7, 8].into_iter().filter(|&rows| rows <= self.middle.height) {
                for threads in [256, 288, 384] {
                    all.extend(bands.clone().find_map(|bands| {
                        let (split, bands) = ([1; 2], [bands; 2]);
                        let mut tile = UnitTile { cluster, rows, threads, split, bands, transactions: cluster > 1 };
                        // Rows come in whole tiles: there may be fewer bands of them.
                        tile.bands = self.layout(&tile).bands;
                        tile.split = self.split(&tile);
                        let layout = self.layout(&tile);
                        let fits = Self::shared(&layout) <= u64::from(card.shared_bytes);
                        fits.then(|| (self.time(&tile, &layout, card), tile))
                    }));
                }
            }
        }
        all
    }

    /// As many lanes share a sum as there are threads for: tiles are few.
    fn split(&self, tile: &UnitTile) -> [u32; 2] {
        if self.tensor() {
            return [1; 2];
        }
        let layout = self.layout(tile);
        [0, 1].map(|i| {
            let items = u64::from(layout.rows[i] / TM) * u64::from(layout.pixels[i] / 4);
            let most = u64::from(tile.threads) + 32;
            [16, 8, 4, 2].into_iter().find(|&split| items * u64::from(split) <= most).unwrap_or(1)
        })
    }

    /// Cycles, roughly.
    fn time(&self, tile: &UnitTile, layout: &Layout, card: &Card) -> f64 {
        let clusters = self.middle.height.div_ceil(tile.rows) * self.map.batch;
        let resident = (f64::from(card.shared_bytes) / Self::shared(layout) as f64).floor().clamp(1.0, 4.0);
        let blocks = f64::from(clusters) * f64::from(tile.cluster);
        let rounds = (blocks / f64::from(card.multiprocessors.max(1))).ceil();
        let band = |i: usize| {
            let size = f64::from(layout.rows[i]) * f64::from(layout.pixels[i]) * f64::from(layout.depths[i]);
            if self.tensor() {
                // Warps take tiles of 16 x 8 in turns, each step of the depth after the other.
                let tiles = f64::from(layout.rows[i] / 16) * f64::from(layout.pixels[i] / 8);
                let turns = (tiles / f64::from(tile.threads / 32)).ceil();
                return size / 512.0 + turns * f64::from(layout.depths[i]) * 4.0;
            }
            let items = f64::from(layout.rows[i] / TM) * f64::from(layout.pixels[i] / 4 * tile.split[i]);
            // Threads take items in turns: 16 products a step, about half of the peak.
            let turns = (items / f64::from(tile.threads)).ceil() * f64::from(tile.threads);
            turns * f64::from(layout.depths[i] / tile.split[i]) * 16.0 / (128.0 * 0.5)
        };
        let products = |i: usize| f64::from(layout.bands[i]) * band(i);
        // What fits comes before the products, the rest meanwhile; each band waits for all threads twice.
        let streamed = (layout.weights as f64 - layout.buffers as f64).max(0.0) / 40.0;
        let waits = if layout.bands == [1; 2] { 0.0 } else { 300.0 * f64::from(layout.bands.iter().sum::<u32>()) };
        let multiplied = (products(0) + products(1)).max(streamed) + waits;
        let loaded = (layout.buffers.min(layout.weights) as f64
            + f64::from(self.map.channels) * f64::from(layout.pixels[0] * self.element()))
            / 40.0;
        let filtered =
            f64::from(layout.middle_each) * f64::from(layout.pixels[1] * (self.window.taps() + tile.cluster)) / 64.0;
        let latency = 4_000.0 + if tile.cluster > 1 { 1_000.0 + 60.0 * f64::from(tile.cluster) } else { 0.0 };
        rounds * (multiplied + filtered + loaded) + (rounds / resident).ceil() * latency
    }

    pub fn source(&self, variant: Variant) -> Option<Source> {
        let Variant::Unit(tile) = variant else { return None };
        let layout = self.layout(&tile);
        let shared = u32::try_from(Self::shared(&layout)).ok()?;
        let mut constants = vec![
            half(self.precision),
            ("THREADS", i64::from(tile.threads)),
            ("CLUSTER", tile.cluster.into()),
            ("TILE_H", tile.rows.into()),
            ("TENSOR", self.tensor().into()),
            ("SPLIT1", tile.split[0].into()),
            ("SPLIT2", tile.split[1].into()),
            ("BAND1", layout.rows[0].into()),
            ("BAND2", layout.rows[1].into()),
            ("ASYNC_EXCHANGE", (tile.transactions && tile.cluster > 1).into()),
            ("INPUTS", self.map.channels.into()),
            ("MIDDLE", self.middle.channels.into()),
            ("OUTPUTS", self.outputs.into()),
            ("IN_H", self.map.height.into()),
            ("IN_W", self.map.width.into()),
            ("OUT_H", self.middle.height.into()),
            ("OUT_W", self.middle.width.into()),
            ("RESIDUAL", self.residual.into()),
        ];
        constants.extend(self.window.define());
        let [first, middle, last] = self.activations;
        for (names, of) in [(FIRST, first), (MIDDLE, middle), (STORED, last)] {
            constants.extend(activation(names, of));
        }
        let tiles = self.middle.height.div_ceil(tile.rows);
        Some(Source {
            entry: "unit",
            constants,
            sizes: vec![("IMAGES", self.map.batch.into())],
            grid: [tiles * tile.cluster, self.map.batch, 1],
            block: tile.threads,
            cluster: tile.cluster,
            shared,
            weights: true,
            second: self.residual,
            parts: PARTS,
        })
    }

    /// Each block's weights and biases: 32-bit values (filters, biases of all three), then bands of rows of both pointwise
    /// convolutions, `[depth][rows]` each (`[rows][depth]` for tensor cores).
    pub fn pack(&self, variant: Variant, parameters: &[Parameters<'_>]) -> Option<Vec<u8>> {
        let (Variant::Unit(tile), [first, filters, last, ..]) = (variant, parameters) else { return None };
        let layout = self.layout(&tile);
        let [inputs, middle, outputs] =
            [self.map.channels, self.middle.channels, self.outputs].map(|size| size as usize);
        let taps = self.window.taps() as usize;
        let mut packed = Packed::default();
        for rank in 0..tile.cluster {
            // Channel `i` of the block, where there is one.
            let mine = |each: u32, all: usize, i: usize| {
                let channel = (rank * each) as usize + i;
                (i < each as usize && channel < all).then_some(channel)
            };
            let each = layout.middle_each as usize;
            let filter = |e: usize| {
                let at = mine(layout.middle_each, middle, e / taps).map(|channel| channel * taps + e % taps);
                at.and_then(|at| filters.filters.get(at).copied()).unwrap_or(0.0)
            };
            let mut words: Vec<f32> = (0..each * taps).map(filter).collect();
            for (weights, each, all) in [
                (first, layout.middle_each, middle),
                (filters, layout.middle_each, middle),
                (last, layout.outputs_each, outputs),
            ] {
                let bias = |i| mine(each, all, i).and_then(|c| weights.bias.get(c).copied()).unwrap_or(0.0);
                words.extend((0..each as usize).map(bias));
            }
            words.resize(words.len().next_multiple_of(4), 0.0);
            packed.floats(words);
            for (weights, depth, each, all, i) in
                [(first, inputs, layout.middle_each, middle, 0), (last, middle, layout.outputs_each, outputs, 1)]
            {
                let value = |row: usize, k: usize| {
                    let at = mine(each, all, row).filter(|_| k < depth).map(|row| row * depth + k);
                    at.and_then(|at| weights.filters.get(at).copied()).unwrap_or(0.0)
                };
                let (rows, depths) = (layout.rows[i] as usize, layout.depths[i] as usize);
                for top in (0..layout.bands[i] as usize).map(|band| band * rows) {
                    if self.tensor() {
                        let length = depths + self.beside() as usize;
                        let of_band = (0..rows * length).map(|e| value(top + e / length, e % length));
                        packed.elements(self.precision, of_band);
                    } else {
                        packed.elements(self.precision, (0..rows * depths).map(|e| value(top + e % rows, e / rows)));
                    }
                }
            }
        }
        Some(packed.into_bytes())
    }
}
