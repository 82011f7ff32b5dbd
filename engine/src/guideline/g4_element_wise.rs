//! G4: element-wise operations are not negligible (section 2, G4).
//!
//! The paper counts depthwise convolutions here (as little arithmetic per element moved as an addition) and what only
//! moves data: concatenation, shuffle and split, merged into one operation where they follow one another (section 3).

use std::collections::HashSet;

use super::data_movement::movements;
use super::remedy::remedy;
use super::{Evidence, EvidenceRow, Finding, Guideline};
use crate::cost::ModelCost;
use crate::design::{BlockEdit, Design, Edit};
use crate::graph::{Graph, NodeId, OpKind};
use crate::units::Elements;

/// Share of the memory access from which on the guideline speaks up. The paper gives no number; this one is ours.
const THRESHOLD: f64 = 0.25;

pub(super) fn find(design: Option<&Design>, graph: &Graph, cost: &ModelCost) -> Option<Finding> {
    let mut concerned: HashSet<NodeId> = HashSet::new();
    let mut rows: Vec<(&str, Elements)> = vec![];
    let (mut depthwise, mut arithmetic, mut mult_adds) = (Elements::ZERO, Elements::ZERO, 0.0);
    for ((id, _), layer) in graph.layers().zip(&cost.layers) {
        let part = match layer.kind {
            OpKind::Depthwise => &mut depthwise,
            OpKind::ElementWise | OpKind::Normalisation => &mut arithmetic,
            _ => continue,
        };
        if layer.memory_access > Elements::ZERO {
            *part += layer.memory_access;
            mult_adds += layer.mult_adds.as_f64();
            concerned.insert(id);
            rows.push((&layer.path, layer.memory_access));
        }
    }
    // The network's sum has every concatenation and shuffle by itself.
    let (mut moved, mut saved) = (Elements::ZERO, 0_u64);
    for movement in movements(graph) {
        let layers = || movement.layers.iter().filter_map(|id| cost.layers.get(id.0.checked_sub(1)?));
        let alone: Elements = layers().map(|layer| layer.memory_access).sum();
        saved += alone.0.saturating_sub(movement.moved.0);
        moved += movement.moved;
        let first = layers().find(|layer| layer.memory_access > Elements::ZERO);
        rows.extend(first.map(|first| (first.path.as_str(), movement.moved)));
        concerned.extend(&movement.layers);
    }
    let whole = Elements(cost.total.memory_access.0.saturating_sub(saved));
    let share = (depthwise + arithmetic + moved).share_of(whole);
    if share <= THRESHOLD {
        return None;
    }
    let layers = graph.layers().filter(|(id, _)| concerned.contains(id)).map(|(_, node)| node.path.clone()).collect();
    let mut rows: Vec<EvidenceRow> =
        rows.into_iter().map(|(path, access)| EvidenceRow::new(path, access.0, whole.0)).collect();
    rows.sort_by(|a, b| b.ratio.total_cmp(&a.ratio));
    let percent = |part: Elements| 100.0 * part.share_of(whole);
    let summary = format!(
        "{:.0} % of the memory access for {:.1} % of the mult-adds: {:.0} % depthwise, {:.0} % activations, additions and \
         scaling, {:.0} % data movement (before fusion; concatenation, shuffle and split that follow one another count as \
         one operation).",
        100.0 * share,
        100.0 * mult_adds / cost.total.mult_adds.as_f64().max(1.0),
        percent(depthwise),
        percent(arithmetic),
        percent(moved),
    );
    Some(Finding {
        guideline: Guideline::G4,
        layers,
        evidence: Evidence {
            summary,
            actual_is: "memory access (elements)".into(),
            reference_is: "memory access of the whole network, data movement merged".into(),
            rows,
            time_share: None,
            time_share_of: None,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cost::model_cost;
    use crate::graph::{Activation, Conv2d, GraphBuilder, Op, Shape, Window};

    fn conv(from: usize, to: usize, kernel: usize, groups: usize) -> Op {
        let window = Window::square(kernel, 1);
        Op::Conv2d(Conv2d { in_channels: from, out_channels: to, window, groups, bias: false })
    }

    /// A basic unit of ShuffleNet V2 with 8 channels on 4 x 4 pixels, and the split of the next one: 64 elements a half.
    fn unit() -> Graph {
        let mut graph = GraphBuilder::new("unit", Shape::new(1, 8, 4, 4));
        let input = graph.input();
        let slice = |start| Op::Slice { start, channels: 4 };
        let left = graph.push("left", slice(0), &[input]).unwrap();
        let right = graph.push("right", slice(4), &[input]).unwrap();
        let wide = graph.push("pw1", conv(4, 4, 1, 1), &[right]).unwrap();
        let wide = graph.push("bn1", Op::BatchNorm { channels: 4, eps: 1e-5 }, &[wide]).unwrap();
        let wide = graph.push("relu1", Op::Activation(Activation::Relu), &[wide]).unwrap();
        let deep = graph.push("dw", conv(4, 4, 3, 4), &[wide]).unwrap();
        let joined = graph.push("concat", Op::Concat, &[left, deep]).unwrap();
        let mixed = graph.push("shuffle", Op::ChannelShuffle { groups: 2 }, &[joined]).unwrap();
        let next = graph.push("next", slice(4), &[mixed]).unwrap();
        let kept = graph.push("kept", slice(0), &[mixed]).unwrap();
        let next = graph.push("pw2", conv(4, 4, 1, 1), &[next]).unwrap();
        graph.push("add", Op::Add, &[next, kept]).unwrap();
        graph.finish()
    }

    #[test]
    fn depthwise_arithmetic_and_merged_data_movement_are_counted_each_by_itself() {
        let graph = unit();
        let cost = model_cost(&graph);
        // Both 1x1: 64 + 64 + 16; ReLU: 64 + 64; depthwise: 64 + 64 + 36; concat and shuffle 128 + 128 each; sum 3 x 64.
        assert_eq!(cost.total.memory_access.0, 2 * 144 + 128 + 164 + 2 * 256 + 192);
        let finding = find(None, &graph, &cost).unwrap();
        // Concat, shuffle and split read 128 once and write 128 once.
        let whole = 2 * 144 + 128 + 164 + 256 + 192;
        let rows: Vec<(&str, u64, u64)> =
            finding.evidence.rows.iter().map(|row| (row.layer.as_str(), row.actual, row.reference)).collect();
        assert_eq!(rows, [("concat", 256, whole), ("add", 192, whole), ("dw", 164, whole), ("relu1", 128, whole)]);
        assert_eq!(finding.layers, ["left", "relu1", "dw", "concat", "shuffle", "next", "kept", "add"]);
        // 740, 164, 320 and 256 of 1028; 576 of 1088 mult-adds.
        assert_eq!(
            finding.evidence.summary,
            "72 % of the memory access for 52.9 % of the mult-adds: 16 % depthwise, 31 % activations, additions and \
             scaling, 25 % data movement (before fusion; concatenation, shuffle and split that follow one another count as \
             one operation)."
        );
    }

    #[test]
    fn a_network_of_dense_convolutions_is_no_finding() {
        let mut graph = GraphBuilder::new("dense", Shape::new(1, 64, 4, 4));
        let input = graph.input();
        let deep = graph.push("conv", conv(64, 64, 3, 1), &[input]).unwrap();
        graph.push("relu", Op::Activation(Activation::Relu), &[deep]).unwrap();
        let graph = graph.finish();
        assert_eq!(find(None, &graph, &model_cost(&graph)), None);
    }
}
