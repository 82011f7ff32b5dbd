//! Layer normalisation in pieces, as exporters wrote it before opset 17, and its scale and shift behind it.

use super::affine::pairs;
use crate::model_file::onnx::constant::Floats;
use crate::model_file::onnx::draft::{Arithmetic, Draft, Function, ValueId, Work};

/// Puts a layer normalisation in the place of the division at the end of its pieces.
pub(super) fn join(draft: &mut Draft<'_>) {
    for value in (1..draft.steps.len()).map(ValueId) {
        if let Some((input, axis, eps)) = pieces(draft, value) {
            let length = draft.dims(value).get(axis).copied().unwrap_or(1);
            if draft.budget.floats(length).is_err() {
                return;
            }
            let scale = Floats::new(vec![length], vec![1.0; length]);
            draft.replace(value, Work::LayerNorm { axis, scale, shift: None, eps }, vec![input]);
        }
    }
}

/// `(x - mean) / sqrt(mean of squares + eps)`: of what, along which axis, and `eps`.
fn pieces(draft: &Draft<'_>, value: ValueId) -> Option<(ValueId, usize, f64)> {
    let two = |value: ValueId, arithmetic| match (&draft.step(value).work, draft.step(value).inputs.as_slice()) {
        (Work::Combine(found), &[one, other]) if *found == arithmetic => Some((draft.source(one), draft.source(other))),
        _ => None,
    };
    let mean = |value: ValueId| match &draft.step(value).work {
        Work::Reduce { is_max: false, axes } if axes.len() == 1 => Some((draft.input(value)?, *axes.first()?)),
        _ => None,
    };
    let (centred, deviation) = two(value, Arithmetic::Div)?;
    let (input, average) = two(centred, Arithmetic::Sub)?;
    let (of, axis) = mean(average)?;
    let sum = match draft.step(deviation).work {
        Work::Function(Function::Sqrt) => draft.input(deviation)?,
        _ => return None,
    };
    let Work::With { arithmetic: Arithmetic::Add, constant, .. } = &draft.step(sum).work else { return None };
    let (squares, along) = mean(draft.input(sum)?)?;
    let squared = match &draft.step(squares).work {
        Work::With { arithmetic: Arithmetic::Pow, constant, is_first: false } if constant.single() == Some(2.0) => {
            draft.input(squares)?
        }
        _ => two(squares, Arithmetic::Mul).filter(|(one, other)| one == other)?.0,
    };
    let eps = constant.single()?.to_string().parse().ok()?;
    (of == input && squared == centred && along == axis).then_some((input, axis, eps))
}

/// Gives layer normalisations that have none of their own the scale and shift behind them.
pub(super) fn scale(draft: &mut Draft<'_>) {
    let readers = draft.readers();
    for value in (1..draft.steps.len()).map(ValueId) {
        let Work::Affine { axis: Some(axis), scale, shift } = &draft.step(value).work else { continue };
        let Some(norm) = draft.input(value).filter(|norm| readers.get(norm.0) == Some(&1)) else { continue };
        let Work::LayerNorm { axis: along, scale: own, shift: None, eps } = &draft.step(norm).work else { continue };
        if along != axis || !own.name.is_empty() {
            continue;
        }
        let full = |floats: &Floats| pairs(floats, own, |value, _| value);
        let work = Work::LayerNorm {
            axis: *axis,
            scale: scale.as_ref().map_or_else(|| own.clone(), full),
            shift: shift.as_ref().map(full),
            eps: *eps,
        };
        let inputs = draft.step(norm).inputs.clone();
        draft.replace(value, work, inputs);
    }
}
