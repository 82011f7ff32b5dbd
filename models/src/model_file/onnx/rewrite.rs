//! Rewrites of a model on its way in: one idea each, from a form that files have to the one that layers have.
//!
//! Each looks at the steps once, replaces what it knows in its place, and leaves everything else alone. What moves values
//! without computing needs none: shuffles, flattening and channels that come last are told by where each value lies
//! (`emit/view.rs`).

mod activations_in_pieces;
mod affine;
mod bias;
mod global_pool;
mod layer_norm;
mod padding;
mod softmax_end;

use super::draft::Draft;

/// Rewrites everything; what people should know of it.
pub(super) fn rewrite(draft: &mut Draft<'_>) -> Vec<String> {
    let note = softmax_end::take_off(draft);
    layer_norm::join(draft);
    activations_in_pieces::join(draft);
    affine::collect(draft);
    layer_norm::scale(draft);
    bias::absorb(draft);
    padding::absorb(draft);
    global_pool::join(draft);
    note.into_iter().collect()
}
