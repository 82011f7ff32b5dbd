//! Networks in 8 bits: what their nodes compute in numbers, and how bytes stand for these.
//!
//! ONNX has two ways to say it: `QuantizeLinear` and `DequantizeLinear` around every operation, and operations of bytes with
//! scales and zero points among their inputs (`QLinearConv`, ONNX Runtime's `QGemm`, `QLinearAdd` and others). The second
//! is made the first ([`apart`]). Constants become the numbers that they stand for and remember the scale; where a value is
//! rounded to bytes, its node says the scale as attributes, and is a step of its own.

mod apart;

use std::collections::{HashMap, HashSet};

use super::attributes::{float, int};
use super::constant::Constant;
use super::fold::Budget;
use super::integers::{Integers, Values};
use super::proto::{Node, Tensor};

/// What rounds to bytes.
pub(super) const ROUNDS: &str = "QuantizeLinear";
/// What makes numbers of bytes.
pub(super) const OF_BYTES: &str = "DequantizeLinear";

/// The tensors that are read as integers: what nodes of quantised networks read.
pub(super) fn read_as_integers(nodes: &[Node]) -> HashSet<&str> {
    let quantised = nodes.iter().filter(|node| is_of_bytes(node));
    quantised.flat_map(|node| &node.input).map(String::as_str).filter(|name| !name.is_empty()).collect()
}

/// The integers that `Constant` nodes hold.
pub(super) fn in_nodes(nodes: &[Node], integers: &mut HashMap<String, Integers>) {
    let read = read_as_integers(nodes);
    for node in nodes.iter().filter(|node| node.op_type == "Constant") {
        let value: Option<&Tensor> = node.get("value").and_then(|attribute| attribute.t.as_ref());
        if let (Some(tensor), Some(name)) = (value, node.output.first().filter(|name| read.contains(name.as_str())))
            && let Some(known) = Integers::of(tensor, None)
        {
            integers.insert(name.clone(), known);
        }
    }
}

fn is_of_bytes(node: &Node) -> bool {
    node.op_type == ROUNDS || node.op_type == OF_BYTES || apart::is_of_bytes(&node.op_type)
}

/// The nodes of a network in numbers; `constants` get what integers stand for, no more of it than `budget` lets.
pub(super) fn in_numbers(
    nodes: Vec<Node>,
    constants: &mut HashMap<String, Constant>,
    mut integers: HashMap<String, Integers>,
    budget: &mut Budget,
) -> Vec<Node> {
    if !nodes.iter().any(is_of_bytes) {
        return nodes;
    }
    // Scales that `Constant` nodes hold.
    for node in nodes.iter().filter(|node| node.op_type == "Constant") {
        let tensor = node.get("value").and_then(|attribute| attribute.t.clone());
        if let (Some(name), Some(Ok(constant @ Constant::Floats(_)))) =
            (node.output.first(), tensor.map(|tensor| Constant::of(tensor, None)))
        {
            constants.entry(name.clone()).or_insert(constant);
        }
    }
    let nodes = apart::apart(nodes, constants);
    let mut left = Vec::with_capacity(nodes.len());
    for mut node in nodes {
        if !matches!(node.op_type.as_str(), ROUNDS | OF_BYTES) || !is_usual(&node) {
            left.push(node);
            continue;
        }
        match known(&node, constants, &integers, budget) {
            Some(Known::Floats(constant)) => {
                constants.extend(node.output.first().map(|name| (name.clone(), constant)));
            }
            Some(Known::Integers(made)) => {
                integers.extend(node.output.first().map(|name| (name.clone(), made)));
            }
            Some(Known::Scale(scale, zero_point)) => {
                node.input.truncate(1);
                node.attribute = vec![float("scale", scale), int("zero_point", zero_point)];
                left.push(node);
            }
            None => left.push(node),
        }
    }
    left
}

/// Whether a node is of the standard, and of no block of values.
fn is_usual(node: &Node) -> bool {
    matches!(node.domain.as_str(), "" | "ai.onnx" | "com.microsoft") && node.int_or("block_size", 0) == 0
}

/// What is known of a node of bytes before anything runs.
enum Known {
    /// The numbers that it makes of constants.
    Floats(Constant),
    /// The bytes that it makes of constants.
    Integers(Integers),
    /// How its bytes stand for numbers: scale and, of bytes without sign, the one for zero.
    Scale(f32, i64),
}

fn known(
    node: &Node,
    constants: &HashMap<String, Constant>,
    integers: &HashMap<String, Integers>,
    budget: &mut Budget,
) -> Option<Known> {
    let name = |index: usize| node.input.get(index).filter(|name| !name.is_empty());
    let Some(Constant::Floats(scales)) = constants.get(name(1)?) else { return None };
    let zero_points = match name(2) {
        Some(name) => Some(integers.get(name)?),
        None => None,
    };
    let input = name(0)?;
    let axis = |rank: usize| {
        let axis = node.int_or("axis", 1);
        usize::try_from(if axis < 0 { axis + rank as i64 } else { axis }).unwrap_or(usize::MAX - 1)
    };
    let rounds = node.op_type == ROUNDS;
    if let (Some(of), false) = (integers.get(input), rounds) {
        let name = input.strip_suffix("_quantized").unwrap_or(input);
        let made = budget
            .floats(of.values.len())
            .and_then(|()| of.floats(&scales.values, zero_points, axis(of.dims.len()), name));
        return Some(Known::Floats(match made {
            Ok(floats) => Constant::Floats(floats),
            // Whoever reads it says why.
            Err(reason) => Constant::Other(reason.into()),
        }));
    }
    if let (Some(Constant::Floats(floats)), true) = (constants.get(input), rounds) {
        budget.floats(floats.values.len()).ok()?;
        let rounded = Integers::rounded(floats, &scales.values, zero_points, axis(floats.dims.len()))?;
        return Some(Known::Integers(rounded));
    }
    let scale = scales.single()?;
    let zero = zero_points.map_or(Some(0), Integers::single)?;
    match zero_points.map(|zero_points| &zero_points.values) {
        // Of bytes with a sign the least is -128.
        Some(Values::I8(_)) => Some(Known::Scale(scale, zero + 128)),
        Some(Values::U8(_)) => Some(Known::Scale(scale, zero)),
        None if node.int_or("output_dtype", 2) == 3 => Some(Known::Scale(scale, 128)),
        None => Some(Known::Scale(scale, 0)),
        Some(Values::I32(_)) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model_file::onnx::constant::Floats;

    #[test]
    fn bytes_that_are_made_numbers_again_and_again_take_no_more_than_a_file_may() {
        let count = 1 << 20;
        let bytes = Integers { dims: vec![count], values: Values::I8(vec![1; count]) };
        let mut constants = HashMap::from([("s".to_owned(), Constant::Floats(Floats::scalar(1.0)))]);
        let node = |index: usize| Node {
            op_type: OF_BYTES.into(),
            input: vec!["w".into(), "s".into()],
            output: vec![format!("d{index}")],
            ..Default::default()
        };
        let nodes = (0..50).map(node).collect();
        let integers = HashMap::from([("w".to_owned(), bytes)]);
        assert!(in_numbers(nodes, &mut constants, integers, &mut Budget::of(0)).is_empty());
        let made = |index: usize| match constants.get(&format!("d{index}")) {
            Some(Constant::Floats(floats)) => floats.values.len(),
            _ => 0,
        };
        assert_eq!((0..50).map(made).sum::<usize>(), Budget::FLOATS);
        assert!(matches!(constants.get("d49"), Some(Constant::Other(reason)) if reason.contains("more parameters")));
    }
}
