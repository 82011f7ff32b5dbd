//! ResNet-50 and ResNeXt-50 32x4d layer by layer.

use super::super::layers::{Layers, Made};
use crate::graph::{GraphBuilder, LowerError, NodeId, Window};

pub fn build(graph: &mut GraphBuilder, groups: usize, group_width: usize) -> Result<(), LowerError> {
    let mut value = graph.conv("conv1", graph.input(), 64, Window::square(7, 2))?;
    value = graph.norm("bn1", value)?;
    value = graph.relu("relu", value)?;
    value = graph.max_pool("maxpool", value, Window::square(3, 2))?;
    for (stage, (width, repeats)) in [(64, 3), (128, 4), (256, 6), (512, 3)].into_iter().enumerate() {
        for repeat in 0..repeats {
            graph.unit(stage, repeat);
            let path = format!("layer{}.{repeat}", stage + 1);
            let stride = if stage > 0 && repeat == 0 { 2 } else { 1 };
            let inner = width * group_width / 64 * groups;
            let convolutions = [
                (inner, Window::square(1, 1), 1),
                (inner, Window::square(3, stride), groups),
                (width * 4, Window::square(1, 1), 1),
            ];
            value = residual(graph, &path, value, (convolutions, stride))?;
        }
    }
    graph.classify("avgpool", "fc", value)?;
    Ok(())
}

fn residual(
    graph: &mut GraphBuilder,
    path: &str,
    input: NodeId,
    (convolutions, stride): ([(usize, Window, usize); 3], usize),
) -> Made {
    let mut value = input;
    for (index, (channels, window, groups)) in convolutions.into_iter().enumerate() {
        let number = index + 1;
        value = graph.grouped(format!("{path}.conv{number}"), value, channels, window, groups)?;
        value = graph.norm(format!("{path}.bn{number}"), value)?;
        if number < convolutions.len() {
            value = graph.relu(format!("{path}.relu{number}"), value)?;
        }
    }
    let mut shortcut = input;
    if graph.shape(value) != graph.shape(input) {
        let channels = graph.channels(value);
        shortcut = graph.conv(format!("{path}.downsample.0"), input, channels, Window::square(1, stride))?;
        shortcut = graph.norm(format!("{path}.downsample.1"), shortcut)?;
    }
    value = graph.add(format!("{path}.add"), value, shortcut)?;
    graph.relu(format!("{path}.relu"), value)
}
