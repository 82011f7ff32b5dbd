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

/// What the numbers are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Float(Element),
    /// Integers with a scale.
    Quantised,
    /// Something that is not a plain float tensor, as the file calls it.
    Other(String),
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
        let Kind::Float(element) = self.kind else {
            return Err(Fault::malformed(format!("tensor `{name}` is not floating-point")));
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
        };
        assert_eq!(tensor(31).read(&mut file, 400).unwrap(), [0.0; 2]);
        let Err(Fault::Malformed(said)) = tensor(32).read(&mut file, 400) else { panic!("read") };
        assert!(said.contains("`w` is a view of 2 values scattered over 132 bytes"), "{said}");
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
