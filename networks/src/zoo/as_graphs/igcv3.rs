//! IGCV3-D layer by layer.

use super::super::layers::{Layers, Made};
use crate::graph::{Activation, GraphBuilder, LowerError, NodeId, Op, Window};

const GROUPS: usize = 2;

/// Expansion, channels, repeats, first stride.
const STAGES: [(usize, usize, usize, usize); 7] =
    [(1, 16, 1, 1), (6, 24, 4, 2), (6, 32, 6, 2), (6, 64, 8, 2), (6, 96, 6, 1), (6, 160, 6, 2), (6, 320, 1, 1)];

pub fn build(graph: &mut GraphBuilder, width: f64) -> Result<(), LowerError> {
    // To a whole and then up to an even number, for two groups.
    let scaled = |channels: usize| ((channels as f64 * width).round() as usize).next_multiple_of(2);
    let mut value = graph.conv("features.0.0", graph.input(), scaled(32), Window::square(3, 2))?;
    value = graph.norm("features.0.1", value)?;
    value = graph.activation("features.0.2", Activation::Relu6, value)?;
    let mut index = 1;
    for (stage, (expansion, channels, repeats, stride)) in STAGES.into_iter().enumerate() {
        for repeat in 0..repeats {
            graph.unit(stage, repeat);
            let stride = if repeat == 0 { stride } else { 1 };
            let path = format!("features.{index}");
            let made = unit(graph, &path, value, (expansion, scaled(channels), stride))?;
            value = if repeat == 0 { made } else { graph.add(format!("{path}.add"), made, value)? };
            index += 1;
        }
    }
    graph.set_unit(None);
    value = graph.pointwise(format!("features.{index}.0"), value, if width > 1.0 { scaled(1280) } else { 1280 })?;
    value = graph.norm(format!("features.{index}.1"), value)?;
    value = graph.activation(format!("features.{index}.2"), Activation::Relu6, value)?;
    graph.classify("global_pool", "classifier.1", value)?;
    Ok(())
}

fn unit(
    graph: &mut GraphBuilder,
    path: &str,
    input: NodeId,
    (expansion, channels, stride): (usize, usize, usize),
) -> Made {
    let pixel = Window::square(1, 1);
    let inner = expansion * graph.channels(input);
    let mut value = graph.grouped(format!("{path}.expand.conv"), input, inner, pixel, GROUPS)?;
    value = graph.norm(format!("{path}.expand.norm"), value)?;
    value = graph.push(format!("{path}.shuffle"), Op::ChannelShuffle { groups: GROUPS }, &[value])?;
    value = graph.depthwise(format!("{path}.depthwise.conv"), value, Window::square(3, stride))?;
    value = graph.norm(format!("{path}.depthwise.norm"), value)?;
    value = graph.activation(format!("{path}.depthwise.relu6"), Activation::Relu6, value)?;
    value = graph.grouped(format!("{path}.project.conv"), value, channels, pixel, GROUPS)?;
    graph.norm(format!("{path}.project.norm"), value)
}
