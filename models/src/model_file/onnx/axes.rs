//! What the attributes of nodes that only move values mean for a value of a known shape: lengths, orders, ranges.

use super::constant::{bound, position};
use super::proto::Node;

/// Most axes of a value.
const MOST: usize = super::constant::MOST_AXES;

/// A part of an axis: every `step`-th place from `start` on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Range {
    pub axis: usize,
    pub start: usize,
    pub step: usize,
    pub length: usize,
}

impl Range {
    pub(super) const fn whole(axis: usize, length: usize) -> Self {
        Self { axis, start: 0, step: 1, length }
    }
}

/// The list of whole numbers at a place among the inputs; `None` where it is left out.
pub(super) type Lists<'a> = &'a dyn Fn(usize) -> Result<Option<Vec<i64>>, String>;

/// A list from an input or, in older opsets, from an attribute.
fn list(node: &Node, inputs: Lists<'_>, index: usize, attribute: &str) -> Result<Option<Vec<i64>>, String> {
    Ok(inputs(index)?.or_else(|| node.get(attribute).map(|attribute| attribute.ints.clone())))
}

/// The axis that a number means, negative ones from the end.
pub(super) fn axis(number: i64, rank: usize) -> Result<usize, String> {
    position(number, rank).ok_or_else(|| format!("along the axis {number} of {rank}"))
}

/// The axes that are named; `None` where none are.
pub(super) fn named(node: &Node, inputs: Lists<'_>, rank: usize) -> Result<Option<Vec<usize>>, String> {
    let Some(numbers) = list(node, inputs, 1, "axes")? else { return Ok(None) };
    let mut axes = numbers.into_iter().map(|number| axis(number, rank)).collect::<Result<Vec<_>, _>>()?;
    axes.sort_unstable();
    axes.dedup();
    Ok(Some(axes))
}

/// The lengths that `Reshape`, `Flatten`, `Squeeze` or `Unsqueeze` gives.
pub(super) fn reshaped(node: &Node, inputs: Lists<'_>, dims: &[usize]) -> Result<Vec<usize>, String> {
    match node.op_type.as_str() {
        "Reshape" => {
            let target = list(node, inputs, 1, "shape")?.ok_or("without a shape")?;
            lengths(dims, &target, node.int_or("allowzero", 0) != 0)
        }
        "Flatten" => {
            let number = node.int_or("axis", 1);
            let at = if number == dims.len() as i64 { dims.len() } else { axis(number, dims.len())? };
            Ok(vec![dims[..at].iter().product(), dims[at..].iter().product()])
        }
        "Squeeze" => {
            let gone = match named(node, inputs, dims.len())? {
                Some(axes) if axes.iter().any(|&axis| dims[axis] != 1) => {
                    return Err(format!("of the axes {axes:?} of {dims:?}"));
                }
                Some(axes) => axes,
                None => (0..dims.len()).filter(|&axis| dims[axis] == 1).collect(),
            };
            Ok(dims.iter().enumerate().filter(|(axis, _)| !gone.contains(axis)).map(|(_, &length)| length).collect())
        }
        _ => {
            let numbers = list(node, inputs, 1, "axes")?.ok_or("without axes")?;
            let rank = dims.len() + numbers.len();
            let new = numbers.into_iter().map(|number| axis(number, rank)).collect::<Result<Vec<_>, _>>()?;
            let mut old = dims.iter().copied();
            if rank > MOST {
                return Err(format!("to {rank} axes"));
            }
            Ok((0..rank).map(|axis| if new.contains(&axis) { 1 } else { old.next().unwrap_or(1) }).collect())
        }
    }
}

/// The lengths that a reshape to `target` gives: 0 keeps an axis, -1 is what is left.
fn lengths(dims: &[usize], target: &[i64], zero_is_zero: bool) -> Result<Vec<usize>, String> {
    // A shape can be thousands of numbers; a value has few axes.
    let refuse = || format!("{dims:?} becomes {:?}", target.get(..target.len().min(MOST)).unwrap_or_default());
    if target.len() > MOST {
        return Err(refuse());
    }
    let mut lengths = Vec::with_capacity(target.len());
    let mut open = None;
    for (axis, &length) in target.iter().enumerate() {
        lengths.push(match length {
            0 if !zero_is_zero => *dims.get(axis).ok_or_else(refuse)?,
            -1 if open.is_none() => {
                open = Some(axis);
                1
            }
            length => usize::try_from(length).map_err(|_| refuse())?,
        });
    }
    let product = |lengths: &[usize]| lengths.iter().try_fold(1_usize, |product, &length| product.checked_mul(length));
    let (elements, known) = (product(dims).ok_or_else(refuse)?, product(&lengths).ok_or_else(refuse)?);
    if let Some(open) = open.and_then(|axis| lengths.get_mut(axis)) {
        *open = elements.checked_div(known).ok_or_else(refuse)?;
    }
    if product(&lengths) == Some(elements) && elements > 0 { Ok(lengths) } else { Err(refuse()) }
}

/// The order that a `Transpose` gives the axes; the reverse one where it says none.
pub(super) fn order(node: &Node, rank: usize) -> Result<Vec<usize>, String> {
    let numbers = node.ints("perm");
    if numbers.is_empty() {
        return Ok((0..rank).rev().collect());
    }
    let order: Vec<usize> = numbers.iter().filter_map(|&number| position(number, rank)).collect();
    let is_whole = order.len() == rank && numbers.len() == rank && (0..rank).all(|axis| order.contains(&axis));
    if is_whole { Ok(order) } else { Err(format!("of {rank} axes in the order {numbers:?}")) }
}

/// The parts that a `Slice` keeps, of those axes that it does not keep whole.
pub(super) fn slice(node: &Node, inputs: Lists<'_>, dims: &[usize]) -> Result<Vec<Range>, String> {
    let one = |index, name| list(node, inputs, index, name);
    let starts = one(1, "starts")?.ok_or("without a start")?;
    let ends = one(2, "ends")?.ok_or("without an end")?;
    let axes = one(3, "axes")?.unwrap_or_else(|| (0..starts.len() as i64).collect());
    let steps = one(4, "steps")?.unwrap_or_else(|| vec![1; starts.len()]);
    if [ends.len(), axes.len(), steps.len()] != [starts.len(); 3] || starts.len() > dims.len() {
        return Err("with lists of different lengths".into());
    }
    let mut ranges = Vec::with_capacity(starts.len());
    for (((start, end), number), step) in starts.into_iter().zip(ends).zip(axes).zip(steps) {
        let axis = axis(number, dims.len())?;
        let step =
            usize::try_from(step).ok().filter(|&step| step > 0).ok_or_else(|| format!("with a step of {step}"))?;
        let (start, end) = (bound(start, dims[axis]), bound(end, dims[axis]));
        let range = Range { axis, start, step, length: end.saturating_sub(start).div_ceil(step) };
        if range.length == 0 {
            return Err("of nothing".into());
        }
        if range != Range::whole(axis, dims[axis]) {
            ranges.push(range);
        }
    }
    Ok(ranges)
}

/// The parts that a `Split` makes, one for each output.
pub(super) fn split(node: &Node, inputs: Lists<'_>, dims: &[usize]) -> Result<Vec<Range>, String> {
    let (axis, parts) = (axis(node.int_or("axis", 0), dims.len())?, node.output.len().max(1));
    let total = dims[axis];
    let sizes = match list(node, inputs, 1, "split")?.filter(|sizes| !sizes.is_empty()) {
        Some(sizes) => sizes,
        None => {
            let each = total.div_ceil(parts);
            (0..parts).map(|part| total.saturating_sub(part * each).min(each) as i64).collect()
        }
    };
    let mut start = 0_usize;
    let mut ranges = Vec::with_capacity(parts);
    for &size in &sizes {
        let length = usize::try_from(size).unwrap_or(0);
        ranges.push(Range { axis, start, step: 1, length });
        start = start.saturating_add(length);
    }
    let fits = start == total && sizes.len() == parts && ranges.iter().all(|range| range.length > 0);
    if fits { Ok(ranges) } else { Err(format!("into {parts} parts of {total}")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model_file::onnx::attributes::{int, ints};

    fn node(op: &str, attribute: Vec<crate::model_file::onnx::proto::Attribute>, outputs: usize) -> Node {
        Node { op_type: op.into(), attribute, output: vec!["y".into(); outputs], ..Default::default() }
    }

    /// No lists among the inputs.
    fn none(_: usize) -> Result<Option<Vec<i64>>, String> {
        Ok(None)
    }

    #[test]
    fn every_way_to_say_a_shape_gives_it() {
        let dims = [2, 12, 4, 5];
        let shape = |target: &[i64]| reshaped(&node("Reshape", vec![ints("shape", target)], 1), &none, &dims);
        assert_eq!(shape(&[0, 3, -1, 4, 5]), Ok(vec![2, 3, 4, 4, 5]));
        for target in [&[-1, -1][..], &[0, 0, 0, 0, 0], &[2, 7, -1], &[i64::MAX, i64::MAX], &[-2], &[], &[1; 17]] {
            assert!(shape(target).is_err(), "{target:?}");
        }
        let flat = |axis| reshaped(&node("Flatten", vec![int("axis", axis)], 1), &none, &dims);
        assert_eq!([0, 1, 2, 4, -1].map(|axis| flat(axis).unwrap()), [[1, 480], [2, 240], [24, 20], [480, 1], [96, 5]]);
        assert!(flat(5).is_err());
        let squeezed = |dims: &[usize], axes: &[i64]| {
            reshaped(&node("Squeeze", if axes.is_empty() { vec![] } else { vec![ints("axes", axes)] }, 1), &none, dims)
        };
        assert_eq!(squeezed(&[1, 8, 1, 1], &[-1, 2]), Ok(vec![1, 8]));
        assert_eq!(squeezed(&[1, 8, 1, 1], &[]), Ok(vec![8]));
        assert!(squeezed(&[1, 8, 1, 1], &[1]).is_err());
        let wider = reshaped(&node("Unsqueeze", vec![ints("axes", &[-1, 0])], 1), &none, &[8]);
        assert_eq!(wider, Ok(vec![1, 8, 1]));
    }

    #[test]
    fn slices_splits_and_orders_are_within_the_value_or_refused() {
        let dims = [1, 10, 4, 4];
        let sliced = |starts: &[i64], ends: &[i64], axes: &[i64]| {
            let lists = vec![ints("starts", starts), ints("ends", ends), ints("axes", axes)];
            slice(&node("Slice", lists, 1), &none, &dims)
        };
        assert_eq!(sliced(&[-3], &[i64::MAX], &[1]), Ok(vec![Range { axis: 1, start: 7, step: 1, length: 3 }]));
        assert_eq!(sliced(&[0, 0], &[9, 4], &[-3, 2]), Ok(vec![Range { axis: 1, start: 0, step: 1, length: 9 }]));
        assert!(sliced(&[5], &[5], &[1]).is_err() && sliced(&[0], &[1], &[4]).is_err());
        let parts = |attributes, outputs| split(&node("Split", attributes, outputs), &none, &dims);
        let lengths = |ranges: Vec<Range>| ranges.iter().map(|range| (range.start, range.length)).collect::<Vec<_>>();
        assert_eq!(parts(vec![int("axis", 1)], 3).map(lengths), Ok(vec![(0, 4), (4, 4), (8, 2)]));
        assert_eq!(parts(vec![int("axis", 1), ints("split", &[3, 7])], 2).map(lengths), Ok(vec![(0, 3), (3, 7)]));
        assert!(parts(vec![int("axis", 1), ints("split", &[3, 8])], 2).is_err());
        assert!(parts(vec![int("axis", 1), ints("split", &[i64::MAX, i64::MAX])], 2).is_err());
        let order = |perm: &[i64]| super::order(&node("Transpose", vec![ints("perm", perm)], 1), 3);
        assert_eq!(order(&[1, 0, 2]), Ok(vec![1, 0, 2]));
        assert!(order(&[0, 0, 2]).is_err() && order(&[0, 1]).is_err());
        assert_eq!(super::order(&node("Transpose", vec![], 1), 3), Ok(vec![2, 1, 0]));
    }
}
