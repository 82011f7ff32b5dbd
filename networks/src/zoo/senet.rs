//! SE-ResNet-50 and SENet-154 (Hu, Shen, Sun, CVPR 2018), layers named as in Cadene's `pretrained-models.pytorch`.

use super::layers::{Layers, Made};
use super::{Network, Reference, printed};
use crate::design::InputSize;
use crate::graph::{Activation, GraphBuilder, LowerError, NodeId, Op, Window};

pub(super) const NETWORKS: [Network; 2] = [
    Network {
        name: "se-resnet-50",
        about: "ResNet-50 with squeeze-and-excitation, the stride at the first 1x1 convolution",
        input: InputSize::square(224),
        published: None,
        reference: Some(Reference { params: Some(28_088_024), mega_mult_adds: 3860.488, source: "pytorchcv 0.0.74" }),
        build: |graph| build(graph, &SE_RESNET_50),
    },
    Network {
        name: "senet-154",
        about: "squeeze-and-excitation in bottlenecks of 64 groups",
        input: InputSize::square(224),
        published: printed(20_700.0, 18.68, "ShuffleNet V2 paper, Table 6"),
        reference: Some(Reference {
            params: Some(115_088_984),
            mega_mult_adds: 20_688.364,
            source: "pytorchcv 0.0.74",
        }),
        build: |graph| build(graph, &SENET_154),
    },
];

/// What tells the two apart.
struct Form {
    /// Channels, kernel and stride of the convolutions before the first pooling.
    stem: &'static [(usize, usize, usize)],
    repeats: [usize; 4],
    /// Output channels of a bottleneck's first and second convolution over a fourth of its output's.
    inner: [usize; 2],
    groups: usize,
    /// The stride is at the first 1x1 convolution and not at the 3x3.
    stride_first: bool,
    /// Kernel of the shortcut's convolution from the second stage on.
    shortcut_kernel: usize,
}

const SE_RESNET_50: Form = Form {
    stem: &[(64, 7, 2)],
    repeats: [3, 4, 6, 3],
    inner: [1, 1],
    groups: 1,
    stride_first: true,
    shortcut_kernel: 1,
};

const SENET_154: Form = Form {
    stem: &[(64, 3, 2), (64, 3, 1), (128, 3, 1)],
    repeats: [3, 8, 36, 3],
    inner: [2, 4],
    groups: 64,
    stride_first: false,
    shortcut_kernel: 3,
};

/// A fourth of each stage's channels.
const WIDTHS: [usize; 4] = [64, 128, 256, 512];

/// Channels per channel between squeeze and excitation.
const REDUCTION: usize = 16;

fn build(graph: &mut GraphBuilder, form: &Form) -> Result<(), LowerError> {
    let mut value = graph.input();
    for (index, &(channels, kernel, stride)) in form.stem.iter().enumerate() {
        let number = index + 1;
        value = graph.conv(format!("layer0.conv{number}"), value, channels, Window::square(kernel, stride))?;
        value = graph.norm(format!("layer0.bn{number}"), value)?;
        value = graph.relu(format!("layer0.relu{number}"), value)?;
    }
    let rounded_up = Window::inside(3, 2).rounding_up(graph.size(value));
    value = graph.max_pool("layer0.pool", value, rounded_up)?;
    for (stage, (width, repeats)) in WIDTHS.into_iter().zip(form.repeats).enumerate() {
        for repeat in 0..repeats {
            graph.unit(stage, repeat);
            let path = format!("layer{}.{repeat}", stage + 1);
            value = bottleneck(graph, &path, value, (form, width, if stage > 0 && repeat == 0 { 2 } else { 1 }))?;
        }
    }
    graph.classify("avg_pool", "last_linear", value)?;
    Ok(())
}

fn bottleneck(
    graph: &mut GraphBuilder,
    path: &str,
    input: NodeId,
    (form, width, stride): (&Form, usize, usize),
) -> Made {
    let strides = if form.stride_first { [stride, 1] } else { [1, stride] };
    let [first, second] = form.inner.map(|times| times * width);
    let mut value = graph.conv(format!("{path}.conv1"), input, first, Window::square(1, strides[0]))?;
    value = graph.norm(format!("{path}.bn1"), value)?;
    value = graph.relu(format!("{path}.relu1"), value)?;
    value = graph.grouped(format!("{path}.conv2"), value, second, Window::square(3, strides[1]), form.groups)?;
    value = graph.norm(format!("{path}.bn2"), value)?;
    value = graph.relu(format!("{path}.relu2"), value)?;
    value = graph.pointwise(format!("{path}.conv3"), value, 4 * width)?;
    value = graph.norm(format!("{path}.bn3"), value)?;
    value = squeeze_excitation(graph, &format!("{path}.se_module"), value)?;

    let mut shortcut = input;
    if graph.shape(value) != graph.shape(input) {
        // Only a strided shortcut has the large kernel.
        let kernel = if stride > 1 { form.shortcut_kernel } else { 1 };
        let window = Window::square(kernel, stride);
        shortcut = graph.conv(format!("{path}.downsample.0"), input, 4 * width, window)?;
        shortcut = graph.norm(format!("{path}.downsample.1"), shortcut)?;
    }
    value = graph.add(format!("{path}.add"), value, shortcut)?;
    graph.relu(format!("{path}.relu"), value)
}

fn squeeze_excitation(graph: &mut GraphBuilder, path: &str, input: NodeId) -> Made {
    let channels = graph.channels(input);
    let mut gate = graph.push(format!("{path}.avg_pool"), Op::GlobalAvgPool, &[input])?;
    gate = graph.conv_with_bias(format!("{path}.fc1"), gate, channels / REDUCTION, Window::square(1, 1))?;
    gate = graph.relu(format!("{path}.relu"), gate)?;
    gate = graph.conv_with_bias(format!("{path}.fc2"), gate, channels, Window::square(1, 1))?;
    gate = graph.activation(format!("{path}.sigmoid"), Activation::Sigmoid, gate)?;
    graph.push(format!("{path}.scale"), Op::Scale, &[input, gate])
}
