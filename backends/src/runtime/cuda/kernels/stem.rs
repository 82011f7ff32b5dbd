//! A convolution of few channels, with the max-pool after it where there is one.

use super::geometry::{Map, Sliding, launchable};
use super::pack::{Packed, bias_of, room};
use super::source::{COMMON, FIRST, STORED, activation, half};
use super::variant::Variant;
use super::{Card, Parameters, Refusal, Source};
use crate::graph::Activation;
use crate::runtime::Precision;

const PARTS: &[&str] = &[COMMON, include_str!("../sources/stem.cu")];
/// Rows of filters are rounded up to this many channels.
const ROWS: u32 = 32;
/// Products of one output.
const MOST_TAPS: u32 = 256;
const MOST_CHANNELS: u32 = 4;

/// A stem.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Stem {
    pub precision: Precision,
    pub window: Sliding,
    pub map: Map,
    /// The convolution's output.
    pub convolved: Map,
    /// The max-pool, what it makes and the activation behind it.
    pub pool: Option<(Sliding, Map, Activation)>,
    pub residual: bool,
    pub activation: Activation,
}

impl Stem {
    /// Whether a convolution is one for this kernel.
    pub fn takes(window: &Sliding, map: &Map, groups: u32) -> bool {
        let few = groups == 1 && map.channels <= MOST_CHANNELS;
        few && window.is_close() && window.taps() > 1 && window.taps() * map.channels <= MOST_TAPS
    }

    /// # Errors
    /// Where the batch is too large.
    pub fn checked(self) -> Result<Self, Refusal> {
        launchable("the batch", self.map.batch)?;
        Ok(self)
    }

    fn output(&self) -> Map {
        self.pool.map_or(self.convolved, |(_, output, _)| output)
    }

    /// Rows and columns of the convolution, and of the input, that a tile needs.
    fn tiles(&self, tile: [u32; 2]) -> [[u32; 2]; 2] {
        let reach = |window: &Sliding, tile: [u32; 2]| {
            [0, 1].map(|axis| {
                (tile[axis] - 1) * window.stride[axis] + (window.kernel[axis] - 1) * window.dilation[axis] + 1
            })
        };
        let convolved = self.pool.map_or(tile, |(window, ..)| reach(&window, tile));
        [convolved, reach(&self.window, convolved)]
    }

    fn shared(&self, tile: [u32; 2], channels: u32) -> u64 {
        let [convolved, input] = self.tiles(tile).map(|[height, width]| u64::from(height) * u64::from(width));
        let (each, taps) = (u64::from(channels), u64::from(self.window.taps()) * u64::from(self.map.channels));
        let kept = if self.pool.is_some() { each * convolved } else { 0 };
        ((taps + 1) * each + kept + u64::from(self.map.channels) * input).saturating_mul(4).next_multiple_of(16)
    }

    pub fn variants(&self, card: &Card) -> Vec<Variant> {
        let few = self.map.batch < 4;
        // `[rows, columns, channels, threads]`
        let tiles: &[[u32; 4]] = match (self.pool.is_some(), few) {
            (true, true) => &[[4, 8, 12, 160], [4, 14, 12, 288], [4, 8, 8, 160], [2, 14, 12, 160], [4, 8, 16, 160]],
            (true, false) => &[[8, 14, 24, 256], [4, 14, 24, 288], [4, 14, 12, 288], [8, 28, 12, 256], [4, 8, 16, 160]],
            (false, true) => &[[8, 16, 8, 128], [4, 16, 16, 64], [8, 16, 16, 128], [8, 32, 8, 256]],
            (false, false) => &[[8, 32, 16, 256], [8, 32, 32, 256], [16, 32, 8, 256], [8, 16, 16, 128]],
        };
        let fits = |&&[height, width, channels, _]: &&[u32; 4]| {
            self.shared([height, width], channels) <= u64::from(card.shared_bytes)
        };
        let of =
            |&[height, width, channels, threads]: &[u32; 4]| Variant::Stem { tile: [height, width], channels, threads };
        let small = [1, 1, 4, 32];
        let mut all: Vec<Variant> = tiles.iter().filter(fits).map(of).collect();
        if all.is_empty() && fits(&&small) {
            all.push(of(&small));
        }
        all
    }

    pub fn source(&self, variant: Variant) -> Option<Source> {
        let Variant::Stem { tile, channels, threads } = variant else { return None };
        let shared = u32::try_from(self.shared(tile, channels)).ok()?;
        let mut constants = vec![
            half(self.precision),
            ("THREADS", i64::from(threads)),
            ("TILE_H", tile[0].into()),
            ("TILE_W", tile[1].into()),
            ("CHANNELS_EACH", channels.into()),
            ("CHANNELS", self.map.channels.into()),
            ("UNROLLED_TAPS", self.window.taps().min(9).into()),
            ("POOLED", self.pool.is_some().into()),
        ];
        constants.extend(self.window.define().into_iter().filter(|(name, _)| !name.starts_with("PAD")));
        let mut sizes: Vec<(&'static str, i64)> =
            self.window.define().into_iter().filter(|(name, _)| name.starts_with("PAD")).collect();
        let (pool, last) = self.pool.map_or((Sliding::POINT, self.activation), |(window, _, last)| (window, last));
        sizes.extend(activation(FIRST, self.activation));
        sizes.extend(activation(STORED, last));
        sizes.push(("RESIDUAL", self.residual.into()));
        for (name, value) in [
            ("POOL_H", pool.kernel[0]),
            ("POOL_W", pool.kernel[1]),
            ("POOL_STRIDE_H", pool.stride[0]),
            ("POOL_STRIDE_W", pool.stride[1]),
            ("POOL_DILATION_H", pool.dilation[0]),
            ("POOL_DILATION_W", pool.dilation[1]),
        ] {
            constants.push((name, value.into()));
        }
        sizes.extend([("POOL_PAD_H", i64::from(pool.padding[0])), ("POOL_PAD_W", pool.padding[1].into())]);
        sizes.extend([("CONV_H", i64::from(self.convolved.height)), ("CONV_W", self.convolved.width.into())]);
        let (output, inputs) = (self.output(), i64::from(self.map.channels));
        sizes.extend([
            ("ROWS", i64::from(output.channels)),
            ("W_ROW", self.row().into()),
            ("BIAS_AT", self.bias_at() as i64),
            ("OUTPUT_LIST", inputs),
            ("SECOND_LIST", inputs + i64::from(output.channels)),
            ("IN_H", self.map.height.into()),
            ("IN_W", self.map.width.into()),
            ("OUT_H", output.height.into()),
            ("OUT_W", output.width.into()),
        ]);
        let tiles = output.height.div_ceil(tile[0]) * output.width.div_ceil(tile[1]);
        Some(Source {
            entry: "stem",
            constants,
            sizes,
            grid: [tiles, output.channels.div_ceil(channels), self.map.batch],
            block: threads,
            cluster: 1,
            shared,
            weights: true,
            second: self.residual,
            parts: PARTS,
        })
    }

    fn row(&self) -> u32 {
        self.convolved.channels.next_multiple_of(ROWS)
    }

    fn bias_at(&self) -> u64 {
        room(u64::from(self.row()) * u64::from(self.map.channels * self.window.taps()), 4)
    }

    /// Filters `[channel * taps + tap][out]`, rows rounded up with zeros; biases; all 32-bit values.
    pub fn pack(&self, parameters: &[Parameters<'_>]) -> Option<Vec<u8>> {
        let last = parameters.first()?;
        let (row, products) = (self.row() as usize, (self.map.channels * self.window.taps()) as usize);
        let outputs = self.convolved.channels as usize;
        let value = |tap: usize, out: usize| {
            if out < outputs { last.filters.get(out * products + tap).copied().unwrap_or(0.0) } else { 0.0 }
        };
        let mut packed = Packed::default();
        packed.floats((0..products).flat_map(|tap| (0..row).map(move |out| value(tap, out))));
        packed.floats(bias_of(last.bias, outputs));
        Some(packed.into_bytes())
    }
}
