//! Convolutions and fully connected layers as one product, also with a depthwise convolution before it or a mean behind it.

use super::geometry::{Map, Sliding, fits, launchable};
use super::matmul_tiles::{self, Problem};
use super::pack::{Packed, bias_of, room};
use super::source::{COMMON, FIRST, LAST, STORED, activation, half};
use super::variant::{FmaTile, TensorTile, Variant};
use super::{Card, Parameters, Refusal, Source};
use crate::graph::Activation;
use crate::runtime::Precision;

const FMA: &[&str] = &[COMMON, include_str!("../sources/multiply_fma.cuh"), include_str!("../sources/matmul.cu")];
const TENSOR: &[&str] = &[COMMON, include_str!("../sources/multiply_tensor.cuh"), include_str!("../sources/matmul.cu")];

/// Depths are packed up to a multiple of this, rows to one of [`ROWS`].
const DEPTH: u32 = 32;
const ROWS: u32 = 128;
/// What a stem's many taps, or a fully connected layer's inputs, may take of shared memory with their offsets.
const MOST_LISTED: u32 = 8192;

/// What the columns are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Input {
    /// A channel's plane.
    Planes,
    /// Windows of a convolution.
    Windows(Sliding),
    /// Features of a flattened map, so many elements from image to image.
    Strided(u32),
    /// A depthwise convolution of the channels.
    Depthwise(Sliding, Activation),
}

/// A product's sizes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Matmul {
    pub precision: Precision,
    pub input: Input,
    /// The map read; of a flattened one only batch and channels count.
    pub map: Map,
    /// The map made, before the mean where there is one.
    pub output: Map,
    pub groups: u32,
    pub residual: bool,
    pub activation: Activation,
    /// The activation behind the mean.
    pub mean: Option<Activation>,
}

/// Tiles that differ in more than the depth of a stage, at most as many as are worth a try each.
pub(super) fn apart(tiles: Vec<Variant>) -> Vec<Variant> {
    const MOST: usize = 8;
    // Of one thread's or warp's tile: the estimate is least sure of how those compare with others.
    const MOST_ALIKE: usize = 3;
    let shape = |variant: &Variant| match variant {
        Variant::Fma(tile) => Some((tile.block, tile.thread, tile.cluster)),
        Variant::Tensor(tile) => Some((tile.block, tile.warp, tile.cluster)),
        _ => None,
    };
    let mut best: Vec<Variant> = Vec::new();
    for tile in tiles {
        let of = |variant: &Variant| shape(variant).map(|(_, part, cluster)| (part, cluster));
        let alike = best.iter().filter(|known| of(known) == of(&tile)).count();
        if best.len() < MOST && alike < MOST_ALIKE && !best.iter().any(|known| shape(known) == shape(&tile)) {
            best.push(tile);
        }
    }
    best
}

impl Matmul {
    /// # Errors
    /// Where sizes are too large.
    pub fn checked(self) -> Result<Self, Refusal> {
        launchable("the number of groups", self.groups)?;
        launchable("the number of blocks of output channels", self.rows().div_ceil(8))?;
        let weights = u64::from(self.depth_room()) * u64::from(self.row_room()) * u64::from(self.groups);
        fits("a convolution's weights in bytes", weights * self.precision.bytes())?;
        Ok(self)
    }

    /// Output channels of a group.
    fn rows(&self) -> u32 {
        self.output.channels / self.groups
    }

    /// Input channels of a group.
    fn channels(&self) -> u32 {
        self.map.channels / self.groups
    }

    /// What a row of weights has.
    fn depth(&self) -> u32 {
        match self.input {
            Input::Windows(window) => self.channels() * window.taps(),
            Input::Planes | Input::Strided(_) | Input::Depthwise(..) => self.channels(),
        }
    }

    fn depth_room(&self) -> u32 {
        self.depth().next_multiple_of(DEPTH)
    }

    fn row_room(&self) -> u32 {
        self.rows().next_multiple_of(ROWS)
    }

    /// Offsets of a group's inputs that a block keeps.
    fn listed(&self) -> u32 {
        if matches!(self.input, Input::Windows(_)) { self.channels() } else { self.depth() }
    }

    fn element(&self) -> u32 {
        if self.precision == Precision::F16 { 2 } else { 4 }
    }

    /// Best guess first; may be empty: a list too long for shared memory.
    pub fn variants(&self, card: &Card) -> Vec<Variant> {
        if self.listed() > MOST_LISTED || (self.precision == Precision::Tf32 && !card.has_tf32()) {
            return Vec::new();
        }
        let problem = Problem {
            rows: self.rows(),
            columns: self.output.plane(),
            depth: self.depth(),
            groups: self.groups,
            images: self.output.batch,
            mean: self.mean.map(|_| self.output.pixels()),
            gathered: matches!(self.input, Input::Windows(_) | Input::Strided(_)),
            depthwise: matches!(self.input, Input::Depthwise(..)),
            tensor: self.precision != Precision::F32,
        };
        let mut tiles = matmul_tiles::tiles(&problem, card);
        tiles.retain(|variant| self.shared(*variant).is_some_and(|bytes| bytes <= u64::from(card.shared_bytes)));
        apart(tiles)
    }

    /// Tiles whose texts for many shapes are compiled beforehand: a small and a large one, or only one where columns are gathered.
    pub fn portable(&self, card: &Card) -> Vec<Variant> {
        if self.mean.is_some() || matches!(self.input, Input::Depthwise(..)) || self.listed() > MOST_LISTED {
            return Vec::new();
        }
        let tiles = match self.precision {
            Precision::F32 => matmul_tiles::PORTABLE_FMA.map(Variant::Fma),
            Precision::F16 => matmul_tiles::PORTABLE_TENSOR.map(Variant::Tensor),
            Precision::Tf32 | Precision::Bf16 | Precision::Int8 => return Vec::new(),
        };
        let fits = |variant: &Variant| self.shared(*variant).is_some_and(|bytes| bytes <= u64::from(card.shared_bytes));
        let mut tiles: Vec<Variant> = tiles.into_iter().filter(fits).collect();
        match self.input {
            Input::Planes if self.output.plane() > 4_096 => tiles.reverse(),
            Input::Planes => {}
            Input::Windows(_) | Input::Strided(_) | Input::Depthwise(..) => tiles.truncate(1),
        }
        tiles
    }

    /// Bytes of shared memory, as the text lays it out.
    fn shared(&self, variant: Variant) -> Option<u64> {
        let element = u64::from(self.element());
        let (weights, pitch, staged, sums, [rows, _]) = match variant {
            Variant::Fma(FmaTile { block: [m, n], depth, stages, split, .. }) if self.precision == Precision::F32 => {
                (depth * m, n, (depth, stages), split * m * n, [m, n])
            }
            Variant::Tensor(TensorTile { block: [m, n], depth, stages, .. }) if self.precision != Precision::F32 => {
                (m * (depth + 16 / self.element()), self.tensor_pitch(n), (depth, stages), m * (n + 8), [m, n])
            }
            _ => return None,
        };
        let (depth, stages) = staged;
        let depthwise = match self.input {
            Input::Depthwise(window, _) => Some(u64::from(window.taps() + 1) * u64::from(self.depth())),
            _ => None,
        };
        let input = if depthwise.is_some() { 0 } else { depth * pitch };
        let stage = u64::from(stages) * u64::from(weights + input) * element;
        let kept =
            depthwise.map_or(0, |_| u64::from(self.depth().next_multiple_of(depth)) * u64::from(pitch) * element);
        let lists = u64::from(12 * rows).next_multiple_of(16);
        let words = depthwise.unwrap_or(0) + u64::from(self.listed());
        Some((lists + stage.max(u64::from(sums) * 4) + kept + 4 * words).next_multiple_of(16))
    }

    const fn tensor_pitch(&self, columns: u32) -> u32 {
        if matches!(self.precision, Precision::F16) {
            if columns / 8 % 2 == 1 { columns } else { columns + 8 }
        } else if columns % 32 == 8 || columns % 32 == 24 {
            columns
        } else {
            columns + 8
        }
    }

    /// The text for a variant; `None` where it is one of another kernel.
    pub fn source(&self, variant: Variant) -> Option<Source> {
        let shared = u32::try_from(self.shared(variant)?).ok()?;
        let mut constants = self.constants();
        let ([m, n], cluster, block, parts) = match variant {
            Variant::Fma(tile) => {
                let FmaTile { block: [m, n], thread: [tm, tn], depth, stages, split, cluster } = tile;
                constants.extend([("TENSOR", 0), ("TM", tm.into()), ("TN", tn.into()), ("KSPLIT", split.into())]);
                constants.extend([("BK", depth.into()), ("STAGES", stages.into())]);
                ([m, n], cluster, tile.threads(), FMA)
            }
            Variant::Tensor(tile) => {
                let TensorTile { block: [m, n], warp: [wm, wn], depth, stages, cluster } = tile;
                constants.extend([("TENSOR", 1), ("WM", wm.into()), ("WN", wn.into())]);
                constants.extend([("BK", depth.into()), ("STAGES", stages.into())]);
                ([m, n], cluster, tile.threads(), TENSOR)
            }
            _ => return None,
        };
        constants.extend([("BM", m.into()), ("BN", n.into()), ("CLUSTER", cluster.into()), ("THREADS", block.into())]);
        let tiles = if self.mean.is_some() { self.output.batch } else { self.output.plane().div_ceil(n) };
        let grid = [tiles.checked_mul(cluster)?, self.rows().div_ceil(m), self.groups];
        let (sizes, second) = (self.sizes(), self.residual);
        Some(Source { entry: "matmul", constants, sizes, grid, block, cluster, shared, weights: true, second, parts })
    }

    fn constants(&self) -> Vec<(&'static str, i64)> {
        let input = match self.input {
            Input::Planes => 0,
            Input::Windows(_) => 1,
            Input::Strided(_) => 2,
            Input::Depthwise(..) => 3,
        };
        vec![half(self.precision), ("INPUT", input), ("MEAN", self.mean.is_some().into())]
    }

    fn sizes(&self) -> Vec<(&'static str, i64)> {
        let (window, stride) = match self.input {
            Input::Windows(window) | Input::Depthwise(window, _) => (window, 0),
            Input::Strided(stride) => (Sliding::POINT, stride),
            Input::Planes => (Sliding::POINT, 0),
        };
        let tensor = self.precision != Precision::F32;
        let row = if tensor { self.depth_room() } else { self.row_room() };
        let first = if let Input::Depthwise(_, first) = self.input { first } else { Activation::None };
        let mut sizes = vec![
            ("RESIDUAL", i64::from(self.residual)),
            ("DEPTH", i64::from(self.depth())),
            ("CHANNELS", self.channels().into()),
            ("ROWS", self.rows().into()),
            ("COLUMNS", self.output.plane().into()),
            ("W_ROW", row.into()),
            ("W_GROUP", i64::from(self.depth_room()) * i64::from(self.row_room())),
            ("BIAS_AT", self.bias_at() as i64),
            ("DEPTHWISE_AT", self.depthwise_at() as i64),
            ("OUTPUT_LIST", self.map.channels.into()),
            ("SECOND_LIST", i64::from(self.map.channels) + i64::from(self.output.channels)),
            ("IMAGE_STRIDE", stride.into()),
            ("IN_H", self.map.height.into()),
            ("IN_W", self.map.width.into()),
            ("OUT_W", self.output.width.into()),
            ("OUT_PIXELS", self.output.pixels().into()),
        ];
        sizes.extend(activation(STORED, self.activation));
        sizes.extend(activation(FIRST, first));
        sizes.extend(activation(LAST, self.mean.unwrap_or(Activation::None)));
        sizes.extend(window.define());
        sizes
    }

    fn bias_at(&self) -> u64 {
        let weights = u64::from(self.groups) * u64::from(self.depth_room()) * u64::from(self.row_room());
        room(weights, self.element().into())
    }

    fn depthwise_at(&self) -> u64 {
        self.bias_at() + room(self.output.channels.into(), 4)
    }

    /// Weights `[group][depth][rows]`, or `[group][rows][depth]` for tensor cores, rounded up with zeros; biases; filters and
    /// biases of the depthwise convolution. `parameters`: of the depthwise convolution where there is one, and the product's.
    pub fn pack(&self, parameters: &[Parameters<'_>]) -> Option<Vec<u8>> {
        let (first, last) = match (self.input, parameters) {
            (Input::Depthwise(..), [first, last, ..]) => (Some(first), last),
            (Input::Depthwise(..), _) => return None,
            (_, [last, ..]) => (None, last),
            (_, []) => return None,
        };
        let [rows, depth, channels] = [self.rows(), self.depth(), self.channels()].map(|size| size as usize);
        let (row_room, depth_room) = (self.row_room() as usize, self.depth_room() as usize);
        let taps = depth / channels;
        let weight = |group: usize, row: usize, k: usize| {
            // Taps come before channels, so that neighbouring threads read neighbouring windows.
            let (tap, channel) = (k / channels, k % channels);
            let inside = row < rows && k < depth;
            let at = ((group * rows + row) * channels + channel) * taps + tap;
            if inside { last.filters.get(at).copied().unwrap_or(0.0) } else { 0.0 }
        };
        let mut packed = Packed::default();
        let tensor = self.precision != Precision::F32;
        let [outer, inner] = if tensor { [row_room, depth_room] } else { [depth_room, row_room] };
        packed.elements(
            self.precision,
            (0..self.groups as usize).flat_map(|group| {
                (0..outer).flat_map(move |outer| {
                    (0..inner).map(
                        move |inner| {
                            if tensor { weight(group, outer, inner) } else { weight(group, inner, outer) }
                        },
                    )
                })
            }),
        );
        packed.floats(bias_of(last.bias, self.output.channels as usize));
        if let Some(first) = first {
            packed.floats(first.filters.iter().copied().chain(bias_of(first.bias, channels)));
        }
        Some(packed.into_bytes())
    }
}
