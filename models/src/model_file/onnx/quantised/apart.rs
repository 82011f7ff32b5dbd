//! Operations of bytes as operations of numbers between roundings.

use std::collections::HashMap;

use super::{OF_BYTES, ROUNDS};
use crate::model_file::onnx::attributes::int;
use crate::model_file::onnx::constant::{Constant, Floats};
use crate::model_file::onnx::proto::{Attribute, Node};

/// What is known of an operation of bytes.
struct Form {
    /// The operation of numbers.
    op: &'static str,
    /// Places of its inputs, each followed by scale and zero point.
    inputs: &'static [usize],
    /// The place of a bias of integers.
    bias: Option<usize>,
    /// The place of the output's scale, followed by its zero point.
    output: usize,
    /// The axis along which the second input has a scale for each place.
    axis: i64,
}

/// The operation's form; `None` for one that is not of bytes.
fn form(op: &str, node: &Node) -> Option<Form> {
    let of_one = |op| Form { op, inputs: &[0], bias: None, output: 3, axis: 1 };
    let of_two = |op| Form { op, inputs: &[0, 3], bias: None, output: 6, axis: 1 };
    Some(match op {
        "QLinearConv" => Form { bias: Some(8), axis: 0, ..of_two("Conv") },
        "QLinearMatMul" => of_two("MatMul"),
        "QGemm" => Form { bias: Some(6), output: 7, axis: i64::from(node.int_or("transB", 0) == 0), ..of_two("Gemm") },
        "QLinearAdd" => of_two("Add"),
        "QLinearMul" => of_two("Mul"),
        "QLinearGlobalAveragePool" => of_one("GlobalAveragePool"),
        "QLinearAveragePool" => of_one("AveragePool"),
        "QLinearReduceMean" => of_one("ReduceMean"),
        "QLinearLeakyRelu" => of_one("LeakyRelu"),
        "QLinearSigmoid" => of_one("Sigmoid"),
        "QLinearSoftmax" => of_one("Softmax"),
        _ => return None,
    })
}

/// Whether an operation computes with bytes.
pub(super) fn is_of_bytes(op: &str) -> bool {
    op == "QLinearConcat" || form(op, &Node::default()).is_some()
}

/// The nodes with each operation of bytes as what it computes.
pub(super) fn apart(nodes: Vec<Node>, constants: &mut HashMap<String, Constant>) -> Vec<Node> {
    let mut made = Vec::with_capacity(nodes.len());
    for node in nodes {
        // Channels last are another operation.
        let is_plain = node.int_or("channels_last", 0) == 0;
        match (node.op_type.as_str(), form(&node.op_type, &node)) {
            ("QLinearConcat", _) => concat(&node, &mut made),
            (_, Some(form)) if is_plain => one(&node, &form, constants, &mut made),
            _ => made.push(node),
        }
    }
    made
}

fn input(node: &Node, index: usize) -> String {
    node.input.get(index).cloned().unwrap_or_default()
}

/// What ONNX Runtime's quantiser puts behind a node's name.
fn plain_name(name: &str) -> &str {
    name.strip_suffix("_quant").unwrap_or(name)
}

/// A node of bytes; `of` are its input, scale and zero point.
fn cast(op: &str, of: [String; 3], output: &str, attribute: Vec<Attribute>) -> Node {
    Node { op_type: op.into(), input: of.into(), output: vec![output.into()], attribute, ..Default::default() }
}

fn one(node: &Node, form: &Form, constants: &mut HashMap<String, Constant>, made: &mut Vec<Node>) {
    let name = node.output.first().map_or("", String::as_str);
    let mut inputs = Vec::new();
    for (index, &place) in form.inputs.iter().enumerate() {
        let number = format!("{name}/input{index}");
        let of = [0, 1, 2].map(|part| input(node, place + part));
        let axis = if index == 1 { vec![int("axis", form.axis)] } else { vec![] };
        made.push(cast(OF_BYTES, of, &number, axis));
        inputs.push(number);
    }
    if let Some(place) = form.bias.filter(|&place| !input(node, place).is_empty()) {
        let (number, scale) = (format!("{name}/bias"), format!("{name}/bias_scale"));
        // It counts in steps of the products, which `alpha` scales.
        let alpha = node.float_or("alpha", 1.0);
        if let (Some(Constant::Floats(of_input)), Some(Constant::Floats(of_weight))) =
            (constants.get(&input(node, 1)), constants.get(&input(node, 4)))
            && let Some(of_input) = of_input.single()
        {
            let scales: Vec<f32> = of_weight.values.iter().map(|of_weight| alpha * of_input * of_weight).collect();
            constants.insert(scale.clone(), Constant::Floats(Floats::new(vec![scales.len()], scales)));
        }
        made.push(cast(OF_BYTES, [input(node, place), scale, String::new()], &number, vec![int("axis", 0)]));
        inputs.push(number);
    }
    let mut attribute = node.attribute.clone();
    attribute.retain(|attribute| attribute.name != "channels_last");
    let scale = input(node, form.output);
    let number = if scale.is_empty() { name.to_owned() } else { format!("{name}/number") };
    made.push(Node {
        op_type: form.op.into(),
        input: inputs,
        output: vec![number.clone()],
        name: plain_name(&node.name).into(),
        attribute,
        domain: String::new(),
    });
    if !scale.is_empty() {
        made.push(cast(ROUNDS, [number, scale, input(node, form.output + 1)], name, vec![]));
    }
}

/// `QLinearConcat(scale, zero_point, (x, scale, zero_point)..)`.
fn concat(node: &Node, made: &mut Vec<Node>) {
    let name = node.output.first().map_or("", String::as_str);
    let parts = node.input.get(2..).unwrap_or_default();
    let mut inputs = Vec::new();
    for (index, part) in parts.chunks(3).enumerate() {
        let of = [0, 1, 2].map(|at| part.get(at).cloned().unwrap_or_default());
        let number = format!("{name}/input{index}");
        made.push(cast(OF_BYTES, of, &number, vec![]));
        inputs.push(number);
    }
    let number = format!("{name}/number");
    made.push(Node {
        op_type: "Concat".into(),
        input: inputs,
        output: vec![number.clone()],
        name: plain_name(&node.name).into(),
        attribute: node.attribute.clone(),
        domain: String::new(),
    });
    made.push(cast(ROUNDS, [number, input(node, 0), input(node, 1)], name, vec![]));
}
