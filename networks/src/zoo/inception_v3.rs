//! Inception-v3 (Szegedy et al., CVPR 2016), layers named as torchvision's, without the auxiliary classifier.

use super::layers::{Layers, Made};
use super::{Network, Reference};
use crate::design::InputSize;
use crate::graph::{GraphBuilder, LowerError, NodeId, Window};

pub(super) const NETWORKS: [Network; 1] = [Network {
    name: "inception-v3",
    about: "inception modules with factorised convolutions, 299x299 pixels",
    input: InputSize::square(299),
    published: None,
    reference: Some(Reference { params: Some(23_834_568), mega_mult_adds: 5713.216, source: "torchvision 0.29" }),
    build,
}];

/// What the batch normalisations add to the variance.
const EPS: f64 = 1e-3;

const PIXEL: Window = Window::square(1, 1);
const SQUARE: Window = Window::square(3, 1);
/// Halves the map and stays inside it.
const HALVE: Window = Window::inside(3, 2);

/// Padded so that it keeps the map's size.
const fn oblong(height: usize, width: usize) -> Window {
    Window::padded([height, width], 1, [height / 2, width / 2])
}

/// A module's branch: its convolutions in order, by name, channels and window.
type Branch<'a> = &'a [(&'a str, usize, Window)];

fn build(graph: &mut GraphBuilder) -> Result<(), LowerError> {
    let mut value = conv(graph, "Conv2d_1a_3x3", graph.input(), 32, HALVE)?;
    value = conv(graph, "Conv2d_2a_3x3", value, 32, Window::inside(3, 1))?;
    value = conv(graph, "Conv2d_2b_3x3", value, 64, SQUARE)?;
    value = graph.max_pool("maxpool1", value, HALVE)?;
    value = conv(graph, "Conv2d_3b_1x1", value, 80, PIXEL)?;
    value = conv(graph, "Conv2d_4a_3x3", value, 192, Window::inside(3, 1))?;
    value = graph.max_pool("maxpool2", value, HALVE)?;
    for (repeat, (name, pool)) in [("Mixed_5b", 32), ("Mixed_5c", 64), ("Mixed_5d", 64)].into_iter().enumerate() {
        graph.unit(0, repeat);
        value = module_a(graph, name, value, pool)?;
    }
    graph.unit(1, 0);
    value = module_b(graph, "Mixed_6a", value)?;
    let modules = [("Mixed_6b", 128), ("Mixed_6c", 160), ("Mixed_6d", 160), ("Mixed_6e", 192)];
    for (repeat, (name, inner)) in modules.into_iter().enumerate() {
        graph.unit(1, repeat + 1);
        value = module_c(graph, name, value, inner)?;
    }
    graph.unit(2, 0);
    value = module_d(graph, "Mixed_7a", value)?;
    for (repeat, name) in ["Mixed_7b", "Mixed_7c"].into_iter().enumerate() {
        graph.unit(2, repeat + 1);
        value = module_e(graph, name, value)?;
    }
    graph.classify("avgpool", "fc", value)?;
    Ok(())
}

/// 35x35 pixels.
fn module_a(graph: &mut GraphBuilder, path: &str, input: NodeId, pool: usize) -> Made {
    let one = branch(graph, path, input, &[("branch1x1", 64, PIXEL)])?;
    let five = branch(graph, path, input, &[("branch5x5_1", 48, PIXEL), ("branch5x5_2", 64, Window::square(5, 1))])?;
    let double = &[("branch3x3dbl_1", 64, PIXEL), ("branch3x3dbl_2", 96, SQUARE), ("branch3x3dbl_3", 96, SQUARE)];
    let double = branch(graph, path, input, double)?;
    let pool = mean(graph, path, input, pool)?;
    graph.concat(format!("{path}.concat"), &[one, five, double, pool])
}

/// From 35x35 to 17x17 pixels.
fn module_b(graph: &mut GraphBuilder, path: &str, input: NodeId) -> Made {
    let three = branch(graph, path, input, &[("branch3x3", 384, HALVE)])?;
    let double = &[("branch3x3dbl_1", 64, PIXEL), ("branch3x3dbl_2", 96, SQUARE), ("branch3x3dbl_3", 96, HALVE)];
    let double = branch(graph, path, input, double)?;
    let pool = graph.max_pool(format!("{path}.max_pool"), input, HALVE)?;
    graph.concat(format!("{path}.concat"), &[three, double, pool])
}

/// 17x17 pixels.
fn module_c(graph: &mut GraphBuilder, path: &str, input: NodeId, inner: usize) -> Made {
    let (wide, high) = (oblong(1, 7), oblong(7, 1));
    let one = branch(graph, path, input, &[("branch1x1", 192, PIXEL)])?;
    let seven = &[("branch7x7_1", inner, PIXEL), ("branch7x7_2", inner, wide), ("branch7x7_3", 192, high)];
    let seven = branch(graph, path, input, seven)?;
    let double = &[
        ("branch7x7dbl_1", inner, PIXEL),
        ("branch7x7dbl_2", inner, high),
        ("branch7x7dbl_3", inner, wide),
        ("branch7x7dbl_4", inner, high),
        ("branch7x7dbl_5", 192, wide),
    ];
    let double = branch(graph, path, input, double)?;
    let pool = mean(graph, path, input, 192)?;
    graph.concat(format!("{path}.concat"), &[one, seven, double, pool])
}

/// From 17x17 to 8x8 pixels.
fn module_d(graph: &mut GraphBuilder, path: &str, input: NodeId) -> Made {
    let three = branch(graph, path, input, &[("branch3x3_1", 192, PIXEL), ("branch3x3_2", 320, HALVE)])?;
    let seven = &[
        ("branch7x7x3_1", 192, PIXEL),
        ("branch7x7x3_2", 192, oblong(1, 7)),
        ("branch7x7x3_3", 192, oblong(7, 1)),
        ("branch7x7x3_4", 192, HALVE),
    ];
    let seven = branch(graph, path, input, seven)?;
    let pool = graph.max_pool(format!("{path}.max_pool"), input, HALVE)?;
    graph.concat(format!("{path}.concat"), &[three, seven, pool])
}

/// 8x8 pixels; two branches fork once more.
fn module_e(graph: &mut GraphBuilder, path: &str, input: NodeId) -> Made {
    let one = branch(graph, path, input, &[("branch1x1", 320, PIXEL)])?;
    let three = branch(graph, path, input, &[("branch3x3_1", 384, PIXEL)])?;
    let three_a = branch(graph, path, three, &[("branch3x3_2a", 384, oblong(1, 3))])?;
    let three_b = branch(graph, path, three, &[("branch3x3_2b", 384, oblong(3, 1))])?;
    let three = graph.concat(format!("{path}.branch3x3_concat"), &[three_a, three_b])?;
    let double = branch(graph, path, input, &[("branch3x3dbl_1", 448, PIXEL), ("branch3x3dbl_2", 384, SQUARE)])?;
    let double_a = branch(graph, path, double, &[("branch3x3dbl_3a", 384, oblong(1, 3))])?;
    let double_b = branch(graph, path, double, &[("branch3x3dbl_3b", 384, oblong(3, 1))])?;
    let double = graph.concat(format!("{path}.branch3x3dbl_concat"), &[double_a, double_b])?;
    let pool = mean(graph, path, input, 192)?;
    graph.concat(format!("{path}.concat"), &[one, three, double, pool])
}

fn branch(graph: &mut GraphBuilder, path: &str, input: NodeId, layers: Branch<'_>) -> Made {
    layers.iter().try_fold(input, |value, &(name, channels, window)| {
        conv(graph, &format!("{path}.{name}"), value, channels, window)
    })
}

/// 3x3 average pooling, padding counted, and a 1x1 convolution.
fn mean(graph: &mut GraphBuilder, path: &str, input: NodeId, channels: usize) -> Made {
    let pooled = graph.avg_pool(format!("{path}.avg_pool"), input, SQUARE)?;
    branch(graph, path, pooled, &[("branch_pool", channels, PIXEL)])
}

/// torchvision's `BasicConv2d`.
fn conv(graph: &mut GraphBuilder, path: &str, input: NodeId, out_channels: usize, window: Window) -> Made {
    let mut value = graph.conv(format!("{path}.conv"), input, out_channels, window)?;
    value = graph.norm_with(format!("{path}.bn"), value, EPS)?;
    graph.relu(format!("{path}.relu"), value)
}
