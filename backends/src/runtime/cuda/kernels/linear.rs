//! Fully connected layers of few images: a warp for each output.

use super::geometry::{Map, fits, launchable};
use super::pack::{Packed, bias_of, room};
use super::source::{COMMON, STORED, activation, half};
use super::variant::Variant;
use super::{Parameters, Refusal, Source};
use crate::graph::Activation;
use crate::runtime::Precision;

const PARTS: &[&str] = &[COMMON, include_str!("../sources/linear.cu")];
/// Values of a chunk of the depth.
const CHUNK: u32 = 1024;

/// A fully connected layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Linear {
    pub precision: Precision,
    /// Only batch and channels count.
    pub map: Map,
    pub output: Map,
    /// Elements from image to image.
    pub stride: u32,
    pub residual: bool,
    pub activation: Activation,
}

impl Linear {
    /// # Errors
    /// Where sizes are too large.
    pub fn checked(self) -> Result<Self, Refusal> {
        launchable("the batch", self.map.batch)?;
        fits("a layer's weights in bytes", u64::from(self.row()) * u64::from(self.output.channels) * 4)?;
        Ok(self)
    }

    fn row(&self) -> u32 {
        self.map.channels.next_multiple_of(8)
    }

    pub fn variants(&self) -> Vec<Variant> {
        let images = match self.map.batch {
            1 => &[1][..],
            2..=4 => &[4],
            _ => &[8, 4],
        };
        let of = |&images: &u32| [256, 128].map(|threads| Variant::Linear { images, threads });
        images.iter().flat_map(of).collect()
    }

    /// The one whose text is compiled beforehand.
    pub fn portable(&self, threads: u32) -> Vec<Variant> {
        let images = if self.map.batch == 1 { 1 } else { 8 };
        if self.precision == Precision::Tf32 { Vec::new() } else { vec![Variant::Linear { images, threads }] }
    }

    pub fn source(&self, variant: Variant) -> Option<Source> {
        let Variant::Linear { images, threads } = variant else { return None };
        let constants = vec![half(self.precision), ("IMAGES_EACH", images.into()), ("THREADS", threads.into())];
        let (depth, rows) = (i64::from(self.map.channels), i64::from(self.output.channels));
        let mut sizes = vec![
            ("RESIDUAL", i64::from(self.residual)),
            ("DEPTH", depth),
            ("W_ROW", self.row().into()),
            ("ROWS", rows),
            ("IMAGES", self.map.batch.into()),
            ("IMAGE_STRIDE", self.stride.into()),
            ("BIAS_AT", self.bias_at() as i64),
            ("OUTPUT_LIST", depth),
            ("SECOND_LIST", depth + rows),
        ];
        sizes.extend(activation(STORED, self.activation));
        Some(Source {
            entry: "linear",
            constants,
            sizes,
            grid: [self.output.channels.div_ceil(threads / 32), self.map.batch.div_ceil(images), 1],
            block: threads,
            cluster: 1,
            shared: images * CHUNK * 4,
            weights: true,
            second: self.residual,
            parts: PARTS,
        })
    }

    fn bias_at(&self) -> u64 {
        room(
            u64::from(self.row()) * u64::from(self.output.channels),
            if self.precision == Precision::F16 { 2 } else { 4 },
        )
    }

    /// Weights `[out][depth]`, rows rounded up with zeros; biases. TF32 keeps all bits here: nothing goes to tensor cores.
    pub fn pack(&self, parameters: &[Parameters<'_>]) -> Option<Vec<u8>> {
        let last = parameters.first()?;
        let (row, depth) = (self.row() as usize, self.map.channels as usize);
        let value = |out: usize, k: usize| {
            if k < depth { last.filters.get(out * depth + k).copied().unwrap_or(0.0) } else { 0.0 }
        };
        let stored = if self.precision == Precision::F16 { Precision::F16 } else { Precision::F32 };
        let mut packed = Packed::default();
        packed
            .elements(stored, (0..self.output.channels as usize).flat_map(|out| (0..row).map(move |k| value(out, k))));
        packed.floats(bias_of(last.bias, self.output.channels as usize));
        Some(packed.into_bytes())
    }
}
