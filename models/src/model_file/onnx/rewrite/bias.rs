//! A bias as a sum with a constant, right behind the convolution or dense layer that it belongs to.

use super::affine::pairs;
use crate::model_file::onnx::constant::Floats;
use crate::model_file::onnx::draft::{Draft, ValueId, Work};

/// Gives layers the biases behind them.
pub(super) fn absorb(draft: &mut Draft<'_>) {
    let readers = draft.readers();
    for value in (1..draft.steps.len()).map(ValueId) {
        let Work::Affine { axis, scale: None, shift: Some(shift) } = &draft.step(value).work else { continue };
        let Some(layer) = draft.input(value).filter(|layer| readers.get(layer.0) == Some(&1)) else { continue };
        let step = draft.step(layer);
        let dims = draft.dims(layer);
        let channels = match step.work {
            Work::Convolution { .. } => 1,
            Work::Dense { .. } => dims.len().saturating_sub(1),
            _ => continue,
        };
        let Some(&length) = dims.get(channels) else { continue };
        let budget = &mut draft.budget.clone();
        if axis.is_some_and(|axis| axis != channels) || budget.floats(2 * length).is_err() {
            continue;
        }
        let with = |bias: &Option<Floats>| {
            let all = Floats::new(vec![length], vec![0.0; length]);
            Some(pairs(shift, bias.as_ref().unwrap_or(&all), |a, b| a + b))
        };
        let work = match &step.work {
            Work::Convolution { weight, bias, window, groups } => {
                Work::Convolution { weight: weight.clone(), bias: with(bias), window: *window, groups: *groups }
            }
            Work::Dense { weight, bias, is_out_in } => {
                Work::Dense { weight: weight.clone(), bias: with(bias), is_out_in: *is_out_in }
            }
            _ => continue,
        };
        let (inputs, origin) = (step.inputs.clone(), step.origin);
        draft.budget = *budget;
        draft.replace(value, work, inputs);
        draft.steps[value.0].origin = origin;
    }
}
