//! What is not supported, told once for each kind: which operation, why, how often, and where first.

use std::collections::BTreeMap;

use super::draft::{Draft, ValueId};
use crate::model_file::UnsupportedNode;

/// Longest name and reason; shapes can have thousands of numbers.
const LONGEST: usize = 200;

/// The kinds in the order of their first nodes.
pub(super) fn refusals(draft: &Draft<'_>, refused: &BTreeMap<ValueId, Option<String>>) -> Vec<UnsupportedNode> {
    let mut kinds: Vec<UnsupportedNode> = Vec::new();
    let mut places: BTreeMap<(String, String), usize> = BTreeMap::new();
    let mut told = None;
    for (&value, reason) in refused {
        let origin = draft.step(value).origin;
        // A node of several results is one.
        if told.replace(origin) == Some(origin) {
            continue;
        }
        let Some(node) = draft.nodes.get(origin) else { continue };
        let (op, reason) = (shortened(&node.op_type), reason.as_deref().map(shortened));
        // Shapes differ from node to node; what is wrong with them does not.
        let kind: String = reason.iter().flat_map(|reason| reason.chars()).filter(|c| !c.is_ascii_digit()).collect();
        if let Some(known) = places.get(&(op.clone(), kind.clone())).and_then(|&place| kinds.get_mut(place)) {
            known.count += 1;
            continue;
        }
        places.insert((op.clone(), kind), kinds.len());
        let name = if node.name.is_empty() { node.output.first() } else { Some(&node.name) };
        kinds.push(UnsupportedNode {
            op,
            node: name.map(|name| shortened(name)).unwrap_or_default(),
            reason,
            count: 1,
        });
    }
    kinds
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or_default()),
        None => text.into(),
    }
}
