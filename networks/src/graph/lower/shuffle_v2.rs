//! ShuffleNet V2 units (paper, Figure 3 c and d; appendix, Figure 2).

use super::super::{Activation, GraphBuilder, LowerError, NodeId, Op, Window};
use super::{below, sequential, squeeze_excitation};
use crate::design::{Branches, ShuffleV2, Unit};

/// One unit; the path is torchvision's `stageS.R`.
pub(super) fn unit(
    graph: &mut GraphBuilder,
    path: &str,
    block: &ShuffleV2,
    unit: Unit,
    input: NodeId,
) -> Result<NodeId, LowerError> {
    let widths = block.branches(unit).map_err(|reason| LowerError { path: path.into(), reason })?;
    let left_channels = widths.left as usize;
    let (left, right) = if unit.keeps_shape() {
        let right_channels = widths.right_input as usize;
        let left = graph.push(below(path, "split.0"), Op::Slice { start: 0, channels: left_channels }, &[input])?;
        let slice = Op::Slice { start: left_channels, channels: right_channels };
        (left, graph.push(below(path, "split.1"), slice, &[input])?)
    } else {
        let branch = below(path, "branch1");
        let [dw, dw_bn, _] = sequential(&branch, 0);
        let channels = unit.input as usize;
        let depthwise = (channels, Window::square(block.kernel as usize, unit.stride as usize), channels);
        let value = graph.conv_bn([dw, dw_bn, String::new()], input, depthwise, Activation::None)?;
        let pointwise = (left_channels, Window::square(1, 1), block.groups as usize);
        (graph.conv_bn(sequential(&branch, 2), value, pointwise, block.activation)?, input)
    };
    let right = right_branch(graph, path, block, (unit, widths), right)?;
    let joined = graph.push(below(path, "concat"), Op::Concat, &[left, right])?;
    if block.shuffle {
        graph.push(below(path, "shuffle"), Op::ChannelShuffle { groups: 2 }, &[joined])
    } else {
        Ok(joined)
    }
}

/// 1x1, depthwise, 1x1; around them whatever the block's settings add.
fn right_branch(
    graph: &mut GraphBuilder,
    path: &str,
    block: &ShuffleV2,
    (unit, widths): (Unit, Branches),
    input: NodeId,
) -> Result<NodeId, LowerError> {
    let branch = below(path, "branch2");
    let (inner, groups, kernel) = (widths.inner as usize, block.groups as usize, block.kernel as usize);
    let mut value = input;
    if block.depthwise_first {
        let channels = graph.shape(value).channels;
        let [conv, bn, act] = sequential(&below(&branch, "first"), 0);
        value = graph.conv_bn([conv, bn, act], value, (channels, Window::square(3, 1), channels), Activation::None)?;
    }
    value = graph.conv_bn(sequential(&branch, 0), value, (inner, Window::square(1, 1), groups), block.activation)?;
    let depthwise = (inner, Window::square(kernel, unit.stride as usize), inner);
    value = graph.conv_bn(sequential(&branch, 3), value, depthwise, Activation::None)?;

    let residual = block.residual && unit.keeps_shape();
    let after_last = if residual { Activation::None } else { block.activation.into() };
    let pointwise = (widths.right as usize, Window::square(1, 1), groups);
    value = graph.conv_bn(sequential(&branch, 5), value, pointwise, after_last)?;
    if let Some(se) = block.se {
        value = squeeze_excitation(graph, &branch, se.reduction, value)?;
    }
    if residual {
        value = graph.push(below(&branch, "add"), Op::Add, &[value, input])?;
        value = graph.activation(below(&branch, "add_relu"), block.activation, value)?;
    }
    Ok(value)
}
