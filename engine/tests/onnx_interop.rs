//! Exported models give in ONNX Runtime and PyTorch what they give here; `interop/check_exports.py` compares.
//!
//! Runs where Python has onnx and onnxruntime (`SHUFFLESCOPE_PYTHON`, otherwise `python3`) and says when it is skipped.
//! Four networks and one graph of every operation by default; `SHUFFLESCOPE_INTEROP=all` takes the
//! whole zoo (minutes), any other value the networks whose names contain it.

#![allow(clippy::unwrap_used, clippy::print_stdout)] // Helpers of tests panic and print like tests.

use std::path::{Path, PathBuf};
use std::process::Command;

use candle_core::Tensor;
use shufflescope_engine::clock::MonotonicClock;
use shufflescope_engine::design::Batch;
use shufflescope_engine::device::Device;
use shufflescope_engine::graph::{Activation, Conv2d, Graph, GraphBuilder, LocalNorm, Op, Shape, Window, lower};
use shufflescope_engine::model_file::onnx::{BatchNorm, write_onnx};
use shufflescope_engine::model_file::pytorch::write_pytorch;
use shufflescope_engine::runtime::candle::CandleExecutable;
use shufflescope_engine::runtime::{Executable, reference};
use shufflescope_engine::weights::{WeightTensor, Weights, save_safetensors, seeded_input};
use shufflescope_engine::zoo;

const SEED: u64 = 4;

fn python() -> Option<PathBuf> {
    let python = std::env::var_os("SHUFFLESCOPE_PYTHON").map_or_else(|| "python3".into(), PathBuf::from);
    let found = Command::new(&python).args(["-c", "import numpy, onnx, onnxruntime"]).output();
    found.is_ok_and(|output| output.status.success()).then_some(python)
}

/// What a graph gives for its input.
type Run = fn(&Graph, &Weights, &[f32]) -> Vec<f32>;

fn by_candle(graph: &Graph, weights: &Weights, input: &[f32]) -> Vec<f32> {
    let shape: [usize; 4] = graph.input_shape().into();
    let mut executable = CandleExecutable::prepare(graph, weights, &Device::cpu()).unwrap();
    executable.set_input(&Tensor::from_slice(input, &shape, &candle_core::Device::Cpu).unwrap()).unwrap();
    executable.infer(&MonotonicClock::new()).unwrap()
}

fn by_reference(graph: &Graph, weights: &Weights, input: &[f32]) -> Vec<f32> {
    reference::run(graph, weights, input).unwrap()
}

/// A seeded input and what the graph gives for it.
fn case(graph: &Graph, weights: &Weights, run: Run) -> Weights {
    let (input, output) = (graph.input_shape(), graph.node(graph.output()).output);
    let values = seeded_input(input, SEED);
    let logits = run(graph, weights, &values);
    let logits = WeightTensor { shape: vec![output.batch, output.channels], values: logits };
    let input = WeightTensor { shape: <[usize; 4]>::from(input).into(), values };
    [("input".to_owned(), input), ("logits".to_owned(), logits)].into_iter().collect()
}

/// Seeded weights, the classifier's scaled down where logits would be larger than ten: without training, a deep chain
/// of additions makes them hundreds, of which 1e-4 is less than a rounding of 32-bit arithmetic.
fn with_small_logits(graph: &Graph, run: Run) -> Weights {
    let mut weights = Weights::seeded(graph, SEED);
    let logits = run(graph, &weights, &seeded_input(graph.input_shape(), SEED));
    let largest = logits.iter().fold(0.0, |most: f32, value| most.max(value.abs()));
    let classifier = &graph.node(graph.output()).path;
    for name in ["weight", "bias"].map(|of| format!("{classifier}.{of}")) {
        if let Some(mut tensor) = weights.get(&name).filter(|_| largest > 10.0).cloned() {
            tensor.values.iter_mut().for_each(|value| *value *= 5.0 / largest);
            weights.insert(name, tensor);
        }
    }
    weights
}

fn write(folder: &Path, run: Run, graph: impl Fn(u32) -> Graph) {
    std::fs::create_dir_all(folder).unwrap();
    let weights = with_small_logits(&graph(1), run);
    write_onnx(&graph(1), &weights, BatchNorm::Keep, &folder.join("model.onnx")).unwrap();
    write_onnx(&graph(1), &weights, BatchNorm::Fold, &folder.join("folded.onnx")).unwrap();
    write_pytorch(&graph(1), &folder.join("network.py")).unwrap();
    save_safetensors(&weights, &folder.join("weights.safetensors")).unwrap();
    for batch in [1, 3] {
        let case = case(&graph(batch), &weights, run);
        save_safetensors(&case, &folder.join(format!("batch{batch}.safetensors"))).unwrap();
    }
}

/// Every operation, with the attributes that networks of the zoo leave at their usual values.
fn every_operation(batch: u32) -> Graph {
    let mut graph = GraphBuilder::new("every-operation", Shape::new(batch as usize, 3, 23, 19));
    let conv = |in_channels, out_channels, window, groups, bias| {
        Op::Conv2d(Conv2d { in_channels, out_channels, window, groups, bias })
    };
    let uneven = Window { kernel: [3, 2], stride: [2, 1], padding: [1, 0], padding_end: [1, 0], dilation: [1, 2] };
    let mut push = |path: &str, op, inputs: &[_]| graph.push(path, op, inputs).unwrap();
    let input = shufflescope_engine::graph::NodeId(0);
    let stem = push("stem.0", conv(3, 12, uneven, 1, true), &[input]);
    let norm = push("stem.1", Op::BatchNorm { channels: 12, eps: 1e-3 }, &[stem]);
    let swish = push("stem.2", Op::Activation(Activation::HardSwish), &[norm]);
    let beside = Window { padding: [0, 2], padding_end: [2, 0], ..Window::square(3, 1) };
    let grouped = push("grouped", conv(12, 12, beside, 3, true), &[swish]);
    let alone = push("alone", Op::BatchNorm { channels: 12, eps: 1e-5 }, &[swish]);
    let sum = push("sum", Op::Add, &[grouped, alone]);
    let shuffle = push("shuffle", Op::ChannelShuffle { groups: 3 }, &[sum]);
    let left = push("left", Op::Slice { start: 0, channels: 5 }, &[shuffle]);
    let right = push("right", Op::Slice { start: 5, channels: 7 }, &[shuffle]);
    let six = push("six", Op::Activation(Activation::Relu6), &[right]);
    let most =
        push("most", Op::MaxPool(Window { padding: [2, 0], padding_end: [0, 2], ..Window::square(3, 1) }), &[left]);
    let mean =
        push("mean", Op::AvgPool(Window { padding: [0, 1], padding_end: [2, 1], ..Window::square(3, 1) }), &[six]);
    let joined = push("joined", Op::Concat, &[most, mean]);
    let gate = push("gate.pool", Op::GlobalAvgPool, &[joined]);
    let gate = push("gate.fc", conv(12, 12, Window::square(1, 1), 1, true), &[gate]);
    let gate = push("gate.sigmoid", Op::Activation(Activation::Sigmoid), &[gate]);
    let scaled = push("scaled", Op::Scale, &[joined, gate]);
    let none = push("none", Op::Activation(Activation::None), &[scaled]);
    let pooled = push("pooled", Op::AvgPool(Window::padded([2, 3], 2, [0, 1])), &[none]);
    let shape = Shape::new(0, 12, 6, 9);
    let flat = push("flat", Op::Flatten, &[pooled]);
    let hidden = push("hidden", Op::Linear { in_features: 12 * shape.pixels(), out_features: 8, bias: true }, &[flat]);
    let relu = push("relu", Op::Activation(Activation::Relu), &[hidden]);
    let again = push("again", conv(8, 8, Window::square(1, 1), 1, false), &[relu]);
    let both = push("both", Op::Concat, &[again, relu]);
    push("out", Op::Linear { in_features: 16, out_features: 5, bias: false }, &[both]);
    graph.finish()
}

/// What only networks from elsewhere have.
fn every_other_operation(batch: u32) -> Graph {
    let mut graph = GraphBuilder::new("every-other-operation", Shape::new(batch as usize, 6, 15, 12));
    let mut value = graph.input();
    for (index, activation) in Activation::EXAMPLES.into_iter().enumerate() {
        // What an activation makes is of the size that the next one bends at.
        let scale = Op::Affine { channels: 6, shift: index % 2 == 0 };
        value = graph.push(format!("scale.{index}"), scale, &[value]).unwrap();
        value = graph.push(format!("active.{index}"), Op::Activation(activation), &[value]).unwrap();
        value = graph.push(format!("norm.{index}"), Op::LayerNorm { channels: 6, eps: 1e-3 }, &[value]).unwrap();
    }
    let local = |size| Op::LocalNorm(LocalNorm { size, alpha: 0.5.into(), beta: 0.75.into(), offset: 2.0.into() });
    let mut push = |path: &str, op, inputs: &[_]| graph.push(path, op, inputs).unwrap();
    let slopes = push("slopes", Op::PRelu { channels: 6 }, &[value]);
    let slope = push("slope", Op::PRelu { channels: 1 }, &[slopes]);
    let odd = push("odd", local(5), &[slope]);
    // ONNX Runtime has no even sizes.
    let few = push("few", local(3), &[odd]);
    let inside = push("inside", Op::average_pool(Window::square(3, 1), [15, 12], false, false), &[few]);
    let rounded = push("rounded", Op::average_pool(Window::square(3, 2), [15, 12], true, true), &[inside]);
    let uneven = Window { padding: [0, 1], padding_end: [2, 0], ..Window::square(3, 1) };
    let uneven = Op::AvgPoolCounted { window: uneven, counted: [[0, 1], [1, 0]] };
    let mean = push("mean", uneven, &[rounded]);
    let most = push("most", Op::GlobalMaxPool, &[mean]);
    let shifted = push("shifted", Op::Shift, &[mean, most]);
    let first = push("first", Op::Slice { start: 2, channels: 1 }, &[shifted]);
    let gate = push("gate", Op::Activation(Activation::HARD_SIGMOID), &[first]);
    let gates = push("gates", Op::Repeat { channels: 6 }, &[gate]);
    let gated = push("gated", Op::Mul, &[shifted, gates]);
    let pooled = push("pooled", Op::GlobalAvgPool, &[gated]);
    let flat = push("flat", Op::Flatten, &[pooled]);
    push("out", Op::Linear { in_features: 6, out_features: 5, bias: true }, &[flat]);
    graph.finish()
}

#[test]
fn exported_models_agree_with_onnx_runtime_and_pytorch() {
    let Some(python) = python() else {
        println!("SKIPPED: no Python with numpy, onnx and onnxruntime (set SHUFFLESCOPE_PYTHON to one that has them)");
        return;
    };
    let asked = std::env::var("SHUFFLESCOPE_INTEROP").ok();
    let few = ["shufflenet-v2-x0.5", "shufflenet-v1-g3-x0.5", "mobilenet-v2-x0.4", "igcv2-x0.25"];
    let folder = tempfile::tempdir().unwrap();
    let mut folders = ["every-operation", "every-other-operation"].map(|name| folder.path().join(name)).to_vec();
    // Candle has no uneven strides; the naive reference has.
    write(&folders[0], by_reference, every_operation);
    write(&folders[1], by_reference, every_other_operation);
    let wanted = |name: &str| match asked.as_deref() {
        Some("all") => true,
        Some(part) => name.contains(part),
        None => few.contains(&name),
    };
    for preset in zoo::presets().iter().filter(|preset| wanted(&preset.design.name)) {
        let path = folder.path().join(&preset.design.name);
        write(&path, by_candle, |batch| lower(&preset.design, Batch(batch)).unwrap());
        folders.push(path);
    }
    for network in zoo::networks().iter().filter(|network| wanted(network.name)) {
        let path = folder.path().join(network.name);
        write(&path, by_candle, |batch| network.graph(network.input, Batch(batch)).unwrap());
        folders.push(path);
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop/check_exports.py");
    let output = Command::new(python).arg(script).args(&folders).output().unwrap();
    let (said, complained) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    println!("{said}");
    assert!(output.status.success(), "{said}\n{complained}");
}
