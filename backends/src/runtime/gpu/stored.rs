//! Values as a GPU stores them; none stores bytes, and no backend asks for it.

use crate::runtime::Precision;

/// Little-endian bytes of values in a precision; a whole number of 4-byte words.
pub(in crate::runtime) fn stored(values: &[f32], precision: Precision) -> Vec<u8> {
    let mut bytes: Vec<u8> = match precision {
        Precision::F32 | Precision::Tf32 | Precision::Bf16 | Precision::Int8 => {
            values.iter().flat_map(|value| value.to_le_bytes()).collect()
        }
        Precision::F16 => values.iter().flat_map(|value| half::f16::from_f32(*value).to_le_bytes()).collect(),
    };
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

/// The value at a place, counted in values; 0 beyond the end.
pub(in crate::runtime) fn restored(bytes: &[u8], place: usize, precision: Precision) -> f32 {
    match precision {
        Precision::F32 | Precision::Tf32 | Precision::Bf16 | Precision::Int8 => {
            bytes.as_chunks::<4>().0.get(place).map_or(0.0, |bytes| f32::from_le_bytes(*bytes))
        }
        Precision::F16 => {
            bytes.as_chunks::<2>().0.get(place).map_or(0.0, |bytes| half::f16::from_le_bytes(*bytes).to_f32())
        }
    }
}
