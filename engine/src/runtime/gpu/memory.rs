//! What preparing a network for a GPU takes of the machine's memory.

use crate::graph::Graph;
use crate::units::Bytes;
use crate::weights::expected_elements;

/// Packed weights and the input pass through the host; of its own memory the driver says what is missing.
pub(in crate::runtime) fn host_memory(graph: &Graph) -> Bytes {
    let ends = [graph.input_shape(), graph.node(graph.output()).output].map(|shape| shape.elements().bytes_f32().0);
    // Folded, packed and as bytes.
    let weights = expected_elements(graph).bytes_f32().0.saturating_mul(3);
    Bytes(ends.into_iter().fold(weights, |sum, end| sum.saturating_add(end.saturating_mul(2))))
}
