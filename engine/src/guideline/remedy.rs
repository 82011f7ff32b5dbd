//! Edits that guidelines propose, with what they would change on paper.

use super::{Change, Remedy};
use crate::cost::{CostTotals, ModelCost, total_cost};
use crate::design::{Batch, Design, Edit, StageEdit};
use crate::graph::{Graph, lower};

/// A remedy, or nothing where the edit gives no valid network or changes nothing.
pub(super) fn remedy(design: &Design, graph: &Graph, cost: &ModelCost, label: &str, edit: Edit) -> Option<Remedy> {
    let edited = design.apply(&edit);
    if edited == *design {
        return None;
    }
    Some(changing(&cost.total, label, edit, &totals(&edited, graph)?))
}

/// As [`remedy`], with every stage's channels scaled so that the mult-adds stay as nearly as the rounding allows.
pub(super) fn remedy_at_equal_mult_adds(
    design: &Design,
    graph: &Graph,
    cost: &ModelCost,
    label: &str,
    edit: &Edit,
) -> Option<Remedy> {
    let target = cost.total.mult_adds.as_f64();
    let mut scale = 1.0;
    let mut best: Option<(f64, Edit, CostTotals)> = None;
    // Mult-adds of 1x1 convolutions grow with the square of the channels: a few square-root steps land on the target.
    for _ in 0..4 {
        let channels = design.stages.iter().enumerate().map(|(stage, of)| {
            let scaled = (f64::from(of.channels) * scale / 2.0).round().max(1.0) as u32 * 2;
            Edit::Stage { stage, change: StageEdit::Channels(scaled) }
        });
        let candidate = Edit::All([edit.clone()].into_iter().chain(channels).chain([Edit::Fit]).collect());
        let edited = design.apply(&candidate);
        let changes = edited != *design;
        let Some(after) = changes.then(|| totals(&edited, graph)).flatten() else {
            break;
        };
        let ratio = after.mult_adds.as_f64() / target;
        let miss = (ratio - 1.0).abs();
        if best.as_ref().is_none_or(|(least, ..)| miss < *least) {
            best = Some((miss, candidate, after));
        }
        if miss < 0.01 || ratio <= 0.0 {
            break;
        }
        scale /= ratio.sqrt();
    }
    best.map(|(_, edit, after)| changing(&cost.total, label, edit, &after))
}

fn changing(before: &CostTotals, label: &str, edit: Edit, after: &CostTotals) -> Remedy {
    Remedy {
        label: label.into(),
        edit,
        mult_adds: Change { before: before.mult_adds.0, after: after.mult_adds.0 },
        params: Change { before: before.params.0, after: after.params.0 },
        memory_access: Change { before: before.memory_access.0, after: after.memory_access.0 },
    }
}

fn totals(design: &Design, graph: &Graph) -> Option<CostTotals> {
    let batch = Batch(u32::try_from(graph.input_shape().batch).ok()?);
    lower(design, batch).ok().map(|graph| total_cost(&graph))
}
