//! Source is checked as text; `tests/interop/check_pytorch.py` runs it.

use std::collections::{BTreeSet, HashSet};

use super::*;
use crate::design::Batch;
use crate::graph::{Activation, Conv2d, GraphBuilder, NodeId, Op, Shape, Window};
use crate::model_file::module_path::is_attribute;
use crate::weights::expected;
use crate::zoo;

fn preset(name: &str) -> String {
    to_pytorch(&crate::graph::lower(&zoo::preset(name).unwrap(), Batch(1)).unwrap()).unwrap()
}

fn conv(in_channels: usize, out_channels: usize) -> Op {
    Op::Conv2d(Conv2d { in_channels, out_channels, window: Window::square(3, 1), groups: 1, bias: true })
}

/// A graph whose layers each read the one before.
fn chain(layers: &[(&str, Op)]) -> Graph {
    let mut builder = GraphBuilder::new("net", Shape::new(1, 4, 8, 8));
    let mut value = builder.input();
    for (path, op) in layers {
        value = builder.push(*path, *op, &[value]).unwrap();
    }
    builder.finish()
}

/// `a.0.b` of `self.a["0"].b` and of `getattr(self.a, "0").b`; every name behind a dot is checked.
fn dotted(reference: &str) -> String {
    if let Some((parent, rest)) = reference.strip_prefix("getattr(").and_then(|inside| inside.rsplit_once(", \"")) {
        let (name, rest) = rest.split_once("\")").unwrap();
        let path = [dotted(parent), name.to_owned()].join(".") + &rest.replace("[\"", ".").replace("\"]", "");
        return path.trim_start_matches('.').to_owned();
    }
    let text = reference.replace("[\"", ".#").replace("\"]", "");
    let names = text.strip_prefix("self").unwrap().trim_start_matches('.').split('.');
    let plain = |name: &str| match name.strip_prefix('#') {
        Some(key) => key.to_owned(),
        None => {
            assert!(name.is_empty() || (is_attribute(name) && module_path(name) == name), "{reference}");
            name.to_owned()
        }
    };
    names.map(plain).collect::<Vec<_>>().join(".").trim_start_matches('.').to_owned()
}

/// Where the first of some arguments ends.
fn end_of_first(arguments: &str) -> usize {
    let mut depth = 0;
    let ends = |(_, character): &(usize, char)| {
        depth += i32::from(*character == '(') - i32::from(*character == ')');
        depth == 0 && *character == ','
    };
    arguments.char_indices().find(ends).unwrap().0
}

/// The modules that `Network` makes, after every class was found to make each module once, its holder before it, to
/// run only modules that it made, and to read only values that it has.
fn checked(source: &str) -> BTreeSet<String> {
    let mut made = BTreeSet::new();
    for class in source.split("\nclass ").skip(1) {
        let (making, running) = class.split_once("    def forward(self, x):\n").unwrap();
        made = BTreeSet::from([String::new()]);
        for line in making.lines().filter_map(|line| line.strip_prefix("        ")) {
            let path = match line.strip_prefix("setattr(") {
                Some(inside) => {
                    let (parent, rest) = inside.split_at(end_of_first(inside));
                    let rest = rest.strip_prefix(", \"").unwrap();
                    format!("{}.{}", dotted(parent), rest.split_once('"').unwrap().0)
                }
                None if line.starts_with("self") || line.starts_with("getattr") => {
                    dotted(line.split_once(" = ").unwrap().0)
                }
                None => continue,
            };
            let path = path.trim_start_matches('.').to_owned();
            let holder = path.rsplit_once('.').map_or("", |(holder, _)| holder);
            assert!(made.contains(holder), "`{path}` is made before what holds it:\n{class}");
            assert!(made.insert(path.clone()), "`{path}` is made twice:\n{class}");
        }
        let mut values = HashSet::from(["x"]);
        for line in running.lines().filter_map(|line| line.strip_prefix("        ")) {
            let (value, expression) =
                line.split_once(" = ").unwrap_or_else(|| ("", line.strip_prefix("return ").unwrap()));
            if expression.starts_with("self") || expression.starts_with("getattr") {
                let (module, input) = expression.strip_suffix(')').unwrap().rsplit_once('(').unwrap();
                assert!(made.contains(&dotted(module)), "{line}: no such module:\n{class}");
                assert!(values.contains(input), "{line}: no such value:\n{class}");
            }
            values.insert(value);
        }
    }
    made.remove("");
    made
}

#[test]
fn equal_units_share_a_class_and_numbered_layers_are_sequential() {
    let text = preset("shufflenet-v2-x1.0");
    assert_eq!(text.matches("(nn.Module):").count(), 7, "two kinds of unit in three stages, and the network");
    assert!(text.contains("            *[Stage3Unit1() for _ in range(7)],\n"));
    assert!(text.contains("        self.fc = nn.Linear(1024, 1000)\n"));
    assert!(!text.contains("ModuleDict") && text.lines().count() < 220);
}

#[test]
fn every_network_gives_balanced_source_that_returns_once_per_class_and_runs_what_it_makes() {
    let presets = zoo::presets().iter().map(|preset| crate::graph::lower(&preset.design, Batch(1)).unwrap());
    let networks = zoo::networks().iter().map(|network| network.graph(network.input, Batch(1)).unwrap());
    for graph in presets.chain(networks) {
        let text = to_pytorch(&graph).unwrap();
        for (open, close) in ["()", "[]", "{}"].map(|pair| pair.split_at(1)) {
            assert_eq!(text.matches(open).count(), text.matches(close).count(), "{}", graph.name);
        }
        assert_eq!(text.matches("(nn.Module):").count(), text.matches("        return ").count());
        assert!(!checked(&text).is_empty());
    }
}

#[test]
fn a_layer_can_hold_others_whatever_python_calls_them() {
    let graph = chain(&[
        ("conv1", Op::Activation(Activation::Relu)),
        ("conv1.conv", conv(4, 4)),
        ("conv1.norm", Op::BatchNorm { channels: 4, eps: 1e-3 }),
        ("conv1.0", conv(4, 4)),
        ("conv1.0.lambda", conv(4, 4)),
        ("lambda.0", conv(4, 4)),
        ("lambda.2", conv(4, 4)),
        ("class.keys", conv(4, 4)),
        ("class.match", conv(4, 4)),
        ("self", conv(4, 4)),
        ("torch.nn.x", conv(4, 4)),
        ("__hidden", conv(4, 4)),
    ]);
    let source = to_pytorch(&graph).unwrap();
    let made = checked(&source);
    for tensor in expected(&graph) {
        assert!(made.contains(tensor.name.rsplit_once('.').unwrap().0), "{}:\n{source}", tensor.name);
    }
    let start = source.find("        self.conv1").unwrap();
    let expected = r#"        self.conv1 = nn.ReLU()
        self.conv1.conv = nn.Conv2d(4, 4, 3, padding=1)
        self.conv1.norm = nn.BatchNorm2d(4, eps=1e-3)
        setattr(self.conv1, "0", nn.Conv2d(4, 4, 3, padding=1))
        setattr(getattr(self.conv1, "0"), "lambda", nn.Conv2d(4, 4, 3, padding=1))
        setattr(self, "lambda", nn.ModuleDict())
        getattr(self, "lambda")["0"] = nn.Conv2d(4, 4, 3, padding=1)
        getattr(self, "lambda")["2"] = nn.Conv2d(4, 4, 3, padding=1)
        setattr(self, "class", nn.Module())
        getattr(self, "class").keys = nn.Conv2d(4, 4, 3, padding=1)
        getattr(self, "class").match = nn.Conv2d(4, 4, 3, padding=1)
        self.self = nn.Conv2d(4, 4, 3, padding=1)
        self.torch = nn.Module()
        self.torch.nn = nn.Module()
        self.torch.nn.x = nn.Conv2d(4, 4, 3, padding=1)
        setattr(self, "__hidden", nn.Conv2d(4, 4, 3, padding=1))

    def forward(self, x):
        x = self.conv1(x)
        x = self.conv1.conv(x)
        x = self.conv1.norm(x)
        x = getattr(self.conv1, "0")(x)
        x = getattr(getattr(self.conv1, "0"), "lambda")(x)
        x = getattr(self, "lambda")["0"](x)
        x = getattr(self, "lambda")["2"](x)
        x = getattr(self, "class").keys(x)
        x = getattr(self, "class").match(x)
        x = self.self(x)
        x = self.torch.nn.x(x)
        return getattr(self, "__hidden")(x)
"#;
    assert_eq!(source.get(start..start + expected.len()), Some(expected), "{source}");
}

#[test]
fn a_layer_that_is_called_as_no_module_can_be_is_refused_by_name() {
    for (path, said) in [
        ("forward", "layer `forward`: modules of PyTorch are not called so; `forward_` is possible"),
        ("a.type", "layer `a.type`: modules of PyTorch are not called so; `a.type_` is possible"),
        ("a b", "layer `a b`: modules of PyTorch are not called so; `a_b` is possible"),
        ("", "layer ``: modules of PyTorch are not called so: it needs a letter or digit"),
        ("conv.weight", "layer `conv.weight`: the layer `conv` has an attribute of that name in PyTorch"),
        ("conv.stride.0", "layer `conv.stride.0`: the layer `conv` has an attribute of that name in PyTorch"),
    ] {
        let graph = chain(&[("conv", conv(4, 4)), (path, conv(4, 4))]);
        assert_eq!(to_pytorch(&graph).unwrap_err().to_string(), said);
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("net.py");
        assert!(write_pytorch(&graph, &file).is_err() && !file.exists());
    }
    // What is an expression has no name in the source.
    let source = to_pytorch(&chain(&[("conv", conv(4, 4)), ("forward", Op::ChannelShuffle { groups: 2 })])).unwrap();
    assert!(source.contains("        return x.unflatten(1, (2, -1)).transpose(1, 2).flatten(1, 2)\n"));
}

#[test]
fn a_result_without_pixels_is_a_vector_as_in_onnx() {
    let last = |layers: &[(&str, Op)]| {
        let source = to_pytorch(&chain(layers)).unwrap();
        checked(&source);
        source.lines().filter_map(|line| line.trim().strip_prefix("return ")).next_back().unwrap().to_owned()
    };
    let pool = ("pool", Op::GlobalAvgPool);
    let linear = ("fc", Op::Linear { in_features: 4, out_features: 5, bias: true });
    assert_eq!(last(&[pool]), "x.flatten(1)");
    assert_eq!(last(&[pool, ("flat", Op::Flatten)]), "x.flatten(1)");
    assert_eq!(last(&[pool, linear]), "self.fc(x)");
    assert_eq!(last(&[pool, linear, ("norm", Op::BatchNorm { channels: 5, eps: 1e-5 })]), "x.flatten(1)");
    assert_eq!(last(&[("conv", conv(4, 2))]), "self.conv(x)");
    assert_eq!(last(&[]), "x");
}

#[test]
fn padding_that_pooling_refuses_is_done_before_it() {
    let source = |op| to_pytorch(&chain(&[("pool", op)])).unwrap();
    let wide = Window::padded([3, 2], 2, [2, 1]);
    let most = source(Op::MaxPool(wide));
    assert!(most.contains("nn.MaxPool2d((3, 2), stride=2)\n"), "{most}");
    assert!(most.contains("        x = F.pad(x, (1, 1, 2, 2), value=-float(\"inf\"))\n"), "{most}");
    assert!(source(Op::AvgPool(wide)).contains("        x = F.pad(x, (1, 1, 2, 2))\n"));
    assert!(source(Op::AvgPool(Window::square(3, 2))).contains("nn.AvgPool2d(3, stride=2, padding=1)\n"));
    let conv = Conv2d { in_channels: 4, out_channels: 4, window: wide, groups: 1, bias: false };
    assert!(source(Op::Conv2d(conv)).contains("nn.Conv2d(4, 4, (3, 2), stride=2, padding=(2, 1), bias=False)\n"));
}

#[test]
fn one_map_is_joined_as_several_are_and_infinite_numbers_are_python() {
    let source = |layers: &[(&str, Op)]| to_pytorch(&chain(layers)).unwrap();
    assert!(source(&[("join", Op::Concat)]).contains("        return torch.cat([x], 1)\n"));
    let eps = |eps| source(&[("norm", Op::BatchNorm { channels: 4, eps })]);
    assert!(eps(f64::INFINITY).contains("nn.BatchNorm2d(4, eps=float(\"inf\"))"));
    assert!(eps(f64::NAN).contains("nn.BatchNorm2d(4, eps=float(\"NaN\"))"));
    assert!(eps(1e-3).contains("nn.BatchNorm2d(4, eps=1e-3)"));
}

#[test]
fn units_under_one_path_do_not_replace_each_other() {
    let mut builder = GraphBuilder::new("net", Shape::new(1, 4, 8, 8));
    let mut value = builder.input();
    for repeat in 0..2 {
        builder.set_unit(Some(crate::graph::UnitId { stage: 0, repeat }));
        for name in ["conv", "act"] {
            let op = if name == "conv" { conv(4, 4) } else { Op::Activation(Activation::Relu) };
            value = builder.push(format!("block.{name}{repeat}"), op, &[value]).unwrap();
        }
    }
    let made = checked(&to_pytorch(&builder.finish()).unwrap());
    assert!(["block.conv0", "block.act0", "block.conv1", "block.act1"].iter().all(|path| made.contains(*path)));
}

#[test]
fn a_hundred_thousand_layers_are_written_in_seconds() {
    let mut builder = GraphBuilder::new("net", Shape::new(1, 1, 1, 1));
    let mut value = builder.input();
    for index in 0..100_000 {
        value = builder.push(format!("a.{}.{index}", index % 7), Op::Activation(Activation::Relu), &[value]).unwrap();
    }
    let begin = std::time::Instant::now();
    let source = to_pytorch(&builder.finish()).unwrap();
    assert!(source.lines().count() > 200_000);
    assert!(begin.elapsed().as_secs() < 60, "{:?}", begin.elapsed());
    assert_eq!(value, NodeId(100_000));
}

#[test]
fn what_pytorch_has_no_module_for_is_a_class_or_an_expression() {
    let window = Window { padding_end: [1, 2], ..Window::square(3, 2) };
    let uneven = Op::AvgPoolCounted { window, counted: [[1; 2], [1, 0]] };
    let text = to_pytorch(&chain(&[
        ("affine", Op::Affine { channels: 4, shift: false }),
        ("norm", Op::LayerNorm { channels: 4, eps: 1e-6 }),
        ("leaky", Op::Activation(Activation::LeakyRelu { slope: 0.25.into() })),
        ("swish", Op::Activation(Activation::Swish { scale: 1.5.into() })),
        ("inside", Op::average_pool(Window::square(3, 1), [8; 2], false, false)),
        ("mean", uneven),
    ]))
    .unwrap();
    for line in [
        "class Affine(nn.Module):",
        "class LayerNorm2d(nn.LayerNorm):",
        "self.affine = Affine(4, bias=False)",
        "self.norm = LayerNorm2d(4, eps=1e-6)",
        "self.leaky = nn.LeakyReLU(2.5e-1)",
        "x = x * torch.sigmoid(x * 1.5e0)",
        "self.inside = nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=False)",
        "F.avg_pool2d(F.pad(x, (1, 2, 1, 1)), 3, stride=2) / F.avg_pool2d(F.pad(F.pad(torch.ones_like(x[:1, :1]), \
         (1, 0, 1, 1), value=1.0), (0, 2, 0, 0)), 3, stride=2)",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    assert!(!to_pytorch(&chain(&[("conv", conv(4, 4))])).unwrap().contains("class Affine"));
}
