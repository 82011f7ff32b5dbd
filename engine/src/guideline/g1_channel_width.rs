//! G1: a 1x1 convolution moves least for its mult-adds when it reads as many channels as it writes (section 2, G1).

use super::remedy::{remedy, remedy_at_equal_mult_adds};
use super::{Evidence, EvidenceRow, Finding, Guideline, Remedy};
use crate::cost::ModelCost;
use crate::design::{Block, BlockEdit, Design, DownSampling, Edit};
use crate::graph::{Graph, Op};

/// A layer is listed from this excess over the lower bound on. The paper measures no loss below 1:2, which is 6 %.
const THRESHOLD: f64 = 1.05;

pub(super) fn find(design: Option<&Design>, graph: &Graph, cost: &ModelCost) -> Option<Finding> {
    let mut rows: Vec<EvidenceRow> = vec![];
    let mut layers = vec![];
    for ((_, node), layer) in graph.layers().zip(&cost.layers) {
        let Op::Conv2d(conv) = node.op else { continue };
        // Squeeze-and-excitation works on one pixel per channel: its memory access is its weights, whatever the widths.
        if !conv.is_pointwise() || conv.groups > 1 || node.output.pixels() == 1 {
            continue;
        }
        let pixels = (node.output.batch * node.output.pixels()) as f64;
        let bound = lower_bound(pixels, layer.mult_adds.as_f64());
        let row = EvidenceRow::new(&layer.path, layer.memory_access.0, bound.floor() as u64);
        if row.ratio > THRESHOLD {
            layers.push(layer.path.clone());
            rows.push(row);
        }
    }
    let (actual, reference) = rows.iter().fold((0, 0), |(a, r), row| (a + row.actual, r + row.reference));
    if rows.is_empty() {
        return None;
    }
    let excess = actual as f64 / reference.max(1) as f64 - 1.0;
    rows.sort_by(|a, b| b.ratio.total_cmp(&a.ratio));
    let summary = format!(
        "{} with unequal input and output channels: {:.0} % more memory access than at equal width.",
        super::finding::count(rows.len(), "1x1 convolution"),
        100.0 * excess
    );
    Some(Finding {
        guideline: Guideline::G1,
        layers,
        evidence: Evidence {
            summary,
            actual_is: "memory access (elements)".into(),
            reference_is: "lower bound at equal mult-adds".into(),
            rows,
            time_share: None,
        },
        remedy: design.and_then(|design| suggest(design, graph, cost)),
    })
}

/// Least memory access of a 1x1 convolution with `mult_adds` over `pixels`: `2 sqrt(hw B) + B / hw` (section 2, eq. 2).
fn lower_bound(pixels: f64, mult_adds: f64) -> f64 {
    2.0 * (pixels * mult_adds).sqrt() + mult_adds / pixels.max(1.0)
}

fn suggest(design: &Design, graph: &Graph, cost: &ModelCost) -> Option<Remedy> {
    let has = |test: fn(&Block) -> bool| design.stages.iter().any(|stage| test(&stage.block));
    if has(|block| matches!(block, Block::ShuffleV1(block) if block.bottleneck > 1)) {
        let edit = Edit::Blocks(BlockEdit::Bottleneck(1));
        return remedy_at_equal_mult_adds(design, graph, cost, "bottleneck 1:1 at equal mult-adds", &edit);
    }
    if has(|block| matches!(block, Block::InvertedResidual(block) if block.expansion > 1)) {
        let edit = Edit::Blocks(BlockEdit::Expansion(1));
        return remedy_at_equal_mult_adds(design, graph, cost, "expansion 1 at equal mult-adds", &edit);
    }
    if has(|block| matches!(block, Block::ShuffleV2(block) if block.split != 0.5)) {
        let edit = Edit::All(vec![Edit::Blocks(BlockEdit::Split(0.5)), Edit::Fit]);
        return remedy(design, graph, cost, "split 0.5", edit);
    }
    if has(|block| matches!(block, Block::ShuffleV2(block) if block.down_sampling == DownSampling::Paper)) {
        let edit = Edit::Blocks(BlockEdit::DownSampling(DownSampling::Torchvision));
        return remedy(design, graph, cost, "equal branches when down-sampling", edit)
            .filter(|remedy| remedy.memory_access.relative() < 0.0);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The paper's Table 1 blocks at x1 on the GPU, two convolutions each (figures of PAPER.md section 1).
    #[test]
    fn the_lower_bound_is_reached_at_equal_width() {
        let (pixels, channels) = (56.0 * 56.0, 128.0);
        let access = pixels * 2.0 * channels + channels * channels;
        assert!((lower_bound(pixels, pixels * channels * channels) - access).abs() < 1e-6);
        assert!((2.0 * access - 1_638_400.0).abs() < 1e-6);
    }
}
