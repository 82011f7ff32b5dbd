//! Bottlenecks of three separable convolutions: the small Xceptions of the ShuffleNet V2 paper's Table 8.

use super::super::{Conv2d, GraphBuilder, LowerError, NodeId, Op, Window};
use super::below;
use crate::design::{Activation, Unit, Xception};

/// Depthwise and 1x1 with norm, three times; added to the input or joined with its mean.
pub(super) fn unit(
    graph: &mut GraphBuilder,
    path: &str,
    block: &Xception,
    unit: Unit,
    input: NodeId,
) -> Result<NodeId, LowerError> {
    let widths = block.widths(unit).map_err(|reason| LowerError { path: path.into(), reason })?;
    let mut value = input;
    for (index, channels) in widths.into_iter().enumerate() {
        let stride = if index == 0 { unit.stride as usize } else { 1 };
        let last = index + 1 == widths.len();
        let [depthwise, pointwise, norm, relu] =
            ["depthwise", "pointwise", "norm", "relu"].map(|layer| format!("{path}.sep{}.{layer}", index + 1));
        let read = graph.shape(value).channels;
        let window = Window::square(block.kernel as usize, stride);
        let conv = Conv2d { in_channels: read, out_channels: read, window, groups: read, bias: false };
        value = graph.push(depthwise, Op::Conv2d(conv), &[value])?;
        let conv = (channels as usize, Window::square(1, 1), block.groups as usize);
        let activation = if last { Activation::None } else { block.activation };
        value = graph.conv_bn([pointwise, norm, relu], value, conv, activation)?;
    }
    value = if unit.keeps_shape() {
        graph.push(below(path, "add"), Op::Add, &[value, input])?
    } else {
        let shortcut = if unit.stride == 1 {
            input
        } else {
            graph.push(below(path, "shortcut"), Op::AvgPool(Window::square(3, unit.stride as usize)), &[input])?
        };
        graph.push(below(path, "concat"), Op::Concat, &[shortcut, value])?
    };
    graph.activation(below(path, "relu"), block.activation, value)
}
