//! Refuses networks that the machine has no memory for, before anything is allocated.

use super::PrepareError;
use crate::device::available_memory;
use crate::graph::{Graph, Liveness};
use crate::units::{Bytes, Elements};
use crate::weights::expected;

/// Whether weights and activations of `graph` fit into the memory that is free. [`prepare`](super::prepare) asks, and
/// whoever makes up or loads weights should before that.
///
/// # Errors
/// [`PrepareError::TooLarge`] with both figures.
pub fn check_memory(graph: &Graph) -> Result<(), PrepareError> {
    let needed = needed_memory(graph);
    match available_memory() {
        Some(available) if needed > available => Err(PrepareError::TooLarge {
            design: graph.name.clone(),
            batch: graph.input_shape().batch,
            needed,
            available,
        }),
        _ => Ok(()),
    }
}

/// About what preparing and running takes: the weights on the host and on the device, and twice the peak of activations,
/// since Candle's convolutions work on a copy of their input and nothing is computed in place.
fn needed_memory(graph: &Graph) -> Bytes {
    let elements = |shape: &[usize]| shape.iter().fold(1_u64, |n, &axis| n.saturating_mul(axis as u64));
    let weights = expected(graph).iter().fold(0_u64, |sum, tensor| sum.saturating_add(elements(&tensor.shape)));
    let (activations, _) = Liveness::of(graph).peak();
    Elements(weights.saturating_add(activations).saturating_mul(2)).bytes_f32()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{Conv2d, GraphBuilder, Op, Shape, Window};

    /// A 3x3 convolution with bias from 3 to 6 channels of 6x4 pixels, added to itself.
    fn graph(batch: usize) -> Graph {
        let mut builder = GraphBuilder::new("net", Shape::new(batch, 3, 6, 4));
        let window = Window::square(3, 1);
        let conv = Conv2d { in_channels: 3, out_channels: 6, window, groups: 1, bias: true };
        let value = builder.push("conv", Op::Conv2d(conv), &[builder.input()]).unwrap();
        builder.push("concat", Op::Concat, &[value, value]).unwrap();
        builder.finish()
    }

    #[test]
    fn memory_counts_weights_and_activations_twice() {
        // 3*3*3*6 + 6 weights; the convolution's result (144) and the concatenation (288) alive at once.
        assert_eq!(needed_memory(&graph(1)), Bytes(4 * 2 * (168 + 144 + 288)));
    }

    #[test]
    fn a_network_larger_than_the_memory_is_refused_with_both_figures() {
        let error = check_memory(&graph(1 << 44)).unwrap_err();
        assert!(matches!(error, PrepareError::TooLarge { batch: 0x1000_0000_0000, .. }), "{error}");
    }
}
