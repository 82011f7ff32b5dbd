//! The layer that most blocks are made of.

use crate::graph::{Conv2d, GraphBuilder, LowerError, NodeId, Op, Window};

/// A convolution without bias, batch normalisation or activation.
pub(super) fn bare(
    graph: &mut GraphBuilder,
    path: String,
    input: NodeId,
    (out_channels, kernel, groups): (usize, usize, usize),
) -> Result<NodeId, LowerError> {
    let in_channels = graph.shape(input).channels;
    let window = Window::square(kernel, 1);
    graph.push(path, Op::Conv2d(Conv2d { in_channels, out_channels, window, groups, bias: false }), &[input])
}
