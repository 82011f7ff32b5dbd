//! Nodes that only read constants: how exported models compute shapes, and how some of them write parameters.

mod arithmetic;
mod movement;

use std::sync::Arc;

pub(super) use arithmetic::together;

use super::constant::{Constant, Floats, Ints};
use super::elements::Element;
use super::proto::Node;

/// The inputs of a node; `None` where an optional one is left out.
pub(super) type Constants<'a> = &'a [Option<&'a Constant>];

/// How much a model's constant nodes may make. What parameters are made of has been in the file; a few words of a file
/// can ask for any number of others.
#[derive(Clone, Copy, Debug)]
pub(super) struct Budget {
    numbers: usize,
    floats: usize,
}

impl Budget {
    /// Most whole numbers that arithmetic on shapes makes; a shape has five.
    const NUMBERS: usize = 1 << 18;

    /// Most floats that are made without having been in the file.
    pub(super) const FLOATS: usize = 1 << 25;

    /// For a file with so many bytes of parameters.
    pub(super) fn of(parameters: usize) -> Self {
        Self { numbers: Self::NUMBERS, floats: Self::FLOATS.max(parameters) }
    }

    /// Takes what a list of this length needs.
    fn numbers(&mut self, count: usize) -> Result<(), String> {
        let left = self.numbers.checked_sub(count);
        self.numbers =
            left.ok_or_else(|| format!("the model's arithmetic on shapes makes more than {} numbers", Self::NUMBERS))?;
        Ok(())
    }

    /// Takes what a tensor of so many floats needs.
    ///
    /// # Errors
    /// Where there is no more.
    pub(super) fn floats(&mut self, count: usize) -> Result<(), String> {
        let left = self.floats.checked_sub(count);
        self.floats =
            left.ok_or("the model makes more parameters than its file has: save it with its weights in it")?;
        Ok(())
    }
}

/// Whether this operation is computed where all that it reads is known.
pub(super) fn is_known(node: &Node) -> bool {
    KNOWN.contains(&node.op_type.as_str())
}

/// Operations that are computed, in the order of their names.
const KNOWN: [&str; 46] = [
    "Abs",
    "Add",
    "And",
    "Cast",
    "Ceil",
    "Concat",
    "Constant",
    "ConstantOfShape",
    "Div",
    "Equal",
    "Exp",
    "Expand",
    "Flatten",
    "Floor",
    "Gather",
    "Greater",
    "GreaterOrEqual",
    "Identity",
    "Less",
    "LessOrEqual",
    "Log",
    "Max",
    "Min",
    "Mod",
    "Mul",
    "Neg",
    "Not",
    "Or",
    "Pow",
    "Range",
    "Reciprocal",
    "ReduceProd",
    "Reshape",
    "Shape",
    "Sigmoid",
    "Size",
    "Slice",
    "Split",
    "Sqrt",
    "Squeeze",
    "Sub",
    "Tanh",
    "Transpose",
    "Unsqueeze",
    "Where",
    "Xor",
];

/// The constants that a node of constants makes.
pub(super) fn evaluate(node: &Node, inputs: Constants<'_>, budget: &mut Budget) -> Result<Vec<Constant>, String> {
    let made = match node.op_type.as_str() {
        "Constant" => vec![constant(node)?],
        "ConstantOfShape" => vec![of_shape(node, inputs, budget)?],
        "Identity" => vec![identity(node, inputs)?],
        "Cast" => vec![cast(node, inputs, budget)?],
        "Shape" | "Size" => vec![shape(node, inputs)?],
        "Reshape" | "Flatten" | "Squeeze" | "Unsqueeze" | "Transpose" | "Concat" | "Slice" | "Split" | "Gather"
        | "Expand" => movement::evaluate(node, inputs, budget)?,
        _ => vec![arithmetic::evaluate(node, inputs, budget)?],
    };
    for constant in &made {
        if let Constant::Ints(ints) = constant {
            budget.numbers(ints.values.len())?;
        }
    }
    Ok(made)
}

/// The constant at this place.
fn at<'a>(inputs: Constants<'a>, index: usize) -> Result<&'a Constant, String> {
    match inputs.get(index).copied().flatten() {
        Some(Constant::Other(reason)) => Err(reason.to_string()),
        Some(constant) => Ok(constant),
        None => Err(format!("without its input {index}")),
    }
}

/// Whole numbers at this place, few enough to compute with.
fn ints<'a>(inputs: Constants<'a>, index: usize) -> Result<&'a Ints, String> {
    match at(inputs, index)? {
        Constant::Ints(ints) if ints.values.len() <= Ints::LONGEST => Ok(ints),
        Constant::Ints(ints) => Err(format!("a list of {} numbers is too long for a shape", ints.values.len())),
        _ => Err("of something else than layers' results and whole numbers".into()),
    }
}

fn constant(node: &Node) -> Result<Constant, String> {
    let name = node.output.first().map_or("", String::as_str);
    let Some(attribute) = node.attribute.first() else { return Err("without a value".into()) };
    let floats = |dims, values: Vec<f32>| Constant::Floats(Floats::new(dims, values).named(name));
    match (attribute.name.as_str(), &attribute.t) {
        ("value", Some(tensor)) => Ok(match Constant::of(tensor.clone(), None)? {
            Constant::Floats(floats) => Constant::Floats(floats.named(name)),
            other => other,
        }),
        ("value_int", _) => Ok(Constant::Ints(Ints::scalar(attribute.i))),
        ("value_ints", _) => Ok(Constant::Ints(Ints::list(attribute.ints.clone())?)),
        ("value_float", _) => Ok(floats(vec![], vec![attribute.f])),
        ("value_floats", _) => Ok(floats(vec![attribute.floats.len()], attribute.floats.clone())),
        (other, _) => Err(format!("given as `{other}`")),
    }
}

/// Exporters let layers of equal parameters share one; the name of the copy is the layer's own.
fn identity(node: &Node, inputs: Constants<'_>) -> Result<Constant, String> {
    Ok(match at(inputs, 0)? {
        Constant::Floats(floats) => Constant::Floats(floats.named(node.output.first().map_or("", String::as_str))),
        other => other.clone(),
    })
}

fn of_shape(node: &Node, inputs: Constants<'_>, budget: &mut Budget) -> Result<Constant, String> {
    let lengths = ints(inputs, 0)?;
    let dims: Option<Vec<usize>> = lengths.values.iter().map(|&length| usize::try_from(length).ok()).collect();
    let dims = dims.filter(|dims| dims.len() <= super::constant::MOST_AXES && !dims.contains(&0));
    let count = dims.as_ref().and_then(|dims| dims.iter().try_fold(1, |count: usize, &one| count.checked_mul(one)));
    let (Some(dims), Some(count)) = (dims, count) else { return Err(format!("of the shape {:?}", lengths.values)) };
    let value = match node.get("value").and_then(|attribute| attribute.t.clone()) {
        Some(tensor) => Constant::of(tensor, None)?,
        None => Constant::Floats(Floats::scalar(0.0)),
    };
    match value {
        Constant::Ints(one) if one.values.len() == 1 && count <= Ints::LONGEST => {
            let value = one.values.first().copied().unwrap_or(0);
            Ok(Constant::Ints(Ints::new(dims, vec![value; count])?))
        }
        Constant::Floats(floats) => {
            budget.floats(count)?;
            let name = node.output.first().map_or("", String::as_str);
            let value = floats.single().ok_or("of more than one value")?;
            Ok(Constant::Floats(Floats::new(dims, vec![value; count]).named(name)))
        }
        _ => Err("of whole numbers along several axes".into()),
    }
}

fn cast(node: &Node, inputs: Constants<'_>, budget: &mut Budget) -> Result<Constant, String> {
    let to = Element::of(i32::try_from(node.int_or("to", 1)).unwrap_or(0)).ok_or("to something else than numbers")?;
    match (at(inputs, 0)?, to.is_float()) {
        (Constant::Floats(floats), true) => Ok(Constant::Floats(floats.clone())),
        (Constant::Ints(ints), false) => {
            let truth = to == Element::Bool;
            let values: Arc<[i64]> = ints.values.iter().map(|&v| if truth { i64::from(v != 0) } else { v }).collect();
            Ok(Constant::Ints(Ints { values, dims: ints.dims.clone() }))
        }
        (Constant::Ints(ints), true) => {
            budget.floats(ints.values.len())?;
            Ok(Constant::Floats(arithmetic::as_floats(ints)))
        }
        (Constant::Floats(floats), false) if floats.values.len() <= Ints::LONGEST => {
            let values: Arc<[i64]> = floats.values.iter().map(|&value| value as i64).collect();
            Ok(Constant::Ints(Ints::new(floats.dims.clone(), values)?))
        }
        _ => Err("of many floats to whole numbers".into()),
    }
}

/// The shape of a constant, or the part of it from `start` to `end`.
fn shape(node: &Node, inputs: Constants<'_>) -> Result<Constant, String> {
    match at(inputs, 0)? {
        Constant::Floats(floats) => shape_of(node, &floats.dims),
        Constant::Ints(ints) => shape_of(node, &ints.dims),
        Constant::Other(reason) => Err(reason.to_string()),
    }
}

/// What `Shape` and `Size` say of something with these lengths.
pub(super) fn shape_of(node: &Node, dims: &[usize]) -> Result<Constant, String> {
    if node.op_type == "Size" {
        let count = dims.iter().try_fold(1, |count: i64, &length| count.checked_mul(i64::try_from(length).ok()?));
        return Ok(Constant::Ints(Ints::scalar(count.ok_or("of too many values")?)));
    }
    let end = |index: i64| super::constant::bound(index, dims.len());
    let part = dims.get(end(node.int_or("start", 0))..end(node.int_or("end", i64::MAX))).unwrap_or_default();
    Ok(Constant::Ints(Ints::list(part.iter().map(|&length| length as i64).collect())?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model_file::onnx::attributes::{int, ints as list};
    use crate::model_file::onnx::proto::{Attribute, Tensor};

    fn node(op: &str, attribute: Vec<Attribute>) -> Node {
        Node { op_type: op.into(), output: vec!["y".into()], attribute, ..Default::default() }
    }

    fn made(node: &Node, inputs: &[&Constant]) -> Result<Constant, String> {
        let inputs: Vec<Option<&Constant>> = inputs.iter().copied().map(Some).collect();
        evaluate(node, &inputs, &mut Budget::of(0)).map(|mut made| made.remove(0))
    }

    fn numbers(values: &[i64]) -> Constant {
        Constant::Ints(Ints::list(values.into()).unwrap())
    }

    fn floats(dims: &[usize], values: &[f32]) -> Constant {
        Constant::Floats(Floats::new(dims.into(), values.to_vec()))
    }

    #[test]
    fn the_list_of_operations_is_in_order_and_whole() {
        assert!(KNOWN.is_sorted());
        for op in KNOWN {
            let said = made(&node(op, vec![]), &[]).unwrap_err();
            assert!(said.contains("without"), "{op}: {said}");
        }
    }

    #[test]
    fn shapes_are_computed_as_exporters_write_them() {
        let map = floats(&[2, 3, 4], &[0.0; 24]);
        let shape = made(&node("Shape", vec![]), &[&map]).unwrap();
        assert_eq!(shape, numbers(&[2, 3, 4]));
        let tail = made(&node("Shape", vec![int("start", -2)]), &[&map]).unwrap();
        assert_eq!(tail, numbers(&[3, 4]));
        let last = made(&node("Gather", vec![int("axis", 0)]), &[&shape, &Constant::Ints(Ints::scalar(-1))]).unwrap();
        assert_eq!(last, Constant::Ints(Ints::scalar(4)));
        let listed = made(&node("Unsqueeze", vec![list("axes", &[0])]), &[&last]).unwrap();
        let joined = made(&node("Concat", vec![int("axis", 0)]), &[&numbers(&[-1]), &listed]).unwrap();
        assert_eq!(joined, numbers(&[-1, 4]));
        let half = made(&node("Div", vec![]), &[&joined, &numbers(&[2])]).unwrap();
        assert_eq!(half, numbers(&[0, 2]), "towards zero, as in C");
        let part = made(
            &node("Slice", vec![]),
            &[&shape, &numbers(&[0]), &numbers(&[i64::MAX]), &numbers(&[0]), &numbers(&[2])],
        );
        assert_eq!(part, Ok(numbers(&[2, 4])));
        let one = made(&node("Equal", vec![]), &[&joined, &numbers(&[-1])]).unwrap();
        assert_eq!(made(&node("Where", vec![]), &[&one, &numbers(&[1]), &joined]), Ok(numbers(&[1, 4])));
        let range = made(&node("Range", vec![]), &[&numbers(&[0]), &numbers(&[6]), &numbers(&[2])]);
        assert_eq!(range, Ok(numbers(&[0, 2, 4])));
        let product = made(&node("ReduceProd", vec![int("keepdims", 0)]), &[&shape]);
        assert_eq!(product, Ok(Constant::Ints(Ints::scalar(24))));
        let scaled = made(&node("Cast", vec![int("to", 1)]), &[&shape]).unwrap();
        let floor =
            made(&node("Floor", vec![]), &[&made(&node("Mul", vec![]), &[&scaled, &floats(&[], &[0.5])]).unwrap()]);
        assert_eq!(made(&node("Cast", vec![int("to", 7)]), &[&floor.unwrap()]), Ok(numbers(&[1, 1, 2])));
    }

    #[test]
    fn parameters_are_moved_and_computed() {
        let matrix = floats(&[2, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        let turned = made(&node("Transpose", vec![]), &[&matrix]).unwrap();
        assert_eq!(turned, floats(&[3, 2], &[1.0, 4.0, 2.0, 5.0, 3.0, 6.0]));
        let scaled = made(&node("Mul", vec![]), &[&matrix, &floats(&[2, 1], &[1.0, 10.0])]).unwrap();
        assert_eq!(scaled, floats(&[2, 3], &[1.0, 2.0, 3.0, 40.0, 50.0, 60.0]));
        assert_eq!(
            made(&node("Reshape", vec![]), &[&matrix, &numbers(&[-1])]),
            Ok(floats(&[6], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]))
        );
        let joined = made(&node("Concat", vec![int("axis", 1)]), &[&matrix, &matrix]).unwrap();
        assert!(matches!(joined, Constant::Floats(Floats { dims, .. }) if dims == [2, 6]));
        let right =
            made(&node("Slice", vec![list("starts", &[1]), list("ends", &[3]), list("axes", &[1])]), &[&matrix]);
        assert_eq!(right, Ok(floats(&[2, 2], &[2.0, 3.0, 5.0, 6.0])));
        let filled = Tensor { dims: vec![1], data_type: 1, float_data: vec![0.5], ..Default::default() };
        let value = Attribute { name: "value".into(), t: Some(filled), ..Default::default() };
        let made_up = made(&node("ConstantOfShape", vec![value]), &[&numbers(&[2, 2])]).unwrap();
        assert!(matches!(made_up, Constant::Floats(Floats { values, .. }) if *values == [0.5; 4]));
    }

    #[test]
    fn a_few_words_do_not_become_any_number_of_values() {
        let error = |op: &str, inputs: &[&Constant]| made(&node(op, vec![]), inputs).unwrap_err();
        assert!(error("ConstantOfShape", &[&numbers(&[1 << 30])]).contains("more parameters than its file has"));
        assert!(error("ConstantOfShape", &[&numbers(&[i64::MAX, i64::MAX])]).contains("of the shape"));
        assert!(error("Range", &[&numbers(&[0]), &numbers(&[i64::MAX]), &numbers(&[1])]).contains("too long"));
        assert!(error("Expand", &[&floats(&[1], &[1.0]), &numbers(&[1 << 40])]).contains("more parameters"));
        let (column, row) = (floats(&[8192, 1], &[1.0; 8192]), floats(&[1, 8192], &[1.0; 8192]));
        assert!(error("Add", &[&column, &row]).contains("more parameters"));
        assert!(error("Range", &[&numbers(&[0]), &numbers(&[5]), &numbers(&[0])]).contains("step"));
    }
}
