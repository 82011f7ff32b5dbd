//! ResNet-18 and 50 (He et al., CVPR 2016), ResNeXt-50 32x4d (Xie et al., CVPR 2017), layers named as torchvision's.
//!
//! As in torchvision, the stride of a bottleneck is at its 3x3 convolution; the ShuffleNet V2 paper's 3.8 G mult-adds
//! are those of the original form, which has it at the first 1x1. ResNet-18, whose units are no bottlenecks, is a graph.

use super::layers::{Layers, Made};
use super::{Network, Preset, Reference, printed};
use crate::design::{Activation, Block, Bottleneck, Design, Family, Head, InputSize, Stage, Stem, StemConv};
use crate::graph::{GraphBuilder, LowerError, NodeId, Window};

const TORCHVISION: &str = "torchvision 0.29";

/// Output channels, units and first stride of each stage of bottlenecks.
const STAGES: [(u32, u32, u32); 4] = [(256, 3, 1), (512, 4, 2), (1024, 6, 2), (2048, 3, 2)];

pub(super) fn presets() -> Vec<Preset> {
    let with_32_groups = Bottleneck { groups: 32, bottleneck: 2, ..Bottleneck::default() };
    vec![
        Preset {
            design: design("resnet-50", &Bottleneck::default()),
            about: "residual bottlenecks, the stride at the 3x3 convolution",
            published: printed(3800.0, 24.0, "ShuffleNet V2 paper, Table 6"),
            reference: Some(Reference { params: Some(25_557_032), mega_mult_adds: 4089.184, source: TORCHVISION }),
        },
        Preset {
            design: design("resnext-50-32x4d", &with_32_groups),
            about: "ResNet-50 with 3x3 convolutions in 32 groups",
            published: None,
            reference: Some(Reference { params: Some(25_028_904), mega_mult_adds: 4230.480, source: TORCHVISION }),
        },
    ]
}

fn design(name: &str, block: &Bottleneck) -> Design {
    let stage =
        |(channels, repeats, stride)| Stage { channels, repeats, stride, block: Block::Bottleneck(block.clone()) };
    Design {
        name: name.into(),
        family: Family::Resnet,
        width: None,
        classes: 1000,
        input: InputSize::square(224),
        stem: Stem {
            convs: vec![StemConv { channels: 64, kernel: 7, stride: 2 }],
            activation: Activation::Relu,
            max_pool: true,
        },
        stages: STAGES.map(stage).into(),
        head: Head { conv: None, activation: Activation::Relu, bias: true },
    }
}

pub(super) const NETWORKS: [Network; 1] = [Network {
    name: "resnet-18",
    about: "residual blocks of two 3x3 convolutions",
    input: InputSize::square(224),
    published: None,
    reference: Some(Reference { params: Some(11_689_512), mega_mult_adds: 1814.073, source: TORCHVISION }),
    build: build_18,
}];

fn build_18(graph: &mut GraphBuilder) -> Result<(), LowerError> {
    let mut value = graph.conv("conv1", graph.input(), 64, Window::square(7, 2))?;
    value = graph.norm("bn1", value)?;
    value = graph.relu("relu", value)?;
    value = graph.max_pool("maxpool", value, Window::square(3, 2))?;
    for (stage, channels) in [64, 128, 256, 512].into_iter().enumerate() {
        for repeat in 0..2 {
            graph.unit(stage, repeat);
            let path = format!("layer{}.{repeat}", stage + 1);
            let stride = if stage > 0 && repeat == 0 { 2 } else { 1 };
            value = basic(graph, &path, value, (channels, stride))?;
        }
    }
    graph.classify("avgpool", "fc", value)?;
    Ok(())
}

/// Two convolutions with norms, the shortcut added, ReLU.
fn basic(graph: &mut GraphBuilder, path: &str, input: NodeId, (channels, stride): (usize, usize)) -> Made {
    let mut value = graph.conv(format!("{path}.conv1"), input, channels, Window::square(3, stride))?;
    value = graph.norm(format!("{path}.bn1"), value)?;
    value = graph.relu(format!("{path}.relu1"), value)?;
    value = graph.conv(format!("{path}.conv2"), value, channels, Window::square(3, 1))?;
    value = graph.norm(format!("{path}.bn2"), value)?;
    let mut shortcut = input;
    if graph.shape(value) != graph.shape(input) {
        shortcut = graph.conv(format!("{path}.downsample.0"), input, channels, Window::square(1, stride))?;
        shortcut = graph.norm(format!("{path}.downsample.1"), shortcut)?;
    }
    value = graph.add(format!("{path}.add"), value, shortcut)?;
    graph.relu(format!("{path}.relu"), value)
}
