//! AlexNet (Krizhevsky, NIPS 2012) in torchvision's one-tower form: biases, no response normalisation, no groups.

use super::{Network, Reference};
use crate::design::{Activation, InputSize};
use crate::graph::{Conv2d, GraphBuilder, LowerError, Op, Window};

pub(super) const ALEXNET: Network = Network {
    name: "alexnet",
    about: "five convolutions, three large linear layers",
    input: InputSize { height: 224, width: 224 },
    published: None,
    reference: Some(Reference { params: Some(61_100_840), mega_mult_adds: 714.188, source: "torchvision 0.29" }),
    build,
};

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
        let window = Window { kernel: [kernel; 2], stride: [stride; 2], padding: [padding; 2], dilation: [1; 2] };
        let in_channels = graph.shape(value).channels;
        let conv = Op::Conv2d(Conv2d { in_channels, out_channels, window, groups: 1, bias: true });
        value = graph.push(format!("features.{index}"), conv, &[value])?;
        value = graph.activation(format!("features.{}", index + 1), Activation::Relu, value)?;
        if pool {
            let window = Window { padding: [0; 2], ..Window::square(3, 2) };
            value = graph.push(format!("features.{}", index + 2), Op::MaxPool(window), &[value])?;
        }
    }
    value = graph.push("flatten", Op::Flatten, &[value])?;
    for (index, out_features) in [(1, 4096), (4, 4096), (6, 1000)] {
        let in_features = graph.shape(value).channels;
        value = graph.push(
            format!("classifier.{index}"),
            Op::Linear { in_features, out_features, bias: true },
            &[value],
        )?;
        if out_features != 1000 {
            value = graph.activation(format!("classifier.{}", index + 1), Activation::Relu, value)?;
        }
    }
    Ok(())
}
