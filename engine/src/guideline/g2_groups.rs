//! G2: group convolution raises memory access at equal mult-adds (section 2, G2).

use super::remedy::remedy_at_equal_mult_adds;
use super::{Evidence, EvidenceRow, Finding, Guideline};
use crate::cost::ModelCost;
use crate::design::{BlockEdit, Design, Edit};
use crate::graph::{Graph, Op};

pub(super) fn find(design: Option<&Design>, graph: &Graph, cost: &ModelCost) -> Option<Finding> {
    let mut rows = vec![];
    for ((_, node), layer) in graph.layers().zip(&cost.layers) {
        let Op::Conv2d(conv) = node.op else { continue };
        if conv.groups == 1 || conv.is_depthwise() {
            continue;
        }
        let input: u64 = graph.input_shapes(node).map(|shape| shape.elements().0).sum();
        let output = node.output.elements().0;
        // Equal input and mult-adds without groups: B = hw c1 c2 / g gives c2 / g output channels and as many weights.
        let ungrouped = input + output / conv.groups as u64 + conv.weight_elements() as u64;
        rows.push(EvidenceRow::new(&layer.path, layer.memory_access.0, ungrouped));
    }
    if rows.is_empty() {
        return None;
    }
    let layers: Vec<String> = rows.iter().map(|row| row.layer.clone()).collect();
    let (actual, reference) = rows.iter().fold((0, 0), |(a, r), row| (a + row.actual, r + row.reference));
    rows.sort_by(|a, b| b.ratio.total_cmp(&a.ratio));
    let summary = format!(
        "{}: {:.0} % more memory access than ungrouped layers of equal input and mult-adds.",
        super::finding::count(rows.len(), "grouped convolution"),
        100.0 * (actual as f64 / reference.max(1) as f64 - 1.0)
    );
    let edit = Edit::Blocks(BlockEdit::Groups(1));
    Some(Finding {
        guideline: Guideline::G2,
        layers,
        evidence: Evidence {
            summary,
            actual_is: "memory access (elements)".into(),
            reference_is: "ungrouped at equal input and mult-adds".into(),
            rows,
            time_share: None,
            time_share_of: None,
        },
        remedy: design
            .and_then(|design| remedy_at_equal_mult_adds(design, graph, cost, "g = 1 at equal mult-adds", &edit)),
    })
}
