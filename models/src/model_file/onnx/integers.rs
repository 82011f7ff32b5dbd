//! Integers that stand for numbers: weights of 8 bits and biases of 32.

use std::sync::Arc;

use super::constant::{self, Floats, Scales};
use super::proto;

/// Integers as a file has them.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Integers {
    /// Length of every axis.
    pub dims: Vec<usize>,
    pub values: Values,
}

/// The integers, row-major.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Values {
    I8(Vec<i8>),
    U8(Vec<u8>),
    I32(Vec<i32>),
}

impl Values {
    pub(super) const fn len(&self) -> usize {
        match self {
            Self::I8(values) => values.len(),
            Self::U8(values) => values.len(),
            Self::I32(values) => values.len(),
        }
    }

    /// The integer at a place, less this.
    fn less(&self, at: usize, zero: i64) -> f64 {
        let value = match self {
            Self::I8(values) => values.get(at).map(|&value| value.into()),
            Self::U8(values) => values.get(at).map(|&value| value.into()),
            Self::I32(values) => values.get(at).map(|&value| value.into()),
        };
        (value.unwrap_or(zero) - zero) as f64
    }

    /// The zero point around which bytes are computed with; none for what is no weight.
    const fn middle(&self) -> Option<i64> {
        match self {
            Self::I8(_) => Some(0),
            Self::U8(_) => Some(128),
            Self::I32(_) => None,
        }
    }
}

impl Integers {
    /// A tensor's integers; `None` where it has none of 8 or 32 bits, or not as many as its shape.
    pub(super) fn of(tensor: &proto::Tensor, elsewhere: Option<&[u8]>) -> Option<Self> {
        let (dims, count) = constant::shape(tensor).ok()?;
        let raw = elsewhere.unwrap_or(&tensor.raw_data);
        let is_listed = raw.is_empty();
        let listed = &tensor.int32_data;
        let values = match tensor.data_type {
            proto::INT8 if is_listed => Values::I8(listed.iter().map(|&value| value as i8).collect()),
            proto::INT8 => Values::I8(raw.iter().map(|byte| byte.cast_signed()).collect()),
            proto::UINT8 if is_listed => Values::U8(listed.iter().map(|&value| value as u8).collect()),
            proto::UINT8 => Values::U8(raw.to_vec()),
            proto::INT32 if is_listed => Values::I32(listed.clone()),
            proto::INT32 => Values::I32(raw.as_chunks().0.iter().map(|word| i32::from_le_bytes(*word)).collect()),
            _ => return None,
        };
        (values.len() == count).then_some(Self { dims, values })
    }

    /// The one integer, where there is only one.
    pub(super) fn single(&self) -> Option<i64> {
        (self.values.len() == 1).then(|| self.values.less(0, 0) as i64)
    }

    /// What the integers stand for, with scales and zero points for all or for each place along `axis`.
    pub(super) fn floats(
        &self,
        scales: &[f32],
        zero_points: Option<&Self>,
        axis: usize,
        name: &str,
    ) -> Result<Floats, String> {
        let along = match (scales.len(), self.dims.get(axis)) {
            (1, _) => None,
            (count, Some(&length)) if count == length => Some(axis),
            (count, _) => {
                return Err(format!("`{name}` of shape {:?} has {count} scales along axis {axis}", self.dims));
            }
        };
        let zero = |place: usize| match zero_points {
            None => Some(0),
            Some(zero_points) if zero_points.values.len() == 1 => zero_points.single(),
            Some(zero_points) => {
                (zero_points.values.len() == scales.len()).then(|| zero_points.values.less(place, 0) as i64)
            }
        };
        let zeros: Option<Vec<i64>> = (0..scales.len()).map(zero).collect();
        let zeros = zeros.ok_or_else(|| format!("`{name}` has not as many zero points as scales"))?;
        let inner = self.dims.iter().skip(axis + 1).try_fold(1_usize, |all, &length| all.checked_mul(length));
        let inner = inner.unwrap_or(1).max(1);
        let place = |at: usize| along.map_or(0, |_| at / inner % scales.len());
        let pairs: Vec<(f64, i64)> = scales.iter().map(|&scale| scale.into()).zip(zeros.iter().copied()).collect();
        let number = |at: usize| {
            let (scale, zero) = pairs.get(place(at)).copied().unwrap_or_default();
            (self.values.less(at, zero) * scale) as f32
        };
        let values: Arc<[f32]> = (0..self.values.len()).map(number).collect();
        let is_around = zeros.iter().find(|zero| Some(**zero) != self.values.middle());
        let scales =
            self.values.middle().map(|_| Scales { axis: along, values: scales.into(), odd_zero: is_around.copied() });
        Ok(Floats { scales, ..Floats::new(self.dims.clone(), values).named(name) })
    }

    /// Floats as bytes, as a file rounds them before anything runs.
    pub(super) fn rounded(floats: &Floats, scales: &[f32], zero_points: Option<&Self>, axis: usize) -> Option<Self> {
        let along = match (scales.len(), floats.dims.get(axis)) {
            (1, _) => false,
            (count, Some(&length)) if count == length => true,
            _ => return None,
        };
        let inner: usize = floats.dims.iter().skip(axis + 1).product::<usize>().max(1);
        let byte = |at: usize, value: f32, low: f64| {
            let place = if along { at / inner % scales.len() } else { 0 };
            let zero = match zero_points {
                None => 0.0,
                Some(zeros) if zeros.values.len() == 1 => zeros.values.less(0, 0),
                Some(zeros) => zeros.values.less(place, 0),
            };
            let scale = f64::from(scales.get(place).copied().unwrap_or(1.0));
            ((f64::from(value) / scale).round_ties_even() + zero).clamp(low, low + 255.0)
        };
        let values = floats.values.iter().enumerate();
        let values = match zero_points.map(|zeros| &zeros.values) {
            Some(Values::I8(_)) => Values::I8(values.map(|(at, &value)| byte(at, value, -128.0) as i8).collect()),
            Some(Values::U8(_)) | None => Values::U8(values.map(|(at, &value)| byte(at, value, 0.0) as u8).collect()),
            Some(Values::I32(_)) => return None,
        };
        Some(Self { dims: floats.dims.clone(), values })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(dims: &[usize], values: &[i8]) -> Integers {
        Integers { dims: dims.into(), values: Values::I8(values.into()) }
    }

    #[test]
    fn integers_stand_for_numbers_along_any_axis_and_rounding_gives_them_back() {
        let weights = bytes(&[2, 3], &[-128, 0, 1, 2, 3, 127]);
        let rows = weights.floats(&[0.5, 2.0], None, 0, "w").unwrap();
        assert_eq!(*rows.values, [-64.0, 0.0, 0.5, 4.0, 6.0, 254.0]);
        let columns = weights.floats(&[1.0, 2.0, 4.0], None, 1, "w").unwrap();
        assert_eq!(*columns.values, [-128.0, 0.0, 4.0, 2.0, 6.0, 508.0]);
        assert_eq!(columns.scales.as_ref().unwrap().axis, Some(1));
        let zeros = bytes(&[1], &[0]);
        assert_eq!(Integers::rounded(&rows, &[0.5, 2.0], Some(&zeros), 0), Some(weights.clone()));
        assert_eq!(Integers::rounded(&columns, &[1.0, 2.0, 4.0], Some(&zeros), 1), Some(weights.clone()));
        assert!(weights.floats(&[1.0; 4], None, 1, "w").unwrap_err().contains("4 scales along axis 1"));
        assert!(weights.floats(&[1.0; 2], Some(&bytes(&[3], &[0; 3])), 0, "w").unwrap_err().contains("zero points"));
    }

    #[test]
    fn bytes_around_another_middle_say_so() {
        let odd = |values: Values, zero: Integers| {
            let integers = Integers { dims: vec![1], values };
            integers.floats(&[1.0], Some(&zero), 0, "w").unwrap().scales.map(|scales| scales.odd_zero)
        };
        let unsigned = |zero: u8| Integers { dims: vec![], values: Values::U8(vec![zero]) };
        assert_eq!(odd(Values::U8(vec![7]), unsigned(128)), Some(None));
        assert_eq!(odd(Values::U8(vec![7]), unsigned(3)), Some(Some(3)));
        assert_eq!(odd(Values::I8(vec![7]), bytes(&[], &[0])), Some(None));
        assert_eq!(odd(Values::I8(vec![7]), bytes(&[], &[-2])), Some(Some(-2)));
        assert_eq!(odd(Values::I32(vec![7]), bytes(&[], &[0])), None, "no weight");
    }

    #[test]
    fn a_tensor_without_as_many_integers_as_its_shape_says_has_none() {
        let tensor = |data_type: i32, raw: &[u8]| {
            let tensor = proto::Tensor { dims: vec![2], data_type, raw_data: raw.into(), ..Default::default() };
            Integers::of(&tensor, None).map(|integers| integers.values)
        };
        assert_eq!(tensor(proto::INT8, &[1, 255]), Some(Values::I8(vec![1, -1])));
        assert_eq!(tensor(proto::UINT8, &[1, 255]), Some(Values::U8(vec![1, 255])));
        assert_eq!(tensor(proto::INT32, &[1, 0, 0, 0, 255, 255, 255, 255]), Some(Values::I32(vec![1, -1])));
        assert_eq!((tensor(proto::INT8, &[1]), tensor(proto::FLOAT, &[0; 8])), (None, None));
    }
}
