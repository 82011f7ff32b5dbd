//! G4: element-wise operations are not negligible (section 2, G4).

use super::remedy::remedy;
use super::{Evidence, EvidenceRow, Finding, Guideline};
use crate::cost::{LayerCost, ModelCost};
use crate::design::{BlockEdit, Design, Edit};
use crate::graph::{Graph, OpKind};
use crate::units::Elements;

/// Share of the memory access from which on the guideline speaks up. The paper gives no number; this one is ours.
const THRESHOLD: f64 = 0.25;

pub(super) fn find(design: Option<&Design>, graph: &Graph, cost: &ModelCost) -> Option<Finding> {
    // The paper counts depthwise convolutions here: as little arithmetic per element moved as an addition.
    let is_concerned = |kind| matches!(kind, OpKind::ElementWise | OpKind::Depthwise | OpKind::Normalisation);
    let concerned: Vec<&LayerCost> =
        cost.layers.iter().filter(|layer| is_concerned(layer.kind) && layer.memory_access > Elements::ZERO).collect();
    let total = cost.total.memory_access;
    let share = concerned.iter().map(|layer| layer.memory_access).sum::<Elements>().share_of(total);
    if share <= THRESHOLD {
        return None;
    }
    let depthwise: Elements =
        concerned.iter().filter(|layer| layer.kind == OpKind::Depthwise).map(|layer| layer.memory_access).sum();
    let layers = concerned.iter().map(|layer| layer.path.clone()).collect();
    let row = |layer: &&LayerCost| EvidenceRow::new(&layer.path, layer.memory_access.0, total.0);
    let mut rows: Vec<EvidenceRow> = concerned.iter().map(row).collect();
    rows.sort_by(|a, b| b.ratio.total_cmp(&a.ratio));
    let mult_adds: f64 = concerned.iter().map(|layer| layer.mult_adds.as_f64()).sum();
    let summary = format!(
        "{:.0} % of the memory access for {:.1} % of the mult-adds: {:.0} % depthwise, {:.0} % activations, additions and \
         scaling (before fusion).",
        100.0 * share,
        100.0 * mult_adds / cost.total.mult_adds.as_f64().max(1.0),
        100.0 * depthwise.share_of(total),
        100.0 * (share - depthwise.share_of(total)),
    );
    Some(Finding {
        guideline: Guideline::G4,
        layers,
        evidence: Evidence {
            summary,
            actual_is: "memory access (elements)".into(),
            reference_is: "memory access of the whole network".into(),
            rows,
            time_share: None,
        },
        remedy: design.and_then(|design| suggest(design, graph, cost)),
    })
}

/// Takes away the first optional element-wise work that the design has.
fn suggest(design: &Design, graph: &Graph, cost: &ModelCost) -> Option<super::Remedy> {
    let candidates = [
        ("no residual addition", BlockEdit::Residual(false)),
        ("no extra depthwise convolution", BlockEdit::DepthwiseFirst(false)),
        ("no squeeze-and-excitation", BlockEdit::Se(None)),
    ];
    candidates
        .into_iter()
        .filter_map(|(label, edit)| remedy(design, graph, cost, label, Edit::Blocks(edit)))
        .find(|remedy| remedy.memory_access.relative() < 0.0)
}
