//! The units of MobileNet V1 (depthwise separable) and V2 (inverted residual).

use super::super::{Activation, GraphBuilder, LowerError, NodeId, Op, Window};
use super::{below, sequential};
use crate::design::{DepthwiseSeparable, InvertedResidual, Unit};

/// Depthwise and pointwise convolution, each with norm and activation: `features.N.0` to `features.N.5`.
pub(super) fn depthwise_separable(
    graph: &mut GraphBuilder,
    path: &str,
    block: &DepthwiseSeparable,
    unit: Unit,
    input: NodeId,
) -> Result<NodeId, LowerError> {
    let channels = unit.input as usize;
    let depthwise = (channels, Window::square(block.kernel as usize, unit.stride as usize), channels);
    let value = graph.conv_bn(sequential(path, 0), input, depthwise, block.activation)?;
    let pointwise = (unit.output as usize, Window::square(1, 1), block.groups as usize);
    graph.conv_bn(sequential(path, 3), value, pointwise, block.activation)
}

/// Expand, depthwise, project, add; named as torchvision's `features.N.conv`.
pub(super) fn inverted_residual(
    graph: &mut GraphBuilder,
    path: &str,
    block: &InvertedResidual,
    unit: Unit,
    input: NodeId,
) -> Result<NodeId, LowerError> {
    let conv = below(path, "conv");
    let inner = (unit.input * block.expansion) as usize;
    let groups = block.groups as usize;
    let (mut value, mut index) = (input, 0);
    if block.expansion != 1 {
        let expand = (inner, Window::square(1, 1), groups);
        value = graph.conv_bn(sequential(&format!("{conv}.{index}"), 0), value, expand, block.activation)?;
        index += 1;
    }
    let depthwise = (inner, Window::square(block.kernel as usize, unit.stride as usize), inner);
    value = graph.conv_bn(sequential(&format!("{conv}.{index}"), 0), value, depthwise, block.activation)?;
    let project = (unit.output as usize, Window::square(1, 1), groups);
    value = graph.conv_bn(sequential(&conv, index + 1), value, project, Activation::None)?;
    if block.residual && unit.keeps_shape() {
        value = graph.push(below(path, "add"), Op::Add, &[value, input])?;
    }
    Ok(value)
}
