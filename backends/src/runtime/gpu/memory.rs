//! What preparing a network for a GPU takes of the machine's memory, and whether its maps fit into the device's.

use crate::graph::{Graph, NodeId};
use crate::runtime::plan::Planned;
use crate::runtime::{Precision, PrepareError};
use crate::units::Bytes;
use crate::weights::expected_elements;

/// Packed weights and the input pass through the host; of its own memory the driver says what is missing.
pub(in crate::runtime) fn host_memory(graph: &Graph) -> Bytes {
    let ends = [graph.input_shape(), graph.node(graph.output()).output].map(|shape| shape.elements().bytes_f32().0);
    // Folded, packed and as bytes.
    let weights = expected_elements(graph).bytes_f32().0.saturating_mul(3);
    Bytes(ends.into_iter().fold(weights, |sum, end| sum.saturating_add(end.saturating_mul(2))))
}

/// Checks that every value fits into `limit` bytes alone, before anything of that size is planned; `what` says of what those
/// bytes are.
///
/// # Errors
/// The layer whose value does not.
pub(in crate::runtime) fn check_maps(
    graph: &Graph,
    planned: &[Planned],
    precision: Precision,
    (what, limit): (&'static str, u64),
) -> Result<(), PrepareError> {
    for value in planned.iter().map(|kernel| kernel.value).chain([NodeId(0)]) {
        let node = graph.node(value);
        let room = (node.output.batch as u64).saturating_mul(node.output.pixels() as u64).saturating_add(3);
        let needed = room.saturating_mul(node.output.channels as u64).saturating_mul(precision.bytes());
        if needed > limit {
            return Err(PrepareError::Limit { layer: node.path.clone(), what, needed, limit });
        }
    }
    Ok(())
}
