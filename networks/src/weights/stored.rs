//! A tensor as it lies in a file, found and checked before any of it is read.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Arc;

use super::element::Element;

/// Why a file cannot be used; the caller adds its name.
#[derive(Debug)]
pub(super) enum Fault {
    /// The system does not give the bytes.
    Io(io::Error),
    /// The bytes make no sense.
    Malformed(String),
    /// The bytes are something else than weights: what, and what to do about it.
    Foreign(String),
}

impl Fault {
    pub(super) fn malformed(reason: impl Into<String>) -> Self {
        Self::Malformed(reason.into())
    }

    pub(super) fn foreign(reason: impl Into<String>) -> Self {
        Self::Foreign(reason.into())
    }
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::malformed("it ends too early"),
            _ => Self::Io(error),
        }
    }
}

/// What a tensor is called that is quantised in a way that is not known.
pub(super) const QUANTISED: &str = "quantised";

/// What the numbers are.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    Float(Element),
    /// Integers of 8 bits, with scales and zero points beside them.
    Quantised(Element),
    /// Plain integers.
    Integer(Element),
    /// This number everywhere.
    Given(f32),
    /// Something that is not a plain float tensor, as the file calls it.
    Other(String),
}

impl Kind {
    /// Whether it can stand for a network's parameter.
    pub(super) const fn is_parameter(&self) -> bool {
        matches!(self, Self::Float(_) | Self::Quantised(_) | Self::Given(_))
    }
}

/// A tensor's name, shape and place in the file. Nothing here is trusted until [`read`](Self::read) checks it.
#[derive(Clone, Debug)]
pub(super) struct StoredTensor {
    pub(super) name: String,
    pub(super) shape: Vec<usize>,
    pub(super) kind: Kind,
    /// Distance in elements between neighbours along every axis; `None` for row-major.
    pub(super) strides: Option<Vec<usize>>,
    /// The first byte of the tensor.
    pub(super) begin: u64,
    /// The first byte that is not the tensor's storage any more.
    pub(super) end: u64,
    /// What the file says of the bytes that the tensor is part of.
    pub(super) checksum: Option<Arc<Checksum>>,
    /// Scale and zero point of integers, one for all or one for each place of the first axis.
    pub(super) scales: Option<Box<[StoredTensor; 2]>>,
}

/// Tensors that a file has together, such as a `state_dict` in a checkpoint.
#[derive(Clone, Debug)]
pub(super) struct Group {
    /// The keys that lead to it, with points between them; empty for the outermost.
    pub(super) place: String,
    /// In the file's order.
    pub(super) tensors: Vec<StoredTensor>,
}

/// The sum that a zip archive keeps of an entry.
#[derive(Debug)]
pub(super) struct Checksum {
    /// The entry's name.
    pub(super) entry: String,
    /// Its bytes in the file: the first, and one past the last.
    pub(super) begin: u64,
    pub(super) end: u64,
    /// CRC-32 of them; 0 where the writer computed none, as PyTorch can be told.
    pub(super) crc32: u32,
}

impl Checksum {
    /// Reads the entry once, in little memory.
    pub(super) fn check(&self, file: &mut File) -> Result<(), Fault> {
        if self.crc32 == 0 {
            return Ok(());
        }
        let mut hasher = crc32fast::Hasher::new();
        let mut buffer = [0; 1 << 14];
        let mut left = self.end.saturating_sub(self.begin);
        file.seek(SeekFrom::Start(self.begin))?;
        while left > 0 {
            let part = buffer.get_mut(..left.min(1 << 14) as usize).unwrap_or_default();
            file.read_exact(part)?;
            hasher.update(part);
            left -= part.len() as u64;
        }
        self.compare(hasher.finalize())
    }

    /// Whether `found` is the entry's sum.
    pub(super) fn compare(&self, found: u32) -> Result<(), Fault> {
        if self.crc32 == 0 || self.crc32 == found {
            return Ok(());
        }
        Err(Fault::malformed(format!(
            "its entry `{}` is damaged: its checksum is {found:08x} and was {:08x} when it was saved; copy or download the \
             file again",
            shown(&self.entry),
            self.crc32
        )))
    }
}

/// Elements that a view may lie scattered over for each of its own: everything between them is read.
const SCATTERED: u64 = 16;

impl StoredTensor {
    /// The values in row-major order. Allocates a small multiple of the shape's product, and no more than the file has; the
    /// caller has compared the shape with the one it wants.
    pub(super) fn read(&self, file: &mut File, length: u64) -> Result<Vec<f32>, Fault> {
        let name = shown(&self.name);
        let element = match self.kind {
            Kind::Float(element) | Kind::Integer(element) => element,
            Kind::Quantised(element) => {
                let bytes = Self { kind: Kind::Integer(element), scales: None, ..self.clone() };
                return self.dequantised(bytes.read(file, length)?, file, length);
            }
            // The caller has compared the shape with one that a network has.
            Kind::Given(value) => return Ok(vec![value; self.shape.iter().product()]),
            Kind::Other(_) => return Err(Fault::malformed(format!("tensor `{name}` is not floating-point"))),
        };
        let available = self.end.min(length).saturating_sub(self.begin);
        let bytes = self.span().and_then(|span| span.checked_mul(element.size())).unwrap_or(u64::MAX);
        let (true, Ok(size)) = (bytes <= available, usize::try_from(bytes)) else {
            return Err(Fault::malformed(format!(
                "tensor `{name}` of shape {:?} does not fit the {available} bytes that the file has for it",
                self.shape
            )));
        };
        let count = self.shape.iter().fold(1_u64, |count, &axis| count.saturating_mul(axis as u64));
        if self.span().is_some_and(|span| span > count.saturating_mul(SCATTERED)) {
            return Err(Fault::malformed(format!(
                "tensor `{name}` is a view of {count} values scattered over {size} bytes: save `tensor.contiguous()`"
            )));
        }
        let mut buffer = vec![0; size];
        file.seek(SeekFrom::Start(self.begin))?;
        file.read_exact(&mut buffer)?;
        let values = element.decode(&buffer);
        match &self.strides {
            Some(strides) if *strides != row_major(&self.shape) => gather(&values, &self.shape, strides)
                .ok_or_else(|| Fault::malformed(format!("tensor `{name}` has impossible strides {strides:?}"))),
            _ => Ok(values),
        }
    }

    /// What integers stand for.
    fn dequantised(&self, mut values: Vec<f32>, file: &mut File, length: u64) -> Result<Vec<f32>, Fault> {
        let wrong = |reason: String| Fault::malformed(format!("tensor `{}`: {reason}", shown(&self.name)));
        let Some([scale, zero_point]) = self.scales.as_deref() else {
            return Err(wrong("it is quantised, and its scales are not in the file".into()));
        };
        let channels = self.shape.first().copied().unwrap_or(1);
        let mut list = |tensor: &Self, what: &str| {
            let count = tensor.shape.iter().try_fold(1_usize, |count, &axis| count.checked_mul(axis));
            if count != Some(1) && count != Some(channels) {
                return Err(wrong(format!("its {what} are of shape {:?} for {channels} channels", tensor.shape)));
            }
            let mut read = tensor.read(file, length)?;
            let first = read.first().copied().unwrap_or_default();
            read.resize(channels, first);
            Ok(read)
        };
        let (scales, zero_points) = (list(scale, "scales")?, list(zero_point, "zero points")?);
        let middle = if self.kind == Kind::Quantised(Element::U8) { 128.0 } else { 0.0 };
        if let Some(other) = zero_points.iter().find(|zero_point| **zero_point != middle) {
            return Err(wrong(format!(
                "its bytes have the zero point {other}; weights around {middle} are computed with: quantise them \
                 symmetrically"
            )));
        }
        let width = values.len().checked_div(channels).unwrap_or_default().max(1);
        for (filter, scale) in values.chunks_mut(width).zip(scales) {
            filter.iter_mut().for_each(|value| *value = (*value - middle) * scale);
        }
        Ok(values)
    }

    /// Elements from the tensor's first to its last, `None` on overflow.
    fn span(&self) -> Option<u64> {
        let Some(strides) = &self.strides else {
            return self.shape.iter().try_fold(1_u64, |n, &axis| n.checked_mul(axis as u64));
        };
        if self.shape.contains(&0) {
            return Some(0);
        }
        self.shape
            .iter()
            .zip(strides)
            .try_fold(1_u64, |span, (&axis, &stride)| span.checked_add((axis as u64 - 1).checked_mul(stride as u64)?))
    }
}

fn row_major(shape: &[usize]) -> Vec<usize> {
    let mut stride = 1_usize;
    let mut strides = vec![0; shape.len()];
    for (place, &axis) in strides.iter_mut().zip(shape).rev() {
        *place = stride;
        stride = stride.saturating_mul(axis);
    }
    strides
}

/// Copies a strided tensor into row-major order; `None` where it leaves `values`.
fn gather(values: &[f32], shape: &[usize], strides: &[usize]) -> Option<Vec<f32>> {
    let count = shape.iter().try_fold(1_usize, |n, &axis| n.checked_mul(axis))?;
    let mut index = vec![0_usize; shape.len()];
    let mut gathered = Vec::with_capacity(count);
    for _ in 0..count {
        let at =
            index.iter().zip(strides).try_fold(0_usize, |at, (&i, &stride)| at.checked_add(i.checked_mul(stride)?))?;
        gathered.push(*values.get(at)?);
        for (i, &axis) in index.iter_mut().zip(shape).rev() {
            *i += 1;
            if *i < axis {
                break;
            }
            *i = 0;
        }
    }
    Some(gathered)
}

/// A name from a file, fit to print: no control characters, not longer than a line.
pub(super) fn shown(name: &str) -> String {
    const LONGEST: usize = 100;
    let mut text: String = name.chars().take(LONGEST).flat_map(char::escape_debug).collect();
    if name.chars().nth(LONGEST).is_some() {
        text.push_str("...");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_values_scattered_over_a_large_storage_are_refused_before_it_is_read() {
        use std::io::Write;
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&[0; 4 * 100]).unwrap();
        let tensor = |stride: usize| StoredTensor {
            name: "w".into(),
            shape: vec![2],
            kind: Kind::Float(Element::F32),
            strides: Some(vec![stride]),
            begin: 0,
            end: 400,
            checksum: None,
            scales: None,
        };
        assert_eq!(tensor(31).read(&mut file, 400).unwrap(), [0.0; 2]);
        let Err(Fault::Malformed(said)) = tensor(32).read(&mut file, 400) else { panic!("read") };
        assert!(said.contains("`w` is a view of 2 values scattered over 132 bytes"), "{said}");
    }

    #[test]
    fn integers_stand_for_what_their_scales_say_and_other_zero_points_are_refused() {
        use std::io::Write;
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&[0x80, 0x7F, 2, 0xFE]).unwrap();
        let tensor = |name: &str, shape: &[usize], kind: Kind| StoredTensor {
            name: name.into(),
            shape: shape.into(),
            kind,
            strides: None,
            begin: 0,
            end: 4,
            checksum: None,
            scales: None,
        };
        let mut read = |element: Element, scale: StoredTensor, zero: f32| {
            let zero = tensor("z", &[1], Kind::Given(zero));
            let scales = Some(Box::new([scale, zero]));
            StoredTensor { scales, ..tensor("w", &[2, 2], Kind::Quantised(element)) }.read(&mut file, 4)
        };
        let half = tensor("s", &[1], Kind::Given(0.5));
        assert_eq!(read(Element::I8, half.clone(), 0.0).unwrap(), [-64.0, 63.5, 1.0, -1.0]);
        assert_eq!(read(Element::U8, half.clone(), 128.0).unwrap(), [0.0, -0.5, -63.0, 63.0]);
        for (result, said) in [
            (read(Element::I8, half.clone(), 3.0), "zero point 3"),
            (read(Element::U8, half.clone(), 0.0), "zero point 0"),
            (read(Element::I8, StoredTensor { shape: vec![3], ..half.clone() }, 0.0), "shape [3] for 2 channels"),
            (read(Element::I8, StoredTensor { shape: vec![usize::MAX, 2], ..half }, 0.0), "for 2 channels"),
        ] {
            let Err(Fault::Malformed(reason)) = result else { panic!("{said}") };
            assert!(reason.contains(said), "{reason}");
        }
    }

    #[test]
    fn strided_tensors_come_out_in_row_major_order() {
        let transposed = gather(&[0.0, 1.0, 2.0, 3.0, 4.0, 5.0], &[3, 2], &[1, 3]).unwrap();
        assert_eq!(transposed, [0.0, 3.0, 1.0, 4.0, 2.0, 5.0]);
        assert_eq!(gather(&[7.0], &[2, 2], &[0, 0]).unwrap(), [7.0; 4]);
        assert_eq!(gather(&[7.0], &[2], &[1]), None);
        assert_eq!(row_major(&[4, 3, 2]), [6, 2, 1]);
    }

    #[test]
    fn names_from_files_are_short_and_printable() {
        assert_eq!(shown("conv1.0.weight"), "conv1.0.weight");
        assert_eq!(shown("a\u{1b}[2Jb"), "a\\u{1b}[2Jb");
        assert_eq!(shown(&"x".repeat(5000)).len(), 103);
    }
}
