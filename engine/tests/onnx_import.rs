//! ONNX in: our own exports come back as the same network, torchvision's as theirs, and damaged files as errors.

#![allow(clippy::unwrap_used, clippy::print_stdout)] // Helpers of tests panic and print like tests.

use std::path::{Path, PathBuf};
use std::process::Command;

use candle_core::Tensor;
use proptest::prelude::*;
use shufflescope_engine::clock::MonotonicClock;
use shufflescope_engine::cost::model_cost;
use shufflescope_engine::design::{Batch, Design, Edit, InputSize};
use shufflescope_engine::device::Device;
use shufflescope_engine::graph::{Activation, Graph, GraphBuilder, Op, Shape, lower};
use shufflescope_engine::model_file::ModelFileError;
use shufflescope_engine::model_file::onnx::{BatchNorm, Imported, import, to_onnx};
use shufflescope_engine::runtime::Executable;
use shufflescope_engine::runtime::candle::CandleExecutable;
use shufflescope_engine::weights::{WeightTensor, Weights, seeded_input};
use shufflescope_engine::zoo;

fn run(graph: &Graph, weights: &Weights, input: &[f32]) -> Vec<f32> {
    let mut executable = CandleExecutable::prepare(graph, weights, &Device::cpu()).unwrap();
    let shape: [usize; 4] = graph.input_shape().into();
    executable.set_input(&Tensor::from_slice(input, &shape, &candle_core::Device::Cpu).unwrap()).unwrap();
    executable.infer(&MonotonicClock::new()).unwrap()
}

fn difference(found: &[f32], expected: &[f32]) -> f32 {
    assert_eq!(found.len(), expected.len());
    let gaps = found.iter().zip(expected).map(|(a, b)| (a - b).abs());
    gaps.fold(0.0, |most, gap| if gap.is_nan() { f32::INFINITY } else { most.max(gap) })
}

/// A preset for small images, so that the tests are quick.
fn small(name: &str) -> Design {
    zoo::preset(name).unwrap().apply(&Edit::Input(InputSize { height: 64, width: 96 }))
}

#[test]
fn an_exported_network_comes_back_with_its_paths_weights_and_cost() {
    for preset in zoo::presets() {
        let design = small(&preset.design.name);
        let graph = lower(&design, Batch(1)).unwrap();
        if model_cost(&graph).total.params.0 > 10_000_000 {
            continue; // Only size, no other operations.
        }
        let weights = Weights::seeded(&graph, 1);
        let bytes = to_onnx(&graph, &weights, BatchNorm::Keep).unwrap();
        let imported = Imported::from_bytes(&bytes, &format!("{}.onnx", design.name)).unwrap();
        let again = imported.graph_for(2, [64, 96]).unwrap();
        let expected = lower(&design, Batch(2)).unwrap();
        assert_eq!(imported.weights(), &weights, "{}", design.name);
        assert_eq!(again.input_shape(), expected.input_shape());
        let layers = |graph: &Graph| -> Vec<_> {
            graph.nodes().iter().map(|node| (node.path.clone(), node.op, node.output)).collect()
        };
        assert_eq!(layers(&again), layers(&expected), "{}", design.name);
        assert_eq!(model_cost(&again).total.mult_adds, model_cost(&expected).total.mult_adds);
    }
}

#[test]
fn an_exported_fixed_network_comes_back_with_its_paths_weights_and_layers() {
    for network in zoo::networks() {
        let graph = network.graph(network.input, Batch(1)).unwrap();
        if model_cost(&graph).total.params.0 > 6_000_000 && network.name != "googlenet" {
            continue; // Only size, no other operations.
        }
        let weights = Weights::seeded(&graph, 1);
        let bytes = to_onnx(&graph, &weights, BatchNorm::Keep).unwrap();
        let imported = Imported::from_bytes(&bytes, &format!("{}.onnx", network.name)).unwrap();
        let again = imported.graph_for(2, [224, 224]).unwrap();
        let expected = network.graph(network.input, Batch(2)).unwrap();
        assert_eq!(imported.weights(), &weights, "{}", network.name);
        let layers = |graph: &Graph| -> Vec<_> { graph.nodes().iter().map(|node| (node.op, node.output)).collect() };
        assert_eq!(layers(&again), layers(&expected), "{}", network.name);
    }
}

#[test]
fn a_folded_export_computes_the_same_with_fewer_layers() {
    for name in ["shufflenet-v2-x0.5", "shufflenet-v2-x0.5-se", "shufflenet-v1-g3-x0.5", "mobilenet-v2-x0.4"] {
        let graph = lower(&small(name), Batch(2)).unwrap();
        let weights = Weights::seeded(&graph, 1);
        let bytes = to_onnx(&graph, &weights, BatchNorm::Fold).unwrap();
        let imported = Imported::from_bytes(&bytes, "folded.onnx").unwrap();
        let folded = imported.graph_for(2, [64, 96]).unwrap();
        assert!(folded.nodes().iter().all(|node| !matches!(node.op, Op::BatchNorm { .. })), "{name}");
        let input = seeded_input(graph.input_shape(), 1);
        let gap = difference(&run(&folded, imported.weights(), &input), &run(&graph, &weights, &input));
        assert!(gap < 1e-4, "{name}: {gap:e}");
    }
}

fn export(build: impl FnOnce(&mut GraphBuilder)) -> Vec<u8> {
    let mut builder = GraphBuilder::new("net", Shape::new(1, 3, 8, 8));
    build(&mut builder);
    let graph = builder.finish();
    to_onnx(&graph, &Weights::seeded(&graph, 1), BatchNorm::Keep).unwrap()
}

/// Replaces a text in a file by one of the same length.
fn patched(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let mut bytes = bytes.to_vec();
    while let Some(at) = bytes.windows(from.len()).position(|window| window == from) {
        bytes[at..at + to.len()].copy_from_slice(to);
    }
    bytes
}

#[test]
fn every_unsupported_operation_is_listed_by_name() {
    let bytes = export(|graph| {
        let relu = graph.push("one", Op::Activation(Activation::Relu), &[graph.input()]).unwrap();
        let gate = graph.push("two", Op::Activation(Activation::Sigmoid), &[relu]).unwrap();
        let relu = graph.push("three", Op::Activation(Activation::Relu), &[gate]).unwrap();
        graph.push("four", Op::GlobalAvgPool, &[relu]).unwrap();
    });
    let bytes = patched(&patched(&bytes, b"Relu", b"Sinh"), b"Sigmoid", b"NonZero");
    let error = Imported::from_bytes(&bytes, "m.onnx").unwrap_err();
    let ModelFileError::Unsupported { nodes, .. } = &error else { panic!("{error}") };
    let found: Vec<_> = nodes.iter().map(|node| (node.op.as_str(), node.node.as_str(), node.count)).collect();
    assert_eq!(found, [("Sinh", "one", 2), ("NonZero", "two", 1)]);
    assert!(error.to_string().starts_with("m.onnx: ") && error.to_string().contains("NonZero (`two`)"), "{error}");
}

fn whole_network() -> Vec<u8> {
    let mut design = small("shufflenet-v2-x0.5");
    design.stages.truncate(1);
    design.stages[0].repeats = 2;
    design.classes = 3;
    design.head.conv = Some(8);
    let graph = lower(&design, Batch(1)).unwrap();
    to_onnx(&graph, &Weights::seeded(&graph, 1), BatchNorm::Keep).unwrap()
}

#[test]
fn truncated_files_are_errors_that_name_the_file() {
    let bytes = whole_network();
    assert!(Imported::from_bytes(&bytes, "m.onnx").is_ok());
    for length in (0..bytes.len()).step_by(37) {
        let error = Imported::from_bytes(&bytes[..length], "m.onnx").unwrap_err().to_string();
        assert!(error.starts_with("m.onnx: "), "{error}");
    }
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(import(folder.path()), Err(ModelFileError::Io { .. })));
    let huge = folder.path().join("huge.onnx");
    std::fs::File::create(&huge).unwrap().set_len(1 << 40).unwrap();
    assert!(import(&huge).unwrap_err().to_string().contains("too large"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Whatever the damage, the answer is a network or an error; it takes no more memory than the file is worth.
    #[test]
    fn damaged_files_never_panic(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)) {
        let mut bytes = NETWORK.clone();
        for (index, value) in changes {
            let at = index.index(bytes.len());
            bytes[at] = value;
        }
        if let Ok(imported) = Imported::from_bytes(&bytes, "m.onnx") {
            let _ = imported.graph_for(3, [64, 96]);
            let _ = imported.graph_for(usize::MAX, [usize::MAX, 1]);
        }
    }
}

static NETWORK: std::sync::LazyLock<Vec<u8>> = std::sync::LazyLock::new(whole_network);

/// Where Python has torch and torchvision; says so where it does not.
fn torchvision_models() -> Option<(tempfile::TempDir, Vec<PathBuf>)> {
    let python = std::env::var_os("SHUFFLESCOPE_PYTHON").map_or_else(|| "python3".into(), PathBuf::from);
    let found = Command::new(&python).args(["-c", "import torch, torchvision, onnx"]).output();
    if !found.is_ok_and(|output| output.status.success()) {
        println!("SKIPPED: no Python with torch, torchvision and onnx (set SHUFFLESCOPE_PYTHON to one that has them)");
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop/make_torchvision_models.py");
    let output = Command::new(python).arg(script).arg(folder.path()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let files = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path());
    let mut models: Vec<PathBuf> = files.filter(|path| path.extension().is_some_and(|end| end == "onnx")).collect();
    models.sort();
    Some((folder, models))
}

#[test]
fn torchvisions_exports_compute_here_what_they_compute_there() {
    let Some((_folder, models)) = torchvision_models() else { return };
    for path in models {
        let name = path.file_stem().unwrap().to_str().unwrap();
        let imported = import(&path).unwrap();
        let graph = imported.graph_for(3, [224, 224]).unwrap();
        let case = safetensors(&path.with_file_name(format!("{}.safetensors", name.trim_end_matches("_kept"))));
        let (input, logits) = (case.get("input").unwrap(), case.get("logits").unwrap());
        let gap = difference(&run(&graph, imported.weights(), &input.values), &logits.values);
        let total = model_cost(&graph).total;
        println!("{name}: {gap:.1e}, {} layers, {} params", graph.layers().len(), total.params.0);
        let magnitude = logits.values.iter().fold(0.0, |most: f32, value| most.max(value.abs()));
        assert!(gap < 1e-4 * magnitude.min(1.0), "{name}: {gap:e} of {magnitude}");
        let ours = [("shufflenet_v2_x1_0_kept", "shufflenet-v2-x1.0"), ("mobilenet_v2_kept", "mobilenet-v2-x1.0")];
        if let Some((_, preset)) = ours.iter().find(|(theirs, _)| *theirs == name) {
            let expected = lower(&zoo::preset(preset).unwrap(), Batch(3)).unwrap();
            imported.weights().check(&expected).unwrap();
            assert_eq!(total.mult_adds, model_cost(&expected).total.mult_adds);
        }
    }
}

/// Reads `input` and `logits`; the engine only reads weights that fit a graph.
fn safetensors(path: &Path) -> Weights {
    let bytes = std::fs::read(path).unwrap();
    let tensors = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let tensor = |(name, view): (String, safetensors::tensor::TensorView<'_>)| {
        let values = view.data().chunks_exact(4).map(|word| f32::from_le_bytes(word.try_into().unwrap())).collect();
        (name, WeightTensor { shape: view.shape().into(), values })
    };
    tensors.tensors().into_iter().map(tensor).collect()
}
