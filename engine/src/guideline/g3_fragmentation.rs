//! G3: network fragmentation reduces parallelism (section 2, G3).

use std::collections::BTreeMap;

use super::remedy::remedy;
use super::{Evidence, EvidenceRow, Finding, Guideline};
use crate::cost::ModelCost;
use crate::design::{BlockEdit, Design, Edit};
use crate::graph::{Graph, Node, OpKind, UnitId};

/// The paper counts the convolutions and poolings of one unit: 2 or 3 in ResNet's, 13 in NASNet-A's. A ShuffleNet V2
/// unit has 3, and 5 where it down-samples.
const MOST_FRAGMENTS: u64 = 5;

/// More parallel branches than a down-sampling unit has.
const MOST_BRANCHES: u64 = 2;

/// The shape of one unit.
#[derive(Debug, Default)]
struct Unit {
    fragments: u64,
    widest: u64,
    layers: Vec<String>,
}

pub(super) fn find(design: &Design, graph: &Graph, cost: &ModelCost) -> Option<Finding> {
    let mut rows = vec![];
    let mut layers = vec![];
    for (id, unit) in units(graph) {
        let branches = unit.widest;
        if unit.fragments > MOST_FRAGMENTS || branches > MOST_BRANCHES {
            let path = format!("{}.{}", Design::stage_name(id.stage), id.repeat);
            rows.push(EvidenceRow::new(path, unit.fragments, MOST_FRAGMENTS));
            layers.extend(unit.layers);
        }
    }
    if rows.is_empty() {
        return None;
    }
    rows.sort_by(|a, b| b.ratio.total_cmp(&a.ratio));
    let summary = format!(
        "{} of up to {} convolutions and poolings each; a plain ShuffleNet V2 unit has 3, or 5 where it \
         down-samples.",
        super::finding::count(rows.len(), "unit"),
        rows.iter().map(|row| row.actual).max().unwrap_or(0)
    );
    let without_se = Edit::Blocks(BlockEdit::Se(None));
    let without_first = Edit::Blocks(BlockEdit::DepthwiseFirst(false));
    let remedy = remedy(design, graph, cost, "no squeeze-and-excitation", without_se)
        .or_else(|| remedy(design, graph, cost, "no extra depthwise convolution", without_first));
    Some(Finding {
        guideline: Guideline::G3,
        layers,
        evidence: Evidence {
            summary,
            actual_is: "convolutions and poolings in the unit".into(),
            reference_is: "at most this many without a finding".into(),
            rows,
            time_share: None,
        },
        remedy,
    })
}

fn is_fragment(node: &Node) -> bool {
    matches!(
        node.op.kind(),
        OpKind::Convolution | OpKind::Pointwise | OpKind::Depthwise | OpKind::Pooling | OpKind::Linear
    )
}

/// Fragments and parallel width of every unit.
fn units(graph: &Graph) -> BTreeMap<UnitId, Unit> {
    let mut units: BTreeMap<UnitId, Unit> = BTreeMap::new();
    // How many fragments of each unit stand at the same distance from its input: those can run in parallel.
    let mut depth = vec![0_usize; graph.nodes().len()];
    let mut at_depth: BTreeMap<(UnitId, usize), u64> = BTreeMap::new();
    for (id, node) in graph.layers() {
        let Some(unit) = node.unit else { continue };
        let inside = node.inputs.iter().filter(|input| graph.node(**input).unit == Some(unit));
        depth[id.0] = inside.map(|input| depth[input.0]).max().unwrap_or(0);
        if is_fragment(node) {
            depth[id.0] += 1;
            let width = at_depth.entry((unit, depth[id.0])).or_default();
            *width += 1;
            let entry = units.entry(unit).or_default();
            entry.fragments += 1;
            entry.widest = entry.widest.max(*width);
            entry.layers.push(node.path.clone());
        }
    }
    units
}
