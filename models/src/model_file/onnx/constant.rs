//! Values known before anything runs: parameters, and the whole numbers that exporters compute shapes with.

use std::sync::Arc;

use super::elements::{Element, Numbers};
use super::proto;

/// Most axes of a constant: it is copied with every node that reads it.
pub(super) const MOST_AXES: usize = 16;

/// A constant of the model.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Constant {
    /// Whole numbers: a scalar or a list, along whichever axis.
    Ints(Ints),
    /// 32-bit floats: a parameter.
    Floats(Floats),
    /// Numbers that nothing here computes with, and why not.
    Other(Arc<str>),
}

/// A tensor of 32-bit floats.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Floats {
    /// Length of every axis.
    pub dims: Vec<usize>,
    /// Row-major.
    pub values: Arc<[f32]>,
    /// The parameter's name in the file; may be empty.
    pub name: Arc<str>,
    /// The scales of the bytes that the values were in the file, where they were.
    pub scales: Option<Scales>,
}

/// How bytes of a file stood for the values of a tensor.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Scales {
    /// The axis that there is one for each place of; `None` for one scale.
    pub axis: Option<usize>,
    pub values: Arc<[f32]>,
    /// A zero point that is not in the middle of the bytes.
    pub odd_zero: Option<i64>,
}

impl Floats {
    pub(super) fn new(dims: Vec<usize>, values: impl Into<Arc<[f32]>>) -> Self {
        Self { dims, values: values.into(), name: "".into(), scales: None }
    }

    pub(super) fn scalar(value: f32) -> Self {
        Self::new(vec![], [value])
    }

    /// The one value, where there is only one, whatever axes of length 1 it has.
    pub(super) fn single(&self) -> Option<f32> {
        match *self.values {
            [value] => Some(value),
            _ => None,
        }
    }

    /// The same values in another shape of as many.
    pub(super) fn shaped(&self, dims: Vec<usize>) -> Self {
        // An axis is another one in another shape.
        let scales = self.scales.clone().filter(|scales| scales.axis.is_none() || dims == self.dims);
        Self { dims, values: self.values.clone(), name: self.name.clone(), scales }
    }

    /// The same tensor under another name.
    pub(super) fn named(&self, name: &str) -> Self {
        Self { name: name.into(), ..self.clone() }
    }
}

const SEVERAL_AXES: &str = "of whole numbers along several axes";

/// A scalar or a list of whole numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ints {
    /// The numbers; one for a scalar. Shared, since every node that reads them gets them.
    pub values: Arc<[i64]>,
    /// Length of every axis; one of them at most is longer than 1.
    pub dims: Vec<usize>,
}

impl Ints {
    /// Longest list that is computed with; shapes have five numbers, a choice of channels has some thousands.
    pub(super) const LONGEST: usize = 4096;

    pub(super) fn list(values: Vec<i64>) -> Result<Self, String> {
        Self::new(vec![values.len()], values)
    }

    /// Numbers in this shape, which has as many.
    pub(super) fn new(dims: Vec<usize>, values: impl Into<Arc<[i64]>>) -> Result<Self, String> {
        let values = values.into();
        if values.len() > Self::LONGEST {
            return Err(format!("a list of {} numbers is too long for a shape", values.len()));
        }
        if dims.iter().filter(|&&length| length > 1).count() > 1 {
            return Err(SEVERAL_AXES.into());
        }
        Ok(Self { values, dims })
    }

    pub(super) fn scalar(value: i64) -> Self {
        Self { values: [value].into(), dims: vec![] }
    }

    /// The same numbers in another shape of as many.
    pub(super) fn shaped(&self, dims: Vec<usize>) -> Result<Self, String> {
        Self::new(dims, self.values.clone())
    }

    /// Along which axis it is a list, counted from the last one; `None` for one number.
    fn along(&self) -> Option<usize> {
        self.dims.iter().rev().position(|&length| length > 1)
    }

    /// `operation` on each pair; a single number goes with every number of the other list.
    pub(super) fn with(&self, other: &Self, operation: impl Fn(i64, i64) -> Option<i64>) -> Result<Self, String> {
        let length = match (self.values.len(), other.values.len()) {
            (one, another) if one == another && one > 1 && self.along() != other.along() => {
                return Err(SEVERAL_AXES.into());
            }
            (one, another) if one == another => one,
            (1, length) | (length, 1) => length,
            (one, another) => return Err(format!("lists of {one} and {another} numbers do not go together")),
        };
        let at = |ints: &Self, index: usize| ints.values.get(if ints.values.len() == 1 { 0 } else { index }).copied();
        let values: Option<Arc<[i64]>> =
            (0..length).map(|index| operation(at(self, index)?, at(other, index)?)).collect();
        let values = values.ok_or("a number leaves its range")?;
        let at = |ints: &Self, axis: usize| ints.dims.iter().rev().nth(axis).copied().unwrap_or(1);
        let rank = self.dims.len().max(other.dims.len());
        // An axis of length 1 goes with any, also with one of none.
        let longer = |axis: usize| if at(self, axis) == 1 { at(other, axis) } else { at(self, axis) };
        Self::new((0..rank).rev().map(longer).collect(), values)
    }

    /// The numbers of a list at `indices`, negative ones from the end.
    pub(super) fn gather(&self, indices: &Self) -> Result<Self, String> {
        if self.dims.len() != 1 {
            return Err(SEVERAL_AXES.into());
        }
        let pick = |&index: &i64| self.values.get(position(index, self.values.len())?).copied();
        let values: Option<Arc<[i64]>> = indices.values.iter().map(pick).collect();
        let values = values
            .ok_or_else(|| format!("{:?} are not all positions in {} numbers", indices.values, self.values.len()))?;
        Self::new(indices.dims.clone(), values)
    }
}

/// The position that an index means, negative ones from the end; `None` outside.
pub(super) fn position(index: i64, length: usize) -> Option<usize> {
    let from_start = if index < 0 { index.checked_add(i64::try_from(length).ok()?)? } else { index };
    usize::try_from(from_start).ok().filter(|&position| position < length)
}

/// The end of a slice that an index means: outside is at the nearest end.
pub(super) fn bound(index: i64, length: usize) -> usize {
    position(index, length).unwrap_or(if index < 0 { 0 } else { length })
}

impl Constant {
    /// The tensor's values, checked against its shape; they are `elsewhere` where they lie in another file.
    pub(super) fn of(mut tensor: proto::Tensor, elsewhere: Option<&[u8]>) -> Result<Self, String> {
        let name = std::mem::take(&mut tensor.name);
        let wrong = |reason: String| format!("tensor `{name}`: {reason}");
        let (dims, count) = shape(&tensor).map_err(wrong)?;
        let Some(element) = Element::of(tensor.data_type) else {
            let reason = format!("`{name}` has element type {}; floats and whole numbers are read", tensor.data_type);
            return Ok(Self::Other(reason.into()));
        };
        if count > Ints::LONGEST && !element.is_float() {
            let reason = format!("`{name}` is a tensor of {count} whole numbers; weights are floats");
            return Ok(Self::Other(reason.into()));
        }
        if tensor.data_location != 0 && elsewhere.is_none() {
            return Err(wrong(
                "its values are in another file, which is read only where the model itself is a file".into(),
            ));
        }
        let numbers = match elsewhere {
            Some(bytes) => element.decode(bytes),
            None if tensor.raw_data.is_empty() => element.listed(tensor),
            None => element.decode(&tensor.raw_data),
        };
        if numbers.len() != count {
            return Err(wrong(format!("has {} values, its shape {dims:?} needs {count}", numbers.len())));
        }
        Ok(match numbers {
            Numbers::Ints(values) => match Ints::new(dims, values) {
                Ok(ints) => Self::Ints(ints),
                Err(reason) => Self::Other(format!("`{name}`: {reason}").into()),
            },
            Numbers::Floats(values) => Self::Floats(Floats::new(dims, values).named(&name)),
        })
    }
}

/// A tensor's lengths, and how many values it has.
pub(super) fn shape(tensor: &proto::Tensor) -> Result<(Vec<usize>, usize), String> {
    if tensor.dims.len() > MOST_AXES {
        return Err(format!("has {} axes, more than {MOST_AXES}", tensor.dims.len()));
    }
    let refuse = || format!("has the shape {:?}", tensor.dims);
    let dims: Option<Vec<usize>> = tensor.dims.iter().map(|&length| usize::try_from(length).ok()).collect();
    let dims = dims.ok_or_else(refuse)?;
    // An axis of no length does not make the others any length.
    let product =
        dims.iter().try_fold(1_usize, |count, &length| count.checked_mul(length.max(1))).ok_or_else(refuse)?;
    let count = if dims.contains(&0) { 0 } else { product };
    Ok((dims, count))
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
            let error = Constant::of(tensor(dims, proto::FLOAT, &[0; 8]), None).unwrap_err();
            assert!(error.starts_with("tensor `w`"), "{error}");
        }
        assert!(Constant::of(tensor(&[2], proto::FLOAT, &[0; 8]), None).is_ok());
        assert!(Constant::of(tensor(&[1; 17], proto::FLOAT, &[0; 4]), None).unwrap_err().contains("17 axes"));
        let elsewhere = proto::Tensor { data_location: 1, ..tensor(&[2], proto::FLOAT, &[]) };
        assert!(Constant::of(elsewhere.clone(), None).unwrap_err().contains("another file"));
        assert!(Constant::of(elsewhere.clone(), Some(&[0; 4])).is_err(), "half of it");
        let read = Constant::of(elsewhere, Some(&[0; 8]));
        assert!(matches!(read, Ok(Constant::Floats(floats)) if floats.dims == [2]));
    }

    #[test]
    fn numbers_that_nothing_computes_with_stay_unread_and_say_why() {
        let other = |tensor| match Constant::of(tensor, None) {
            Ok(Constant::Other(reason)) => reason.to_string(),
            other => panic!("{other:?}"),
        };
        assert!(other(tensor(&[2], 8, &[0; 16])).contains("element type 8"));
        assert!(other(tensor(&[5000], 3, &[0; 5000])).contains("5000 whole numbers"));
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
