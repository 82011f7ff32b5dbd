//! The mean over all pixels, in every form: over one axis after the other, or by a window as large as the map.

use crate::model_file::onnx::draft::{Draft, ValueId, Work};

/// Makes one step of each.
pub(super) fn join(draft: &mut Draft<'_>) {
    let readers = draft.readers();
    for value in (1..draft.steps.len()).map(ValueId) {
        match &draft.step(value).work {
            Work::Pool(pool) if !pool.is_max => {
                let Some(input) = draft.input(value) else { continue };
                let is_whole = draft.dims(input).get(2..) == Some(&pool.window.kernel[..])
                    && draft.dims(value).get(2..) == Some(&[1, 1])
                    && [pool.window.padding, pool.window.padding_end] == [[0; 2]; 2]
                    && pool.zeros == [[0; 2]; 2]
                    && pool.window.taps() > 1;
                if is_whole {
                    draft.replace(value, Work::Reduce { is_max: false, axes: vec![2, 3] }, vec![input]);
                }
            }
            Work::Reduce { .. } => one_after_another(draft, value, &readers),
            _ => {}
        }
    }
}

/// `x.mean(3).mean(2)` is one mean over both axes.
fn one_after_another(draft: &mut Draft<'_>, value: ValueId, readers: &[usize]) {
    let Work::Reduce { is_max, axes } = draft.step(value).work.clone() else { return };
    let Some(before) = draft.input(value) else { return };
    let (reduced, squeezed) = match draft.step(before).work {
        Work::Reshape if readers.get(before.0) == Some(&1) => (draft.input(before), true),
        _ => (Some(before), false),
    };
    let Some(reduced) = reduced else { return };
    let Work::Reduce { is_max: first_is_max, axes: first } = draft.step(reduced).work.clone() else { return };
    let Some(input) = draft.input(reduced).filter(|_| first_is_max == is_max) else { return };
    let mut all = first.clone();
    if squeezed {
        // Which axes are left where those of the first are gone.
        let left: Vec<usize> = (0..draft.dims(reduced).len()).filter(|axis| !first.contains(axis)).collect();
        let lengths: Vec<usize> = left.iter().map(|&axis| draft.dims(reduced)[axis]).collect();
        if lengths != draft.dims(before) {
            return;
        }
        all.extend(axes.iter().filter_map(|&axis| left.get(axis).copied()));
    } else {
        all.extend(axes);
    }
    all.sort_unstable();
    all.dedup();
    if squeezed {
        let mut dims = draft.dims(input).to_vec();
        all.iter().for_each(|&axis| dims[axis] = 1);
        draft.replace(before, Work::Reduce { is_max, axes: all }, vec![input]);
        draft.steps[before.0].dims = Some(dims);
        draft.replace(value, Work::Reshape, vec![before]);
    } else {
        draft.replace(value, Work::Reduce { is_max, axes: all }, vec![input]);
    }
}
