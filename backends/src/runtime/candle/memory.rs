//! What stock Candle takes on the CPU, at most: its operations allocate what they make and copy what they work on.

use crate::graph::{Graph, Liveness, Node, NodeId, Op, Shape, Window};
use crate::units::{Bytes, Elements};
use crate::weights::expected_elements;

/// Output pixels of a convolution that Candle computes together, per thread.
const TILE: u64 = 512;
/// Tiles per thread: one that waits for others inside a product may begin another.
const TILES: u64 = 4;
/// What a thread's matrix products keep for packing, in floats.
const PACKING: u64 = 1 << 20;

/// Memory that preparing and running `graph` takes besides the weights as they were read: Candle's copy of the weights, every
/// value from its layer to its last reader, and what the layer that needs most works on.
pub(in crate::runtime) fn needed(graph: &Graph, threads: usize) -> Bytes {
    let threads = threads.max(1) as u64;
    let weights = expected_elements(graph).0;
    let alive = Liveness::eager(graph);
    let layers = graph.layers().map(|(NodeId(index), node)| {
        let alive = alive.elements.get(index).copied().unwrap_or(0);
        alive.saturating_add(working(graph, node, threads))
    });
    // The input stays, and so does the result of the run before.
    let ends = [graph.input_shape(), graph.node(graph.output()).output].map(|shape| shape.elements().0);
    let parts = [weights, layers.max().unwrap_or(0), ends[0], ends[1], threads.saturating_mul(PACKING)];
    Elements(parts.into_iter().fold(0, u64::saturating_add)).bytes_f32()
}

/// Elements besides input and output while `node` is computed.
fn working(graph: &Graph, node: &Node, threads: u64) -> u64 {
    let input = graph.input_shapes(node).fold(0_u64, |sum, shape| sum.saturating_add(shape.elements().0));
    let output = node.output.elements().0;
    let padded = |window: &Window| {
        let pad = |axis: usize, length: usize| {
            length.saturating_add(window.padding[axis]).saturating_add(window.padding_end[axis])
        };
        let shape = graph.input_shapes(node).next().unwrap_or(node.output);
        let shape = Shape { height: pad(0, shape.height), width: pad(1, shape.width), ..shape };
        // One axis after the other, and the border beside them.
        shape.elements().0.saturating_mul(3)
    };
    match &node.op {
        Op::Conv2d(conv) => {
            let (taps, pixels) = (conv.window.taps() as u64, node.output.pixels() as u64);
            let depth = (conv.in_channels / conv.groups.max(1)) as u64 * taps;
            let all = pixels.saturating_mul(node.output.batch as u64);
            // A pointwise convolution that is not plain makes all its columns at once.
            let columns = if taps == 1 { all } else { all.min(TILE * TILES * threads) };
            let tiles =
                columns.saturating_mul(depth.saturating_add((conv.out_channels / conv.groups.max(1)) as u64 + 4));
            [padded(&conv.window), input, conv.weight_elements() as u64, tiles, output.saturating_mul(2)]
                .into_iter()
                .fold(0, u64::saturating_add)
        }
        Op::MaxPool(window) | Op::AvgPool(window) | Op::AvgPoolCounted { window, .. } => {
            padded(window).saturating_add(input)
        }
        // Chains of operations, each with a result of its own.
        Op::BatchNorm { .. } | Op::Affine { .. } => output.saturating_mul(4),
        Op::Activation(_) | Op::PRelu { .. } | Op::LayerNorm { .. } | Op::LocalNorm(_) => output.saturating_mul(8),
        _ => input.saturating_add(output.saturating_mul(2)),
    }
}
