//! Scale, shift, mean and deviation as element-wise constants: one affine step, or an activation's bound.

use std::sync::Arc;

use crate::model_file::onnx::constant::Floats;
use crate::model_file::onnx::draft::{Arithmetic, Draft, Function, ValueId, Work};

/// Makes one affine step of each run of constants that are added and multiplied.
pub(super) fn collect(draft: &mut Draft<'_>) {
    let readers = draft.readers();
    for value in (1..draft.steps.len()).map(ValueId) {
        let Some((work, input)) = affine(draft, value) else { continue };
        let is_alone = readers.get(input.0) == Some(&1);
        let merged = merged(&draft.step(input).work, &work).filter(|_| is_alone).zip(draft.input(input));
        let (work, input) = merged.unwrap_or((work, input));
        if draft.budget.floats(values(&work)).is_err() {
            return;
        }
        draft.replace(value, work, vec![input]);
    }
}

/// How many values an affine step has.
fn values(work: &Work) -> usize {
    let Work::Affine { scale, shift, .. } = work else { return 0 };
    scale.iter().chain(shift).map(|floats| floats.values.len()).sum()
}

/// What an operation with a constant is, and of what; `None` where it stays as it is.
fn affine(draft: &Draft<'_>, value: ValueId) -> Option<(Work, ValueId)> {
    let step = draft.step(value);
    let Work::With { arithmetic, constant, is_first } = &step.work else { return None };
    let input = *step.inputs.first()?;
    let (axis, constant) = along(constant, draft.dims(value).len())?;
    let of = |scale, shift| Some((Work::Affine { axis, scale, shift }, input));
    let each = |change: fn(f32) -> f32| Floats {
        values: constant.values.iter().map(|&value| change(value)).collect::<Arc<[f32]>>(),
        scales: None,
        ..constant.clone()
    };
    let clip = |low, high| Some((Work::Function(Function::Clip(low, high)), input));
    match (arithmetic, is_first, constant.single()) {
        (Arithmetic::Add, _, Some(0.0)) | (Arithmetic::Sub, false, Some(0.0)) => Some((Work::Same, input)),
        (Arithmetic::Mul, _, Some(1.0)) | (Arithmetic::Div | Arithmetic::Pow, false, Some(1.0)) => {
            Some((Work::Same, input))
        }
        (Arithmetic::Add, ..) => of(None, Some(constant)),
        (Arithmetic::Sub, false, _) => of(None, Some(each(|value| -value))),
        (Arithmetic::Sub, true, _) => of(Some(each(|_| -1.0).named("")), Some(constant)),
        (Arithmetic::Mul, ..) => of(Some(constant), None),
        (Arithmetic::Div, false, _) => of(Some(each(|value| 1.0 / value)), None),
        (Arithmetic::Max, _, Some(low)) => clip(low.into(), f64::INFINITY),
        (Arithmetic::Min, _, Some(high)) => clip(f64::NEG_INFINITY, high.into()),
        _ => None,
    }
}

/// The axis, of `rank`, along which a constant has its values, and the values as a list; no axis for a single one.
pub(super) fn along(constant: &Floats, rank: usize) -> Option<(Option<usize>, Floats)> {
    let mut axes = constant.dims.iter().enumerate().filter(|(_, length)| **length > 1).map(|(axis, _)| axis);
    let axis = match (axes.next(), axes.next()) {
        (None, _) => return Some((None, constant.shaped(vec![constant.values.len()]))),
        (Some(axis), None) => axis,
        (Some(_), Some(_)) => return None,
    };
    let axis = (axis + rank).checked_sub(constant.dims.len())?;
    Some((Some(axis), constant.shaped(vec![constant.values.len()])))
}

/// One affine step after another as one.
fn merged(first: &Work, second: &Work) -> Option<Work> {
    let (Work::Affine { axis: one, scale: a, shift: b }, Work::Affine { axis: other, scale: c, shift: d }) =
        (first, second)
    else {
        return None;
    };
    if one.is_some() && other.is_some() && one != other {
        return None;
    }
    // (a x + b) c + d
    let times = |left: &Option<Floats>, right: &Option<Floats>| match (left, right) {
        (Some(left), Some(right)) => Some(pairs(left, right, |a, b| a * b)),
        (left, right) => left.clone().or_else(|| right.clone()),
    };
    let scaled = b.as_ref().map(|b| c.as_ref().map_or_else(|| b.clone(), |c| pairs(b, c, |a, b| a * b)));
    let shift = match (scaled, d) {
        (Some(left), Some(right)) => Some(pairs(&left, right, |a, b| a + b)),
        (left, right) => left.or_else(|| right.clone()),
    };
    Some(Work::Affine { axis: one.or(*other), scale: times(a, c), shift })
}

/// `operation` on each pair; a single value goes with all.
pub(super) fn pairs(one: &Floats, other: &Floats, operation: fn(f32, f32) -> f32) -> Floats {
    let count = one.values.len().max(other.values.len());
    let at =
        |floats: &Floats, index: usize| floats.single().or_else(|| floats.values.get(index).copied()).unwrap_or(0.0);
    let values: Vec<f32> = (0..count).map(|index| operation(at(one, index), at(other, index))).collect();
    Floats::new(vec![count], values).named(if one.name.is_empty() { &other.name } else { &one.name })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mean_and_a_deviation_are_one_scale_and_shift() {
        let vector = |values: &[f32]| Some(Floats::new(vec![values.len()], values.to_vec()));
        let mean = Work::Affine { axis: Some(1), scale: None, shift: vector(&[-1.0, -2.0]) };
        let deviation = Work::Affine { axis: None, scale: vector(&[0.5]), shift: None };
        let Some(Work::Affine { axis, scale, shift }) = merged(&mean, &deviation) else { panic!() };
        assert_eq!((axis, scale.unwrap().single()), (Some(1), Some(0.5)));
        assert_eq!(*shift.unwrap().values, [-0.5, -1.0]);
        let elsewhere = Work::Affine { axis: Some(2), scale: vector(&[1.0, 2.0]), shift: None };
        assert!(merged(&mean, &elsewhere).is_none());
    }

    #[test]
    fn a_constant_lies_along_one_axis_or_none() {
        let along = |dims: &[usize]| {
            let count = dims.iter().product();
            along(&Floats::new(dims.into(), vec![1.0; count]), 4).map(|(axis, _)| axis)
        };
        assert_eq!(along(&[8, 1, 1]), Some(Some(1)));
        assert_eq!(along(&[1, 8, 1, 1]), Some(Some(1)));
        assert_eq!(along(&[8]), Some(Some(3)));
        assert_eq!(along(&[1, 1]), Some(None));
        assert_eq!(along(&[8, 2]), None);
    }
}
