//! AlexNet (Krizhevsky, NIPS 2012) in torchvision's one-tower form: biases, no response normalisation, no groups.

use super::layers::{Layers, large_classifier};
use super::{Network, Reference, printed};
use crate::design::InputSize;
use crate::graph::{GraphBuilder, LowerError, Window};

pub(super) const NETWORKS: [Network; 1] = [Network {
    name: "alexnet",
    about: "five convolutions, three large linear layers",
    input: InputSize::square(224),
    published: printed(720.0, 42.8, "ShuffleNet V1 paper, Table 6"),
    reference: Some(Reference { params: Some(61_100_840), mega_mult_adds: 714.188, source: "torchvision 0.29" }),
    build,
}];

/// Index in torchvision's `features`, channels, kernel, stride, padding, whether 3x3/2 max-pooling follows.
const FEATURES: [(usize, usize, usize, usize, usize, bool); 5] = [
    (0, 64, 11, 4, 2, true),
    (3, 192, 5, 1, 2, true),
    (6, 384, 3, 1, 1, false),
    (8, 256, 3, 1, 1, false),
    (10, 256, 3, 1, 1, true),
];

fn build(graph: &mut GraphBuilder) -> Result<(), LowerError> {
    let mut value = graph.input();
    for (index, out_channels, kernel, stride, padding, pool) in FEATURES {
        let window = Window::padded([kernel; 2], stride, [padding; 2]);
        value = graph.conv_with_bias(format!("features.{index}"), value, out_channels, window)?;
        value = graph.relu(format!("features.{}", index + 1), value)?;
        if pool {
            value = graph.max_pool(format!("features.{}", index + 2), value, Window::inside(3, 2))?;
        }
    }
    large_classifier(graph, value, 6, [1, 4, 6])?;
    Ok(())
}
