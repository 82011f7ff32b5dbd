//! Weights as bytes: 32-bit values, halves or TF32, each list at a multiple of 16 bytes.

use half::f16;

use crate::runtime::Precision;

/// Bytes that grow.
#[derive(Debug, Default)]
pub(super) struct Packed(Vec<u8>);

impl Packed {
    pub fn into_bytes(mut self) -> Vec<u8> {
        self.align();
        self.0
    }

    fn align(&mut self) {
        self.0.resize(self.0.len().next_multiple_of(16), 0);
    }

    /// 32-bit values, whatever the precision: biases, filters of depthwise convolutions.
    pub fn floats(&mut self, values: impl IntoIterator<Item = f32>) {
        self.align();
        self.0.extend(values.into_iter().flat_map(f32::to_le_bytes));
    }

    /// Values as the product's kernels read them.
    pub fn elements(&mut self, precision: Precision, values: impl IntoIterator<Item = f32>) {
        self.align();
        match precision {
            // No kernel here computes in 8 bits, and nobody asks for one.
            Precision::F32 | Precision::Bf16 | Precision::Int8 => self.floats(values),
            Precision::Tf32 => self.floats(values.into_iter().map(to_tf32)),
            Precision::F16 => self.0.extend(values.into_iter().flat_map(|value| f16::from_f32(value).to_le_bytes())),
        }
    }
}

/// The nearest value with ten bits behind the point, ties away from zero, as the card's `cvt.rna` rounds.
fn to_tf32(value: f32) -> f32 {
    if value.is_finite() { f32::from_bits(value.to_bits().wrapping_add(0x1000) & 0xffff_e000) } else { value }
}

/// Bytes of `count` elements, up to a multiple of 16.
pub(super) const fn room(count: u64, bytes: u64) -> u64 {
    (count * bytes).next_multiple_of(16)
}

/// A bias, of zeros where there is none.
pub(super) fn bias_of(bias: &[f32], channels: usize) -> impl Iterator<Item = f32> + '_ {
    (0..channels).map(|channel| bias.get(channel).copied().unwrap_or(0.0))
}
