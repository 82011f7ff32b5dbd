//! Padding as a node of its own: zeros around a map belong to the window that slides over them.

use crate::model_file::onnx::draft::{Draft, Function, ValueId, Work};

/// Gives windows the padding before them.
pub(super) fn absorb(draft: &mut Draft<'_>) {
    behind_transposes(draft);
    for value in (1..draft.steps.len()).map(ValueId) {
        let Some(pad) = draft.input(value) else { continue };
        let Some((widths, zeros, input)) = around(draft, pad) else { continue };
        let mut work = draft.step(value).work.clone();
        let window = match &mut work {
            Work::Convolution { window, .. } if zeros => window,
            Work::Pool(pool) if !pool.is_max && zeros => {
                pool.zeros = [0, 1].map(|side| [0, 1].map(|axis| pool.zeros[side][axis] + widths[side][axis]));
                draft.replace(value, work, vec![input]);
                continue;
            }
            Work::Pool(pool) if pool.is_max && (!zeros || is_positive(draft, input)) => &mut pool.window,
            _ => continue,
        };
        let [before, behind] = widths;
        window.padding.iter_mut().zip(before).for_each(|(padding, width)| *padding += width);
        window.padding_end.iter_mut().zip(behind).for_each(|(padding, width)| *padding += width);
        draft.replace(value, work, vec![input]);
    }
}

/// The pixels around a map, whether they are zeros (otherwise they are below everything), and around what.
fn around(draft: &Draft<'_>, value: ValueId) -> Option<([[usize; 2]; 2], bool, ValueId)> {
    if let (Work::Bytes(scale), Some(pad)) = (&draft.step(value).work, draft.input(value)) {
        // Zero is a byte: around bytes of the same kind nothing else is rounded.
        let (widths, zeros, input) = around_numbers(draft, pad)?;
        let is_same = matches!(&draft.step(input).work, Work::Bytes(before) if before == scale);
        return (zeros && is_same).then_some((widths, zeros, input));
    }
    around_numbers(draft, value)
}

fn around_numbers(draft: &Draft<'_>, value: ValueId) -> Option<([[usize; 2]; 2], bool, ValueId)> {
    let Work::Pad { before, behind, value: with } = &draft.step(value).work else { return None };
    let (&[0, 0, top, left], &[0, 0, bottom, right]) = (before.as_slice(), behind.as_slice()) else { return None };
    let zeros = *with == 0.0;
    (zeros || *with <= f32::MIN).then_some(([[top, left], [bottom, right]], zeros, draft.input(value)?))
}

/// Whether nothing in a value is below zero, so that zeros around it are never its largest.
fn is_positive(draft: &Draft<'_>, mut value: ValueId) -> bool {
    loop {
        match &draft.step(value).work {
            Work::Function(Function::Relu | Function::Sigmoid | Function::HardSigmoid(..) | Function::Softplus) => {
                return true;
            }
            Work::Function(Function::Clip(low, _)) => return *low >= 0.0,
            Work::Pool(_) | Work::Reduce { .. } | Work::Reshape | Work::Transpose(_) | Work::Slice { .. } => {}
            _ => return false,
        }
        match draft.input(value) {
            Some(input) => value = input,
            None => return false,
        }
    }
}

/// Padding before a change of axes goes behind it, where the window is.
fn behind_transposes(draft: &mut Draft<'_>) {
    let readers = draft.readers();
    for value in (1..draft.steps.len()).map(ValueId) {
        let Work::Transpose(order) = &draft.step(value).work else { continue };
        let order = order.clone();
        let Some(pad) = draft.step(value).inputs.first().copied() else { continue };
        let (Work::Pad { before, behind, value: with }, Some(&1)) = (&draft.step(pad).work, readers.get(pad.0)) else {
            continue;
        };
        let turned = |widths: &[usize]| order.iter().map(|&axis| widths[axis]).collect::<Vec<_>>();
        let work = Work::Pad { before: turned(before), behind: turned(behind), value: *with };
        let Some(input) = draft.input(pad) else { continue };
        let dims = turned(draft.dims(input));
        draft.replace(pad, Work::Transpose(order), vec![input]);
        draft.steps[pad.0].dims = Some(dims);
        draft.replace(value, work, vec![pad]);
    }
}
