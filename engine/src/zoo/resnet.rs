//! ResNet-18 and 50 (He et al., CVPR 2016), ResNeXt-50 32x4d (Xie et al., CVPR 2017), layers named as torchvision's.
//!
//! As in torchvision, the stride of a bottleneck is at its 3x3 convolution; the ShuffleNet V2 paper's 3.8 G mult-adds
//! are those of the original form, which has it at the first 1x1.

use super::layers::{Layers, Made};
use super::{Network, Reference, printed};
use crate::design::InputSize;
use crate::graph::{GraphBuilder, LowerError, NodeId, Window};

pub(super) const NETWORKS: [Network; 3] = [
    Network {
        name: "resnet-18",
        about: "residual blocks of two 3x3 convolutions",
        input: InputSize::square(224),
        published: None,
        reference: Some(Reference { params: Some(11_689_512), mega_mult_adds: 1814.073, source: "torchvision 0.29" }),
        build: |graph| build(graph, [2, 2, 2, 2], Unit::Basic),
    },
    Network {
        name: "resnet-50",
        about: "residual bottlenecks, the stride at the 3x3 convolution",
        input: InputSize::square(224),
        published: printed(3800.0, 24.0, "ShuffleNet V2 paper, Table 6"),
        reference: Some(Reference { params: Some(25_557_032), mega_mult_adds: 4089.184, source: "torchvision 0.29" }),
        build: |graph| build(graph, [3, 4, 6, 3], Unit::Bottleneck { groups: 1, group_width: 64 }),
    },
    Network {
        name: "resnext-50-32x4d",
        about: "ResNet-50 with 3x3 convolutions in 32 groups",
        input: InputSize::square(224),
        published: None,
        reference: Some(Reference { params: Some(25_028_904), mega_mult_adds: 4230.480, source: "torchvision 0.29" }),
        build: |graph| build(graph, [3, 4, 6, 3], Unit::Bottleneck { groups: 32, group_width: 4 }),
    },
];

/// Channels of each stage's 3x3 convolutions in ResNet.
const WIDTHS: [usize; 4] = [64, 128, 256, 512];

/// How many times wider a bottleneck's output is than [`WIDTHS`].
const EXPANSION: usize = 4;

#[derive(Clone, Copy)]
enum Unit {
    Basic,
    Bottleneck { groups: usize, group_width: usize },
}

fn build(graph: &mut GraphBuilder, repeats: [usize; 4], unit: Unit) -> Result<(), LowerError> {
    let mut value = graph.conv("conv1", graph.input(), 64, Window::square(7, 2))?;
    value = graph.norm("bn1", value)?;
    value = graph.relu("relu", value)?;
    value = graph.max_pool("maxpool", value, Window::square(3, 2))?;
    for (stage, (width, repeats)) in WIDTHS.into_iter().zip(repeats).enumerate() {
        for repeat in 0..repeats {
            graph.unit(stage, repeat);
            let path = format!("layer{}.{repeat}", stage + 1);
            let stride = if stage > 0 && repeat == 0 { 2 } else { 1 };
            value = residual(graph, &path, value, (width, stride, unit))?;
        }
    }
    graph.classify("avgpool", "fc", value)?;
    Ok(())
}

/// Convolutions with norms, the shortcut added, ReLU.
fn residual(graph: &mut GraphBuilder, path: &str, input: NodeId, (width, stride, unit): (usize, usize, Unit)) -> Made {
    // Output channels, window and groups of each convolution.
    let convolutions: &[(usize, Window, usize)] = match unit {
        Unit::Basic => &[(width, Window::square(3, stride), 1), (width, Window::square(3, 1), 1)],
        Unit::Bottleneck { groups, group_width } => {
            let inner = width * group_width / 64 * groups;
            &[
                (inner, Window::square(1, 1), 1),
                (inner, Window::square(3, stride), groups),
                (width * EXPANSION, Window::square(1, 1), 1),
            ]
        }
    };
    let mut value = input;
    for (index, &(channels, window, groups)) in convolutions.iter().enumerate() {
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
