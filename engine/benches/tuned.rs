//! The tuned runtime's kernels, each as a network of one layer, and whole networks. Items are floating-point operations
//! (two per mult-add) or bytes moved; compare them with `ceilings`.
//!
//! `cargo bench -p shufflescope-engine --bench tuned [FILTER]`; one thread unless the name says two.

use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};
use shufflescope_engine::design::Batch;
use shufflescope_engine::graph::{Activation, Conv2d, Graph, GraphBuilder, Op, Shape, Window, lower};
use shufflescope_engine::runtime::cpu::{Isa, Network};
use shufflescope_engine::weights::{Weights, seeded_input};
use shufflescope_engine::zoo;

fn main() {
    divan::main();
}

/// Output channels, input channels, side of the map: the pointwise layers of ShuffleNet V2 0.5x to 2.0x.
const POINTWISE: [(usize, usize, usize); 14] = [
    (24, 24, 28),
    (48, 48, 14),
    (96, 96, 7),
    (1024, 192, 7),
    (58, 24, 56),
    (58, 58, 28),
    (116, 116, 14),
    (232, 232, 7),
    (1024, 464, 7),
    (88, 88, 28),
    (176, 176, 14),
    (352, 352, 7),
    (244, 244, 14),
    (2048, 976, 7),
];

#[divan::bench(args = POINTWISE)]
fn pointwise(bencher: Bencher<'_, '_>, (out_channels, in_channels, side): (usize, usize, usize)) {
    convolution(bencher, Shape::new(1, in_channels, side, side), out_channels, Window::square(1, 1), 1);
}

#[divan::bench(args = Isa::all_available().map(Isa::name))]
fn pointwise_116_to_116_14x14(bencher: Bencher<'_, '_>, isa: &str) {
    let conv = conv(116, 116, Window::square(1, 1), 1);
    let graph = one_layer(Shape::new(1, 116, 14, 14), Op::Conv2d(conv), Activation::Relu);
    run(bencher.counter(ItemsCount::new(2 * conv.weight_elements() * 196)), &graph, isa.parse().ok(), 1);
}

#[divan::bench(args = [(3, 240, 28), (3, 480, 14), (2, 200, 28)])]
fn grouped_pointwise(bencher: Bencher<'_, '_>, (groups, channels, side): (usize, usize, usize)) {
    convolution(bencher, Shape::new(1, channels, side, side), channels, Window::square(1, 1), groups);
}

/// Output channels, input channels, kernel, side. Operations are counted as the layer has them: 3x3 does fewer and may
/// exceed the ceiling.
#[divan::bench(args = [(64, 64, 3, 56), (128, 128, 3, 28), (256, 256, 3, 14), (512, 512, 3, 7), (16, 16, 7, 28)])]
fn dense(bencher: Bencher<'_, '_>, (out, channels, kernel, side): (usize, usize, usize, usize)) {
    convolution(bencher, Shape::new(1, channels, side, side), out, Window::square(kernel, 1), 1);
}

#[divan::bench(args = [(24, 3), (64, 7)])]
fn stem(bencher: Bencher<'_, '_>, (out_channels, kernel): (usize, usize)) {
    convolution(bencher, Shape::new(1, 3, 224, 224), out_channels, Window::square(kernel, 2), 1);
}

/// Kernel, stride, channels, side of the input; bytes of the maps read and written.
#[divan::bench(args = [(3, 1, 58, 28), (3, 1, 116, 14), (3, 1, 232, 7), (3, 2, 58, 56), (3, 2, 116, 28), (5, 1, 116, 14), (7, 1, 116, 14), (5, 2, 116, 28)])]
fn depthwise(bencher: Bencher<'_, '_>, (kernel, stride, channels, side): (usize, usize, usize, usize)) {
    let window = Window::square(kernel, stride);
    let conv = conv(channels, channels, window, channels);
    let graph = one_layer(Shape::new(1, channels, side, side), Op::Conv2d(conv), Activation::None);
    let pixels = side * side + graph.node(graph.output()).output.pixels();
    run(bencher.counter(BytesCount::new(4 * channels * pixels)), &graph, None, 1);
}

#[divan::bench(args = [(24, 112), (240, 28)])]
fn max_pool_3x3_stride_2(bencher: Bencher<'_, '_>, (channels, side): (usize, usize)) {
    let shape = Shape::new(1, channels, side, side);
    let graph = one_layer(shape, Op::MaxPool(Window::square(3, 2)), Activation::None);
    run(bencher.counter(BytesCount::new(5 * channels * side * side)), &graph, None, 1);
}

/// Bytes of the weights, which are read once.
#[divan::bench(args = [1024, 2048])]
fn classifier(bencher: Bencher<'_, '_>, in_features: usize) {
    let op = Op::Linear { in_features, out_features: 1000, bias: true };
    let graph = one_layer(Shape::new(1, in_features, 1, 1), op, Activation::None);
    run(bencher.counter(BytesCount::new(4 * 1000 * in_features)), &graph, None, 1);
}

#[divan::bench(
    args = ["shufflenet-v2-x0.5", "shufflenet-v2-x1.0", "shufflenet-v2-x1.5", "shufflenet-v2-x2.0", "shufflenet-v1-g3-x1.0", "mobilenet-v2-x1.0"],
    consts = [1, 2]
)]
fn network<const THREADS: usize>(bencher: Bencher<'_, '_>, name: &str) {
    if let Some(graph) = zoo::preset(name).and_then(|design| lower(&design, Batch(1)).ok()) {
        run(bencher.counter(ItemsCount::new(1_usize)), &graph, None, THREADS);
    }
}

#[divan::bench(args = ["shufflenet-v2-x1.0", "shufflenet-v2-x2.0"])]
fn prepare(bencher: Bencher<'_, '_>, name: &str) {
    if let Some(graph) = zoo::preset(name).and_then(|design| lower(&design, Batch(1)).ok()) {
        let weights = Weights::seeded(&graph, 1);
        bencher.bench_local(|| Network::new(&graph, &weights, None, 1));
    }
}

fn conv(out_channels: usize, in_channels: usize, window: Window, groups: usize) -> Conv2d {
    Conv2d { in_channels, out_channels, window, groups, bias: true }
}

fn convolution(bencher: Bencher<'_, '_>, input: Shape, out_channels: usize, window: Window, groups: usize) {
    let conv = conv(out_channels, input.channels, window, groups);
    let graph = one_layer(input, Op::Conv2d(conv), Activation::Relu);
    let pixels = graph.node(graph.output()).output.pixels();
    run(bencher.counter(ItemsCount::new(2 * conv.weight_elements() * pixels)), &graph, None, 1);
}

/// A network of one layer and its activation.
fn one_layer(input: Shape, op: Op, activation: Activation) -> Graph {
    let mut builder = GraphBuilder::new("one layer", input);
    let from = builder.input();
    if let Ok(value) = builder.push("layer", op, &[from]) {
        let _ = builder.activation("activation", activation, value);
    }
    builder.finish()
}

fn run(bencher: Bencher<'_, '_>, graph: &Graph, isa: Option<Isa>, threads: usize) {
    let Ok(mut network) = Network::new(graph, &Weights::seeded(graph, 1), isa, threads) else { return };
    network.set_input(&seeded_input(graph.input_shape(), 1));
    bencher.bench_local(|| network.run());
}
