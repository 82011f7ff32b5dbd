//! The kinds of numbers that tensors of a file have, and how their bytes are read.

use half::{bf16, f16};

use super::proto::Tensor;

/// What the numbers of a tensor become.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Numbers {
    /// 32-bit floats, rounded from 64 bits and widened from 16.
    Floats(Vec<f32>),
    /// Whole numbers of any width, and truth values as 0 and 1.
    Ints(Vec<i64>),
}

impl Numbers {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Floats(values) => values.len(),
            Self::Ints(values) => values.len(),
        }
    }
}

/// A kind of number, by its number in `TensorProto.DataType`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Element {
    Float,
    Half,
    BFloat,
    Double,
    /// Of so many bytes, with a sign or without.
    Int(usize, bool),
    Bool,
}

impl Element {
    /// The kind; `None` for texts, complex numbers, and numbers of eight bits and less that stand for others.
    pub(super) const fn of(data_type: i32) -> Option<Self> {
        Some(match data_type {
            1 => Self::Float,
            2 => Self::Int(1, false),
            3 => Self::Int(1, true),
            4 => Self::Int(2, false),
            5 => Self::Int(2, true),
            6 => Self::Int(4, true),
            7 => Self::Int(8, true),
            9 => Self::Bool,
            10 => Self::Half,
            11 => Self::Double,
            12 => Self::Int(4, false),
            13 => Self::Int(8, false),
            16 => Self::BFloat,
            _ => return None,
        })
    }

    /// Bytes of one number.
    pub(super) const fn size(self) -> usize {
        match self {
            Self::Float => 4,
            Self::Half | Self::BFloat => 2,
            Self::Double => 8,
            Self::Int(size, _) => size,
            Self::Bool => 1,
        }
    }

    pub(super) const fn is_float(self) -> bool {
        matches!(self, Self::Float | Self::Half | Self::BFloat | Self::Double)
    }

    /// The numbers in `raw`, little-endian; a remainder of bytes is left out.
    pub(super) fn decode(self, raw: &[u8]) -> Numbers {
        match self {
            Self::Float => Numbers::Floats(words(raw).map(f32::from_le_bytes).collect()),
            Self::Half => Numbers::Floats(words(raw).map(|word| f16::from_le_bytes(word).to_f32()).collect()),
            Self::BFloat => Numbers::Floats(words(raw).map(|word| bf16::from_le_bytes(word).to_f32()).collect()),
            Self::Double => Numbers::Floats(words(raw).map(|word| f64::from_le_bytes(word) as f32).collect()),
            Self::Bool => Numbers::Ints(raw.iter().map(|&byte| i64::from(byte != 0)).collect()),
            Self::Int(size, signed) => {
                let whole = raw.chunks_exact(size.max(1));
                Numbers::Ints(whole.map(|word| whole_number(word, signed)).collect())
            }
        }
    }

    /// The numbers of a tensor that has them in the list for its kind instead of as bytes.
    pub(super) fn listed(self, tensor: Tensor) -> Numbers {
        let bits = |value: i32| value as u16;
        match self {
            Self::Float => Numbers::Floats(tensor.float_data),
            Self::Half => {
                Numbers::Floats(tensor.int32_data.into_iter().map(|word| f16::from_bits(bits(word)).to_f32()).collect())
            }
            Self::BFloat => Numbers::Floats(
                tensor.int32_data.into_iter().map(|word| bf16::from_bits(bits(word)).to_f32()).collect(),
            ),
            Self::Double => Numbers::Floats(tensor.double_data.into_iter().map(|value| value as f32).collect()),
            Self::Int(8, true) => Numbers::Ints(tensor.int64_data),
            Self::Int(4 | 8, false) => Numbers::Ints(
                tensor.uint64_data.into_iter().map(|value| i64::try_from(value).unwrap_or(i64::MAX)).collect(),
            ),
            Self::Int(..) | Self::Bool => Numbers::Ints(tensor.int32_data.into_iter().map(i64::from).collect()),
        }
    }
}

/// A little-endian whole number of at most eight bytes.
fn whole_number(word: &[u8], signed: bool) -> i64 {
    let negative = signed && word.last().is_some_and(|byte| byte & 0x80 != 0);
    let mut wide = [if negative { 0xFF } else { 0 }; 8];
    for (to, &from) in wide.iter_mut().zip(word) {
        *to = from;
    }
    // What has no sign and 64 bits is a length that nothing has.
    if signed { i64::from_le_bytes(wide) } else { i64::try_from(u64::from_le_bytes(wide)).unwrap_or(i64::MAX) }
}

/// The whole words of `bytes`.
fn words<const N: usize>(bytes: &[u8]) -> impl Iterator<Item = [u8; N]> + '_ {
    bytes.as_chunks::<N>().0.iter().copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_number_is_read_as_bytes_and_as_a_list() {
        let floats = Numbers::Floats(vec![1.5, -2.0]);
        let bytes = |words: [u16; 2]| words.map(u16::to_le_bytes).concat();
        for (data_type, raw) in [
            (1, [1.5_f32, -2.0].map(f32::to_le_bytes).concat()),
            (11, [1.5_f64, -2.0].map(f64::to_le_bytes).concat()),
            (10, bytes([0x3E00, 0xC000])),
            (16, bytes([0x3FC0, 0xC000])),
        ] {
            let element = Element::of(data_type).unwrap();
            assert_eq!(element.decode(&raw), floats, "{data_type}");
            assert_eq!(raw.len(), 2 * element.size(), "{data_type}");
            let listed = Tensor {
                float_data: vec![1.5, -2.0],
                double_data: vec![1.5, -2.0],
                int32_data: if data_type == 10 { vec![0x3E00, 0xC000] } else { vec![0x3FC0, 0xC000] },
                ..Default::default()
            };
            assert_eq!(element.listed(listed), floats, "{data_type}");
        }
        let ints = |data_type: i32, raw: &[u8]| Element::of(data_type).unwrap().decode(raw);
        assert_eq!(ints(6, &(-3_i32).to_le_bytes()), Numbers::Ints(vec![-3]));
        assert_eq!(ints(3, &[0xFF]), Numbers::Ints(vec![-1]));
        assert_eq!(ints(2, &[0xFF]), Numbers::Ints(vec![255]));
        assert_eq!(ints(9, &[0, 7]), Numbers::Ints(vec![0, 1]));
        assert_eq!(ints(13, &[0xFF; 8]), Numbers::Ints(vec![i64::MAX]));
        assert_eq!(Element::of(8), None, "texts");
    }
}
