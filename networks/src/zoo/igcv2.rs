//! IGCV2 (Xie et al., CVPR 2018) for ImageNet.
//!
//! Its layer table is not public. The form is our proposal: MobileNet V1 with every 1x1 convolution replaced by two in
//! groups of channels and a shuffle between them, its widths chosen to meet the mult-adds of Table 8. The width in the
//! name is the authors'.

use super::layers::{Layers, Made};
use super::{Network, table_8};
use crate::design::InputSize;
use crate::graph::{GraphBuilder, LowerError, NodeId, Op, Window};

const ABOUT: &str = "interleaved group convolutions; the layer table is not public, this form is our proposal";

pub(super) const NETWORKS: [Network; 3] = [
    Network {
        name: "igcv2-x0.25",
        about: ABOUT,
        input: InputSize::square(224),
        published: table_8(46.0, 45.1, 183.0, 31.5),
        reference: None,
        build: |graph| build(graph, 0.35),
    },
    Network {
        name: "igcv2-x0.5",
        about: ABOUT,
        input: InputSize::square(224),
        published: table_8(156.0, 34.5, 132.0, 15.5),
        reference: None,
        build: |graph| build(graph, 0.67),
    },
    Network {
        name: "igcv2-x1.0",
        about: ABOUT,
        input: InputSize::square(224),
        published: table_8(564.0, 29.3, 81.0, 4.9),
        reference: None,
        build: |graph| build(graph, 1.32),
    },
];

const GROUPS: usize = 4;

/// MobileNet V1's channels, repeats and first stride.
const STAGES: [(usize, usize, usize); 5] = [(64, 1, 1), (128, 2, 2), (256, 2, 2), (512, 6, 2), (1024, 2, 2)];

fn build(graph: &mut GraphBuilder, width: f64) -> Result<(), LowerError> {
    // To a multiple of 8, which every number of groups here divides.
    let scaled = |channels: usize| ((channels as f64 * width / 8.0).round() as usize).max(1) * 8;
    let mut value = graph.conv("features.0.0", graph.input(), scaled(32), Window::square(3, 2))?;
    value = graph.norm("features.0.1", value)?;
    value = graph.relu("features.0.2", value)?;
    let mut index = 1;
    for (stage, (channels, repeats, stride)) in STAGES.into_iter().enumerate() {
        for repeat in 0..repeats {
            graph.unit(stage, repeat);
            let stride = if repeat == 0 { stride } else { 1 };
            value = unit(graph, &format!("features.{index}"), value, (scaled(channels), stride))?;
            index += 1;
        }
    }
    graph.classify("global_pool", "classifier.1", value)?;
    Ok(())
}

fn unit(graph: &mut GraphBuilder, path: &str, input: NodeId, (channels, stride): (usize, usize)) -> Made {
    let pixel = Window::square(1, 1);
    let mut value = graph.depthwise(format!("{path}.depthwise.conv"), input, Window::square(3, stride))?;
    value = graph.norm(format!("{path}.depthwise.norm"), value)?;
    value = graph.relu(format!("{path}.depthwise.relu"), value)?;
    value = graph.grouped(format!("{path}.first.conv"), value, channels, pixel, GROUPS)?;
    value = graph.norm(format!("{path}.first.norm"), value)?;
    value = graph.push(format!("{path}.shuffle"), Op::ChannelShuffle { groups: GROUPS }, &[value])?;
    value = graph.grouped(format!("{path}.second.conv"), value, channels, pixel, GROUPS)?;
    value = graph.norm(format!("{path}.second.norm"), value)?;
    graph.relu(format!("{path}.second.relu"), value)
}
