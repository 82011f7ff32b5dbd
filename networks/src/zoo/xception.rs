//! Xception (Chollet, CVPR 2017), layers named as in Cadene's `pretrained-models.pytorch`.

use super::layers::{Layers, Made};
use super::{Network, Reference};
use crate::design::InputSize;
use crate::graph::{GraphBuilder, LowerError, NodeId, Window};

pub(super) const NETWORKS: [Network; 1] = [Network {
    name: "xception",
    about: "depthwise separable convolutions with shortcuts, 299x299 pixels",
    input: InputSize::square(299),
    published: None,
    reference: Some(Reference { params: Some(22_855_952), mega_mult_adds: 8357.403, source: "pytorchcv 0.0.74" }),
    build,
}];

/// A block: output channels of its separable convolutions, whether it halves the map, whether it starts with ReLU.
type Block = (&'static [usize], bool, bool);

/// The middle flow's blocks are equal.
const MIDDLE: Block = (&[728, 728, 728], false, true);

const BLOCKS: [Block; 12] = [
    (&[128, 128], true, false),
    (&[256, 256], true, true),
    (&[728, 728], true, true),
    MIDDLE,
    MIDDLE,
    MIDDLE,
    MIDDLE,
    MIDDLE,
    MIDDLE,
    MIDDLE,
    MIDDLE,
    (&[728, 1024], true, true),
];

fn build(graph: &mut GraphBuilder) -> Result<(), LowerError> {
    let mut value = graph.conv("conv1", graph.input(), 32, Window::inside(3, 2))?;
    value = graph.norm("bn1", value)?;
    value = graph.relu("relu1", value)?;
    value = graph.conv("conv2", value, 64, Window::inside(3, 1))?;
    value = graph.norm("bn2", value)?;
    value = graph.relu("relu2", value)?;
    for (index, layers) in BLOCKS.iter().enumerate() {
        graph.unit(0, index);
        value = block(graph, &format!("block{}", index + 1), value, *layers)?;
    }
    graph.set_unit(None);
    for (number, channels) in [(3, 1536), (4, 2048)] {
        value = separable(graph, &format!("conv{number}"), value, channels)?;
        value = graph.norm(format!("bn{number}"), value)?;
        value = graph.relu(format!("relu{number}"), value)?;
    }
    graph.classify("avgpool", "last_linear", value)?;
    Ok(())
}

fn block(graph: &mut GraphBuilder, path: &str, input: NodeId, (widths, halves, starts_with_relu): Block) -> Made {
    let (mut value, mut index) = (input, 0);
    for (position, &channels) in widths.iter().enumerate() {
        if position > 0 || starts_with_relu {
            value = graph.relu(format!("{path}.rep.{index}"), value)?;
            index += 1;
        }
        value = separable(graph, &format!("{path}.rep.{index}"), value, channels)?;
        value = graph.norm(format!("{path}.rep.{}", index + 1), value)?;
        index += 2;
    }
    let mut shortcut = input;
    if halves {
        value = graph.max_pool(format!("{path}.rep.{index}"), value, Window::square(3, 2))?;
        let channels = graph.channels(value);
        shortcut = graph.conv(format!("{path}.skip"), input, channels, Window::square(1, 2))?;
        shortcut = graph.norm(format!("{path}.skipbn"), shortcut)?;
    }
    graph.add(format!("{path}.add"), value, shortcut)
}

/// A depthwise and a pointwise convolution with nothing between them.
fn separable(graph: &mut GraphBuilder, path: &str, input: NodeId, channels: usize) -> Made {
    let value = graph.depthwise(format!("{path}.conv1"), input, Window::square(3, 1))?;
    graph.pointwise(format!("{path}.pointwise"), value, channels)
}
