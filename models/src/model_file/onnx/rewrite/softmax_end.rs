//! A softmax at the end: most published classifiers have one. It changes no ranking and is taken off, so that what comes
//! out are logits as in every other network here.

use crate::model_file::onnx::draft::{Draft, ValueId, Work};

/// Takes it off; what to tell.
pub(super) fn take_off(draft: &mut Draft<'_>) -> Option<String> {
    let mut value = draft.source(draft.output);
    // Probabilities rounded to bytes say nothing of the logits.
    let mut rounded = Vec::new();
    while let work @ (Work::Reshape | Work::Bytes(_)) = &draft.step(value).work {
        rounded.extend(matches!(work, Work::Bytes(_)).then_some(value));
        value = draft.input(value)?;
    }
    let step = draft.step(value);
    if !matches!(step.work, Work::Softmax) || is_of_the_picture(draft, value) {
        return None;
    }
    let node = draft.nodes.get(step.origin)?;
    let name = if node.name.is_empty() { node.output.first()? } else { &node.name };
    let note =
        format!("its {} at the end (`{name}`) is left out: what comes out are the logits before it", node.op_type);
    let inputs = step.inputs.clone();
    draft.replace(value, Work::Same, inputs);
    for value in rounded {
        let inputs = draft.step(value).inputs.clone();
        draft.replace(value, Work::Same, inputs);
    }
    Some(note)
}

/// Whether nothing is computed before this step: without it there would be no network.
fn is_of_the_picture(draft: &Draft<'_>, value: ValueId) -> bool {
    let mut input = draft.input(value);
    while let Some(value) = input {
        match draft.step(value).work {
            Work::Input => return true,
            Work::Reshape | Work::Bytes(_) | Work::Transpose(_) | Work::Slice { .. } | Work::Pick { .. } => {
                input = draft.input(value)
            }
            _ => return false,
        }
    }
    false
}
