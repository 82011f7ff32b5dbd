//! DenseNet-121 (Huang et al., CVPR 2017), layers named as torchvision's.

use super::layers::{Layers, Made};
use super::{Network, Reference};
use crate::design::InputSize;
use crate::graph::{GraphBuilder, LowerError, NodeId, Window};

pub(super) const NETWORKS: [Network; 1] = [Network {
    name: "densenet-121",
    about: "every layer's 32 new channels join all before them",
    input: InputSize::square(224),
    published: None,
    reference: Some(Reference { params: Some(7_978_856), mega_mult_adds: 2834.162, source: "torchvision 0.29" }),
    build,
}];

/// Layers of each dense block.
const BLOCKS: [usize; 4] = [6, 12, 24, 16];

/// Channels that a layer adds.
const GROWTH: usize = 32;

fn build(graph: &mut GraphBuilder) -> Result<(), LowerError> {
    let mut value = graph.conv("features.conv0", graph.input(), 64, Window::square(7, 2))?;
    value = graph.norm("features.norm0", value)?;
    value = graph.relu("features.relu0", value)?;
    value = graph.max_pool("features.pool0", value, Window::square(3, 2))?;
    for (index, layers) in BLOCKS.into_iter().enumerate() {
        let number = index + 1;
        for layer in 0..layers {
            graph.unit(index, layer);
            value = dense(graph, &format!("features.denseblock{number}.denselayer{}", layer + 1), value)?;
        }
        graph.set_unit(None);
        if number < BLOCKS.len() {
            value = transition(graph, &format!("features.transition{number}"), value)?;
        }
    }
    value = graph.norm("features.norm5", value)?;
    value = graph.relu("relu", value)?;
    graph.classify("avgpool", "classifier", value)?;
    Ok(())
}

fn dense(graph: &mut GraphBuilder, path: &str, input: NodeId) -> Made {
    let mut value = graph.norm(format!("{path}.norm1"), input)?;
    value = graph.relu(format!("{path}.relu1"), value)?;
    value = graph.pointwise(format!("{path}.conv1"), value, 4 * GROWTH)?;
    value = graph.norm(format!("{path}.norm2"), value)?;
    value = graph.relu(format!("{path}.relu2"), value)?;
    value = graph.conv(format!("{path}.conv2"), value, GROWTH, Window::square(3, 1))?;
    graph.concat(format!("{path}.concat"), &[input, value])
}

fn transition(graph: &mut GraphBuilder, path: &str, input: NodeId) -> Made {
    let channels = graph.channels(input);
    let mut value = graph.norm(format!("{path}.norm"), input)?;
    value = graph.relu(format!("{path}.relu"), value)?;
    value = graph.pointwise(format!("{path}.conv"), value, channels / 2)?;
    graph.avg_pool(format!("{path}.pool"), value, Window::inside(2, 2))
}
