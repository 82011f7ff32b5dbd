//! Fewer units.

use std::collections::BTreeMap;

use super::CutError;
use crate::design::{Batch, Design};
use crate::graph::{Graph, Node, UnitId, lower};
use crate::weights::Weights;

/// `from` with as many units in every stage as `to` has, the first ones, and their weights under the new paths.
pub(super) fn shallower((from, weights): (&Design, &Weights), to: &Design) -> Result<(Design, Weights), CutError> {
    let mut shallow = from.clone();
    for (index, (stage, wanted)) in shallow.stages.iter_mut().zip(&to.stages).enumerate() {
        if wanted.repeats > stage.repeats {
            let (stage, wanted, found) = (Design::stage_name(index), wanted.repeats, stage.repeats);
            return Err(CutError::Deeper { stage, wanted, found });
        }
        stage.repeats = wanted.repeats;
    }
    let (deep, graph) = (lower(from, Batch(1))?, lower(&shallow, Batch(1))?);
    let (deep, mut kept) = (by_unit(&deep), Weights::default());
    for (unit, nodes) in by_unit(&graph) {
        for (node, of) in nodes.iter().zip(deep.get(&unit).map_or(&[][..], Vec::as_slice)) {
            for (name, tensor) in weights.iter() {
                if let Some(parameter) = name.strip_prefix(of.path.as_str()).and_then(|rest| rest.strip_prefix('.'))
                    && !parameter.contains('.')
                {
                    kept.insert(format!("{}.{parameter}", node.path), tensor.clone());
                }
            }
        }
    }
    kept.check(&graph)?;
    Ok((shallow, kept))
}

/// The layers of every unit, and of what is in none, in execution order.
fn by_unit(graph: &Graph) -> BTreeMap<Option<UnitId>, Vec<&Node>> {
    let mut units: BTreeMap<Option<UnitId>, Vec<&Node>> = BTreeMap::new();
    for (_, node) in graph.layers() {
        units.entry(node.unit).or_default().push(node);
    }
    units
}
