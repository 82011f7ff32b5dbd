//! Refusals tell everything at once.

use super::writer::{Model, ints};
use crate::model_file::ModelFileError;
use crate::model_file::onnx::Imported;

#[test]
fn every_kind_is_told_once_with_how_often_and_where_first() {
    let mut model = Model::new();
    let mut last = "x".to_owned();
    for index in 0..30 {
        model = model.node("Sinh", &[&last], &format!("s{index}"), vec![]);
        last = format!("s{index}");
    }
    let model = model
        .floats("w", &[3, 4, 3, 3])
        .node("ConvTranspose", &[&last, "w"], "up", vec![])
        .node("Relu", &["up"], "r", vec![])
        .node("MatMul", &["r", "r"], "m", vec![])
        .node("GRU", &["m"], "y", vec![]);
    let error = Imported::from_bytes(&model.bytes(&[]), "m.onnx").unwrap_err();
    let ModelFileError::Unsupported { nodes, .. } = &error else { panic!("{error}") };
    let found: Vec<_> = nodes.iter().map(|node| (node.op.as_str(), node.node.as_str(), node.count)).collect();
    assert_eq!(found, [("Sinh", "s0", 30), ("ConvTranspose", "up", 1), ("GRU", "y", 1)]);
    let said = error.to_string();
    assert!(said.contains("\n  Sinh (30 times, first `s0`)\n  ConvTranspose (`up`)"), "{said}");
}

#[test]
fn a_softmax_in_the_middle_is_refused_where_it_is_first() {
    let mut model = Model::new();
    let mut last = "x".to_owned();
    for (index, perm) in [[1, 0, 2, 3], [2, 1, 0, 3]].into_iter().enumerate() {
        let (turned, output) = (format!("t{index}"), format!("r{index}"));
        model = model.node("Transpose", &[&last], &turned, vec![ints("perm", &perm)]).node(
            "Softmax",
            &[&turned],
            &output,
            vec![],
        );
        last = output;
    }
    let said = model.node("Relu", &[&last], "y", vec![]).refusal();
    assert!(said.contains("Softmax (`r0`): in the middle of the network"), "{said}");
}

#[test]
fn quantised_models_and_other_files_are_called_what_they_are() {
    let quantised =
        Model::new().node("QuantizeLinear", &["x"], "q", vec![]).node("DequantizeLinear", &["q"], "y", vec![]);
    let said = quantised.refusal();
    assert!(
        said.contains("QuantizeLinear (`q`)")
            && said.ends_with("it is a quantised model: take the one in 32-bit floats that it was made from"),
        "{said}"
    );
    let said = Imported::from_bytes(b"version https://git-lfs.github.com/spec/v1\n", "m.onnx").unwrap_err().to_string();
    assert!(said.starts_with("m.onnx: ") && said.contains("Git LFS"), "{said}");
}

#[test]
fn a_model_without_its_weights_is_told_so() {
    let mut model = Model::new();
    let names = ["w1", "w2", "w3", "w4"];
    for (index, name) in names.iter().enumerate() {
        let before = if index == 0 { "x".to_owned() } else { format!("c{}", index - 1) };
        model = model.node("Conv", &[&before, name], &format!("c{index}"), vec![]);
    }
    model.graph.input =
        names.map(|name| crate::model_file::onnx::proto::ValueInfo { name: name.into(), ..Default::default() }).into();
    let said = model.refusal();
    assert!(said.contains("its weights are not in it") && said.contains("`w1`, `w2`, `w3`, ..."), "{said}");
}
