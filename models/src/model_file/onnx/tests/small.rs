//! Models of hardly a node, as operator tests have them: each value is known beforehand.

use super::writer::{Model, float, gap, int, ints, made_up};
use crate::model_file::onnx::Imported;
use crate::runtime::reference;

/// What a model of `[1, 3, 8, 8]` makes of a made-up picture, and the picture.
fn run(model: Model) -> (Vec<f32>, Vec<f32>) {
    let imported = Imported::from_bytes(&model.bytes(&[]), "m.onnx").unwrap_or_else(|error| panic!("{error}"));
    let graph = imported.graph_for(1, [8, 8]).unwrap();
    let picture = made_up("picture", 192);
    (reference::run(&graph, imported.weights(), &picture).unwrap(), picture)
}

#[test]
fn a_model_without_a_layer_gives_its_picture() {
    let flat = |axis| Model::new().node("Flatten", &["x"], "y", vec![int("axis", axis)]);
    let unsqueezed = Model::new().node("Unsqueeze", &["x"], "y", vec![ints("axes", &[-2])]);
    let squeezed = Model::new().node("Squeeze", &["x"], "y", vec![ints("axes", &[0])]);
    let same = Model::new().node("Identity", &["x"], "y", vec![]);
    for model in [flat(0), flat(1), flat(2), flat(-1), unsqueezed, squeezed, same] {
        let (found, picture) = run(model);
        assert_eq!(found, picture);
    }
    // Its probabilities are something else.
    for op in ["Softmax", "LogSoftmax"] {
        let said = Model::new().node(op, &["x"], "y", vec![int("axis", 3)]).refusal();
        assert!(said.contains(&format!("{op} (`y`): in the middle of the network or of a picture")), "{said}");
    }
}

#[test]
fn rows_and_columns_are_reduced_like_all_pixels() {
    let reduced = |op: &str, axes: &[i64], keep: i64| {
        Model::new().node(op, &["x"], "y", vec![ints("axes", axes), int("keepdims", keep)])
    };
    for (axes, keep) in [(&[2][..], 1), (&[2], 0), (&[-1], 1), (&[3], 0), (&[2, 3], 0), (&[-1, -2], 1)] {
        let along = |axis: i64| axes.iter().any(|&one| one == axis || one + 4 == axis);
        let (rows, columns) = (if along(2) { 8 } else { 1 }, if along(3) { 8 } else { 1 });
        let expected = |of: &dyn Fn(&[f32]) -> f32, picture: &[f32]| -> Vec<f32> {
            let groups = (0..3).flat_map(|c| (0..8 / rows).flat_map(move |y| (0..8 / columns).map(move |x| (c, y, x))));
            let values = groups.map(|(c, y, x)| {
                let inside = (0..rows).flat_map(|dy| (0..columns).map(move |dx| (dy, dx)));
                let inside: Vec<f32> = inside.map(|(dy, dx)| picture[c * 64 + (y + dy) * 8 + x + dx]).collect();
                of(&inside)
            });
            values.collect()
        };
        let sum = |values: &[f32]| values.iter().sum::<f32>();
        let mean = |values: &[f32]| values.iter().sum::<f32>() / values.len() as f32;
        let most = |values: &[f32]| values.iter().copied().fold(f32::MIN, f32::max);
        let check = |op: &str, of: &dyn Fn(&[f32]) -> f32| {
            let (found, picture) = run(reduced(op, axes, keep));
            let expected = expected(of, &picture);
            assert!(gap(&found, &expected) < 1e-5, "{op} over {axes:?}: {found:?}, expected {expected:?}");
        };
        check("ReduceSum", &sum);
        check("ReduceMean", &mean);
        check("ReduceMax", &most);
    }
    let said = reduced("ReduceSum", &[1], 1).refusal();
    assert!(said.contains("over the axes [1], not only pixels"), "{said}");
}

#[test]
fn selu_and_celu_are_elu_between_factors() {
    let selu = |x: f32| 1.050_701 * if x > 0.0 { x } else { 1.673_263_2 * x.exp_m1() };
    let celu = |x: f32| if x > 0.0 { x } else { 2.0 * (x / 2.0).exp_m1() };
    let scaled = |x: f32| 3.0 * if x > 0.0 { x } else { 2.0 * x.exp_m1() };
    let check = |op: &str, attributes, of: &dyn Fn(f32) -> f32| {
        let (found, picture) = run(Model::new().node(op, &["x"], "y", attributes));
        let expected: Vec<f32> = picture.into_iter().map(of).collect();
        assert!(gap(&found, &expected) < 1e-5, "{op}");
    };
    check("Selu", vec![], &selu);
    check("Selu", vec![float("alpha", 2.0), float("gamma", 3.0)], &scaled);
    check("Celu", vec![float("alpha", 2.0)], &celu);
}

#[test]
fn a_matrix_of_one_column_may_be_a_vector() {
    let model = Model::new()
        .node("GlobalAveragePool", &["x"], "p", vec![])
        .node("Flatten", &["p"], "f", vec![])
        .values("v", &[3], &[1.0, 2.0, -4.0])
        .node("MatMul", &["f", "v"], "y", vec![]);
    let (found, picture) = run(model);
    let mean = |channel: usize| picture[channel * 64..(channel + 1) * 64].iter().sum::<f32>() / 64.0;
    let expected = mean(0) + 2.0 * mean(1) - 4.0 * mean(2);
    assert!((found[0] - expected).abs() < 1e-5 && found.len() == 1, "{found:?}, expected {expected}");
}

#[test]
fn places_in_any_shape_are_gathered_into_it() {
    let pooled = Model::new().node("GlobalMaxPool", &["x"], "p", vec![]).ints("flat", &[-1]).node(
        "Reshape",
        &["p", "flat"],
        "f",
        vec![],
    );
    // As PyTorch writes a view of a mean: every place of a list, as `[1, c, 1, 1]`.
    let places = |dims: &[i64], values: &[i64]| {
        pooled.clone().ints("places", values).ints("shape", dims).node("Reshape", &["places", "shape"], "at", vec![])
    };
    let viewed = places(&[1, 3, 1, 1], &[0, 1, 2]).node("Gather", &["f", "at"], "g", vec![]).node(
        "Transpose",
        &["g"],
        "t",
        vec![ints("perm", &[0, 2, 3, 1])],
    );
    let dense = viewed.values("w", &[3, 2], &[1.0, 0.0, 0.0, 1.0, 2.0, 0.0]).node("MatMul", &["t", "w"], "y", vec![]);
    let (found, picture) = run(dense);
    let most = |channel: usize| picture[channel * 64..(channel + 1) * 64].iter().copied().fold(f32::MIN, f32::max);
    assert!(gap(&found, &[most(0) + 2.0 * most(2), most(1)]) < 1e-6, "{found:?}");
    // Whole numbers along two axes are no list.
    let said = places(&[2, 2], &[0, 1, 2, 2]).node("Gather", &["f", "at"], "y", vec![]).refusal();
    assert!(said.contains("whole numbers along several axes"), "{said}");
}
