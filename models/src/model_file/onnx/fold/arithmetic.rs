//! Constants computed element by element: lists of whole numbers, and floats of any shapes that go together.

use std::sync::Arc;

use super::{Budget, Constants, at, ints};
use crate::model_file::onnx::constant::{Constant, Floats, Ints};
use crate::model_file::onnx::proto::Node;

pub(super) fn evaluate(node: &Node, inputs: Constants<'_>, budget: &mut Budget) -> Result<Constant, String> {
    let op = node.op_type.as_str();
    match op {
        "Range" => range(inputs),
        "ReduceProd" => {
            let factors = ints(inputs, 0)?;
            let product = factors.values.iter().try_fold(1_i64, |product, &factor| product.checked_mul(factor));
            let rank = if node.int_or("keepdims", 1) == 0 { 0 } else { factors.dims.len() };
            Ok(Constant::Ints(Ints::new(vec![1; rank], [product.ok_or("a number leaves its range")?])?))
        }
        "Where" => choose(inputs),
        "Not" => {
            let values: Arc<[i64]> = ints(inputs, 0)?.values.iter().map(|&value| i64::from(value == 0)).collect();
            Ok(Constant::Ints(Ints { values, dims: ints(inputs, 0)?.dims.clone() }))
        }
        _ => match (at(inputs, 0)?, of_one(op)) {
            (Constant::Floats(floats), Some(function)) => {
                budget.floats(floats.values.len())?;
                let values: Arc<[f32]> = floats.values.iter().map(|&value| function(value)).collect();
                Ok(Constant::Floats(Floats { values, scales: None, ..floats.clone() }))
            }
            (Constant::Ints(few), Some(_)) if matches!(op, "Neg" | "Abs" | "Floor" | "Ceil") => {
                let change = |&value: &i64| match op {
                    "Neg" => value.checked_neg(),
                    "Abs" => value.checked_abs(),
                    _ => Some(value),
                };
                let values: Option<Arc<[i64]>> = few.values.iter().map(change).collect();
                Ok(Constant::Ints(Ints { values: values.ok_or("a number leaves its range")?, ..few.clone() }))
            }
            _ => of_two(op, inputs, budget),
        },
    }
}

fn of_one(op: &str) -> Option<fn(f32) -> f32> {
    Some(match op {
        "Sqrt" => f32::sqrt,
        "Exp" => f32::exp,
        "Log" => f32::ln,
        "Abs" => f32::abs,
        "Floor" => f32::floor,
        "Ceil" => f32::ceil,
        "Tanh" => f32::tanh,
        "Neg" => |value| -value,
        "Reciprocal" => |value| 1.0 / value,
        "Sigmoid" => |value| 1.0 / (1.0 + (-value).exp()),
        _ => return None,
    })
}

fn of_two(op: &str, inputs: Constants<'_>, budget: &mut Budget) -> Result<Constant, String> {
    if let (Constant::Ints(one), Constant::Ints(other)) = (at(inputs, 0)?, at(inputs, 1)?) {
        let truth = |of: fn(&i64, &i64) -> bool| move |a: i64, b: i64| Some(i64::from(of(&a, &b)));
        return Ok(Constant::Ints(match op {
            "Add" => one.with(other, i64::checked_add)?,
            "Sub" => one.with(other, i64::checked_sub)?,
            "Mul" => one.with(other, i64::checked_mul)?,
            "Div" => one.with(other, i64::checked_div)?,
            "Mod" => one.with(other, i64::checked_rem_euclid)?,
            "Max" => one.with(other, |a, b| Some(a.max(b)))?,
            "Min" => one.with(other, |a, b| Some(a.min(b)))?,
            "Equal" => one.with(other, truth(i64::eq))?,
            "Greater" => one.with(other, truth(i64::gt))?,
            "GreaterOrEqual" => one.with(other, truth(i64::ge))?,
            "Less" => one.with(other, truth(i64::lt))?,
            "LessOrEqual" => one.with(other, truth(i64::le))?,
            "And" => one.with(other, |a, b| Some(i64::from(a != 0 && b != 0)))?,
            "Or" => one.with(other, |a, b| Some(i64::from(a != 0 || b != 0)))?,
            "Xor" => one.with(other, |a, b| Some(i64::from((a != 0) != (b != 0))))?,
            _ => return Err("of whole numbers".into()),
        }));
    }
    let operation: fn(f32, f32) -> f32 = match op {
        "Add" => |a, b| a + b,
        "Sub" => |a, b| a - b,
        "Mul" => |a, b| a * b,
        "Div" => |a, b| a / b,
        "Max" => f32::max,
        "Min" => f32::min,
        "Pow" => f32::powf,
        _ => return Err("of constants".into()),
    };
    let side = |index| match at(inputs, index)? {
        Constant::Floats(floats) => Ok(floats.clone()),
        Constant::Ints(few) => Ok(as_floats(few)),
        Constant::Other(reason) => Err(reason.to_string()),
    };
    broadcast(&side(0)?, &side(1)?, operation, budget).map(Constant::Floats)
}

/// Whole numbers as floats.
pub(super) fn as_floats(ints: &Ints) -> Floats {
    let values: Vec<f32> = ints.values.iter().map(|&value| value as f32).collect();
    Floats::new(ints.dims.clone(), values)
}

/// `operation` on each pair; axes of length 1 go with any.
fn broadcast(
    one: &Floats,
    other: &Floats,
    operation: fn(f32, f32) -> f32,
    budget: &mut Budget,
) -> Result<Floats, String> {
    let dims = together(&one.dims, &other.dims)
        .ok_or_else(|| format!("shapes {:?} and {:?} do not go together", one.dims, other.dims))?;
    let count = dims.iter().try_fold(1_usize, |count, &length| count.checked_mul(length)).ok_or("too many values")?;
    budget.floats(count)?;
    let (left, right) = (steps(&one.dims, &dims), steps(&other.dims, &dims));
    let mut place = vec![0_usize; dims.len()];
    let mut values = Vec::with_capacity(count);
    for _ in 0..count {
        let at = |steps: &[usize]| place.iter().zip(steps).map(|(index, step)| index * step).sum::<usize>();
        let pair = (one.values.get(at(&left)), other.values.get(at(&right)));
        let (Some(&a), Some(&b)) = pair else { return Err("its values do not fill their shape".into()) };
        values.push(operation(a, b));
        for (index, &length) in place.iter_mut().zip(&dims).rev() {
            *index += 1;
            if *index < length {
                break;
            }
            *index = 0;
        }
    }
    // A parameter that is scaled stays that parameter.
    let name = if one.name.is_empty() { &other.name } else { &one.name };
    Ok(Floats::new(dims, values).named(name))
}

/// The shape of what is made of two shapes.
pub(in crate::model_file::onnx) fn together(one: &[usize], other: &[usize]) -> Option<Vec<usize>> {
    let rank = one.len().max(other.len());
    let at = |dims: &[usize], axis: usize| (axis + dims.len()).checked_sub(rank).map_or(1, |axis| dims[axis]);
    (0..rank)
        .map(|axis| match (at(one, axis), at(other, axis)) {
            (a, b) if a == b => Some(a),
            (1, length) | (length, 1) => Some(length),
            _ => None,
        })
        .collect()
}

/// How far the next place along each axis of `whole` is in a tensor of `dims`; zero where it has one for all.
fn steps(dims: &[usize], whole: &[usize]) -> Vec<usize> {
    let mut steps = vec![0; whole.len()];
    let mut step = 1;
    for (axis, &length) in dims.iter().enumerate().rev() {
        if length > 1 {
            steps[axis + whole.len() - dims.len()] = step;
        }
        step *= length;
    }
    steps
}

fn range(inputs: Constants<'_>) -> Result<Constant, String> {
    let number = |index| Ok::<_, String>(ints(inputs, index)?.values.first().copied().unwrap_or(0));
    let (start, end, step) = (number(0)?, number(1)?, number(2)?);
    if step <= 0 {
        return Err(format!("with a step of {step}"));
    }
    let mut values = Vec::new();
    let mut next = Some(start);
    while let Some(value) = next.filter(|&value| value < end && values.len() <= Ints::LONGEST) {
        values.push(value);
        next = value.checked_add(step);
    }
    Ok(Constant::Ints(Ints::list(values)?))
}

/// From the second input where the first one is true, otherwise from the third.
fn choose(inputs: Constants<'_>) -> Result<Constant, String> {
    let (truth, yes, no) = (ints(inputs, 0)?, ints(inputs, 1)?, ints(inputs, 2)?);
    let yes = truth.with(yes, |is, value| Some(if is != 0 { value } else { 0 }))?;
    let no = truth.with(no, |is, value| Some(if is == 0 { value } else { 0 }))?;
    Ok(Constant::Ints(yes.with(&no, i64::checked_add)?))
}
