//! CondenseNet-74 (Huang et al., CVPR 2018) as it is evaluated, its learned group convolutions grouped for good.
//!
//! Training leaves every first convolution of a layer an order of its input channels, and the classifier the half of
//! its features that it reads. Which ones is learned; here they are fixed, as a channel shuffle that gives every group
//! some of each earlier layer's channels, and as every second feature. Parameters, mult-adds, memory access and what
//! can be computed for a fixed order are the same; trained weights need their own order.

use super::layers::{Layers, Made};
use super::{Network, Published, Reference};
use crate::design::InputSize;
use crate::graph::{GraphBuilder, LowerError, NodeId, Op, Window};

const ABOUT: &str = "dense blocks of group convolutions over selected channels, the selection fixed";

/// Table 8 gives no speeds: there was no efficient implementation at the time.
const fn published(mega_mult_adds: f64, error: f64) -> Option<Published> {
    super::printed(mega_mult_adds, error, "ShuffleNet V2 paper, Table 8")
}

pub(super) const NETWORKS: [Network; 2] = [
    Network {
        name: "condensenet-g4",
        about: ABOUT,
        input: InputSize::square(224),
        published: published(529.0, 26.2),
        reference: Some(Reference {
            params: Some(4_773_944),
            mega_mult_adds: 516.64,
            source: "CondenseNet authors' code",
        }),
        build: |graph| build(graph, 4),
    },
    Network {
        name: "condensenet-g8",
        about: ABOUT,
        input: InputSize::square(224),
        published: published(274.0, 29.0),
        reference: Some(Reference {
            params: Some(2_935_416),
            mega_mult_adds: 261.55,
            source: "CondenseNet authors' code",
        }),
        build: |graph| build(graph, 8),
    },
];

/// Layers of each block and the channels that each adds.
const BLOCKS: [(usize, usize); 5] = [(4, 8), (6, 16), (8, 32), (10, 64), (8, 128)];

fn build(graph: &mut GraphBuilder, groups: usize) -> Result<(), LowerError> {
    let mut value = graph.conv("features.init_conv", graph.input(), 16, Window::square(3, 2))?;
    for (index, (layers, growth)) in BLOCKS.into_iter().enumerate() {
        let number = index + 1;
        for layer in 0..layers {
            graph.unit(index, layer);
            let path = format!("features.denseblock_{number}.denselayer_{}", layer + 1);
            value = dense(graph, &path, value, (growth, groups))?;
        }
        graph.set_unit(None);
        if number < BLOCKS.len() {
            value = graph.avg_pool(format!("features.transition_{number}.pool"), value, Window::inside(2, 2))?;
        }
    }
    value = graph.norm("features.norm_last", value)?;
    value = graph.relu("features.relu_last", value)?;
    value = graph.push("features.pool_last", Op::GlobalAvgPool, &[value])?;
    // Pairs of neighbours dealt out to two halves, of which the first stays.
    let half = graph.channels(value) / 2;
    value = graph.push("classifier.order", Op::ChannelShuffle { groups: half }, &[value])?;
    value = graph.push("classifier.select", Op::Slice { start: 0, channels: half }, &[value])?;
    graph.linear("classifier.linear", value, 1000)?;
    Ok(())
}

fn dense(graph: &mut GraphBuilder, path: &str, input: NodeId, (growth, groups): (usize, usize)) -> Made {
    let order = graph.channels(input) / groups;
    let mut value = graph.push(format!("{path}.conv_1.order"), Op::ChannelShuffle { groups: order }, &[input])?;
    value = graph.norm(format!("{path}.conv_1.norm"), value)?;
    value = graph.relu(format!("{path}.conv_1.relu"), value)?;
    value = graph.grouped(format!("{path}.conv_1.conv"), value, 4 * growth, Window::square(1, 1), groups)?;
    value = graph.push(format!("{path}.shuffle"), Op::ChannelShuffle { groups }, &[value])?;
    value = graph.norm(format!("{path}.conv_2.norm"), value)?;
    value = graph.relu(format!("{path}.conv_2.relu"), value)?;
    value = graph.grouped(format!("{path}.conv_2.conv"), value, growth, Window::square(3, 1), groups)?;
    graph.concat(format!("{path}.concat"), &[input, value])
}
