//! One network in two forms: the odd one computes what the plain one does.

use super::writer::{Model, float, gap, int, ints, logits, text};
use crate::cost::total_cost;
use crate::graph::{Activation, GraphBuilder, LocalNorm, Op, Shape, Window};
use crate::model_file::onnx::{BatchNorm, Imported, proto, to_onnx};
use crate::weights::Weights;

/// A convolution of eight channels, from `x` to `c`.
fn start() -> Model {
    Model::new().floats("conv.weight", &[8, 3, 3, 3]).floats("conv.bias", &[8]).node(
        "Conv",
        &["x", "conv.weight", "conv.bias"],
        "c",
        vec![ints("pads", &[1, 1, 1, 1])],
    )
}

/// What is in `from`, pooled and classified.
fn finished(model: Model, from: &str) -> Model {
    model
        .node("GlobalAveragePool", &[from], "p", vec![])
        .node("Flatten", &["p"], "v", vec![])
        .floats("fc.weight", &[5, 8])
        .floats("fc.bias", &[5])
        .node("Gemm", &["v", "fc.weight", "fc.bias"], "y", vec![int("transB", 1)])
}

/// Has the odd form compute the same as the plain one.
fn same(name: &str, odd: Model, plain: Model) -> Imported {
    let [odd, plain] = [odd, plain].map(|model| {
        Imported::from_bytes(&model.bytes(&[]), "m.onnx").unwrap_or_else(|error| panic!("{name}: {error}"))
    });
    let (found, expected) = (logits(&odd), logits(&plain));
    assert!(gap(&found, &expected) < 1e-5, "{name}: {found:?}, expected {expected:?}");
    odd
}

fn ops(imported: &Imported) -> Vec<String> {
    let shape = imported.input_shape();
    let graph = imported.graph_for(1, [shape.height, shape.width]).unwrap();
    graph.layers().map(|(_, node)| node.op.to_string()).collect()
}

#[test]
fn activations_in_pieces_are_activations() {
    let plain = |op: &str, attributes| finished(start().node(op, &["c"], "f", attributes), "f");
    let of = |value: f32, name: &str, model: Model| model.values(name, &[], &[value]);
    let silu = start().node("Sigmoid", &["c"], "s", vec![]).node("Mul", &["s", "c"], "f", vec![]);
    let found = same("silu", finished(silu, "f"), plain("Swish", vec![]));
    assert!(ops(&found).contains(&"silu".to_owned()), "{:?}", ops(&found));

    let hard = |last: fn(Model) -> Model| {
        let model = of(3.0, "three", of(0.0, "zero", of(6.0, "six", start())));
        finished(
            last(model.node("Add", &["c", "three"], "a", vec![]).node("Clip", &["a", "zero", "six"], "b", vec![])),
            "f",
        )
    };
    let forms: [fn(Model) -> Model; 3] = [
        |model| model.node("Mul", &["c", "b"], "m", vec![]).node("Div", &["m", "six"], "f", vec![]),
        |model| model.node("Div", &["b", "six"], "m", vec![]).node("Mul", &["m", "c"], "f", vec![]),
        |model| {
            model.values("sixth", &[1], &[1.0 / 6.0]).node("Mul", &["c", "sixth"], "m", vec![]).node(
                "Mul",
                &["m", "b"],
                "f",
                vec![],
            )
        },
    ];
    for form in forms {
        let found = same("hard-swish", hard(form), plain("HardSwish", vec![]));
        assert!(ops(&found).contains(&"hard-swish".to_owned()), "{:?}", ops(&found));
    }
    let sigmoid = hard(|model| model.node("Div", &["b", "six"], "f", vec![]));
    same("hard-sigmoid", sigmoid, plain("HardSigmoid", vec![float("alpha", 1.0 / 6.0)]));
    let gelu = of(std::f32::consts::SQRT_2, "root", of(1.0, "one", of(0.5, "half", start())))
        .node("Div", &["c", "root"], "d", vec![])
        .node("Erf", &["d"], "e", vec![])
        .node("Add", &["e", "one"], "g", vec![])
        .node("Mul", &["c", "g"], "h", vec![])
        .node("Mul", &["h", "half"], "f", vec![]);
    let found = same("gelu", finished(gelu, "f"), plain("Gelu", vec![]));
    assert_eq!(ops(&found).iter().filter(|op| *op == "gelu").count(), 1, "{:?}", ops(&found));
    let mish = start().node("Softplus", &["c"], "s", vec![]).node("Tanh", &["s"], "t", vec![]).node(
        "Mul",
        &["c", "t"],
        "f",
        vec![],
    );
    same("mish", finished(mish, "f"), plain("Mish", vec![]));
    let leaky =
        of(0.1, "tenth", start()).node("Mul", &["c", "tenth"], "m", vec![]).node("Max", &["c", "m"], "f", vec![]);
    same("leaky", finished(leaky, "f"), plain("LeakyRelu", vec![float("alpha", 0.1)]));
    let bounded = of(0.0, "zero", start()).node("Max", &["c", "zero"], "f", vec![]);
    same("max with zero", finished(bounded, "f"), plain("Relu", vec![]));
}

#[test]
fn constants_that_are_added_and_multiplied_are_biases_and_affine_steps() {
    let plain = |model: Model, from| finished(model, from);
    let no_bias = Model::new().floats("conv.weight", &[8, 3, 3, 3]).node(
        "Conv",
        &["x", "conv.weight"],
        "b",
        vec![ints("pads", &[1, 1, 1, 1])],
    );
    let bias = no_bias.clone().floats("conv.bias", &[8, 1, 1]).node("Add", &["conv.bias", "b"], "c", vec![]);
    let found = same("bias", finished(bias, "c"), plain(start(), "c"));
    assert_eq!(ops(&found), ops(&finished(start(), "c").import()));
    // A picture's mean and deviation, and a normalisation, as files have them.
    let values = |name: &str, values: &[f32]| (name.to_owned(), values.to_vec());
    let steps = [
        ("Sub", "mean", values("mean", &[0.5, 0.4, 0.3])),
        ("Div", "deviation", values("deviation", &[0.25, 0.5, 2.0])),
    ];
    let mut odd = Model::new();
    let mut last = "x".to_owned();
    for (op, name, (_, values)) in steps {
        odd = odd.values(name, &[1, 3, 1, 1], &values).node(op, &[&last, name], &format!("{op}d"), vec![]);
        last = format!("{op}d");
    }
    let conv = |model: Model, from: &str| {
        model.floats("conv.weight", &[8, 3, 3, 3]).floats("conv.bias", &[8]).node(
            "Conv",
            &[from, "conv.weight", "conv.bias"],
            "c",
            vec![],
        )
    };
    let norm = Model::new()
        .values("n.weight", &[3], &[4.0, 2.0, 0.5])
        .values("n.bias", &[3], &[0.0; 3])
        .values("n.mean", &[3], &[0.5, 0.4, 0.3])
        .values("n.var", &[3], &[1.0 - 1e-5; 3])
        .node("BatchNormalization", &["x", "n.weight", "n.bias", "n.mean", "n.var"], "n", vec![]);
    let found = same("preprocessing", finished(conv(odd, &last), "c"), finished(conv(norm, "n"), "c"));
    assert_eq!(ops(&found)[0], "affine");
    assert_eq!(ops(&found).len(), 4, "{:?}", ops(&found));
}

#[test]
fn a_dense_layer_is_one_however_it_is_written() {
    let vector = || start().node("GlobalAveragePool", &["c"], "p", vec![]).node("Flatten", &["p"], "v", vec![]);
    let gemm = || vector().floats("w", &[8, 5]).floats("b", &[5]).node("Gemm", &["v", "w", "b"], "y", vec![]);
    let product = vector().floats("w", &[8, 5]).floats("b", &[5]).node("MatMul", &["v", "w"], "m", vec![]).node(
        "Add",
        &["m", "b"],
        "y",
        vec![],
    );
    let found = same("product and sum", product, gemm());
    assert_eq!(ops(&found), ops(&gemm().import()));
    let scale = |by: f32, values: Vec<f32>| values.into_iter().map(|value| value * by).collect::<Vec<_>>();
    let scaled = vector()
        .values("w", &[8, 5], &scale(4.0, super::writer::made_up("w", 40)))
        .values("b", &[1, 5], &scale(0.5, super::writer::made_up("b", 5)))
        .node("Gemm", &["v", "w", "b"], "y", vec![float("alpha", 0.25), float("beta", 2.0)]);
    same("alpha and beta", scaled, gemm());
    // TensorFlow flattens pixels before channels.
    let turned = start()
        .node("Transpose", &["c"], "t", vec![ints("perm", &[0, 2, 3, 1])])
        .ints("flat", &[-1, 512])
        .node("Reshape", &["t", "flat"], "v", vec![])
        .floats("w", &[512, 5])
        .node("MatMul", &["v", "w"], "y", vec![]);
    let weight = super::writer::made_up("w", 512 * 5);
    // Row `c * 64 + p` of the plain matrix is row `p * 8 + c` of the other.
    let rows = (0..512).flat_map(|row| weight[(row % 64 * 8 + row / 64) * 5..][..5].to_vec());
    let plain = start().node("Flatten", &["c"], "v", vec![]).values("w", &[512, 5], &rows.collect::<Vec<_>>()).node(
        "MatMul",
        &["v", "w"],
        "y",
        vec![],
    );
    same("pixels before channels", turned, plain);
}

#[test]
fn channels_that_come_last_are_the_same_network() {
    // As ConvNeXt has it: normalised and mixed over the last axis, scaled, and turned back.
    let block = start()
        .node("Transpose", &["c"], "t", vec![ints("perm", &[0, 2, 3, 1])])
        .floats("n.weight", &[8])
        .floats("n.bias", &[8])
        .node("LayerNormalization", &["t", "n.weight", "n.bias"], "n", vec![int("axis", -1)])
        .floats("w1", &[8, 16])
        .floats("b1", &[16])
        .node("MatMul", &["n", "w1"], "m1", vec![])
        .node("Add", &["b1", "m1"], "a1", vec![])
        .node("Gelu", &["a1"], "g", vec![])
        .floats("w2", &[16, 8])
        .node("MatMul", &["g", "w2"], "m2", vec![])
        .node("Transpose", &["m2"], "back", vec![ints("perm", &[0, 3, 1, 2])])
        .floats("scale", &[8, 1, 1])
        .node("Mul", &["scale", "back"], "s", vec![])
        .node("Add", &["s", "c"], "f", vec![]);
    let found = finished(block, "f").import();
    let made = ops(&found);
    assert_eq!(
        made,
        ["conv 3x3", "layer-norm", "conv 1x1", "gelu", "conv 1x1", "affine", "add", "global-avg-pool", "linear"]
    );
    // The same layer normalisation in pieces.
    let pieces = |last: &str| {
        start()
            .node("Transpose", &["c"], "t", vec![ints("perm", &[0, 2, 3, 1])])
            .node("ReduceMean", &["t"], "mean", vec![ints("axes", &[-1])])
            .node("Sub", &["t", "mean"], "d", vec![])
            .values("two", &[], &[2.0])
            .node("Pow", &["d", "two"], "q", vec![])
            .node("ReduceMean", &["q"], "var", vec![ints("axes", &[-1])])
            .values("eps", &[], &[1e-5])
            .node("Add", &["var", "eps"], "e", vec![])
            .node("Sqrt", &["e"], "r", vec![])
            .node("Div", &["d", "r"], "z", vec![])
            .floats("n.weight", &[8])
            .floats("n.bias", &[8])
            .node("Mul", &["z", "n.weight"], "k", vec![])
            .node("Add", &["k", "n.bias"], "n", vec![])
            .node("Transpose", &["n"], last, vec![ints("perm", &[0, 3, 1, 2])])
    };
    let whole = start()
        .node("Transpose", &["c"], "t", vec![ints("perm", &[0, 2, 3, 1])])
        .floats("n.weight", &[8])
        .floats("n.bias", &[8])
        .node("LayerNormalization", &["t", "n.weight", "n.bias"], "n", vec![])
        .node("Transpose", &["n"], "f", vec![ints("perm", &[0, 3, 1, 2])]);
    let found = same("layer normalisation", finished(pieces("f"), "f"), finished(whole, "f"));
    assert_eq!(ops(&found), ["conv 3x3", "layer-norm", "global-avg-pool", "linear"]);
}

#[test]
fn pooling_over_all_pixels_has_many_forms() {
    let dense = |model: Model, from: &str| {
        model.floats("fc.weight", &[5, 8]).node("Gemm", &[from, "fc.weight"], "y", vec![int("transB", 1)])
    };
    let plain =
        || dense(start().node("GlobalAveragePool", &["c"], "p", vec![]).node("Flatten", &["p"], "v", vec![]), "v");
    let axes = |axes: &[i64]| vec![ints("axes", axes), int("keepdims", 0)];
    for (name, odd) in [
        ("mean", start().node("ReduceMean", &["c"], "v", axes(&[-1, 2]))),
        ("means", start().node("ReduceMean", &["c"], "q", axes(&[3])).node("ReduceMean", &["q"], "v", axes(&[2]))),
        (
            "window",
            start().node("AveragePool", &["c"], "p", vec![ints("kernel_shape", &[8, 8])]).node(
                "Squeeze",
                &["p"],
                "v",
                vec![ints("axes", &[-1, -2])],
            ),
        ),
        (
            "flattened",
            start().ints("flat", &[0, 8, -1]).node("Reshape", &["c", "flat"], "r", vec![]).node(
                "ReduceMean",
                &["r"],
                "v",
                axes(&[2]),
            ),
        ),
        (
            "computed shape",
            start()
                .node("GlobalAveragePool", &["c"], "p", vec![])
                .node("Shape", &["p"], "s", vec![])
                .ints("zero", &[0])
                .node("Gather", &["s", "zero"], "n", vec![])
                .ints("rest", &[-1])
                .node("Concat", &["n", "rest"], "to", vec![int("axis", 0)])
                .node("Reshape", &["p", "to"], "v", vec![]),
        ),
    ] {
        let found = same(name, dense(odd, "v"), plain());
        assert_eq!(ops(&found), ["conv 3x3", "global-avg-pool", "linear"], "{name}");
    }
    let most =
        dense(start().node("GlobalMaxPool", &["c"], "p", vec![]).node("Flatten", &["p"], "v", vec![]), "v").import();
    assert_eq!(ops(&most)[1], "global-max-pool");
}

#[test]
fn padding_belongs_to_the_window_behind_it() {
    let conv = |model: Model, from: &str, pads: Option<&[i64]>| {
        let attributes = pads.map(|pads| vec![ints("pads", pads)]).unwrap_or_default();
        model.floats("d.weight", &[8, 8, 3, 3]).node("Conv", &[from, "d.weight"], "f", attributes)
    };
    let plain = || finished(conv(start(), "c", Some(&[0, 1, 2, 1])), "f");
    let pads = |model: Model, pads: &[i64]| model.ints("pads", pads).node("Pad", &["c", "pads"], "w", vec![]);
    same("before a convolution", finished(conv(pads(start(), &[0, 0, 0, 1, 0, 0, 2, 1]), "w", None), "f"), plain());
    let old = start().node("Pad", &["c"], "w", vec![ints("pads", &[0, 0, 0, 1, 0, 0, 2, 1])]);
    same("as opset 2 has it", finished(conv(old, "w", None), "f"), plain());
    let turned = start()
        .node("Transpose", &["c"], "t", vec![ints("perm", &[0, 2, 3, 1])])
        .ints("pads", &[0, 0, 1, 0, 0, 2, 1, 0])
        .node("Pad", &["t", "pads"], "q", vec![])
        .node("Transpose", &["q"], "w", vec![ints("perm", &[0, 3, 1, 2])]);
    same("where channels are last", finished(conv(turned, "w", None), "f"), plain());
    let pool = |model: Model, from: &str, attributes| {
        model.node("MaxPool", &[from], "f", [vec![ints("kernel_shape", &[3, 3])], attributes].concat())
    };
    let positive = || start().node("Relu", &["c"], "r", vec![]);
    let padded = positive().ints("pads", &[0, 0, 1, 1, 0, 0, 1, 1]).node("Pad", &["r", "pads"], "w", vec![]);
    same(
        "before a maximum of nothing below zero",
        finished(pool(padded, "w", vec![]), "f"),
        finished(pool(positive(), "r", vec![ints("pads", &[1; 4])]), "f"),
    );
    let said = finished(pool(pads(start(), &[0, 0, 1, 1, 0, 0, 1, 1]), "w", vec![]), "f").refusal();
    assert!(said.contains("Pad (`w`): with 0"), "{said}");
}

#[test]
fn what_does_nothing_and_what_nobody_reads_is_no_matter() {
    let odd = start()
        .node("Cast", &["c"], "k", vec![int("to", 10)])
        .node("Identity", &["k"], "i", vec![])
        .node("Dropout", &["i"], "f mask", vec![])
        .node("Elu", &["mask"], "unread", vec![]);
    let mut odd = finished(odd, "f");
    odd.graph.initializer.push(proto::Tensor {
        name: "text".into(),
        data_type: 8,
        dims: vec![3],
        ..Default::default()
    });
    odd.graph.initializer.push(proto::Tensor {
        name: "flag".into(),
        data_type: 9,
        raw_data: vec![1],
        ..Default::default()
    });
    same("nothing", odd, finished(start(), "c"));
    // Sums of any number, and initialisers that are inputs as well, as before IR version 4.
    let sum = |model: Model| model.floats("e.weight", &[8, 3, 1, 1]).node("Conv", &["x", "e.weight"], "e", vec![]);
    let mut three = finished(sum(start()).node("Sum", &["c", "e", "c"], "f", vec![]), "f");
    let names: Vec<String> = three.graph.initializer.iter().map(|tensor| tensor.name.clone()).collect();
    three.graph.input = names.into_iter().map(|name| proto::ValueInfo { name, ..Default::default() }).collect();
    let two = sum(start()).node("Add", &["c", "e"], "d", vec![]).node("Add", &["d", "c"], "f", vec![]);
    same("a sum of three", three, finished(two, "f"));
}

#[test]
fn every_operation_that_is_written_is_read_again() {
    let shape = Shape::new(1, 3, 9, 9);
    let window = Window { padding_end: [1, 2], ..Window::square(3, 2) };
    let norm = LocalNorm { size: 3, alpha: 0.5.into(), beta: 0.75.into(), offset: 2.0.into() };
    let activations = Activation::EXAMPLES.into_iter().filter(|of| *of != Activation::None).map(Op::Activation);
    let others = [
        Op::PRelu { channels: 3 },
        Op::PRelu { channels: 1 },
        Op::Affine { channels: 3, shift: false },
        Op::Affine { channels: 3, shift: true },
        Op::LayerNorm { channels: 3, eps: 1e-6 },
        Op::LocalNorm(norm),
        Op::AvgPoolCounted { window, counted: [[0; 2]; 2] },
        Op::AvgPoolCounted { window, counted: [[1, 0], [1, 2]] },
        Op::AvgPoolCounted { window, counted: [[1, 1], [0, 2]] },
        Op::AvgPool(window),
        Op::GlobalMaxPool,
        Op::Slice { start: 1, channels: 1 },
    ];
    for op in activations.chain(others) {
        let mut builder = GraphBuilder::new("net", shape);
        let value = builder.push("layer", op, &[builder.input()]).unwrap();
        // Something behind it, that takes one channel where there is one.
        if builder.shape(value).channels == 1 {
            builder.push("wide", Op::Repeat { channels: 4 }, &[value]).unwrap();
        }
        let graph = builder.finish();
        let bytes = to_onnx(&graph, &Weights::seeded(&graph, 3), BatchNorm::Keep).unwrap();
        let again = Imported::from_bytes(&bytes, "m.onnx").unwrap_or_else(|error| panic!("{op}: {error}"));
        let again = again.graph_for(1, [9, 9]).unwrap();
        assert_eq!(
            again.layers().map(|(_, node)| node.op).collect::<Vec<_>>(),
            graph.layers().map(|(_, node)| node.op).collect::<Vec<_>>()
        );
    }
}

#[test]
fn gates_and_stacks_are_what_they_do() {
    let gate = |gate: &str| {
        start().node("GlobalAveragePool", &["c"], "q", vec![]).node("HardSigmoid", &["q"], "g", vec![]).node(
            "Mul",
            &["g", "c"],
            gate,
            vec![],
        )
    };
    let found = finished(gate("f"), "f").import();
    assert!(ops(&found).contains(&"scale".to_owned()), "{:?}", ops(&found));
    // Two halves that are woven into each other.
    let halves = start().ints("each", &[4, 4]).node("Split", &["c", "each"], "l r", vec![int("axis", 1)]);
    let woven = halves
        .clone()
        .node("Unsqueeze", &["l"], "l5", vec![ints("axes", &[2])])
        .node("Unsqueeze", &["r"], "r5", vec![ints("axes", &[2])])
        .node("Concat", &["l5", "r5"], "s", vec![int("axis", 2)])
        .ints("whole", &[0, -1, 8, 8])
        .node("Reshape", &["s", "whole"], "f", vec![]);
    let plain = halves
        .node("Concat", &["l", "r"], "s", vec![int("axis", 1)])
        .ints("apart", &[0, 2, 4, 8, 8])
        .node("Reshape", &["s", "apart"], "a", vec![])
        .node("Transpose", &["a"], "t", vec![ints("perm", &[0, 2, 1, 3, 4])])
        .ints("whole", &[0, -1, 8, 8])
        .node("Reshape", &["t", "whole"], "f", vec![]);
    same("woven", finished(woven, "f"), finished(plain, "f"));
}

#[test]
fn the_classifier_among_several_outputs_is_taken_and_another_one_on_demand() {
    let model = finished(start(), "c");
    let bytes = model.clone().bytes(&["c", "y"]);
    let imported = Imported::from_bytes(&bytes, "m.onnx").unwrap();
    assert_eq!(gap(&logits(&imported), &logits(&model.import())), 0.0);
    assert!(imported.notes().join("").contains("`y` is taken; --output NAME"), "{:?}", imported.notes());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("net.onnx");
    std::fs::write(&path, &bytes).unwrap();
    let cut = crate::model_file::onnx::import_output(&path, Some("c")).unwrap();
    assert_eq!(ops(&cut), ["conv 3x3"]);
    let said = crate::model_file::onnx::import_output(&path, Some("z")).unwrap_err().to_string();
    assert!(said.contains("no output `z`"), "{said}");
}

#[test]
fn every_activation_of_the_operator_set_is_taken() {
    for (op, attributes, expected) in [
        ("HardSigmoid", vec![], "hard-sigmoid 0.2 0.5"),
        ("Elu", vec![float("alpha", 0.75)], "elu 0.75"),
        ("LeakyRelu", vec![], "leaky-relu 0.01"),
        ("Gelu", vec![text("approximate", "tanh")], "gelu-tanh"),
        ("Clip", vec![float("min", -1.0), float("max", 1.0)], "clip -1 1"),
        ("Tanh", vec![], "tanh"),
    ] {
        let found = finished(start().node(op, &["c"], "f", attributes), "f").import();
        assert!(ops(&found).contains(&expected.to_owned()), "{op}: {:?}", ops(&found));
    }
    let slopes =
        finished(start().floats("slopes", &[8, 1, 1]).node("PRelu", &["c", "slopes"], "f", vec![]), "f").import();
    let graph = slopes.graph_for(1, [8, 8]).unwrap();
    assert!(graph.layers().any(|(_, node)| node.op == Op::PRelu { channels: 8 }));
    assert_eq!(total_cost(&graph).params.0, 216 + 8 + 8 + 45);
}
