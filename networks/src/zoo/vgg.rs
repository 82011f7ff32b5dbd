//! VGG-16 (Simonyan and Zisserman, ICLR 2015), configuration D: biases, no batch normalisation.

use super::layers::{Layers, large_classifier};
use super::{Network, Reference, printed};
use crate::design::InputSize;
use crate::graph::{GraphBuilder, LowerError, Window};

pub(super) const NETWORKS: [Network; 1] = [Network {
    name: "vgg-16",
    about: "thirteen 3x3 convolutions, three large linear layers",
    input: InputSize::square(224),
    published: printed(15_300.0, 28.5, "ShuffleNet V1 paper, Table 6"),
    reference: Some(Reference { params: Some(138_357_544), mega_mult_adds: 15_470.264, source: "torchvision 0.29" }),
    build,
}];

/// Channels and number of the 3x3 convolutions before each 2x2 max-pooling.
const GROUPS: [(usize, usize); 5] = [(64, 2), (128, 2), (256, 3), (512, 3), (512, 3)];

fn build(graph: &mut GraphBuilder) -> Result<(), LowerError> {
    let mut value = graph.input();
    let mut index = 0;
    for (channels, convolutions) in GROUPS {
        for _ in 0..convolutions {
            value = graph.conv_with_bias(format!("features.{index}"), value, channels, Window::square(3, 1))?;
            value = graph.relu(format!("features.{}", index + 1), value)?;
            index += 2;
        }
        value = graph.max_pool(format!("features.{index}"), value, Window::inside(2, 2))?;
        index += 1;
    }
    large_classifier(graph, value, 7, [0, 3, 6])?;
    Ok(())
}
