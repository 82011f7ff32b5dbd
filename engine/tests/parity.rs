//! What the runtimes compute is what torchvision computes, and what the naive reference computes.
//!
//! `fixtures/torchvision_logits.json` was made by `fixtures/make_torchvision_logits.py`, which gives torchvision's
//! networks the seeded weights and inputs of this crate bit for bit. Most logits are between 3 and 9 at most, so 1e-4
//! is about 2e-5 of their magnitude, some hundred roundings of 32-bit arithmetic.

#![allow(clippy::unwrap_used)] // Helpers of tests panic like tests.

use std::path::Path;

use candle_core::Tensor;
use proptest::prelude::*;
use serde::Deserialize;
use shufflescope_engine::clock::MonotonicClock;
use shufflescope_engine::design::{Batch, Design, InputSize};
use shufflescope_engine::device::{Device, DeviceId};
use shufflescope_engine::graph::{
    Activation, Conv2d, Graph, GraphBuilder, LocalNorm, NodeId, Op, Shape, Window, lower,
};
use shufflescope_engine::runtime::{RunOptions, Runtime, prepare, reference};
use shufflescope_engine::weights::{Weights, seeded_input};
use shufflescope_engine::zoo;

/// Largest absolute difference of two logits.
const TOLERANCE: f32 = 1e-4;

/// The same where the largest logit is `magnitude`: networks without a norm before their sums make hundreds.
fn tolerance(magnitude: f32) -> f32 {
    TOLERANCE * (magnitude / 10.0).max(1.0)
}

#[derive(Deserialize)]
struct Fixture {
    seed: u64,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    design: String,
    input: [usize; 4],
    logits: Vec<f32>,
}

fn fixture() -> Fixture {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/torchvision_logits.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// The case's network, with weights and input as the fixture's script made them.
fn network(case: &Case, seed: u64) -> (Graph, Weights, Vec<f32>) {
    let shape = Shape::from(case.input);
    let (size, batch) =
        (InputSize { height: shape.height as u32, width: shape.width as u32 }, Batch(shape.batch as u32));
    let graph = match zoo::network(&case.design) {
        Some(network) => network.graph(size, batch).unwrap(),
        None => lower(&Design { input: size, ..zoo::preset(&case.design).unwrap() }, batch).unwrap(),
    };
    let weights = Weights::seeded(&graph, seed);
    (graph, weights, seeded_input(shape, seed))
}

fn run(runtime: Runtime, graph: &Graph, weights: &Weights, input: &[f32]) -> Vec<f32> {
    let batch = graph.input_shape().batch as u32;
    let options = RunOptions { runtime, ..RunOptions::new(DeviceId::Cpu, 2, batch) };
    let mut executable = prepare(graph, weights, &Device::cpu(), &options).unwrap();
    let shape: [usize; 4] = graph.input_shape().into();
    executable.set_input(&Tensor::from_slice(input, &shape, &candle_core::Device::Cpu).unwrap()).unwrap();
    executable.infer(&MonotonicClock::new()).unwrap()
}

/// The largest absolute difference, and the largest magnitude of `expected`.
fn difference(found: &[f32], expected: &[f32]) -> (f32, f32) {
    assert_eq!(found.len(), expected.len());
    let largest = found.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, |most: f32, gap| {
        // `f32::max` would drop a NaN.
        if gap.is_nan() { f32::INFINITY } else { most.max(gap) }
    });
    (largest, expected.iter().fold(0.0, |most, value| most.max(value.abs())))
}

#[test]
fn every_runtime_gives_the_logits_of_torchvision() {
    let fixture = fixture();
    let designs: Vec<&str> = fixture.cases.iter().map(|case| case.design.as_str()).collect();
    for name in [
        "shufflenet-v2-x0.5",
        "shufflenet-v2-x1.0",
        "shufflenet-v2-x1.5",
        "shufflenet-v2-x2.0",
        "mobilenet-v2-x1.0",
        "alexnet",
        "resnet-18",
        "resnet-50",
        "resnext-50-32x4d",
        "densenet-121",
        "googlenet",
        "inception-v3",
    ] {
        assert!(designs.contains(&name), "the fixture lacks {name}");
    }
    for case in &fixture.cases {
        let (graph, weights, input) = network(case, fixture.seed);
        for runtime in Runtime::ALL {
            let (gap, magnitude) = difference(&run(runtime, &graph, &weights, &input), &case.logits);
            println!("{runtime}, {} {:?}: {gap:.2e} of {magnitude:.2}", case.design, case.input);
            assert!(magnitude > 1.0, "logits of {} are too small for the tolerance to mean anything", case.design);
            assert!(gap < tolerance(magnitude), "{runtime}, {} {:?}: {gap:e}", case.design, case.input);
        }
    }
}

/// Both runtimes on every network that the zoo adds to torchvision's, at sizes that are quick but leave odd lengths.
#[test]
fn the_runtimes_agree_on_networks_that_torchvision_lacks() {
    let in_fixture = fixture().cases;
    let small = InputSize { height: 72, width: 57 };
    let mut graphs: Vec<Graph> = ["igcv3-d-x0.7", "xception-x0.5"]
        .map(|name| lower(&Design { input: small, ..zoo::preset(name).unwrap() }, Batch(1)).unwrap())
        .into();
    for network in zoo::networks() {
        let size = match network.name {
            // Large layers of kinds that others have, and at its smallest input still 15 G mult-adds.
            "vgg-16" => continue,
            name if in_fixture.iter().any(|case| case.design == name) => continue,
            "senet-154" => InputSize { height: 32, width: 32 },
            _ => small,
        };
        graphs.push(network.graph(size, Batch(1)).unwrap());
    }
    for graph in graphs {
        let weights = Weights::seeded(&graph, 5);
        let input = seeded_input(graph.input_shape(), 5);
        let [one, other] = [Runtime::Candle, Runtime::Tuned].map(|of| run(of, &graph, &weights, &input));
        let (gap, magnitude) = difference(&one, &other);
        println!("{}: {gap:.2e} of {magnitude:.2}", graph.name);
        assert!(magnitude > 0.5, "logits of {} are too small to mean anything", graph.name);
        assert!(gap < 1e-4 * magnitude, "{}: {gap:e} of {magnitude}", graph.name);
    }
}

#[test]
fn the_reference_gives_the_logits_of_torchvision() {
    let fixture = fixture();
    for case in fixture.cases.iter().filter(|case| case.design == "shufflenet-v2-x0.5") {
        let (graph, weights, input) = network(case, fixture.seed);
        let (gap, magnitude) = difference(&reference::run(&graph, &weights, &input).unwrap(), &case.logits);
        println!("reference, {} {:?}: {gap:.2e} of {magnitude:.2}", case.design, case.input);
        assert!(gap < TOLERANCE, "{:?}: {gap:e}", case.input);
    }
}

/// What a random graph does next; numbers are reduced to what fits the value at hand.
#[derive(Clone, Copy, Debug)]
enum Move {
    Conv {
        kernel: [usize; 2],
        stride: usize,
        dilation: usize,
        groups: usize,
        per_group: usize,
        bias: bool,
    },
    Depthwise {
        kernel: usize,
        stride: usize,
    },
    Norm,
    Activate(Activation),
    MaxPool {
        kernel: usize,
        stride: usize,
    },
    AvgPool {
        kernel: usize,
        stride: usize,
    },
    Shuffle {
        groups: usize,
    },
    /// Split the channels, change one half, join them the other way round.
    Split {
        at: usize,
    },
    /// Add a convolution of the value to it.
    Residual,
    /// Squeeze and excite.
    Gate,
    /// One of what only networks from elsewhere have.
    Other(usize),
}

fn moves() -> impl Strategy<Value = Move> {
    let kernel = prop::sample::select(vec![1_usize, 3, 5, 7]);
    let conv = (prop::array::uniform2(kernel.clone()), 1..3_usize, 1..3_usize, 1..5_usize, 1..4_usize, any::<bool>());
    prop_oneof![
        4 => conv.prop_map(|(kernel, stride, dilation, groups, per_group, bias)| {
            Move::Conv { kernel, stride, dilation, groups, per_group, bias }
        }),
        2 => (kernel, 1..3_usize).prop_map(|(kernel, stride)| Move::Depthwise { kernel, stride }),
        2 => Just(Move::Norm),
        2 => prop::sample::select(Activation::EXAMPLES[1..].to_vec()).prop_map(Move::Activate),
        1 => (2..4_usize, 1..3_usize).prop_map(|(kernel, stride)| Move::MaxPool { kernel, stride }),
        1 => (2..4_usize, 1..3_usize).prop_map(|(kernel, stride)| Move::AvgPool { kernel, stride }),
        2 => (1..5_usize).prop_map(|groups| Move::Shuffle { groups }),
        2 => (1..8_usize).prop_map(|at| Move::Split { at }),
        1 => Just(Move::Residual),
        1 => Just(Move::Gate),
        2 => (0..7_usize).prop_map(Move::Other),
    ]
}

/// The largest number up to `wanted` that divides `channels`.
fn divisor(channels: usize, wanted: usize) -> usize {
    (1..=wanted.min(channels)).rev().find(|candidate| channels.is_multiple_of(*candidate)).unwrap()
}

fn conv(builder: &GraphBuilder, value: NodeId, out_channels: usize, window: Window, groups: usize) -> Conv2d {
    Conv2d { in_channels: builder.shape(value).channels, out_channels, window, groups, bias: false }
}

/// Appends the move's layers; a window that does not fit a small map is left out.
fn push(builder: &mut GraphBuilder, path: &str, value: NodeId, next: Move) -> NodeId {
    let shape = builder.shape(value);
    let channels = shape.channels;
    match next {
        Move::Conv { kernel, stride, dilation, groups, per_group, bias } => {
            let groups = divisor(channels, groups);
            let padding = kernel.map(|kernel| kernel / 2);
            let padding_end = [padding[0], padding[1] / 2];
            let window = Window { kernel, stride: [stride; 2], padding, padding_end, dilation: [dilation; 2] };
            let conv = Conv2d { bias, ..conv(builder, value, groups * per_group, window, groups) };
            builder.push(path, Op::Conv2d(conv), &[value]).unwrap_or(value)
        }
        Move::Depthwise { kernel, stride } => {
            let conv = conv(builder, value, channels, Window::square(kernel, stride), channels);
            builder.push(path, Op::Conv2d(conv), &[value]).unwrap_or(value)
        }
        Move::Norm => builder.push(path, Op::BatchNorm { channels, eps: 1e-5 }, &[value]).unwrap(),
        Move::Activate(activation) => builder.activation(path, activation, value).unwrap(),
        Move::MaxPool { kernel, stride } => {
            builder.push(path, Op::MaxPool(Window::square(kernel, stride)), &[value]).unwrap_or(value)
        }
        Move::AvgPool { kernel, stride } => {
            builder.push(path, Op::AvgPool(Window::square(kernel, stride)), &[value]).unwrap_or(value)
        }
        Move::Shuffle { groups } => {
            builder.push(path, Op::ChannelShuffle { groups: divisor(channels, groups) }, &[value]).unwrap()
        }
        Move::Split { at } => {
            if channels < 2 {
                return value;
            }
            let at = 1 + at % (channels - 1);
            let left = Op::Slice { start: 0, channels: at };
            let left = builder.push(format!("{path}.left"), left, &[value]).unwrap();
            let right = Op::Slice { start: at, channels: channels - at };
            let right = builder.push(format!("{path}.right"), right, &[value]).unwrap();
            let right = push(builder, &format!("{path}.norm"), right, Move::Norm);
            builder.push(format!("{path}.concat"), Op::Concat, &[right, left]).unwrap()
        }
        Move::Residual => {
            let op = Op::Conv2d(conv(builder, value, channels, Window::square(3, 1), 1));
            let branch = builder.push(format!("{path}.conv"), op, &[value]).unwrap();
            builder.push(format!("{path}.add"), Op::Add, &[branch, value]).unwrap()
        }
        Move::Gate => {
            let pooled = builder.push(format!("{path}.pool"), Op::GlobalAvgPool, &[value]).unwrap();
            let linear = Op::Linear { in_features: channels, out_features: channels, bias: true };
            let gate = builder.push(format!("{path}.fc"), linear, &[pooled]).unwrap();
            let gate = builder.activation(format!("{path}.sigmoid"), Activation::Sigmoid, gate).unwrap();
            builder.push(format!("{path}.scale"), Op::Scale, &[value, gate]).unwrap()
        }
        Move::Other(which) => other(builder, path, value, which),
    }
}

fn other(builder: &mut GraphBuilder, path: &str, value: NodeId, which: usize) -> NodeId {
    let Shape { channels, height, width, .. } = builder.shape(value);
    let op = match which {
        0 => Op::PRelu { channels: if channels % 2 == 0 { 1 } else { channels } },
        1 => Op::Affine { channels, shift: channels % 2 == 0 },
        2 => Op::LayerNorm { channels, eps: 0.5 },
        3 => {
            let size = 1 + channels % 5;
            Op::LocalNorm(LocalNorm { size, alpha: 0.5.into(), beta: 0.75.into(), offset: 1.0.into() })
        }
        4 => Op::average_pool(Window::square(3, 2), [height, width], true, width % 2 == 0),
        5 => {
            let most = builder.push(format!("{path}.most"), Op::GlobalMaxPool, &[value]).unwrap();
            return builder.push(path, Op::Shift, &[value, most]).unwrap();
        }
        _ => {
            let first = builder.push(format!("{path}.first"), Op::Slice { start: 0, channels: 1 }, &[value]).unwrap();
            let gate = builder.activation(format!("{path}.gate"), Activation::Sigmoid, first).unwrap();
            let gates = builder.push(format!("{path}.gates"), Op::Repeat { channels }, &[gate]).unwrap();
            return builder.push(path, Op::Mul, &[value, gates]).unwrap();
        }
    };
    builder.push(path, op, &[value]).unwrap()
}

fn graphs() -> impl Strategy<Value = Graph> {
    let input = (1..4_usize, 1..9_usize, 3..14_usize, 3..14_usize);
    let head = any::<bool>();
    (input, prop::collection::vec(moves(), 1..9), head).prop_map(|((batch, channels, height, width), moves, head)| {
        let mut builder = GraphBuilder::new("random", Shape::new(batch, channels, height, width));
        let mut value = builder.input();
        for (index, next) in moves.into_iter().enumerate() {
            value = push(&mut builder, &format!("layer{index}"), value, next);
        }
        if head {
            let flat = builder.push("flatten", Op::Flatten, &[value]).unwrap();
            let in_features = builder.shape(flat).channels;
            builder.push("fc", Op::Linear { in_features, out_features: 5, bias: true }, &[flat]).unwrap();
        }
        builder.finish()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn candle_equals_the_reference_on_random_graphs(graph in graphs(), seed in any::<u64>()) {
        let weights = Weights::seeded(&graph, seed);
        let input = seeded_input(graph.input_shape(), seed);
        let expected = reference::run(&graph, &weights, &input).unwrap();
        let (gap, magnitude) = difference(&run(Runtime::Candle, &graph, &weights, &input), &expected);
        prop_assert!(gap <= TOLERANCE * magnitude.max(1.0), "{gap:e} of {magnitude}");
    }
}

#[test]
fn every_kind_of_layer_occurs_in_the_random_graphs() {
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..200 {
        let graph = graphs().new_tree(&mut runner).unwrap().current();
        seen.extend(
            graph.layers().map(|(_, node)| format!("{:?}", node.op).split([' ', '(']).next().unwrap().to_owned()),
        );
    }
    let all = [
        "Activation",
        "Add",
        "Affine",
        "AvgPool",
        "AvgPoolCounted",
        "BatchNorm",
        "ChannelShuffle",
        "Concat",
        "Conv2d",
        "Flatten",
        "GlobalAvgPool",
        "GlobalMaxPool",
        "LayerNorm",
        "Linear",
        "LocalNorm",
        "MaxPool",
        "Mul",
        "PRelu",
        "Repeat",
        "Scale",
        "Shift",
        "Slice",
    ];
    assert_eq!(seen.iter().map(String::as_str).collect::<Vec<_>>(), all);
}
