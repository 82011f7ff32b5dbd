//! Arithmetic on whole numbers: how exported models compute the shapes that they reshape to.

use super::{Constant, Inputs, Made, Node, Refusal, Value};
use crate::model_file::onnx::constant::{Ints, position};

/// Operations that may be shape arithmetic.
pub(super) const KNOWN: [&str; 13] = [
    "Constant",
    "Shape",
    "Gather",
    "Cast",
    "Unsqueeze",
    "Squeeze",
    "Concat",
    "Slice",
    "Add",
    "Sub",
    "Mul",
    "Div",
    "Identity",
];

/// The constants that a node of constants makes.
pub(super) fn evaluate(node: &Node, inputs: Inputs<'_>) -> Made {
    let ints = |index: usize| match inputs.get(index) {
        Some(Some(Value::Constant(Constant::Ints(ints)))) => ints.few().map(|_| ints).map_err(Refusal::from),
        _ => Err(Refusal::Unsupported("of something else than layers' results and whole numbers".into())),
    };
    let made = match node.op_type.as_str() {
        "Constant" => constant(node)?,
        "Identity" => match inputs.first() {
            // Exporters let layers of equal parameters share one; the name of the copy is the layer's own.
            Some(Some(Value::Constant(Constant::Floats { dims, values, .. }))) => Constant::Floats {
                dims: dims.clone(),
                values: values.clone(),
                name: node.output.first().cloned().unwrap_or_default(),
            },
            Some(Some(value)) => return Ok(vec![value.clone()]),
            _ => return Err(Refusal::Unsupported("of nothing".into())),
        },
        "Shape" => return shape(node, inputs),
        "Gather" if node.int_or("axis", 0) == 0 => Constant::Ints(ints(0)?.gather(ints(1)?)?),
        "Cast" => Constant::Ints(ints(0)?.clone()),
        "Unsqueeze" => Constant::Ints(Ints { is_scalar: false, ..ints(0)?.clone() }),
        "Squeeze" => {
            let values = ints(0)?.values.clone();
            Constant::Ints(Ints { is_scalar: values.len() == 1, values })
        }
        "Concat" => {
            let mut values = Vec::new();
            for index in 0..inputs.len() {
                values.extend_from_slice(&ints(index)?.values);
                if values.len() > Ints::LONGEST {
                    break;
                }
            }
            Constant::Ints(Ints::list(values)?)
        }
        "Slice" => {
            let (list, start, end) = (ints(0)?, ints(1)?, ints(2)?);
            let (Some(&start), Some(&end)) = (start.values.first(), end.values.first()) else {
                return Err(Refusal::Unsupported("without an end".into()));
            };
            let length = list.values.len();
            let at = |index: i64| position(index, length).unwrap_or(if index < 0 { 0 } else { length });
            let step_is_one = inputs.get(4).is_none_or(Option::is_none) || *ints(4)?.values == [1];
            if !step_is_one {
                return Err(Refusal::Unsupported("with a step".into()));
            }
            Constant::Ints(Ints::list(list.values.get(at(start)..at(end)).unwrap_or_default().to_vec())?)
        }
        "Add" => Constant::Ints(ints(0)?.with(ints(1)?, i64::checked_add)?),
        "Sub" => Constant::Ints(ints(0)?.with(ints(1)?, i64::checked_sub)?),
        "Mul" => Constant::Ints(ints(0)?.with(ints(1)?, i64::checked_mul)?),
        "Div" => Constant::Ints(ints(0)?.with(ints(1)?, i64::checked_div)?),
        _ => return Err(Refusal::Unsupported("of constants".into())),
    };
    Ok(vec![Value::Constant(made)])
}

fn constant(node: &Node) -> Result<Constant, Refusal> {
    let Some(attribute) = node.attribute.first() else {
        return Err(Refusal::Unsupported("without a value".into()));
    };
    let float = |value: f32| Constant::Floats { dims: vec![], values: [value].into(), name: String::new() };
    match (attribute.name.as_str(), &attribute.t) {
        ("value", Some(tensor)) => Ok(Constant::of(tensor.clone())?),
        ("value_int", _) => Ok(Constant::Ints(Ints::scalar(attribute.i))),
        ("value_ints", _) => Ok(Constant::Ints(Ints::list(attribute.ints.clone())?)),
        ("value_float", _) => Ok(float(attribute.f)),
        (other, _) => Err(Refusal::Unsupported(format!("given as `{other}`"))),
    }
}

/// The shape of a value, or the part of it from `start` to `end`.
fn shape(node: &Node, inputs: Inputs<'_>) -> Made {
    let dims = match inputs.first() {
        Some(Some(Value::Tensor(tensor))) => &tensor.dims,
        Some(Some(Value::Constant(Constant::Floats { dims, .. }))) => dims,
        _ => return Err(Refusal::Unsupported("of something that is no layer's result".into())),
    };
    let end = |index: i64| position(index, dims.len()).unwrap_or(if index < 0 { 0 } else { dims.len() });
    let part = dims.get(end(node.int_or("start", 0))..end(node.int_or("end", i64::MAX))).unwrap_or_default();
    let values = part.iter().map(|&length| length as i64).collect();
    Ok(vec![Value::Constant(Constant::Ints(Ints::list(values)?))])
}
