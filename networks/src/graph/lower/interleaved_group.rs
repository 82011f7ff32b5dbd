//! IGCV3's units (Sun et al., BMVC 2018), named as the authors' code.

use super::super::{Activation, GraphBuilder, LowerError, NodeId, Op, Window};
use super::below;
use crate::design::{InterleavedGroup, Unit};

/// Expand in groups, shuffle, depthwise, project in groups, add.
pub(super) fn unit(
    graph: &mut GraphBuilder,
    path: &str,
    block: &InterleavedGroup,
    unit: Unit,
    input: NodeId,
) -> Result<NodeId, LowerError> {
    let inner = block.inner(unit).map_err(|reason| LowerError { path: path.into(), reason })? as usize;
    let groups = block.groups as usize;
    let paths = |part: &str| ["conv", "norm", "relu6"].map(|layer| format!("{path}.{part}.{layer}"));
    let pixel = Window::square(1, 1);
    let mut value = graph.conv_bn(paths("expand"), input, (inner, pixel, groups), Activation::None)?;
    if block.shuffle && groups > 1 {
        value = graph.push(below(path, "shuffle"), Op::ChannelShuffle { groups }, &[value])?;
    }
    let depthwise = (inner, Window::square(block.kernel as usize, unit.stride as usize), inner);
    value = graph.conv_bn(paths("depthwise"), value, depthwise, block.activation)?;
    value = graph.conv_bn(paths("project"), value, (unit.output as usize, pixel, groups), Activation::None)?;
    if block.residual && unit.keeps_shape() {
        value = graph.push(below(path, "add"), Op::Add, &[value, input])?;
    }
    Ok(value)
}
