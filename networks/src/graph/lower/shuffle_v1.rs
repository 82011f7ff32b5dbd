//! ShuffleNet V1 units (Zhang et al., CVPR 2018, Figure 2; the paper's Figure 3 a and b).

use super::super::{Activation, GraphBuilder, LowerError, NodeId, Op, Window};
use super::{below, sequential, squeeze_excitation};
use crate::design::{ShuffleV1, Unit};

/// One unit. `ungrouped_first` marks the very first unit, whose first 1x1 convolution reads the narrow stem.
pub(super) fn unit(
    graph: &mut GraphBuilder,
    path: &str,
    block: &ShuffleV1,
    unit: Unit,
    ungrouped_first: bool,
    input: NodeId,
) -> Result<NodeId, LowerError> {
    let (inner, branch_channels) =
        block.branch(unit, ungrouped_first).map_err(|reason| LowerError { path: path.into(), reason })?;
    let (inner, branch_channels, groups) = (inner as usize, branch_channels as usize, block.groups as usize);
    let branch = below(path, "branch2");

    let first_groups = if ungrouped_first { 1 } else { groups };
    let pointwise = (inner, Window::square(1, 1), first_groups);
    let mut value = graph.conv_bn(sequential(&branch, 0), input, pointwise, block.activation)?;
    if block.shuffle && groups > 1 {
        value = graph.push(below(&branch, "shuffle"), Op::ChannelShuffle { groups }, &[value])?;
    }
    let depthwise = (inner, Window::square(block.kernel as usize, unit.stride as usize), inner);
    value = graph.conv_bn(sequential(&branch, 3), value, depthwise, Activation::None)?;
    let pointwise = (branch_channels, Window::square(1, 1), groups);
    value = graph.conv_bn(sequential(&branch, 5), value, pointwise, Activation::None)?;
    if let Some(se) = block.se {
        value = squeeze_excitation(graph, &branch, se.reduction, value)?;
    }

    let joined = if unit.keeps_shape() {
        graph.push(below(path, "add"), Op::Add, &[value, input])?
    } else {
        let shortcut = if unit.stride == 1 {
            input
        } else {
            graph.push(below(path, "branch1.0"), Op::AvgPool(Window::square(3, unit.stride as usize)), &[input])?
        };
        graph.push(below(path, "concat"), Op::Concat, &[shortcut, value])?
    };
    graph.activation(below(path, "relu"), block.activation, joined)
}
