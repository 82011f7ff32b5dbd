//! Number formats as files store them.

/// How a stored number is encoded, little-endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Element {
    F16,
    BF16,
    F32,
    F64,
    I8,
    U8,
    I32,
    I64,
}

impl Element {
    /// Bytes of one number.
    pub(super) const fn size(self) -> u64 {
        match self {
            Self::I8 | Self::U8 => 1,
            Self::F16 | Self::BF16 => 2,
            Self::F32 | Self::I32 => 4,
            Self::F64 | Self::I64 => 8,
        }
    }

    /// The numbers in `bytes`, exactly except that integers and floats of more than 24 bits
    /// are rounded to them; a remainder of bytes is left out.
    pub(super) fn decode(self, bytes: &[u8]) -> Vec<f32> {
        match self {
            Self::F16 => numbers(bytes, |b| f16_to_f32(u16::from_le_bytes(b))),
            Self::BF16 => numbers(bytes, |b| f32::from_bits(u32::from(u16::from_le_bytes(b)) << 16)),
            Self::F32 => numbers(bytes, f32::from_le_bytes),
            Self::F64 => numbers(bytes, |b| f64::from_le_bytes(b) as f32),
            Self::I8 => numbers(bytes, |b| i8::from_le_bytes(b).into()),
            Self::U8 => numbers(bytes, |b| u8::from_le_bytes(b).into()),
            Self::I32 => numbers(bytes, |b| i32::from_le_bytes(b) as f32),
            Self::I64 => numbers(bytes, |b| i64::from_le_bytes(b) as f32),
        }
    }
}

fn numbers<const SIZE: usize>(bytes: &[u8], decode: impl Fn([u8; SIZE]) -> f32) -> Vec<f32> {
    bytes.as_chunks::<SIZE>().0.iter().map(|&chunk| decode(chunk)).collect()
}

/// IEEE 754 half precision: 1 sign, 5 exponent and 10 fraction bits.
fn f16_to_f32(bits: u16) -> f32 {
    let exponent = i32::from(bits >> 10 & 0x1F);
    let fraction = f32::from(bits & 0x3FF);
    let magnitude = match exponent {
        0 => fraction * 2_f32.powi(-24),
        0x1F if fraction == 0.0 => f32::INFINITY,
        0x1F => f32::NAN,
        _ => (1024.0 + fraction) * 2_f32.powi(exponent - 25),
    };
    if bits >> 15 == 1 { -magnitude } else { magnitude }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_format_decodes_its_known_patterns() {
        // Patterns from IEEE 754 (half) and from truncating f32 (bfloat16).
        let half: Vec<u8> =
            [0x3C00_u16, 0xC000, 0x7BFF, 0x0001, 0x8000, 0x7C00].iter().flat_map(|n| n.to_le_bytes()).collect();
        let decoded = Element::F16.decode(&half);
        assert_eq!(decoded, [1.0, -2.0, 65504.0, 5.960_464_5e-8, 0.0, f32::INFINITY]);
        assert!(decoded[4].is_sign_negative());
        assert!(Element::F16.decode(&[0x01, 0x7C])[0].is_nan());
        assert_eq!(Element::BF16.decode(&[0x80, 0x3F, 0x20, 0xC1]), [1.0, -10.0]);
        assert_eq!(Element::F32.decode(&1.5_f32.to_le_bytes()), [1.5]);
        assert_eq!(Element::I8.decode(&[0x80, 0x7F]), [-128.0, 127.0]);
        assert_eq!(Element::U8.decode(&[0x80]), [128.0]);
        assert_eq!(Element::I32.decode(&(-70_000_i32).to_le_bytes()), [-70_000.0]);
        assert_eq!(Element::I64.decode(&60_i64.to_le_bytes()), [60.0]);
        assert_eq!(Element::F64.decode(&(-0.1_f64).to_le_bytes()), [-0.1_f32]);
    }
}
