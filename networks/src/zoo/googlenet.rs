//! GoogLeNet (Szegedy et al., CVPR 2015) as torchvision has it: batch normalisation, no auxiliary classifiers, and 3x3
//! convolutions in the branch that the paper gives 5x5 ones.

use super::layers::{Layers, Made};
use super::{Network, Reference, printed};
use crate::design::InputSize;
use crate::graph::{GraphBuilder, LowerError, NodeId, Window};

pub(super) const NETWORKS: [Network; 1] = [Network {
    name: "googlenet",
    about: "inception modules of four branches",
    input: InputSize::square(224),
    published: printed(1500.0, 31.3, "ShuffleNet V1 paper, Table 6"),
    reference: Some(Reference { params: Some(6_624_904), mega_mult_adds: 1498.376, source: "torchvision 0.29" }),
    build,
}];

/// What the batch normalisations add to the variance.
const EPS: f64 = 1e-3;

/// Name; channels of the 1x1 branch, of the two 3x3 branches' reductions and results, and behind the pooling.
type Module = (&'static str, [usize; 6]);

/// Modules before each max-pooling (kernel 3, 3, 2) or, the last, before the classifier.
#[rustfmt::skip]
const STAGES: [&[Module]; 3] = [
    &[
        ("inception3a", [ 64,  96, 128, 16,  32,  32]),
        ("inception3b", [128, 128, 192, 32,  96,  64]),
    ],
    &[
        ("inception4a", [192,  96, 208, 16,  48,  64]),
        ("inception4b", [160, 112, 224, 24,  64,  64]),
        ("inception4c", [128, 128, 256, 24,  64,  64]),
        ("inception4d", [112, 144, 288, 32,  64,  64]),
        ("inception4e", [256, 160, 320, 32, 128, 128]),
    ],
    &[
        ("inception5a", [256, 160, 320, 32, 128, 128]),
        ("inception5b", [384, 192, 384, 48, 128, 128]),
    ],
];

/// Kernel of the max-pooling after each stage but the last.
const POOLS: [usize; 2] = [3, 2];

fn build(graph: &mut GraphBuilder) -> Result<(), LowerError> {
    let mut value = conv(graph, "conv1", graph.input(), 64, Window::square(7, 2))?;
    value = halve(graph, "maxpool1", value, 3)?;
    value = conv(graph, "conv2", value, 64, Window::square(1, 1))?;
    value = conv(graph, "conv3", value, 192, Window::square(3, 1))?;
    value = halve(graph, "maxpool2", value, 3)?;
    for (stage, modules) in STAGES.into_iter().enumerate() {
        for (repeat, (path, widths)) in modules.iter().enumerate() {
            graph.unit(stage, repeat);
            value = module(graph, path, value, widths)?;
        }
        graph.set_unit(None);
        if let Some(&kernel) = POOLS.get(stage) {
            value = halve(graph, &format!("maxpool{}", stage + 3), value, kernel)?;
        }
    }
    graph.classify("avgpool", "fc", value)?;
    Ok(())
}

fn module(
    graph: &mut GraphBuilder,
    path: &str,
    input: NodeId,
    &[one, reduced_3, three, reduced_5, five, pool]: &[usize; 6],
) -> Made {
    let (pixel, window) = (Window::square(1, 1), Window::square(3, 1));
    let branch1 = conv(graph, &format!("{path}.branch1"), input, one, pixel)?;
    let branch2 = conv(graph, &format!("{path}.branch2.0"), input, reduced_3, pixel)?;
    let branch2 = conv(graph, &format!("{path}.branch2.1"), branch2, three, window)?;
    let branch3 = conv(graph, &format!("{path}.branch3.0"), input, reduced_5, pixel)?;
    let branch3 = conv(graph, &format!("{path}.branch3.1"), branch3, five, window)?;
    let branch4 = graph.max_pool(format!("{path}.branch4.0"), input, window)?;
    let branch4 = conv(graph, &format!("{path}.branch4.1"), branch4, pool, pixel)?;
    graph.concat(format!("{path}.concat"), &[branch1, branch2, branch3, branch4])
}

/// torchvision's `BasicConv2d`.
fn conv(graph: &mut GraphBuilder, path: &str, input: NodeId, out_channels: usize, window: Window) -> Made {
    let mut value = graph.conv(format!("{path}.conv"), input, out_channels, window)?;
    value = graph.norm_with(format!("{path}.bn"), value, EPS)?;
    graph.relu(format!("{path}.relu"), value)
}

/// Max-pooling with stride two, lengths rounded up.
fn halve(graph: &mut GraphBuilder, path: &str, input: NodeId, kernel: usize) -> Made {
    let window = Window::inside(kernel, 2).rounding_up(graph.size(input));
    graph.max_pool(path, input, window)
}
