//! A tensor as it lies in a file, found and checked before any of it is read.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use super::element::Element;

/// Why a file cannot be used; the caller adds its name.
#[derive(Debug)]
pub(super) enum Fault {
    /// The system does not give the bytes.
    Io(io::Error),
    /// The bytes make no sense.
    Malformed(String),
}

impl Fault {
    pub(super) fn malformed(reason: impl Into<String>) -> Self {
        Self::Malformed(reason.into())
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
}

impl StoredTensor {
    /// The values in row-major order. Allocates no more than the shape's product and the file's length; the caller has
    /// compared the shape with the one it wants.
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
