//! ResNet's bottlenecks (He et al., CVPR 2016, Figure 5), ResNeXt's and SE-ResNet's; named as torchvision's.

use super::super::{Activation, GraphBuilder, LowerError, NodeId, Op, Window};
use super::{below, sequential, squeeze_excitation};
use crate::design::{Bottleneck, StrideAt, Unit};

/// Convolutions with norms, the shortcut added, the activation: `conv1`, `bn1`, `relu1` and so on.
pub(super) fn unit(
    graph: &mut GraphBuilder,
    path: &str,
    block: &Bottleneck,
    unit: Unit,
    input: NodeId,
) -> Result<NodeId, LowerError> {
    let inner = block.inner(unit).map_err(|reason| LowerError { path: path.into(), reason })? as usize;
    let (stride, channels) = (unit.stride as usize, unit.output as usize);
    let [first, middle] = match block.stride_at {
        StrideAt::First => [stride, 1],
        StrideAt::Middle => [1, stride],
    };
    let paths = |number: u32| ["conv", "bn", "relu"].map(|layer| format!("{path}.{layer}{number}"));
    let mut value = graph.conv_bn(paths(1), input, (inner, Window::square(1, first), 1), block.activation)?;
    let window = Window::square(block.kernel as usize, middle);
    value = graph.conv_bn(paths(2), value, (inner, window, block.groups as usize), block.activation)?;
    value = graph.conv_bn(paths(3), value, (channels, Window::square(1, 1), 1), Activation::None)?;
    if let Some(se) = block.se {
        value = squeeze_excitation(graph, path, se.reduction, value)?;
    }
    let mut shortcut = input;
    if !unit.keeps_shape() {
        let conv = (channels, Window::square(1, stride), 1);
        shortcut = graph.conv_bn(sequential(&below(path, "downsample"), 0), input, conv, Activation::None)?;
    }
    value = graph.push(below(path, "add"), Op::Add, &[value, shortcut])?;
    graph.activation(below(path, "relu"), block.activation, value)
}
