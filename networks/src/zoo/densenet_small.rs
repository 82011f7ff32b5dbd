//! The small DenseNets of the ShuffleNet V2 paper's Table 8.
//!
//! The paper says only that they have its Table 5's skeleton with DenseNet blocks in stages 2 to 4. The rest is our
//! proposal, its growth chosen to meet the printed mult-adds: units of 1x1 and 3x3 convolutions, each behind norm and
//! ReLU, whose result joins their input; at a stage's start both halve the map; no compression.

use super::layers::{Layers, Made};
use super::{Network, table_8};
use crate::design::InputSize;
use crate::graph::{GraphBuilder, LowerError, NodeId, Window};

const ABOUT: &str =
    "dense blocks in ShuffleNet's skeleton; the paper does not state the form, this one is our proposal";

pub(super) const NETWORKS: [Network; 4] = [
    Network {
        name: "densenet-x0.5",
        about: ABOUT,
        input: InputSize::square(224),
        published: table_8(42.0, 58.6, 366.0, 39.7),
        reference: None,
        build: |graph| build(graph, [8, 8, 10], 1024),
    },
    Network {
        name: "densenet-x1.0",
        about: ABOUT,
        input: InputSize::square(224),
        published: table_8(142.0, 45.2, 279.0, 15.8),
        reference: None,
        build: |graph| build(graph, [19, 20, 20], 1024),
    },
    Network {
        name: "densenet-x1.5",
        about: ABOUT,
        input: InputSize::square(224),
        published: table_8(295.0, 39.9, 274.0, 9.7),
        reference: None,
        build: |graph| build(graph, [29, 30, 32], 1024),
    },
    Network {
        name: "densenet-x2.0",
        about: ABOUT,
        input: InputSize::square(224),
        published: table_8(519.0, 34.6, 197.0, 6.1),
        reference: None,
        build: |graph| build(graph, [39, 39, 41], 2048),
    },
];

/// Units of stages 2 to 4.
const REPEATS: [usize; 3] = [4, 8, 4];

/// `growth` are the channels that each unit of a stage adds.
fn build(graph: &mut GraphBuilder, growth: [usize; 3], last_conv: usize) -> Result<(), LowerError> {
    let mut value = graph.conv("conv1.0", graph.input(), 24, Window::square(3, 2))?;
    value = graph.norm("conv1.1", value)?;
    value = graph.relu("conv1.2", value)?;
    value = graph.max_pool("maxpool", value, Window::square(3, 2))?;
    for (stage, (growth, repeats)) in growth.into_iter().zip(REPEATS).enumerate() {
        for repeat in 0..repeats {
            graph.unit(stage, repeat);
            let stride = if repeat == 0 { 2 } else { 1 };
            value = unit(graph, &format!("stage{}.{repeat}", stage + 2), value, (growth, stride))?;
        }
    }
    graph.set_unit(None);
    value = graph.norm("norm5", value)?;
    value = graph.relu("relu5", value)?;
    value = graph.pointwise("conv5.0", value, last_conv)?;
    value = graph.norm("conv5.1", value)?;
    value = graph.relu("conv5.2", value)?;
    graph.classify("global_pool", "fc", value)?;
    Ok(())
}

fn unit(graph: &mut GraphBuilder, path: &str, input: NodeId, (growth, stride): (usize, usize)) -> Made {
    let mut value = graph.norm(format!("{path}.norm1"), input)?;
    value = graph.relu(format!("{path}.relu1"), value)?;
    value = graph.pointwise(format!("{path}.conv1"), value, 4 * growth)?;
    value = graph.norm(format!("{path}.norm2"), value)?;
    value = graph.relu(format!("{path}.relu2"), value)?;
    value = graph.conv(format!("{path}.conv2"), value, growth, Window::square(3, stride))?;
    let shortcut = if stride == 1 {
        input
    } else {
        graph.avg_pool(format!("{path}.shortcut"), input, Window::square(3, stride))?
    };
    graph.concat(format!("{path}.concat"), &[shortcut, value])
}
