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
    name: String,
    fragments: u64,
    widest: u64,
    layers: Vec<String>,
}

pub(super) fn find(design: Option<&Design>, graph: &Graph, cost: &ModelCost) -> Option<Finding> {
    let mut rows = vec![];
    let mut layers = vec![];
    for unit in units(graph) {
        if unit.fragments > MOST_FRAGMENTS || unit.widest > MOST_BRANCHES {
            rows.push(EvidenceRow::new(unit.name, unit.fragments, MOST_FRAGMENTS));
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
    let remedy = design.and_then(|design| {
        remedy(design, graph, cost, "no squeeze-and-excitation", without_se)
            .or_else(|| remedy(design, graph, cost, "no extra depthwise convolution", without_first))
    });
    Some(Finding {
        guideline: Guideline::G3,
        layers,
        evidence: Evidence {
            summary,
            actual_is: "convolutions and poolings in the unit".into(),
            reference_is: "at most this many without a finding".into(),
            rows,
            time_share: None,
            time_share_of: None,
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

/// Fragments and parallel width of every unit, in execution order.
fn units(graph: &Graph) -> Vec<Unit> {
    let known = graph.nodes().iter().any(|node| node.unit.is_some());
    let member = if known { by_design(graph) } else { by_branching(graph) };
    let mut units: Vec<Unit> = Vec::new();
    // How many fragments of each unit stand at the same distance from its input: those can run in parallel.
    let mut depth = vec![0_usize; graph.nodes().len()];
    let mut at_depth: BTreeMap<(usize, usize), u64> = BTreeMap::new();
    for (id, node) in graph.layers() {
        let Some(unit) = member[id.0] else { continue };
        let inside = node.inputs.iter().filter(|input| member[input.0] == Some(unit));
        depth[id.0] = inside.map(|input| depth[input.0]).max().unwrap_or(0);
        if is_fragment(node) {
            depth[id.0] += 1;
            let width = at_depth.entry((unit, depth[id.0])).or_default();
            *width += 1;
            if units.len() <= unit {
                units.resize_with(unit + 1, Unit::default);
            }
            let entry = &mut units[unit];
            entry.fragments += 1;
            entry.widest = entry.widest.max(*width);
            entry.layers.push(node.path.clone());
            entry.name = match node.unit {
                Some(id) => format!("{}.{}", Design::stage_name(id.stage), id.repeat),
                None => common_module(&entry.name, &node.path),
            };
        }
    }
    units.retain(|unit| unit.fragments > 0);
    units
}

/// Per node, the number of its unit, as the design has them.
fn by_design(graph: &Graph) -> Vec<Option<usize>> {
    let mut numbers: BTreeMap<UnitId, usize> = BTreeMap::new();
    let mut number = |unit: UnitId| {
        let next = numbers.len();
        *numbers.entry(unit).or_insert(next)
    };
    graph.nodes().iter().map(|node| node.unit.map(&mut number)).collect()
}

/// As [`by_design`] for a graph without units: what lies between two values that everything passes through, where the
/// way between them branches. That is a residual block, an Inception module or a ShuffleNet unit.
fn by_branching(graph: &Graph) -> Vec<Option<usize>> {
    let mut last_use: Vec<usize> = (0..graph.nodes().len()).collect();
    for (id, node) in graph.layers() {
        for input in &node.inputs {
            last_use[input.0] = id.0;
        }
    }
    let mut member = vec![None; graph.nodes().len()];
    let (mut units, mut from, mut alive_until) = (0, 0, 0);
    for (index, &last) in last_use.iter().enumerate() {
        if alive_until <= index {
            if index > from + 1 {
                member[from + 1..=index].fill(Some(units));
                units += 1;
            }
            from = index;
        }
        alive_until = alive_until.max(last);
    }
    member
}

/// The module that holds both: `layer1.0` of `layer1.0.conv1` and `layer1.0.downsample.0`; the first where there is none.
fn common_module(first: &str, second: &str) -> String {
    if first.is_empty() {
        return second.into();
    }
    let parts = first.split('.').zip(second.split('.'));
    let shared: Vec<&str> = parts.take_while(|(a, b)| a == b).map(|(part, _)| part).collect();
    if shared.is_empty() { first.into() } else { shared.join(".") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cost::model_cost;
    use crate::graph::{Activation, Conv2d, GraphBuilder, NodeId, Op, Shape, Window};

    /// Three unlike branches that are joined, behind a layer and before another one, as in GoogLeNet.
    fn module(branches: usize) -> Graph {
        let mut graph = GraphBuilder::new("module", Shape::new(1, 8, 8, 8));
        let conv = |graph: &mut GraphBuilder, path: String, input: NodeId, in_channels| {
            let window = Window::square(1, 1);
            let conv = Conv2d { in_channels, out_channels: 8, window, groups: 1, bias: true };
            graph.push(path, Op::Conv2d(conv), &[input]).unwrap()
        };
        let input = graph.input();
        let stem = conv(&mut graph, "stem".into(), input, 8);
        let ends: Vec<NodeId> =
            (0..branches).map(|branch| conv(&mut graph, format!("mixed.branch{branch}"), stem, 8)).collect();
        let joined = graph.push("mixed.concat", Op::Concat, &ends).unwrap();
        let last = conv(&mut graph, "last".into(), joined, 8 * branches);
        graph.activation("relu", Activation::Relu, last).unwrap();
        graph.finish()
    }

    #[test]
    fn a_graph_without_units_is_judged_by_where_it_branches() {
        let graph = module(4);
        let finding = find(None, &graph, &model_cost(&graph)).unwrap();
        assert_eq!(finding.remedy, None);
        assert_eq!((finding.evidence.rows[0].layer.as_str(), finding.evidence.rows[0].actual), ("mixed", 4));
        assert_eq!(finding.layers, ["mixed.branch0", "mixed.branch1", "mixed.branch2", "mixed.branch3"]);
        let graph = module(2);
        assert_eq!(find(None, &graph, &model_cost(&graph)), None);
    }

    #[test]
    fn a_shuffle_net_without_its_units_is_judged_as_with_them() {
        for name in ["shufflenet-v2-x0.5", "shufflenet-v2-x0.5-se"] {
            let design = crate::zoo::preset(name).unwrap();
            let graph = crate::graph::lower(&design, crate::design::Batch(1)).unwrap();
            let shape = |units: Vec<Unit>| units.iter().map(|unit| (unit.fragments, unit.widest)).collect::<Vec<_>>();
            let mut bare = GraphBuilder::new("bare", graph.input_shape());
            for (_, node) in graph.layers() {
                bare.push(node.path.clone(), node.op, &node.inputs).unwrap();
            }
            assert_eq!(shape(units(&bare.finish())), shape(units(&graph)), "{name}");
        }
    }
}
