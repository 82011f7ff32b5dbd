//! Constants in other shapes and orders: nothing is computed with their values.

use super::{Budget, Constants, at, ints};
use crate::model_file::onnx::axes::{self, Range};
use crate::model_file::onnx::constant::{Constant, Floats, Ints, position};
use crate::model_file::onnx::proto::Node;

pub(super) fn evaluate(node: &Node, inputs: Constants<'_>, budget: &mut Budget) -> Result<Vec<Constant>, String> {
    match at(inputs, 0)? {
        Constant::Ints(list) => of_ints(node, inputs, list),
        Constant::Floats(floats) => of_floats(node, inputs, floats, budget),
        Constant::Other(reason) => Err(reason.to_string()),
    }
}

/// Lists of numbers have one axis that is longer than 1 at most.
fn of_ints(node: &Node, inputs: Constants<'_>, list: &Ints) -> Result<Vec<Constant>, String> {
    let one = |ints| Ok(vec![Constant::Ints(ints)]);
    match node.op_type.as_str() {
        "Gather" if node.int_or("axis", 0) == 0 => one(ints(inputs, 0)?.gather(ints(inputs, 1)?)?),
        "Unsqueeze" | "Flatten" | "Reshape" | "Squeeze" => {
            one(list.shaped(axes::reshaped(node, &numbers(inputs), &list.dims)?)?)
        }
        "Transpose" => {
            let order = axes::order(node, list.dims.len())?;
            one(list.shaped(order.into_iter().map(|axis| list.dims[axis]).collect())?)
        }
        "Concat" => one(joined_ints(node, inputs)?),
        "Expand" => {
            let lengths = ints(inputs, 1)?;
            let (&[length], Some(&value)) = (&*lengths.values, list.values.first()) else {
                return Err("of whole numbers along several axes".into());
            };
            if list.values.len() > 1 {
                return one(list.clone());
            }
            let length = usize::try_from(length).ok().filter(|&length| length <= Ints::LONGEST);
            one(Ints::list(vec![value; length.ok_or("a list that is too long for a shape")?])?)
        }
        "Slice" | "Split" if list.dims.len() == 1 => {
            let ranges = if node.op_type == "Slice" {
                vec![axes::slice(node, &numbers(inputs), &[list.values.len()])?]
            } else {
                axes::split(node, &numbers(inputs), &[list.values.len()])?
                    .into_iter()
                    .map(|range| vec![range])
                    .collect()
            };
            let part = |ranges: Vec<Range>| {
                let range = ranges.first().copied().unwrap_or(Range::whole(0, list.values.len()));
                let chosen = list.values.iter().skip(range.start).step_by(range.step).take(range.length);
                Ok(Constant::Ints(Ints::list(chosen.copied().collect())?))
            };
            ranges.into_iter().map(part).collect()
        }
        _ => Err("of whole numbers".into()),
    }
}

/// The lists that follow the first input.
fn numbers<'a>(inputs: Constants<'a>) -> impl Fn(usize) -> Result<Option<Vec<i64>>, String> + 'a {
    move |index| match inputs.get(index).copied().flatten() {
        None => Ok(None),
        Some(_) => Ok(Some(ints(inputs, index)?.values.to_vec())),
    }
}

fn of_floats(
    node: &Node,
    inputs: Constants<'_>,
    floats: &Floats,
    budget: &mut Budget,
) -> Result<Vec<Constant>, String> {
    let one = |floats| Ok(vec![Constant::Floats(floats)]);
    let list = numbers(inputs);
    let named = |floats: Floats| {
        if floats.name.is_empty() { floats.named(node.output.first().map_or("", String::as_str)) } else { floats }
    };
    match node.op_type.as_str() {
        "Reshape" | "Flatten" | "Squeeze" | "Unsqueeze" => {
            one(floats.shaped(axes::reshaped(node, &list, &floats.dims)?))
        }
        "Transpose" => {
            let order = axes::order(node, floats.dims.len())?;
            budget.floats(floats.values.len())?;
            one(transposed(floats, &order))
        }
        "Slice" => {
            let mut part = floats.clone();
            for range in axes::slice(node, &list, &floats.dims)? {
                budget.floats(floats.values.len())?;
                part = sliced(&part, &range);
            }
            one(part)
        }
        "Split" => {
            budget.floats(floats.values.len())?;
            let ranges = axes::split(node, &list, &floats.dims)?;
            let parts = ranges.into_iter().zip(&node.output);
            Ok(parts.map(|(range, name)| Constant::Floats(sliced(floats, &range).named(name))).collect())
        }
        "Gather" => {
            let axis = position(node.int_or("axis", 0), floats.dims.len()).ok_or("along an axis that is not there")?;
            let indices = ints(inputs, 1)?;
            let places = indices.values.iter().map(|&index| position(index, floats.dims[axis]));
            let places: Option<Vec<usize>> = places.collect();
            let chosen = picked(floats, axis, &places.ok_or("of places that are not there")?, budget)?;
            let mut dims = chosen.dims.clone();
            dims.splice(axis..=axis, indices.dims.iter().copied());
            one(chosen.shaped(dims))
        }
        "Concat" => joined(node, inputs, budget).and_then(|floats| one(named(floats))),
        "Expand" => {
            let dims: Option<Vec<usize>> =
                ints(inputs, 1)?.values.iter().map(|&one| usize::try_from(one).ok()).collect();
            let dims =
                dims.and_then(|dims| super::arithmetic::together(&floats.dims, &dims)).ok_or("to another shape")?;
            let count = dims.iter().try_fold(1_usize, |count, &length| count.checked_mul(length)).unwrap_or(usize::MAX);
            budget.floats(count)?;
            let mut wide = floats.shaped([vec![1; dims.len() - floats.dims.len()], floats.dims.clone()].concat());
            for (axis, &length) in dims.iter().enumerate() {
                if wide.dims[axis] != length {
                    wide = picked(&wide, axis, &vec![0; length], budget)?;
                }
            }
            one(wide)
        }
        _ => Err("of constants".into()),
    }
}

/// Product of the lengths before and behind an axis.
fn around(dims: &[usize], axis: usize) -> (usize, usize) {
    (dims[..axis].iter().product(), dims[axis + 1..].iter().product())
}

fn sliced(floats: &Floats, range: &Range) -> Floats {
    let places: Vec<usize> = (0..range.length).map(|index| range.start + index * range.step).collect();
    chosen(floats, range.axis, &places)
}

fn picked(floats: &Floats, axis: usize, places: &[usize], budget: &mut Budget) -> Result<Floats, String> {
    let (before, behind) = around(&floats.dims, axis);
    budget.floats(before.saturating_mul(behind).saturating_mul(places.len()))?;
    Ok(chosen(floats, axis, places))
}

/// The places of an axis, each of them in it.
fn chosen(floats: &Floats, axis: usize, places: &[usize]) -> Floats {
    let (before, behind) = around(&floats.dims, axis);
    let length = floats.dims[axis];
    let mut values = Vec::with_capacity(before * behind * places.len());
    for outer in 0..before {
        for place in places {
            let start = (outer * length + place) * behind;
            values.extend_from_slice(floats.values.get(start..start + behind).unwrap_or_default());
        }
    }
    let mut dims = floats.dims.clone();
    dims[axis] = places.len();
    Floats::new(dims, values).named(&floats.name)
}

/// The axes in another order.
pub(in crate::model_file::onnx) fn transposed(floats: &Floats, order: &[usize]) -> Floats {
    let mut steps = vec![1; floats.dims.len()];
    for axis in (1..steps.len()).rev() {
        steps[axis - 1] = steps[axis] * floats.dims[axis];
    }
    let dims: Vec<usize> = order.iter().map(|&axis| floats.dims[axis]).collect();
    let steps: Vec<usize> = order.iter().map(|&axis| steps[axis]).collect();
    let mut values = Vec::with_capacity(floats.values.len());
    let (mut place, mut from) = (vec![0_usize; dims.len()], 0);
    while let Some(&value) = floats.values.get(from).filter(|_| values.len() < floats.values.len()) {
        values.push(value);
        // The next place, its last axis first.
        for ((index, &length), &step) in place.iter_mut().zip(&dims).zip(&steps).rev() {
            *index += 1;
            from += step;
            if *index < length {
                break;
            }
            from -= length * step;
            *index = 0;
        }
    }
    Floats::new(dims, values).named(&floats.name)
}

/// The axis along which values of these shapes are put together, and the shape of the whole.
fn joined_dims(node: &Node, parts: &[&[usize]]) -> Result<(usize, Vec<usize>), String> {
    let mut dims = parts.first().ok_or("of nothing")?.to_vec();
    let axis = position(node.int_or("axis", 0), dims.len()).ok_or("along an axis that is not there")?;
    dims[axis] = 0;
    for part in parts {
        if part.len() != dims.len() || (0..dims.len()).any(|at| at != axis && part[at] != dims[at]) {
            return Err("of shapes that do not go together".into());
        }
        dims[axis] += part[axis];
    }
    Ok((axis, dims))
}

fn joined_ints(node: &Node, inputs: Constants<'_>) -> Result<Ints, String> {
    let parts = (0..inputs.len()).map(|index| ints(inputs, index)).collect::<Result<Vec<_>, _>>()?;
    let (_, dims) = joined_dims(node, &parts.iter().map(|part| part.dims.as_slice()).collect::<Vec<_>>())?;
    // Along one axis in every part and in the whole, so in this order.
    let values: Vec<i64> = parts.iter().flat_map(|part| part.values.iter().copied()).take(Ints::LONGEST + 1).collect();
    Ints::new(dims, values)
}

fn joined(node: &Node, inputs: Constants<'_>, budget: &mut Budget) -> Result<Floats, String> {
    let mut parts = Vec::with_capacity(inputs.len());
    for index in 0..inputs.len() {
        match at(inputs, index)? {
            Constant::Floats(floats) => parts.push(floats),
            _ => return Err("of floats and whole numbers".into()),
        }
    }
    let (axis, dims) = joined_dims(node, &parts.iter().map(|part| part.dims.as_slice()).collect::<Vec<_>>())?;
    let count = parts.iter().map(|part| part.values.len()).sum();
    budget.floats(count)?;
    let before = around(&dims, axis).0;
    let mut values = Vec::with_capacity(count);
    for outer in 0..before {
        for part in &parts {
            let row = part.values.len() / before.max(1);
            values.extend_from_slice(part.values.get(outer * row..(outer + 1) * row).unwrap_or_default());
        }
    }
    Ok(Floats::new(dims, values))
}
