//! The input's way to a device and the result's way back: planes on one side, `[batch, channels, height, width]` on the
//! other.

use candle_core::{CpuStorage, InplaceOp1, Layout};

use super::stored::{restored, stored};
use crate::graph::Shape;
use crate::runtime::Precision;
use crate::runtime::plan::Operand;

/// Bytes of an input's planes, one after another, each with its round-up.
pub(in crate::runtime) fn input_planes(values: &[f32], shape: Shape, precision: Precision) -> Vec<u8> {
    let Shape { batch, channels, .. } = shape;
    let pixels = shape.pixels();
    let mut bytes = Vec::new();
    let mut plane = Vec::with_capacity(batch * pixels);
    for channel in 0..channels {
        plane.clear();
        for image in 0..batch {
            let at = (image * channels + channel) * pixels;
            plane.extend_from_slice(&values[at..at + pixels]);
        }
        plane.resize(plane.len().next_multiple_of(4), 0.0);
        bytes.extend(stored(&plane, precision));
    }
    bytes
}

/// The part of a bank that holds a result, and where its values are in there.
#[derive(Debug)]
pub(in crate::runtime) struct Window {
    /// Where the part begins in the bank, and how long it is, in bytes.
    pub from: u64,
    pub bytes: u64,
    /// For each value of the result its place in that part, in values.
    places: Vec<u32>,
    precision: Precision,
    /// The result in order.
    pub values: Vec<f32>,
}

impl Window {
    /// Of a value of `shape` that lies at `operand`.
    pub fn of(operand: &Operand, (shape, precision): (Shape, Precision)) -> Self {
        let offsets = &operand.offsets;
        let stride = operand.image_stride.unwrap_or(1);
        let (pixels, batch) = (shape.pixels(), shape.batch);
        let first = offsets.iter().copied().min().unwrap_or(0) / 4 * 4;
        let place =
            |image: usize, channel: usize, pixel: usize| offsets[channel] - first + (image * stride + pixel) as u32;
        let mut places = Vec::with_capacity(batch * shape.channels * pixels);
        for image in 0..batch {
            for channel in 0..offsets.len() {
                places.extend((0..pixels).map(|pixel| place(image, channel, pixel)));
            }
        }
        let values = places.iter().copied().max().map_or(0, |last| u64::from(last) + 1);
        Self {
            from: u64::from(first) * precision.bytes(),
            bytes: (values * precision.bytes()).next_multiple_of(8).max(8),
            values: vec![0.0; places.len()],
            places,
            precision,
        }
    }

    /// Takes the result from the part's bytes.
    pub fn take(&mut self, part: &[u8]) {
        for (value, &place) in self.values.iter_mut().zip(&self.places) {
            *value = restored(part, place as usize, self.precision);
        }
    }
}

/// Replaces all values of a tensor's storage.
pub(in crate::runtime) struct Logits<'a>(pub &'a [f32]);

impl InplaceOp1 for Logits<'_> {
    fn name(&self) -> &'static str {
        "gpu-logits"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, _: &Layout) -> candle_core::Result<()> {
        let CpuStorage::F32(values) = storage else { candle_core::bail!("logits are f32") };
        values.copy_from_slice(self.0);
        Ok(())
    }
}
