//! Which units of a graph can be classes of their own.

use std::collections::{BTreeMap, BTreeSet};

use crate::graph::{Graph, NodeId, UnitId};

/// A unit that can be a class: consecutive nodes, the only ones under one path, that read one value from outside and
/// give one.
pub(super) struct Unit {
    pub prefix: String,
    pub nodes: Vec<NodeId>,
    pub input: NodeId,
    pub id: UnitId,
}

/// The units by their first node.
pub(super) fn whole_units(graph: &Graph) -> BTreeMap<NodeId, Unit> {
    let mut members: BTreeMap<UnitId, Vec<NodeId>> = BTreeMap::new();
    for (id, node) in graph.layers() {
        if let Some(unit) = node.unit {
            members.entry(unit).or_default().push(id);
        }
    }
    members.into_iter().filter_map(|(id, nodes)| Some((*nodes.first()?, whole(graph, id, nodes)?))).collect()
}

fn whole(graph: &Graph, id: UnitId, nodes: Vec<NodeId>) -> Option<Unit> {
    let (&first, &last) = (nodes.first()?, nodes.last()?);
    let inside = |node: NodeId| (first..=last).contains(&node);
    let consecutive = last.0 - first.0 + 1 == nodes.len();
    let inputs: BTreeSet<NodeId> =
        nodes.iter().flat_map(|&node| &graph.node(node).inputs).copied().filter(|&node| !inside(node)).collect();
    let mut leaks = graph.layers().filter(|(id, _)| !inside(*id)).flat_map(|(_, node)| &node.inputs);
    let closed = leaks.all(|&node| !inside(node) || node == last);
    let paths = nodes.iter().map(|&node| graph.node(node).path.as_str());
    let prefix = common_prefix(paths.collect::<Vec<_>>().as_slice())?;
    let under = |path: &str| path.strip_prefix(&prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
    let alone = graph.layers().filter(|(_, node)| under(&node.path)).count() == nodes.len();
    // Numbered layers right inside a unit are an `nn.Sequential`, not attributes of a class.
    let named = nodes.iter().all(|&node| {
        let inside = graph.node(node).path.get(prefix.len() + 1..);
        inside.is_some_and(|path| !path.starts_with(|first: char| first.is_ascii_digit()))
    });
    let &input = inputs.first().filter(|_| inputs.len() == 1 && consecutive && closed && alone && named)?;
    Some(Unit { prefix, nodes, input, id })
}

/// The longest run of whole path segments that all paths start with and none ends with.
fn common_prefix(paths: &[&str]) -> Option<String> {
    let mut prefix = paths.first()?.rsplit_once('.')?.0;
    while !paths.iter().all(|path| path.strip_prefix(prefix).is_some_and(|rest| rest.starts_with('.'))) {
        prefix = prefix.rsplit_once('.')?.0;
    }
    Some(prefix.to_owned())
}
