//! Values known before anything runs: parameters, and the whole numbers that exporters compute shapes with.

use std::sync::Arc;

use super::proto;

/// Most axes of a constant: it is copied with every node that reads it.
const MOST_AXES: usize = 16;

/// A constant of the model.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Constant {
    /// Whole numbers: a scalar or a list.
    Ints(Ints),
    /// 32-bit floats: a parameter.
    Floats {
        /// Length of every axis.
        dims: Vec<usize>,
        /// Row-major.
        values: Arc<[f32]>,
        /// The parameter's name in the file; may be empty.
        name: String,
    },
}

/// A scalar or a list of whole numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ints {
    /// The numbers; one for a scalar. Shared, since every node that reads them gets them.
    pub values: Arc<[i64]>,
    /// Whether it has no axis.
    pub is_scalar: bool,
}

impl Ints {
    /// Longest list that is computed with; shapes have five numbers.
    pub(super) const LONGEST: usize = 4096;

    pub(super) fn list(values: Vec<i64>) -> Result<Self, String> {
        if values.len() > Self::LONGEST {
            return Err(format!("a list of {} numbers is too long for a shape", values.len()));
        }
        Ok(Self { values: values.into(), is_scalar: false })
    }

    pub(super) fn scalar(value: i64) -> Self {
        Self { values: [value].into(), is_scalar: true }
    }

    /// The numbers, where there are few enough to compute with.
    pub(super) fn few(&self) -> Result<&[i64], String> {
        if self.values.len() > Self::LONGEST {
            return Err(format!("a list of {} numbers is too long for a shape", self.values.len()));
        }
        Ok(&self.values)
    }

    /// `operation` on each pair; a single number goes with every number of the other list.
    pub(super) fn with(&self, other: &Self, operation: impl Fn(i64, i64) -> Option<i64>) -> Result<Self, String> {
        let length = match (self.values.len(), other.values.len()) {
            (one, another) if one == another => one,
            (1, length) | (length, 1) => length,
            (one, another) => return Err(format!("lists of {one} and {another} numbers do not go together")),
        };
        let at = |ints: &Self, index: usize| ints.values.get(if ints.values.len() == 1 { 0 } else { index }).copied();
        let values: Option<Arc<[i64]>> =
            (0..length).map(|index| operation(at(self, index)?, at(other, index)?)).collect();
        let values = values.ok_or("a number leaves its range")?;
        Ok(Self { values, is_scalar: self.is_scalar && other.is_scalar })
    }

    /// The numbers at `indices`, negative ones from the end.
    pub(super) fn gather(&self, indices: &Self) -> Result<Self, String> {
        let pick = |&index: &i64| self.values.get(position(index, self.values.len())?).copied();
        let values: Option<Arc<[i64]>> = indices.values.iter().map(pick).collect();
        let values = values
            .ok_or_else(|| format!("{:?} are not all positions in {} numbers", indices.values, self.values.len()))?;
        Ok(Self { values, is_scalar: indices.is_scalar })
    }
}

/// The position that an index means, negative ones from the end; `None` outside.
pub(super) fn position(index: i64, length: usize) -> Option<usize> {
    let from_start = if index < 0 { index.checked_add(i64::try_from(length).ok()?)? } else { index };
    usize::try_from(from_start).ok().filter(|&position| position < length)
}

impl Constant {
    /// The tensor's values, checked against its shape.
    pub(super) fn of(tensor: proto::Tensor) -> Result<Self, String> {
        let name = tensor.name.clone();
        let wrong = |reason: String| format!("tensor `{name}`: {reason}");
        if tensor.data_location != 0 {
            return Err(wrong("its values are in another file; save the model as one file".into()));
        }
        let dims: Option<Vec<usize>> = tensor.dims.iter().map(|&length| usize::try_from(length).ok()).collect();
        if tensor.dims.len() > MOST_AXES {
            return Err(wrong(format!("has {} axes, more than {MOST_AXES}", tensor.dims.len())));
        }
        let dims = dims.ok_or_else(|| wrong(format!("has the shape {:?}", tensor.dims)))?;
        let count = dims.iter().try_fold(1_usize, |count, &length| count.checked_mul(length));
        let count = count.ok_or_else(|| wrong(format!("has the shape {dims:?}")))?;
        let raw = &tensor.raw_data;
        let numbers = |numbers: Vec<i64>| Ints { values: numbers.into(), is_scalar: dims.is_empty() };
        let (found, constant) = match tensor.data_type {
            proto::FLOAT => {
                let values: Arc<[f32]> = if raw.is_empty() {
                    tensor.float_data.into()
                } else {
                    words(raw).map(f32::from_le_bytes).collect()
                };
                (values.len(), Self::Floats { dims: dims.clone(), values, name: name.clone() })
            }
            proto::INT64 => {
                let values =
                    if raw.is_empty() { tensor.int64_data } else { words(raw).map(i64::from_le_bytes).collect() };
                (values.len(), Self::Ints(numbers(values)))
            }
            proto::INT32 => {
                let narrow =
                    if raw.is_empty() { tensor.int32_data } else { words(raw).map(i32::from_le_bytes).collect() };
                (narrow.len(), Self::Ints(numbers(narrow.into_iter().map(i64::from).collect())))
            }
            other => return Err(wrong(format!("has element type {other}; 32-bit floats and whole numbers are read"))),
        };
        if found != count {
            return Err(wrong(format!("has {found} values, its shape {dims:?} needs {count}")));
        }
        Ok(constant)
    }
}

/// The whole words of `bytes`.
fn words<const N: usize>(bytes: &[u8]) -> impl Iterator<Item = [u8; N]> + '_ {
    bytes.chunks(N).filter_map(|word| word.try_into().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tensor(dims: &[i64], data_type: i32, raw_data: &[u8]) -> proto::Tensor {
        proto::Tensor {
            dims: dims.into(),
            data_type,
            raw_data: raw_data.into(),
            name: "w".into(),
            ..Default::default()
        }
    }

    #[test]
    fn a_shape_that_the_data_does_not_fill_is_refused_before_anything_is_made_of_it() {
        for dims in [&[i64::MAX][..], &[1 << 40, 1 << 40], &[-1], &[3], &[0], &[2, 2]] {
            let error = Constant::of(tensor(dims, proto::FLOAT, &[0; 8])).unwrap_err();
            assert!(error.starts_with("tensor `w`"), "{error}");
        }
        assert!(Constant::of(tensor(&[2], proto::FLOAT, &[0; 8])).is_ok());
        assert!(Constant::of(tensor(&[1; 17], proto::FLOAT, &[0; 4])).unwrap_err().contains("17 axes"));
        assert!(Constant::of(tensor(&[2], 11, &[0; 16])).unwrap_err().contains("element type 11"));
        let elsewhere = proto::Tensor { data_location: 1, ..tensor(&[2], proto::FLOAT, &[]) };
        assert!(Constant::of(elsewhere).unwrap_err().contains("another file"));
    }

    #[test]
    fn shape_arithmetic_refuses_what_does_not_fit() {
        let list = |values: &[i64]| Ints::list(values.into()).unwrap();
        let product = |one: &[i64], other: &[i64]| list(one).with(&list(other), i64::checked_mul);
        assert_eq!(product(&[2, 3], &[4]), Ok(list(&[8, 12])));
        assert!(product(&[2, 3], &[4, 5, 6]).is_err() && product(&[i64::MAX], &[2]).is_err());
        assert!(list(&[1]).with(&list(&[0]), i64::checked_div).is_err());
        assert_eq!(list(&[5, 6, 7]).gather(&Ints::scalar(-1)), Ok(Ints::scalar(7)));
        assert!(list(&[5]).gather(&Ints::scalar(1)).is_err() && list(&[]).gather(&Ints::scalar(i64::MIN)).is_err());
        assert!(Ints::list(vec![0; 5000]).is_err());
    }
}
