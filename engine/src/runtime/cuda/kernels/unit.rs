//! Pointwise, depthwise, pointwise in one launch: the body of ShuffleNet's and MobileNet's units.

use super::card::Card;
use super::geometry::{Map, Sliding, launchable};
use super::pack::Packed;
use super::source::{COMMON, activation, half};
use super::variant::{UnitTile, Variant};
use super::{Parameters, Refusal, Source};
use crate::graph::Activation;
use crate::runtime::Precision;

const PARTS: &[&str] = &[COMMON, include_str!("../sources/unit.cu")];
/// Rows of a thread's tile in both pointwise convolutions.
const TM: u32 = 4;
/// Filters that are unrolled.
const MOST_TAPS: u32 = 49;

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
    rows: [u32; 2],
    depths: [u32; 2],
    pixels: [u32; 2],
    /// A block's weights and biases in words, and its shared memory behind them.
    words: u64,
    work: u64,
}

impl Unit {
    /// # Errors
    /// Where sizes are too large.
    pub fn checked(self) -> Result<Self, Refusal> {
        launchable("the batch", self.map.batch)?;
        Ok(self)
    }

    pub fn takes(window: &Sliding) -> bool {
        window.taps() <= MOST_TAPS
    }

    fn layout(&self, tile: &UnitTile) -> Layout {
        let [middle_each, outputs_each] = [self.middle.channels, self.outputs].map(|all| all.div_ceil(tile.cluster));
        let rows = [middle_each, outputs_each].map(|each| each.next_multiple_of(TM));
        let depths = [
            self.map.channels.next_multiple_of(tile.split[0]),
            self.middle.channels.next_multiple_of(tile.split[1]),
        ];
        let window = &self.window;
        let rows_in = window.stride[0] * (tile.rows - 1) + (window.kernel[0] - 1) * window.dilation[0] + 1;
        let pixels =
            [(rows_in * self.map.width + 3).next_multiple_of(4), (tile.rows * self.middle.width).next_multiple_of(4)];
        let reach = (self.middle.width - 1) * window.stride[1] + (window.kernel[1] - 1) * window.dilation[1] + 1;
        let width = reach.max(self.map.width + window.padding[1]);
        let wide = |a: u32, b: u32| u64::from(a) * u64::from(b);
        let weights = wide(depths[0], rows[0]) + wide(depths[1], rows[1]) + wide(middle_each, window.taps() + 2);
        let words = (weights + u64::from(outputs_each)).next_multiple_of(4);
        let lists = u64::from(self.map.channels + outputs_each * (1 + u32::from(self.residual))).next_multiple_of(4);
        let work = lists
            + wide(depths[0], pitch(pixels[0], tile.split[0]))
            + (wide(middle_each, rows_in) * u64::from(width)).next_multiple_of(4)
            + wide(depths[1], pitch(pixels[1], tile.split[1]));
        Layout { middle_each, outputs_each, rows, depths, pixels, words, work }
    }

    /// Bytes of shared memory, with a barrier at the end.
    fn shared(layout: &Layout) -> u64 {
        4 * (layout.words + layout.work) + 16
    }

    /// Best guess first; may be empty: nothing fits into shared memory.
    pub fn variants(&self, card: &Card) -> Vec<Variant> {
        let mut all: Vec<(f64, UnitTile)> = Vec::new();
        for cluster in [1, 2, 4, 8, 16].into_iter().filter(|&cluster| cluster <= card.cluster) {
            for rows in [1, 2, 4, 7, 8].into_iter().filter(|&rows| rows <= self.middle.height) {
                for threads in [256, 288, 384] {
                    let mut tile = UnitTile { cluster, rows, threads, split: [1; 2], transactions: cluster > 1 };
                    let layout = self.layout(&tile);
                    // Lanes share a sum where there are too few of them for all threads.
                    tile.split = [0, 1].map(|i| {
                        let items = layout.rows[i] / TM * (layout.pixels[i] / 4);
                        [16, 8, 4, 2].into_iter().find(|split| items * split <= threads + 32).unwrap_or(1)
                    });
                    let layout = self.layout(&tile);
                    if Self::shared(&layout) <= u64::from(card.shared_bytes) {
                        all.push((self.time(&tile, &layout, card), tile));
                    }
                }
            }
        }
        all.sort_by(|(a, _), (b, _)| a.total_cmp(b));
        let mut best: Vec<UnitTile> = Vec::new();
        for (_, tile) in all {
            // Other numbers of threads hardly matter: one is enough for a try.
            if !best.iter().any(|known| (known.cluster, known.rows) == (tile.cluster, tile.rows)) {
                best.push(tile);
            }
        }
        best.truncate(6);
        best.into_iter().map(Variant::Unit).collect()
    }

    /// Cycles, roughly.
    fn time(&self, tile: &UnitTile, layout: &Layout, card: &Card) -> f64 {
        let clusters = self.middle.height.div_ceil(tile.rows) * self.map.batch;
        let resident = (f64::from(card.shared_bytes) / Self::shared(layout) as f64).floor().clamp(1.0, 4.0);
        let blocks = f64::from(clusters) * f64::from(tile.cluster);
        let rounds = (blocks / f64::from(card.multiprocessors.max(1))).ceil();
        let products = |i: usize| {
            let items = layout.rows[i] / TM * (layout.pixels[i] / 4) * tile.split[i];
            // Threads take items in turns: 16 products a step, about half of the peak.
            f64::from(items.div_ceil(tile.threads)) * f64::from(tile.threads) * f64::from(layout.depths[i] / tile.split[i])
                * 16.0
                / (128.0 * 0.5)
        };
        let loaded = (layout.words as f64 * 4.0 + f64::from(self.map.channels * layout.pixels[0]) * 4.0) / 40.0;
        let filtered = f64::from(layout.middle_each * layout.pixels[1] * (self.window.taps() + tile.cluster)) / 64.0;
        let latency = 4_000.0 + if tile.cluster > 1 { 1_000.0 + 60.0 * f64::from(tile.cluster) } else { 0.0 };
        rounds * (products(0) + products(1) + filtered + loaded) + (rounds / resident).ceil() * latency
    }

    pub fn source(&self, variant: Variant) -> Option<Source> {
        let Variant::Unit(tile) = variant else { return None };
        let layout = self.layout(&tile);
        let shared = u32::try_from(Self::shared(&layout)).ok()?;
        let [first, middle, last] = self.activations.map(activation);
        let mut constants = vec![
            half(self.precision),
            ("THREADS", i64::from(tile.threads)),
            ("CLUSTER", tile.cluster.into()),
            ("TILE_H", tile.rows.into()),
            ("TM1", TM.into()),
            ("TM2", TM.into()),
            ("SPLIT1", tile.split[0].into()),
            ("SPLIT2", tile.split[1].into()),
            ("ASYNC_EXCHANGE", (tile.transactions && tile.cluster > 1).into()),
            ("INPUTS", self.map.channels.into()),
            ("MIDDLE", self.middle.channels.into()),
            ("OUTPUTS", self.outputs.into()),
            ("IN_H", self.map.height.into()),
            ("IN_W", self.map.width.into()),
            ("OUT_H", self.middle.height.into()),
            ("OUT_W", self.middle.width.into()),
            ("FIRST_ACTIVATION", first),
            ("MIDDLE_ACTIVATION", middle),
            ("ACTIVATION", last),
            ("RESIDUAL", self.residual.into()),
        ];
        constants.extend(self.window.define());
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

    /// Each block's weights and biases, 32-bit values: `[depth][rows]` of both pointwise convolutions, filters, biases of all three.
    pub fn pack(&self, variant: Variant, parameters: &[Parameters<'_>]) -> Option<Vec<u8>> {
        let (Variant::Unit(tile), [first, filters, last, ..]) = (variant, parameters) else { return None };
        let layout = self.layout(&tile);
        let [inputs, middle, outputs] = [self.map.channels, self.middle.channels, self.outputs].map(|size| size as usize);
        let taps = self.window.taps() as usize;
        let mut packed = Packed::default();
        for rank in 0..tile.cluster {
            let mut words = Vec::with_capacity(layout.words as usize);
            let mine = |each: u32, all: usize| {
                let start = (rank * each) as usize;
                (0..each as usize).map(move |i| (start + i < all).then_some(start + i))
            };
            for (weights, depth, each, all, i) in
                [(first, inputs, layout.middle_each, middle, 0), (last, middle, layout.outputs_each, outputs, 1)]
            {
                let rounded = layout.rows[i] as usize - each as usize;
                for k in 0..layout.depths[i] as usize {
                    let value = |row: usize| weights.filters.get(row * depth + k).copied().unwrap_or(0.0);
                    words.extend(mine(each, all).map(|row| row.filter(|_| k < depth).map_or(0.0, value)));
                    words.resize(words.len() + rounded, 0.0);
                }
            }
            for channel in mine(layout.middle_each, middle) {
                let at = |tap| channel.and_then(|c| filters.filters.get(c * taps + tap).copied()).unwrap_or(0.0);
                words.extend((0..taps).map(at));
            }
            for (weights, each, all) in [
                (first, layout.middle_each, middle),
                (filters, layout.middle_each, middle),
                (last, layout.outputs_each, outputs),
            ] {
                words.extend(mine(each, all).map(|c| c.and_then(|c| weights.bias.get(c).copied()).unwrap_or(0.0)));
            }
            words.resize(layout.words as usize, 0.0);
            packed.floats(words);
        }
        Some(packed.into_bytes())
    }
}

/// Row length at which `split` neighbouring lanes on as many rows read different banks, as in the text.
fn pitch(pixels: u32, split: u32) -> u32 {
    let fits = |length: &u32| match split {
        1 => true,
        2 => length % 32 == 16,
        4 => matches!(length % 32, 8 | 24),
        _ => length % 8 == 4,
    };
    let from = pixels.next_multiple_of(4);
    (from..from + 33).step_by(4).find(fits).unwrap_or(from)
}
