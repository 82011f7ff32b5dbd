//! The small Xceptions layer by layer.

use super::super::layers::{Layers, Made};
use crate::graph::{GraphBuilder, LowerError, NodeId, Window};

/// Units of stages 2 to 4, each stage twice as wide as the one before.
const REPEATS: [usize; 3] = [4, 8, 4];

pub fn build(graph: &mut GraphBuilder, width: usize) -> Result<(), LowerError> {
    let mut value = graph.conv("conv1.0", graph.input(), 24, Window::square(3, 2))?;
    value = graph.norm("conv1.1", value)?;
    value = graph.relu("conv1.2", value)?;
    value = graph.max_pool("maxpool", value, Window::square(3, 2))?;
    for (stage, repeats) in REPEATS.into_iter().enumerate() {
        for repeat in 0..repeats {
            graph.unit(stage, repeat);
            let stride = if repeat == 0 { 2 } else { 1 };
            value = unit(graph, &format!("stage{}.{repeat}", stage + 2), value, (width << stage, stride))?;
        }
    }
    graph.classify("global_pool", "fc", value)?;
    Ok(())
}

fn unit(graph: &mut GraphBuilder, path: &str, input: NodeId, (channels, stride): (usize, usize)) -> Made {
    let inner = channels / 4;
    let last = if stride == 1 { channels } else { channels - graph.channels(input) };
    let mut value = input;
    for (index, (channels, stride)) in [(inner, stride), (inner, 1), (last, 1)].into_iter().enumerate() {
        let path = format!("{path}.sep{}", index + 1);
        value = graph.depthwise(format!("{path}.depthwise"), value, Window::square(3, stride))?;
        value = graph.pointwise(format!("{path}.pointwise"), value, channels)?;
        value = graph.norm(format!("{path}.norm"), value)?;
        if index < 2 {
            value = graph.relu(format!("{path}.relu"), value)?;
        }
    }
    value = if stride == 1 {
        graph.add(format!("{path}.add"), value, input)?
    } else {
        let shortcut = graph.avg_pool(format!("{path}.shortcut"), input, Window::square(3, stride))?;
        graph.concat(format!("{path}.concat"), &[shortcut, value])?
    };
    graph.relu(format!("{path}.relu"), value)
}
