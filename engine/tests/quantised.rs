//! Networks in 8 bits that PyTorch and ONNX Runtime have quantised, held against what these compute of them.
//!
//! `engine/tests/interop/quantised.py --fixtures` made the files: a small network of torchvision's form with random weights,
//! quantised by PyTorch, and the same design quantised by ONNX Runtime in its formats.

#![allow(clippy::unwrap_used)] // Helpers of tests panic like tests.

#[path = "support/ends_at.rs"]
mod ends_at;

use std::path::{Path, PathBuf};

use serde_json::Value;
use shufflescope_engine::design::{Batch, Design};
use shufflescope_engine::graph::{Graph, Op, lower};
use shufflescope_engine::model::{Model, ModelFile};
use shufflescope_engine::runtime::Fusing;
use shufflescope_engine::runtime::cpu::Network;
use shufflescope_engine::weights::{Quantisation, Weights, WeightsFile, load, save_safetensors};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

fn expected() -> Value {
    serde_json::from_str(&std::fs::read_to_string(fixture("quantised.json")).unwrap()).unwrap()
}

fn numbers(value: &Value) -> Vec<f32> {
    value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap() as f32).collect()
}

/// The picture that all of it was computed of.
fn input() -> Vec<f32> {
    (0..3 * 64 * 64).map(|at| ((at * 7919 % 97) - 48) as f32 / 16.0).collect()
}

fn run(graph: &Graph, weights: &Weights, input: &[f32]) -> Vec<f32> {
    let mut network = Network::in_int8(graph, weights, None, 1, Fusing::Full).unwrap();
    network.infer(input).unwrap()
}

/// The network that ends at a layer.
fn up_to(graph: &Graph, path: &str) -> Graph {
    let last = graph.layers().find(|(_, node)| node.path == path).unwrap().0;
    ends_at::ends_at(graph, last).unwrap()
}

fn design() -> Graph {
    lower(&Design::read(&fixture("quantised.toml")).unwrap(), Batch(1)).unwrap()
}

#[test]
fn every_value_of_a_network_that_pytorch_quantised_is_within_a_step_of_its_own() {
    let (graph, expected) = (design(), expected());
    let weights = load(&fixture("quantised.pth"), &graph).unwrap();
    let input = input();
    let layers = expected["pytorch"].as_object().unwrap();
    assert!(layers.len() > 20, "{}", layers.len());
    let (mut apart, mut all) = (0, 0);
    for (path, theirs) in layers {
        let (scale, zero) = (theirs["scale"].as_f64().unwrap() as f32, theirs["zero_point"].as_f64().unwrap() as f32);
        let values = run(&up_to(&graph, path), &weights, &input);
        let bytes = values.iter().step_by(7).map(|value| (value / scale).round() + zero);
        for (at, (ours, theirs)) in bytes.zip(numbers(&theirs["bytes"])).enumerate() {
            assert!((ours - theirs).abs() <= 1.0, "{path}, every seventh value's {at}: {ours}, PyTorch has {theirs}");
            apart += usize::from(ours != theirs);
            all += 1;
        }
    }
    assert!(apart * 100 <= all, "{apart} of {all} bytes are a step apart");
}

#[test]
fn a_quantised_state_dict_is_weights_of_the_network_in_floats_and_stays_so_in_our_own_format() {
    let graph = design();
    let mut file = WeightsFile::open(&fixture("quantised.pth")).unwrap();
    assert_eq!(file.compare(&graph), Ok(()));
    let (fitting, all) = file.matching(&graph);
    assert_eq!(fitting, all);
    let weights = file.load(&graph).unwrap();
    let known = Quantisation::of(&graph, &weights).unwrap();
    assert_eq!(known.outputs[0].unwrap().scale, weights.get("input.output_scale").unwrap().values[0]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kept.safetensors");
    save_safetensors(&weights, &path).unwrap();
    let kept = load(&path, &graph).unwrap();
    assert_eq!(kept, weights);
    let input = input();
    assert_eq!(run(&graph, &kept, &input), run(&graph, &weights, &input));
    // In floats it is near.
    let mut floats = Network::new(&graph, &weights, None, 1).unwrap();
    floats.set_input(&input);
    floats.run().unwrap();
    let mut logits = [f32::NAN; 5];
    floats.output(&mut logits);
    near("floats", &logits, &run(&graph, &weights, &input), 0.2);
}

/// Whether logits are within a part of the greatest.
fn near(what: &str, ours: &[f32], theirs: &[f32], part: f32) {
    let greatest = theirs.iter().fold(0.0_f32, |most, value| most.max(value.abs()));
    let gap = ours.iter().zip(theirs).fold(0.0_f32, |most, (a, b)| most.max((a - b).abs()));
    assert!(ours.len() == theirs.len() && gap <= part * greatest, "{what}: {ours:?}, expected {theirs:?}");
}

#[test]
fn what_onnx_runtime_quantised_in_any_of_its_forms_has_its_logits() {
    let expected = expected();
    let input = input();
    for form in ["qdq", "qdq-s8", "qoperator-tensor"] {
        let file = ModelFile::open(&fixture(&format!("quantised.{form}.onnx"))).unwrap();
        let model = Model::from(file);
        let graph = model.graph(Batch(1)).unwrap();
        let weights = model.weights(&graph, None).unwrap();
        let known = Quantisation::of(&graph, &weights).unwrap();
        let weighed = known.weights.iter().flatten().count();
        assert_eq!(
            weighed,
            graph.layers().filter(|(_, node)| matches!(node.op, Op::Conv2d(_) | Op::Linear { .. })).count(),
            "{form}"
        );
        near(form, &run(&graph, &weights, &input), &numbers(&expected[form]), 0.03);
    }
}
